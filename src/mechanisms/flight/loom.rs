//! Models of a flight under loom: every interleaving of a landing with those who wait, leave, begin and give up.

use super::*;
use crate::ground::park::Parker;
use ::loom::model;
use ::loom::thread;
use std::task::Context;

/// Wishes for the cache's own loader, which there is none of here.
const LOADS: Wish<'static> = Wish::Load(&|| Box::new(()));

type TestFlight = Arc<Flight<u32, u32>>;

/// A flight whose load hasn't begun.
fn queued() -> TestFlight {
    let traffic = Arc::new(Traffic::new(u64::MAX));
    traffic.flights.add(1);
    let wanted = Wanted { deadline: Deadline::NEVER, kind: Kind::Load, urgent: false, party: Party::Alone };
    Arc::new(Flight::new(Name::new(1, Hashed(1)), wanted, traffic))
}

fn flight() -> TestFlight {
    let flight = queued();
    flight.set_begun(Begun::Free);
    flight
}

fn landing(value: u32) -> Landing<u32> {
    Landing { result: Ok(Arc::new(value)), standing: Standing::Held }
}

/// Lands the flight, unless somebody else does.
fn land(flight: &TestFlight, value: u32) -> bool {
    let sealed = flight.seal();
    if sealed {
        flight.publish(landing(value));
    }
    sealed
}

/// Parks until the flight lands. A wake that is lost is a deadlock, which loom reports.
fn wait(mut waiter: Waiter<u32, u32>) -> Option<u32> {
    let (parker, waker) = Parker::new();
    loop {
        if let Poll::Ready(landing) = waiter.poll(&Context::from_waker(&waker)) {
            return landing.result.ok().map(|value| *value);
        }
        parker.park();
    }
}

#[test]
fn g5_no_waiter_misses_the_landing() {
    model(|| {
        let flight = flight();
        let waiter = flight.join(LOADS);
        let lander = Arc::clone(&flight);
        let landed = thread::spawn(move || {
            lander.publish(landing(5));
        });
        assert_eq!(wait(waiter), Some(5));
        landed.join().expect("landing doesn't panic");
    });
}

#[test]
fn g5_of_two_waiters_one_may_join_as_late_as_it_likes() {
    // Three threads: every schedule with at most three preemptions. Those of two have no such bound.
    let mut three_threads = ::loom::model::Builder::new();
    three_threads.preemption_bound = Some(3);
    three_threads.check(|| {
        let flight = flight();
        let early = flight.join(LOADS);
        let late = Arc::clone(&flight);
        let latecomer = thread::spawn(move || wait(late.join(LOADS)));
        let lander = Arc::clone(&flight);
        let landed = thread::spawn(move || {
            lander.publish(landing(5));
        });
        assert_eq!(wait(early), Some(5));
        assert_eq!(latecomer.join().ok().flatten(), Some(5));
        landed.join().expect("landing doesn't panic");
    });
}

#[test]
fn g4_a_waiter_that_leaves_while_the_flight_lands_takes_its_waker_along() {
    model(|| {
        let flight = flight();
        let mut waiter = flight.join(LOADS);
        let (parker, waker) = Parker::new();
        let lander = Arc::clone(&flight);
        let landed = thread::spawn(move || {
            lander.publish(landing(5));
        });
        let _ = waiter.poll(&Context::from_waker(&waker));
        drop((waiter, waker));
        landed.join().expect("landing doesn't panic");
        assert_eq!(Arc::strong_count(&parker), 1, "nobody keeps the waker");
    });
}

#[test]
fn g5_a_time_out_and_a_landing_never_both_count() {
    model(|| {
        let flight = flight();
        let other = Arc::clone(&flight);
        let gave_up = thread::spawn(move || land(&other, 0));
        let landed = land(&flight, 5);
        let gave_up = gave_up.join().expect("giving up doesn't panic");
        assert!(landed ^ gave_up);
        assert_eq!(wait(flight.join(LOADS)), Some(if landed { 5 } else { 0 }));
    });
}

#[test]
fn g2_a_load_that_was_put_off_is_launched_exactly_once() {
    model(|| {
        let flight = queued();
        let launches = Arc::new(::loom::sync::atomic::AtomicUsize::new(0));
        let beginner = Arc::clone(&flight);
        let begun = thread::spawn(move || {
            beginner.set_begun(Begun::Free);
            beginner.begin();
        });
        let count = Arc::clone(&launches);
        flight.when_begun(Box::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        }));
        begun.join().expect("beginning doesn't panic");
        assert_eq!(launches.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn the_loads_own_task_never_misses_that_it_may_stop() {
    model(|| {
        let flight = flight();
        let other = Arc::clone(&flight);
        let gave_up = thread::spawn(move || {
            other.publish(landing(0));
        });
        let (parker, waker) = Parker::new();
        while flight.poll_stop(&Context::from_waker(&waker)).is_pending() {
            parker.park();
        }
        gave_up.join().expect("giving up doesn't panic");
    });
}
