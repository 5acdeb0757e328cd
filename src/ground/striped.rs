//! Counting without contention: owner-only stripes of counters, and a ring of marks that readers leave for the next writer.

use super::process::my_stripe;
use super::slab::Handle;
use super::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::OnceLock;

/// Counters, each in as many stripes as the machine has cores. A thread that holds a stripe's lease alone writes to it, so that
/// counting is a load, an add and a store; all other threads share one more stripe. Exact once the counting threads are at rest.
pub(crate) struct Striped<const N: usize> {
    owned: Box<[OnceLock<Box<Stripe<N>>>]>,
    shared: Stripe<N>,
}

/// One set of counters, on cache lines of its own.
#[repr(align(128))]
struct Stripe<const N: usize>([AtomicU64; N]);

impl<const N: usize> Stripe<N> {
    fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl<const N: usize> Striped<N> {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { owned: (0..cores).map(|_| OnceLock::new()).collect(), shared: Stripe::new() }
    }

    #[inline]
    pub(crate) fn add(&self, counter: usize, amount: u64) {
        // Relaxed everywhere: a counter orders nothing, and whoever needs an exact sum has joined the counting threads.
        match self.owned.get(my_stripe()) {
            Some(stripe) => {
                let count = &stripe.get_or_init(|| Box::new(Stripe::new())).0[counter];
                count.store(count.load(Ordering::Relaxed).wrapping_add(amount), Ordering::Relaxed);
            }
            None => {
                self.shared.0[counter].fetch_add(amount, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn sum(&self, counter: usize) -> u64 {
        let owned = self.owned.iter().filter_map(OnceLock::get).map(|stripe| &stripe.0);
        owned.chain([&self.shared.0]).fold(0, |sum, stripe| sum.wrapping_add(stripe[counter].load(Ordering::Relaxed)))
    }
}

/// Room for so many marks between two writes.
const RING: usize = 64;

/// Handles of entries that were hit, pushed under the read lock of the shard they live in and taken under its write lock. What finds it
/// full is dropped and may be counted by the caller.
pub(crate) struct Ring {
    next: AtomicU32,
    marks: Box<[AtomicU64]>,
}

impl Ring {
    pub(crate) fn new() -> Self {
        Self { next: AtomicU32::new(0), marks: (0..RING).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Leaves a mark, and says whether the ring is full now.
    pub(crate) fn push(&self, handle: Handle) -> Fullness {
        // Relaxed: the shard's lock orders every push before the drain that reads it.
        if self.next.load(Ordering::Relaxed) as usize >= RING {
            return Fullness::Full;
        }
        let at = self.next.fetch_add(1, Ordering::Relaxed) as usize;
        let Some(mark) = self.marks.get(at) else { return Fullness::Full };
        mark.store(u64::from(handle.slot) << 32 | u64::from(handle.generation), Ordering::Relaxed);
        if at + 1 == RING { Fullness::Full } else { Fullness::Room }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.next.load(Ordering::Relaxed) == 0
    }

    /// Takes all marks, oldest first. The caller holds the write lock, so that nobody pushes meanwhile.
    pub(crate) fn drain(&self, mut visit: impl FnMut(Handle)) {
        let pushed = (self.next.load(Ordering::Relaxed) as usize).min(RING);
        for mark in &self.marks[..pushed] {
            let bits = mark.load(Ordering::Relaxed);
            let low = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
            visit(Handle { slot: low(bits >> 32), generation: low(bits) });
        }
        self.next.store(0, Ordering::Relaxed);
    }
}

/// Whether a ring takes another mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fullness {
    Room,
    Full,
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn g16_counts_of_threads_that_came_and_went_are_exact() {
        let counters = Striped::<2>::new();
        for _ in 0..20 {
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| (0..1_000).for_each(|n| counters.add(n % 2, 1)));
                }
            });
        }
        assert_eq!((counters.sum(0), counters.sum(1)), (80_000, 80_000));
    }

    #[test]
    fn a_ring_keeps_the_oldest_marks_in_order() {
        let ring = Ring::new();
        let handle = |n: u32| Handle { slot: n, generation: u32::MAX - n };
        for n in 0..100 {
            let fullness = ring.push(handle(n));
            assert_eq!(fullness == Fullness::Full, n >= 63, "after mark {n}");
        }
        let mut seen = Vec::new();
        ring.drain(|mark| seen.push(mark));
        assert_eq!(seen, (0..64).map(handle).collect::<Vec<_>>());
        assert!(ring.is_empty());
        assert_eq!(ring.push(handle(7)), Fullness::Room);
    }
}
