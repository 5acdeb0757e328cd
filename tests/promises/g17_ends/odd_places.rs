//! The last handle dropped in odd places: in user code that a cache itself calls or lets go.

use crate::census::{Census, Counted, watched};
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, Loaded};
use futures::FutureExt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

/// A value that owns something else.
struct Owner<T> {
    _owned: T,
}

fn owner<T>(owned: T) -> Owner<T> {
    Owner { _owned: owned }
}

/// A cache that holds one value of `census`.
fn small<F: Kind>(census: &Census) -> F::Of<u32, Counted> {
    let cache: F::Of<u32, Counted> = F::Of::build(CacheBuilder::new());
    cache.insert(1, census.value());
    cache
}

fn g17_the_last_handle_may_go_in_the_drop_of_another_caches_value<F: Kind>() {
    type Way<F> = fn(&<F as Kind>::Of<u32, Owner<<F as Kind>::Of<u32, Counted>>>);
    let ways: [Way<F>; 4] = [
        |cache| assert!(cache.invalidate(&1)),
        |cache| drop(cache.remove(&1)),
        |cache| cache.clear(),
        |cache| cache.insert_with(1, Loaded::absent()),
    ];
    for way in ways {
        let census = Census::new();
        let outer = F::Of::build(CacheBuilder::new());
        outer.insert(1, owner(small::<F>(&census)));
        assert_eq!(census.alive(), 1);
        way(&outer);
        assert_eq!(census.alive(), 0);
    }
}

/// Each cache's only value owns the next cache.
fn g17_a_chain_of_caches_goes_with_its_first_handle<F: Kind>() {
    let census = Census::new();
    let mut link: Box<dyn Send + Sync> = Box::new(small::<F>(&census));
    for _ in 0..50 {
        let cache: F::Of<u32, Owner<Box<dyn Send + Sync>>> = F::Of::build(CacheBuilder::new());
        cache.insert(1, owner(link));
        link = Box::new(cache);
    }
    assert_eq!(census.alive(), 1);
    drop(link);
    assert_eq!(census.alive(), 0);
}

fn g17_the_last_handle_may_go_inside_the_closure_of_get<F: Kind>() {
    for style in BOTH {
        for under_way in [false, true] {
            let (census, runway) = (Census::new(), Runway::new(1));
            let values = census.clone();
            let (builder, memory) = watched(CacheBuilder::new());
            let cache: F::Of<u32, Counted> = F::Of::build(runway.loader(builder, style, move |_| Loaded::ok(values.value())));
            cache.insert(1, census.value());
            if under_way {
                drop(cache.sync().to_async().fetch_with(&2));
                runway.until_begun(0);
            }
            let other = small::<F>(&Census::new());
            assert_eq!(other.get(&1, move |_| drop(cache)), Some(()));
            if !under_way {
                assert!(census.alive() == 0 && memory.is_gone(), "nothing else holds the cache");
            }
            until("the values are gone", || census.alive() == 0);
            // A blocking load runs out and keeps the cache until then; an async one is dropped.
            if under_way && style == Style::Blocking {
                assert!(!memory.is_gone());
                runway.open(0);
            }
            until("the memory is given back", || memory.is_gone() && census.alive() == 0);
        }
    }
}

/// Panics when it goes, and is counted before.
struct Loud(Census);

impl Drop for Loud {
    fn drop(&mut self) {
        drop(self.0.value());
        panic!("this value goes with a bang {ON_PURPOSE}");
    }
}

fn g17_values_that_panic_on_their_way_out_hold_up_no_end<F: Kind>() {
    hush();
    for within in [false, true] {
        let census = Census::new();
        let (builder, memory) = watched(CacheBuilder::new());
        let cache: F::Of<u32, Loud> = F::Of::build(builder);
        (0..5).for_each(|key| cache.insert(key, Loud(census.clone())));
        if within {
            let other = small::<F>(&Census::new());
            assert_eq!(other.get(&1, move |_| drop(cache)), Some(()));
        } else {
            drop(cache);
        }
        assert!(census.threads().len() == 5 && memory.is_gone());
    }
}

/// A waker that owns a handle of another cache.
struct Holder(#[expect(dead_code, reason = "it is there to be dropped")] Mutex<Option<AsyncCache<u32, Counted>>>);

impl Wake for Holder {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn g17_the_last_handle_may_go_in_the_drop_of_a_waker() {
    in_time(|| {
        for style in BOTH {
            for lands in [false, true] {
                let (census, runway) = (Census::new(), Runway::new(1));
                let (builder, memory) = watched(CacheBuilder::new());
                let cache: AsyncCache<u32, Counted> = builder.build_async().expect("the settings make sense");
                cache.insert(1, census.value());
                let other: AsyncCache<u32, usize> =
                    runway.numbers(CacheBuilder::new(), style).build_async().expect("the settings make sense");
                let mut fetch = other.fetch_with(&1);
                let waker = Waker::from(Arc::new(Holder(Mutex::new(Some(cache)))));
                assert!(fetch.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
                drop(waker);
                assert_eq!(census.alive(), 1, "the flight keeps the waker");
                if lands {
                    runway.open(0);
                    until("the waker is woken and gone", || census.alive() == 0 && memory.is_gone());
                    assert!(futures::executor::block_on(fetch).is_ok());
                } else {
                    drop(fetch);
                    assert!(census.alive() == 0 && memory.is_gone());
                    runway.open(0);
                }
            }
        }
    });
}

/// The load fails with an error that owns the last handle.
fn g17_the_last_handle_may_go_with_an_error<F: Kind>() {
    let census = Census::new();
    let inner = small::<F>(&census).sync();
    let cache: F::Of<u32, u32> = F::Of::build(CacheBuilder::new());
    let error = cache.fetch_or_load(&1, move || Err::<Loaded<u32>, BoxError>(Box::new(Carrier(inner))));
    assert_eq!(census.alive(), 1);
    drop(error);
    until("the load has let go of the error", || census.alive() == 0);
}

struct Carrier(#[expect(dead_code, reason = "it is there to be dropped")] Cache<u32, Counted>);

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Carrier")
    }
}

impl std::fmt::Display for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("carries a cache away")
    }
}

impl std::error::Error for Carrier {}

on_every_face_in_time!(
    g17_the_last_handle_may_go_in_the_drop_of_another_caches_value,
    g17_a_chain_of_caches_goes_with_its_first_handle,
    g17_the_last_handle_may_go_inside_the_closure_of_get,
    g17_values_that_panic_on_their_way_out_hold_up_no_end,
    g17_the_last_handle_may_go_with_an_error,
);
