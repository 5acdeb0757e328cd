//! Loaders, closures and weighers that panic.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, CacheLoader, LoadError, LoadErrorKind, Loaded, async_trait};
use futures::executor::block_on;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Whatever panics, its panic is this.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a drop blew up");
    }
}

fn message(error: LoadError) -> String {
    match error {
        LoadError::Panicked { message, .. } => message.to_string(),
        other => panic!("not a panic: {other:?}"),
    }
}

/// In a later poll of an async loader, and in a blocking one.
fn g5_the_panic_of_a_loader_reaches_all_who_wait_with_its_message<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let answer = |number| if number == 0 { panic!("load {number} blew up") } else { Loaded::ok(number) };
        let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new(), style, answer));
        let callers: Vec<_> = (0..10).map(|_| apart(&cache, |cache| cache.fetch_with(&1))).collect();
        until("ten have asked", || cache.metrics().misses + cache.metrics().joined == 10);
        runway.open(0);
        for caller in callers {
            assert_eq!(message(caller.result().expect_err("it panics")), "load 0 blew up", "{style:?}");
        }
        assert_eq!((*cache.fetch_with(&1).expect("the next load brings it"), runway.begun()), (1, 2), "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_failed_by(LoadErrorKind::Panicked), metrics.loads_stored), (1, 1));
    }
}

fn g5_the_panic_of_a_closure_reaches_all_who_wait_with_its_message<F: Kind>() {
    let cache = F::Of::<u32, usize>::build(CacheBuilder::new());
    let runway = Runway::new(1);
    let closure = runway.clone();
    let leader = apart(&cache, |cache| cache.fetch_or_load(&1, move || panic!("closure {} blew up", closure.load())));
    runway.until_begun(0);
    let joiner = apart(&cache, |cache| cache.fetch_with(&1));
    until("it has joined", || cache.metrics().joined == 1);
    runway.open(0);
    for caller in [leader, joiner] {
        assert_eq!(message(caller.result().expect_err("it panics")), "closure 0 blew up");
    }
    assert_eq!(*cache.fetch_or_load(&1, || Loaded::ok(5)).expect("the next one brings it"), 5);
    at_rest(&cache.sync());
}

/// What a panic carries is a user's value too: no text, and a `Drop` that panics once more.
fn g5_a_panic_that_carries_no_text_still_ends_the_load<F: Kind>() {
    for style in BOTH {
        let answer = |number| if number == 0 { panic_any(Bomb) } else { Loaded::ok(number) };
        let cache = F::Of::<u32, usize>::build(Runway::new(0).loader(CacheBuilder::new(), style, answer));
        assert_eq!(cache.fetch_with(&1).expect_err("it panics").kind(), LoadErrorKind::Panicked, "{style:?}");
        assert_eq!(*cache.fetch_with(&1).expect("the next load brings it"), 1, "{style:?}");
        at_rest(&cache.sync());
    }
}

/// The weigher runs for a load: its panic is the load's failure, not a lost flight.
fn g5_the_panic_of_a_weigher_fails_the_load_that_it_weighs<F: Kind>() {
    for style in BOTH {
        let weigher = |_: &u32, &value: &usize| if value == 0 { panic!("the weigher blew up") } else { 1 };
        let cache = F::Of::<u32, usize>::build(Runway::new(0).numbers(CacheBuilder::new().capacity(10).weigher(weigher), style));
        assert_eq!(message(cache.fetch_with(&1).expect_err("it panics")), "the weigher blew up", "{style:?}");
        assert_eq!(*cache.fetch_with(&1).expect("the next load brings it"), 1, "{style:?}");
        assert_eq!(at_rest(&cache.sync()).weight, 1);
    }
}

on_every_face_in_time!(
    g5_the_panic_of_a_loader_reaches_all_who_wait_with_its_message,
    g5_the_panic_of_a_closure_reaches_all_who_wait_with_its_message,
    g5_a_panic_that_carries_no_text_still_ends_the_load,
    g5_the_panic_of_a_weigher_fails_the_load_that_it_weighs,
);

/// Panics before it awaits anything.
struct AtOnce;

#[async_trait]
impl CacheLoader<u32, u32> for AtOnce {
    type Error = BoxError;
    async fn load(&self, key: &u32) -> Result<Loaded<u32>, BoxError> {
        assert!(*key != 0, "key 0 blew up");
        Loaded::ok(*key)
    }
}

