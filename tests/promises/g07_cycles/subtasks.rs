//! Rings through what a loader starts: children joined or raced, subtasks and threads that carry the load's scope.

use crate::faces::{Face, Kind};
use crate::g07_cycles::elsewhere;
use crate::g07_cycles::{by_tasks, by_threads};
use crate::gate::Gate;
use crate::rest::at_rest;
use bellwether::{CacheBuilder, LoadError, LoadErrorKind, LoadScope};
use futures::future::{Either, join_all, select};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Key 0 asks for 0 to 4 at once: one closes the ring, the other four are served.
fn g7_of_joined_children_only_the_one_that_closes_the_ring_gets_the_error<F: Kind>() {
    let served = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&served);
    let face = by_tasks::<F, _>(CacheBuilder::new(), move |cache, key| {
        let counted = Arc::clone(&counted);
        async move {
            if key > 0 {
                return Ok(key);
            }
            let children: [u32; 5] = [3, 1, 0, 4, 2];
            let fetched = join_all(children.iter().map(|child| cache.fetch_with(child))).await;
            for (child, fetched) in children.iter().zip(fetched) {
                match fetched {
                    Ok(value) => drop((assert_eq!(value.as_ref(), child), counted.fetch_add(1, Ordering::Relaxed))),
                    Err(error) => assert_eq!((error.kind(), *child), (LoadErrorKind::Cycle, 0)),
                }
            }
            Ok(100)
        }
    });
    assert_eq!(*face.fetch_with(&0).expect("it catches the error"), 100);
    assert_eq!((served.load(Ordering::Relaxed), face.len()), (4, 5));
    assert_eq!(at_rest(&face.sync()).loads_failed(), 0);
}

/// The ring is longer than one, and goes through one of several children.
fn g7_a_ring_through_one_of_several_joined_children_is_an_error<F: Kind>() {
    let face = by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move {
        let children: &[u32] = match key {
            0 => &[7, 1, 8],
            1 => &[9, 2],
            2 => &[0, 10],
            _ => &[],
        };
        join_all(children.iter().map(|child| cache.fetch_with(child))).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(key)
    });
    assert_eq!(face.fetch_with(&0).expect_err("0 asks for 1, for 2, for 0").kind(), LoadErrorKind::Cycle);
    assert_eq!(face.fetch_with(&2).expect_err("the same from there").kind(), LoadErrorKind::Cycle);
    at_rest(&face.sync());
    for key in 7..=10 {
        assert_eq!(face.peek(&key).as_deref(), Some(&key), "it was served and is held");
    }
}

fn g7_a_ring_in_a_race_is_seen_and_the_other_runner_wins<F: Kind>() {
    let face = by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move {
        if key > 0 {
            return Ok(key);
        }
        match select(cache.fetch_with(&0), cache.fetch_with(&1)).await {
            Either::Left((own, other)) => {
                assert_eq!(own.expect_err("it is the key itself").kind(), LoadErrorKind::Cycle);
                other.await.map(|value| *value)
            }
            Either::Right((other, _)) => other.map(|value| *value),
        }
    });
    assert_eq!(*face.fetch_with(&0).expect("1 is no ring"), 1);
    at_rest(&face.sync());
}

/// 0 races 1 against 2 and drops 1, whose loader then asks for 0: nobody waits for 1 by then.
fn g7_a_fetch_that_lost_a_race_is_no_part_of_a_ring<F: Kind>() {
    let (lost, finish) = (Gate::new(), Gate::new());
    let (lost_here, finish_here) = (lost.clone(), finish.clone());
    let face = by_tasks::<F, _>(CacheBuilder::new(), move |cache, key| {
        let (lost, finish) = (lost_here.clone(), finish_here.clone());
        async move {
            match key {
                0 => {
                    drop(select(cache.fetch_with(&1), cache.fetch_with(&2)).await);
                    lost.open();
                    finish.pass().await;
                    Ok(10)
                }
                1 => {
                    lost.pass().await;
                    let fetch = cache.fetch_with(&0);
                    finish.open();
                    Ok(*fetch.await? + 1)
                }
                _ => Ok(2),
            }
        }
    });
    assert_eq!(*face.fetch_with(&0).expect("it is no ring"), 10);
    assert_eq!(*face.fetch_with(&1).expect("0 doesn't wait for it"), 11);
    assert_eq!(at_rest(&face.sync()).loads_failed(), 0);
}

