//! The backend is killed, and the cache keeps serving: `stale_if_error`, `error_backoff` and `soft_timeout`.
//!
//! ```text
//! cargo run --example stale_if_error
//! ```
//!
//! A service of exchange rates listens on a loopback port, and two caches load
//! from it over HTTP: one with a time to live and nothing else, one that has
//! something to fall back on. Readers ask both all the time. Then the service is
//! killed, comes back at another address, and hangs for a while.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use bellwether::{AsyncCache, BoxError, CacheBuilder, ErrorBackoff, Fetched, Freshness, Source, StaleReason};
use tokio::sync::{oneshot, watch};
use tokio::task::{self, JoinSet};
use tokio::time::{sleep, timeout};

/// The currencies that readers ask for, with their rates.
const RATES: [(&str, f64); 3] = [("EUR", 1.0812), ("GBP", 1.2644), ("CHF", 1.1173)];
/// One that nobody has asked for before the service is killed.
const COLD: &str = "SEK";
/// How long a rate is good for.
const LIVE: Duration = Duration::from_millis(300);
/// How long after that it is better than nothing.
const FALLBACK: Duration = Duration::from_secs(60);
/// The first wait after a load that failed.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// How long one waits for a load who could have an old rate.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long readers come while the service is down, at least.
const OUTAGE: Duration = Duration::from_millis(1_500);
/// Loads of each currency that fail meanwhile, at least, however slow the machine is.
const FAILURES: u32 = 3;
/// The pause between two reads of one reader.
const PAUSE: Duration = Duration::from_millis(5);
/// How long anything may take that has to come some time.
const LIMIT: Duration = Duration::from_secs(20);

/// A cache of rates by their currencies.
type Rates = AsyncCache<String, Rate>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let hangs = watch::Sender::new(false);
    let service = Service::start(1, &hangs)?;
    let address = watch::Sender::new(service.address);
    let plain = rates(&address, |builder| builder)?;
    let falling_back = rates(&address, |builder| {
        let backoff = ErrorBackoff::new(FIRST_WAIT).max(LONGEST_WAIT);
        builder.stale_if_error(FALLBACK).error_backoff(backoff).soft_timeout(PATIENCE)
    })?;

    println!("the service is up, at {}", service.address);
    for (currency, _) in RATES {
        plain.fetch_with(currency).await?;
        let fetched = falling_back.fetch_detailed(currency).await?;
        println!("  {currency} {:.4}, {}", fetched.value.rate, origin(fetched.source));
        check(fetched.source == Source::Loaded, "the first read loads")?;
    }

    service.kill().await?;
    println!("\nit is killed; a rate is good for {LIVE:?}, and better than nothing for {FALLBACK:?} more");
    outage(&plain, &falling_back).await?;

    let service = Service::start(2, &hangs)?;
    address.send_replace(service.address);
    println!("\nit is back, at {}, with new rates", service.address);
    recovery(&falling_back).await?;

    println!("\nit takes requests and doesn't answer: who could have an old rate waits for {PATIENCE:?}");
    hanging(&falling_back, &hangs).await?;
    service.kill().await
}

/// The time without a service: what readers of both caches get, and what it costs.
async fn outage(plain: &Rates, falling_back: &Rates) -> Result<(), BoxError> {
    let began = Instant::now();
    let (without, with) = (crowd(plain, began), crowd(falling_back, began));
    tell(falling_back, RATES[0].0, began).await?;
    let (without, with) = (gathered(without).await?, gathered(with).await?);

    // A currency without any rate: there is nothing to fall back on, but the service isn't hammered either.
    let mut errors = 0;
    for _ in 0..100 {
        errors += u64::from(falling_back.fetch_with(COLD).await.is_err());
    }

    let (metrics, hammered) = (falling_back.metrics(), plain.metrics().loads_failed());
    let attempts = metrics.loads_failed();
    let most = most_attempts(began.elapsed()) * (RATES.len() as u64 + 1);
    println!("  time_to_live alone: {:>4} of {:>4} reads failed, {hammered:>4} loads were tried", without.errors, without.reads);
    println!("  stale_if_error:     {:>4} of {:>4} reads failed, {attempts:>4} loads were tried", with.errors, with.reads);
    println!("                      {:>4} got an old rate, of {} ms at most", with.stale, with.oldest.as_millis());
    println!("  {COLD}, never loaded:  {errors:>4} of  100 reads failed, {:>4} by the error that is remembered", metrics.negative_hits);

    check(without.errors > 0, "a cache with nothing to fall back on hands out errors")?;
    check(with.errors == 0, "one with old rates goes on serving them")?;
    check(with.stale > 0 && with.oldest >= LIVE, "they are past their time to live")?;
    check(errors == 100 && metrics.negative_hits > 0, "a failure is remembered where there is no value")?;
    check(attempts <= most, "each currency is tried again, ever less often")
}

