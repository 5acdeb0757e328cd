//! The forms of a listener: a closure, an `Arc` of one, of a trait object, a function, and one that several caches share.

use crate::faces::{self, Face, Kind};
use crate::on_every_face_in_time;
use bellwether::{CacheBuilder, RemovalCause, RemovalListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

type Of<F> = <F as Kind>::Of<u32, u32>;

static BY_FUNCTION: AtomicU32 = AtomicU32::new(0);

fn function(_key: &u32, _value: &Arc<u32>, cause: RemovalCause) {
    assert_eq!(cause, RemovalCause::Invalidated);
    BY_FUNCTION.fetch_add(1, Ordering::SeqCst);
}

#[derive(Default)]
struct Counter(AtomicU32);

impl RemovalListener<u32, u32> for Counter {
    fn on_removal(&self, _key: &u32, _value: &Arc<u32>, _cause: RemovalCause) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// One departure, which the last form that was given hears of.
fn hears<F: Kind>(what: &str, builder: CacheBuilder<u32, u32>, heard: impl Fn() -> u32) {
    let before = heard();
    let cache: Of<F> = F::Of::build(builder);
    cache.insert(1, 10);
    cache.invalidate(&1);
    assert_eq!(heard() - before, 1, "{what}");
}

fn g15_a_listener_comes_in_many_forms<F: Kind>() {
    let count: Arc<AtomicU32> = Arc::default();
    let heard = || count.load(Ordering::SeqCst);
    let closure = || {
        let count = Arc::clone(&count);
        move |_: &u32, _: &Arc<u32>, _: RemovalCause| {
            count.fetch_add(1, Ordering::SeqCst);
        }
    };
    let new = CacheBuilder::<u32, u32>::new;
    hears::<F>("a closure", new().on_removal(closure()), heard);
    hears::<F>("a closure as a listener", new().listener(closure()), heard);
    hears::<F>("a shared closure", new().listener(Arc::new(closure())), heard);
    let object: Arc<dyn RemovalListener<u32, u32>> = Arc::new(closure());
    hears::<F>("a trait object", new().listener(Arc::clone(&object)), heard);
    hears::<F>("the same for another cache", new().listener(object), heard);
    hears::<F>("the latest of two", new().on_removal(|_: &u32, _, _| panic!("it was replaced")).on_removal(closure()), heard);
    let counter = Arc::new(Counter::default());
    hears::<F>("a type", new().listener(Arc::clone(&counter)), || counter.0.load(Ordering::SeqCst));
}

#[test]
fn g15_a_function_is_a_listener() {
    hears::<faces::Blocking>("a function", CacheBuilder::new().on_removal(function), || BY_FUNCTION.load(Ordering::SeqCst));
}

/// Several caches tell one listener at a time.
fn g15_caches_may_share_a_listener<F: Kind>() {
    let counter = Arc::new(Counter::default());
    let caches: Vec<Of<F>> = (0..4).map(|_| F::Of::build(CacheBuilder::new().listener(Arc::clone(&counter)))).collect();
    crate::together::together(4, |n| (0..1_000).for_each(|value| caches[n].insert(1, value)));
    assert_eq!(counter.0.load(Ordering::SeqCst), 4 * 999);
}

on_every_face_in_time!(g15_a_listener_comes_in_many_forms, g15_caches_may_share_a_listener);
