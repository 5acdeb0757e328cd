//! Drives the wheel and a plain model through the same steps. Property tests and the fuzz target share it.

use super::place::LEVELS;
use super::{Timed, Timer, Wheel};
use crate::ground::slab::Slot;
use crate::ground::time::{Deadline, Tick};
use std::collections::BTreeSet;

/// What one step does. The instants are relative, so that any list of steps makes sense.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Arms the slot for so long from now, or anew.
    Arm {
        slot: Slot,
        wait: u64,
    },
    /// Arms it for an instant that is past.
    ArmPast {
        slot: Slot,
        since: u64,
    },
    /// Arms it for the end of time, but for so much.
    ArmAtTheEnd {
        slot: Slot,
        before: u64,
    },
    /// Moves the deadline while the slot stays armed.
    Postpone {
        slot: Slot,
        by: u64,
    },
    /// The same, to never.
    Forget {
        slot: Slot,
    },
    Disarm {
        slot: Slot,
    },
    /// The clock goes on, and back.
    On {
        by: u64,
    },
    Back {
        by: u64,
    },
    /// Takes out what is due, with so many steps.
    Drain {
        steps: u32,
    },
    DrainAll,
    /// The clock goes to the instant that the wheel named (one nanosecond before it first); then all that is due comes out.
    Next,
}

impl Step {
    /// What these bytes mean; any do. `slots` is how many there are.
    pub(super) fn read([kind, slot, shape, amount]: [u8; 4], slots: u32) -> Self {
        let (slot, span) = (u32::from(slot) % slots, span(shape, amount));
        match kind % 16 {
            0..=3 => Self::Arm { slot, wait: span },
            4 => Self::ArmPast { slot, since: span },
            5 => Self::ArmAtTheEnd { slot, before: span },
            6 => Self::Postpone { slot, by: span },
            7 => Self::Forget { slot },
            8 => Self::Disarm { slot },
            9 | 10 => Self::On { by: span },
            11 => Self::Back { by: span },
            12 => Self::Drain { steps: u32::from(amount) % 9 },
            13 => Self::DrainAll,
            _ => Self::Next,
        }
    }
}

