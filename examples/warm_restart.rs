//! A restart with a warm cache: how fast a snapshot is saved and restored, and what it spares the database.
//!
//! ```text
//! cargo run --release --features snapshot --example warm_restart
//! ```
//!
//! First a cache of a million small entries is saved to a file and restored
//! from it, and both are timed. Then a service with a cache that is much smaller
//! than its data is restarted twice, once without a snapshot and once with one,
//! and the loads are counted that its first requests take.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bellwether::{Autosave, Cache, CacheBuilder, Snapshot};
use clap::Parser;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::Zipf;
use serde::{Deserialize, Serialize};

/// Saves and restores a cache, and restarts a service with it.
#[derive(Parser)]
struct Settings {
    /// Entries that are saved and restored.
    #[arg(long, default_value_t = 1_000_000)]
    entries: u64,
    /// A short run, which fails if anything is off.
    #[arg(long)]
    self_check: bool,
}

/// What the service's pages are about.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
struct Article {
    title: String,
    price: u32,
    stock: u16,
}

impl Article {
    fn of(number: u64) -> Self {
        let price = u32::try_from(number % 100_000).unwrap_or_default();
        Self { title: format!("article {number}"), price, stock: u16::try_from(number % 1_000).unwrap_or_default() }
    }
}

/// Rows that the service could be asked for.
const ROWS: u64 = 1_000_000;
/// Rows that its cache has room for.
const ROOM: u64 = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let settings = Settings::parse();
    let folder = tempfile::tempdir()?;
    let entries = if settings.self_check { settings.entries.min(50_000) } else { settings.entries };
    save_and_restore(entries, &folder.path().join("articles"))?;
    let requests = if settings.self_check { 60_000 } else { 500_000 };
    restart(requests, &folder.path().join("service"))
}

/// Times both ways of the same entries.
fn save_and_restore(entries: u64, path: &Path) -> Result<(), Box<dyn Error>> {
    let builder = || Cache::<u64, Article>::builder().capacity(entries).time_to_live(Duration::from_secs(3_600));
    let before = builder().build()?;
    (0..entries).for_each(|number| before.insert(number, Article::of(number)));

    let start = Instant::now();
    let saved = Snapshot::new().save_file(&before, path)?;
    tell("saved", saved.entries, saved.bytes, start.elapsed());

    let after = builder().build()?;
    let start = Instant::now();
    let restored = Snapshot::new().load_file(&after, path)?;
    tell("restored", restored.entries, restored.bytes, start.elapsed());

    assert_eq!((saved.entries, restored.entries, after.len()), (entries, entries, entries));
    for number in 0..entries {
        assert_eq!(after.peek(&number).as_deref(), Some(&Article::of(number)), "what was saved came back");
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn tell(what: &str, entries: u64, bytes: u64, time: Duration) {
    let seconds = time.as_secs_f64();
    println!(
        "{what} {entries} entries, {:.1} MB, in {seconds:.2} s: {:.2} million entries and {:.0} MB a second",
        bytes as f64 / 1e6,
        entries as f64 / seconds / 1e6,
        bytes as f64 / seconds / 1e6
    );
}

/// A service, whose database counts what it is asked for.
struct Service {
    cache: Cache<u64, Article>,
    loads: Arc<AtomicU64>,
}

impl Service {
    fn start(customize: impl FnOnce(CacheBuilder<u64, Article>) -> CacheBuilder<u64, Article>) -> Result<Self, Box<dyn Error>> {
        let loads = Arc::new(AtomicU64::new(0));
        let database = Arc::clone(&loads);
        let builder = Cache::builder().capacity(ROOM).loader_fn(move |number: &u64| {
            database.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::convert::Infallible>(Article::of(*number))
        });
        Ok(Self { cache: customize(builder).build()?, loads })
    }

    /// Serves so many requests, some of them for the same few articles. Gives how many went to the database.
    fn serve(&self, requests: u64, seed: u64) -> Result<u64, Box<dyn Error>> {
        let before = self.loads.load(Ordering::Relaxed);
        let popularity = Zipf::new(1_000_000.0, 1.0)?;
        let mut chance = StdRng::seed_from_u64(seed);
        for _ in 0..requests {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a whole number from one on")]
            let row = chance.sample(popularity) as u64;
            // Popular ones lie anywhere among the rows.
            self.cache.fetch_with(&(row.wrapping_mul(0x9e37_79b9_7f4a_7c15) % ROWS))?;
        }
        Ok(self.loads.load(Ordering::Relaxed) - before)
    }
}

/// Compares the first requests after a restart.
fn restart(requests: u64, path: &Path) -> Result<(), Box<dyn Error>> {
    let autosave = || Autosave::new(path).schema(1).on_error(|error| eprintln!("the articles are not saved: {error}"));
    let stopped = Service::start(|builder| builder.autosave(autosave()))?;
    stopped.serve(requests, 1)?;
    stopped.cache.close();

    let never_stopped = Service::start(|builder| builder)?;
    never_stopped.serve(requests, 1)?;
    let went_on = never_stopped.serve(requests / 10, 2)?;
    let cold = Service::start(|builder| builder)?.serve(requests / 10, 2)?;
    let warm = Service::start(|builder| builder.autosave(autosave()))?.serve(requests / 10, 2)?;
    println!(
        "of the next {} requests {went_on} take a load without a restart, {cold} after one, {warm} after one with a snapshot",
        requests / 10
    );
    // As if it had not been restarted, or nearly.
    assert!(warm < cold && warm < went_on + went_on / 10, "the restart is warm");
    Ok(())
}
