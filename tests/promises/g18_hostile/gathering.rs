//! A key whose `Eq` panics while room is gathered, under a value that calls the cache as it goes.

use crate::faces::{Face, Kind};
use crate::hush::{ON_PURPOSE, caught};
use bellwether::{Cache, CacheBuilder, EvictionPolicy};
use std::cell::Cell;
use std::hash::{Hash, Hasher};

thread_local! {
    /// The comparison of keys that panics, from now on; none of them at zero.
    static FUSE: Cell<u32> = const { Cell::new(0) };
}

#[derive(Clone, Debug)]
struct Brittle(u32);

impl Hash for Brittle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq for Brittle {
    fn eq(&self, other: &Self) -> bool {
        let left = FUSE.get();
        if left > 0 && self.0 == 0 {
            FUSE.set(left - 1);
            assert!(left > 1, "an `Eq` fails {ON_PURPOSE}");
        }
        self.0 == other.0
    }
}

impl Eq for Brittle {}

/// Sets the capacity of its cache as it goes, which nobody can who is under its lock.
struct Caller(u64, Option<Cache<Brittle, Caller>>);

impl Drop for Caller {
    fn drop(&mut self) {
        if let Some(cache) = self.1.take() {
            cache.set_capacity(cache.capacity());
        }
    }
}

fn g18_what_a_panicking_eq_keeps_out_is_dropped_under_no_lock<F: Kind>() {
    let mut blown = 0;
    for nth in 1..8 {
        // One entry in each shard, so that room for a heavy one has to be gathered.
        let builder = CacheBuilder::new().capacity(64).shards(64).eviction(EvictionPolicy::Lru).weigher(|_, value: &Caller| value.0);
        let cache: F::Of<Brittle, Caller> = F::Of::build(builder);
        (0..64).for_each(|key| cache.insert(Brittle(key), Caller(1, None)));
        let heavy = Caller(40, Some(cache.sync()));
        FUSE.set(nth);
        blown += u32::from(caught(|| cache.insert(Brittle(0), heavy)).is_err());
        FUSE.set(0);
        assert!(cache.weight() <= 64);
        cache.clear();
    }
    assert!(blown >= 2, "several moments were tried: {blown}");
}

crate::on_every_face_in_time!(g18_what_a_panicking_eq_keeps_out_is_dropped_under_no_lock);
