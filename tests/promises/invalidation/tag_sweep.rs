//! The sweep: what was struck leaves by and by, is told once, and takes its tags' names along.

use super::scene::{Hands, mocked};
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{TICK, secs};
use crate::tally::tally;
use bellwether::{Cache, CacheBuilder, Loaded, MockClock, RemovalCause};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A way out of the cache by its name, and the cause that is told of it.
type Way = (&'static str, fn(&Cache<u32, u32>), RemovalCause);

type Told = Arc<Mutex<Vec<(u32, RemovalCause)>>>;

/// A listener that keeps what it is told.
fn heard(builder: CacheBuilder<u32, u32>) -> (Told, CacheBuilder<u32, u32>) {
    let told = Told::default();
    let ear = Arc::clone(&told);
    let builder = builder.listener(move |key: &u32, _: &Arc<u32>, cause| ear.lock().expect("no holder panics").push((*key, cause)));
    (told, builder)
}

fn take(told: &Told) -> Vec<(u32, RemovalCause)> {
    let mut all = std::mem::take(&mut *told.lock().expect("no holder panics"));
    all.sort_unstable_by_key(|(key, _)| *key);
    all
}

fn fill<F: Kind>(cache: &F::Of<u32, u32>, keys: std::ops::Range<u32>, tag: &'static str) {
    keys.for_each(|key| cache.insert_with(key, Loaded::value(key).tags([tag])));
}

/// Nobody calls the cache: it lets go of what was struck by itself.
fn g11_an_idle_cache_is_swept_by_itself<F: Kind>() {
    for is_mocked in [false, true] {
        for shards in [1, 8] {
            let clock = MockClock::new();
            let builder = CacheBuilder::new().shards(shards);
            let builder = if is_mocked { builder.clock(clock.clone()) } else { builder };
            let (told, builder) = heard(builder);
            let (cache, hands) = Hands::build::<F>(builder);
            fill::<F>(&cache, 0..5_000, "a");
            fill::<F>(&cache, 5_000..5_010, "b");
            hands.invalidate_tag("a");
            if is_mocked {
                // What its keeper sees as the time going on.
                clock.advance(TICK);
            }
            until("all that was struck has gone", || cache.len() == 10);
            until("all is told", || told.lock().expect("no holder panics").len() == 5_000);
            assert!(take(&told).into_iter().eq((0..5_000).map(|key| (key, RemovalCause::Invalidated))));
            at_rest(&cache.sync());
        }
    }
}

fn g15_each_is_told_once_and_as_invalidated<F: Kind>() {
    let ways: [Way; 9] = [
        ("the sweep", |cache| cache.run_maintenance(), RemovalCause::Invalidated),
        ("insert", |cache| cache.insert(1, 8), RemovalCause::Invalidated),
        ("remove", |cache| drop(cache.remove(&1)), RemovalCause::Invalidated),
        ("insert_if_absent", |cache| assert_eq!(cache.insert_if_absent(1, 8), None), RemovalCause::Invalidated),
        ("upsert", |cache| cache.upsert(1, || 8, |_| {}), RemovalCause::Invalidated),
        ("a load", |cache| drop(cache.fetch_or_load(&1, || Loaded::<u32>::ok(8))), RemovalCause::Invalidated),
        ("an entry", |cache| drop(cache.entry(1).or_insert(8)), RemovalCause::Invalidated),
        ("set_capacity", |cache| cache.set_capacity(0), RemovalCause::Invalidated),
        ("clear", |cache| cache.clear(), RemovalCause::Cleared),
    ];
    for (name, leave, cause) in ways {
        for strike in [|hands: &Hands<u32, u32>| hands.invalidate_tag("a"), |hands: &Hands<u32, u32>| hands.expire_tag("a")] {
            let (_clock, builder) = mocked();
            let (told, builder) = heard(builder.no_janitor().capacity(100).time_to_live(secs(10)));
            let (cache, hands) = Hands::build::<F>(builder);
            cache.insert_with(1, Loaded::value(7).tags(["a", "b"]));
            strike(&hands);
            strike(&hands);
            hands.invalidate_tag("b");
            leave(&cache.sync());
            cache.run_maintenance();
            assert_eq!(take(&told), [(1, cause)], "{name}");
            assert_eq!(at_rest(&cache.sync()).removals(cause), 1, "{name}");
        }
    }
}

/// What had expired before the strike has expired.
fn g15_what_had_expired_by_its_own_time_is_told_so<F: Kind>() {
    let (clock, builder) = mocked();
    let (told, builder) = heard(builder.no_janitor());
    let (cache, hands) = Hands::build::<F>(builder);
    cache.insert_with(1, Loaded::value(7).tags(["a"]).time_to_live(secs(1)));
    cache.insert_with(2, Loaded::value(7).tags(["a"]).time_to_live(secs(3)));
    clock.advance(secs(2));
    hands.expire_tag("a");
    clock.advance(secs(2));
    cache.run_maintenance();
    assert_eq!(take(&told), [(1, RemovalCause::Expired), (2, RemovalCause::Invalidated)]);
    at_rest(&cache.sync());
}

/// A listener that takes its time holds nothing up but what it is to be told; one that panics, nothing.
fn g15_a_slow_listener_does_not_stop_the_sweep<F: Kind>() {
    let (gate, told) = (Gate::new(), Arc::new(AtomicU64::new(0)));
    let (inside, number) = (gate.clone(), Arc::clone(&told));
    let builder = CacheBuilder::new().shards(4).listener(move |_: &u32, _: &Arc<u32>, cause| {
        inside.wait();
        assert_eq!(cause, RemovalCause::Invalidated);
        number.fetch_add(1, Ordering::SeqCst);
    });
    let (cache, hands) = Hands::build::<F>(builder);
    fill::<F>(&cache, 0..20_000, "a");
    hands.invalidate_tag("a");
    gate.until_arrived(1);
    // Nobody sees them meanwhile, and other calls go on.
    assert!((0..20_000).all(|key| !cache.contains_key(&key)));
    hands.invalidate_tag("b");
    gate.open();
    until("all are told", || told.load(Ordering::SeqCst) == 20_000);
    until("all are gone", || cache.len() == 0);
    // What the janitor has taken out may be told a moment before it is counted.
    tally(&cache.sync(), |metrics| metrics.removals(RemovalCause::Invalidated), 20_000);
}

fn g15_a_listener_that_panics_does_not_stop_the_sweep<F: Kind>() {
    hush();
    for is_swept_by_call in [false, true] {
        let builder = CacheBuilder::new().shards(2).listener(move |_: &u32, _: &Arc<u32>, _| panic!("{ON_PURPOSE}"));
        let (cache, hands) = Hands::<u32, u32>::build::<F>(builder);
        fill::<F>(&cache, 0..3_000, "a");
        hands.invalidate_tag("a");
        if is_swept_by_call {
            cache.run_maintenance();
        }
        until("all are told", || cache.metrics().listener_panics == 3_000);
        assert_eq!(cache.len(), 0);
        tally(&cache.sync(), |metrics| metrics.removals(RemovalCause::Invalidated), 3_000);
    }
}

/// A listener that calls the cache, and strikes again.
fn g15_a_listener_may_strike<F: Kind>() {
    let cell: Arc<Mutex<Option<Cache<u32, u32>>>> = Arc::default();
    let inner = Arc::clone(&cell);
    let builder = CacheBuilder::new().listener(move |key: &u32, _: &Arc<u32>, _| {
        let cache = inner.lock().expect("no holder panics").clone();
        if let Some(cache) = cache.filter(|_| *key < 10) {
            cache.insert_with(*key + 10, Loaded::value(0).tags(["a"]));
            cache.invalidate_tag("a");
            cache.run_maintenance();
        }
    });
    let (cache, hands) = Hands::build::<F>(builder);
    *cell.lock().expect("no holder panics") = Some(cache.sync());
    fill::<F>(&cache, 0..10, "a");
    hands.invalidate_tag("a");
    until("all are gone", || cache.len() == 0 && cache.metrics().removals(RemovalCause::Invalidated) == 20);
    *cell.lock().expect("no holder panics") = None;
    at_rest(&cache.sync());
}

/// Until they go they count, and then no more.
fn g16_what_was_struck_counts_until_it_goes<F: Kind>() {
    let builder = CacheBuilder::new().no_janitor().capacity(1_000).weigher(|_, weight: &u32| u64::from(*weight));
    let (cache, hands) = Hands::build::<F>(builder);
    cache.insert_with(1, Loaded::value(100).tags(["a"]));
    cache.insert_with(2, Loaded::value(10).tags(["b"]));
    cache.insert_with(3, Loaded::value(1));
    hands.invalidate_tag("a");
    assert_eq!((cache.len(), cache.weight()), (3, 111));
    cache.run_maintenance();
    assert_eq!((cache.len(), cache.weight()), (2, 11));
    hands.expire_tag("b");
    assert_eq!((cache.len(), cache.weight()), (2, 11));
    cache.run_maintenance();
    assert_eq!((cache.len(), cache.weight()), (1, 1));
    at_rest(&cache.sync());
}

/// `run_maintenance` carries out what was struck before it, and returns though others go on striking.
fn g20_maintenance_ends_while_others_strike<F: Kind>() {
    let (cache, hands) = Hands::build::<F>(CacheBuilder::new().no_janitor());
    fill::<F>(&cache, 0..5_000, "a");
    fill::<F>(&cache, 5_000..10_000, "b");
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                hands.invalidate_tag("b");
                cache.insert_with(20_000, Loaded::value(0).tags(["b"]));
            }
        });
        until("it strikes", || !cache.contains_key(&5_000));
        hands.invalidate_tag("a");
        cache.run_maintenance();
        over.store(true, Ordering::Relaxed);
    });
    assert!(cache.len() <= 1, "all that was struck before it has gone");
    cache.run_maintenance();
    at_rest(&cache.sync());
}

