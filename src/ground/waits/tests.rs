//! Waits alone, and the search for rings.

use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

struct Target {
    serial: u64,
    berth: u64,
    over: AtomicBool,
    privileged: AtomicBool,
    queue: Option<(u64, usize)>,
}

impl Awaited for Target {
    fn serial(&self) -> u64 {
        self.serial
    }

    fn node(&self) -> u64 {
        self.serial
    }

    fn berths(&self, takes: &mut dyn FnMut(u64)) {
        takes(self.berth);
    }

    fn is_privileged(&self) -> bool {
        self.privileged.load(Ordering::Relaxed)
    }

    fn privilege(&self) {
        self.privileged.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn queue(&self) -> Option<Queue> {
        self.queue.map(|(berth, ahead)| Queue { berth, ahead })
    }
}

fn made(serial: u64, berth: u64, queue: Option<(u64, usize)>) -> Arc<Target> {
    Arc::new(Target { serial, berth, over: AtomicBool::new(false), privileged: AtomicBool::new(false), queue })
}

fn load(serial: u64, berth: u64) -> Arc<Load> {
    Arc::new(Load { flight: made(serial, berth, None), cache: Some(format!("cache {serial}").into()) })
}

fn target(serial: u64) -> Arc<Target> {
    made(serial, serial, None)
}

fn queued(serial: u64, berth: u64, ahead: usize) -> Arc<Target> {
    made(serial, berth, Some((berth, ahead)))
}

/// Books a wait that nobody needs to hurry.
fn book(waits: &Waits, load: &Arc<Load>, on: Arc<Target>) -> Result<(), Ring> {
    waits.wait(load, on, Arc::new(|| ())).map(|hurries| assert!(hurries.is_empty()))
}

fn names(ring: Ring) -> Vec<String> {
    ring.0.into_iter().flatten().map(|name| name.to_string()).collect()
}

#[test]
fn g7_a_load_that_waits_for_itself_is_a_ring_of_one() {
    let waits = Waits::default();
    let ring = book(&waits, &load(1, 1), target(1)).expect_err("it would never end");
    assert_eq!(names(ring), ["cache 1"]);
    assert_eq!(waits.len(), 0);
}

#[test]
fn g7_the_wait_that_closes_a_ring_is_refused_and_the_ring_is_named_in_order() {
    let waits = Waits::default();
    let loads: Vec<_> = (0..5).map(|n| load(n, n)).collect();
    for load in &loads[..4] {
        book(&waits, load, target(load.flight.serial() + 1)).expect("the ring is open");
    }
    let ring = book(&waits, &loads[4], target(0)).expect_err("that closes it");
    assert_eq!(names(ring), ["cache 4", "cache 0", "cache 1", "cache 2", "cache 3"]);
    waits.resume(&loads[2], 3);
    book(&waits, &loads[4], target(0)).expect("it is open again");
}

#[test]
fn g7_a_load_may_wait_for_several_and_any_of_them_may_close_a_ring() {
    let waits = Waits::default();
    let (one, two) = (load(1, 1), load(2, 2));
    for other in [5, 6, 2] {
        book(&waits, &one, target(other)).expect("the ring is open");
    }
    book(&waits, &two, target(1)).expect_err("1 waits for 2 among others");
    waits.resume(&one, 2);
    book(&waits, &two, target(1)).expect("1 waits for 5 and 6 only");
}

#[test]
fn g7_what_is_over_holds_nobody_up() {
    let waits = Waits::default();
    let (one, two) = (load(1, 1), load(2, 2));
    book(&waits, &one, target(2)).expect("the ring is open");
    let landed = target(1);
    landed.over.store(true, Ordering::Relaxed);
    book(&waits, &two, landed).expect("1 has landed, whatever its load still waits for");
}

#[test]
fn g7_a_turn_that_only_waiting_loads_could_free_is_a_ring() {
    let waits = Waits::default();
    let key = 9;
    let other = load(100, 100);
    // Three loads of the key wait for the other load; a fourth doesn't.
    let ahead: Vec<_> = (1..=4).map(|n| load(n, key)).collect();
    for load in &ahead[..3] {
        book(&waits, load, target(100)).expect("the ring is open");
    }
    book(&waits, &other, queued(5, key, 4)).expect("the fourth will end");
    book(&waits, &ahead[3], target(100)).expect_err("now none of the four would");
    waits.resume(&other, 5);
    book(&waits, &ahead[3], target(100)).expect("the other waits for nothing");
    book(&waits, &other, queued(5, key, 4)).expect_err("all four wait for it");
}

#[test]
fn g7_a_search_visits_each_load_once_and_takes_no_stack() {
    let waits = Waits::default();
    // Layers of two loads, each of which waits for both of the next: 2^200 ways.
    let mut below = Vec::new();
    for layer in 0..200 {
        let loads = [load(2 * layer, 2 * layer), load(2 * layer + 1, 2 * layer + 1)];
        for load in &loads {
            below.iter().for_each(|below: &Arc<Load>| book(&waits, load, target(below.flight.serial())).expect("no ring"));
        }
        below = loads.to_vec();
    }
    // A long chain that ends in them.
    for n in 10_000..200_000 {
        book(&waits, &load(n, n), target(n + 1)).expect("no ring");
    }
    book(&waits, &load(200_000, 200_000), target(below[0].flight.serial())).expect("no ring");
    book(&waits, &load(1_000_000, 1), target(10_000)).expect("no ring");
    let ring = book(&waits, &load(0, 0), target(10_000)).expect_err("the lowest layer waits for the chain's start");
    assert!(ring.0.len() > 190_000, "{}", ring.0.len());
}

#[test]
fn g7_the_scope_of_a_thread_is_restored() {
    assert!(current().is_none());
    {
        let _outer = InLoad::enter(Some(load(1, 1)));
        {
            let _inner = InLoad::enter(Some(load(2, 2)));
            assert_eq!(current().map(|load| load.flight.serial()), Some(2));
        }
        assert_eq!(current().map(|load| load.flight.serial()), Some(1));
    }
    assert!(current().is_none());
}

#[test]
fn g7_whatever_a_privileged_load_waits_for_is_hurried_and_privileged_in_turn() {
    let waits = Waits::default();
    let hurried = Arc::new(std::sync::Mutex::new(Vec::new()));
    let wait = |load: &Arc<Load>, on: &Arc<dyn Awaited>| {
        let (hurried, serial) = (Arc::clone(&hurried), on.serial());
        let hurry = move || hurried.lock().expect("nobody panics under it").push(serial);
        waits.wait(load, Arc::clone(on), Arc::new(hurry)).expect("no ring").iter().for_each(|hurry| hurry());
    };
    let loads: Vec<_> = (0..5).map(|n| load(n, n)).collect();
    // 1 waits for 2 and 3, and 3 for 4: none of them has a permit, nor is waited for by one that has.
    wait(&loads[1], &loads[2].flight);
    wait(&loads[1], &loads[3].flight);
    wait(&loads[3], &loads[4].flight);
    assert!(hurried.lock().expect("nobody panics under it").is_empty());
    loads[0].flight.privilege();
    wait(&loads[0], &loads[1].flight);
    let mut all = std::mem::take(&mut *hurried.lock().expect("nobody panics under it"));
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4]);
    // From now on what they wait for is hurried at once.
    let late = target(9) as Arc<dyn Awaited>;
    wait(&loads[4], &late);
    assert_eq!(*hurried.lock().expect("nobody panics under it"), [9]);
}

