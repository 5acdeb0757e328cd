//! Time that passes while loads are under way, loads that fail, what is remembered of them, and a cache's end.

use crate::freshness::{AFTER, BEFORE, HALF, KEY, LIFE, Mood, NEW, OLD, Scene, against, stale};
use crate::world::{OnShuttle, below, explore_share};
use bellwether::{BoxError, CacheBuilder, ErrorBackoff, LoadErrorKind, MockClock, RemovalCause, Source, StaleReason};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[test]
fn g11_who_comes_when_the_last_deadline_has_passed_waits_for_the_refresh_under_way() {
    against(
        stale,
        |scene| {
            scene.clock.advance(LIFE);
            let value = scene.fetch(true).expect("loads succeed");
            assert_ne!(value, OLD, "nobody sees it from then on");
            true
        },
        |scene, _| {
            // Its time to live may have begun before the clock was moved.
            let held = scene.cache.fetch_stale(&KEY).map(|fetched| *fetched.value);
            assert!(held.is_some_and(|value| value >= BEFORE), "what somebody waited for is held: {held:?}");
            assert!(scene.loads() <= 2, "the refresh, and one more if nobody waited for that when it landed");
        },
    );
}

#[test]
fn g10_a_refresh_that_outlives_its_value_stores_nothing_unless_somebody_waits() {
    against(
        stale,
        |scene| {
            scene.clock.advance(LIFE);
            true
        },
        |scene, _| {
            let metrics = scene.cache.metrics();
            if metrics.misses + metrics.joined == 0 {
                assert_eq!(metrics.loads_stored + metrics.loads_refused, metrics.refreshes_started);
                assert!(metrics.loads_refused == 0 || scene.cache.is_empty(), "its value went, and it brings none back");
            }
            scene.clock.advance(LIFE * 9);
            assert_eq!((scene.cache.len(), scene.cache.weight()), (0, 0), "what is over is reclaimed");
        },
    );
}

#[test]
fn g12_the_failure_of_a_refresh_is_not_laid_to_what_overtook_it() {
    let failing = || Scene::stale(Mood::Fails, |builder| builder);
    against(
        failing,
        |scene| {
            scene.cache.insert(KEY, NEW);
            true
        },
        |scene, _| {
            let info = scene.cache.entry_info(&KEY).expect("it was inserted");
            assert_eq!((scene.held(), info.failures, info.next_try), (Some(NEW), 0, None));
        },
    );
    against(
        failing,
        |_| true,
        |scene, _| {
            let info = scene.cache.entry_info(&KEY).expect("a failure leaves the value");
            assert_eq!((scene.loads(), info.failures), (1, 1), "the next try waits");
            assert!(info.next_try.is_some());
            assert_eq!(scene.cache.metrics().refreshes_failed, 1);
        },
    );
}

#[test]
fn g17_a_cache_that_closes_serves_what_it_holds_and_begins_no_refresh_afterwards() {
    against(
        stale,
        |scene| {
            assert!(scene.cache.close_within(Duration::MAX));
            let begun = scene.loads();
            assert!(scene.fetch(false).is_ok());
            assert_eq!(scene.loads(), begun, "no load begins any more");
            true
        },
        |scene, _| assert!(scene.loads() <= 1),
    );
}

#[test]
fn g17_the_last_handle_may_go_while_a_refresh_is_in_the_air() {
    explore_share(2, || {
        let Scene { cache, clock, source, running } = stale();
        let handles = [false, true].map(|as_task| {
            let cache = cache.to_async();
            shuttle::thread::spawn(move || {
                let value = if as_task { shuttle::future::block_on(cache.fetch_with(&KEY)) } else { cache.to_sync().fetch_with(&KEY) };
                assert!(value.is_ok());
            })
        });
        drop(cache);
        handles.into_iter().for_each(|handle| handle.join().expect("no assertion failed"));
        running.rest();
        // Its appointments, if any are left, hold it no longer than until they come.
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(Arc::strong_count(&source), 1, "the cache and its loader are gone");
    });
}

