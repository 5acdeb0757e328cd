//! All ways of reading a value, and all ways for it to come to be held.

use crate::faces::{Face, Kind};
use bellwether::{BoxError, CacheBuilder, Loaded, MockClock, Source};
use std::time::Duration;

pub(crate) type Of<F> = <F as Kind>::Of<u32, u32>;

pub(crate) const KEY: u32 = 7;
/// The value whose time is measured.
pub(crate) const OLD: u32 = 1;
/// The value that every load brings.
pub(crate) const NEW: u32 = 2;
pub(crate) const TICK: Duration = Duration::from_nanos(1);

/// A cache in which values live for `ttl` unless they have a time of their own, and loads take as long as they like.
pub(crate) fn builder(clock: &MockClock, ttl: Duration) -> CacheBuilder<u32, u32> {
    let load = |_: &u32| Ok::<_, BoxError>(NEW);
    CacheBuilder::new().time_to_live(ttl).load_timeout(Duration::MAX).clock(clock.clone()).loader_fn(load)
}

/// A way of reading, and whether it shows the old value.
pub(crate) type Reading<F> = (&'static str, fn(&Of<F>) -> bool);

/// The ways of reading that leave what is held.
pub(crate) fn glances<F: Kind>() -> [Reading<F>; 5] {
    [
        ("fetch", |cache| cache.fetch(&KEY).is_some()),
        ("get", |cache| cache.get(&KEY, |_| ()).is_some()),
        ("peek", |cache| cache.peek(&KEY).is_some()),
        ("contains_key", |cache| cache.contains_key(&KEY)),
        ("iter", |cache| cache.entries().iter().any(|&(key, _)| key == KEY)),
    ]
}

/// All ways of reading.
pub(crate) fn readings<F: Kind>() -> Vec<Reading<F>> {
    let changing: [Reading<F>; 7] = [
        ("fetch_with", |cache| *cache.fetch_with(&KEY).expect("the loader brings it") == OLD),
        ("fetch_optional", |cache| cache.fetch_optional(&KEY).expect("the loader brings it").as_deref() == Some(&OLD)),
        ("fetch_detailed's source", |cache| cache.fetch_detailed(&KEY).expect("the loader brings it").source == Source::Hit),
        ("fetch_detailed's value", |cache| *cache.fetch_detailed(&KEY).expect("the loader brings it").value == OLD),
        ("fetch_or_load", |cache| *cache.fetch_or_load(&KEY, || Loaded::ok(NEW)).expect("the closure brings it") == OLD),
        ("remove", |cache| cache.remove(&KEY).is_some()),
        ("invalidate", |cache| cache.invalidate(&KEY)),
    ];
    glances::<F>().into_iter().chain(changing).collect()
}

/// A call, and its name.
pub(crate) type Act<F> = (&'static str, fn(&Of<F>));

/// A way for the old value to come to be held, for so long.
pub(crate) type Arrival<F> = (&'static str, fn(&Of<F>, Duration));

/// The ways that leave its time to the cache's setting.
pub(crate) fn arrivals_by_setting<F: Kind>() -> [Arrival<F>; 5] {
    [
        ("insert", |cache, _| cache.insert(KEY, OLD)),
        ("insert_with", |cache, _| cache.insert_with(KEY, Loaded::value(OLD))),
        ("insert over a value that lives for ever", |cache, _| {
            cache.insert_with_ttl(KEY, NEW, Duration::MAX);
            cache.insert(KEY, OLD);
        }),
        ("insert over a value that had no time at all", |cache, _| {
            cache.insert_with_ttl(KEY, NEW, Duration::ZERO);
            cache.insert(KEY, OLD);
        }),
        ("a load", |cache, _| drop(cache.fetch_or_load(&KEY, || Loaded::ok(OLD)).expect("the closure brings it"))),
    ]
}

/// The ways that say how long it lives.
pub(crate) fn arrivals_with_own<F: Kind>() -> [Arrival<F>; 4] {
    [
        ("insert_with_ttl", |cache, own| cache.insert_with_ttl(KEY, OLD, own)),
        ("insert_with_ttl over a value that lives for ever", |cache, own| {
            cache.insert_with_ttl(KEY, NEW, Duration::MAX);
            cache.insert_with_ttl(KEY, OLD, own);
        }),
        ("insert_with", |cache, own| cache.insert_with(KEY, Loaded::value(OLD).time_to_live(own))),
        ("a load", |cache, own| {
            let load = move || Loaded::ok(Loaded::value(OLD).time_to_live(own));
            drop(cache.fetch_or_load(&KEY, load).expect("the closure brings it"));
        }),
    ]
}
