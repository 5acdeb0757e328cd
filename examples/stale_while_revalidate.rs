//! Readers that don't wait while a value is loaded anew.
//!
//! ```text
//! cargo run --example stale_while_revalidate
//! ```
//!
//! A price list takes a tenth of a second to compute and is good for a quarter
//! of a second. Readers ask for it all the time, of three caches that differ
//! only in what they do about its end. Then a price changes: readers of a value
//! that was expired get the old one at once, those of one that was invalidated
//! wait for the new one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bellwether::{AsyncCache, BoxError, BuildError, CacheBuilder, Fetched, Source, StaleReason};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How long a price list is good for.
const LIVE: Duration = Duration::from_millis(250);
/// How long it takes to compute one.
const LOAD: Duration = Duration::from_millis(100);
/// How long readers come, at least.
const ROUND: Duration = Duration::from_millis(1_200);
/// Loads that a round sees, at least, however slow the machine is.
const LOADS: u64 = 3;
const READERS: u32 = 4;
/// The pause between two reads of one reader.
const PAUSE: Duration = Duration::from_millis(2);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    println!("a price list that is good for {LIVE:?} and takes {LOAD:?} to compute, asked for by {READERS} readers\n");
    println!("                              reads   waited    stale    loads    p50 ms    p99 ms    max ms  oldest ms");

    let plain = round("time_to_live alone", |builder| builder).await?;
    let stale = round("stale_while_revalidate", |builder| builder.stale_while_revalidate(Duration::from_secs(30))).await?;
    let ahead = |builder: CacheBuilder<String, PriceList>| builder.refresh_ahead(0.4).stale_while_revalidate(Duration::from_secs(30));
    let ahead = round("the same and refresh_ahead", ahead).await?;

    check(plain.waited > 0, "without a stale window somebody waits for each load")?;
    check(stale.waited == 0 && ahead.waited == 0, "with one nobody waits")?;
    check(stale.stale > 0, "the old list is served while the new one is computed")?;
    check([&plain, &stale, &ahead].iter().all(|round| round.at_once == 1), "one load at a time, however many ask")?;

    println!("\nnobody waits for a list that is loaded in the background; refresh_ahead has the new one before the old one ends");
    a_price_changes().await
}

/// What is computed, and for what there are readers.
struct PriceList {
    /// Grows with every change of a price.
    version: u64,
}

/// What the lists are computed from.
#[derive(Default)]
struct Prices {
    version: AtomicU64,
    computing: AtomicU32,
    /// The most lists that were being computed at a time.
    at_once: AtomicU32,
}

impl Prices {
    async fn compute(&self) -> PriceList {
        let computing = self.computing.fetch_add(1, Ordering::Relaxed) + 1;
        self.at_once.fetch_max(computing, Ordering::Relaxed);
        let version = self.version.load(Ordering::Relaxed);
        sleep(LOAD).await;
        self.computing.fetch_sub(1, Ordering::Relaxed);
        PriceList { version }
    }
}

/// What readers saw.
#[derive(Default)]
struct Seen {
    times: Vec<Duration>,
    waited: u64,
    stale: u64,
    /// The greatest age of a stale list.
    oldest: Duration,
}

impl Seen {
    fn add(&mut self, source: Source, took: Duration) {
        self.times.push(took);
        match source {
            Source::Hit => {}
            Source::Stale { age, .. } => {
                self.stale += 1;
                self.oldest = self.oldest.max(age);
            }
            _ => self.waited += 1,
        }
    }

    fn with(mut self, other: Self) -> Self {
        self.times.extend(other.times);
        Self {
            times: self.times,
            waited: self.waited + other.waited,
            stale: self.stale + other.stale,
            oldest: self.oldest.max(other.oldest),
        }
    }

    /// The time within which this part of the reads was answered, in milliseconds. To be called once they are sorted.
    fn percentile(&self, part: usize) -> f64 {
        let last = self.times.len().saturating_sub(1);
        self.times.get(last * part / 100).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}

/// How a round went.
struct Round {
    waited: u64,
    stale: u64,
    at_once: u32,
}

/// Has readers ask a cache for a while.
async fn round(
    name: &str,
    settings: impl FnOnce(CacheBuilder<String, PriceList>) -> CacheBuilder<String, PriceList>,
) -> Result<Round, BoxError> {
    let prices = Arc::new(Prices::default());
    let cache = price_lists(&prices, settings(AsyncCache::builder().time_to_live(LIVE)))?;
    // The very first read waits in any case.
    cache.fetch_with("spring").await?;

    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        readers.spawn(read(cache.clone()));
    }
    let mut seen = Seen::default();
    while let Some(more) = readers.join_next().await {
        seen = seen.with(more??);
    }

