//! What a refresh can bring besides a new value: that nothing has changed, that the key is gone, a value not to be kept, one too heavy.

use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{DUE, Given, KEY, OLD, SETTINGS, TICK, due_with, info, kind, settled, stale_while_revalidate};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::tally::tally;
use bellwether::{CacheBuilder, Freshness, LoadErrorKind, Loaded, RemovalCause};
use std::sync::Arc;
use std::time::Duration;

fn g12_an_unchanged_value_keeps_its_arc_and_its_times_begin_anew<F: Kind>() {
    for (setting, _) in SETTINGS {
        for style in BOTH {
            let (runway, given) = (Runway::new(0), Given::default());
            let builder = given.loader(&runway, setting(CacheBuilder::new()), style, |_| Loaded::ok(Loaded::unchanged()));
            let (cache, clock) = due_with::<F>(builder);
            clock.advance(DUE / 2);
            let old = cache.fetch_with(&KEY).expect("it is held");
            settled::<F>(&cache);
            assert_eq!((info::<F>(&cache).state, info::<F>(&cache).age), (Freshness::Fresh, Duration::ZERO), "{style:?}");
            clock.advance(DUE - TICK);
            assert_eq!((info::<F>(&cache).state, info::<F>(&cache).age), (Freshness::Fresh, DUE - TICK), "{style:?}");
            assert!(Arc::ptr_eq(&old, &cache.fetch_with(&KEY).expect("it is fresh")), "{style:?}: it is the very same");
            clock.advance(TICK);
            assert_ne!(info::<F>(&cache).state, Freshness::Fresh);
            // It has never left.
            let counted = |metrics: &bellwether::MetricsSnapshot| (metrics.loads_unchanged, metrics.loads_stored, metrics.refreshes_failed);
            tally(&cache.sync(), counted, (1, 0, 0));
            assert_eq!(at_rest(&cache.sync()).removals(RemovalCause::Replaced), 0);
            assert_eq!((given.values(), cache.len()), (vec![Some(OLD)], 1));
        }
    }
}

/// That nothing has changed comes with times of its own, too.
fn g12_an_unchanged_value_can_be_given_other_times<F: Kind>() {
    for style in BOTH {
        let (runway, given) = (Runway::new(0), Given::default());
        let answer = |_| Loaded::ok(Loaded::unchanged().time_to_live(DUE * 3));
        let (cache, clock) = due_with::<F>(given.loader(&runway, stale_while_revalidate(CacheBuilder::new()), style, answer));
        assert!(cache.fetch_with(&KEY).is_ok());
        settled::<F>(&cache);
        assert_eq!(info::<F>(&cache).time_left, Some(DUE * 3), "{style:?}");
        clock.advance(DUE * 3 - TICK);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&OLD));
        at_rest(&cache.sync());
    }
}

fn g12_an_absent_answer_removes_the_value_and_is_remembered_where_that_is_asked_for<F: Kind>() {
    for (setting, _) in SETTINGS {
        for style in BOTH {
            for remembers in [false, true] {
                let runway = Runway::new(0);
                let builder = setting(CacheBuilder::new());
                let builder = if remembers { builder.negative_ttl(DUE) } else { builder };
                let (cache, clock) = due_with::<F>(runway.loader(builder, style, |_| Loaded::ok(Loaded::absent())));
                assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD), "the one who started it has the value still");
                settled::<F>(&cache);
                assert_eq!((cache.len(), cache.fetch_stale(&KEY).is_none(), cache.metrics().negatives), (0, true, u64::from(remembers)));
                assert_eq!(kind(cache.fetch_with(&KEY)), Some(LoadErrorKind::Absent));
                assert!(cache.fetch_optional(&KEY).expect("absence is an answer").is_none());
                assert_eq!(runway.begun(), if remembers { 1 } else { 3 }, "{style:?}");
                clock.advance(DUE);
                assert!(cache.fetch_optional(&KEY).expect("absence is an answer").is_none());
                assert_eq!(runway.begun(), if remembers { 2 } else { 4 }, "{style:?}: it was remembered for so long");
                let metrics = at_rest(&cache.sync());
                assert_eq!((metrics.removals(RemovalCause::Absent), metrics.refreshes_started, metrics.refreshes_failed), (1, 1, 0));
                assert_eq!((metrics.loads_failed(), metrics.negative_hits), (0, if remembers { 2 } else { 0 }));
                assert_eq!(metrics.loads_absent, runway.begun() as u64);
            }
        }
    }
}

/// Nobody waits for what is not to be kept, and what was held leaves.
fn g12_a_refresh_that_brings_nothing_to_keep_removes_the_value<F: Kind>() {
    type Answer = fn(usize) -> Result<Loaded<usize>, bellwether::BoxError>;
    let uncached: Answer = |number| Loaded::ok(Loaded::value(number).uncached());
    let heavy: Answer = |number| Loaded::ok(Loaded::value(number).weight(100));
    for style in BOTH {
        for (answer, outcome) in [(uncached, (1, 0)), (heavy, (0, 1))] {
            let runway = Runway::new(0);
            let builder = stale_while_revalidate(CacheBuilder::new().capacity(99));
            let (cache, _) = due_with::<F>(runway.loader(builder, style, answer));
            assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
            settled::<F>(&cache);
            assert!(cache.fetch_stale(&KEY).is_none(), "{style:?}");
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.loads_uncached, metrics.loads_refused), outcome, "{style:?}");
            assert_eq!((metrics.removals(RemovalCause::Replaced), metrics.refreshes_failed, metrics.entries), (1, 0, 0));
        }
    }
}

on_every_face_in_time!(
    g12_an_unchanged_value_keeps_its_arc_and_its_times_begin_anew,
    g12_an_unchanged_value_can_be_given_other_times,
    g12_an_absent_answer_removes_the_value_and_is_remembered_where_that_is_asked_for,
    g12_a_refresh_that_brings_nothing_to_keep_removes_the_value,
);