/// The most loads of one currency that a time has room for, if chance makes all waits as short as it can: half as long.
fn most_attempts(within: Duration) -> u64 {
    let (mut time, mut wait, mut attempts) = (Duration::ZERO, FIRST_WAIT, 0);
    while time <= within {
        attempts += 1;
        time += wait / 2;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    attempts
}

/// Tells of each load of a currency that has failed, as the entry itself knows of it.
async fn tell(cache: &Rates, currency: &str, began: Instant) -> Result<(), BoxError> {
    let mut failures = 0;
    while began.elapsed() < OUTAGE || failures < FAILURES {
        let info = cache.entry_info(currency).ok_or("the old rate is held")?;
        if info.failures > failures {
            failures = info.failures;
            let (at, age) = (began.elapsed().as_millis(), info.age.as_millis());
            let next = info.next_try.unwrap_or_default().as_millis();
            println!("  after {at:>4} ms: {currency} is {age:>4} ms old, failures in a row: {failures:>2}, next try in {next:>3} ms");
        }
        check(began.elapsed() < LIMIT, "loads fail, and are tried again")?;
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Reads on until all rates are the new service's.
async fn recovery(cache: &Rates) -> Result<(), BoxError> {
    let began = Instant::now();
    for (currency, old) in RATES {
        let fetched = loop {
            let fetched = cache.fetch_detailed(currency).await?;
            if fetched.value.service == 2 {
                break fetched;
            }
            check(began.elapsed() < LIMIT, "the new rates come")?;
            sleep(PAUSE).await;
        };
        let info = cache.entry_info(currency).ok_or("the new rate is held")?;
        println!("  after {:>3} ms: {currency} {:.4}, {}", began.elapsed().as_millis(), fetched.value.rate, origin(fetched.source));
        check(fetched.value.rate > old, "it is a new rate")?;
        check(info.failures == 0 && info.next_try.is_none(), "the failures are forgotten")?;
    }
    Ok(())
}

/// Reads while the service takes requests and doesn't answer them.
async fn hanging(cache: &Rates, hangs: &watch::Sender<bool>) -> Result<(), BoxError> {
    let (currency, _) = RATES[0];
    hangs.send_replace(true);
    let began = Instant::now();
    while cache.entry_info(currency).is_some_and(|info| info.state != Freshness::ErrorFallback) {
        check(began.elapsed() < LIMIT, "the rate expires")?;
        sleep(PAUSE).await;
    }

    let asked = Instant::now();
    let fetched = cache.fetch_detailed(currency).await?;
    println!("  after {:>3} ms: {currency} {:.4}, {}", asked.elapsed().as_millis(), fetched.value.rate, origin(fetched.source));
    check(matches!(fetched.source, Source::Stale { why: StaleReason::LoadSlow, .. }), "it got the old rate in place of a long wait")?;
    check(cache.metrics().flights == 1, "the load goes on")?;

    hangs.send_replace(false);
    timeout(LIMIT, cache.wait_idle()).await?;
    let info = cache.entry_info(currency).ok_or("the new rate is held")?;
    println!("  it answers at last, and what it says is stored: {currency} is {} ms old", info.age.as_millis());
    check(info.age < asked.elapsed(), "the load that nobody waited for any more has brought a new rate")
}

/// What the readers of one cache saw.
#[derive(Default)]
struct Seen {
    reads: u64,
    errors: u64,
    stale: u64,
    /// The greatest age of a stale rate.
    oldest: Duration,
}

/// A reader for each currency.
fn crowd(cache: &Rates, began: Instant) -> JoinSet<Seen> {
    RATES.into_iter().map(|(currency, _)| read(cache.clone(), currency, began)).collect()
}

/// What all readers saw.
async fn gathered(mut readers: JoinSet<Seen>) -> Result<Seen, BoxError> {
    let mut all = Seen::default();
    while let Some(seen) = readers.join_next().await {
        let seen = seen?;
        all.reads += seen.reads;
        all.errors += seen.errors;
        all.stale += seen.stale;
        all.oldest = all.oldest.max(seen.oldest);
    }
    Ok(all)
}

/// One reader: asks for a rate until the outage is over, and goes on whatever it gets.
async fn read(cache: Rates, currency: &str, began: Instant) -> Seen {
    let mut seen = Seen::default();
    while began.elapsed() < OUTAGE || cache.metrics().loads_failed() < u64::from(FAILURES) * RATES.len() as u64 {
        seen.reads += 1;
        match cache.fetch_detailed(currency).await {
            Ok(Fetched { source: Source::Stale { age, .. }, .. }) => {
                seen.stale += 1;
                seen.oldest = seen.oldest.max(age);
            }
            Ok(_) => {}
            Err(_) => seen.errors += 1,
        }
        if began.elapsed() > LIMIT {
            break;
        }
        sleep(PAUSE).await;
    }
    seen
}

/// Where a rate came from, in words.
fn origin(source: Source) -> String {
    match source {
        Source::Stale { age, why } => {
            let why = match why {
                StaleReason::LoadFailed => "the load failed",
                StaleReason::LoadSlow => "the load takes too long",
                StaleReason::BackingOff => "it isn't time for another try",
                _ => "stale",
            };
            format!("{} ms old: {why}", age.as_millis())
        }
        Source::Hit => "a hit".to_owned(),
        _ => "loaded".to_owned(),
    }
}

/// An exchange rate.
struct Rate {
    rate: f64,
    /// Which start of the service it is from.
    service: u64,
}

/// A cache that loads from wherever the service is.
fn rates(
    address: &watch::Sender<SocketAddr>,
    settings: impl FnOnce(CacheBuilder<String, Rate>) -> CacheBuilder<String, Rate>,
) -> Result<Rates, BoxError> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let address = address.subscribe();
    let load = move |currency: String| {
        let (client, address) = (client.clone(), *address.borrow());
        async move {
            let response = client.get(format!("http://{address}/rates/{currency}")).send().await?;
            let text = response.error_for_status()?.text().await?;
            let (rate, service) = text.split_once(' ').ok_or("the service talks nonsense")?;
            bellwether::ok(Rate { rate: rate.parse()?, service: service.parse()? })
        }
    };
    Ok(settings(AsyncCache::builder().time_to_live(LIVE).load_timeout(LIMIT)).async_loader_fn(load).build_async()?)
}

/// The service of rates, in a thread and a runtime of its own.
struct Service {
    address: SocketAddr,
    thread: JoinHandle<io::Result<()>>,
    /// Dropped to kill it.
    life: oneshot::Sender<()>,
}

/// What the service's handler knows.
#[derive(Clone)]
struct Knowledge {
    /// Which start of the service it is.
    number: u32,
    hangs: watch::Receiver<bool>,
}

impl Service {
    fn start(number: u32, hangs: &watch::Sender<bool>) -> Result<Self, BoxError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/rates/{currency}", get(show)).with_state(Knowledge { number, hangs: hangs.subscribe() });
        let (life, killed) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            // It ends with this thread, and with it every connection.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                tokio::select! {
                    ended = axum::serve(listener, router).into_future() => ended,
                    _ = killed => Ok(()),
                }
            })
        });
        Ok(Self { address, thread, life })
    }

    /// Ends it in the middle of whatever it does.
    async fn kill(self) -> Result<(), BoxError> {
        drop(self.life);
        let thread = self.thread;
        task::spawn_blocking(move || thread.join()).await?.map_err(|_| "the service panicked")??;
        Ok(())
    }
}

/// A rate, which grows with each start of the service.
async fn show(State(mut known): State<Knowledge>, Path(currency): Path<String>) -> Result<String, StatusCode> {
    let _ = known.hangs.wait_for(|hangs| !hangs).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let (_, rate) = RATES.into_iter().find(|(listed, _)| *listed == currency).ok_or(StatusCode::NOT_FOUND)?;
    Ok(format!("{} {}", rate * (1.0 + f64::from(known.number - 1) / 100.0), known.number))
}

/// Ends the example with an error if something isn't as it says.
fn check(holds: bool, what: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(format!("it isn't so: {what}").into()) }
}
