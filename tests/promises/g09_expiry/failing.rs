//! Who sees what where loading anew fails, where nobody can load, and where the answer is that the key is gone.

use crate::faces::{Face, Kind};
use crate::g09_expiry::scene::{FAILS, JANITORS, Janitor, KEY, OLD, Of, aged, builder, column, state};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{combinations, is_shown};
use crate::runway::BOTH;
use bellwether::{BoxError, Freshness, LoadError, LoadErrorKind, Loaded, Source, StaleReason};
use std::sync::Arc;
use std::time::Duration;

/// A read-through call.
type Call<F> = (&'static str, fn(&Of<F>) -> Result<Arc<u32>, LoadError>);

fn calls<F: Kind>() -> [Call<F>; 4] {
    [
        ("fetch_with", |cache| cache.fetch_with(&KEY)),
        ("fetch_optional", |cache| cache.fetch_optional(&KEY).map(|value| value.expect("nothing is absent"))),
        ("fetch_detailed", |cache| cache.fetch_detailed(&KEY).map(|fetched| fetched.value)),
        ("fetch_or_load", |cache| cache.fetch_or_load(&KEY, || Err::<Loaded<u32>, BoxError>("down".into()))),
    ]
}

fn why<F: Kind>(cache: &Of<F>) -> Result<Source, LoadErrorKind> {
    cache.fetch_detailed(&KEY).map(|fetched| fetched.source).map_err(|error| error.kind())
}

fn g09_where_loads_fail_a_value_is_served_until_its_last_deadline_and_not_beyond<F: Kind>() {
    for rules in combinations() {
        for (age, (name, call)) in rules.moments().into_iter().flat_map(|age| calls::<F>().map(|call| (age, call))) {
            let style = BOTH[usize::from(age.as_secs() % 2 == 0)];
            let (cache, _clock) = aged::<F>(&rules, age, JANITORS[usize::from(age.as_nanos() % 2 == 0)], style, FAILS);
            let before = rules.state(age, age);
            let what = format!("{name} after {age:?} ({before:?}), by {rules:?}");
            let seen = call(&cache).map(|value| *value).map_err(|error| error.kind());
            let expected = if before == Freshness::Expired { Err(LoadErrorKind::Failed) } else { Ok(OLD) };
            assert_eq!(seen, expected, "{what}");
            let loads = [0, 1, 1, 1, 1][column(before)];
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.loads_started, metrics.loads_failed()), (loads, loads), "{what}");
            if before == Freshness::Expired {
                assert_eq!(cache.entry_info(&KEY), None, "{what}");
                continue;
            }
            // It is left as it was, but for the failure.
            until("the failure is noted", || cache.entry_info(&KEY).is_some_and(|info| u64::from(info.failures) == loads));
            assert_eq!((state::<F>(&cache), cache.entry_info(&KEY).map(|info| info.age)), (before, Some(age)), "{what}");
        }
    }
}

fn g09_the_reason_for_a_stale_value_is_told<F: Kind>() {
    for rules in combinations() {
        for age in rules.moments() {
            let (cache, _clock) = aged::<F>(&rules, age, Janitor::On, BOTH[0], FAILS);
            let stale = |why| Ok(Source::Stale { age, why });
            let before = rules.state(age, age);
            let (first, second) = match before {
                Freshness::Stale => (stale(StaleReason::Revalidating), stale(StaleReason::BackingOff)),
                Freshness::ErrorFallback => (stale(StaleReason::LoadFailed), stale(StaleReason::BackingOff)),
                Freshness::Expired => (Err(LoadErrorKind::Failed), Err(LoadErrorKind::Failed)),
                _ => (Ok(Source::Hit), Ok(Source::Hit)),
            };
            assert_eq!(why::<F>(&cache), first, "{age:?} old, by {rules:?}");
            at_rest(&cache.sync());
            let expected = u32::from(!matches!(before, Freshness::Fresh | Freshness::Expired));
            until("the failure is noted", || cache.entry_info(&KEY).map_or(0, |info| info.failures) == expected);
            assert_eq!(why::<F>(&cache), second, "{age:?} old, by {rules:?}");
            let loads = if before == Freshness::Expired { 2 } else { u64::from(expected) };
            assert_eq!(at_rest(&cache.sync()).loads_started, loads, "no load while it backs off");
        }
    }
}

fn g09_without_a_loader_a_value_is_served_as_where_loads_fail<F: Kind>() {
    for rules in combinations() {
        for age in rules.moments() {
            let (builder, clock) = builder(Janitor::Off);
            let cache: Of<F> = F::Of::build(rules.apply(builder));
            cache.insert(KEY, OLD);
            clock.advance(age);
            let before = rules.state(age, age);
            match cache.fetch_detailed(&KEY) {
                Ok(fetched) if is_shown(before) => assert_eq!((*fetched.value, fetched.source), (OLD, Source::Hit)),
                Ok(fetched) => {
                    assert!(matches!(before, Freshness::Stale | Freshness::ErrorFallback), "{age:?} old, by {rules:?}");
                    assert!(matches!(fetched.source, Source::Stale { age: told, .. } if told == age));
                }
                Err(error) => {
                    assert_eq!((error.kind(), before), (LoadErrorKind::NoLoader, Freshness::Expired), "{age:?} old, by {rules:?}")
                }
            }
            assert_eq!((at_rest(&cache.sync()).loads_started, state::<F>(&cache)), (0, before));
        }
    }
}

/// Absence is an answer: a stale value is no substitute for it.
fn g13_an_absent_answer_is_not_hidden_by_a_stale_value<F: Kind>() {
    for rules in combinations() {
        for (age, style) in rules.moments().into_iter().flat_map(|age| BOTH.map(|style| (age, style))) {
            let (cache, _clock) = aged::<F>(&rules, age, Janitor::On, style, |_| Ok(Loaded::absent()));
            let before = rules.state(age, age);
            let waits = matches!(before, Freshness::ErrorFallback | Freshness::Expired);
            let seen = cache.fetch_optional(&KEY).expect("absence is no failure");
            assert_eq!(seen.as_deref(), (!waits).then_some(&OLD), "{age:?} old, by {rules:?}");
            at_rest(&cache.sync());
            let left = if before == Freshness::Fresh { Freshness::Fresh } else { Freshness::Expired };
            assert_eq!((state::<F>(&cache), cache.fetch_stale(&KEY).is_some()), (left, left == Freshness::Fresh));
        }
    }
}

/// A write that comes to nothing, or a change of times, makes nothing of what is over.
fn g09_what_is_over_is_not_brought_back<F: Kind>() {
    for rules in combinations() {
        for janitor in JANITORS {
            let (cache, _clock) = aged::<F>(&rules, rules.last(), janitor, BOTH[0], FAILS);
            assert!(!cache.set_ttl(&KEY, Duration::MAX) && !cache.persist(&KEY) && !cache.expire(&KEY), "{rules:?}");
            cache.insert_with(KEY, Loaded::unchanged());
            assert!(cache.fetch_with(&KEY).is_err() && cache.refresh(&KEY).is_err());
            assert_eq!((cache.entry_info(&KEY), cache.fetch_stale(&KEY).is_none()), (None, true), "{rules:?}");
            at_rest(&cache.sync());
        }
    }
}

on_every_face_in_time!(
    g09_where_loads_fail_a_value_is_served_until_its_last_deadline_and_not_beyond,
    g09_the_reason_for_a_stale_value_is_told,
    g09_without_a_loader_a_value_is_served_as_where_loads_fail,
    g13_an_absent_answer_is_not_hidden_by_a_stale_value,
    g09_what_is_over_is_not_brought_back,
);