#[test]
fn g11_a_caller_who_has_waited_long_enough_gets_the_stale_value_whenever_the_load_ends() {
    explore_share(2, || {
        let (release, kept) = shuttle::sync::mpsc::channel::<()>();
        let kept = shuttle::sync::Mutex::new(kept);
        let clock = MockClock::new();
        let running = OnShuttle::default();
        let load = move |_: &u8| {
            // Until the test lets it go.
            let released = kept.lock().expect("nobody panics under it").recv().is_err();
            if released { Ok(BEFORE) } else { Err(BoxError::from("nothing is ever sent")) }
        };
        let cache = CacheBuilder::new().loader_fn(load).shards(1).spawner(running.clone()).clock(clock.clone());
        let cache = cache.time_to_live(LIFE).stale_if_error(LIFE * 9).soft_timeout(HALF).load_timeout(Duration::MAX);
        let cache = cache.build().expect("the settings make sense");
        cache.insert(KEY, OLD);
        clock.advance(LIFE);
        let callers = [false, true].map(|as_task| {
            let cache = cache.clone();
            shuttle::thread::spawn(move || {
                let fetched =
                    if as_task { shuttle::future::block_on(cache.to_async().fetch_detailed(&KEY)) } else { cache.fetch_detailed(&KEY) };
                let fetched = fetched.expect("there is a value to fall back on");
                let slow = matches!(fetched.source, Source::Stale { why: StaleReason::LoadSlow, .. });
                assert!(slow && *fetched.value == OLD, "{fetched:?}");
            })
        });
        // Both have begun to wait, though they may not sleep yet.
        while cache.metrics().misses + cache.metrics().joined < 2 {
            shuttle::thread::yield_now();
        }
        clock.advance(HALF);
        callers.into_iter().for_each(|caller| caller.join().expect("no assertion failed"));
        drop(release);
        running.rest();
        assert_eq!(cache.peek(&KEY).as_deref(), Some(&BEFORE), "the load went on");
        cache.validate();
    });
}

#[test]
fn g11_a_soft_time_out_and_a_landing_never_both_count() {
    explore_share(2, || {
        let scene = Scene::new(Mood::Good, |builder| builder.stale_if_error(LIFE * 9).soft_timeout(HALF));
        scene.cache.insert(KEY, OLD);
        scene.clock.advance(LIFE);
        let callers = [false, true].map(|as_task| {
            let scene = scene.clone();
            shuttle::thread::spawn(move || scene.fetch(as_task).expect("there is a value to fall back on"))
        });
        scene.clock.advance(HALF);
        let served = callers.map(|caller| caller.join().expect("no assertion failed"));
        scene.rest();
        assert!(served.iter().all(|&value| value == OLD || value == BEFORE), "{served:?}");
        assert_eq!((scene.held(), scene.loads()), (Some(BEFORE), 1));
        let metrics = scene.cache.metrics();
        assert_eq!(metrics.hits + metrics.misses + metrics.joined, 2, "each call is counted once: {metrics:?}");
    });
}

/// Readers of a key without a value against a writer: nothing is remembered from before the write.
fn nothing_remembered(mood: Mood, write: fn(&Scene)) {
    explore_share(8, move || {
        let scene = Scene::new(mood, |builder| builder.error_backoff(ErrorBackoff::new(LIFE)).negative_ttl(LIFE));
        let readers = [false, true].map(|as_task| {
            let scene = scene.clone();
            shuttle::thread::spawn(move || match scene.fetch(as_task) {
                Ok(value) => assert!(value == NEW || value >= AFTER, "{value}"),
                Err(error) => assert!(matches!(error.kind(), LoadErrorKind::Failed | LoadErrorKind::Absent), "{error:?}"),
            })
        });
        let writer = {
            let scene = scene.clone();
            shuttle::thread::spawn(move || {
                (0..below(40)).for_each(|_| shuttle::thread::yield_now());
                scene.source.written.store(true, Ordering::Relaxed);
                write(&scene);
            })
        };
        readers.into_iter().chain([writer]).for_each(|thread| thread.join().expect("no assertion failed"));
        scene.rest();
        assert_eq!(scene.cache.metrics().negatives, 0, "a write ends what was remembered, and a load that it overtook leaves nothing");
        assert!(scene.fetch(true).is_ok());
        scene.rest();
    });
}

