//! Callers that wait with a value in hand: they get it if their load comes to nothing before its last deadline, and never after.

use crate::apart::{Apart, apart};
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, TICK, secs};
use crate::runway::{BOTH, Runway, Style};
use bellwether::{BoxError, CacheBuilder, Fetched, LoadError, LoadErrorKind, Loaded, MockClock, Source, StaleReason};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, usize>;

const KEY: u32 = 7;
const OLD: usize = 1_000;
/// Within the error window alone from second 20 to second 100; by the idle time, until second 60.
const RULES: Rules =
    Rules { live: secs(10), while_revalidating: secs(10), if_error: secs(90), refresh: Duration::MAX, idle: Duration::MAX };
const SHORT: Rules = Rules { idle: secs(60), ..RULES };

/// What the loads of a test come to.
type Answer = fn(usize) -> Result<Loaded<usize>, BoxError>;
const FAILS: Answer = |_| Err("down".into());

/// One who waits: what came of it, with the source where it is a value.
type Waiter = Apart<Result<(usize, Source), LoadErrorKind>>;

fn waiting<F: Kind>(cache: &Of<F>) -> Waiter {
    apart(cache, |cache| cache.fetch_detailed(&KEY).map(|Fetched { value, source, .. }| (*value, source)).map_err(|error| error.kind()))
}

/// A cache that has held the old value for 30 seconds, and some who wait for the load that the first of them started.
fn scene<F: Kind>(rules: &Rules, style: Style, answer: Answer, soft: Duration) -> (Of<F>, MockClock, Runway, Vec<Waiter>) {
    let (runway, clock) = (Runway::new(1), MockClock::new());
    let builder = rules.apply(CacheBuilder::new().no_janitor().clock(clock.clone())).soft_timeout(soft);
    let cache: Of<F> = F::Of::build(runway.loader(builder, style, answer));
    cache.insert(KEY, OLD);
    clock.set(secs(30));
    let leader = waiting::<F>(&cache);
    runway.until_begun(0);
    let waiters = [leader, waiting::<F>(&cache), waiting::<F>(&cache)];
    until("all wait", || (cache.metrics().joined, cache.metrics().waiters) == (2, 3));
    (cache, clock, runway, waiters.into())
}

fn stale(age: Duration, why: StaleReason) -> Result<(usize, Source), LoadErrorKind> {
    Ok((OLD, Source::Stale { age, why }))
}

fn g10_who_waits_for_a_load_that_fails_gets_the_value_in_hand_only_before_its_end<F: Kind>() {
    for rules in [RULES, SHORT] {
        let last = rules.last();
        for style in BOTH {
            for (at, held) in [(secs(30), true), (last - TICK, true), (last, false), (last + TICK, false), (secs(1_000), false)] {
                let (cache, clock, runway, waiters) = scene::<F>(&rules, style, FAILS, Duration::MAX);
                clock.set(at);
                runway.open(0);
                let expected = if held { stale(at, StaleReason::LoadFailed) } else { Err(LoadErrorKind::Failed) };
                for waiter in waiters {
                    assert_eq!(waiter.result(), expected, "the load fails at {at:?}, {style:?}, by {rules:?}");
                }
                assert_eq!(at_rest(&cache.sync()).loads_started, 1);
                assert_eq!(cache.fetch_stale(&KEY).is_some(), held);
            }
        }
    }
}

fn g10_who_has_waited_long_enough_gets_the_value_in_hand_only_before_its_end<F: Kind>() {
    for rules in [RULES, SHORT] {
        let last = rules.last();
        for style in BOTH {
            for (soft, held) in [(secs(5), true), (last - secs(30) - TICK, true), (last - secs(30), false), (secs(500), false)] {
                let (cache, clock, runway, waiters) = scene::<F>(&rules, style, Loaded::ok, soft);
                clock.set(secs(30) + soft - TICK);
                assert!(waiters.iter().all(|waiter| !waiter.is_over()), "their time hasn't come");
                assert_eq!(cache.metrics().waiters, 3);
                clock.set(secs(30) + soft);
                if held {
                    for waiter in waiters {
                        assert_eq!(waiter.result(), stale(secs(30) + soft, StaleReason::LoadSlow), "{soft:?}, {style:?}, by {rules:?}");
                    }
                    runway.open(0);
                } else {
                    runway.open(0);
                    for waiter in waiters {
                        // The load goes on: an error as good as its value would be, but never what is over.
                        let seen = waiter.result();
                        let is_new = matches!(seen, Ok((0, Source::Loaded | Source::Joined)));
                        assert!(is_new || seen == Err(LoadErrorKind::TimedOut), "{seen:?}, {soft:?}, {style:?}, by {rules:?}");
                    }
                }
                at_rest(&cache.sync());
                assert_eq!(cache.peek(&KEY).as_deref(), Some(&0), "what was waited for is stored");
            }
        }
    }
}

