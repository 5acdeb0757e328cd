//! G8: results that are not stored are delivered all the same.

use crate::faces::{Face, Kind};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, Loaded, RemovalCause};

fn builder() -> CacheBuilder<u32, u32> {
    CacheBuilder::new().loader_fn(|key: &u32| Ok::<_, BoxError>(key + 100))
}

fn g8_with_capacity_zero_a_load_is_delivered_and_nothing_is_stored<F: Kind>() {
    let cache = F::Of::build(builder().capacity(0));
    assert_eq!(*cache.fetch_with(&1).expect("the loader brings it"), 101);
    assert_eq!(*cache.fetch_with(&1).expect("the loader brings it"), 101);
    let metrics = cache.metrics();
    assert_eq!((cache.len(), metrics.loads_started, metrics.loads_refused), (0, 2, 2));
    at_rest(&cache.sync());
}

fn g8_a_value_heavier_than_the_capacity_is_delivered_and_disturbs_nothing_else<F: Kind>() {
    let cache = F::Of::build(builder().capacity(10).weigher(|_, &value| if value == 101 { 11 } else { 1 }));
    (2..12).for_each(|key| cache.insert(key, key));
    assert_eq!(*cache.fetch_with(&1).expect("the loader brings it"), 101);
    assert_eq!(cache.len(), 10, "the others are all there");
    assert_eq!(cache.metrics().removals(RemovalCause::Rejected), 1);
    at_rest(&cache.sync());
}

fn g8_an_uncached_answer_is_delivered_and_replaces_what_was_held<F: Kind>() {
    let cache = F::Of::build(CacheBuilder::<u32, u32>::new().loader_fn(|key: &u32| Loaded::ok(Loaded::value(*key).uncached())));
    cache.insert(1, 50);
    assert_eq!(*cache.refresh(&1).expect("the loader brings it"), 1);
    assert!(!cache.contains_key(&1));
    assert_eq!(cache.metrics().loads_uncached, 1);
    at_rest(&cache.sync());
}

crate::on_every_face!(
    g8_with_capacity_zero_a_load_is_delivered_and_nothing_is_stored,
    g8_a_value_heavier_than_the_capacity_is_delivered_and_disturbs_nothing_else,
    g8_an_uncached_answer_is_delivered_and_replaces_what_was_held,
);
