//! The lazy-window TinyLFU that a shard runs, and that the miniature simulations run, too.
//!
//! What comes in begins in the window. What outgrows the window contests its place with the main queues' next victim, by how often the
//! sketch has seen either; what loses is remembered by the ghost table, and comes straight back to the protected queue if it is asked for
//! again soon. Hits only mark an entry; marks are looked at, and cleared, when the entry's turn comes.

use super::super::ghost::Ghost;
use super::super::order::{Course, Ordered, Rank, Row};
use super::super::policy::{Arrival, Bounds, Choice, Gone, Verdict};
use super::super::random::Xorshift;
use super::super::sketch::Sketch;
use super::super::{Nodes, Queue};
use super::setting::Setting;
use crate::ground::slab::Slot;

/// Entries that one search for a victim passes over at most; it then takes the next one.
const PATIENCE: u32 = 64;
/// Victims that a candidate is weighed up against at most.
const RIVALS: u32 = 64;
/// Entries that one arrival moves out of the window at most, as long as there is room.
const MOVES: u32 = 16;

/// A candidate that was asked for so often is let in now and then, whatever its rival is worth, so that nobody can hold a place by making
/// others look good.
const OFTEN: u64 = 6;
/// One time in so many.
const RARELY: usize = 128;

const WINDOW: u8 = 0;
const PROBATION: u8 = 1;
const PROTECTED: u8 = 2;

/// The queues of a shard, or of a simulation, with what is known of the keys.
pub(super) struct LazyWindow {
    /// What came in lately.
    window: Queue,
    /// What has outgrown the window and won its place, not used since.
    probation: Queue,
    /// What was used again.
    protected: Queue,
    sketch: Sketch,
    ghost: Ghost,
    /// What all queues together are to weigh.
    share: u64,
    setting: Setting,
    /// What the window may weigh now. It walks towards what the setting says.
    window_share: u64,
    /// The weight of the newest entry of ordinary weight: the window has room for one more like it.
    newest: u64,
    dice: Xorshift,
}

impl LazyWindow {
    pub(super) fn new(bounds: Bounds, setting: Setting) -> Self {
        Self {
            window: Queue::new(),
            probation: Queue::new(),
            protected: Queue::new(),
            sketch: Sketch::new(bounds.entries),
            ghost: Ghost::new(bounds.entries),
            share: bounds.weight,
            setting,
            window_share: setting.window_of(bounds.weight),
            newest: 0,
            dice: Xorshift::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.window.len() + self.probation.len() + self.protected.len()
    }

    pub(super) fn weight(&self) -> u64 {
        self.window.weight() + self.probation.weight() + self.protected.weight()
    }

    /// Whether anything is ever evicted.
    pub(super) fn is_bounded(&self) -> bool {
        self.share < u64::MAX
    }

    /// Bytes of what is known of the keys.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.sketch.memory() + self.ghost.memory()
    }

    /// Works by another setting from now on.
    pub(super) fn set(&mut self, setting: Setting) {
        self.setting = setting;
    }

    pub(super) fn resized(&mut self, bounds: Bounds) {
        self.share = bounds.weight;
        if !self.is_bounded() {
            (self.sketch, self.ghost) = (Sketch::new(None), Ghost::new(None));
            return;
        }
        // Step by step is for another setting. A window as large as before the shrink would take in all there is.
        self.window_share = self.window_share.min(self.setting.window_of(self.share));
        let entries = bounds.entries_of(self.len(), self.weight());
        self.sketch.shrink_to(entries);
        self.ghost.shrink_to(entries);
    }

    /// Whether the queues hold so much that the number of entries tells how many there will be.
    pub(super) fn is_half_full(&self) -> bool {
        self.weight() >= self.share / 2
    }

    /// An entry came in.
    pub(super) fn admitted(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        let (hash, weight) = (nodes.hash(slot), nodes.weight(slot));
        if !self.is_bounded() {
            // Nothing is ever evicted: there is nothing to know.
            return self.enter(nodes, slot, PROBATION);
        }
        if self.weight() <= self.share {
            let held = self.len() as u64 + 1;
            self.sketch.hold(held);
            self.ghost.hold(held);
        }
        self.sketch.add(hash);
        let is_back = self.ghost.take(hash) && self.setting.ghost;
        let is_heavy = self.is_heavy(weight);
        if !is_heavy {
            self.newest = weight;
        }
        self.enter(
            nodes,
            slot,
            if is_back {
                PROTECTED
            } else if is_heavy {
                PROBATION
            } else {
                WINDOW
            },
        );
        self.walk();
        self.spread(nodes);
    }

