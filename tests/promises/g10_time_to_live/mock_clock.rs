//! On a clock that the test moves: at the very tick, with nothing else running between the move and the look.

use crate::cases::cases;
use crate::faces::{Face, Kind};
use crate::g10_time_to_live::seen::{Act, KEY, NEW, OLD, Of, TICK, arrivals_by_setting, arrivals_with_own, builder, glances, readings};
use crate::rest::at_rest;
use bellwether::{BlockingLoader, BoxError, CacheBuilder, Loaded, MockClock, RemovalCause};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// A whole number of nothing.
const TTL: Duration = Duration::from_nanos(12_345_678_901);

/// When to look, counted from when the value was stored, and whether it must be there.
fn moments(ttl: Duration) -> [(Duration, bool); 6] {
    [(Duration::ZERO, true), (ttl - TICK, true), (ttl, false), (ttl + TICK, false), (ttl + SECOND, false), (Duration::MAX, false)]
}

fn g10_every_way_of_reading_sees_a_value_until_the_tick_before_its_deadline<F: Kind>() {
    for (arrival, arrive) in arrivals_by_setting::<F>() {
        for (reading, read) in readings::<F>() {
            for (moment, there) in moments(TTL) {
                let clock = MockClock::new();
                clock.advance(3 * SECOND);
                let cache = F::Of::build(builder(&clock, TTL));
                arrive(&cache, TTL);
                clock.advance(moment);
                assert_eq!(read(&cache), there, "{reading}, {moment:?} after {arrival}");
            }
        }
    }
}

fn g10_a_time_to_live_of_an_entrys_own_comes_before_the_caches<F: Kind>() {
    for own in [TICK, SECOND, TTL + SECOND] {
        for (arrival, arrive) in arrivals_with_own::<F>() {
            for (reading, read) in readings::<F>() {
                for (moment, there) in moments(own) {
                    let clock = MockClock::new();
                    let cache = F::Of::build(builder(&clock, TTL));
                    arrive(&cache, own);
                    clock.advance(moment);
                    assert_eq!(read(&cache), there, "{reading}, {moment:?} after {arrival} for {own:?}");
                }
            }
        }
    }
}

fn g10_a_value_with_no_time_to_live_is_delivered_and_never_seen<F: Kind>() {
    for (arrival, arrive) in arrivals_with_own::<F>() {
        for (reading, read) in readings::<F>() {
            let cache = F::Of::build(builder(&MockClock::new(), Duration::MAX));
            arrive(&cache, Duration::ZERO);
            assert!(!read(&cache), "{reading} after {arrival}");
        }
    }
    let cache = F::Of::build(builder(&MockClock::new(), Duration::ZERO));
    for loads in 1..=5 {
        assert_eq!(*cache.fetch_with(&KEY).expect("the loader brings it"), NEW);
        assert_eq!((cache.metrics().loads_started, cache.metrics().hits), (loads, 0), "each is loaded anew");
    }
    at_rest(&cache.sync());
}

fn g10_a_value_without_an_end_is_there_at_the_end_of_the_clock<F: Kind>() {
    // 584 years are all that the clock can tell: whatever ends later than that never ends.
    let beyond = [Duration::MAX, Duration::MAX - TICK, Duration::from_nanos(u64::MAX), Duration::from_nanos(u64::MAX - 1)];
    for ttl in beyond {
        for (arrival, arrive) in arrivals_with_own::<F>() {
            for (reading, read) in readings::<F>() {
                let clock = MockClock::new();
                clock.advance(SECOND);
                let cache = F::Of::build(builder(&clock, TTL));
                arrive(&cache, ttl);
                clock.set(Duration::MAX);
                assert!(read(&cache), "{reading} after {arrival} for {ttl:?}");
            }
        }
    }
    let clock = MockClock::new();
    let cache = F::Of::build(builder(&clock, Duration::from_nanos(u64::MAX - 1)));
    cache.insert(KEY, OLD);
    clock.set(Duration::from_nanos(u64::MAX - 2));
    assert!(cache.contains_key(&KEY));
    clock.set(Duration::MAX);
    assert!(!cache.contains_key(&KEY), "the last deadline that can be told is kept too");
}

/// Takes a second over each load and each weighing, by the mock clock.
struct Slow(MockClock);

impl BlockingLoader<u32, u32> for Slow {
    type Error = BoxError;

    fn load(&self, _key: &u32) -> Result<Loaded<u32>, BoxError> {
        self.0.advance(SECOND);
        Loaded::ok(NEW)
    }

    fn reload(&self, _key: &u32, _current: Arc<u32>) -> Result<Loaded<u32>, BoxError> {
        self.0.advance(SECOND);
        Loaded::ok(Loaded::unchanged())
    }
}