/// Each subtask runs on a thread of its own, within the load's scope.
fn g7_a_subtask_within_the_scope_is_seen<F: Kind>() {
    for length in [1, 2, 5] {
        let face = by_tasks::<F, _>(CacheBuilder::new(), move |cache, key| async move {
            let fetch = async move { cache.fetch_with(&((key + 1) % length)).await.map(|value| *value) };
            elsewhere(LoadScope::current().wrap(fetch)).await
        });
        assert_eq!(face.fetch_with(&0).expect_err("it is a ring").kind(), LoadErrorKind::Cycle, "{length} keys");
        assert_eq!(at_rest(&face.sync()).loads_started, u64::from(length));
    }
}

/// The scope is taken along by a subtask of a subtask, and by a task that was polled elsewhere before.
fn g7_a_subtask_s_subtask_within_the_scope_is_seen<F: Kind>() {
    let face = by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move {
        let inner = async move {
            let fetch = async move { cache.fetch_with(&(1 - key)).await.map(|value| *value) };
            elsewhere(LoadScope::current().wrap(fetch)).await
        };
        elsewhere(LoadScope::current().wrap(inner)).await
    });
    assert_eq!(face.fetch_with(&0).expect_err("it is a ring").kind(), LoadErrorKind::Cycle);
    at_rest(&face.sync());
}

fn g7_a_subtask_on_a_runtime_within_the_scope_is_seen<F: Kind>() {
    let runtime = Arc::new(tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had"));
    let handle = runtime.handle().clone();
    let face = by_tasks::<F, _>(CacheBuilder::new(), move |cache, key| {
        let handle = handle.clone();
        async move {
            let fetch = async move { cache.fetch_with(&(1 - key)).await.map(|value| *value) };
            handle.spawn(LoadScope::current().wrap(fetch)).await.expect("it doesn't panic")
        }
    });
    assert_eq!(face.fetch_with(&0).expect_err("it is a ring").kind(), LoadErrorKind::Cycle);
    at_rest(&face.sync());
}

/// A loader's thread starts several more: each works for the load.
fn g7_a_thread_within_the_scope_is_seen<F: Kind>() {
    let face = by_threads::<F>(CacheBuilder::new(), |cache, key| {
        if key >= 10 {
            return Ok(key);
        }
        let scope = LoadScope::current();
        let children = [10, (key + 1) % 3, 11];
        let fetched: Vec<Result<u32, LoadError>> = std::thread::scope(|threads| {
            let start = |child: u32| {
                threads.spawn({
                    let scope = &scope;
                    move || scope.run(|| cache.fetch_with(&child).map(|value| *value))
                })
            };
            let threads: Vec<_> = children.into_iter().map(start).collect();
            threads.into_iter().map(|thread| thread.join().expect("it doesn't panic")).collect()
        });
        for (child, fetched) in children.iter().zip(&fetched).filter(|(child, _)| **child >= 10) {
            assert_eq!(fetched.as_ref().ok(), Some(child), "the others are served");
        }
        fetched.into_iter().try_fold(0, |most, fetched| Ok(fetched?.max(most)))
    });
    assert_eq!(face.fetch_with(&0).expect_err("it is a ring").kind(), LoadErrorKind::Cycle);
    at_rest(&face.sync());
}

crate::on_every_face_in_time!(
    g7_of_joined_children_only_the_one_that_closes_the_ring_gets_the_error,
    g7_a_ring_through_one_of_several_joined_children_is_an_error,
    g7_a_ring_in_a_race_is_seen_and_the_other_runner_wins,
    g7_a_fetch_that_lost_a_race_is_no_part_of_a_ring,
    g7_a_subtask_within_the_scope_is_seen,
    g7_a_subtask_s_subtask_within_the_scope_is_seen,
    g7_a_subtask_on_a_runtime_within_the_scope_is_seen,
    g7_a_thread_within_the_scope_is_seen,
);
