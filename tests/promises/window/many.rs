//! Calls for many keys beside a window: they don't wait for it, unless for a key that stands in it.

use super::scene::{Outcome, Scene, Source, wait};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, MultiFetch};
use futures::FutureExt;
use std::time::Duration;

fn outcomes(found: &MultiFetch<u32, u32>) -> Vec<(u32, Outcome)> {
    found.iter().map(|(key, result)| (*key, result.as_ref().map(|value| **value).map_err(bellwether::LoadError::kind))).collect()
}

fn g1_window_calls_for_many_keys_do_not_wait_for_it<F: Kind>() {
    for style in BOTH {
        for most in [None, Some(1)] {
            let scene = Scene::<F>::set(&Source::plain(), style, |builder| match most {
                Some(most) => builder.max_concurrent_loads(most),
                None => builder,
            });
            let held_back = scene.tasks.fetch_with(&1);
            assert_eq!(outcomes(&scene.cache.multi_fetch_with(&[2, 3])), [(2, Ok(20)), (3, Ok(30))], "{style:?}: the clock stands still");
            assert_eq!(outcomes(&scene.cache.multi_fetch_with(&[4])), [(4, Ok(40))], "{style:?}");
            scene.sync().warm(&[5, 6]);
            until("they are there", || scene.cache.len() == 5);
            assert_eq!(scene.source.calls(), [vec![2, 3], vec![4], vec![5, 6]], "{style:?}");
            scene.close();
            assert_eq!(wait(held_back), Ok(10), "{style:?}");
            at_rest(&scene.sync());
        }
    }
}

fn g1_window_calls_for_many_keys_join_what_stands_in_it<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        let single = scene.tasks.fetch_with(&1);
        let many = apart(&scene.cache, |cache| outcomes(&cache.multi_fetch_with(&[2, 1, 3])));
        until("what nobody waited for is there", || scene.cache.len() == 2);
        assert!(!many.is_over(), "{style:?}");
        // And who misses one of theirs alone joins them.
        assert_eq!(scene.cache.fetch_with(&3).as_deref().ok(), Some(&30), "{style:?}");
        scene.close();
        assert_eq!((wait(single), many.result()), (Ok(10), vec![(2, Ok(20)), (1, Ok(10)), (3, Ok(30))]), "{style:?}");
        assert_eq!(scene.source.calls(), [vec![2, 3], vec![1]], "{style:?}: each key once");
        at_rest(&scene.sync());
    }
}

fn g2_window_writes_of_many_keys_meet_what_stands_in_it<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        let before = [1, 2, 3].map(|key| scene.tasks.fetch_with(&key));
        scene.cache.multi_insert(vec![(1, 5), (8, 8)]);
        assert_eq!(scene.cache.multi_invalidate(&[2, 9]), 0, "{style:?}");
        assert!(scene.cache.multi_remove(&[3]).is_empty(), "{style:?}");
        let after = [1, 2, 3].map(|key| scene.tasks.fetch_with(&key));
        scene.close();
        assert_eq!(before.map(wait)[1..], [Ok(20), Ok(30)], "{style:?}");
        assert_eq!(after.map(wait), [Ok(5), Ok(20), Ok(30)], "{style:?}");
        scene.sync().wait_idle();
        let held = [1, 2, 3, 8].map(|key| scene.cache.peek(&key).as_deref().copied());
        assert_eq!(held, [Some(5), Some(20), Some(30), Some(8)], "{style:?}");
        let asked = scene.source.calls().concat();
        assert!([2, 3].iter().all(|key| asked.iter().filter(|asked| *asked == key).count() == 1), "{style:?}: {asked:?}");
        at_rest(&scene.sync());
    }
}

fn g12_window_refreshes_of_many_keys_serve_what_is_held<F: Kind>() {
    const LIFE: Duration = Duration::from_secs(10);
    for style in BOTH {
        let set = |builder: CacheBuilder<u32, u32>| builder.time_to_live(LIFE).stale_while_revalidate(LIFE);
        let scene = Scene::<F>::set(&Source::plain(), style, set);
        scene.cache.multi_insert((1..=3).map(|key| (key, key)).collect());
        scene.clock.advance(LIFE);
        for keys in [vec![1, 2], vec![3]] {
            let expected: Vec<_> = keys.iter().map(|key| (*key, Ok(*key))).collect();
            assert_eq!(outcomes(&scene.cache.multi_fetch_with(&keys)), expected, "{style:?}");
        }
        scene.close();
        scene.sync().wait_idle();
        assert_eq!(scene.cache.multiget(&[1, 2, 3]).len(), 3, "{style:?}: all are fresh");
        let mut asked = scene.source.calls().concat();
        asked.sort_unstable();
        assert_eq!((asked, scene.source.singles().len()), (vec![1, 2, 3], 0), "{style:?}");
        at_rest(&scene.sync());
    }
}

/// A caller of many keys who leaves takes nobody in the window with him.
fn g4_window_a_caller_of_many_keys_leaves_those_in_it_alone<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::set(&Source::plain(), style, |builder| builder.abandoned_loads(bellwether::AbandonedLoads::Cancel));
        let single = scene.tasks.fetch_with(&1);
        let mut many = scene.tasks.multi_fetch_with(&[1, 2]);
        assert!((&mut many).now_or_never().is_none(), "{style:?}");
        drop(many);
        scene.close();
        assert_eq!(wait(single), Ok(10), "{style:?}");
        at_rest(&scene.sync());
    }
}

on_every_face_in_time!(
    g1_window_calls_for_many_keys_do_not_wait_for_it,
    g1_window_calls_for_many_keys_join_what_stands_in_it,
    g2_window_writes_of_many_keys_meet_what_stands_in_it,
    g12_window_refreshes_of_many_keys_serve_what_is_held,
    g4_window_a_caller_of_many_keys_leaves_those_in_it_alone,
);