#[test]
fn g5_the_panic_of_an_async_loader_before_its_first_await_arrives_with_its_message() {
    in_time(|| {
        let by_trait = CacheBuilder::new().loader(AtOnce);
        // Not in the future that it makes, but in the call that should make it.
        let by_closure = CacheBuilder::new().async_loader_fn(|key: u32| {
            assert!(key != 0, "key 0 blew up");
            async move { Loaded::ok(key) }
        });
        for builder in [by_trait, by_closure] {
            let cache: AsyncCache<u32, u32> = builder.build_async().expect("the settings make sense");
            assert_eq!(message(block_on(cache.fetch_with(&0)).expect_err("it panics")), "key 0 blew up");
            assert_eq!(message(cache.to_sync().fetch_with(&0).expect_err("it panics")), "key 0 blew up");
            assert_eq!(*block_on(cache.fetch_with(&1)).expect("the loader brings it"), 1);
            at_rest(&cache.to_sync());
        }
    });
}

/// The closure of a task runs in the call; its panic doesn't come out of the call but out of the future.
#[test]
fn g5_the_panic_of_a_closure_that_should_make_a_future_is_the_loads() {
    in_time(|| {
        let cache: AsyncCache<u32, u32> = AsyncCache::builder().build_async().expect("the settings make sense");
        let no_future = || -> std::future::Ready<Result<u32, BoxError>> { panic!("no future came of it") };
        let fetch = cache.fetch_or_load(&1, no_future);
        assert_eq!(message(block_on(fetch).expect_err("it panics")), "no future came of it");
        assert_eq!(*block_on(cache.fetch_or_load(&1, || async { bellwether::ok(5) })).expect("the next one brings it"), 5);
        at_rest(&cache.to_sync());
    });
}

/// Answers, and panics when it is dropped.
struct DropsBadly(Bomb);

impl Future for DropsBadly {
    type Output = Result<u32, BoxError>;
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(7))
    }
}

#[test]
fn g5_a_load_whose_future_panics_when_it_is_dropped_ends_all_the_same() {
    in_time(|| {
        let cache: AsyncCache<u32, u32> = AsyncCache::builder().build_async().expect("the settings make sense");
        let gate = Gate::new();
        let held = gate.clone();
        let fetch = cache.fetch_or_load(&1, || async move {
            held.pass().await;
            DropsBadly(Bomb).await
        });
        let joined = cache.fetch_with(&1);
        gate.open();
        // Whether the value counts that came before the panic is not promised; that both hear the same is.
        let (led, joined) = (block_on(fetch).map_err(message), block_on(joined).map_err(message));
        assert_eq!(led, joined);
        if let Err(message) = led {
            assert_eq!(message, "a drop blew up");
        }
        assert_eq!(*block_on(cache.fetch_or_load(&2, || async { bellwether::ok(5) })).expect("the cache works"), 5);
        at_rest(&cache.to_sync());
    });
}

/// The panic is that of whoever holds the error last, and nobody else's.
#[test]
fn g5_an_error_that_panics_when_it_is_dropped_still_reaches_who_waits() {
    #[derive(Debug)]
    struct Sore;
    impl std::fmt::Display for Sore {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("sore")
        }
    }
    impl std::error::Error for Sore {}
    impl Drop for Sore {
        fn drop(&mut self) {
            panic!("an error blew up");
        }
    }
    in_time(|| {
        let cache: Cache<u32, u32> = Cache::builder().loader_fn(|_: &u32| Err::<u32, _>(Sore)).build().expect("the settings make sense");
        let error = cache.fetch_with(&1).expect_err("it fails");
        assert!(error.downcast_ref::<Sore>().is_some());
        assert!(catch_unwind(AssertUnwindSafe(move || drop(error))).is_err(), "the test held the last one");
        // Of this one it isn't known who is the last: the caller that leaves, or the load's own thread.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(cache.to_async().fetch_with(&1))));
        assert_eq!(*cache.fetch_or_load(&2, || bellwether::ok(5)).expect("the cache works"), 5);
        assert_eq!(at_rest(&cache).loads_failed(), 2);
    });
}
