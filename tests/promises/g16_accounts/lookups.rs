//! Each lookup is counted once, by what it found first; what isn't a lookup isn't counted.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{BoxError, CacheBuilder, Loaded, MetricsSnapshot, MockClock};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;
type Call<F> = (&'static str, fn(&Of<F>));

const HELD: u32 = 1;
const EXPIRED: u32 = 2;
const UNKNOWN: u32 = 3;
const TTL: Duration = Duration::from_secs(10);

/// A cache that holds a value and one past its time.
fn cache<F: Kind>() -> Of<F> {
    let clock = MockClock::new();
    let load = |key: &u32| Ok::<_, BoxError>(*key);
    let cache: Of<F> = F::Of::build(CacheBuilder::new().clock(clock.clone()).loader_fn(load));
    cache.insert(HELD, 10);
    cache.insert_with_ttl(EXPIRED, 20, TTL);
    clock.advance(TTL);
    cache
}

/// Hits, misses and joins.
fn lookups(metrics: &MetricsSnapshot) -> (u64, u64, u64) {
    (metrics.hits, metrics.misses, metrics.joined)
}

fn g16_each_lookup_is_a_hit_or_a_miss<F: Kind>() {
    let calls: [(Call<F>, (u64, u64, u64)); 15] = [
        (("fetch, held", |cache| drop(cache.fetch(&HELD))), (1, 0, 0)),
        (("fetch, expired", |cache| drop(cache.fetch(&EXPIRED))), (0, 1, 0)),
        (("fetch, unknown", |cache| drop(cache.fetch(&UNKNOWN))), (0, 1, 0)),
        (("get, held", |cache| drop(cache.get(&HELD, |_| String::new()))), (1, 0, 0)),
        (("get, expired", |cache| drop(cache.get(&EXPIRED, |_| String::new()))), (0, 1, 0)),
        (("get, unknown", |cache| drop(cache.get(&UNKNOWN, |_| String::new()))), (0, 1, 0)),
        (("fetch_with, held", |cache| drop(cache.fetch_with(&HELD))), (1, 0, 0)),
        (("fetch_with, expired", |cache| drop(cache.fetch_with(&EXPIRED))), (0, 1, 0)),
        (("fetch_with, unknown", |cache| drop(cache.fetch_with(&UNKNOWN))), (0, 1, 0)),
        (("fetch_optional, held", |cache| drop(cache.fetch_optional(&HELD))), (1, 0, 0)),
        (("fetch_optional, unknown", |cache| drop(cache.fetch_optional(&UNKNOWN))), (0, 1, 0)),
        (("fetch_detailed, held", |cache| drop(cache.fetch_detailed(&HELD))), (1, 0, 0)),
        (("fetch_detailed, unknown", |cache| drop(cache.fetch_detailed(&UNKNOWN))), (0, 1, 0)),
        (("fetch_or_load, held", |cache| drop(cache.fetch_or_load(&HELD, || Loaded::ok(1)))), (1, 0, 0)),
        (("fetch_or_load, unknown", |cache| drop(cache.fetch_or_load(&UNKNOWN, || Loaded::ok(1)))), (0, 1, 0)),
    ];
    for ((name, call), expected) in calls {
        let cache = cache::<F>();
        call(&cache);
        assert_eq!(lookups(&cache.metrics()), expected, "{name}");
        call(&cache);
        let counted = lookups(&cache.metrics());
        assert_eq!(counted.0 + counted.1 + counted.2, 2, "{name}, twice");
        at_rest(&cache.sync());
    }
}

fn g16_what_only_glances_or_writes_counts_no_lookup<F: Kind>() {
    let cache = cache::<F>();
    for key in [HELD, EXPIRED, UNKNOWN] {
        cache.peek(&key);
        cache.contains_key(&key);
    }
    assert_eq!(cache.entries().len(), 1);
    assert!(cache.len() > 0 && cache.weight() > 0);
    cache.insert(UNKNOWN, 30);
    cache.insert_with(UNKNOWN, Loaded::absent());
    cache.remove(&HELD);
    cache.invalidate(&EXPIRED);
    cache.clear();
    let metrics = at_rest(&cache.sync());
    assert_eq!((lookups(&metrics), metrics.loads_started), ((0, 0, 0), 0));
}

fn g16_a_miss_without_a_loader_is_a_miss_and_no_load<F: Kind>() {
    let cache: Of<F> = F::Of::build(CacheBuilder::new());
    assert!(cache.fetch_with(&UNKNOWN).is_err() && cache.refresh(&UNKNOWN).is_err());
    let metrics = at_rest(&cache.sync());
    assert_eq!((lookups(&metrics), metrics.loads_started), ((0, 2, 0), 0));
}

fn g16_one_misses_and_all_others_join<F: Kind>() {
    const JOINERS: u64 = 5;
    for style in BOTH {
        let runway = Runway::new(1);
        let cache: <F as Kind>::Of<u32, usize> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        let leader = apart(&cache, |cache| cache.fetch_with(&UNKNOWN));
        runway.until_begun(0);
        let joiners: Vec<_> = (0..JOINERS)
            .map(|n| apart(&cache, move |cache| if n % 2 == 0 { cache.fetch_with(&UNKNOWN) } else { cache.refresh(&UNKNOWN) }))
            .collect();
        until("all have joined", || cache.metrics().joined == JOINERS);
        runway.open(0);
        assert_eq!(*leader.result().expect("the loader brings it"), 0);
        assert!(joiners.into_iter().all(|joiner| *joiner.result().expect("the loader brings it") == 0));
        let metrics = at_rest(&cache.sync());
        assert_eq!((lookups(&metrics), metrics.loads_started), ((0, 1, JOINERS), 1));
    }
}

fn g16_a_second_look_is_not_counted<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let fails_first = |number| if number == 0 { Err(BoxError::from("it was overtaken")) } else { Loaded::ok(number) };
        let cache: <F as Kind>::Of<u32, usize> = F::Of::build(runway.loader(CacheBuilder::new(), style, fails_first));
        let leader = apart(&cache, |cache| cache.fetch_with(&UNKNOWN));
        runway.until_begun(0);
        let joiner = apart(&cache, |cache| cache.fetch_with(&UNKNOWN));
        until("it has joined", || cache.metrics().joined == 1);
        cache.invalidate(&UNKNOWN);
        runway.open(0);
        assert_eq!(*leader.result().expect("the second look finds or loads it"), 1);
        assert_eq!(*joiner.result().expect("the second look finds or loads it"), 1);
        let metrics = at_rest(&cache.sync());
        assert_eq!((lookups(&metrics), metrics.loads_started), ((0, 1, 1), 2));
    }
}

crate::on_every_face_in_time!(
    g16_each_lookup_is_a_hit_or_a_miss,
    g16_what_only_glances_or_writes_counts_no_lookup,
    g16_a_miss_without_a_loader_is_a_miss_and_no_load,
    g16_one_misses_and_all_others_join,
    g16_a_second_look_is_not_counted,
);
