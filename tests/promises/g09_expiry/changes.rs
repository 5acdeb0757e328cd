//! Changes to the times of what is held: `set_ttl`, `persist`, `expire`.

use crate::faces::{Face, Kind};
use crate::g09_expiry::scene::{BRINGS, FAILS, JANITORS, Janitor, KEY, OLD, Of, aged, builder, state};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, TICK, combinations, secs};
use crate::runway::BOTH;
use bellwether::{Freshness, MockClock, RemovalCause, Source, StaleReason};
use std::time::Duration;

/// Asserts that an entry that was stored `stored` ago, and used never since, ages by `rules` from now on.
fn goes_on<F: Kind>(cache: &Of<F>, clock: &MockClock, stored: Duration, rules: &Rules, what: &str) {
    let start = clock.elapsed() - stored;
    for age in rules.moments().into_iter().filter(|&age| age >= stored) {
        clock.set(start + age);
        assert_eq!(state::<F>(cache), rules.state(age, age), "{what}: {age:?} old, by {rules:?}");
        let Some(info) = cache.entry_info(&KEY) else { continue };
        let left = (Rules::left(rules.live, age), Rules::left(rules.last(), age));
        assert_eq!((info.age, (info.time_left, info.usable_for)), (age, left), "{what}: {age:?} old, by {rules:?}");
    }
}

fn g09_set_ttl_moves_the_end_and_the_windows_with_it<F: Kind>() {
    let times = [Duration::ZERO, TICK, secs(1), secs(10), secs(300), Duration::MAX - TICK, Duration::MAX];
    for rules in combinations() {
        for janitor in JANITORS {
            for (time, at) in times.into_iter().flat_map(|time| [secs(0), secs(25), secs(70)].map(|at| (time, at))) {
                let (cache, clock) = aged::<F>(&rules, at, janitor, BOTH[0], BRINGS);
                let shown = rules.shows(at);
                assert_eq!(cache.set_ttl(&KEY, time), shown, "{at:?} after, by {rules:?}");
                // What ends later than the clock can tell never ends.
                let live = if time >= Duration::MAX - TICK { Duration::MAX } else { at + time };
                let moved = if shown { Rules { live, ..rules } } else { rules };
                goes_on::<F>(&cache, &clock, at, &moved, "set_ttl");
                at_rest(&cache.sync());
            }
        }
    }
}

fn g09_persist_ends_the_time_to_live_for_ever_and_an_idle_time_still_counts<F: Kind>() {
    for rules in combinations() {
        for at in rules.moments() {
            let (cache, clock) = aged::<F>(&rules, at, Janitor::On, BOTH[0], BRINGS);
            let shown = rules.shows(at);
            assert_eq!(cache.persist(&KEY), shown, "{at:?} after, by {rules:?}");
            let moved = if shown { Rules { live: Duration::MAX, ..rules } } else { rules };
            goes_on::<F>(&cache, &clock, at, &moved, "persist");
            at_rest(&cache.sync());
        }
    }
}

fn g09_a_change_of_times_takes_nobody_s_word_for_what_is_not_shown<F: Kind>() {
    let (builder, _clock) = builder(Janitor::On);
    let cache: Of<F> = F::Of::build(builder);
    assert!(!cache.set_ttl(&KEY, secs(1)) && !cache.persist(&KEY) && !cache.expire(&KEY), "nothing is held");
    assert_eq!(at_rest(&cache.sync()).hits, 0);
}

fn g09_a_time_that_was_set_is_not_shortened_by_jitter_and_lasts_until_the_next_write<F: Kind>() {
    let (builder, clock) = builder(Janitor::On);
    let cache: Of<F> = F::Of::build(builder.time_to_live(secs(100)).ttl_jitter(0.5));
    for _ in 0..50 {
        cache.insert(KEY, OLD);
        assert!(cache.set_ttl(&KEY, secs(70)));
        assert_eq!(cache.entry_info(&KEY).and_then(|info| info.time_left), Some(secs(70)));
        cache.insert(KEY, OLD);
        let left = cache.entry_info(&KEY).and_then(|info| info.time_left).expect("it ends");
        assert!(left >= secs(50) && left <= secs(100) && left != secs(70));
    }
    clock.advance(secs(100));
    assert_eq!((cache.peek(&KEY), at_rest(&cache.sync()).removals(RemovalCause::Expired)), (None, 1));
}

