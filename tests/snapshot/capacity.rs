//! A smaller cache gets the hottest that fit, in an order by which its policy goes on.

use super::world::{restored, saved};
use crate::faces::{Face, Kind};
use bellwether::{CacheBuilder, EvictionPolicy, Loaded};
use std::collections::BTreeSet;

fn keys<F: Face<u32, u32>>(cache: &F) -> BTreeSet<u32> {
    cache.entries().into_iter().map(|(key, _)| key).collect()
}

fn g14_a_smaller_cache_gets_the_hottest<F: Kind>() {
    let lru = |capacity| <F::Of<u32, u32>>::build(CacheBuilder::new().capacity(capacity).shards(1).eviction(EvictionPolicy::Lru));
    let before = lru(1_000);
    (0..1_000).for_each(|n| before.insert(n, n));
    // From the coldest to the hottest, in an order of their own.
    let order: Vec<u32> = (0..1_000).map(|n| n * 7 % 1_000).collect();
    order.iter().for_each(|key| drop(before.fetch(key)));
    let bytes = saved(&before.sync());
    for capacity in [0, 1, 10, 500, 999, 1_000, 2_000] {
        let after = lru(capacity);
        let result = restored(&after.sync(), &bytes).expect("it is as it was saved");
        let fit = usize::try_from(capacity).expect("it is small").min(1_000);
        assert_eq!((result.entries, result.left_out), (fit as u64, 1_000 - fit as u64));
        assert_eq!(keys(&after), order[1_000 - fit..].iter().copied().collect(), "the hottest {fit}");
        after.validate();
        // Its order is that of before: of so many newcomers each takes the place of the coldest.
        let gone = fit / 2;
        if fit as u64 == capacity {
            (0..gone).for_each(|n| after.insert(10_000 + u32::try_from(n).expect("it is small"), 0));
            let stayed: BTreeSet<u32> = keys(&after).into_iter().filter(|&key| key < 10_000).collect();
            assert_eq!(stayed, order[1_000 - fit + gone..].iter().copied().collect(), "the coldest {gone} of {fit} went");
        }
    }
}

fn g14_what_is_held_already_counts<F: Kind>() {
    let cache = |capacity| <F::Of<u32, u32>>::build(CacheBuilder::new().capacity(capacity).shards(4).eviction(EvictionPolicy::Lru));
    let before = cache(100);
    (0..100).for_each(|n| before.insert(n, n));
    let bytes = saved(&before.sync());
    let after = cache(100);
    (200..260).for_each(|n| after.insert(n, n));
    let result = restored(&after.sync(), &bytes).expect("it is as it was saved");
    assert_eq!((result.entries, result.left_out), (40, 60));
    assert!((200..260).all(|n| after.contains_key(&n)), "nothing had to leave");
    after.validate();
}

fn g14_heavy_entries_fit_or_are_left_out<F: Kind>() {
    let lru = |capacity| <F::Of<u32, u32>>::build(CacheBuilder::new().capacity(capacity).shards(1).eviction(EvictionPolicy::Lru));
    let before = lru(10_000);
    for (key, weight) in [(1, 10), (2, 20), (3, 500), (4, 30), (5, 0), (6, 1_000)] {
        before.insert_with(key, Loaded::value(key).weight(weight));
    }
    let after = lru(100);
    let result = restored(&after.sync(), &saved(&before.sync())).expect("it is as it was saved");
    assert_eq!((result.entries, result.left_out), (4, 2));
    assert_eq!(keys(&after), BTreeSet::from([1, 2, 4, 5]));
    assert_eq!(after.weight(), 60);
    after.validate();
}

/// The file is much larger than the cache: what can't be stored is let go of on the way.
fn g14_the_hottest_of_very_many_are_kept<F: Kind>() {
    const MANY: u32 = 50_000;
    let lru = |capacity| <F::Of<u32, u32>>::build(CacheBuilder::new().capacity(capacity).shards(3).eviction(EvictionPolicy::Lru));
    let before = lru(u64::from(MANY));
    (0..MANY).for_each(|n| before.insert(n, n));
    let hot: BTreeSet<u32> = (0..MANY).filter(|n| n % 500 == 7).collect();
    before.sync().settle();
    hot.iter().for_each(|key| drop(before.fetch(key)));
    let after = lru(300);
    let result = restored(&after.sync(), &saved(&before.sync())).expect("it is as it was saved");
    assert_eq!((result.entries, result.left_out), (300, u64::from(MANY) - 300));
    let kept = keys(&after);
    assert!(hot.is_subset(&kept), "{} of {} hot ones are kept", hot.intersection(&kept).count(), hot.len());
    after.validate();
}

crate::on_every_face_in_time!(
    g14_a_smaller_cache_gets_the_hottest,
    g14_what_is_held_already_counts,
    g14_heavy_entries_fit_or_are_left_out,
    g14_the_hottest_of_very_many_are_kept,
);