    /// An entry is about to leave.
    pub(super) fn removed(&mut self, nodes: &mut impl Nodes, slot: Slot, gone: Gone) {
        if gone == Gone::Evicted && nodes.node(slot).region == WINDOW {
            self.ghost.add(nodes.hash(slot));
        }
        self.leave(nodes, slot);
    }

    pub(super) fn reweighed(&mut self, nodes: &mut impl Nodes, slot: Slot, old: u64) {
        let new = nodes.weight(slot);
        self.queue(nodes.node(slot).region).reweighed(old, new);
    }

    /// Whether room may be made for an entry. One too heavy for the window contests its place at once.
    pub(super) fn arrives(&mut self, nodes: &mut impl Nodes, arrival: &Arrival) -> Verdict {
        if !self.is_heavy(arrival.weight) {
            return Verdict::Welcome;
        }
        let worth = u64::from(self.sketch.estimate(arrival.hash)) + 1;
        let first = self.probation.back().or_else(|| self.protected.back()).or_else(|| self.window.back());
        if worth > self.worth_of_room(nodes, first, arrival.missing) {
            return Verdict::Welcome;
        }
        self.sketch.add(arrival.hash);
        Verdict::Refused
    }

    /// The entry that should leave next.
    pub(super) fn victim(&mut self, nodes: &mut impl Nodes, arrival: Option<&Arrival>) -> Choice {
        let passes_by = |arrival: &Arrival| self.is_heavy(arrival.weight) || (self.setting.ghost && self.ghost.knows(arrival.hash));
        let coming = arrival.filter(|arrival| !passes_by(arrival)).map_or(0, |arrival| arrival.weight);
        let most = self.window_most(coming);
        let Some(rival) = self.rival(nodes) else { return Choice::of(self.candidate(nodes)) };
        if self.window.weight().saturating_add(coming) <= most {
            return Choice::Evict(rival);
        }
        let Some(candidate) = self.candidate(nodes) else { return Choice::Evict(rival) };
        if !self.wins(nodes, candidate, rival) {
            return Choice::Evict(candidate);
        }
        self.leave(nodes, candidate);
        self.enter(nodes, candidate, PROBATION);
        Choice::Evict(rival)
    }

    /// The window's next entry that was not used again.
    fn candidate(&mut self, nodes: &mut impl Nodes) -> Option<Slot> {
        for _ in 0..PATIENCE {
            let candidate = self.window.back()?;
            if !nodes.node_mut(candidate).take_mark() {
                break;
            }
            self.sketch.add(nodes.hash(candidate));
            self.window.bring_to_front(nodes, candidate);
        }
        self.window.back()
    }

    /// The main queues' next victim.
    fn rival(&mut self, nodes: &mut impl Nodes) -> Option<Slot> {
        let protected_share = self.weight().saturating_sub(self.window_share);
        let protected_share = protected_share - protected_share.div_ceil(5);
        for _ in 0..PATIENCE {
            if self.protected.weight() > protected_share {
                let last = self.protected.back()?;
                self.pass(nodes, last, PROBATION);
                continue;
            }
            let Some(last) = self.probation.back().or_else(|| self.protected.back()) else { break };
            if nodes.node(last).marks() == 0 {
                return Some(last);
            }
            self.pass(nodes, last, PROTECTED);
        }
        self.probation.back().or_else(|| self.protected.back())
    }

    /// Moves an entry of the main queues whose turn has come: to the protected queue's front if it was used, else to that of `region`.
    fn pass(&mut self, nodes: &mut impl Nodes, slot: Slot, region: u8) {
        let region = if nodes.node_mut(slot).take_mark() {
            self.sketch.add(nodes.hash(slot));
            PROTECTED
        } else {
            region
        };
        self.leave(nodes, slot);
        self.enter(nodes, slot, region);
    }

    /// Whether `candidate` is worth more than all that would have to go for it, `rival` first. A tie is lost: else loops would thrash.
    fn wins(&mut self, nodes: &impl Nodes, candidate: Slot, rival: Slot) -> bool {
        let worth = u64::from(self.sketch.estimate(nodes.hash(candidate)));
        worth > self.worth_of_room(nodes, Some(rival), nodes.weight(candidate)) || (worth >= OFTEN && self.dice.below(RARELY) == 0)
    }

