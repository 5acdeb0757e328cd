//! The wheel turns: what is due comes out, what comes near moves to finer buckets.

use super::level::Level;
use super::place::{Place, Point};
use super::{Timed, Wheel};
use crate::ground::slab::Slot;
use crate::ground::time::{Deadline, Tick};

impl Wheel {
    /// Disarms a slot whose deadline has passed at `now`, and gives it. Which of several is left open.
    ///
    /// Each slot that is looked at costs one of `steps`. `None` means that nothing is due, or that no step is left: then the next call
    /// goes on where this one stopped.
    pub(crate) fn due(&mut self, timed: &mut impl Timed, now: Tick, steps: &mut u32) -> Option<Slot> {
        if self.is_empty() {
            // There is nothing to keep in order, so the wheel turns at once, backwards too.
            self.turned = now.nanos();
            return None;
        }
        if now.nanos() < self.soonest {
            return None;
        }
        while let Some(place) = self.ripe(now) {
            *steps = steps.checked_sub(1)?;
            let due = self.look_at(timed, place, now);
            if due.is_some() {
                return due;
            }
        }
        self.soonest = self.first_buckets().map(|(_, earliest)| earliest).min().unwrap_or(u64::MAX);
        None
    }

    /// A bucket whose time has come. Of several it is the one on the lowest level: while a bucket is being emptied, all levels below
    /// lie within it, so the wheel never turns past a bucket that still holds something.
    fn ripe(&self, now: Tick) -> Option<Place> {
        self.first_buckets().find(|&(_, earliest)| earliest <= now.nanos()).map(|(place, _)| place)
    }

    /// The late ones, then the first bucket of each level, each with the earliest deadline that was put there. Empty ones are left out.
    fn first_buckets(&self) -> impl Iterator<Item = (Place, u64)> {
        let late = self.late.earliest().map(|earliest| (Place::Late, earliest));
        let levels = (0..).zip(&self.levels).filter_map(|(number, level)| {
            let (index, bucket) = level.as_deref().and_then(Level::first)?;
            Some((Place::At(Point { level: number, index }), bucket.earliest()?))
        });
        late.into_iter().chain(levels)
    }

    /// Looks at one slot of a ripe bucket: it is due, or it goes to where its present deadline belongs.
    fn look_at(&mut self, timed: &mut impl Timed, place: Place, now: Tick) -> Option<Slot> {
        let slot = match place {
            Place::Late => self.late.first(),
            Place::At(point) => {
                self.turned = self.turned.max(point.start(self.turned));
                self.levels[usize::from(point.level)].as_deref().and_then(Level::first).and_then(|(_, bucket)| bucket.first())
            }
        };
        let slot = slot.expect("a bucket is ripe only if it holds something");
        let deadline = timed.deadline(slot);
        // Late, and yet to come: the clock went back.
        if place == Place::Late && deadline.nanos() < self.turned && !deadline.has_passed_at(now) {
            self.turn_back(timed, now);
            return None;
        }
        self.take_out(timed, slot);
        if deadline.has_passed_at(now) {
            self.one_less();
            return Some(slot);
        }
        self.put_back(timed, slot, deadline);
        None
    }

    /// One step of the way back to `now`. The slots of all levels that begin later go, one by one, to the bucket of the level above that
    /// they all lie within; then the wheel stands at `now`. After each step everything is where it may be.
    fn turn_back(&mut self, timed: &mut impl Timed, now: Tick) {
        let level = Point::of(self.turned, now.nanos()).level;
        let all_within = Point::on(level, self.turned);
        let below = self.levels[..usize::from(level)].iter().flatten();
        let Some(slot) = below.filter_map(|level| level.first()).find_map(|(_, bucket)| bucket.first()) else {
            self.turned = now.nanos();
            return;
        };
        self.take_out(timed, slot);
        let deadline = timed.deadline(slot);
        let instant = deadline.nanos().max(all_within.start(self.turned));
        if deadline.is_never() {
            self.one_less();
        } else {
            self.put_at(timed, slot, Place::At(Point::of(now.nanos(), instant)), instant);
        }
    }

    /// Puts a slot back that was taken out.
    fn put_back(&mut self, timed: &mut impl Timed, slot: Slot, deadline: Deadline) {
        if deadline.is_never() {
            self.one_less();
        } else {
            self.put(timed, slot, deadline);
        }
    }
}
