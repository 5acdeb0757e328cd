//! Answers without a value are at most an eighth of the new capacity, too.

use crate::faces::{Face, Kind};
use crate::g14_set_capacity::evicted;
use crate::policies::{rules, set_capacity};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, LoadErrorKind, Loaded};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u64, u64>;

const HOUR: Duration = Duration::from_secs(3_600);
/// Keys from here on are absent at the source.
const ABSENT: u64 = 10_000;

fn builder() -> CacheBuilder<u64, u64> {
    let load = |&key: &u64| Ok::<_, BoxError>(if key >= ABSENT { Loaded::absent() } else { Loaded::value(key) });
    CacheBuilder::new().loader_fn(load).negative_ttl(HOUR)
}

fn ask_for_what_is_absent(cache: &impl Face<u64, u64>, number: u64) {
    for key in ABSENT..ABSENT + number {
        assert_eq!(cache.fetch_with(&key).expect_err("it is absent").kind(), LoadErrorKind::Absent);
    }
}

fn g14_answers_shrink_with_the_capacity_and_before_values<F: Kind>() {
    for rule in rules() {
        for shards in [1, 4] {
            let cache: Of<F> = F::Of::build(rule.apply(builder().capacity(800).shards(shards)));
            ask_for_what_is_absent(&cache, 100);
            let remembered = cache.metrics().negatives;
            assert!((80..=100).contains(&remembered), "{rule:?}: {remembered} of 100");
            (0..300).for_each(|key| cache.insert(key, key));
            set_capacity::<F, _, _>(&cache, 400);
            // The values have room beside an eighth of it for answers.
            assert_eq!((cache.len(), evicted(&cache.metrics())), (300, 0), "{rule:?}: no value leaves for answers");
            assert!(cache.metrics().negatives <= 50, "{rule:?}");
            set_capacity::<F, _, _>(&cache, 304);
            assert_eq!((cache.len(), evicted(&cache.metrics())), (300, 0), "{rule:?}: no value leaves for answers");
            assert!(cache.metrics().negatives <= 4, "{rule:?}");
            at_rest(&cache.sync());
            set_capacity::<F, _, _>(&cache, 7);
            assert_eq!((cache.len(), cache.weight(), cache.metrics().negatives), (7, 7, 0), "{rule:?}: too few for any answer");
            at_rest(&cache.sync());
        }
    }
}

fn g14_answers_grow_with_the_capacity<F: Kind>() {
    for rule in rules() {
        let cache: Of<F> = F::Of::build(rule.apply(builder().capacity(7).shards(1)));
        ask_for_what_is_absent(&cache, 50);
        assert_eq!(cache.metrics().negatives, 0, "{rule:?}: there is room for none");
        set_capacity::<F, _, _>(&cache, 400);
        ask_for_what_is_absent(&cache, 60);
        assert_eq!(cache.metrics().negatives, 50, "{rule:?}");
        set_capacity::<F, _, _>(&cache, 0);
        assert_eq!((cache.weight(), cache.metrics().negatives), (0, 0), "{rule:?}");
        ask_for_what_is_absent(&cache, 5);
        at_rest(&cache.sync());
    }
}

crate::on_every_face_in_time!(g14_answers_shrink_with_the_capacity_and_before_values, g14_answers_grow_with_the_capacity);