    /// The estimates of the entries, from `first` on, that make up `weight` together.
    fn worth_of_room(&self, nodes: &impl Nodes, first: Option<Slot>, weight: u64) -> u64 {
        let (mut next, mut worth, mut room) = (first, 0, 0);
        for _ in 0..RIVALS {
            let Some(slot) = next else { break };
            worth += u64::from(self.sketch.estimate(nodes.hash(slot)));
            room += nodes.weight(slot);
            if room >= weight {
                return worth;
            }
            next = match nodes.node(slot).region {
                WINDOW => self.window.before(nodes, slot),
                PROBATION => self.probation.before(nodes, slot).or_else(|| self.protected.back()).or_else(|| self.window.back()),
                _ => self.protected.before(nodes, slot).or_else(|| self.window.back()),
            };
        }
        // The rest, here or in other shards, is taken to be worth as much.
        let whole = u128::from(worth) * u128::from(weight) / u128::from(room.max(1));
        u64::try_from(whole).unwrap_or(u64::MAX)
    }

    /// Lets what has outgrown the window pass on without a contest: there is room.
    fn spread(&mut self, nodes: &mut impl Nodes) {
        for _ in 0..MOVES {
            if self.window.weight() <= self.window_most(0) || self.window.len() == 1 {
                return;
            }
            let Some(last) = self.window.back() else { return };
            if nodes.node_mut(last).take_mark() {
                self.sketch.add(nodes.hash(last));
                self.window.bring_to_front(nodes, last);
            } else {
                self.leave(nodes, last);
                self.enter(nodes, last, PROBATION);
            }
        }
    }

    /// What the window may weigh.
    fn window_most(&self, coming: u64) -> u64 {
        self.window_share.max(self.newest).max(coming)
    }

    /// Whether an entry is too heavy to go through the window: heavier than all of it, and than most entries.
    fn is_heavy(&self, weight: u64) -> bool {
        weight > self.window_share && u128::from(weight) * self.len() as u128 > u128::from(self.weight()) * 2
    }

    /// Brings the window's share a step nearer to what the setting says.
    fn walk(&mut self) {
        let (goal, step) = (self.setting.window_of(self.share), (self.share / 16).max(64));
        self.window_share = if goal > self.window_share {
            goal.min(self.window_share.saturating_add(step))
        } else {
            goal.max(self.window_share.saturating_sub(step))
        };
    }

    fn queue(&mut self, region: u8) -> &mut Queue {
        match region {
            WINDOW => &mut self.window,
            PROBATION => &mut self.probation,
            _ => &mut self.protected,
        }
    }

    fn enter(&mut self, nodes: &mut impl Nodes, slot: Slot, region: u8) {
        nodes.node_mut(slot).region = region;
        self.queue(region).push_front(nodes, slot);
    }

    fn leave(&mut self, nodes: &mut impl Nodes, slot: Slot) {
        self.queue(nodes.node(slot).region).remove(nodes, slot);
    }

    #[cfg(any(test, debug_assertions, fuzzing))]
    pub(super) fn audit(&self, nodes: &impl Nodes, entries: usize, weight: u64) {
        for queue in [&self.window, &self.probation, &self.protected] {
            queue.audit(nodes);
        }
        assert_eq!((self.len(), self.weight()), (entries, weight), "each entry is in one queue");
    }
}

impl Ordered for LazyWindow {
    fn row(&self, nth: u8, course: &mut Course) -> Option<(Row<'_>, u8)> {
        let (window, probation, protected) = (Row::Queue(&self.window), Row::Queue(&self.probation), Row::Queue(&self.protected));
        let rows = if course.begins_behind(self.lacking()) {
            [(probation, 0), (protected, 0), (window, 1)]
        } else {
            [(window, 1), (probation, 3), (protected, 5)]
        };
        rows.into_iter().nth(nth.into())
    }

    /// First goes what the window lacks of its share, then what would lose its contest on leaving the window. What would win it leaves after those on
    /// probation, and what was used again last.
    fn rank(&self, nodes: &impl Nodes, slot: Slot, course: &mut Course) -> Rank {
        let node = nodes.node(slot);
        Rank::Nth(match (node.region, node.marks() > 0) {
            (WINDOW, _) if self.would_win(nodes, slot) => 4,
            (WINDOW, false) => 1,
            (WINDOW, true) => 2,
            (_, true) => 6,
            (_, false) if course.is_first(nodes.weight(slot), self.lacking()) => 0,
            (PROBATION, false) => 3,
            (_, false) => 5,
        })
    }
}

impl LazyWindow {
    /// What the window lacks of its share.
    fn lacking(&self) -> u64 {
        self.window_most(0).saturating_sub(self.window.weight())
    }

    /// Whether an entry of the window is worth more than the one that is to go first behind it.
    fn would_win(&self, nodes: &impl Nodes, slot: Slot) -> bool {
        let asked = |slot| u32::from(nodes.node(slot).marks()) + self.sketch.estimate(nodes.hash(slot));
        let rival = self.probation.back().or_else(|| self.protected.back());
        rival.is_some_and(|rival| asked(slot) > asked(rival))
    }
}
