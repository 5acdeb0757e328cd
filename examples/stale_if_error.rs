//! The backend is killed, and the cache keeps serving: `stale_if_error`, `error_backoff` and `soft_timeout`.
//!
//! ```text
//! cargo run --release --example stale_if_error
//! ```
//!
//! A service of exchange rates listens on a loopback port, and two caches load
//! from it over HTTP: one with a time to live and nothing else, one that has
//! something to fall back on. Readers ask both all the time. Then the service is
//! killed, comes back at another address, and hangs for a while.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use bellwether::{AsyncCache, BoxError, BuildError, CacheBuilder, ErrorBackoff, Fetched, Freshness, LoadError, Source, StaleReason};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The currencies that readers ask for, with their rates.
const RATES: [(&str, f64); 3] = [("EUR", 1.0812), ("GBP", 1.2644), ("CHF", 1.1173)];
/// One that nobody has asked for before the service is killed.
const COLD: &str = "SEK";
/// How long a rate is good for.
const LIVE: Duration = Duration::from_millis(300);
/// How long after that it is better than nothing.
const FALLBACK: Duration = Duration::from_secs(60);
/// The first wait after a load that failed, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// How long one waits for a load who could have an old rate.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long the service is down.
const OUTAGE: Duration = Duration::from_millis(1_500);
/// The pause between two reads of one reader.
const PAUSE: Duration = Duration::from_millis(5);
/// How long anything may take that has to come some time.
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let told = Arc::new(Told::default());
    let mut service = Service::start(1, &told)?;
    let address = Arc::new(Mutex::new(service.address));
    let plain = rates(&address, |builder| builder)?;
    let falling_back = rates(&address, |builder| {
        let backoff = ErrorBackoff::new(FIRST_WAIT).max(LONGEST_WAIT);
        builder.stale_if_error(FALLBACK).error_backoff(backoff).soft_timeout(PATIENCE)
    })?;

    println!("the service is up at {}", service.address);
    for (currency, _) in RATES {
        plain.fetch_with(currency).await?;
        let fetched = falling_back.fetch_detailed(currency).await?;
        println!("  {currency} {:.4}, {}", fetched.value.rate, origin(fetched.source));
        check(fetched.source == Source::Loaded, "the first read loads")?;
    }

    println!("\nit is killed; a rate is good for {LIVE:?}, and better than nothing for {FALLBACK:?} more");
    service.kill()?;
    outage(&plain, &falling_back).await?;

    service = Service::start(2, &told)?;
    *address.lock().unwrap_or_else(PoisonError::into_inner) = service.address;
    println!("\nit is back, at {}, with new rates", service.address);
    recovery(&falling_back).await?;

    println!("\nit hangs: who could have an old rate waits no longer than {PATIENCE:?}");
    hanging(&falling_back, &told).await?;
    service.kill()
}

/// The time without a service: what readers of both caches get, and what it costs.
async fn outage(plain: &AsyncCache<String, Rate>, falling_back: &AsyncCache<String, Rate>) -> Result<(), BoxError> {
    let began = Instant::now();
    let mut readers = JoinSet::new();
    for (currency, _) in RATES {
        for cache in [plain, falling_back] {
            readers.spawn(read(cache.clone(), currency, began));
        }
    }
    tell(falling_back, RATES[0].0, began).await?;
    let (mut without, mut with) = (Seen::default(), Seen::default());
    while let Some(seen) = readers.join_next().await {
        let seen = seen?;
        if seen.fell_back { with.add(&seen) } else { without.add(&seen) }
    }

    // A currency without any rate: there is nothing to fall back on, but the service isn't hammered either.
    let mut errors = 0;
    for _ in 0..100 {
        errors += u64::from(falling_back.fetch_with(COLD).await.is_err());
    }
    let lasted = began.elapsed();
    let (metrics, attempts) = (falling_back.metrics(), falling_back.metrics().loads_failed());
    println!("  time_to_live alone: {} of {} reads failed, {} loads were tried", without.errors, without.reads, plain.metrics().loads_failed());
    println!("  stale_if_error:     {} of {} reads failed, {attempts} loads were tried", with.errors, with.reads);
    println!("                      {} reads got an old rate, {} ms old at most", with.stale, with.oldest.as_millis());
    println!("  {COLD}, never loaded: {errors} of 100 reads failed, {} of them by the error that is remembered", metrics.negative_hits);

    check(without.errors > 0, "a cache with nothing to fall back on hands out errors")?;
    check(with.errors == 0, "one with old rates goes on serving them")?;
    check(with.stale > 0 && with.oldest >= LIVE, "they are past their time to live")?;
    check(metrics.stale_hits > attempts, "most old rates are served at once, while no load is tried")?;
    check(errors == 100 && metrics.negative_hits > 0, "a failure is remembered where there is no value")?;
    let most = most_attempts(lasted) * (RATES.len() as u64 + 1);
    check(attempts >= 2 && attempts <= most, "each currency is tried again, ever less often")
}