fn slow<F: Kind>() -> (MockClock, Of<F>) {
    let clock = MockClock::new();
    let by_weigher = clock.clone();
    let builder = CacheBuilder::new().time_to_live(TTL).load_timeout(Duration::MAX).clock(clock.clone());
    let weigh = move |_: &u32, _: &u32| {
        by_weigher.advance(SECOND);
        1
    };
    (clock.clone(), F::Of::build(builder.blocking_loader(Slow(clock)).weigher(weigh)))
}

fn g10_the_time_to_live_begins_when_the_value_is_stored<F: Kind>() {
    let store: [Act<F>; 3] = [
        ("a load", |cache| drop(cache.fetch_with(&KEY).expect("the loader brings it"))),
        ("an insert", |cache| cache.insert(KEY, NEW)),
        ("a refresh that changes nothing", |cache| {
            cache.insert(KEY, NEW);
            cache.refresh(&KEY).expect("the loader answers");
        }),
    ];
    for (what, store) in store {
        let (clock, cache) = slow::<F>();
        store(&cache);
        let stored = clock.elapsed();
        assert!(stored >= SECOND, "the time that it took has passed");
        clock.set(stored + TTL - TICK);
        assert!(cache.contains_key(&KEY), "{what}");
        clock.set(stored + TTL);
        assert!(!cache.contains_key(&KEY), "{what}");
    }
}

fn g10_whatever_takes_an_expired_value_out_counts_it_as_expired<F: Kind>() {
    let takers: [Act<F>; 5] = [
        ("remove", |cache| assert_eq!(cache.remove(&KEY), None)),
        ("invalidate", |cache| assert!(!cache.invalidate(&KEY))),
        ("insert", |cache| cache.insert(KEY, NEW)),
        ("fetch_with", |cache| drop(cache.fetch_with(&KEY).expect("the loader brings it"))),
        ("refresh", |cache| drop(cache.refresh(&KEY).expect("the loader brings it"))),
    ];
    for (taker, take) in takers {
        let clock = MockClock::new();
        let cache = F::Of::build(builder(&clock, TTL));
        cache.insert(KEY, OLD);
        clock.advance(TTL);
        take(&cache);
        let metrics = at_rest(&cache.sync());
        let left = (metrics.removals(RemovalCause::Expired), metrics.removals(RemovalCause::Replaced));
        assert_eq!((left, metrics.removals(RemovalCause::Invalidated)), ((1, 0), 0), "{taker}");
    }
}

/// What is done to the clock or the value.
#[derive(Clone, Copy, Debug)]
enum Step {
    Set(u64),
    Advance(u64),
    Store(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![(0..200_u64).prop_map(Step::Set), (0..50_u64).prop_map(Step::Advance), (1..60_u64).prop_map(Step::Store)];
    prop::collection::vec(step, 1..60)
}

fn g10_a_clock_that_jumps_shows_a_value_just_while_it_stands_before_the_deadline<F: Kind>() {
    let nanos = Duration::from_nanos;
    cases(200, &steps(), |steps| {
        let clock = MockClock::new();
        let cache = F::Of::build(builder(&clock, Duration::MAX).no_janitor());
        let reclaiming = F::Of::build(builder(&clock, Duration::MAX));
        let (mut now, mut deadline, mut reclaimed) = (0, None, false);
        for step in steps {
            match step {
                Step::Set(to) => {
                    clock.set(nanos(to));
                    now = to;
                }
                Step::Advance(by) => {
                    clock.advance(nanos(by));
                    now += by;
                }
                Step::Store(ttl) => {
                    cache.insert_with_ttl(KEY, OLD, nanos(ttl));
                    reclaiming.insert_with_ttl(KEY, OLD, nanos(ttl));
                    (deadline, reclaimed) = (Some(now + ttl), false);
                }
            }
            reclaimed |= deadline.is_some_and(|deadline| now >= deadline);
            for (reading, read) in glances::<F>() {
                let there = deadline.is_some_and(|deadline| now < deadline);
                prop_assert_eq!(read(&cache), there, "{} at {} of {:?}", reading, now, deadline);
                // What was past its deadline once is gone, wherever the clock is moved then.
                prop_assert_eq!(read(&reclaiming), there && !reclaimed, "{} at {} of {:?}, reclaimed", reading, now, deadline);
            }
        }
        cache.validate();
        reclaiming.validate();
        Ok(())
    });
}

crate::on_every_face_in_time!(
    g10_every_way_of_reading_sees_a_value_until_the_tick_before_its_deadline,
    g10_a_time_to_live_of_an_entrys_own_comes_before_the_caches,
    g10_a_value_with_no_time_to_live_is_delivered_and_never_seen,
    g10_a_value_without_an_end_is_there_at_the_end_of_the_clock,
    g10_the_time_to_live_begins_when_the_value_is_stored,
    g10_whatever_takes_an_expired_value_out_counts_it_as_expired,
    g10_a_clock_that_jumps_shows_a_value_just_while_it_stands_before_the_deadline,
);
