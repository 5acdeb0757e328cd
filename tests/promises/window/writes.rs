//! Writes to keys that stand in the window: what is loaded when it closes is newer than they are, each key is asked for once, and nobody is told
//! that there is no such key.

use super::scene::{Of, Out, Outcome, Scene, Source, WAIT, of, wait};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::Loaded;

/// What is left in the cache for the key once all has landed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Left {
    Written,
    Loaded,
    Nothing,
}

type Write<C> = (&'static str, fn(&C), Left);

fn writes<F: Kind>() -> Vec<Write<Of<F>>> {
    vec![
        ("insert", |cache| cache.insert(1, 5), Left::Written),
        ("insert_with", |cache| cache.insert_with(1, Loaded::value(5).tags(["another"])), Left::Written),
        ("insert_if_absent", |cache| assert!(cache.sync().insert_if_absent(1, 5).is_none()), Left::Written),
        ("upsert", |cache| cache.sync().upsert(1, || 4, |value| *value += 1), Left::Written),
        ("invalidate", |cache| assert!(!cache.invalidate(&1)), Left::Loaded),
        ("remove", |cache| assert!(cache.remove(&1).is_none()), Left::Loaded),
        ("expire", |cache| assert!(!cache.expire(&1)), Left::Loaded),
        ("clear", |cache| cache.clear(), Left::Loaded),
        ("invalidate_tag", |cache| cache.sync().invalidate_tag("tag 1"), Left::Loaded),
        ("expire_tag", |cache| cache.sync().expire_tag("tag 1"), Left::Loaded),
        ("invalidate_if", |cache| assert!(cache.sync().invalidate_if(|key, _| *key == 1) <= 1), Left::Loaded),
        ("retain", |cache| cache.sync().retain(|key, _| *key != 1), Left::Loaded),
        ("invalidate_for", |cache| assert!(!cache.sync().invalidate_for(&1, WAIT * 100)), Left::Nothing),
        ("nothing", |cache| assert!(cache.peek(&1).is_none()), Left::Loaded),
        ("set_ttl", |cache| assert!(!cache.set_ttl(&1, WAIT)), Left::Loaded),
        ("replace", |cache| assert!(cache.sync().replace(1, 5).is_none()), Left::Loaded),
    ]
}

fn tagged() -> Source {
    Source::new(|keys: Vec<u32>, out: Out| async move {
        for key in keys {
            assert!(out.put(&key, Loaded::value(of(key)).tags([format!("tag {key}")])), "{key} is asked for once, and answered once");
        }
        Ok(())
    })
}

fn is_written_or_loaded(outcome: Outcome, left: Left) -> bool {
    outcome == Ok(10) || (outcome == Ok(5) && left == Left::Written)
}

fn g2_window_a_write_to_a_key_that_waits_leaves_one_load_of_it<F: Kind>() {
    for style in BOTH {
        for (name, write, left) in writes::<F>() {
            for rounds in 1..=6 {
                let scene = Scene::<F>::new(&tagged(), style);
                let (before, other) = (scene.tasks.fetch_with(&1), scene.tasks.fetch_with(&2));
                let mut after = Vec::new();
                for _ in 0..rounds {
                    write_again(&scene, write, left);
                    after.push(scene.tasks.fetch_with(&1));
                }
                scene.close();
                scene.sync().wait_idle();
                let what = format!("{style:?}, {name}, {rounds} times: {:?}, {:?}", scene.source.calls(), scene.source.singles());
                assert!(is_written_or_loaded(wait(before), left), "{what}");
                assert_eq!(wait(other), Ok(20), "{what}");
                for after in after {
                    assert_eq!(wait(after), if left == Left::Written { Ok(5) } else { Ok(10) }, "{what}");
                }
                let held = match left {
                    Left::Written => Some(5),
                    Left::Loaded => Some(10),
                    Left::Nothing => None,
                };
                assert_eq!(
                    (scene.cache.peek(&1).as_deref().copied(), scene.cache.peek(&2).as_deref().copied()),
                    (held, Some(20)),
                    "{what}"
                );
                let asked = scene.source.calls().concat();
                assert!(asked.iter().filter(|key| **key == 1).count() <= 1, "{what}");
                assert_eq!(asked.iter().filter(|key| **key == 2).count(), 1, "{what}");
                assert!(scene.source.singles().is_empty(), "{what}");
                at_rest(&scene.sync());
            }
        }
    }
}

/// Once more, whatever the round before has left.
fn write_again<F: Kind>(scene: &Scene<F>, write: fn(&Of<F>), left: Left) {
    if left == Left::Written && scene.cache.peek(&1).is_some() {
        scene.cache.insert(1, 5);
    } else {
        write(&scene.cache);
    }
}

/// What was written before the load is asked for is what the load sees: nothing that it brings is older.
fn g2_window_loads_begin_after_all_that_was_written_while_it_was_open<F: Kind>() {
    for style in BOTH {
        let row = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(1));
        let read = std::sync::Arc::clone(&row);
        let source = Source::new(move |keys: Vec<u32>, out: Out| {
            let now = read.load(std::sync::atomic::Ordering::Relaxed);
            async move {
                keys.iter().for_each(|key| assert!(out.put(key, now)));
                Ok(())
            }
        });
        let scene = Scene::<F>::new(&source, style);
        let first = scene.tasks.fetch_with(&1);
        row.store(2, std::sync::atomic::Ordering::Relaxed);
        scene.cache.invalidate(&1);
        let second = scene.tasks.fetch_with(&1);
        scene.close();
        assert_eq!((wait(first), wait(second)), (Ok(2), Ok(2)), "{style:?}");
        scene.sync().wait_idle();
        assert_eq!(scene.cache.peek(&1).as_deref(), Some(&2), "{style:?}");
        at_rest(&scene.sync());
    }
}

/// A write after the window has closed overtakes the load as any other.
fn g2_window_a_write_after_its_end_overtakes_the_load<F: Kind>() {
    for style in BOTH {
        let gate = crate::gate::Gate::new();
        let held = gate.clone();
        let source = Source::new(move |keys: Vec<u32>, out: Out| {
            let held = held.clone();
            async move {
                held.pass().await;
                keys.iter().for_each(|key| assert!(out.put(key, of(*key))));
                Ok(())
            }
        });
        let scene = Scene::<F>::new(&source, style);
        let (one, two) = (scene.tasks.fetch_with(&1), scene.tasks.fetch_with(&2));
        scene.close();
        gate.until_arrived(1);
        scene.cache.invalidate(&1);
        // A newer load of the same key, in the next window.
        let after = scene.tasks.fetch_with(&1);
        gate.open();
        assert_eq!((wait(one), wait(two)), (Ok(10), Ok(20)), "{style:?}");
        assert!(scene.cache.peek(&1).is_none() && scene.cache.peek(&2).is_some(), "{style:?}: it is delivered, not stored");
        scene.close();
        assert_eq!(wait(after), Ok(10), "{style:?}");
        assert_eq!(scene.source.calls(), [vec![1, 2], vec![1]], "{style:?}");
        let metrics = at_rest(&scene.sync());
        assert_eq!((metrics.loads_superseded, metrics.loads_stored), (1, 2), "{style:?}: {metrics:?}");
        assert_eq!(scene.cache.peek(&1).as_deref(), Some(&10), "{style:?}");
    }
}

on_every_face_in_time!(
    g2_window_a_write_to_a_key_that_waits_leaves_one_load_of_it,
    g2_window_loads_begin_after_all_that_was_written_while_it_was_open,
    g2_window_a_write_after_its_end_overtakes_the_load,
);
