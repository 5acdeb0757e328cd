//! The search for an order of the calls that explains every answer.
//!
//! It is Wing and Gong's ("Testing and Verifying Concurrent Objects", J. Parallel
//! Distrib. Comput. 1993): take any call that no other call wholly precedes,
//! try it on the specification, go on with the rest, step back when stuck. As in
//! Lowe's refinement ("Testing for linearizability", Concurrency and
//! Computation 2017) a set of calls taken that led to the same state before is
//! not tried again, which makes most histories linear.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::vec::IntoIter;

use super::Options;
use super::history::{Call, History, Op, Reply, Stamp, Value};
use super::spec::Spec;
use super::state::State;

/// How far the search came.
#[derive(Debug)]
pub(crate) struct Stuck {
    /// The longest order that works, as indices of calls.
    pub(crate) order: Vec<usize>,
    /// The calls that could come next by their intervals. None fits.
    pub(crate) next: Vec<usize>,
    /// The state that the order leads to, in words.
    pub(crate) left: String,
}

/// Finds out whether some order explains the history.
pub(super) fn linearize(history: &History, options: Options) -> Result<(), Stuck> {
    let mut search = Search::new(history, options);
    if search.finds_an_order() {
        return Ok(());
    }
    Err(search.stuck())
}

struct Search<'a> {
    spec: Spec<'a>,
    calls: &'a [Call],
    /// The calls that returned, as bits: these must all be taken.
    wanted: u64,
    /// All calls, those that returned first in front: a good guess at the order.
    by_end: Vec<usize>,
    /// The calls that didn't return, latest first.
    open: Vec<usize>,
    /// For each call the parts of calls that its thread has made before it, as bits: one call
    /// of the cache may be recorded as several whose intervals overlap.
    before: Vec<u64>,
    /// The calls that have changed a value where it lies, with what they made of it.
    in_place: Vec<(usize, Value)>,
    /// Calls taken and the state they led to, in vain or under way.
    tried: HashSet<(u64, State)>,
    /// The longest order that works, of those seen.
    longest: Vec<usize>,
    /// Where it led.
    left: State,
}

/// A way to go on.
struct Step {
    /// The caller that went away whose load lands first, if one does.
    leader: Option<usize>,
    /// The call that comes next.
    call: usize,
    /// Where that leads.
    state: State,
}

/// A place on the way that the search is on.
struct Place {
    /// The calls taken up to here.
    taken: u64,
    /// How many that are.
    depth: usize,
    /// The ways to go on that weren't tried.
    steps: IntoIter<Step>,
}

impl<'a> Search<'a> {
    fn new(history: &'a History, options: Options) -> Self {
        let calls = &history.calls;
        let is_open = |&index: &usize| calls[index].returned.is_none();
        let (mut open, done): (Vec<usize>, Vec<usize>) = (0..calls.len()).partition(is_open);
        open.sort_by_key(|&index| Reverse(calls[index].called));
        let mut by_end: Vec<usize> = (0..calls.len()).collect();
        by_end.sort_by_key(|&index| calls[index].end());
        let in_place = |&index: &usize| match (calls[index].op, calls[index].returned) {
            (Op::TryCompute(new), None | Some((_, Reply::Value(Some(_))))) => Some((index, new)),
            _ => None,
        };
        let precedes = |call: &Call, index: &usize| {
            let earlier = &calls[*index];
            earlier.thread == call.thread && earlier.returned.is_some() && earlier.called < call.called
        };
        let before = |call| bits(&(0..calls.len()).filter(|index| precedes(call, index)).collect::<Vec<_>>());
        let in_place = by_end.iter().filter_map(in_place).collect();
        Self {
            spec: Spec::new(history, options),
            calls,
            wanted: bits(&done),
            by_end,
            open,
            before: calls.iter().map(before).collect(),
            in_place,
            tried: HashSet::new(),
            longest: Vec::new(),
            left: State::new(),
        }
    }

    /// Walks the orders, depth first. The way lies in a vector, not on the stack:
    /// a model checker's threads have little of that.
    fn finds_an_order(&mut self) -> bool {
        if self.wanted == 0 {
            return true;
        }
        let mut order = Vec::new();
        let mut way = vec![self.place(0, &order, State::new())];
        while let Some(place) = way.last_mut() {
            let Some(step) = place.steps.next() else {
                way.pop();
                continue;
            };
            let taken = place.taken | step.bits();
            order.truncate(place.depth);
            order.extend(step.leader);
            order.push(step.call);
            if taken & self.wanted == self.wanted {
                return true;
            }
            if self.tried.insert((taken, step.state)) {
                way.push(self.place(taken, &order, step.state));
            }
        }
        false
    }

    fn place(&mut self, taken: u64, order: &[usize], state: State) -> Place {
        if order.len() > self.longest.len() {
            self.longest = order.to_vec();
            self.left = state;
        }
        Place { taken, depth: order.len(), steps: self.steps(taken, state).into_iter() }
    }

