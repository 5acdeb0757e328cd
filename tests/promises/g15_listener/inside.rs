//! Inside a listener no lock is held: it may call every method of its cache, of others, and of caches whose listeners call back.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BoxError, Cache, CacheBuilder, Loaded, MockClock, RemovalCause};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const LIFE: Duration = Duration::from_secs(10);

/// Calls every method, on the keys from `base` on. As a thread does: a listener that a task calls can't wait for another task.
fn call_all(cache: &Cache<u32, u32>, base: u32) {
    let key = base;
    cache.insert(key, 1);
    cache.insert_with(key, Loaded::value(2).weight(3));
    cache.insert_with_ttl(key, 3, LIFE);
    let _ = (cache.get(&key, |value| *value), cache.fetch(&key), cache.peek(&key), cache.contains_key(&key));
    let _ = (cache.fetch_stale(&key), cache.entry_info(&key), cache.set_ttl(&key, LIFE), cache.persist(&key));
    let _ = (cache.fetch_with(&(base + 1)), cache.fetch_optional(&(base + 2)), cache.fetch_detailed(&(base + 3)));
    let _ = (cache.refresh(&(base + 1)), cache.fetch_or_load(&(base + 4), || Loaded::ok(5)));
    let _ = (cache.expire(&(base + 1)), cache.remove(&(base + 2)), cache.invalidate(&(base + 3)));
    let _ = (cache.iter().count(), cache.len(), cache.is_empty(), cache.weight(), cache.capacity(), cache.metrics());
    drop(cache.entry(base + 5).or_insert(6));
    drop(cache.try_entry(base + 6));
    let _ = (cache.try_insert(base + 7, 7), cache.what_if());
    cache.set_capacity(20);
    cache.set_capacity(10);
    cache.clear();
    cache.run_maintenance();
    cache.settle();
    let _ = (cache.to_async(), format!("{cache:?}"));
}

fn builder() -> CacheBuilder<u32, u32> {
    CacheBuilder::new().capacity(10).time_to_live(LIFE).loader_fn(|key: &u32| Ok::<_, BoxError>(key + 1))
}

/// Has each of a few departures call everything, of a cache of whatever kind.
fn calls<F: Kind>(shards: usize, of_another: bool) {
    let target: Arc<OnceLock<Cache<u32, u32>>> = Arc::default();
    let (own, rounds) = (Arc::clone(&target), Arc::new(AtomicU32::new(0)));
    let count = Arc::clone(&rounds);
    let clock = MockClock::new();
    let heard: Of<F> = F::Of::build(builder().shards(shards).clock(clock.clone()).on_removal(move |&key, _, _| {
        // What it calls leads to more departures: those are let be.
        if key < 100 && count.fetch_add(1, Ordering::SeqCst) < 40 {
            call_all(own.get().expect("it is there"), 100 + 10 * key);
        }
    }));
    let other: Of<F> = F::Of::build(builder().shards(shards));
    assert!(target.set(if of_another { other.sync() } else { heard.sync() }).is_ok());
    (0..20).for_each(|key| heard.insert(key, 0));
    heard.insert_with(1, Loaded::value(1).weight(11));
    heard.insert(2, 2);
    heard.insert(2, 3);
    heard.invalidate(&2);
    heard.insert(3, 3);
    clock.advance(LIFE);
    heard.run_maintenance();
    heard.insert(4, 4);
    heard.clear();
    heard.run_maintenance();
    // The loads that it has started land later.
    let metrics = at_rest(&heard.sync());
    until("all is told", || heard.metrics().unreported == 0);
    assert_eq!(metrics.listener_panics, 0, "no call was refused");
    assert!(rounds.load(Ordering::SeqCst) > 10);
    at_rest(&other.sync());
}

fn g15_a_listener_may_call_every_method_of_its_cache<F: Kind>() {
    [1, 4].into_iter().for_each(|shards| calls::<F>(shards, false));
}

fn g15_a_listener_may_call_every_method_of_another_cache<F: Kind>() {
    [1, 4].into_iter().for_each(|shards| calls::<F>(shards, true));
}

