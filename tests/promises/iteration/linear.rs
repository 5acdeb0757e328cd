//! What a walk costs: it is linear in what is held, and what it passes over is bounded for each hold of a lock, and for each page.

use super::walks::{Walk, paged};
use super::{Of, holding, keys_of};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use bellwether::{CacheBuilder, MockClock};
use futures::StreamExt;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Entries of the smaller cache; the larger one has ten times as many.
const FEW: u64 = if cfg!(debug_assertions) { 5_000 } else { 100_000 };

/// The time that this thread has had of a core: however busy the machine is, what it does takes as much of it. To the tick of the kernel's scheduler. Where
/// it isn't told, the time of day.
fn spent() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanos.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

fn g20_a_walk_is_linear_in_what_is_held<F: Kind>() {
    let (few, many) = (holding::<F>(4, 0..FEW), holding::<F>(4, 0..FEW * 10));
    for walk in [Walk::Iter, Walk::Snapshot, Walk::Pages(100), Walk::Pages(usize::MAX), Walk::Stream, Walk::Hottest, Walk::Coldest] {
        // As many entries are met by ten walks through the one as by one through the other.
        let time = |cache: &Of<F>, entries: u64, walks: u64| {
            let start = spent();
            let met: usize = (0..walks).map(|_| walk.all::<F, _, _>(cache).len()).sum();
            let spent = spent() - start;
            assert_eq!(met as u64, entries * walks);
            spent
        };
        let least = |cache, entries, walks| (0..3).map(|_| time(cache, entries, walks)).min().expect("there are three");
        let (ten, one) = (least(&few, FEW, 10), least(&many, FEW * 10, 1));
        println!("{walk:?}: ten times {FEW} entries in {ten:?}, once ten times as many in {one:?}");
        // If a walk were quadratic, the larger one would take ten times as long.
        assert!(
            one < ten * 5 + Duration::from_millis(20),
            "{walk:?}: {ten:?} for ten walks, and {one:?} for one through ten times as many"
        );
    }
}

/// A shard from which a crowd has gone. One is left in the first slots and one in the last, with so many empty pages between.
fn deserted<F: Kind>(pages: u64) -> Of<F> {
    let cache = holding::<F>(1, 0..pages * 64);
    (1..pages * 64 - 1).for_each(|key| assert!(cache.invalidate(&key)));
    cache
}

/// How often a stream of the largest batches is pending before its end: once between two holds of the lock.
fn holds<F: Kind>(cache: &Of<F>) -> (usize, Vec<u64>) {
    let tasks = cache.sync().to_async();
    let mut stream = pin!(tasks.stream_with_batch_size(usize::MAX));
    let (mut holds, mut keys) = (1, Vec::new());
    loop {
        match stream.as_mut().poll_next_unpin(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some((key, _))) => keys.push(key),
            Poll::Ready(None) => return (holds, keys),
            Poll::Pending => holds += 1,
        }
    }
}

fn g20_no_hold_of_a_lock_passes_many_empty_pages<F: Kind>() {
    const PAGES: u64 = 2_000;
    let cache = deserted::<F>(PAGES);
    let ends = [0, PAGES * 64 - 1];
    let (holds, keys) = holds::<F>(&cache);
    assert_eq!(keys, ends);
    assert!(holds >= 2_000 / 256, "2,000 pages are too many for {holds} holds");
    assert!(holds <= 2_000 / 256 + 3, "{holds} holds pass 256 pages each");
    for walk in Walk::ALL {
        assert_eq!(keys_of(walk.all::<F, _, _>(&cache)), ends, "{walk:?}");
    }
    let pages = std::cell::Cell::new(0);
    let all = paged(|cursor| {
        pages.set(pages.get() + 1);
        cache.sync().scan(cursor, 1)
    });
    assert_eq!(keys_of(all), ends);
    assert!((2..=4).contains(&pages.get()), "a page passes about 1,024 empty ones: {}", pages.get());
}

fn g20_what_has_expired_is_passed_over_in_bounded_steps<F: Kind>() {
    const GONE: u64 = 10_000;
    const HOLDS: usize = 10_000 / 256;
    let clock = MockClock::new();
    let cache = Of::<F>::build(CacheBuilder::new().clock(clock.clone()).shards(1).no_janitor());
    (0..GONE).for_each(|key| cache.insert_with_ttl(key, key, Duration::from_secs(1)));
    cache.insert_with_ttl(GONE, 1, Duration::MAX);
    clock.advance(Duration::from_secs(2));
    assert_eq!(cache.len(), GONE + 1, "nobody has reclaimed them");
    let (holds, keys) = holds::<F>(&cache);
    assert_eq!(keys, [GONE]);
    assert!((HOLDS..HOLDS + 3).contains(&holds), "{holds} holds of 256 steps");
    let (mut cursor, mut pages) = (0, Vec::new());
    loop {
        let (next, page) = cache.sync().scan(cursor, 3);
        pages.push(page.len());
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(pages.iter().sum::<usize>(), 1);
    assert!((9..=11).contains(&pages.len()), "a page passes about 1,027 entries: {pages:?}");
    assert_eq!(cache.sync().scan(0, usize::MAX), (0, vec![(GONE, std::sync::Arc::new(1))]), "who asks for all gets all");
}

fn g20_a_batch_is_never_more_than_a_hold_may_take<F: Kind>() {
    let cache = holding::<F>(1, 0..2_560);
    let (holds, keys) = holds::<F>(&cache);
    assert_eq!(keys.len(), 2_560);
    assert!(holds >= 10, "256 entries in each hold at most, not all in {holds}");
}

on_every_face_in_time!(
    g20_a_walk_is_linear_in_what_is_held,
    g20_no_hold_of_a_lock_passes_many_empty_pages,
    g20_what_has_expired_is_passed_over_in_bounded_steps,
    g20_a_batch_is_never_more_than_a_hold_may_take,
);
