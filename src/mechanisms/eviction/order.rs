//! The order in which a policy would part with its entries, told step by step: nothing is moved, and the walk through the queues may be
//! broken off and gone on with, whatever has changed meanwhile.
//!
//! A policy names the rows in which its entries stand, and says of each entry how soon it would leave. Entries of one rank leave in the order in which
//! their rows are walked.

use super::cost_aware::Ranked;
use super::{Nodes, Queue};
use crate::ground::hash::RandomState;
use crate::ground::slab::{Handle, Slot};
use std::collections::HashMap;

/// How soon an entry would leave: a lower rank leaves earlier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rank {
    /// One of a few ranks.
    Nth(u8),
    /// One of many: by what it is worth, then by the number of its last use. All of them leave after those of the few ranks.
    Worth(u128, u64),
}

/// Ranks that a policy tells apart.
pub(crate) const RANKS: u8 = 32;
/// The first rank of entries that weigh nothing: no room is made with them.
const WEIGHTLESS: u8 = RANKS;
/// Ranks that there are in all.
pub(crate) const ALL_RANKS: u8 = WEIGHTLESS + 4;

/// Entries in a row, in the order in which they are looked at.
pub(super) enum Row<'a> {
    /// From the back on.
    Queue(&'a Queue),
    /// From the end on, so that what takes the place of one that leaves has been looked at before.
    List(&'a [Slot]),
    /// The same.
    Ranked(&'a [Ranked]),
}

/// What a policy wants to know of a walk through its rows.
#[derive(Default)]
pub(super) struct Course {
    /// What the policy counted from when the walk began.
    pub(super) origin: Option<u128>,
    /// The weight of those to which it has given the first rank.
    pub(super) first: u64,
    /// Whether the entry that the hand points to has been met.
    pub(super) hand_met: bool,
}

impl Course {
    /// Whether what lies behind a policy's entrance is walked first, for part of it would leave first when the walk began: the entrance was `lacking`
    /// so much of its share.
    pub(super) fn begins_behind(&mut self, lacking: u64) -> bool {
        *self.origin.get_or_insert(lacking.into()) > 0
    }

    /// Whether the entry that is met, of so much weight, is among the first to leave, which together are to weigh `most`.
    pub(super) fn is_first(&mut self, weight: u64, most: u64) -> bool {
        let is_first = self.first < most;
        if is_first {
            self.first = self.first.saturating_add(weight);
        }
        is_first
    }
}

/// A policy that tells its order.
pub(super) trait Ordered {
    /// The row that is walked as the `nth`, with the lowest rank that is still to come from it on; none behind the last.
    fn row(&self, nth: u8, course: &mut Course) -> Option<(Row<'_>, u8)>;

    /// How soon the entry in `slot`, which is the next one in its row, would leave.
    fn rank(&self, nodes: &impl Nodes, slot: Slot, course: &mut Course) -> Rank;
}

/// How often a row is begun anew, because all that was met last in it has moved.
const ANEW: u8 = 8;

/// A walk through all rows.
#[derive(Default)]
pub(crate) struct Telling {
    part: Part,
    row: u8,
    course: Course,
    /// Entries of the row that were met last, the last one at the end, where the row is a queue.
    trail: Vec<Trace>,
    /// How many are still to be looked at, where it is a list.
    left: Option<usize>,
    /// How often the row was begun anew.
    anew: u8,
    lowest: u8,
}

/// Whose rows are walked.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Part {
    #[default]
    Policy,
    Weightless,
    Told,
}

/// Where an entry stood when it was met.
struct Trace {
    stay: Handle,
    region: u8,
}

/// The entries in the rows, and their present stays.
pub(super) struct Field<'a, N, H> {
    pub(super) nodes: &'a N,
    pub(super) stay: H,
}

impl Telling {
    /// The lowest rank that may still come.
    pub(crate) fn lowest(&self) -> u8 {
        self.lowest
    }

    pub(super) fn part(&self) -> Part {
        self.part
    }

    /// Goes on through the rows of `policy`, until `steps` are spent or no row is left. `met` may be given an entry again that has moved.
    pub(super) fn go_on<N: Nodes, H: Fn(Slot) -> Option<Handle>>(
        &mut self,
        policy: &impl Ordered,
        field: &Field<'_, N, H>,
        steps: &mut u32,
        met: &mut impl FnMut(Slot, Rank),
    ) {
        while *steps > 0 {
            let Some((row, lowest)) = policy.row(self.row, &mut self.course) else { return self.next_part() };
            self.lowest = self.base() + lowest;
            let mut last = None;
            loop {
                if *steps == 0 {
                    return;
                }
                let next = match last {
                    None => self.resume(&row, field, steps),
                    Some(last) => self.behind(last, &row, field.nodes),
                };
                let Some(slot) = next else { break };
                *steps = steps.saturating_sub(1);
                let rank = match policy.rank(field.nodes, slot, &mut self.course) {
                    Rank::Nth(nth) => Rank::Nth(self.base() + nth),
                    Rank::Worth(worth, used) => Rank::Worth(worth, used),
                };
                self.leave_trace(slot, &row, field);
                met(slot, rank);
                last = next;
            }
            *steps = steps.saturating_sub(1);
            (self.row, self.left, self.anew) = (self.row + 1, None, 0);
            self.trail.clear();
        }
    }

    fn base(&self) -> u8 {
        if self.part == Part::Policy { 0 } else { WEIGHTLESS }
    }

    fn next_part(&mut self) {
        let part = if self.part == Part::Policy { Part::Weightless } else { Part::Told };
        *self = Self { part, lowest: WEIGHTLESS, ..Self::default() };
    }

    /// The entry of the row to go on with.
    fn resume<N: Nodes, H: Fn(Slot) -> Option<Handle>>(&mut self, row: &Row<'_>, field: &Field<'_, N, H>, steps: &mut u32) -> Option<Slot> {
        let Row::Queue(queue) = row else { return self.listed(row) };
        let stayed = self.stayed(queue, field);
        let moved = self.trail.len() - stayed.last().map_or(0, |last| last + 1);
        *steps = steps.saturating_sub(u32::try_from(moved).unwrap_or(u32::MAX));
        if let Some(&last) = stayed.last() {
            let next = queue.before(field.nodes, self.trail[last].stay.slot);
            let mut place = 0..;
            self.trail.retain(|_| place.next().is_some_and(|place| stayed.contains(&place)));
            return next;
        }
        let is_new = self.trail.is_empty() && self.anew == 0;
        self.trail.clear();
        self.anew += u8::from(!is_new);
        if self.anew > ANEW { None } else { queue.back() }
    }

    /// The last of those that were met and stand where they stood, and the one before it; none if nobody can say.
    ///
    /// What has moved may have moved together: two that follow each other as they did may both be elsewhere. So of all that still follow each other it is
    /// the longest chain that has stayed, across the gaps that others have left in it.
    fn stayed<N: Nodes, H: Fn(Slot) -> Option<Handle>>(&self, queue: &Queue, field: &Field<'_, N, H>) -> Vec<usize> {
        let stands =
            |trace: &Trace| (field.stay)(trace.stay.slot) == Some(trace.stay) && field.nodes.node(trace.stay.slot).region == trace.region;
        let places: HashMap<Slot, usize, RandomState> =
            self.trail.iter().enumerate().filter(|(_, trace)| stands(trace)).map(|(place, trace)| (trace.stay.slot, place)).collect();
        // How long the chain is that ends in each, and what comes before it there.
        let mut chains = vec![(1_usize, None); self.trail.len()];
        let mut longest: Option<usize> = None;
        for (place, trace) in self.trail.iter().enumerate() {
            if places.get(&trace.stay.slot) != Some(&place) {
                continue;
            }
            let next = queue.before(field.nodes, trace.stay.slot).and_then(|next| places.get(&next).copied()).filter(|&next| next > place);
            match next {
                Some(next) => chains[next] = (chains[place].0 + 1, Some(place)),
                None if longest.is_none_or(|longest| chains[longest].0 <= chains[place].0) => longest = Some(place),
                None => {}
            }
        }
        let Some(last) = longest else { return Vec::new() };
        match chains[last] {
            (_, Some(before)) => vec![before, last],
            // One alone is where it was if nothing ever comes before it.
            (_, None) if queue.back() == Some(self.trail[last].stay.slot) => vec![last],
            (_, None) => Vec::new(),
        }
    }

    /// The entry of the row behind `last`.
    fn behind(&mut self, last: Slot, row: &Row<'_>, nodes: &impl Nodes) -> Option<Slot> {
        match row {
            Row::Queue(queue) => queue.before(nodes, last),
            Row::List(_) | Row::Ranked(_) => self.listed(row),
        }
    }

    fn leave_trace<N: Nodes, H: Fn(Slot) -> Option<Handle>>(&mut self, slot: Slot, row: &Row<'_>, field: &Field<'_, N, H>) {
        match (row, (field.stay)(slot)) {
            (Row::Queue(_), Some(stay)) => self.trail.push(Trace { stay, region: field.nodes.node(slot).region }),
            (Row::Queue(_) | Row::List(_) | Row::Ranked(_), _) => {}
        }
    }

    /// The next entry of a list.
    fn listed(&mut self, row: &Row<'_>) -> Option<Slot> {
        let len = match row {
            Row::Queue(queue) => queue.len(),
            Row::List(slots) => slots.len(),
            Row::Ranked(ranked) => ranked.len(),
        };
        let left = self.left.map_or(len, |left| left.min(len)).checked_sub(1)?;
        self.left = Some(left);
        match row {
            Row::Queue(_) => None,
            Row::List(slots) => Some(slots[left]),
            Row::Ranked(ranked) => Some(ranked[left].slot),
        }
    }
}
