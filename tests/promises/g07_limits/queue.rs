//! The queue for permits: first come, first served; full, it turns away; and who needs no load any more leaves it.

use crate::apart::{Apart, apart};
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::rest::at_rest;
use crate::runway::Style::{self, Async, Blocking};
use crate::runway::{BOTH, Runway};
use bellwether::{AbandonedLoads, CacheBuilder, LoadError, LoadErrorKind, MockClock};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Call = Apart<Result<Arc<usize>, LoadError>>;
const LIMIT: Duration = Duration::from_secs(10);

/// A cache with one permit, whose load of key 0 holds it at the runway's first gate.
fn busy<F: Kind>(runway: &Runway, style: Style, builder: CacheBuilder<u32, usize>) -> (F::Of<u32, usize>, Call) {
    let face = F::Of::build(runway.numbers(builder.max_concurrent_loads(1), style));
    let first = apart(&face, |face| face.fetch_with(&0));
    runway.until_begun(0);
    (face, first)
}

/// One more, which is queued.
fn queued<F: Kind>(face: &F::Of<u32, usize>, key: u32) -> Call {
    let before = face.metrics().queued;
    let call = apart(face, move |face| face.fetch_with(&key));
    until("its load is queued", || face.metrics().queued == before + 1);
    call
}

fn g7_queued_loads_begin_in_the_order_in_which_they_came<F: Kind>() {
    for style in BOTH {
        let (gate, order) = (Gate::new(), Arc::new(Mutex::new(Vec::new())));
        let (held, seen) = (gate.clone(), Arc::clone(&order));
        let note = move |key: u32| seen.lock().expect("no holder panics").push(key);
        let builder = CacheBuilder::<u32, u32>::new().max_concurrent_loads(1);
        let builder = match style {
            Blocking => builder.loader_fn(move |&key: &u32| {
                note(key);
                held.wait();
                bellwether::ok(key)
            }),
            Async => builder.async_loader_fn(move |key: u32| {
                note(key);
                let held = held.clone();
                async move {
                    held.pass().await;
                    bellwether::ok(key)
                }
            }),
        };
        let face = F::Of::build(builder);
        let keys: Vec<u32> = [5, 3, 9, 1, 7, 2, 8, 4, 6, 0].to_vec();
        let call = |(number, &key): (usize, &u32)| {
            let call = apart(&face, move |face| face.fetch_with(&key));
            until("it runs or waits", || face.metrics().loads_started == number as u64 + 1 && face.metrics().waiters == number as u64 + 1);
            call
        };
        let calls: Vec<_> = keys.iter().enumerate().map(call).collect();
        assert_eq!(face.metrics().queued, 9);
        gate.open();
        for (call, key) in calls.into_iter().zip(&keys) {
            assert_eq!(*call.result().expect("all are loaded"), *key);
        }
        assert_eq!(*order.lock().expect("no holder panics"), keys, "{style:?}");
        at_rest(&face.sync());
    }
}

fn g7_a_full_queue_turns_away_at_once_but_neither_hits_nor_joins<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (face, first) = busy::<F>(&runway, style, CacheBuilder::new().max_queued_loads(2));
        face.insert(100, 7);
        let waiting = [queued::<F>(&face, 1), queued::<F>(&face, 2)];
        for key in 3..6 {
            assert_eq!(face.fetch_with(&key).expect_err("the queue is full").kind(), LoadErrorKind::Overloaded, "{style:?}");
        }
        assert_eq!(face.refresh(&100).expect_err("the queue is full").kind(), LoadErrorKind::Overloaded);
        assert_eq!(*face.fetch_with(&100).expect("it is held"), 7);
        // A load under way, and one in the queue.
        let joined = [0, 1].map(|key| apart(&face, move |face| face.fetch_with(&key)));
        until("both have joined", || face.metrics().joined == 2);
        assert_eq!((face.metrics().turned_away, face.metrics().queued, runway.begun()), (4, 2, 1));
        runway.open(0);
        for call in [first].into_iter().chain(waiting).chain(joined) {
            call.result().expect("all are loaded");
        }
        assert!(face.fetch_with(&3).is_ok(), "there is room again");
        let metrics = at_rest(&face.sync());
        assert_eq!((metrics.turned_away, metrics.queued_peak, metrics.loads_started, metrics.misses), (4, 2, 4, 8), "{style:?}");
        assert!(metrics.loads_failed() == 0, "who is turned away has started no load");
    }
}

