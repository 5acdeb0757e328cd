//! An entry that leaves before its time takes its timer along: what comes into its place isn't taken for it.

use crate::faces::{Face, Kind};
use crate::g11_reclaim::{SECOND, TICK, expired};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, Loaded, MockClock};

type Of<F> = <F as Kind>::Of<u32, u32>;

const ENTRIES: u32 = 64;

fn g11_an_entry_that_left_before_its_time_leaves_no_timer<F: Kind>() {
    type Leave<F> = (&'static str, fn(&Of<F>, u32));
    let ways: [Leave<F>; 7] = [
        ("removed", |cache, key| assert!(cache.remove(&key).is_some())),
        ("invalidated", |cache, key| assert!(cache.invalidate(&key))),
        ("expired by hand", |cache, key| assert!(cache.expire(&key))),
        ("cleared", |cache, _| cache.clear()),
        ("loaded as absent", |cache, key| assert!(cache.refresh(&key).is_err())),
        ("evicted", |cache, key| cache.insert_with_ttl(10_000 + key, key, 600 * SECOND)),
        ("replaced", |cache, key| cache.insert_with_ttl(key, key, 600 * SECOND)),
    ];
    for (what, leave) in ways {
        let clock = MockClock::new();
        let absent = |_: &u32| Ok::<_, BoxError>(Loaded::absent());
        let builder = CacheBuilder::new().eviction(EvictionPolicy::Lru).capacity(u64::from(ENTRIES)).shards(1).clock(clock.clone());
        let cache: Of<F> = F::Of::build(builder.loader_fn(absent));
        // One timer each, near and far: in all levels of whatever keeps them.
        (0..ENTRIES).for_each(|key| cache.insert_with_ttl(key, key, 2 * SECOND + (1 << (key / 2)) * TICK));
        clock.advance(SECOND);
        (0..ENTRIES).for_each(|key| leave(&cache, key));
        let before = expired(&at_rest(&cache.sync()));
        // Others in their slots, which stay for long.
        (0..ENTRIES).for_each(|key| cache.insert_with_ttl(20_000 + key, key, 300 * SECOND));
        clock.advance(60 * SECOND);
        let metrics = at_rest(&cache.sync());
        assert_eq!((cache.len(), expired(&metrics)), (u64::from(ENTRIES), before), "{what}");
        assert!((0..ENTRIES).all(|key| cache.contains_key(&(20_000 + key))), "{what}");
        clock.advance(300 * SECOND);
        assert_eq!(cache.len(), 0, "{what}");
        assert_eq!(expired(&at_rest(&cache.sync())), before + u64::from(ENTRIES), "{what}");
    }
}

on_every_face_in_time!(g11_an_entry_that_left_before_its_time_leaves_no_timer);
