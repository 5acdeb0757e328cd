//! Without a janitor nothing is reclaimed by itself: writes do some of it, first of all for the room that they need, and maintenance the rest.

use crate::census::{Census, Counted};
use crate::faces::{Face, Kind};
use crate::g11_reclaim::{SECOND, expired};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, Janitor, Loaded, MockClock, RemovalCause};
use std::thread::sleep;
use std::time::{Duration, Instant};

type Of<F> = <F as Kind>::Of<u32, Counted>;

const ENTRIES: u32 = 500;
const ALL: u64 = 500;

fn g11_without_a_janitor_nothing_goes_until_somebody_sees_to_it<F: Kind>() {
    for mock in [false, true] {
        let (clock, census) = (MockClock::new(), Census::new());
        let ttl = Duration::from_millis(50);
        let builder = CacheBuilder::new().no_janitor().time_to_live(ttl);
        let cache: Of<F> = F::Of::build(if mock { builder.clock(clock.clone()) } else { builder });
        assert_eq!(cache.metrics().janitor, Janitor::Off);
        cache.insert_with_ttl(ENTRIES, census.value(), 600 * SECOND);
        let start = Instant::now();
        (0..ENTRIES).for_each(|key| cache.insert_with_ttl(key, census.value(), if mock { ttl } else { SECOND }));
        // On a very slow machine one of these writes may have taken some of those that were due by then.
        let in_time = mock || start.elapsed() < SECOND;
        if mock {
            clock.advance(ttl)
        } else {
            sleep(2 * SECOND)
        }
        let held = cache.len();
        assert!(held == ALL + 1 || !in_time, "{held} are held");
        for key in 0..ENTRIES {
            assert!(cache.fetch(&key).is_none() && !cache.contains_key(&key) && cache.peek(&key).is_none());
        }
        assert_eq!(cache.entries().len(), 1);
        assert_eq!((cache.len(), cache.weight(), census.alive() as u64), (held, held, held), "reads leave it be");
        cache.run_maintenance();
        assert_eq!((cache.len(), cache.weight(), census.alive()), (1, 1, 1));
        assert_eq!(expired(&at_rest(&cache.sync())), ALL, "by a mock clock: {mock}");
        assert_eq!(cache.metrics().janitor, Janitor::Off);
    }
}

