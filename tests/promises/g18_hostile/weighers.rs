//! Weighers that panic or tell the strangest weights.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, caught};
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{BoxError, CacheBuilder, LoadErrorKind, Loaded, RemovalCause};

type Of<F> = <F as Kind>::Of<u32, usize>;

const KEY: u32 = 1;
/// The weigher panics on values from here on.
const UNWEIGHABLE: usize = 1_000;

fn weighing() -> CacheBuilder<u32, usize> {
    CacheBuilder::new().capacity(10).weigher(|_, &value| {
        assert!(value < UNWEIGHABLE, "a weigher fails {ON_PURPOSE}");
        1
    })
}

fn g18_a_weigher_that_panics_in_an_insert_changes_nothing<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache: Of<F> = F::Of::build(runway.numbers(weighing(), style));
        cache.insert(KEY, 500);
        for key in [KEY, 2] {
            let text = caught(|| cache.insert(key, UNWEIGHABLE)).expect_err("the panic is the insert's");
            assert!(text.contains("a weigher fails"), "{text}");
        }
        assert_eq!(cache.peek(&KEY).as_deref(), Some(&500));
        assert_eq!((cache.len(), cache.weight()), (1, 1));
        // A load under way isn't overtaken by a write that came to nothing.
        let caller = apart(&cache, |cache| cache.fetch_with(&2));
        runway.until_begun(0);
        caught(|| cache.insert(2, UNWEIGHABLE)).expect_err("the panic is the insert's");
        runway.open(0);
        assert_eq!(*caller.result().expect("the loader brings it"), 0);
        assert_eq!(cache.peek(&2).as_deref(), Some(&0), "what was loaded is stored");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_superseded, metrics.removals(RemovalCause::Replaced)), (0, 0));
        cache.insert_with(3, Loaded::value(UNWEIGHABLE).weight(1));
        assert!(cache.contains_key(&3), "an entry that says its weight isn't weighed");
    }
}

fn g18_a_weigher_that_panics_on_what_was_loaded_fails_the_load<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let loader = runway.loader(weighing(), style, |number| Loaded::ok(if number == 0 { UNWEIGHABLE } else { number }));
        let cache: Of<F> = F::Of::build(loader);
        cache.insert(KEY, 500);
        let leader = apart(&cache, |cache| cache.refresh(&KEY));
        runway.until_begun(0);
        let joiners: Vec<_> = (0..3).map(|_| apart(&cache, |cache| cache.refresh(&KEY))).collect();
        until("all have joined", || cache.metrics().joined == 3);
        runway.open(0);
        for caller in [leader].into_iter().chain(joiners) {
            let error = caller.result().expect_err("the load fails");
            assert_eq!(error.kind(), LoadErrorKind::Panicked);
            assert!(error.to_string().contains("a weigher fails"), "{error}");
        }
        assert_eq!(cache.peek(&KEY).as_deref(), Some(&500), "what was held stays");
        assert_eq!(*cache.refresh(&KEY).expect("the next load brings it"), 1);
        at_rest(&cache.sync());
    }
}

/// At every capacity, each weight at its edges: what fits is held, what doesn't is delivered, and the books agree.
fn g18_weights_and_capacities_at_their_edges<F: Kind>() {
    for capacity in [0, 1, 2, 1_000, u64::MAX - 1, u64::MAX] {
        for weight in [0, 1, capacity.saturating_sub(1), capacity, capacity.saturating_add(1), u64::MAX] {
            for shards in [1, 3] {
                let load = move |key: &u32| Ok::<_, BoxError>(Loaded::value(*key as usize).weight(weight));
                let cache: Of<F> = F::Of::build(CacheBuilder::new().capacity(capacity).shards(shards).loader_fn(load));
                let fits = capacity > 0 && weight <= capacity;
                for key in 0..6 {
                    let value = key as usize;
                    cache.insert_with(key, Loaded::value(value).weight(weight));
                    assert_eq!(cache.peek(&key).is_some(), fits, "{weight} in {capacity}");
                    assert_eq!(*cache.fetch_with(&key).expect("held or delivered"), value);
                    assert_eq!(*cache.refresh(&key).expect("held or delivered"), value);
                    assert_eq!(cache.peek(&key).is_some(), fits, "{weight} in {capacity}");
                    assert!(cache.weight() <= capacity);
                }
                at_rest(&cache.sync());
                let each = capacity.checked_div(weight).unwrap_or(6).min(6);
                assert_eq!(cache.len(), if fits { each } else { 0 }, "{weight} in {capacity}");
                assert_eq!(cache.weight(), if fits { each * weight } else { 0 });
                (0..6).for_each(|key| drop(cache.remove(&key)));
                assert_eq!((cache.len(), cache.weight()), (0, 0));
                cache.validate();
            }
        }
    }
}

crate::on_every_face_in_time!(
    g18_a_weigher_that_panics_in_an_insert_changes_nothing,
    g18_a_weigher_that_panics_on_what_was_loaded_fails_the_load,
    g18_weights_and_capacities_at_their_edges,
);
