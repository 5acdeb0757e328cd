//! A timer wheel knows which entry is due next. It keeps slots in buckets by their deadlines, finer the nearer they are.
//!
//! Level 0 has 64 buckets of one nanosecond, each further level 64 buckets as wide as the whole level below. A slot lies in the level
//! of the highest group of six bits in which its deadline differs from where the wheel has turned to. When time comes to a bucket of
//! a higher level, its slots move to lower ones, unless they are due by then: so each slot moves at most once for each level, whatever
//! time does, and no step ever looks at an empty bucket. Buckets note the earliest deadline put into them, so that nobody has to come
//! and look before that. (Varghese, Lauck: "Hashed and Hierarchical Timing Wheels", SOSP 1987.)
//!
//! Down to the nanosecond, because anything coarser leaves buckets whose slots are due at different instants: they would have to be
//! searched again and again, or be late. The finest levels cost nothing but where many deadlines lie as close together.

#[cfg(any(test, debug_assertions, fuzzing))]
mod audit;
#[cfg(any(test, fuzzing))]
mod driver;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod level;
mod place;
#[cfg(test)]
mod tests;
mod turning;

use crate::ground::chain::{Link, Links};
use crate::ground::slab::Slot;
use crate::ground::time::Deadline;
use level::{Bucket, Level};
use place::{LEVELS, Place, Point};

/// A slot's place in the wheel. It lies with the entry, and stays with the slot while the entry is armed.
#[derive(Debug)]
pub(crate) struct Timer {
    link: Link,
    place: Option<Place>,
}

impl Timer {
    /// Not armed.
    pub(crate) const IDLE: Self = Self { link: Link::LOOSE, place: None };

    pub(crate) fn is_armed(&self) -> bool {
        self.place.is_some()
    }
}

/// Where the timers of slots lie, and when their entries are due.
pub(crate) trait Timed {
    fn timer(&self, slot: Slot) -> &Timer;
    fn timer_mut(&mut self, slot: Slot) -> &mut Timer;
    /// The present deadline of the slot's entry. While the slot is armed it may move later, or to never, and the wheel finds out when it
    /// gets there; it moves earlier only together with [`Wheel::rearm`].
    fn deadline(&self, slot: Slot) -> Deadline;
}

/// The links of the timers, as a chain wants them.
struct Timers<'a, T>(&'a mut T);

impl<T: Timed> Links for Timers<'_, T> {
    fn link(&self, slot: Slot) -> Link {
        self.0.timer(slot).link
    }

    fn link_mut(&mut self, slot: Slot) -> &mut Link {
        &mut self.0.timer_mut(slot).link
    }
}

/// The armed slots of a shard. An empty wheel holds no memory.
pub(crate) struct Wheel {
    /// Made when first needed, given back when nothing is armed.
    levels: [Option<Box<Level>>; LEVELS],
    /// Slots whose deadlines were past when they were put here.
    late: Bucket,
    /// Where the wheel has turned to, in nanoseconds. No slot in a level was put there for an earlier instant.
    turned: u64,
    /// Nothing is due before this.
    soonest: u64,
    armed: usize,
}

impl Wheel {
    pub(crate) const fn new() -> Self {
        Self { levels: [const { None }; LEVELS], late: Bucket::new(), turned: 0, soonest: u64::MAX, armed: 0 }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.armed == 0
    }

    /// Arms a slot that isn't armed. Nothing for a deadline that never comes.
    pub(crate) fn arm(&mut self, timed: &mut impl Timed, slot: Slot) {
        debug_assert!(!timed.timer(slot).is_armed(), "slot {slot} is armed already");
        let deadline = timed.deadline(slot);
        if !deadline.is_never() {
            self.armed += 1;
            self.put(timed, slot, deadline);
        }
    }

    /// Nothing if the slot isn't armed.
    pub(crate) fn disarm(&mut self, timed: &mut impl Timed, slot: Slot) {
        if self.take_out(timed, slot) {
            self.one_less();
        }
    }

    /// Arms a slot by its present deadline, whether it was armed by another one or not at all.
    pub(crate) fn rearm(&mut self, timed: &mut impl Timed, slot: Slot) {
        let was_armed = self.take_out(timed, slot);
        self.arm(timed, slot);
        // Last, so that a wheel with one slot keeps its memory.
        if was_armed {
            self.one_less();
        }
    }

    /// The earliest instant at which [`due`](Self::due) may find something; `None` if nothing is armed. It is never later than the
    /// earliest deadline. It may be earlier, where that was disarmed or has moved: a call of `due` at that instant puts it right.
    pub(crate) fn next(&self) -> Option<Deadline> {
        (!self.is_empty()).then(|| Deadline::from_nanos(self.soonest))
    }

    fn put(&mut self, timed: &mut impl Timed, slot: Slot, deadline: Deadline) {
        let instant = deadline.nanos();
        let place = if instant < self.turned { Place::Late } else { Place::At(Point::of(self.turned, instant)) };
        self.put_at(timed, slot, place, instant);
    }

    fn put_at(&mut self, timed: &mut impl Timed, slot: Slot, place: Place, instant: u64) {
        timed.timer_mut(slot).place = Some(place);
        self.soonest = self.soonest.min(instant);
        let timers = &mut Timers(timed);
        match place {
            Place::Late => self.late.put(timers, slot, instant),
            Place::At(point) => {
                let level = self.levels[usize::from(point.level)].get_or_insert_with(Level::new);
                level.put(timers, slot, point.index, instant);
            }
        }
    }

    /// Takes the slot out of its bucket and says whether it was in any. It still counts as armed.
    fn take_out(&mut self, timed: &mut impl Timed, slot: Slot) -> bool {
        let Some(place) = timed.timer_mut(slot).place.take() else { return false };
        let timers = &mut Timers(timed);
        match place {
            Place::Late => self.late.take_out(timers, slot),
            Place::At(point) => {
                let level = self.levels[usize::from(point.level)].as_mut().expect("the level of an armed slot exists");
                level.take_out(timers, slot, point.index);
            }
        }
        true
    }

    /// A slot that was taken out is armed no more.
    fn one_less(&mut self) {
        self.armed -= 1;
        if self.is_empty() {
            self.levels = [const { None }; LEVELS];
            self.soonest = u64::MAX;
        }
    }
}
