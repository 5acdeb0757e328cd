//! The recount that debug builds and tests make.

use super::{Answers, SPARSE};

impl<K> Answers<K> {
    /// Checks that index, records, queue, wheel and weight agree, and gives the weight.
    pub(crate) fn audit(&self) -> u64 {
        assert_eq!(self.index.len(), self.records.len(), "each answer is indexed once");
        assert!(self.index.len() >= self.index.num_buckets() / SPARSE, "the index isn't sparse");
        let (mut weight, mut timed) = (0, 0);
        let mut next = self.records.next_occupied(0);
        while let Some(slot) = next {
            let remembered = &self.records[slot].remembered;
            assert!(self.index.find(remembered.hashed.0, |&other| other == slot).is_some(), "slot {slot} is indexed");
            assert!(remembered.until <= remembered.forgotten, "slot {slot} is kept at least as long as it is given");
            weight += remembered.weight;
            timed += usize::from(!remembered.forgotten.is_never());
            next = slot.checked_add(1).and_then(|slot| self.records.next_occupied(slot));
        }
        assert_eq!(weight, self.weight, "the weight is the sum of the answers'");
        let queued = std::iter::successors(self.queue.back(), |&slot| self.queue.before(&self.records, slot));
        // A ring would never end.
        let mut slots: Vec<_> = queued.take(self.len() + 1).collect();
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), self.len(), "each answer is queued once");
        assert_eq!(self.wheel.audit(&self.records), timed, "what has a time is on the wheel, and nothing else");
        weight
    }
}
