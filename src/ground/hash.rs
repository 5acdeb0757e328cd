//! Hashing: the default hasher, and a hash as a type that says which of its bits serve what.

use std::fmt;
use std::hash::{BuildHasher, Hash};

/// The default hash builder: `aHash`, keyed at random for each cache, so that nobody outside can make keys collide.
///
/// # Examples
/// ```
/// use bellwether::{Cache, RandomState};
///
/// let cache: Cache<String, u32, RandomState> = Cache::builder().build()?;
/// # let _ = cache;
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone)]
pub struct RandomState(ahash::RandomState);

impl RandomState {
    /// A hash builder with fresh random keys.
    ///
    /// # Examples
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// let state = bellwether::RandomState::new();
    /// assert_eq!(state.hash_one("a"), state.hash_one("a"));
    /// ```
    #[must_use]
    pub fn new() -> Self {
        // Models replay a run from its schedule alone, so that there the keys are fixed.
        if cfg!(any(bellwether_loom, bellwether_shuttle)) {
            return Self(ahash::RandomState::with_seeds(1, 2, 3, 4));
        }
        Self(ahash::RandomState::new())
    }
}

impl Default for RandomState {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RandomState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RandomState")
    }
}

impl BuildHasher for RandomState {
    type Hasher = RandomHasher;

    #[inline]
    fn build_hasher(&self) -> RandomHasher {
        RandomHasher(self.0.build_hasher())
    }

    #[inline]
    fn hash_one<T: Hash>(&self, value: T) -> u64 {
        self.0.hash_one(value)
    }
}

/// The hasher that [`RandomState`] makes.
///
/// # Examples
/// ```
/// use std::hash::{BuildHasher, Hasher};
///
/// let mut hasher = bellwether::RandomState::new().build_hasher();
/// hasher.write_u32(7);
/// let _ = hasher.finish();
/// ```
#[derive(Clone, Debug)]
pub struct RandomHasher(ahash::AHasher);

impl std::hash::Hasher for RandomHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
    #[inline]
    fn write_u8(&mut self, i: u8) {
        self.0.write_u8(i);
    }
    #[inline]
    fn write_u16(&mut self, i: u16) {
        self.0.write_u16(i);
    }
    #[inline]
    fn write_u32(&mut self, i: u32) {
        self.0.write_u32(i);
    }
    #[inline]
    fn write_u64(&mut self, i: u64) {
        self.0.write_u64(i);
    }
    #[inline]
    fn write_u128(&mut self, i: u128) {
        self.0.write_u128(i);
    }
    #[inline]
    fn write_usize(&mut self, i: usize) {
        self.0.write_usize(i);
    }
}

/// A key's hash, made once per call and handed down.
///
/// Bits 40 to 55 choose the shard; the shard's table takes its bucket from the low bits and its tag from the top seven.
/// No bit serves twice, else a shard's keys would crowd a part of its table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hashed(pub(crate) u64);

impl Hashed {
    #[inline]
    pub(crate) fn of<T: Hash + ?Sized>(value: &T, builder: &impl BuildHasher) -> Self {
        Self(builder.hash_one(value))
    }

    /// Which of `shards` (at most 65,536) this key lives in.
    #[inline]
    pub(crate) fn shard(self, shards: usize) -> usize {
        let bits = (self.0 >> 40) & 0xFFFF;
        // The product is below shards × 2^16, so that the quotient is below shards.
        usize::try_from((bits * shards as u64) >> 16).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shard_is_reached_and_none_beyond() {
        let builder = RandomState::new();
        for shards in [1, 2, 3, 7, 64, 1_000] {
            let mut seen = vec![0_u32; shards];
            for key in 0..40_000_u32 {
                seen[Hashed::of(&key, &builder).shard(shards)] += 1;
            }
            assert!(seen.iter().all(|&n| n > 0), "{shards} shards: {seen:?}");
        }
    }
}
