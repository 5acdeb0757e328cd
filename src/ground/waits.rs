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
pub(crate) struct Ring(pub(crate) Vec<Option<Arc<str>>>);

impl Waits {
    /// Books that `load` waits for `on`, unless it would wait for itself. Booking and searching are one step: of two loads that
    /// close a ring at once, one finds it closed.
    pub(crate) fn wait(&self, load: &Arc<Load>, on: Arc<dyn Awaited>) -> Result<(), Ring> {
        let mut by = self.by.lock();
        let mut search = Search { by: &by, last: load, way: vec![load], ring: None };
        if !search.is_free(&*on) {
            let ring = search.ring.unwrap_or(search.way);
            return Err(Ring(ring.into_iter().map(|load| load.cache.clone()).collect()));
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

/// Finds out whether what `last` is about to wait for can come to its end.
struct Search<'a> {
    by: &'a BTreeMap<u64, Waiting>,
    last: &'a Load,
    /// The loads on the way, each waiting for the next.
    way: Vec<&'a Load>,
    /// The way on which `last` was met again.
    ring: Option<Vec<&'a Load>>,
}

impl<'a> Search<'a> {
    fn is_free(&mut self, awaited: &dyn Awaited) -> bool {
        if awaited.is_over() {
            return true;
        }
        let Some(Queue { berth, ahead }) = awaited.queue() else {
            return self.is_load_free(awaited.serial());
        };
        // Its turn comes with the end of any of those ahead, and those that wait for nothing will end.
        let waiting = self.by.values().map(|waiting| &*waiting.load).filter(|load| load.serial != self.last.serial);
        let stuck: Vec<u64> = waiting.chain([self.last]).filter(|load| load.berth == berth).map(|load| load.serial).collect();
        stuck.len() < ahead || stuck.into_iter().any(|load| self.is_load_free(load))
    }

    /// Whether a load that has begun can end: one that waits can if all that it waits for can.
    fn is_load_free(&mut self, serial: u64) -> bool {
        if serial == self.last.serial {
            self.ring.get_or_insert_with(|| self.way.clone());
            return false;
        }
        let Some(waiting) = self.by.get(&serial) else { return true };
        if self.way.iter().any(|load| load.serial == serial) {
            return false;
        }
        self.way.push(&waiting.load);
        let free = waiting.on.iter().all(|awaited| self.is_free(&**awaited));
        self.way.pop();
        free
    }
}

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
