//! By the system's clock: the janitor reclaims what is due within a second, while nobody calls.

use crate::census::{Census, Counted};
use crate::faces::{Face, Kind};
use crate::g11_reclaim::{SECOND, expired, janitors_turn};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{CacheBuilder, Janitor, Loaded};
use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::{Duration, Instant};

type Of<F> = <F as Kind>::Of<u32, Counted>;

/// How long after its deadline a value may go.
const LATE: Duration = SECOND;
const MILLI: Duration = Duration::from_millis(1);

/// Has one value stored by `store`, whose last deadline comes `after` that, and sees it go by itself. On a busy machine the first try may be late.
fn goes<F: Kind>(what: &str, after: Duration, builder: impl Fn() -> CacheBuilder<u32, Counted>, store: impl Fn(&Of<F>, &Census)) {
    let mut lateness = Duration::MAX;
    for _ in 0..4 {
        let census = Census::new();
        let cache: Of<F> = F::Of::build(builder());
        let start = Instant::now();
        store(&cache, &census);
        until("the value goes", || census.alive() == 0);
        let took = start.elapsed();
        assert!(took >= after, "{what}: {:?} too early", after - took);
        assert_eq!((cache.len(), cache.weight(), cache.metrics().janitor), (0, 0, Janitor::Thread), "{what}");
        at_rest(&cache.sync());
        // Where the test's own calls, or the thread of its load, were held up until the end, the value may have gone on their thread.
        if census.threads().last().is_some_and(|thread| thread == "bellwether-janitor") {
            lateness = lateness.min(took - after);
        }
        if lateness < LATE {
            return;
        }
    }
    panic!("{what}: late by {lateness:?} at best on the janitor's thread");
}

fn g11_an_idle_cache_reclaims_within_a_second<F: Kind>() {
    let _turn = janitors_turn();
    let plain = CacheBuilder::new;
    goes::<F>("a time to live", 300 * MILLI, || plain().time_to_live(300 * MILLI), |cache, census| cache.insert(1, census.value()));
    goes::<F>("an idle time", 300 * MILLI, || plain().time_to_idle(300 * MILLI), |cache, census| cache.insert(1, census.value()));
    goes::<F>("a time of its own", 200 * MILLI, plain, |cache, census| cache.insert_with_ttl(1, census.value(), 200 * MILLI));
    let stale = || plain().time_to_live(100 * MILLI).stale_if_error(200 * MILLI);
    goes::<F>("a stale window", 300 * MILLI, stale, |cache, census| cache.insert(1, census.value()));
    goes::<F>("a load", 200 * MILLI, plain, |cache, census| {
        let value = census.value();
        let load = move || Loaded::ok(Loaded::value(value).time_to_live(200 * MILLI));
        drop(cache.fetch_or_load(&1, load).expect("the closure brings it"));
    });
    let long = || plain().time_to_live(600 * SECOND);
    goes::<F>("a time that was cut", 200 * MILLI, long, |cache, census| {
        cache.insert(1, census.value());
        assert!(cache.set_ttl(&1, 200 * MILLI));
    });
    goes::<F>(
        "a value expired by hand",
        200 * MILLI,
        || long().stale_while_revalidate(200 * MILLI),
        |cache, census| {
            cache.insert(1, census.value());
            assert!(cache.expire(&1));
        },
    );
}

/// What comes due sooner than all that is waited for is not late for that.
fn g11_a_sooner_deadline_comes_first<F: Kind>() {
    let _turn = janitors_turn();
    let other: Of<F> = F::Of::build(CacheBuilder::new());
    let far = Census::new();
    other.insert_with_ttl(1, far.value(), 600 * SECOND);
    goes::<F>("a sooner one", 200 * MILLI, CacheBuilder::new, |cache, census| {
        let ttls = [600 * SECOND, 200 * MILLI, 300 * SECOND];
        ttls.into_iter().zip(1..).for_each(|(ttl, key)| cache.insert_with_ttl(key, far.value(), ttl));
        cache.insert_with_ttl(2, census.value(), 200 * MILLI);
        cache.invalidate(&1);
        cache.invalidate(&3);
    });
    assert_eq!((other.len(), far.alive()), (1, 1));
}

/// One thread for all caches: every value goes on it.
fn g11_many_caches_share_one_janitor<F: Kind>() {
    let _turn = janitors_turn();
    const CACHES: u32 = 100;
    const ENTRIES: u32 = 20;
    let census = Census::new();
    let caches: Vec<Of<F>> = (0..CACHES).map(|_| F::Of::build(CacheBuilder::new())).collect();
    let start = Instant::now();
    for key in 0..ENTRIES {
        for (cache, number) in caches.iter().zip(0..) {
            // None of them before the last of them is stored, on a machine that isn't very slow.
            cache.insert_with_ttl(key, census.value(), SECOND + (number + key) * 2 * MILLI);
        }
    }
    until("all values go", || census.alive() == 0);
    assert!(start.elapsed() > SECOND, "none went too early");
    for cache in &caches {
        assert_eq!((cache.len(), expired(&at_rest(&cache.sync()))), (0, u64::from(ENTRIES)));
    }
    let threads: BTreeSet<_> = census.threads().into_iter().collect();
    // A slow machine's writes may have found something due in passing.
    assert!(threads.contains("bellwether-janitor") && threads.len() <= 2, "{threads:?}");
}

fn g11_absences_go_by_themselves<F: Kind>() {
    let _turn = janitors_turn();
    let builder = CacheBuilder::new().negative_ttl(200 * MILLI).loader_fn(|_: &u32| Loaded::ok(Loaded::<u32>::absent()));
    let cache: F::Of<u32, u32> = F::Of::build(builder);
    assert_eq!(cache.fetch_optional(&1).expect("the loader answers"), None);
    // The one is off the books a moment before the other.
    until("it is forgotten", || (cache.metrics().negatives, cache.weight()) == (0, 0));
    at_rest(&cache.sync());
}

/// The janitor lets entries be that are in use, and comes again for them.
fn g11_entries_in_use_stay_until_they_are_idle<F: Kind>() {
    let _turn = janitors_turn();
    const IDLE: Duration = Duration::from_millis(1_500);
    let census = Census::new();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().time_to_idle(IDLE));
    (0..20).for_each(|key| cache.insert(key, census.value()));
    let (start, mut last) = (Instant::now(), Instant::now());
    while start.elapsed() < 2 * IDLE {
        let used = Instant::now();
        let found = cache.get(&7, |_| ()).is_some();
        // Unless this thread was held up for too long, it is still there.
        assert!(found || last.elapsed() >= IDLE, "in use {:?} ago, at {:?}", used - last, start.elapsed());
        if !found {
            return;
        }
        last = used;
        sleep(20 * MILLI);
    }
    until("only one is left", || census.alive() <= 1);
    until("the last one goes", || census.alive() == 0);
    assert!(last.elapsed() >= IDLE - 20 * MILLI, "not before its idle time is over, but for a tick of the coarse clock");
    assert_eq!(expired(&at_rest(&cache.sync())), 20);
}

on_every_face_in_time!(
    g11_an_idle_cache_reclaims_within_a_second,
    g11_a_sooner_deadline_comes_first,
    g11_many_caches_share_one_janitor,
    g11_absences_go_by_themselves,
    g11_entries_in_use_stay_until_they_are_idle,
);
