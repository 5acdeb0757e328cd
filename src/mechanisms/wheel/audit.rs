//! Recounts the wheel, in test builds.

use super::level::Bucket;
use super::place::{Place, Point};
use super::{Timed, Wheel};
use crate::ground::chain::{Link, Links};
use crate::ground::slab::Slot;

/// The links of the timers, for reading alone.
struct Reading<'a, T>(&'a T);

impl<T: Timed> Links for Reading<'_, T> {
    fn link(&self, slot: Slot) -> Link {
        self.0.timer(slot).link
    }

    fn link_mut(&mut self, _slot: Slot) -> &mut Link {
        unreachable!("an audit changes nothing")
    }
}

impl Wheel {
    /// Checks that every slot lies where it has to and will be found in time, and counts the armed ones.
    pub(crate) fn audit(&self, timed: &impl Timed) -> usize {
        let mut found = self.audit_bucket(timed, &self.late, Place::Late);
        for (number, level) in (0..).zip(&self.levels) {
            let Some(level) = level else { continue };
            for (index, bucket, is_noted) in level.all() {
                let point = Point { level: number, index };
                assert_eq!(bucket.first().is_some(), is_noted, "{point:?} is noted as occupied if it is");
                let Some(earliest) = bucket.earliest() else { continue };
                let start = point.start(self.turned);
                assert!(index >= Point::on(number, self.turned).index, "{point:?} isn't behind {}", self.turned);
                assert_eq!(Point::on(number, start), point, "{point:?} exists");
                assert!(earliest >= start, "what lies in {point:?} belongs there");
                found += self.audit_bucket(timed, bucket, Place::At(point));
            }
        }
        assert_eq!(found, self.armed, "the armed slots are those in the buckets");
        assert!(!self.is_empty() || self.levels.iter().all(Option::is_none), "an empty wheel holds no memory");
        found
    }

    fn audit_bucket(&self, timed: &impl Timed, bucket: &Bucket, place: Place) -> usize {
        let Some(earliest) = bucket.earliest() else { return 0 };
        assert!(self.soonest <= earliest, "the wheel looks into {place:?} in time");
        let mut found = 0;
        for slot in bucket.slots(&Reading(timed)) {
            assert_eq!(timed.timer(slot).place, Some(place), "slot {slot} knows where it is");
            assert!(earliest <= timed.deadline(slot).nanos(), "slot {slot} is found in time");
            found += 1;
            assert!(found <= self.armed, "the chain of {place:?} comes to an end");
        }
        found
    }
}
