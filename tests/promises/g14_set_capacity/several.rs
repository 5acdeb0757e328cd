//! Several calls at a time: the last one counts, and all of them end.

use crate::faces::{Face, Kind};
use crate::policies::{capacity, rules, set_capacity};
use crate::rest::at_rest;
use crate::together::{observed, together};
use bellwether::CacheBuilder;

type Of<F> = <F as Kind>::Of<u64, u64>;

const SIZES: [u64; 8] = [100, 3, 500, 0, 1_000, 64, u64::MAX, 250];

fn g14_of_calls_at_a_time_one_counts<F: Kind>() {
    for rule in rules() {
        for shards in [1, 8] {
            let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(300).shards(shards)));
            observed(
                4,
                || assert!(cache.metrics().weight <= 100_000),
                |thread| {
                    for round in 0..100 {
                        let size = SIZES[(thread * 3 + round) % SIZES.len()];
                        set_capacity::<F, _, _>(&cache, size);
                        (0..20).for_each(|n| cache.insert((thread * 100_000 + round * 20 + n) as u64, 1));
                    }
                },
            );
            let size = capacity::<F, _, _>(&cache);
            assert!(SIZES.contains(&size), "{rule:?}: {size} was set by one of them");
            assert!(cache.weight() <= size, "{rule:?}: {} of {size}", cache.weight());
            at_rest(&cache.sync());
            set_capacity::<F, _, _>(&cache, 60);
            assert_eq!((capacity::<F, _, _>(&cache), cache.metrics().capacity), (60, 60), "{rule:?}");
            (0..60).filter(|_| !rule.keeps()).for_each(|key| cache.insert(key, 1));
            assert!(cache.len() == 60 || rule.keeps(), "{rule:?}: and it is all there");
            at_rest(&cache.sync());
        }
    }
}

/// All the same: each returns when it holds.
fn g14_each_returns_when_its_capacity_holds<F: Kind>() {
    let cache: Of<F> = F::Of::build(CacheBuilder::new().capacity(5_000).shards(4));
    for round in 0..50 {
        (0..5_000).for_each(|key| cache.insert(key + round, 1));
        let size = 10 + round;
        together(3, |_| {
            set_capacity::<F, _, _>(&cache, size);
            assert_eq!((capacity::<F, _, _>(&cache), cache.len(), cache.weight()), (size, size, size));
        });
        set_capacity::<F, _, _>(&cache, 5_000);
    }
    at_rest(&cache.sync());
}

crate::on_every_face_in_time!(g14_of_calls_at_a_time_one_counts, g14_each_returns_when_its_capacity_holds);
