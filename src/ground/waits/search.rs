//! The search for a ring of waits.

use super::{Awaited, Load, Queue, Waiting, has_place};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Finds out whether what `last` is about to wait for would wait for `last` in turn, and so never end.
pub(super) struct Search<'a> {
    by: &'a BTreeMap<u64, Waiting>,
    last: &'a Load,
    /// The turns whose end is being looked into, by the serial of who waits for them.
    turns: Vec<u64>,
    /// Whether one of those was come upon again, and taken for stuck.
    assumed: bool,
    /// Turns that were looked into, and whether they are stuck.
    known: BTreeMap<u64, bool>,
    /// Loads that are known to come to their end.
    free: BTreeSet<u64>,
    /// The waiting loads that take a place of their key's, by that key's berth. Made when it is first needed.
    places: Option<BTreeMap<u64, Vec<u64>>>,
}

/// The names of the caches on the way round a ring.
pub(super) type Names = Vec<Option<Arc<str>>>;

impl<'a> Search<'a> {
    pub(super) fn new(by: &'a BTreeMap<u64, Waiting>, last: &'a Load) -> Self {
        Self { by, last, turns: Vec::new(), assumed: false, known: BTreeMap::new(), free: BTreeSet::new(), places: None }
    }

    /// The ring that would be closed if `last` waited for `awaited`.
    pub(super) fn ring(mut self, awaited: &dyn Awaited) -> Option<Names> {
        self.stuck(awaited, None)
    }

    /// The way on which `awaited` waits for `last`, where it can't end without it. `waiter` is the load that waits for it, if not `last`.
    fn stuck(&mut self, awaited: &dyn Awaited, waiter: Option<(&Reached, &'a Load)>) -> Option<Names> {
        if awaited.is_over() {
            return None;
        }
        match awaited.queue() {
            Some(queue) => self.turn_stuck(awaited.serial(), &queue).then(|| self.way(waiter)),
            None if awaited.node() == self.last.flight.node() => Some(self.way(waiter)),
            None if waiter.is_some() => None, // Its own waits come in their turn.
            None => self.load_stuck(awaited.node()),
        }
    }

    /// Looks into all that the load waits for, and all that those wait for: it can't end if one of them can't. Each load is visited once, and
    /// none by a call of its own: chains of loads may be long.
    fn load_stuck(&mut self, serial: u64) -> Option<Names> {
        let mut reached = Reached::new();
        let mut to_visit = vec![(serial, None)];
        while let Some((serial, from)) = to_visit.pop() {
            let Some(waiting) = self.by.get(&serial).filter(|_| !self.free.contains(&serial)) else { continue };
            if reached.insert(serial, from).is_some() {
                continue;
            }
            for awaited in waiting.on.iter().map(|wait| &wait.on) {
                if let Some(ring) = self.stuck(&**awaited, Some((&reached, &waiting.load))) {
                    return Some(ring);
                }
                if !reached.contains_key(&awaited.node()) && !awaited.is_over() {
                    to_visit.push((awaited.node(), Some(serial)));
                }
            }
        }
        self.free.extend(reached.into_keys());
        None
    }

    /// A turn comes with the end of any of the loads ahead, and those that wait for nothing will end.
    fn turn_stuck(&mut self, serial: u64, queue: &Queue) -> bool {
        if self.turns.contains(&serial) {
            self.assumed = true;
            return true;
        }
        if let Some(&stuck) = self.known.get(&serial) {
            return stuck;
        }
        let last = self.last.flight.node();
        let mut ahead = self.places().get(&queue.berth).cloned().unwrap_or_default();
        if has_place(&*self.last.flight, queue.berth) && !ahead.contains(&last) {
            ahead.push(last);
        }
        if ahead.len() < queue.ahead {
            self.known.insert(serial, false);
            return false;
        }
        self.turns.push(serial);
        let before = std::mem::take(&mut self.assumed);
        let stuck = ahead.into_iter().all(|load| load == last || self.load_stuck(load).is_some());
        self.turns.pop();
        // What was found on an assumption may not hold without it.
        if !stuck || !self.assumed || self.turns.is_empty() {
            self.known.insert(serial, stuck);
        }
        self.assumed |= before;
        stuck
    }

    fn places(&mut self) -> &BTreeMap<u64, Vec<u64>> {
        let by = self.by;
        self.places.get_or_insert_with(|| {
            let mut places: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            for (&load, waiting) in by {
                waiting.load.flight.berths(&mut |berth| places.entry(berth).or_default().push(load));
            }
            places
        })
    }

    /// The way from `last` to the load that waits for it.
    fn way(&self, waiter: Option<(&Reached, &'a Load)>) -> Names {
        let mut way = Vec::new();
        if let Some((reached, load)) = waiter {
            let back = std::iter::successors(Some(load.flight.node()), |serial| reached.get(serial).copied().flatten());
            way.extend(back.filter_map(|serial| self.by.get(&serial)).map(|waiting| waiting.load.cache.clone()));
        }
        way.push(self.last.cache.clone());
        way.reverse();
        way
    }
}

/// The loads that were visited, each with the one that waits for it.
type Reached = BTreeMap<u64, Option<u64>>;