#[test]
fn g12_a_write_ends_what_is_remembered_of_failed_loads() {
    let writes: [fn(&Scene); 4] = [
        |scene| scene.cache.insert(KEY, NEW),
        |scene| assert!(!scene.cache.invalidate(&KEY) || scene.loads() > 0),
        |scene| scene.cache.clear(),
        |scene| assert!(!scene.cache.expire(&KEY) || scene.loads() > 0),
    ];
    writes.into_iter().for_each(|write| nothing_remembered(Mood::FailsAtFirst, write));
}

#[test]
fn g13_a_write_ends_what_is_remembered_of_keys_that_are_absent() {
    let writes: [fn(&Scene); 4] = [
        |scene| scene.cache.insert(KEY, NEW),
        |scene| assert!(scene.cache.remove(&KEY).is_none_or(|value| *value >= AFTER)),
        |scene| scene.cache.clear(),
        |scene| assert!(!scene.cache.expire(&KEY) || scene.loads() > 0),
    ];
    writes.into_iter().for_each(|write| nothing_remembered(Mood::AbsentAtFirst, write));
}

#[test]
fn g13_a_remembered_absence_goes_when_its_time_is_over_and_an_insert_stays() {
    explore_share(2, || {
        let scene = Scene::new(Mood::AbsentAtFirst, |builder| builder.negative_ttl(HALF));
        assert!(scene.fetch(false).is_err());
        scene.rest();
        assert_eq!(scene.cache.metrics().negatives, 1);
        let writer = {
            let scene = scene.clone();
            shuttle::thread::spawn(move || scene.cache.insert(KEY, NEW))
        };
        scene.clock.advance(HALF);
        writer.join().expect("inserting doesn't panic");
        scene.rest();
        assert_eq!((scene.held(), scene.cache.metrics().negatives), (Some(NEW), 0));
    });
}

#[test]
fn g10_a_visit_takes_out_what_is_over_and_nothing_else_whoever_writes_or_reads_meanwhile() {
    explore_share(2, || {
        let scene = Scene::new(Mood::Good, |builder| builder.stale_while_revalidate(HALF).capacity(4));
        (0..4).for_each(|key| scene.cache.insert(key, OLD));
        scene.clock.advance(LIFE);
        let threads: [fn(&Scene); 3] = [
            |scene| scene.cache.insert_with_ttl(KEY, NEW, LIFE * 9),
            |scene| assert!(scene.cache.remove(&2).is_none(), "what is stale isn't shown"),
            |scene| assert!(scene.cache.fetch_stale(&3).is_none_or(|fetched| *fetched.value == OLD)),
        ];
        let threads = threads.map(|work| {
            let scene = scene.clone();
            shuttle::thread::spawn(move || work(&scene))
        });
        scene.clock.advance(HALF);
        threads.into_iter().for_each(|thread| thread.join().expect("no assertion failed"));
        scene.rest();
        assert_eq!((scene.cache.len(), scene.held()), (1, Some(NEW)), "what is over is gone, and what came meanwhile is there");
        let removals = scene.cache.metrics();
        let (expired, others) = (removals.removals(RemovalCause::Expired), [RemovalCause::Replaced, RemovalCause::Invalidated]);
        assert_eq!(expired + others.map(|cause| removals.removals(cause)).iter().sum::<u64>(), 4, "each has left once");
        scene.clock.advance(LIFE * 10);
        assert_eq!((scene.cache.len(), scene.cache.weight()), (0, 0), "the visit for what came meanwhile was not forgotten");
        scene.rest();
    });
}

#[test]
fn g10_whatever_is_stored_while_visits_are_under_way_is_visited_in_its_time() {
    explore_share(2, || {
        let scene = Scene::new(Mood::Good, |builder| builder);
        let writers = [0, 1].map(|n| {
            let scene = scene.clone();
            shuttle::thread::spawn(move || {
                for round in 0..2 {
                    scene.cache.insert_with_ttl(n * 2 + round, NEW, Duration::from_secs(1 + below(3) as u64));
                }
            })
        });
        (0..3).for_each(|_| scene.clock.advance(Duration::from_secs(1)));
        writers.into_iter().for_each(|writer| writer.join().expect("inserting doesn't panic"));
        scene.clock.advance(Duration::from_secs(3));
        assert_eq!((scene.cache.len(), scene.cache.weight()), (0, 0), "all of it is over");
        scene.rest();
    });
}