fn g7_with_no_queue_none_waits<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (face, first) = busy::<F>(&runway, style, CacheBuilder::new().max_queued_loads(0));
        let error = face.fetch_with(&1).expect_err("the only permit is taken");
        assert_eq!((error.kind(), error.is_retryable()), (LoadErrorKind::Overloaded, true));
        let joined = apart(&face, |face| face.fetch_with(&0));
        until("it has joined", || face.metrics().joined == 1);
        runway.open(0);
        assert_eq!([first, joined].map(|call| *call.result().expect("it is loaded")), [0, 0]);
        at_rest(&face.sync());
        assert_eq!(*face.fetch_with(&1).expect("the permit is free"), 1);
        let metrics = at_rest(&face.sync());
        assert_eq!((metrics.turned_away, metrics.queued_peak), (1, 0));
    }
}

fn g7_an_insert_answers_a_queued_load<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (face, first) = busy::<F>(&runway, style, CacheBuilder::new());
        let (answered, other) = (queued::<F>(&face, 1), queued::<F>(&face, 2));
        face.insert(1, 77);
        assert_eq!(*answered.result().expect("the insert answers it"), 77, "{style:?}");
        until("it has left the queue", || face.metrics().queued == 1);
        runway.open(0);
        assert_eq!([first, other].map(|call| *call.result().expect("it is loaded")), [0, 1]);
        let metrics = at_rest(&face.sync());
        assert_eq!((metrics.loads_answered, metrics.loads_started, runway.begun()), (1, 3, 2), "the answered one never began");
    }
}

/// It has the same time as all: while it waits the time runs.
fn g7_a_queued_load_that_times_out_leaves_the_queue<F: Kind>() {
    for style in BOTH {
        let (clock, runway) = (MockClock::new(), Runway::new(1));
        let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT).max_queued_loads(1);
        let (face, first) = busy::<F>(&runway, style, builder);
        let waiting = queued::<F>(&face, 1);
        clock.advance(LIMIT);
        assert_eq!(waiting.result().expect_err("its turn didn't come in time").kind(), LoadErrorKind::TimedOut, "{style:?}");
        until("it has left the queue", || face.metrics().queued == 0);
        runway.open(0);
        assert_eq!(first.result().expect_err("it took too long").kind(), LoadErrorKind::TimedOut);
        at_rest(&face.sync());
        // The first load times out at the same instant: a task's permit may just have come to the queued one. A thread's never does.
        assert!(style == Async || runway.begun() == 1, "the queued one never began");
        assert_eq!(*face.fetch_with(&1).expect("the permit is free"), runway.begun() - 1, "{style:?}");
        assert_eq!(at_rest(&face.sync()).turned_away, 0);
    }
}

/// Only tasks can leave.
fn g7_a_queued_load_that_is_cancelled_leaves_the_queue<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (face, first) = busy::<F>(&runway, style, CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel).max_queued_loads(1));
        let tasks = face.sync().to_async();
        for _ in 0..3 {
            let abandoned = tasks.fetch_with(&1);
            assert_eq!(face.metrics().queued, 1);
            drop(abandoned);
            assert_eq!(face.metrics().queued, 0, "{style:?}");
        }
        let waiting = queued::<F>(&face, 2);
        runway.open(0);
        assert_eq!([first, waiting].map(|call| *call.result().expect("it is loaded")), [0, 1]);
        let metrics = at_rest(&face.sync());
        assert_eq!((metrics.loads_failed_by(LoadErrorKind::Cancelled), runway.begun(), metrics.turned_away), (3, 2, 0));
    }
}

/// Whoever left, the load is the cache's: it begins when its turn comes.
fn g7_a_queued_load_that_nobody_waits_for_is_loaded_all_the_same<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let (face, first) = busy::<F>(&runway, style, CacheBuilder::new());
        drop(face.sync().to_async().fetch_with(&1));
        assert_eq!(face.metrics().queued, 1);
        runway.open(0);
        assert_eq!(*first.result().expect("it is loaded"), 0);
        until("the other is stored", || face.contains_key(&1));
        assert_eq!(at_rest(&face.sync()).loads_stored, 2);
    }
}

crate::on_every_face_in_time!(
    g7_queued_loads_begin_in_the_order_in_which_they_came,
    g7_a_full_queue_turns_away_at_once_but_neither_hits_nor_joins,
    g7_with_no_queue_none_waits,
    g7_an_insert_answers_a_queued_load,
    g7_a_queued_load_that_times_out_leaves_the_queue,
    g7_a_queued_load_that_is_cancelled_leaves_the_queue,
    g7_a_queued_load_that_nobody_waits_for_is_loaded_all_the_same,
);
