//! Who waits for whom: the waits of loads for other loads, so that a ring of them is an error instead of a hang.

use super::seeded::{self, Bug};
use super::sync::{Mutex, per_thread, yield_now};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One load, as one who waits.
#[derive(Debug)]
pub(crate) struct Load {
    /// The same as the [`Awaited::serial`] of what it lands.
    pub(crate) serial: u64,
    /// Its key's place in its cache, which loads of that key share.
    pub(crate) berth: u64,
    /// Its cache's name.
    pub(crate) cache: Option<Arc<str>>,
}

/// What a load may wait for.
pub(crate) trait Awaited: Send + Sync {
    fn serial(&self) -> u64;

    /// Whether nobody needs to wait any more.
    fn is_over(&self) -> bool;

    /// What has to end first, where it hasn't begun itself.
    fn queue(&self) -> Option<Queue>;
}

/// A turn that is waited for: it comes when one of the `ahead` loads of `berth` ends.
pub(crate) struct Queue {
    pub(crate) berth: u64,
    pub(crate) ahead: usize,
}

per_thread! {
    static CURRENT: RefCell<Option<Arc<Load>>> = RefCell::new(None);
}

/// The load that this thread works for right now.
pub(crate) fn current() -> Option<Arc<Load>> {
    // A thread that is ending works for none.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Whether this thread works for a load right now.
pub(crate) fn is_in_load() -> bool {
    CURRENT.try_with(|current| current.borrow().is_some()).unwrap_or(false)
}

/// Held while this thread works for a load, or for none.
pub(crate) struct InLoad(Option<Arc<Load>>);

impl InLoad {
    pub(crate) fn enter(load: Option<Arc<Load>>) -> Self {
        Self(CURRENT.try_with(|current| current.replace(load)).ok().flatten())
    }
}

impl Drop for InLoad {
    fn drop(&mut self) {
        let before = self.0.take();
        drop(CURRENT.try_with(|current| current.replace(before)));
    }
}

/// All waits of loads in the process. Only fetches made inside a load come here.
#[derive(Default)]
pub(crate) struct Waits {
    /// By the serial of the load that waits.
    by: Mutex<BTreeMap<u64, Waiting>>,
}

struct Waiting {
    load: Arc<Load>,
    on: Vec<Arc<dyn Awaited>>,
}

/// The caches whose loads wait for each other in a ring, in the order of waiting.
#[derive(Debug)]
pub(crate) struct Ring(pub(crate) Names);

impl Waits {
    /// Books that `load` waits for `on`, unless it would wait for itself. Booking and searching are one step: of two loads that
    /// close a ring at once, one finds it closed.
    pub(crate) fn wait(&self, load: &Arc<Load>, on: Arc<dyn Awaited>) -> Result<(), Ring> {
        let mut by = self.by.lock();
        if let Some(ring) = (Search { by: &by, last: load, turns: Vec::new() }).stuck(&*on, None) {
            return Err(Ring(ring));
        }
        if seeded::on(Bug::RingInTwoSteps) {
            drop(by);
            yield_now();
            by = self.by.lock();
        }
        by.entry(load.serial).or_insert_with(|| Waiting { load: Arc::clone(load), on: Vec::new() }).on.push(on);
        Ok(())
    }

    /// Books that `load` waits for `on` no more.
    pub(crate) fn resume(&self, load: &Load, on: u64) {
        let gone = {
            let mut by = self.by.lock();
            let Some(waiting) = by.get_mut(&load.serial) else { return };
            let gone = waiting.on.iter().position(|awaited| awaited.serial() == on).map(|at| waiting.on.swap_remove(at));
            if waiting.on.is_empty() {
                by.remove(&load.serial);
            }
            gone
        };
        // It may be the last to hold a user's value.
        super::contain::drop_contained(gone);
    }

    /// How many loads wait.
    #[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
    pub(crate) fn len(&self) -> usize {
        self.by.lock().len()
    }
}

/// Finds out whether what `last` is about to wait for would wait for `last` in turn, and so never end.
struct Search<'a> {
    by: &'a BTreeMap<u64, Waiting>,
    last: &'a Load,
    /// The turns whose end is being looked into, by the serial of who waits for them.
    turns: Vec<u64>,
}

/// The names of the caches on the way round a ring.
type Names = Vec<Option<Arc<str>>>;

impl<'a> Search<'a> {
    /// The way on which `awaited` waits for `last`, where it can't end without it. `waiter` is the load that waits for it, if not `last`.
    fn stuck(&mut self, awaited: &dyn Awaited, waiter: Option<(&Reached, &'a Load)>) -> Option<Names> {
        if awaited.is_over() {
            return None;
        }
        match awaited.queue() {
            Some(queue) => self.turn_stuck(awaited.serial(), &queue).then(|| self.way(waiter)),
            None if awaited.serial() == self.last.serial => Some(self.way(waiter)),
            None if waiter.is_some() => None, // Its own waits come in their turn.
            None => self.load_stuck(awaited.serial()),
        }
    }

    /// Looks into all that the load waits for, and all that those wait for: it can't end if one of them can't. Each load is visited once, and
    /// none by a call of its own: chains of loads may be long.
    fn load_stuck(&mut self, serial: u64) -> Option<Names> {
        let mut reached = Reached::new();
        let mut to_visit = vec![(serial, None)];
        while let Some((serial, from)) = to_visit.pop() {
            let Some(waiting) = self.by.get(&serial) else { continue };
            if reached.insert(serial, from).is_some() {
                continue;
            }
            for awaited in &waiting.on {
                if let Some(ring) = self.stuck(&**awaited, Some((&reached, &waiting.load))) {
                    return Some(ring);
                }
                if !reached.contains_key(&awaited.serial()) && !awaited.is_over() {
                    to_visit.push((awaited.serial(), Some(serial)));
                }
            }
        }
        None
    }

    /// A turn comes with the end of any of the loads ahead, and those that wait for nothing will end.
    fn turn_stuck(&mut self, serial: u64, queue: &Queue) -> bool {
        if self.turns.contains(&serial) {
            return true;
        }
        let waiting = self.by.values().map(|waiting| &*waiting.load).filter(|load| load.serial != self.last.serial);
        let ahead: Vec<u64> = waiting.chain([self.last]).filter(|load| load.berth == queue.berth).map(|load| load.serial).collect();
        if ahead.len() < queue.ahead {
            return false;
        }
        self.turns.push(serial);
        let stuck = ahead.into_iter().all(|load| load == self.last.serial || self.load_stuck(load).is_some());
        self.turns.pop();
        stuck
    }

    /// The way from `last` to the load that waits for it.
    fn way(&self, waiter: Option<(&Reached, &'a Load)>) -> Names {
        let mut way = Vec::new();
        if let Some((reached, load)) = waiter {
            let back = std::iter::successors(Some(load.serial), |serial| reached.get(serial).copied().flatten());
            way.extend(back.filter_map(|serial| self.by.get(&serial)).map(|waiting| waiting.load.cache.clone()));
        }
        way.push(self.last.cache.clone());
        way.reverse();
        way
    }
}

/// The loads that were visited, each with the one that waits for it.
type Reached = BTreeMap<u64, Option<u64>>;

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
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
}
