//! A runtime that ends takes only its own loads with it.

use crate::apart::apart;
use crate::g19_runtimes::{many, one};
use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::{Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, CacheBuilder, LoadErrorKind};
use futures::FutureExt;
use futures::executor::block_on;

fn cache(runway: &Runway) -> AsyncCache<u32, usize> {
    runway.numbers(CacheBuilder::new(), Style::Async).build_async().expect("the settings make sense")
}

#[test]
fn g19_a_runtime_that_ends_takes_its_own_loads_and_no_others() {
    in_time(|| {
        let (ending, staying) = (many("ending"), many("staying"));
        let runway = Runway::new(2);
        let cache = cache(&runway);
        let (first, second) = (cache.clone(), cache.clone());
        drop(ending.spawn(async move { first.fetch_with(&1).await }));
        runway.until_begun(0);
        let stays = staying.spawn(async move { second.fetch_with(&2).await });
        runway.until_begun(1);
        let waits = [1, 2].map(|key| apart(&cache.to_sync(), move |cache| cache.fetch_with(&key)));
        until("both have joined", || cache.metrics().joined == 2);
        ending.shutdown_background();
        let [lost, kept] = waits;
        assert_eq!(lost.result().map_err(|error| error.kind()), Err(LoadErrorKind::Cancelled));
        runway.open(1);
        assert_eq!(*kept.result().expect("its load goes on"), 1);
        assert_eq!(*block_on(stays).expect("the task doesn't panic").expect("its load goes on"), 1);
        let again = staying.block_on(async { cache.fetch_with(&1).await });
        assert_eq!(*again.expect("the next runtime loads it"), 2);
        at_rest(&cache.to_sync());
    });
}

/// The test's runtime is dropped with a load in the middle, and the next test has its own.
#[test]
fn g19_a_current_thread_runtime_that_ends_frees_those_who_wait_elsewhere() {
    in_time(|| {
        let runway = Runway::new(1);
        let cache = cache(&runway);
        let ending = one();
        ending.block_on(async {
            let mut fetch = cache.fetch_with(&1);
            assert!((&mut fetch).now_or_never().is_none());
            tokio::task::yield_now().await;
        });
        runway.until_begun(0);
        let thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
        let fetch = cache.fetch_with(&1);
        until("both have joined", || cache.metrics().joined == 2);
        drop(ending);
        assert_eq!(thread.result().map_err(|error| error.kind()), Err(LoadErrorKind::Cancelled));
        assert_eq!(block_on(fetch).map_err(|error| error.kind()), Err(LoadErrorKind::Cancelled));
        assert_eq!(*one().block_on(async { cache.fetch_with(&1).await }).expect("the next runtime loads it"), 1);
        at_rest(&cache.to_sync());
    });
}

/// A load of a runtime that ends before the load was first polled.
#[test]
fn g19_a_load_that_its_runtime_never_came_to_ends_with_it() {
    in_time(|| {
        let runway = Runway::new(0);
        let cache = cache(&runway);
        let ending = one();
        let fetch = {
            let _inside = ending.enter();
            cache.fetch_with(&1)
        };
        drop(ending);
        assert_eq!(block_on(fetch).map_err(|error| error.kind()), Err(LoadErrorKind::Cancelled));
        assert_eq!(runway.begun(), 0);
        assert_eq!(*block_on(cache.fetch_with(&1)).expect("the crate's own threads load it"), 0);
        at_rest(&cache.to_sync());
    });
}

/// Loads that wait for a permit or for their turn begin wherever they were asked for; where that has gone, they fail and make room.
#[test]
fn g19_loads_that_wait_for_a_permit_survive_the_end_of_the_runtime_that_has_it() {
    in_time(|| {
        let (ending, staying) = (many("ending"), many("staying"));
        let runway = Runway::new(1);
        let builder = runway.numbers::<u32>(CacheBuilder::new().max_concurrent_loads(1), Style::Async);
        let cache = builder.build_async().expect("the settings make sense");
        let fetch = |key: u32| {
            let cache = cache.clone();
            async move { cache.fetch_with(&key).await }
        };
        drop(ending.spawn(fetch(1)));
        runway.until_begun(0);
        let of_ending = ending.spawn(fetch(2));
        until("it waits for a permit", || cache.metrics().queued == 1);
        let of_staying = staying.spawn(fetch(3));
        until("it waits for a permit", || cache.metrics().queued == 2);
        let lost = apart(&cache.to_sync(), |cache| cache.fetch_with(&2));
        until("it has joined", || cache.metrics().joined == 1);
        ending.shutdown_background();
        assert_eq!(*block_on(of_staying).expect("the task doesn't panic").expect("its turn comes"), 1);
        assert_eq!(lost.result().map_err(|error| error.kind()), Err(LoadErrorKind::Cancelled));
        drop(of_ending);
        assert_eq!(at_rest(&cache.to_sync()).permits_peak, 1);
    });
}

/// Waiters go with their runtime; the load of another stays.
#[test]
fn g19_a_runtime_that_ends_takes_its_waiters_and_leaves_the_load() {
    in_time(|| {
        let (ending, staying) = (many("ending"), many("staying"));
        let runway = Runway::new(1);
        let cache = cache(&runway);
        let fetch = || {
            let cache = cache.clone();
            async move { cache.fetch_with(&1).await }
        };
        let leader = staying.spawn(fetch());
        runway.until_begun(0);
        let waiters: Vec<_> = (0..10).map(|_| ending.spawn(fetch())).collect();
        until("all have joined", || cache.metrics().waiters == 11);
        ending.shutdown_background();
        until("all have left", || cache.metrics().waiters == 1);
        assert!(waiters.into_iter().all(|waiter| block_on(waiter).is_err_and(|error| error.is_cancelled())));
        runway.open(0);
        assert_eq!(*block_on(leader).expect("the task doesn't panic").expect("the load brings it"), 0);
        at_rest(&cache.to_sync());
    });
}
