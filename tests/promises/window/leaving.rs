//! Callers that go away while their miss stands in the window.

use super::scene::{Scene, Source, TICK, WAIT, wait};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::AbandonedLoads;
use futures::FutureExt;

fn g4_window_what_a_caller_has_left_is_loaded_unless_that_is_cancelled<F: Kind>() {
    for style in BOTH {
        for abandoned in [AbandonedLoads::Finish, AbandonedLoads::Cancel] {
            let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.abandoned_loads(abandoned));
            let (leaver, stays) = (scene.tasks.fetch_with(&1), scene.tasks.fetch_with(&2));
            let mut polled = scene.tasks.fetch_with(&3);
            assert!((&mut polled).now_or_never().is_none());
            drop((leaver, polled));
            scene.close();
            assert_eq!(wait(stays), Ok(20), "{style:?}, {abandoned:?}");
            scene.sync().wait_idle();
            let expected = if abandoned == AbandonedLoads::Finish { vec![1, 2, 3] } else { vec![2] };
            assert_eq!(scene.source.calls(), std::slice::from_ref(&expected), "{style:?}, {abandoned:?}");
            assert_eq!(scene.cache.len(), expected.len() as u64, "{style:?}, {abandoned:?}");
            let metrics = at_rest(&scene.sync());
            assert_eq!((metrics.misses, metrics.loads_failed()), (3, 3 - metrics.loads_stored), "{style:?}, {abandoned:?}");
        }
    }
}

fn g4_window_the_one_who_missed_first_may_leave_the_others<F: Kind>() {
    for style in BOTH {
        for abandoned in [AbandonedLoads::Finish, AbandonedLoads::Cancel] {
            let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.abandoned_loads(abandoned));
            let first = scene.tasks.fetch_with(&1);
            let joined = [1, 1].map(|key| scene.tasks.fetch_with(&key));
            drop(first);
            assert_eq!(scene.cache.metrics().waiters, 2, "{style:?}");
            scene.close();
            assert_eq!(joined.map(wait), [Ok(10), Ok(10)], "{style:?}, {abandoned:?}");
            assert_eq!(scene.source.calls(), [[1]], "{style:?}, {abandoned:?}");
            at_rest(&scene.sync());
        }
    }
}

fn g4_window_that_all_have_left_asks_for_nothing_and_opens_anew<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.abandoned_loads(AbandonedLoads::Cancel));
        let both = [1, 2].map(|key| scene.tasks.fetch_with(&key));
        drop(both);
        scene.clock.advance(WAIT - TICK);
        // The first of those that are there now has the whole time.
        let mut next = scene.tasks.fetch_with(&1);
        scene.clock.advance(WAIT - TICK);
        assert!((&mut next).now_or_never().is_none(), "{style:?}");
        assert!(scene.source.calls().is_empty(), "{style:?}: {:?}", scene.source.calls());
        scene.clock.advance(TICK);
        assert_eq!(wait(next), Ok(10), "{style:?}");
        assert_eq!(scene.source.calls(), [[1]], "{style:?}");
        drop(scene.tasks.fetch_with(&3));
        scene.clock.advance(WAIT * 3);
        assert_eq!(scene.source.calls().len(), 1, "{style:?}: nobody wants it");
        at_rest(&scene.sync());
    }
}

fn g4_window_is_not_filled_by_those_who_have_left<F: Kind>() {
    for style in BOTH {
        let set = |builder: bellwether::CacheBuilder<u32, u32>| builder.abandoned_loads(AbandonedLoads::Cancel).max_batch(3);
        let scene = Scene::<F>::set(&Source::plain(), style, set);
        for key in [1, 2, 3] {
            drop(scene.tasks.fetch_with(&key));
        }
        let mut stays = scene.tasks.fetch_with(&4);
        drop(scene.tasks.fetch_with(&5));
        assert!((&mut stays).now_or_never().is_none(), "{style:?}");
        let others = [6, 7].map(|key| scene.tasks.fetch_with(&key));
        assert_eq!((wait(stays), others.map(wait)), (Ok(40), [Ok(60), Ok(70)]), "{style:?}");
        assert_eq!(scene.source.calls(), [[4, 6, 7]], "{style:?}");
        at_rest(&scene.sync());
    }
}

on_every_face_in_time!(
    g4_window_what_a_caller_has_left_is_loaded_unless_that_is_cancelled,
    g4_window_the_one_who_missed_first_may_leave_the_others,
    g4_window_that_all_have_left_asks_for_nothing_and_opens_anew,
    g4_window_is_not_filled_by_those_who_have_left,
);