/// Turns behind turns: the loads of each key wait for the turn of the next key.
#[test]
fn g7_turns_behind_turns_are_looked_into_once_each() {
    const DEPTH: u64 = 500;
    let waits = Waits::default();
    let turns: Vec<_> = (0..=DEPTH).map(|key| queued(1_000_000 + key, key, 4)).collect();
    for (key, next) in turns.iter().enumerate().skip(1).rev() {
        let key = key as u64 - 1;
        (0..4).for_each(|n| book(&waits, &load(4 * key + n + 1, key), Arc::clone(next)).expect("no ring"));
    }
    let last = load(999_999, 777);
    (0..3).for_each(|n| book(&waits, &load(500_000 + n, DEPTH), target(999_999)).expect("no ring"));
    book(&waits, &last, Arc::clone(&turns[0])).expect("of the last key's loads one waits for nothing");
    waits.resume(&last, turns[0].serial);
    book(&waits, &load(500_003, DEPTH), target(999_999)).expect("the last waits for nothing now");
    book(&waits, &last, Arc::clone(&turns[0])).expect_err("all four of the last key's loads wait for it");
}

#[test]
fn g7_whoever_is_privileged_hurries_those_ahead_of_it() {
    let waits = Waits::default();
    let ahead: Vec<_> = (1..=4).map(|n| load(n, 9)).collect();
    let children: Vec<_> = (11..=14).map(target).collect();
    for (load, child) in ahead.iter().zip(&children) {
        book(&waits, load, Arc::clone(child)).expect("no ring");
    }
    let holder = load(100, 100);
    holder.flight.privilege();
    let hurries = waits.wait(&holder, queued(5, 9, 4), Arc::new(|| ())).expect("no ring");
    assert_eq!(hurries.len(), 5, "what it waits for, and what those ahead of that wait for");
    assert!(ahead.iter().all(|load| load.flight.is_privileged()) && children.iter().all(|child| child.is_privileged()));
}