/// The most loads of one currency that a time has room for, all waits being as short as chance can make them: half as long.
fn most_attempts(within: Duration) -> u64 {
    let (mut time, mut wait, mut attempts) = (Duration::ZERO, FIRST_WAIT, 0);
    while time <= within {
        attempts += 1;
        time += wait / 2;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
    attempts
}

/// Reads on until all rates are the new service's.
async fn recovery(cache: &AsyncCache<String, Rate>) -> Result<(), BoxError> {
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
        check((fetched.value.rate - old).abs() > f64::EPSILON, "it is a new rate")?;
        check(info.failures == 0 && info.next_try.is_none(), "the failures are forgotten")?;
    }
    Ok(())
}

/// Reads while the service takes requests and doesn't answer them.
async fn hanging(cache: &AsyncCache<String, Rate>, told: &Told) -> Result<(), BoxError> {
    let (currency, _) = RATES[0];
    told.hangs.send_replace(true);
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

    told.hangs.send_replace(false);
    timeout(LIMIT, cache.wait_idle()).await?;
    let info = cache.entry_info(currency).ok_or("the new rate is held")?;
    println!("  the service answers, and what it says is stored: {:?} since {} ms", info.state, info.age.as_millis());
    check(info.age < asked.elapsed(), "the load that nobody waited for any more has brought a new rate")
}

/// What the readers of one cache saw.
#[derive(Default)]
struct Seen {
    /// Whether the cache has anything to fall back on.
    fell_back: bool,
    reads: u64,
    errors: u64,
    stale: u64,
    /// The greatest age of a stale rate.
    oldest: Duration,
}

impl Seen {
    fn add(&mut self, other: &Self) {
        self.reads += other.reads;
        self.errors += other.errors;
        self.stale += other.stale;
        self.oldest = self.oldest.max(other.oldest);
    }
}

/// One reader: asks for a rate until the outage is over, and goes on whatever it gets.
async fn read(cache: AsyncCache<String, Rate>, currency: &str, began: Instant) -> Seen {
    let mut seen = Seen { fell_back: cache.entry_info(currency).is_some_and(|info| info.usable_for > info.time_left), ..Seen::default() };
    while began.elapsed() < OUTAGE {
        seen.reads += 1;
        match cache.fetch_detailed(currency).await {
            Ok(Fetched { source: Source::Stale { age, .. }, .. }) => {
                seen.stale += 1;
                seen.oldest = seen.oldest.max(age);
            }
            Ok(_) => {}
            Err(_) => seen.errors += 1,
        }
        sleep(PAUSE).await;
    }
    seen
}

/// Tells of each load of a currency that has failed, as the entry itself knows of it.
async fn tell(cache: &AsyncCache<String, Rate>, currency: &str, began: Instant) -> Result<(), BoxError> {
    let mut failures = 0;
    while began.elapsed() < OUTAGE {
        let info = cache.entry_info(currency).ok_or("the old rate is held")?;
        if info.failures > failures {
            failures = info.failures;
            let next = info.next_try.unwrap_or_default().as_millis();
            let (at, age) = (began.elapsed().as_millis(), info.age.as_millis());
            println!("  after {at:>4} ms: {currency} is {age:>4} ms old, failures in a row: {failures}, next try in {next:>3} ms");
        }
        sleep(PAUSE).await;
    }
    check(failures >= 2, "loads have failed, and were tried again")
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
    address: &Arc<Mutex<SocketAddr>>,
    settings: impl FnOnce(CacheBuilder<String, Rate>) -> CacheBuilder<String, Rate>,
) -> Result<AsyncCache<String, Rate>, BuildError> {
    let (client, address) = (reqwest::Client::builder().no_proxy().build(), Arc::clone(address));
    let client = client.map_err(Arc::new);
    settings(AsyncCache::builder().time_to_live(LIVE).load_timeout(LIMIT))
        .async_loader_fn(move |currency: String| {
            let (client, address) = (client.clone(), *address.lock().unwrap_or_else(PoisonError::into_inner));
            async move {
                let response = client?.get(format!("http://{address}/rates/{currency}")).send().await?;
                let text = response.error_for_status()?.text().await?;
                let (rate, service) = text.split_once(' ').ok_or("the service answers nonsense")?;
                bellwether::ok(Rate { rate: rate.parse()?, service: service.parse()? })
            }
        })
        .build_async()
}

/// What the service is told from outside.
struct Told {
    /// To take requests and not answer them.
    hangs: watch::Sender<bool>,
}

/// The service of rates, in a thread and a runtime of its own.
struct Service {
    address: SocketAddr,
    thread: JoinHandle<io::Result<()>>,
    kill: oneshot::Sender<()>,
}
