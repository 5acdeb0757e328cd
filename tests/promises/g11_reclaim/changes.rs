//! Times that are changed while an entry is held: it is reclaimed by the new ones.

use crate::faces::{Face, Kind};
use crate::g11_reclaim::{SECOND, TICK, expired};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BlockingLoader, BoxError, CacheBuilder, Expiry, Loaded, MockClock};
use std::sync::Arc;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const KEY: u32 = 7;

/// Brings a value once, and from then on finds that it is unchanged.
struct Steady;

impl BlockingLoader<u32, u32> for Steady {
    type Error = BoxError;

    fn load(&self, _key: &u32) -> Result<Loaded<u32>, BoxError> {
        Loaded::ok(1)
    }

    fn reload(&self, _key: &u32, _current: Arc<u32>) -> Result<Loaded<u32>, BoxError> {
        Loaded::ok(Loaded::unchanged())
    }
}

fn builder(clock: &MockClock) -> CacheBuilder<u32, u32> {
    CacheBuilder::new().time_to_live(100 * SECOND).clock(clock.clone()).blocking_loader(Steady)
}

/// The entry is there until the tick before `end`, and gone then.
fn goes_at<F: Kind>(cache: &Of<F>, clock: &MockClock, end: Duration, what: &str) {
    clock.set(end - TICK);
    assert_eq!((cache.len(), cache.weight()), (1, 1), "{what}: before {end:?}");
    clock.set(end);
    assert_eq!((cache.len(), cache.weight()), (0, 0), "{what}: at {end:?}");
    assert_eq!(expired(&at_rest(&cache.sync())), 1, "{what}");
}

fn g11_an_entry_is_reclaimed_by_its_new_times<F: Kind>() {
    type Change<F> = (&'static str, u32, fn(&Of<F>));
    // Each is done forty seconds after the value was stored.
    let changes: [Change<F>; 9] = [
        ("nothing", 100, |_| ()),
        ("a shorter time to live", 41, |cache| assert!(cache.set_ttl(&KEY, SECOND))),
        ("a longer time to live", 840, |cache| assert!(cache.set_ttl(&KEY, 800 * SECOND))),
        ("none at all, and a short one again", 45, |cache| assert!(cache.persist(&KEY) && cache.set_ttl(&KEY, 5 * SECOND))),
        ("a new value", 140, |cache| cache.insert(KEY, 2)),
        ("a new value with a shorter time", 43, |cache| cache.insert_with_ttl(KEY, 2, 3 * SECOND)),
        ("a new value with a longer time", 540, |cache| cache.insert_with_ttl(KEY, 2, 500 * SECOND)),
        ("a refresh that finds it unchanged", 140, |cache| drop(cache.refresh(&KEY).expect("the loader answers"))),
        ("many changes", 42, |cache| {
            (1..500).for_each(|n| assert!(cache.set_ttl(&KEY, n * SECOND)));
            assert!(cache.persist(&KEY) && cache.set_ttl(&KEY, 2 * SECOND));
        }),
    ];
    for (what, end, change) in changes {
        let clock = MockClock::new();
        let cache: Of<F> = F::Of::build(builder(&clock));
        cache.insert(KEY, 1);
        clock.advance(40 * SECOND);
        change(&cache);
        goes_at::<F>(&cache, &clock, end * SECOND, what);
    }
}

fn g11_a_value_that_is_kept_for_ever_is_never_reclaimed<F: Kind>() {
    let clock = MockClock::new();
    let cache: Of<F> = F::Of::build(builder(&clock));
    cache.insert(KEY, 1);
    assert!(cache.persist(&KEY));
    clock.set(Duration::MAX);
    assert_eq!((cache.len(), cache.contains_key(&KEY)), (1, true));
    assert_eq!(expired(&at_rest(&cache.sync())), 0);
}

fn g11_the_windows_of_an_expired_value_count_from_then_on<F: Kind>() {
    let clock = MockClock::new();
    let cache: Of<F> = F::Of::build(builder(&clock).stale_while_revalidate(30 * SECOND));
    cache.insert(KEY, 1);
    clock.advance(10 * SECOND);
    assert!(cache.expire(&KEY));
    goes_at::<F>(&cache, &clock, 40 * SECOND, "expire");
}

fn g11_a_set_time_moves_the_windows_along<F: Kind>() {
    for (ttl, end) in [(5, 45), (500, 540)] {
        let clock = MockClock::new();
        let cache: Of<F> = F::Of::build(builder(&clock).stale_if_error(30 * SECOND));
        cache.insert(KEY, 1);
        clock.advance(10 * SECOND);
        assert!(cache.set_ttl(&KEY, ttl * SECOND));
        goes_at::<F>(&cache, &clock, end * SECOND, "set_ttl");
    }
}

/// Gives a value another second at each read, and a tenth of it to an odd one.
struct Reads;

impl Expiry<u32, u32> for Reads {
    fn on_create(&self, _key: &u32, _value: &u32) -> Option<Duration> {
        None
    }

    fn on_read(&self, value: &u32, _left: Option<Duration>) -> Option<Duration> {
        Some(if value % 2 == 0 { SECOND } else { SECOND / 10 })
    }
}

fn g11_a_read_that_sets_the_time_to_live_sets_when_it_is_reclaimed<F: Kind>() {
    for (value, end) in [(2, 1_500), (3, 600)] {
        let clock = MockClock::new();
        let cache: Of<F> = F::Of::build(builder(&clock).expiry(Reads));
        cache.insert(KEY, value);
        clock.advance(SECOND / 2);
        assert!(cache.fetch(&KEY).is_some());
        goes_at::<F>(&cache, &clock, Duration::from_millis(end), "a read");
    }
}

on_every_face_in_time!(
    g11_an_entry_is_reclaimed_by_its_new_times,
    g11_a_value_that_is_kept_for_ever_is_never_reclaimed,
    g11_the_windows_of_an_expired_value_count_from_then_on,
    g11_a_set_time_moves_the_windows_along,
    g11_a_read_that_sets_the_time_to_live_sets_when_it_is_reclaimed,
);