fn g02_expire_begins_the_windows_now_and_without_one_it_is_invalidate<F: Kind>() {
    for rules in combinations() {
        for janitor in JANITORS {
            for at in rules.moments() {
                let (cache, clock) = aged::<F>(&rules, at, janitor, BOTH[0], BRINGS);
                let (before, windowed) = (rules.state(at, at), rules.while_revalidating.max(rules.if_error) > Duration::ZERO);
                assert_eq!(cache.expire(&KEY), rules.shows(at), "{at:?} after, by {rules:?}");
                let what = format!("expire after {at:?} ({before:?}), by {rules:?}");
                assert_eq!((cache.peek(&KEY), cache.contains_key(&KEY)), (None, false), "{what}");
                if windowed {
                    // What was stale already stays so no longer than before.
                    let live = at.min(rules.live);
                    goes_on::<F>(&cache, &clock, at, &Rules { live, ..rules }, &what);
                    at_rest(&cache.sync());
                } else {
                    let invalidated = u64::from(rules.shows(at));
                    assert_eq!((cache.entry_info(&KEY), cache.len()), (None, 0), "{what}");
                    let metrics = at_rest(&cache.sync());
                    let removals = [RemovalCause::Invalidated, RemovalCause::Expired].map(|cause| metrics.removals(cause));
                    assert_eq!(removals, [invalidated, 1 - invalidated], "{what}");
                }
            }
        }
    }
}

/// What was expired is loaded at once, though loads have failed before.
fn g12_expire_clears_the_way_for_the_next_load<F: Kind>() {
    let rules = Rules { live: secs(100), while_revalidating: secs(20), if_error: secs(50), refresh: secs(60), ..Rules::FOR_EVER };
    for (at, fresh) in [(secs(60), true), (secs(100), false), (secs(120), false)] {
        for style in BOTH {
            let (cache, _clock) = aged::<F>(&rules, at, Janitor::On, style, FAILS);
            let trouble = || cache.entry_info(&KEY).map(|info| (info.failures, info.next_try.is_some()));
            assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
            until("the failure is noted", || trouble() == Some((1, true)));
            assert_eq!((cache.fetch_with(&KEY).ok().as_deref(), at_rest(&cache.sync()).loads_started), (Some(&OLD), 1));
            assert_eq!((cache.expire(&KEY), trouble()), (fresh, Some((0, false))), "{at:?}");
            let source = cache.fetch_detailed(&KEY).expect("there is a stale value").source;
            let why = if at == secs(120) { StaleReason::LoadFailed } else { StaleReason::Revalidating };
            assert_eq!((source, at_rest(&cache.sync()).loads_started), (Source::Stale { age: at, why }, 2), "{at:?}");
        }
    }
}

/// Of an entry that only its idle time ends.
fn g09_a_change_of_times_needs_no_other_rule<F: Kind>() {
    for janitor in JANITORS {
        let (cache, clock) = aged::<F>(&Rules::FOR_EVER, secs(10), janitor, BOTH[0], BRINGS);
        assert!(cache.set_ttl(&KEY, secs(5)));
        goes_on::<F>(&cache, &clock, secs(10), &Rules { live: secs(15), ..Rules::FOR_EVER }, "set_ttl");
        cache.run_maintenance();
        assert_eq!((cache.len(), at_rest(&cache.sync()).removals(RemovalCause::Expired)), (0, 1));

        let rules = Rules { while_revalidating: secs(20), ..Rules::FOR_EVER };
        let (cache, clock) = aged::<F>(&rules, secs(10), janitor, BOTH[0], BRINGS);
        assert!(cache.expire(&KEY) && state::<F>(&cache) == Freshness::Stale);
        goes_on::<F>(&cache, &clock, secs(10), &Rules { live: secs(10), ..rules }, "expire");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g09_set_ttl_moves_the_end_and_the_windows_with_it,
    g09_persist_ends_the_time_to_live_for_ever_and_an_idle_time_still_counts,
    g09_a_change_of_times_takes_nobody_s_word_for_what_is_not_shown,
    g09_a_time_that_was_set_is_not_shortened_by_jitter_and_lasts_until_the_next_write,
    g02_expire_begins_the_windows_now_and_without_one_it_is_invalidate,
    g12_expire_clears_the_way_for_the_next_load,
    g09_a_change_of_times_needs_no_other_rule,
);