/// The cache that is called in the listener is full of what is to be told, and its listener is held up: the call only queues.
fn g15_inside_a_listener_nobody_waits_for_another<F: Kind>() {
    let gate = Gate::new();
    let own = gate.clone();
    let far: Of<F> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |_: &u32, _: &Arc<u32>, _| own.wait()));
    far.insert(0, 0);
    let stuck = apart(&far.sync(), |cache| assert!(cache.invalidate(&0)));
    gate.until_arrived(1);
    let target = far.clone();
    let near: Of<F> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |&key: &u32, _: &Arc<u32>, _| {
        (0..2_000).for_each(|value| target.insert(key, value));
        target.run_maintenance();
    }));
    near.insert(1, 1);
    near.clear();
    assert_eq!((near.metrics().unreported, far.metrics().unreported), (0, 2_000));
    gate.open();
    stuck.result();
    far.run_maintenance();
    assert_eq!(at_rest(&far.sync()).unreported, 0);
    at_rest(&near.sync());
}

/// Inside the closure of `get`, whose lock others need, no call waits for them or tells a listener: it panics with what to do instead.
fn g15_inside_the_closure_of_get_no_listener_is_called<F: Kind>() {
    let gate = Gate::new();
    let (own, home) = (gate.clone(), Arc::new(OnceLock::<Cache<u32, u32>>::new()));
    let looks = Arc::clone(&home);
    let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |_: &u32, _: &Arc<u32>, _| {
        own.wait();
        // It takes the lock.
        drop(looks.get().expect("it is there").remove(&99));
    }));
    assert!(home.set(cache.sync()).is_ok());
    cache.insert(0, 0);
    let stuck = apart(&cache.sync(), |cache| assert!(cache.invalidate(&0)));
    gate.until_arrived(1);
    // As many wait as may.
    (0..=1_024).for_each(|value| cache.insert(1, value));
    type Call<F> = (&'static str, fn(&Of<F>));
    let calls: [Call<F>; 5] = [
        ("insert", |cache| cache.insert(1, 0)),
        ("remove", |cache| drop(cache.remove(&1))),
        ("clear", |cache| cache.clear()),
        ("run_maintenance", |cache| cache.run_maintenance()),
        ("set_capacity", |cache| cache.sync().set_capacity(0)),
    ];
    for (what, call) in calls {
        let inside = cache.clone();
        let calling = apart(&cache.sync(), move |cache| {
            let call = std::panic::AssertUnwindSafe(|| cache.get(&1, |_| call(&inside)));
            let refusal = std::panic::catch_unwind(call).expect_err("it is refused");
            let text = refusal.downcast_ref::<String>().map(String::as_str).or(refusal.downcast_ref::<&str>().copied());
            assert!(text.is_some_and(|text| text.contains("inside the closure of `get`")), "{what}: {text:?}");
        });
        until(what, || calling.is_over());
        calling.result();
    }
    gate.open();
    stuck.result();
    cache.run_maintenance();
    at_rest(&cache.sync());
}

/// A listener may let the last handle go that it knows of.
fn g15_a_listener_may_drop_the_last_handle_of_its_cache<F: Kind>() {
    let home: Arc<std::sync::Mutex<Option<Of<F>>>> = Arc::default();
    let own = Arc::clone(&home);
    let token = Arc::new(());
    let inside = Arc::clone(&token);
    let told = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&told);
    let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(1).on_removal(move |_, _, cause| {
        let _inside = &inside;
        assert_eq!(cause, RemovalCause::Invalidated);
        count.fetch_add(1, Ordering::SeqCst);
        drop(own.lock().expect("nobody panics").take());
    }));
    (0..3).for_each(|key| cache.insert(key, key));
    *home.lock().expect("nobody panics") = Some(cache.clone());
    let last = apart(&cache.sync(), |cache| assert!(cache.invalidate(&1)));
    drop(cache);
    last.result();
    until("the cache is gone, and its listener with it", || Arc::strong_count(&token) == 1);
    assert_eq!(told.load(Ordering::SeqCst), 1, "what was held is not told");
}

on_every_face_in_time!(
    g15_a_listener_may_call_every_method_of_its_cache,
    g15_a_listener_may_call_every_method_of_another_cache,
    g15_inside_a_listener_nobody_waits_for_another,
    g15_inside_the_closure_of_get_no_listener_is_called,
    g15_a_listener_may_drop_the_last_handle_of_its_cache,
);
