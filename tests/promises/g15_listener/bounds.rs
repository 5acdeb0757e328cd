//! Memory stays bounded: while a listener is held up writers stop, readers go on, and no more waits to be told than is promised.

use crate::apart::{Apart, apart};
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, EvictionPolicy, Loaded, MetricsSnapshot, MockClock, RemovalCause};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

/// So many events wait for each shard.
const MOST: u64 = 1_024;
const LIFE: Duration = Duration::from_secs(10);

/// A builder of a cache whose listener waits at a gate, the gate, and how many were told.
fn held_up() -> (CacheBuilder<u32, u32>, Gate, Arc<AtomicU64>) {
    let (gate, told) = (Gate::new(), Arc::new(AtomicU64::new(0)));
    let (own, count) = (gate.clone(), Arc::clone(&told));
    let builder = CacheBuilder::new().on_removal(move |_: &u32, _, _| {
        own.wait();
        count.fetch_add(1, Ordering::SeqCst);
    });
    (builder, gate, told)
}

fn left(metrics: &MetricsSnapshot) -> u64 {
    let causes = [RemovalCause::Evicted, RemovalCause::Expired, RemovalCause::Replaced, RemovalCause::Invalidated, RemovalCause::Cleared];
    causes.into_iter().map(|cause| metrics.removals(cause)).sum()
}

/// Has a thread get stuck in the listener.
fn stuck(cache: &Cache<u32, u32>, gate: &Gate) -> Apart<()> {
    cache.insert(0, 0);
    let first = apart(cache, |cache| assert!(cache.invalidate(&0)));
    gate.until_arrived(1);
    first
}