/// Entries that leave in another way take their tags' names along.
fn a_name_goes_with_the_last_entry_that_carries_it<F: Kind>() {
    type Leave = fn(&Cache<u32, u32>, &MockClock);
    let ways: [(&str, Leave); 7] = [
        ("remove", |cache, _| (0..10).for_each(|key| drop(cache.remove(&key)))),
        ("clear", |cache, _| cache.clear()),
        ("expiry", |_, clock| clock.advance(secs(10))),
        ("eviction", |cache, _| cache.set_capacity(0)),
        ("replacement", |cache, _| (0..10).for_each(|key| cache.insert(key, 0))),
        ("a predicate", |cache, _| assert_eq!(cache.invalidate_if(|_, _| true), 10)),
        ("a load without a value", |cache, _| {
            (0..10).for_each(|key| assert!(cache.refresh(&key).is_err()));
        }),
    ];
    for (name, leave) in ways {
        let (clock, builder) = mocked();
        let builder = builder.time_to_live(secs(10)).capacity(100).loader_fn(|_: &u32| Loaded::<u32>::ok(Loaded::absent()));
        let (cache, _) = Hands::build::<F>(builder.no_janitor());
        (0..10).for_each(|key| cache.insert_with(key, Loaded::value(key).tags([key.to_string(), "all".to_owned()])));
        leave(&cache.sync(), &clock);
        cache.run_maintenance();
        // Which finds any name that nobody carries.
        at_rest(&cache.sync());
        assert_eq!(cache.len(), if name == "replacement" { 10 } else { 0 }, "{name}");
    }
}

