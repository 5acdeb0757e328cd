//! Waits alone, and the search for rings.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

struct Target {
    serial: u64,
    over: AtomicBool,
    queue: Option<(u64, usize)>,
}

impl Awaited for Target {
    fn serial(&self) -> u64 {
        self.serial
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn queue(&self) -> Option<Queue> {
        self.queue.map(|(berth, ahead)| Queue { berth, ahead })
    }
}

fn load(serial: u64, berth: u64) -> Arc<Load> {
    Arc::new(Load { serial, berth, cache: Some(format!("cache {serial}").into()) })
}

fn target(serial: u64) -> Arc<Target> {
    Arc::new(Target { serial, over: AtomicBool::new(false), queue: None })
}

fn queued(serial: u64, berth: u64, ahead: usize) -> Arc<Target> {
    Arc::new(Target { queue: Some((berth, ahead)), ..Arc::into_inner(target(serial)).expect("nobody else has it") })
}

fn names(ring: Ring) -> Vec<String> {
    ring.0.into_iter().flatten().map(|name| name.to_string()).collect()
}

#[test]
fn g7_a_load_that_waits_for_itself_is_a_ring_of_one() {
    let waits = Waits::default();
    let ring = waits.wait(&load(1, 1), target(1)).expect_err("it would never end");
    assert_eq!(names(ring), ["cache 1"]);
    assert_eq!(waits.len(), 0);
}

#[test]
fn g7_the_wait_that_closes_a_ring_is_refused_and_the_ring_is_named_in_order() {
    let waits = Waits::default();
    let loads: Vec<_> = (0..5).map(|n| load(n, n)).collect();
    for load in &loads[..4] {
        waits.wait(load, target(load.serial + 1)).expect("the ring is open");
    }
    let ring = waits.wait(&loads[4], target(0)).expect_err("that closes it");
    assert_eq!(names(ring), ["cache 4", "cache 0", "cache 1", "cache 2", "cache 3"]);
    waits.resume(&loads[2], 3);
    waits.wait(&loads[4], target(0)).expect("it is open again");
}

#[test]
fn g7_a_load_may_wait_for_several_and_any_of_them_may_close_a_ring() {
    let waits = Waits::default();
    let (one, two) = (load(1, 1), load(2, 2));
    for other in [5, 6, 2] {
        waits.wait(&one, target(other)).expect("the ring is open");
    }
    waits.wait(&two, target(1)).expect_err("1 waits for 2 among others");
    waits.resume(&one, 2);
    waits.wait(&two, target(1)).expect("1 waits for 5 and 6 only");
}

#[test]
fn g7_what_is_over_holds_nobody_up() {
    let waits = Waits::default();
    let (one, two) = (load(1, 1), load(2, 2));
    waits.wait(&one, target(2)).expect("the ring is open");
    let landed = target(1);
    landed.over.store(true, Ordering::Relaxed);
    waits.wait(&two, landed).expect("1 has landed, whatever its load still waits for");
}

#[test]
fn g7_a_turn_that_only_waiting_loads_could_free_is_a_ring() {
    let waits = Waits::default();
    let key = 9;
    let other = load(100, 100);
    // Three loads of the key wait for the other load; a fourth doesn't.
    let ahead: Vec<_> = (1..=4).map(|n| load(n, key)).collect();
    for load in &ahead[..3] {
        waits.wait(load, target(100)).expect("the ring is open");
    }
    waits.wait(&other, queued(5, key, 4)).expect("the fourth will end");
    waits.wait(&ahead[3], target(100)).expect_err("now none of the four would");
    waits.resume(&other, 5);
    waits.wait(&ahead[3], target(100)).expect("the other waits for nothing");
    waits.wait(&other, queued(5, key, 4)).expect_err("all four wait for it");
}

#[test]
fn g7_a_search_visits_each_load_once_and_takes_no_stack() {
    let waits = Waits::default();
    // Layers of two loads, each of which waits for both of the next: 2^200 ways.
    let mut below = Vec::new();
    for layer in 0..200 {
        let loads = [load(2 * layer, 2 * layer), load(2 * layer + 1, 2 * layer + 1)];
        for load in &loads {
            below.iter().for_each(|below: &Arc<Load>| waits.wait(load, target(below.serial)).expect("no ring"));
        }
        below = loads.to_vec();
    }
    // A long chain that ends in them.
    for n in 10_000..200_000 {
        waits.wait(&load(n, n), target(n + 1)).expect("no ring");
    }
    waits.wait(&load(200_000, 200_000), target(below[0].serial)).expect("no ring");
    waits.wait(&load(1_000_000, 1), target(10_000)).expect("no ring");
    let ring = waits.wait(&load(0, 0), target(10_000)).expect_err("the lowest layer waits for the chain's start");
    assert!(ring.0.len() > 190_000, "{}", ring.0.len());
}

#[test]
fn g7_the_scope_of_a_thread_is_restored() {
    assert!(!is_in_load());
    {
        let _outer = InLoad::enter(Some(load(1, 1)));
        {
            let _inner = InLoad::enter(Some(load(2, 2)));
            assert_eq!(current().map(|load| load.serial), Some(2));
        }
        assert_eq!(current().map(|load| load.serial), Some(1));
    }
    assert!(!is_in_load());
}
