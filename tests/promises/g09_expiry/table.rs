//! Who sees what: each method, in each state of an entry, at the first and the last tick of it.

use crate::faces::{Face, Kind};
use crate::g09_expiry::rows::{After, Count, Row, loaders, lookers};
use crate::g09_expiry::scene::{BRINGS, JANITORS, KEY, NEW, OLD, Of, aged, column, state};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, TICK, is_shown, secs};
use crate::runway::{BOTH, Style};
use bellwether::{Freshness, RemovalCause, Source, StaleReason};
use std::time::Duration;

const FULL: Rules = Rules { live: secs(100), refresh: secs(60), while_revalidating: secs(20), if_error: secs(50), idle: Duration::MAX };

/// Rules in which each state comes, or doesn't.
fn some_rules() -> [Rules; 6] {
    let plain = Rules { live: secs(100), ..Rules::FOR_EVER };
    [
        FULL,
        plain,
        Rules { while_revalidating: secs(20), ..plain },
        Rules { if_error: secs(50), ..plain },
        Rules { idle: secs(110), ..FULL },
        Rules { idle: secs(70), ..FULL },
    ]
}

/// Calls, and checks all that the row says.
fn check<F: Kind>(row: &Row<F>, cache: &Of<F>, before: Freshness, what: &str) {
    let column = column(before);
    let seen = (row.call)(cache);
    assert_eq!(seen, row.sees[column], "{what}");
    until("the loads are counted", || cache.metrics().loads_ended() >= row.loads[column]);
    let metrics = at_rest(&cache.sync());
    assert_eq!((Count::of(&metrics), metrics.loads_started), (Some(row.counts[column]), row.loads[column]), "{what}: {metrics:?}");
    // In the first two columns and the third there is a value to be had at once: whatever is loaded comes in the background.
    let background = u64::from(row.loads[column] == 1 && seen == Some(OLD));
    assert_eq!((metrics.refreshes_started, metrics.refreshes_dropped, metrics.refreshes), (background, 0, 0), "{what}");
    if row.loads[column] == 1 {
        assert_eq!((cache.peek(&KEY).as_deref(), state::<F>(cache)), (Some(&NEW), Freshness::Fresh), "{what}");
        return;
    }
    match row.after {
        After::Same => {
            let held = (before != Freshness::Expired).then_some(OLD);
            let left = cache.fetch_stale(&KEY).map(|fetched| *fetched.value);
            assert_eq!((state::<F>(cache), left), (before, held), "{what}: it leaves what is held");
        }
        After::Gone => {
            assert_eq!((cache.len(), cache.entry_info(&KEY)), (0, None), "{what}");
            let invalidated = u64::from(before != Freshness::Expired);
            let removals = [RemovalCause::Invalidated, RemovalCause::Expired].map(|cause| at_rest(&cache.sync()).removals(cause));
            assert_eq!(removals, [invalidated, 1 - invalidated], "{what}");
        }
        After::Other => {}
    }
}

fn g09_each_method_sees_what_the_table_says<F: Kind>() {
    for rules in some_rules() {
        for age in rules.moments() {
            for janitor in JANITORS {
                for row in lookers::<F>() {
                    let (cache, _clock) = aged::<F>(&rules, age, janitor, Style::Blocking, BRINGS);
                    let before = rules.state(age, age);
                    check(&row, &cache, before, &format!("{} after {age:?} ({before:?}), janitor {janitor:?}, by {rules:?}", row.name));
                }
            }
        }
    }
}

fn g09_each_method_that_loads_sees_and_loads_what_the_table_says<F: Kind>() {
    for rules in some_rules() {
        for age in rules.moments() {
            for janitor in JANITORS {
                for style in BOTH {
                    for row in loaders::<F>() {
                        let (cache, _clock) = aged::<F>(&rules, age, janitor, style, BRINGS);
                        let before = rules.state(age, age);
                        let what = format!("{} after {age:?} ({before:?}), janitor {janitor:?}, {style:?}, by {rules:?}", row.name);
                        check(&row, &cache, before, &what);
                    }
                }
            }
        }
    }
}

fn g09_a_fetched_value_says_where_it_came_from<F: Kind>() {
    for age in FULL.moments() {
        let stale = |why| Source::Stale { age, why };
        let (read_through, never_loading) = match FULL.state(age, age) {
            Freshness::Stale => (stale(StaleReason::Revalidating), Some(stale(StaleReason::NotLoaded))),
            Freshness::ErrorFallback => (Source::Loaded, Some(stale(StaleReason::NotLoaded))),
            Freshness::Expired => (Source::Loaded, None),
            _ => (Source::Hit, Some(Source::Hit)),
        };
        for janitor in JANITORS {
            let (cache, _clock) = aged::<F>(&FULL, age, janitor, Style::Async, BRINGS);
            assert_eq!(cache.fetch_stale(&KEY).map(|fetched| fetched.source), never_loading, "{age:?}");
            assert_eq!(cache.fetch_detailed(&KEY).map(|fetched| fetched.source).ok(), Some(read_through), "{age:?}");
            at_rest(&cache.sync());
        }
    }
}

fn g09_a_stale_value_s_age_counts_from_when_it_was_last_confirmed<F: Kind>() {
    let (cache, clock) = aged::<F>(&FULL, secs(30), JANITORS[0], Style::Blocking, |_| Ok(bellwether::Loaded::unchanged()));
    assert!(cache.refresh(&KEY).is_ok());
    clock.advance(secs(100));
    let fetched = cache.fetch_stale(&KEY).expect("it is stale");
    assert_eq!((*fetched.value, fetched.source), (OLD, Source::Stale { age: secs(100), why: StaleReason::NotLoaded }));
    at_rest(&cache.sync());
}

/// A write makes whatever is held a fresh one.
fn g09_a_write_in_any_state_begins_all_times_anew<F: Kind>() {
    type Write<F> = fn(&Of<F>);
    let writes: [Write<F>; 4] = [
        |cache| cache.insert(KEY, NEW),
        |cache| cache.insert_with(KEY, bellwether::Loaded::value(NEW)),
        |cache| assert_eq!(cache.refresh(&KEY).ok().as_deref(), Some(&NEW)),
        |cache| assert!(cache.fetch_or_load(&KEY, || bellwether::Loaded::ok(NEW)).is_ok_and(|value| [OLD, NEW].contains(&value))),
    ];
    for age in FULL.moments() {
        for (number, write) in writes.into_iter().enumerate() {
            let (cache, clock) = aged::<F>(&FULL, age, JANITORS[1], Style::Blocking, BRINGS);
            let untouched = number == 3 && FULL.state(age, age) == Freshness::Fresh;
            write(&cache);
            at_rest(&cache.sync());
            let stored_ago = if untouched { age } else { Duration::ZERO };
            assert_eq!(cache.entry_info(&KEY).map(|info| info.age), Some(stored_ago), "{age:?}, {number}");
            clock.advance(secs(100) - TICK - stored_ago);
            assert_eq!((is_shown(state::<F>(&cache)), cache.contains_key(&KEY)), (true, true));
            clock.advance(TICK);
            assert!(!cache.contains_key(&KEY));
        }
    }
}

on_every_face_in_time!(
    g09_each_method_sees_what_the_table_says,
    g09_each_method_that_loads_sees_and_loads_what_the_table_says,
    g09_a_fetched_value_says_where_it_came_from,
    g09_a_stale_value_s_age_counts_from_when_it_was_last_confirmed,
    g09_a_write_in_any_state_begins_all_times_anew,
);