/// A strike is short, and carrying it out goes in short holds of the lock: readers get on all the time.
fn g20_a_sweep_lets_others_in<F: Kind>() {
    let (cache, hands) = Hands::build::<F>(CacheBuilder::new().shards(1).no_janitor());
    fill::<F>(&cache, 0..20_000, "a");
    cache.insert(50_000, 0);
    hands.invalidate_tag("a");
    let reads = AtomicU64::new(0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                assert!(cache.fetch(&50_000).is_some());
                reads.fetch_add(1, Ordering::Relaxed);
            }
        });
        until("it reads", || reads.load(Ordering::Relaxed) > 0);
        cache.run_maintenance();
        over.store(true, Ordering::Relaxed);
    });
    assert_eq!(cache.len(), 1);
    at_rest(&cache.sync());
}

/// A cache that ends has told what it has told: struck entries that it still holds go without a word, as all others do.
fn g17_a_cache_with_struck_entries_ends<F: Kind>() {
    let (told, builder) = heard(CacheBuilder::new().no_janitor());
    let (cache, hands) = Hands::build::<F>(builder);
    fill::<F>(&cache, 0..1_000, "a");
    hands.invalidate_tag("a");
    drop((cache, hands));
    assert!(take(&told).is_empty());
}

on_every_face_in_time!(
    g11_an_idle_cache_is_swept_by_itself,
    g15_each_is_told_once_and_as_invalidated,
    g15_what_had_expired_by_its_own_time_is_told_so,
    g15_a_slow_listener_does_not_stop_the_sweep,
    g15_a_listener_that_panics_does_not_stop_the_sweep,
    g15_a_listener_may_strike,
    g16_what_was_struck_counts_until_it_goes,
    g20_maintenance_ends_while_others_strike,
    a_name_goes_with_the_last_entry_that_carries_it,
    g20_a_sweep_lets_others_in,
    g17_a_cache_with_struck_entries_ends,
);
