//! An idle cache gives back the memory of all that has expired within a second of the last deadline.

use crate::watchdog::in_time;
use crate::{MEMORY, Size, all_asleep, alone, size};
use bellwether::{Cache, CacheBuilder, MetricsSnapshot, RemovalCause};
use std::thread::sleep;
use std::time::{Duration, Instant};

type Values = Cache<u64, Vec<u8>>;

const VALUE: usize = 64;
/// What an empty cache may hold beyond what it held when it was new.
const REMAINDER: usize = 64 << 10;
/// How long after the last deadline the memory is back.
const LATE: Duration = Duration::from_secs(1);
/// More than that takes on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stores so many values, each of which lives for so long from then on. The last of them is stored when it returns.
fn fill(cache: &Values, size: &Size) {
    (0..size.entries).for_each(|key| cache.insert(key, vec![7; VALUE]));
}

/// How long it takes from now until no more than `bytes` are in use.
fn until_at_most(bytes: usize) -> Duration {
    let start = Instant::now();
    while MEMORY.allocated() > bytes {
        assert!(start.elapsed() < PATIENCE, "{} bytes are still in use, of {bytes} that may be", MEMORY.allocated());
        sleep(Duration::from_millis(5));
    }
    start.elapsed()
}

fn gone(metrics: &MetricsSnapshot) -> (u64, u64, u64) {
    (metrics.entries, metrics.weight, metrics.removals(RemovalCause::Expired))
}

/// Fills `cache` and waits for its memory without calling it; gives how late it came. Afterwards nothing wakes.
fn round(cache: &Values, size: &Size, number: u64) -> Duration {
    let (before, start) = (MEMORY.allocated(), Instant::now());
    fill(cache, size);
    let (deadline, peak) = (Instant::now() + size.time_to_live, MEMORY.allocated());
    // On a very slow machine the first of it is over before the last is there.
    let is_whole = start.elapsed() < size.time_to_live;
    assert!(!is_whole || peak > before + 50_000 * VALUE, "most of it is held until it is over: {peak} bytes in use");
    sleep(deadline.saturating_duration_since(Instant::now()));
    let late = until_at_most(before + REMAINDER);
    let after = MEMORY.allocated();
    println!("{} values: {before} bytes before, {peak} at the peak, {after} after, back {late:?} after the last deadline", size.entries);
    all_asleep(size.quiet);
    assert_eq!(gone(&cache.metrics()), (0, 0, size.entries * number));
    late
}

fn given_back(builder: impl Fn() -> CacheBuilder<u64, Vec<u8>>) {
    let size = size();
    // Whatever the process needs once: a thread, its name, buffers.
    let warm: Values = builder().build().expect("the settings make sense");
    warm.insert_with_ttl(1, Vec::new(), Duration::ZERO);
    drop(warm);
    let cache: Values = builder().build().expect("the settings make sense");
    // A busy machine may be late once, or twice.
    let mut best = Duration::MAX;
    for number in 1..=3 {
        best = best.min(round(&cache, &size, number));
        if best < LATE {
            return;
        }
    }
    panic!("late by {best:?} at best");
}

#[test]
fn g11_an_idle_cache_gives_its_memory_back_within_a_second_of_the_last_deadline() {
    let _alone = alone();
    in_time(|| given_back(|| CacheBuilder::new().time_to_live(size().time_to_live)));
}

#[test]
fn g11_what_is_idle_gives_its_memory_back_too() {
    let _alone = alone();
    in_time(|| given_back(|| CacheBuilder::new().time_to_idle(size().time_to_live)));
}
