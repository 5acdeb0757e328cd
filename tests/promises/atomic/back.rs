//! G6: closures that call back into the cache. Off the lock they may; inside `try_compute` every call panics and says why.

use super::scene::Hands;
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, ComputeResult, RemovalCause};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

type Call = (&'static str, fn(&Hands<u32, u32>));

/// Calls of key 1, which is held, and of key 2, which is not.
fn calls() -> Vec<Call> {
    vec![
        ("get", |cache| ignore(cache.sync().get(&1, |_| ()))),
        ("fetch of a key that isn't held", |cache| ignore(cache.sync().fetch(&2))),
        ("peek", |cache| ignore(cache.sync().peek(&1))),
        ("contains_key", |cache| ignore(cache.sync().contains_key(&1))),
        ("entry_info", |cache| ignore(cache.sync().entry_info(&1))),
        ("iter", |cache| ignore(cache.sync().iter().count())),
        ("fetch_with", |cache| ignore(cache.sync().fetch_with(&2))),
        ("entry", |cache| ignore(cache.sync().entry(2))),
        ("try_entry", |cache| ignore(cache.sync().try_entry(1))),
        ("insert", |cache| cache.sync().insert(1, 5)),
        ("remove", |cache| ignore(cache.sync().remove(&2))),
        ("expire", |cache| ignore(cache.sync().expire(&1))),
        ("set_ttl", |cache| ignore(cache.sync().set_ttl(&1, Duration::MAX))),
        ("clear", |cache| cache.sync().clear()),
        ("set_capacity", |cache| cache.sync().set_capacity(5)),
        ("insert_if_absent", |cache| ignore(cache.insert_if_absent(2, 5))),
        ("replace", |cache| ignore(cache.replace(1, 5))),
        ("compare_and_swap", |cache| ignore(cache.compare_and_swap(&1, &Arc::new(1), 5))),
        ("compute", |cache| ignore(cache.compute(&1, |_| ()))),
        ("compute_val", |cache| ignore(cache.compute_val(&2, |_| ()))),
        ("upsert", |cache| cache.upsert(2, || 1, |_| ())),
        ("try_compute", |cache| ignore(cache.try_compute(&1, |_| ()))),
        ("try_compute_val", |cache| ignore(cache.try_compute_val(&2, |_| ()))),
    ]
}

/// Lets go of what a call gave.
fn ignore<T>(_: T) {}

fn face<F: Kind>() -> F::Of<u32, u32> {
    let cache = F::Of::build(CacheBuilder::new().shards(1).loader_fn(|&key: &u32| Ok::<_, BoxError>(key * 10)));
    cache.insert(1, 10);
    cache
}

/// The message of the panic that `call` ends in.
fn panic_of<R>(call: impl FnOnce() -> R) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(call)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}

/// It does what it did, on this thread and on others.
fn works<F: Kind>(cache: &F::Of<u32, u32>, what: &str) {
    assert_eq!(*cache.fetch_with(&3).expect("the loader brings it"), 30, "after {what}");
    assert!(apart(cache, |cache| cache.invalidate(&3)).result(), "after {what}");
    cache.insert(1, 10);
    assert_eq!(Hands::of::<F>(cache).try_compute_val(&1, |value| *value), ComputeResult::Done(10), "after {what}");
    at_rest(&cache.sync());
}

fn g6_a_call_inside_try_compute_panics_with_a_clear_message_and_the_value_goes<F: Kind>() {
    let (cache, other) = (face::<F>(), face::<F>());
    for called in [&cache, &other] {
        for (name, call) in calls() {
            let hands = Hands::of::<F>(called);
            let before = cache.metrics().removals(RemovalCause::Invalidated);
            let message = panic_of(|| Hands::of::<F>(&cache).try_compute(&1, |_| call(&hands)));
            let is_clear = |text: &String| text.contains("inside the closure of `try_compute`") && text.contains("use `compute`");
            assert!(message.as_ref().is_some_and(is_clear), "{name}: {message:?}");
            assert!(!cache.contains_key(&1), "{name}");
            assert_eq!(cache.metrics().removals(RemovalCause::Invalidated), before + 1, "{name}");
            works::<F>(&cache, name);
            works::<F>(&other, name);
        }
    }
}

/// Who catches the panic inside the closure is still inside it, and keeps the value.
fn g6_a_panic_that_is_caught_inside_is_none_for_the_cache<F: Kind>() {
    let cache = face::<F>();
    let hands = Hands::of::<F>(&cache);
    let caught = hands.try_compute_val(&1, |value| {
        *value += 1;
        (0..3).filter(|_| panic_of(|| cache.fetch(&1)).is_some()).count()
    });
    assert_eq!((caught, cache.peek(&1).as_deref()), (ComputeResult::Done(3), Some(&11)));
    works::<F>(&cache, "panics that were caught inside");
}

