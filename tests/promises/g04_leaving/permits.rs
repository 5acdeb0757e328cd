//! Abandoned loads of a cache that limits how many run at a time.

use crate::g04_leaving::{Alive, cancelled, tracked};
use crate::gate::until;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::ways::Way;
use bellwether::{AbandonedLoads, AsyncCache, CacheBuilder};

in_every_way!(
    g4_an_abandoned_load_that_waits_for_a_permit_leaves_the_queue,
    g4_a_cancelled_load_passes_its_permit_on,
    g4_a_cancelled_blocking_load_keeps_its_permit_until_it_ends,
);

fn limited() -> CacheBuilder<u32, usize> {
    AsyncCache::builder().abandoned_loads(AbandonedLoads::Cancel).max_concurrent_loads(1)
}

fn g4_an_abandoned_load_that_waits_for_a_permit_leaves_the_queue(way: Way) {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = way.build(runway.numbers(limited(), style)).to_async();
        let first = way.within(|| cache.fetch_with(&1));
        runway.until_begun(0);
        let queued = way.within(|| [cache.fetch_with(&2), cache.fetch_with(&3), cache.fetch_with(&4)]);
        assert_eq!(cache.metrics().queued, 3);
        let [second, third, fourth] = queued;
        drop((second, fourth));
        assert_eq!((cache.metrics().queued, cancelled(&cache.to_sync())), (1, 2), "{style:?}");
        runway.open(0);
        assert_eq!(*way.wait(first).expect("the load brings it"), 0);
        assert_eq!(*way.wait(third).expect("the load brings it"), 1, "{style:?}: the others' loads never began");
        assert_eq!((at_rest(&cache.to_sync()).loads_started, runway.begun()), (4, 2));
    }
}

fn g4_a_cancelled_load_passes_its_permit_on(way: Way) {
    let (runway, alive) = (Runway::new(1), Alive::default());
    let cache = tracked(way, &runway, &alive, limited());
    let first = way.within(|| cache.fetch_with(&1));
    runway.until_begun(0);
    let second = way.within(|| cache.fetch_with(&2));
    drop(first);
    assert_eq!(*way.wait(second).expect("the load brings it"), 1);
    assert_eq!(at_rest(&cache.to_sync()).permits_peak, 1);
    alive.until_none();
}

fn g4_a_cancelled_blocking_load_keeps_its_permit_until_it_ends(way: Way) {
    let runway = Runway::new(1);
    let cache = way.build(runway.numbers(limited(), Style::Blocking)).to_async();
    let first = way.within(|| cache.fetch_with(&1));
    runway.until_begun(0);
    let second = way.within(|| cache.fetch_with(&2));
    drop(first);
    until("it is cancelled", || cancelled(&cache.to_sync()) == 1);
    assert_eq!((cache.metrics().permits, cache.metrics().queued, runway.begun()), (1, 1, 1));
    runway.open(0);
    assert_eq!(*way.wait(second).expect("the load brings it"), 1);
    assert!(!cache.contains_key(&1));
    at_rest(&cache.to_sync());
}