    /// All ways to go on that need to be tried.
    fn steps(&self, taken: u64, state: State) -> Vec<Step> {
        let ready = self.ready(taken);
        if let Some(&call) = ready.iter().find(|&&call| self.is_idle(call, taken, state)) {
            let leader = None;
            return vec![Step { leader, call, state }];
        }
        let mut steps = Vec::new();
        for call in ready {
            let next = self.follow(call, state);
            let either = next.into_iter().chain(self.spec.otherwise(state, &self.calls[call]));
            steps.extend(either.map(|state| Step { leader: None, call, state }));
            // A landing is needed only if the answer is wrong without it, or if a
            // refresh, an expire or their like comes between the landing and the look.
            if next.is_none() || self.calls[call].divides() {
                self.add_steps_with_landing(&mut steps, call, taken, state);
            }
            // So is the second write of a change in place, or if a look that doesn't say
            // which value it finds takes what lay over it for one that was stored.
            if next.is_none() || self.calls[call].divides() || self.calls[call].finds_any() {
                self.add_steps_with_renewal(&mut steps, call, taken, state);
            }
        }
        steps
    }

    /// Adds the steps in which a load that lands without its caller does so right
    /// before the call.
    fn add_steps_with_landing(&self, steps: &mut Vec<Step>, call: usize, taken: u64, state: State) {
        let target = &self.calls[call];
        if target.returned.is_none() && !target.divides() {
            return;
        }
        for load in self.spec.lands_for(target) {
            // It lands once it has begun, and so after all that returned before. Its
            // leader called earlier still.
            if self.spec.begin(load) >= self.horizon(taken) {
                continue;
            }
            let abandoned = [Op::Fetch, Op::Entry, Op::Refresh].into_iter().filter_map(|op| {
                let (leader, landed) = self.leader(op, taken, state, load)?;
                Some((Some(leader), landed))
            });
            let refreshed = self.spec.refreshed(state, load).map(|landed| (None, landed));
            for (leader, landed) in abandoned.chain(refreshed) {
                steps.extend(self.follow(call, landed).map(|state| Step { leader, call, state }));
            }
        }
    }

    /// Adds the steps in which a change in place that came before makes its second write
    /// right before the call.
    fn add_steps_with_renewal(&self, steps: &mut Vec<Step>, call: usize, taken: u64, state: State) {
        for (_, new) in self.unfinished(taken) {
            let latest = self.latest(taken);
            let renewed = self.spec.renewed(state, new, latest).and_then(|renewed| self.follow(call, renewed));
            steps.extend(renewed.map(|state| Step { leader: None, call, state }));
        }
    }

    /// The state that a call leads to, if it fits.
    fn follow(&self, call: usize, state: State) -> Option<State> {
        let call = &self.calls[call];
        match call.returned {
            Some(answer) => self.spec.after(state, call, answer),
            None => self.spec.after_open(state, call),
        }
    }

    /// The calls not taken that no other such call wholly precedes, nor precedes in its thread.
    fn ready(&self, taken: u64) -> Vec<usize> {
        let horizon = self.horizon(taken);
        let is_next = |index: usize| self.before[index] & !taken == 0 && self.calls[index].called < horizon;
        let free = |&index: &usize| taken & bit(index) == 0 && is_next(index);
        self.by_end.iter().copied().filter(free).collect()
    }

    /// Whether a call that is no write fits and changes nothing: then it may as
    /// well come now. Later it could only have taken from what others may do. A
    /// write that changes nothing now may have to change something later.
    ///
    /// Nor may it if it was called after a change in place had returned that may still have
    /// to make its second write, which would come too late then.
    fn is_idle(&self, index: usize, taken: u64, state: State) -> bool {
        let call = &self.calls[index];
        let answered = call.returned.is_some();
        answered && !call.writes() && self.follow(index, state) == Some(state) && self.unfinished(taken).all(|(end, _)| call.called < end)
    }

    /// The changes in place that may still make their second write: their ends, and what they
    /// have made.
    fn unfinished(&self, taken: u64) -> impl Iterator<Item = (Stamp, Value)> {
        let latest = if self.in_place.is_empty() { 0 } else { self.latest(taken) };
        let made = self.in_place.iter().filter(move |(index, _)| taken & bit(*index) != 0);
        made.map(|(index, new)| (self.calls[*index].end(), *new)).filter(move |(end, _)| latest < *end)
    }

    /// When the last of the calls taken was made.
    fn latest(&self, taken: u64) -> Stamp {
        let made = |index: &usize| taken & bit(*index) != 0;
        (0..self.calls.len()).filter(made).map(|index| self.calls[index].called).max().unwrap_or(0)
    }

    /// The caller that went away whose load lands now, and where that leads. Of
    /// all who can have led it the latest: the others can have led whatever he
    /// can, and more.
    fn leader(&self, op: Op, taken: u64, state: State, load: usize) -> Option<(usize, State)> {
        let free = |&&index: &&usize| taken & bit(index) == 0 && self.calls[index].op == op;
        self.open.iter().filter(free).find_map(|&index| {
            let landed = self.spec.abandoned(state, &self.calls[index], load)?;
            Some((index, landed))
        })
    }

    /// The first return among the calls not taken: a call made after it can't
    /// come before that one.
    fn horizon(&self, taken: u64) -> Stamp {
        let first = self.by_end.iter().find(|&&index| taken & bit(index) == 0);
        first.map_or(Stamp::MAX, |&index| self.calls[index].end())
    }

    fn stuck(self) -> Stuck {
        let mut next = self.ready(bits(&self.longest));
        next.retain(|&index| self.calls[index].returned.is_some());
        Stuck { next, left: self.left.to_string(), order: self.longest }
    }
}

impl Step {
    fn bits(&self) -> u64 {
        self.leader.map_or(0, bit) | bit(self.call)
    }
}

fn bits(indices: &[usize]) -> u64 {
    indices.iter().fold(0, |set, &index| set | bit(index))
}

fn bit(index: usize) -> u64 {
    1 << index
}
