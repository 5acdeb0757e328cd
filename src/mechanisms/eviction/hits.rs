//! What a hit does, under the read lock, before any policy hears of it.

use super::node::Node;

/// What becomes of hits: marks in the entries, and events that the policy is told of later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hits {
    /// So many hits of an entry are marked.
    marks: u8,
    /// Hits of keys whose number is below leave an event.
    followed: u64,
}

impl Hits {
    /// Nothing comes of a hit.
    pub(super) const IGNORED: Self = Self { marks: 0, followed: 0 };
    /// Every hit leaves an event.
    pub(super) const TOLD: Self = Self { marks: 0, followed: u64::MAX };

    /// Every hit leaves an event, as long as something is ever evicted.
    pub(super) const fn told_if(is_bounded: bool) -> Self {
        if is_bounded { Self::TOLD } else { Self::IGNORED }
    }

    /// Hits are marked in the entries, up to so many.
    pub(super) const fn marked(most: u8) -> Self {
        Self { marks: most, followed: 0 }
    }

    /// Hits are marked, and those of a part of the keys leave an event: of as many in 2^63.
    pub(super) const fn sampled(marks: u8, keys: u64) -> Self {
        Self { marks, followed: keys }
    }

    /// Notes a hit: a load, and at most a store. Says whether it leaves an event.
    #[inline]
    pub(super) fn note(self, node: &Node, hash: u64) -> bool {
        if self.marks > 0 {
            node.mark_up_to(self.marks);
        }
        number(hash) < self.followed
    }
}

/// A key's number, below 2^63, of bits that choose neither its shard nor its place in it.
#[inline]
pub(super) fn number(hash: u64) -> u64 {
    hash.wrapping_mul(0xA24B_AED4_963E_E407) >> 1
}