/// A time that is likely to be an awkward one: round a bucket's or a level's edge, none at all, or nearly all there is.
fn span(shape: u8, amount: u8) -> u64 {
    let power = 1_u64 << (amount % 64);
    let many = u64::from(amount);
    match shape % 8 {
        0 => many,
        1 => power - 1,
        2 => power,
        3 => power.saturating_add(1),
        4 => many << 20,
        5 => (many << (shape / 8)) ^ u64::from(shape),
        6 => u64::MAX - many,
        _ => (many + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (shape / 4),
    }
}

/// A slot's part of the entries that the wheel is there for.
struct Entry {
    timer: Timer,
    deadline: Deadline,
}

pub(super) struct Entries(Vec<Entry>);

impl Entries {
    /// None of them is armed.
    pub(super) fn new(deadlines: impl IntoIterator<Item = Deadline>) -> Self {
        Self(deadlines.into_iter().map(|deadline| Entry { timer: Timer::IDLE, deadline }).collect())
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        0..Slot::try_from(self.0.len()).expect("there are few entries")
    }

    pub(super) fn is_armed(&self, slot: Slot) -> bool {
        self.timer(slot).is_armed()
    }

    pub(super) fn set_deadline(&mut self, slot: Slot, deadline: Deadline) {
        self.0[slot as usize].deadline = deadline;
    }
}

impl Timed for Entries {
    fn timer(&self, slot: Slot) -> &Timer {
        &self.0[slot as usize].timer
    }

    fn timer_mut(&mut self, slot: Slot) -> &mut Timer {
        &mut self.0[slot as usize].timer
    }

    fn deadline(&self, slot: Slot) -> Deadline {
        self.0[slot as usize].deadline
    }
}

/// The wheel, the entries, and what they must come to.
pub(super) struct Driver {
    wheel: Wheel,
    entries: Entries,
    /// The armed slots by their deadlines, those that will never come at the end.
    model: BTreeSet<(u64, Slot)>,
    now: u64,
    /// How many more slots the wheel may look at.
    credit: u64,
    /// Whether nothing was disarmed or moved and the clock never went back: then a wheel without anything due knows the next deadline
    /// exactly.
    is_plain: bool,
}

/// A slot that was armed is looked at once on each level, and once before that if it was late.
const LOOKS: u64 = LEVELS as u64 + 1;

impl Driver {
    pub(super) fn new(slots: u32) -> Self {
        let entries = Entries::new((0..slots).map(|_| Deadline::NEVER));
        Self { wheel: Wheel::new(), entries, model: BTreeSet::new(), now: 0, credit: 0, is_plain: true }
    }

    /// # Panics
    /// If the wheel does anything that the model doesn't.
    pub(super) fn run(&mut self, steps: impl IntoIterator<Item = Step>) {
        for step in steps {
            self.step(step);
            self.check();
        }
        self.end();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Arm { slot, wait } => self.arm(slot, self.now.saturating_add(wait)),
            Step::ArmPast { slot, since } => self.arm(slot, self.now.saturating_sub(since)),
            Step::ArmAtTheEnd { slot, before } => self.arm(slot, u64::MAX - before),
            Step::Postpone { slot, by } => self.postpone(slot, self.entries.deadline(slot).nanos().saturating_add(by)),
            Step::Forget { slot } => self.postpone(slot, u64::MAX),
            Step::Disarm { slot } => {
                self.model.remove(&(self.entries.deadline(slot).nanos(), slot));
                self.is_plain &= !self.entries.is_armed(slot);
                self.wheel.disarm(&mut self.entries, slot);
            }
            Step::On { by } => self.now = self.now.saturating_add(by),
            Step::Back { by } => self.turn_back(self.now.saturating_sub(by)),
            Step::Drain { steps } => self.drain(steps),
            Step::DrainAll => self.drain(u32::MAX),
            Step::Next => {
                let Some(next) = self.wheel.next() else { return };
                if next.nanos() > self.now {
                    self.now = next.nanos() - 1;
                    assert!(self.due(&mut 0).is_none(), "nothing is looked at before the instant that the wheel names");
                }
                self.now = self.now.max(next.nanos());
                self.drain(u32::MAX);
            }
        }
    }

    fn arm(&mut self, slot: Slot, deadline: u64) {
        let was_armed = self.entries.is_armed(slot);
        let was_empty = self.wheel.is_empty();
        self.model.remove(&(self.entries.deadline(slot).nanos(), slot));
        self.entries.set_deadline(slot, Deadline::from_nanos(deadline));
        self.wheel.rearm(&mut self.entries, slot);
        self.is_plain &= !was_armed;
        if deadline < u64::MAX {
            self.model.insert((deadline, slot));
            self.credit += LOOKS;
            let next = self.wheel.next().map(Deadline::nanos);
            assert!(!was_empty || next == Some(deadline), "the only one is the next one");
        }
    }

    fn postpone(&mut self, slot: Slot, deadline: u64) {
        let before = (self.entries.deadline(slot).nanos(), slot);
        if self.model.remove(&before) {
            self.entries.set_deadline(slot, Deadline::from_nanos(deadline));
            self.model.insert((deadline, slot));
            self.credit += LOOKS;
            self.is_plain = false;
        }
    }

    /// The wheel may have to turn back as well, which costs up to one look at each slot and one for itself; then it begins anew.
    fn turn_back(&mut self, now: u64) {
        self.now = now;
        self.is_plain = false;
        self.credit += self.wheel.armed as u64 * (1 + LOOKS) + 1;
    }

    fn drain(&mut self, steps: u32) {
        let mut left = steps;
        while self.due(&mut left).is_some() {}
        if left > 0 {
            assert!(self.first().is_none_or(|first| first > self.now), "everything that is due is out");
            if let Some(next) = self.wheel.next() {
                assert!(next.nanos() > self.now, "whoever waits for the next instant really waits");
                assert!(!self.is_plain || Some(next.nanos()) == self.first(), "it is the very next deadline");
            }
        }
    }

    fn due(&mut self, steps: &mut u32) -> Option<Slot> {
        let before = *steps;
        let due = self.wheel.due(&mut self.entries, Tick::from_nanos(self.now), steps);
        let looks = u64::from(before - *steps);
        self.credit = self.credit.checked_sub(looks).expect("each slot is looked at once for each level at most");
        // Slots that will never be due leave the wheel when it comes across them.
        let Self { entries, model, .. } = self;
        model.retain(|&(deadline, slot)| deadline < u64::MAX || entries.is_armed(slot));
        if let Some(slot) = due {
            let deadline = self.entries.deadline(slot).nanos();
            assert!(deadline <= self.now, "slot {slot} is due");
            assert!(looks > 0, "it was looked at");
            assert!(self.model.remove(&(deadline, slot)), "it was armed");
            assert!(!self.entries.is_armed(slot), "it is armed no more");
        }
        due
    }

    fn first(&self) -> Option<u64> {
        self.model.first().map(|&(deadline, _)| deadline)
    }

    fn check(&self) {
        assert_eq!(self.wheel.audit(&self.entries), self.model.len(), "what is armed is in the wheel");
        assert_eq!(self.wheel.is_empty(), self.model.is_empty());
        for slot in self.entries.slots() {
            let is_armed = self.model.contains(&(self.entries.deadline(slot).nanos(), slot));
            assert_eq!(self.entries.is_armed(slot), is_armed, "slot {slot} is in the wheel if it is armed");
        }
        let next = self.wheel.next().map(Deadline::nanos);
        assert_eq!(next.is_some(), !self.model.is_empty(), "there is a next instant while something is armed");
        assert!(next <= self.first(), "the wheel is never late");
    }

    /// At the end of time everything comes out, with few steps at a time; then the wheel is as good as new.
    fn end(&mut self) {
        self.now = u64::MAX;
        while self.first().is_some() {
            self.drain(3);
            self.check();
        }
        assert!(self.wheel.is_empty());
        self.drain(0);
    }
}
