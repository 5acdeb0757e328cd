//! Who waits for whom: the waits of loads for other loads, so that a ring of them is an error instead of a hang.

mod search;

use super::contain::drop_contained;
use super::seeded::{self, Bug};
use super::sync::{Mutex, per_thread, yield_now};
use search::{Names, Search};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One load, or the holder of an entry, as one who waits.
pub(crate) struct Load {
    /// What it lands.
    pub(crate) flight: Arc<dyn Awaited>,
    /// Its cache's name.
    pub(crate) cache: Option<Arc<str>>,
}

/// What a load may wait for.
pub(crate) trait Awaited: Send + Sync {
    /// Its own number.
    fn serial(&self) -> u64;

    /// The number of the load that lands it, by which that waits for others.
    fn node(&self) -> u64;

    /// Calls `takes` with each berth (a key's place in its cache, which flights of that key share) of which it takes one of the places for loads now.
    fn berths(&self, takes: &mut dyn FnMut(u64));

    /// Whether it holds a permit, or somebody does who waits for it: then nothing that it waits for may wait for a permit.
    fn is_privileged(&self) -> bool;

    /// It is waited for by one that is privileged.
    fn privilege(&self);

    /// Whether nobody needs to wait any more.
    fn is_over(&self) -> bool;

    /// What has to end first, where it hasn't begun itself.
    fn queue(&self) -> Option<Queue>;
}

/// Whether one takes a place of this berth now.
fn has_place(awaited: &dyn Awaited, berth: u64) -> bool {
    let mut found = false;
    awaited.berths(&mut |taken| found |= taken == berth);
    found
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

/// Whether this thread works for a load right now that must not wait for a permit.
pub(crate) fn is_privileged() -> bool {
    let asks = |current: &RefCell<Option<Arc<Load>>>| current.borrow().as_ref().is_some_and(|load| load.flight.is_privileged());
    CURRENT.try_with(asks).unwrap_or(false)
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
    on: Vec<Wait>,
}

/// One wait.
struct Wait {
    on: Arc<dyn Awaited>,
    hurry: Hurry,
}

/// Has what is waited for begin without a permit, under no lock.
pub(crate) type Hurry = Arc<dyn Fn() + Send + Sync>;

/// The caches whose loads wait for each other in a ring, in the order of waiting.
#[derive(Debug)]
pub(crate) struct Ring(pub(crate) Names);

impl Waits {
    /// Books that `load` waits for `on`, unless it would wait for itself. Booking and searching are one step: of two loads that
    /// close a ring at once, one finds it closed.
    ///
    /// Gives what is to be hurried: if `load` is privileged, so is from now on all that it waits for, directly or not.
    pub(crate) fn wait(&self, load: &Arc<Load>, on: Arc<dyn Awaited>, hurry: Hurry) -> Result<Vec<Hurry>, Ring> {
        let mut by = self.by.lock();
        if let Some(ring) = Search::new(&by, load).ring(&*on) {
            return Err(Ring(ring));
        }
        if seeded::on(Bug::RingInTwoSteps) {
            drop(by);
            yield_now();
            by = self.by.lock();
        }
        // A load that hasn't begun may come to a permit while it waits, and can't be asked to hurry then.
        let privileged = load.flight.is_privileged() || load.flight.queue().is_some();
        let hurries = if privileged { privilege(&by, &on, &hurry) } else { Vec::new() };
        let waiting = by.entry(load.flight.node()).or_insert_with(|| Waiting { load: Arc::clone(load), on: Vec::new() });
        waiting.on.push(Wait { on, hurry });
        Ok(hurries)
    }

    /// Books that `load` waits for `on` no more.
    pub(crate) fn resume(&self, load: &Load, on: u64) {
        let gone = {
            let mut by = self.by.lock();
            let Some(waiting) = by.get_mut(&load.flight.node()) else { return };
            let gone = waiting.on.iter().position(|wait| wait.on.serial() == on).map(|at| waiting.on.swap_remove(at));
            let emptied = if waiting.on.is_empty() { by.remove(&load.flight.node()) } else { None };
            (gone, emptied)
        };
        // It may be the last to hold a user's value.
        drop_contained(gone);
    }

    /// How many loads wait.
    #[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
    pub(crate) fn len(&self) -> usize {
        self.by.lock().len()
    }
}

/// Makes `on` privileged, with all that it waits for, directly or not. Gives what is to be hurried.
fn privilege(by: &BTreeMap<u64, Waiting>, on: &Arc<dyn Awaited>, hurry: &Hurry) -> Vec<Hurry> {
    let mut hurries = Vec::new();
    let mut reached = vec![(on, Some(hurry))];
    while let Some((awaited, hurry)) = reached.pop() {
        if let Some(queue) = awaited.queue() {
            // Privileged or not: it waits for those ahead of it, waiting themselves or not.
            let ahead = by.values().map(|waiting| &waiting.load.flight).filter(|flight| has_place(&***flight, queue.berth));
            reached.extend(ahead.map(|flight| (flight, None)));
        } else if awaited.is_privileged() {
            continue; // And so is all that it waits for.
        }
        awaited.privilege();
        hurries.extend(hurry.cloned());
        let waits = by.get(&awaited.node()).into_iter().flat_map(|waiting| &waiting.on);
        reached.extend(waits.map(|wait| (&wait.on, Some(&wait.hurry))));
    }
    hurries
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests;