fn g11_writes_reclaim_a_few_in_passing<F: Kind>() {
    type Write<F> = (&'static str, fn(&Of<F>, u32, Counted));
    let writes: [Write<F>; 4] = [
        ("insert", |cache, key, value| cache.insert(key, value)),
        ("insert_with", |cache, key, value| cache.insert_with(key, Loaded::value(value))),
        ("a load", |cache, key, value| drop(cache.fetch_or_load(&key, || Loaded::ok(value)).expect("the closure brings it"))),
        ("an entry", |cache, key, value| drop(cache.sync().entry(key).or_insert(value))),
    ];
    for (what, write) in writes {
        let (clock, census) = (MockClock::new(), Census::new());
        let cache: Of<F> = F::Of::build(CacheBuilder::new().no_janitor().shards(1).clock(clock.clone()));
        (0..ENTRIES).for_each(|key| cache.insert_with_ttl(key, census.value(), SECOND));
        clock.advance(SECOND);
        let mut writes = 0;
        while expired(&cache.metrics()) < ALL {
            write(&cache, 1_000 + writes, census.value());
            writes += 1;
            assert!(writes <= ENTRIES, "{what}: each takes one of them at least");
        }
        // A load takes the lock twice.
        assert!(writes >= ENTRIES / 16, "{what}: {writes} writes did it, more than a few at a time");
        assert_eq!(cache.len(), u64::from(writes), "{what}");
        // A load hands its value out a moment before it lets go of what it reclaimed.
        until("their values go", || census.alive() == writes as usize);
        at_rest(&cache.sync());
    }
}

/// Room comes from what is over, of any weight, before any live entry.
fn g11_no_live_entry_is_evicted_while_an_expired_one_is_there<F: Kind>() {
    for weight in [1_u64, 3] {
        let clock = MockClock::new();
        let builder = CacheBuilder::new().no_janitor().capacity(100 * weight).shards(1).clock(clock.clone());
        let cache: F::Of<u32, u32> = F::Of::build(builder.weigher(move |_, _| weight));
        // The expired ones came last and were used last.
        (0..50).for_each(|key| cache.insert(key, key));
        (100..150).for_each(|key| cache.insert_with_ttl(key, key, SECOND));
        (100..150).for_each(|key| assert!(cache.fetch(&key).is_some()));
        clock.advance(SECOND);
        for key in 200..250 {
            cache.insert(key, key);
            assert!(cache.weight() <= 100 * weight);
        }
        let metrics = at_rest(&cache.sync());
        assert_eq!((expired(&metrics), metrics.removals(RemovalCause::Evicted)), (50, 0));
        assert!((0..50).chain(200..250).all(|key| cache.contains_key(&key)));
        cache.insert(300, 300);
        assert_eq!(cache.metrics().removals(RemovalCause::Evicted), 1, "now there is nothing else");
    }
}

/// The room of what is over in another shard comes before a live entry of one's own.
fn g11_what_is_over_in_any_shard_makes_room_before_live_entries<F: Kind>() {
    let clock = MockClock::new();
    let cache: F::Of<u32, u32> = F::Of::build(CacheBuilder::new().no_janitor().capacity(200).shards(8).clock(clock.clone()));
    (0..100).for_each(|key| cache.insert(key, key));
    (100..200).for_each(|key| cache.insert_with_ttl(key, key, SECOND));
    clock.advance(SECOND);
    (200..300).for_each(|key| cache.insert(key, key));
    let metrics = at_rest(&cache.sync());
    assert_eq!((expired(&metrics), metrics.removals(RemovalCause::Evicted)), (100, 0));
}

/// One heavy entry takes the place of many that are over.
fn g11_a_heavy_entry_gets_its_room_from_many_that_are_over<F: Kind>() {
    let clock = MockClock::new();
    let builder = CacheBuilder::new().no_janitor().capacity(1_000).shards(1).clock(clock.clone());
    let cache: F::Of<u32, u64> = F::Of::build(builder.weigher(|_, &weight| weight));
    (0..400).for_each(|key| cache.insert(key, 1));
    (400..1_000).for_each(|key| cache.insert_with_ttl(key, 1, SECOND));
    clock.advance(SECOND);
    cache.insert(5_000, 600);
    let metrics = at_rest(&cache.sync());
    assert_eq!((expired(&metrics), metrics.removals(RemovalCause::Evicted)), (600, 0));
    assert_eq!((cache.weight(), cache.len()), (1_000, 401));
}

/// The new value of a key whose old one is over: whoever takes that, the accounts balance.
fn g11_a_full_cache_of_what_is_over_takes_new_values_of_its_keys<F: Kind>() {
    let (clock, census) = (MockClock::new(), Census::new());
    let cache: Of<F> = F::Of::build(CacheBuilder::new().no_janitor().capacity(10).shards(1).clock(clock.clone()));
    for round in 1..=20 {
        (0..10).for_each(|key| cache.insert_with_ttl(key, census.value(), SECOND));
        assert_eq!((cache.len(), census.alive()), (10, 10));
        clock.advance(SECOND);
        assert_eq!((cache.len(), cache.entries().len()), (10, 0));
        cache.insert_with_ttl(3, census.value(), Duration::ZERO);
        cache.run_maintenance();
        assert_eq!((cache.len(), expired(&cache.metrics())), (0, 11 * round));
    }
    assert_eq!(at_rest(&cache.sync()).removals(RemovalCause::Evicted), 0);
}

fn g11_maintenance_forgets_absences_too<F: Kind>() {
    let clock = MockClock::new();
    let builder = CacheBuilder::new().no_janitor().negative_ttl(SECOND).clock(clock.clone());
    let absent = |_: &u32| Ok::<_, BoxError>(Loaded::<u32>::absent());
    let cache: F::Of<u32, u32> = F::Of::build(builder.loader_fn(absent));
    (0..700).for_each(|key| assert!(cache.fetch_with(&key).is_err()));
    clock.advance(SECOND);
    assert_eq!((cache.metrics().negatives, cache.weight()), (700, 700));
    cache.run_maintenance();
    assert_eq!((cache.metrics().negatives, cache.weight()), (0, 0));
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g11_without_a_janitor_nothing_goes_until_somebody_sees_to_it,
    g11_writes_reclaim_a_few_in_passing,
    g11_no_live_entry_is_evicted_while_an_expired_one_is_there,
    g11_what_is_over_in_any_shard_makes_room_before_live_entries,
    g11_a_heavy_entry_gets_its_room_from_many_that_are_over,
    g11_a_full_cache_of_what_is_over_takes_new_values_of_its_keys,
    g11_maintenance_forgets_absences_too,
);
