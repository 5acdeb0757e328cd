//! Answers that are no value: absence, "unchanged" with nothing held, and no loader at all.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{CacheBuilder, LoadErrorKind, Loaded, RemovalCause};

fn g5_absence_is_an_answer_shared_by_all_who_wait_and_no_failure<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new(), style, |_| Ok(Loaded::absent())));
        let plain: Vec<_> = (0..3).map(|_| apart(&cache, |cache| cache.fetch_with(&1))).collect();
        let optional: Vec<_> = (0..3).map(|_| apart(&cache, |cache| cache.fetch_optional(&1))).collect();
        until("six have asked", || cache.metrics().misses + cache.metrics().joined == 6);
        runway.open(0);
        for caller in plain {
            let error = caller.result().expect_err("there is no such key");
            assert!(error.is_absent() && !error.is_retryable() && error.kind() == LoadErrorKind::Absent, "{style:?}: {error:?}");
        }
        for caller in optional {
            assert_eq!(caller.result().expect("absence is an answer"), None, "{style:?}");
        }
        assert_eq!(cache.fetch_optional(&1).expect("absence is an answer"), None);
        assert_eq!(runway.begun(), 2, "{style:?}: without a negative time to live the next call asks again");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_absent, metrics.loads_failed(), metrics.entries), (2, 0, 0));
    }
}

fn g5_a_refresh_that_finds_the_key_absent_removes_its_value<F: Kind>() {
    for style in BOTH {
        let cache = F::Of::<u32, usize>::build(Runway::new(0).loader(CacheBuilder::new(), style, |_| Ok(Loaded::absent())));
        cache.insert(1, 50);
        assert!(cache.refresh(&1).expect_err("there is no such key any more").is_absent());
        assert!(!cache.contains_key(&1), "{style:?}");
        until("the removal is counted", || cache.metrics().removals(RemovalCause::Absent) == 1);
        at_rest(&cache.sync());
    }
}

fn g5_unchanged_with_nothing_held_is_a_failure_and_with_a_value_leaves_it<F: Kind>() {
    for style in BOTH {
        let cache = F::Of::<u32, usize>::build(Runway::new(0).loader(CacheBuilder::new(), style, |_| Ok(Loaded::unchanged())));
        let error = cache.fetch_with(&1).expect_err("nothing is held that could be unchanged");
        assert_eq!((error.kind(), cache.contains_key(&1)), (LoadErrorKind::Failed, false), "{style:?}: {error}");
        cache.insert(1, 50);
        assert_eq!(*cache.refresh(&1).expect("it is unchanged"), 50, "{style:?}");
        assert_eq!(cache.fetch(&1).as_deref(), Some(&50));
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_failed(), metrics.loads_unchanged), (1, 1));
    }
}

/// What is held when the answer comes counts, not what was held when the load began.
fn g5_unchanged_for_a_value_that_was_invalidated_meanwhile_is_delivered_and_not_stored<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new(), style, |_| Ok(Loaded::unchanged())));
        cache.insert(1, 50);
        let refresh = apart(&cache, |cache| cache.refresh(&1));
        runway.until_begun(0);
        assert!(cache.invalidate(&1));
        runway.open(0);
        assert_eq!(*refresh.result().expect("it was unchanged when it was asked"), 50, "{style:?}");
        assert!(!cache.contains_key(&1), "{style:?}: the invalidation stands");
        assert_eq!(at_rest(&cache.sync()).loads_superseded, 1);
    }
}

fn g5_without_a_loader_a_miss_is_an_error_and_no_load<F: Kind>() {
    let cache = F::Of::<u32, usize>::build(CacheBuilder::new());
    for error in [cache.fetch_with(&1).expect_err("there is no loader"), cache.refresh(&1).expect_err("there is no loader")] {
        assert!(error.kind() == LoadErrorKind::NoLoader && !error.is_retryable(), "{error:?}");
    }
    assert_eq!(cache.metrics().loads_started, 0);
    assert_eq!(*cache.fetch_or_load(&1, || Loaded::ok(5)).expect("the closure brings it"), 5);
    assert_eq!(*cache.fetch_with(&1).expect("it is held"), 5);
    let error = cache.refresh(&1).expect_err("a held value is no loader");
    assert_eq!((error.kind(), cache.fetch(&1).as_deref()), (LoadErrorKind::NoLoader, Some(&5)));
    assert_eq!(at_rest(&cache.sync()).loads_started, 1);
}

/// Who has no way to load can still wait for one who has.
fn g5_without_a_loader_a_miss_joins_the_load_of_a_closure<F: Kind>() {
    let cache = F::Of::<u32, usize>::build(CacheBuilder::new());
    let runway = Runway::new(1);
    let closure = runway.clone();
    let leader = apart(&cache, |cache| cache.fetch_or_load(&1, move || Loaded::ok(closure.load() + 5)));
    runway.until_begun(0);
    let joiners = [apart(&cache, |cache| cache.fetch_with(&1)), apart(&cache, |cache| cache.refresh(&1))];
    until("both have joined", || cache.metrics().joined == 2);
    runway.open(0);
    for caller in joiners.into_iter().chain([leader]) {
        assert_eq!(*caller.result().expect("the closure brings it"), 5);
    }
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g5_absence_is_an_answer_shared_by_all_who_wait_and_no_failure,
    g5_a_refresh_that_finds_the_key_absent_removes_its_value,
    g5_unchanged_with_nothing_held_is_a_failure_and_with_a_value_leaves_it,
    g5_unchanged_for_a_value_that_was_invalidated_meanwhile_is_delivered_and_not_stored,
    g5_without_a_loader_a_miss_is_an_error_and_no_load,
    g5_without_a_loader_a_miss_joins_the_load_of_a_closure,
);