    seen.times.sort_unstable();
    let (reads, loads) = (seen.times.len(), cache.metrics().loads_ended());
    let (p50, p99, max) = (seen.percentile(50), seen.percentile(99), seen.percentile(100));
    let (waited, stale, oldest) = (seen.waited, seen.stale, seen.oldest.as_millis());
    println!("{name:<26} {reads:>8} {waited:>8} {stale:>8} {loads:>8} {p50:>9.2} {p99:>9.2} {max:>9.2} {oldest:>10}");
    Ok(Round { waited, stale, at_once: prices.at_once.load(Ordering::Relaxed) })
}

fn price_lists(prices: &Arc<Prices>, settings: CacheBuilder<String, PriceList>) -> Result<AsyncCache<String, PriceList>, BuildError> {
    let prices = Arc::clone(prices);
    settings
        .async_loader_fn(move |_season: String| {
            let prices = Arc::clone(&prices);
            async move { bellwether::ok(prices.compute().await) }
        })
        .build_async()
}

/// One reader.
async fn read(cache: AsyncCache<String, PriceList>) -> Result<Seen, bellwether::LoadError> {
    let mut seen = Seen::default();
    let began = Instant::now();
    while began.elapsed() < ROUND || cache.metrics().loads_ended() < LOADS {
        let asked = Instant::now();
        let fetched = cache.fetch_detailed("spring").await?;
        seen.add(fetched.source, asked.elapsed());
        sleep(PAUSE).await;
    }
    Ok(seen)
}

/// Two ways to say that the source has changed.
async fn a_price_changes() -> Result<(), BoxError> {
    let prices = Arc::new(Prices::default());
    let settings = AsyncCache::builder().time_to_live(Duration::from_secs(60)).stale_while_revalidate(Duration::from_secs(30));
    let cache = price_lists(&prices, settings)?;
    cache.fetch_with("spring").await?;
    // So that the old list has an age.
    sleep(LOAD / 2).await;

    println!("\na price changes, and the list is expired: better an old list at once than a new one in a while");
    prices.version.store(1, Ordering::Relaxed);
    cache.expire("spring");
    check(cache.fetch("spring").is_none(), "calls that never load show no stale value")?;
    check(cache.fetch_stale("spring").is_some(), "unless they are asked to")?;
    let first = timed(&cache).await?;
    let is_stale = matches!(first.source, Source::Stale { why: StaleReason::Revalidating, .. });
    check(is_stale && first.value.version == 0, "the first read gets the old list and starts the load of the new one")?;
    cache.wait_idle().await;
    let next = timed(&cache).await?;
    check(next.source == Source::Hit && next.value.version == 1, "once that is there, everybody gets it")?;

    println!("a price changes, and the list is invalidated: nobody is to see the old one again");
    prices.version.store(2, Ordering::Relaxed);
    cache.invalidate("spring");
    check(cache.fetch_stale("spring").is_none(), "nothing is left of it")?;
    let first = timed(&cache).await?;
    check(first.source == Source::Loaded && first.value.version == 2, "the first read waits for the new list")
}

/// Reads the list and says what came of it.
async fn timed(cache: &AsyncCache<String, PriceList>) -> Result<Fetched<PriceList>, BoxError> {
    let asked = Instant::now();
    let fetched = cache.fetch_detailed("spring").await?;
    let took = asked.elapsed().as_secs_f64() * 1e3;
    let version = fetched.value.version;
    match fetched.source {
        Source::Stale { age, .. } => println!("  after {took:>6.2} ms: version {version}, stale, {} ms old", age.as_millis()),
        Source::Hit => println!("  after {took:>6.2} ms: version {version}, a hit"),
        _ => println!("  after {took:>6.2} ms: version {version}, loaded"),
    }
    Ok(fetched)
}

/// Ends the example with an error if something isn't as it says.
fn check(holds: bool, what: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(format!("it isn't so: {what}").into()) }
}
