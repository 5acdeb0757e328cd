//! A place is where a slot lies in the wheel: among the late ones, or in a bucket of a level.

/// Buckets of a level: one word of occupancy bits.
pub(super) const BUCKETS: usize = 64;
/// Bits of an instant that pick a bucket of a level.
const BITS: u32 = BUCKETS.trailing_zeros();
/// As many as it takes for every instant there is.
pub(super) const LEVELS: usize = u64::BITS.div_ceil(BITS) as usize;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// The deadline was past when the slot came in.
    Late,
    At(Point),
}

/// A bucket of a level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Point {
    pub(super) level: u8,
    pub(super) index: u8,
}

impl Point {
    /// Where `instant` lies in a wheel that has turned to `turned`: on the level of the highest group of bits in which they differ.
    pub(super) fn of(turned: u64, instant: u64) -> Self {
        let highest_bit = (turned ^ instant).checked_ilog2().unwrap_or(0);
        let level = u8::try_from(highest_bit / BITS).expect("there are few levels");
        Self::on(level, instant)
    }

    /// Where `instant` lies on this level.
    pub(super) fn on(level: u8, instant: u64) -> Self {
        let index = (instant >> (BITS * u32::from(level))) % BUCKETS as u64;
        Self { level, index: u8::try_from(index).expect("there are few buckets on a level") }
    }

    /// The first instant of this bucket, in a wheel that has turned to `turned`.
    pub(super) fn start(self, turned: u64) -> u64 {
        let shift = BITS * u32::from(self.level);
        let span = u64::MAX.checked_shl(shift + BITS).unwrap_or(0);
        turned & span | u64::from(self.index) << shift
    }
}