/// A soft time-out is for those who can have something instead: once they can't, they wait for the load as anybody does.
fn g10_who_has_nothing_in_hand_any_more_waits_on<F: Kind>() {
    for rules in [RULES, SHORT] {
        for style in BOTH {
            let soft = rules.last() - secs(30);
            let (cache, clock, runway, waiters) = scene::<F>(&rules, style, Loaded::ok, soft);
            clock.set(secs(30) + soft);
            clock.advance(secs(1));
            runway.open(0);
            let seen: Vec<_> = waiters.into_iter().map(Apart::result).collect();
            assert!(seen.iter().all(|seen| matches!(seen, Ok((0, Source::Loaded | Source::Joined)))), "{seen:?}, {style:?}");
            at_rest(&cache.sync());
        }
    }
}

fn g10_a_load_that_times_out_after_the_end_leaves_the_error_alone<F: Kind>() {
    for rules in [RULES, SHORT] {
        let last = rules.last();
        for style in BOTH {
            for (limit, held) in [(secs(5), true), (last - secs(30) - TICK, true), (last - secs(30), false), (secs(500), false)] {
                let (runway, clock) = (Runway::new(1), MockClock::new());
                let builder = rules.apply(CacheBuilder::new().no_janitor().clock(clock.clone())).load_timeout(limit);
                let cache: Of<F> = F::Of::build(runway.loader(builder, style, Loaded::ok));
                cache.insert(KEY, OLD);
                clock.set(secs(30));
                let first = waiting::<F>(&cache);
                runway.until_begun(0);
                let second = waiting::<F>(&cache);
                until("both wait", || (cache.metrics().joined, cache.metrics().waiters) == (1, 2));
                clock.set(secs(30) + limit);
                let expected = if held { stale(secs(30) + limit, StaleReason::LoadFailed) } else { Err(LoadErrorKind::TimedOut) };
                assert_eq!([first.result(), second.result()], [expected, expected], "{limit:?}, {style:?}, by {rules:?}");
                runway.open(0);
                at_rest(&cache.sync());
            }
        }
    }
}

/// The one caller whose closure brings the new value on his own thread has the old one in hand meanwhile, and no longer than it may be shown.
fn g10_a_caller_s_own_closure_that_fails_too_late_leaves_him_nothing<F: Kind>() {
    let due = Rules { live: secs(100), refresh: secs(10), ..Rules::FOR_EVER };
    for (rules, from) in [(due, secs(10)), (RULES, secs(10)), (RULES, secs(30)), (SHORT, secs(30))] {
        for (at, held) in [(from, true), (rules.last() - TICK, true), (rules.last(), false), (secs(1_000), false)] {
            let clock = MockClock::new();
            let cache: Of<F> = F::Of::build(rules.apply(CacheBuilder::new().no_janitor().clock(clock.clone())));
            cache.insert(KEY, OLD);
            clock.set(from);
            let by = clock.clone();
            let load = move || {
                by.set(at);
                Err::<Loaded<usize>, BoxError>("down".into())
            };
            let seen = cache.fetch_or_load(&KEY, load).map(|value| *value);
            // A task has been served already where the closure runs in the background.
            let served = !F::IS_BLOCKING && from == secs(10);
            match seen {
                Ok(value) => assert!(value == OLD && (held || served), "from {from:?} until {at:?}, by {rules:?}"),
                Err(error) => assert!(!held && !served && error.kind() == LoadErrorKind::Failed, "{error:?}, until {at:?}"),
            }
            at_rest(&cache.sync());
            assert_eq!(cache.fetch_stale(&KEY).is_some(), held);
        }
    }
}

/// A value whose end comes while a refresh runs is served no more, and whoever asks then waits.
fn g10_a_refresh_under_way_keeps_nothing_alive<F: Kind>() {
    for style in BOTH {
        for answer in [FAILS, |_| Ok(Loaded::unchanged())] as [Answer; 2] {
            let (runway, clock) = (Runway::new(1), MockClock::new());
            let rules = Rules { if_error: Duration::ZERO, ..RULES };
            let builder = rules.apply(CacheBuilder::new().no_janitor().clock(clock.clone()));
            let cache: Of<F> = F::Of::build(runway.loader(builder, style, answer));
            cache.insert(KEY, OLD);
            clock.set(secs(15));
            assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
            runway.until_begun(0);
            clock.set(secs(20) - TICK);
            assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD), "the last tick");
            clock.set(secs(20));
            assert!(cache.fetch_stale(&KEY).is_none() && cache.entry_info(&KEY).is_none());
            runway.open(0);
            at_rest(&cache.sync());
            let error: Result<_, LoadError> = cache.fetch_with(&KEY);
            assert!(error.is_err(), "there is no value to be unchanged");
            at_rest(&cache.sync());
        }
    }
}

on_every_face_in_time!(
    g10_who_waits_for_a_load_that_fails_gets_the_value_in_hand_only_before_its_end,
    g10_who_has_waited_long_enough_gets_the_value_in_hand_only_before_its_end,
    g10_who_has_nothing_in_hand_any_more_waits_on,
    g10_a_load_that_times_out_after_the_end_leaves_the_error_alone,
    g10_a_caller_s_own_closure_that_fails_too_late_leaves_him_nothing,
    g10_a_refresh_under_way_keeps_nothing_alive,
);