fn g6_closures_off_the_lock_may_call_the_cache<F: Kind>() {
    let cache = face::<F>();
    let hands = Hands::of::<F>(&cache);
    for (name, call) in calls() {
        // What changes their own key makes them run again: so once.
        let mut left = 1;
        let mut once = || {
            if left > 0 {
                left -= 1;
                call(&hands);
            }
        };
        hands.compute(&1, |_| once());
        left = 1;
        let mut once = || {
            if left > 0 {
                left -= 1;
                call(&hands);
            }
        };
        hands.upsert(9, || 1, |_| once());
        hands.upsert(
            8,
            || {
                call(&hands);
                1
            },
            |_| (),
        );
        cache.sync().set_capacity(u64::MAX);
        cache.invalidate(&2);
        cache.invalidate(&8);
        works::<F>(&cache, name);
    }
}

/// A write of its own key comes between, and so a `change` sees what that left.
fn g3_a_change_that_another_write_comes_between_is_made_anew<F: Kind>() {
    let cache = face::<F>();
    let hands = Hands::of::<F>(&cache);
    for start in [Some(10), None] {
        cache.invalidate(&1);
        start.into_iter().for_each(|value| cache.insert(1, value));
        let mut seen = Vec::new();
        let changed = hands.upsert(
            1,
            || 10,
            |value| {
                if seen.len() < 3 {
                    cache.insert(1, *value * 10);
                }
                seen.push(*value);
                *value += 1;
                *value
            },
        );
        assert_eq!((changed, seen), (10_001, vec![10, 100, 1_000, 10_000]));
        let mut seen = Vec::new();
        assert!(hands.compute(&1, |value| {
            if seen.len() < 2 {
                cache.insert(1, 7);
            }
            seen.push(*value);
            *value += 1;
        }));
        assert_eq!((seen, cache.peek(&1).as_deref()), (vec![10_001, 7, 7], Some(&8)));
    }
    at_rest(&cache.sync());
}

/// What an `upsert` has made is kept while another value comes and goes, and isn't made twice.
fn g3_what_was_made_is_stored_when_the_other_value_has_gone<F: Kind>() {
    let cache = face::<F>();
    let (mut made, mut changed) = (0, Vec::new());
    let result = Hands::of::<F>(&cache).upsert(
        5,
        || {
            made += 1;
            100
        },
        |value| {
            match changed.len() {
                0 => cache.insert(5, 7),
                1 => assert!(cache.invalidate(&5)),
                _ => {}
            }
            changed.push(*value);
            *value += 1;
            *value
        },
    );
    assert_eq!((result, made, changed), (101, 1, vec![100, 7]));
    assert_eq!(cache.peek(&5).as_deref(), Some(&101));
    at_rest(&cache.sync());
}

fn g3_a_change_of_what_is_gone_meanwhile_changes_nothing<F: Kind>() {
    let cache = face::<F>();
    let hands = Hands::of::<F>(&cache);
    let gone = hands.compute_val(&1, |value| {
        cache.invalidate(&1);
        *value += 1;
    });
    assert_eq!((gone, cache.len()), (None, 0));
    at_rest(&cache.sync());
}

/// Who merely has the value in hand is in nobody's way: the closure runs once.
fn g3_a_change_does_not_wait_for_those_who_have_the_value_in_hand<F: Kind>() {
    let cache = face::<F>();
    let hands = Hands::of::<F>(&cache);
    let in_hand = cache.fetch(&1).expect("it is held");
    let mut runs = 0;
    assert!(hands.compute(&1, |_| runs += 1));
    hands.upsert(1, || panic!("it is held"), |_| runs += 1);
    assert_eq!(hands.replace(1, 5).as_deref(), Some(&10));
    assert_eq!((runs, *in_hand), (2, 10));
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g6_a_call_inside_try_compute_panics_with_a_clear_message_and_the_value_goes,
    g6_a_panic_that_is_caught_inside_is_none_for_the_cache,
    g6_closures_off_the_lock_may_call_the_cache,
    g3_a_change_that_another_write_comes_between_is_made_anew,
    g3_what_was_made_is_stored_when_the_other_value_has_gone,
    g3_a_change_of_what_is_gone_meanwhile_changes_nothing,
    g3_a_change_does_not_wait_for_those_who_have_the_value_in_hand,
);