fn g15_writers_stop_while_a_listener_is_held_up_and_readers_do_not<F: Kind>() {
    const WRITERS: u32 = 8;
    const WRITES: u32 = 3_000;
    for shards in [1, 4] {
        let (builder, gate, told) = held_up();
        let cache: Of<F> = F::Of::build(builder.shards(shards));
        // All keys are there from the start: whatever is written takes the place of something.
        (0..WRITERS * 16).for_each(|key| cache.insert(key, 0));
        let done = Arc::new(AtomicU32::new(0));
        let writers: Vec<_> = (0..WRITERS)
            .map(|n| {
                let done = Arc::clone(&done);
                apart(&cache.sync(), move |cache| {
                    for round in 0..WRITES {
                        cache.insert(n * 16 + round % 16, round);
                        done.fetch_add(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        until("a shard is full", || cache.metrics().unreported > MOST);
        // Each of the first is stuck in the listener, the others wait for room: at rest when nothing more is done for a while.
        let mut before = u32::MAX;
        while done.load(Ordering::SeqCst) != before {
            before = done.load(Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(100));
        }
        let metrics = cache.metrics();
        let most = MOST * shards as u64 + u64::from(WRITERS);
        assert!(metrics.unreported > 0 && metrics.unreported <= most, "{} of {most} wait to be told", metrics.unreported);
        assert!(done.load(Ordering::SeqCst) < WRITERS * WRITES && told.load(Ordering::SeqCst) == 0);
        for n in 0..WRITERS {
            let key = n * 16;
            assert_eq!(cache.get(&key, |_| ()).is_some(), cache.fetch(&key).is_some());
            assert_eq!(cache.peek(&key).is_some(), cache.contains_key(&key));
        }
        assert_eq!(cache.entries().len() as u64, cache.len());
        gate.open();
        writers.into_iter().for_each(Apart::result);
        cache.run_maintenance();
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.unreported, told.load(Ordering::SeqCst)), (0, left(&metrics)));
    }
}

fn g15_each_kind_of_write_stops_where_as_many_wait_as_may<F: Kind>() {
    type Write = (&'static str, fn(&Cache<u32, u32>));
    let writes: [Write; 7] = [
        ("insert", |cache| cache.insert(1, 11)),
        ("remove", |cache| drop(cache.remove(&1))),
        ("invalidate", |cache| assert!(cache.invalidate(&1))),
        ("expire", |cache| assert!(cache.expire(&1))),
        ("clear", |cache| cache.clear()),
        ("a load", |cache| drop(cache.fetch_or_load(&2, || Loaded::ok(20)))),
        ("set_capacity", |cache| cache.set_capacity(0)),
    ];
    for (what, write) in writes {
        let (builder, gate, told) = held_up();
        let cache: Of<F> = F::Of::build(builder.shards(1));
        let cache = cache.sync();
        cache.insert(1, 10);
        let first = stuck(&cache, &gate);
        let filling = apart(&cache, |cache| (0..=MOST).for_each(|_| cache.insert(0, 0)));
        until("it is full", || cache.metrics().unreported == MOST + 1);
        until("the other has written", || filling.is_over());
        let before = cache.metrics();
        let writer = apart(&cache, move |cache| write(&cache));
        // It can't be seen to wait, only not to have written.
        std::thread::sleep(Duration::from_millis(30));
        let now = cache.metrics();
        assert!(!writer.is_over() && (now.unreported, left(&now)) == (before.unreported, left(&before)), "{what} waits");
        gate.open();
        writer.result();
        first.result();
        cache.run_maintenance();
        assert_eq!(told.load(Ordering::SeqCst), left(&at_rest(&cache)), "{what}");
    }
}

/// What a write sends on its way beyond the bound are its own departures.
fn g15_a_heavy_insert_overshoots_by_its_own_victims<F: Kind>() {
    let (builder, gate, _told) = held_up();
    let cache: Of<F> = F::Of::build(builder.shards(1).capacity(5_000).eviction(EvictionPolicy::Lru));
    let cache = cache.sync();
    let first = stuck(&cache, &gate);
    (1..=5_000).for_each(|key| cache.insert(key, 0));
    cache.insert_with(6_000, Loaded::value(0).weight(5_000));
    assert_eq!((cache.metrics().unreported, cache.len()), (5_001, 1));
    let writer = apart(&cache, |cache| cache.insert(6_000, 1));
    std::thread::sleep(Duration::from_millis(30));
    assert!(!writer.is_over() && cache.metrics().unreported == 5_001);
    gate.open();
    writer.result();
    first.result();
    at_rest(&cache);
}

/// A listener that writes queues what leaves by that, and doesn't wait for itself.
fn g15_a_listener_that_writes_finds_room_for_all_it_writes<F: Kind>() {
    let home: Arc<std::sync::OnceLock<Cache<u32, u32>>> = Arc::default();
    let (own, told) = (Arc::clone(&home), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&told);
    let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |&key: &u32, _, _| {
        count.fetch_add(1, Ordering::SeqCst);
        if key == 0 {
            let cache = own.get().expect("it is there");
            (0..=5 * MOST).for_each(|_| cache.insert(1, 1));
        }
    }));
    assert!(home.set(cache.sync()).is_ok());
    cache.insert(0, 0);
    cache.invalidate(&0);
    cache.run_maintenance();
    assert_eq!(told.load(Ordering::SeqCst), 1 + 5 * MOST);
    assert_eq!(at_rest(&cache.sync()).unreported, 0);
}

/// The janitor lets be what there is no room for, and comes again when there is.
fn g15_what_expires_while_a_listener_is_held_up_waits_in_its_place<F: Kind>() {
    const ENTRIES: u32 = 8_000;
    let (builder, gate, told) = held_up();
    let cache: Of<F> = F::Of::build(builder.shards(1));
    let first = stuck(&cache.sync(), &gate);
    (1..=ENTRIES).for_each(|key| cache.insert(key, key));
    // Not by inserts, which would wait for room once the first are over.
    (1..=ENTRIES).for_each(|key| assert!(cache.set_ttl(&key, Duration::from_millis(500))));
    until("what there is room for is reclaimed", || cache.metrics().unreported >= MOST);
    std::thread::sleep(Duration::from_millis(300));
    let metrics = cache.metrics();
    // One hold of the lock goes on to its end.
    assert!(metrics.unreported <= MOST + 256, "{} wait to be told", metrics.unreported);
    until("each is held, or waits to be told", || {
        let metrics = cache.metrics();
        metrics.unreported + metrics.entries == u64::from(ENTRIES) + 1
    });
    until("it is over all the same", || cache.get(&ENTRIES, |_| ()).is_none());
    gate.open();
    first.result();
    until("it catches up", || told.load(Ordering::SeqCst) == u64::from(ENTRIES) + 1);
    until("the accounts say so", || cache.metrics().unreported == 0);
    assert_eq!(cache.len(), 0);
    at_rest(&cache.sync());
}

/// Time is moved by a thread that may wait, too: it delivers.
fn g15_a_mock_clock_s_visit_delivers_as_it_goes<F: Kind>() {
    const ENTRIES: u32 = 20_000;
    let told = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&told);
    let most = Arc::new(AtomicU64::new(0));
    let peak = Arc::clone(&most);
    let home: Arc<std::sync::OnceLock<Cache<u32, u32>>> = Arc::default();
    let own = Arc::clone(&home);
    let clock = MockClock::new();
    let builder = CacheBuilder::new().shards(1).clock(clock.clone()).time_to_live(LIFE);
    let cache: Of<F> = F::Of::build(builder.on_removal(move |_: &u32, _, _| {
        if count.fetch_add(1, Ordering::SeqCst) % 100 == 0 {
            peak.fetch_max(own.get().expect("it is there").metrics().unreported, Ordering::SeqCst);
        }
    }));
    assert!(home.set(cache.sync()).is_ok());
    (0..ENTRIES).for_each(|key| cache.insert(key, 0));
    clock.advance(LIFE);
    assert_eq!((cache.len(), told.load(Ordering::SeqCst)), (0, u64::from(ENTRIES)));
    assert!(most.load(Ordering::SeqCst) <= MOST, "{most:?} waited at a time");
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g15_writers_stop_while_a_listener_is_held_up_and_readers_do_not,
    g15_each_kind_of_write_stops_where_as_many_wait_as_may,
    g15_a_heavy_insert_overshoots_by_its_own_victims,
    g15_a_listener_that_writes_finds_room_for_all_it_writes,
    g15_what_expires_while_a_listener_is_held_up_waits_in_its_place,
    g15_a_mock_clock_s_visit_delivers_as_it_goes,
);
