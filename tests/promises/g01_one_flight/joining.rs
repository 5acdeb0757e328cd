//! Who finds a flight under way joins it: from either face, by loader, closure or refresh.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, Fetched, LoadError, Loaded, Source};
use futures::FutureExt;
use std::sync::Arc;

fn brought(fetched: Result<Fetched<usize>, LoadError>) -> (usize, Source) {
    let fetched = fetched.expect("the load brings it");
    (*fetched.value, fetched.source)
}

fn g1_a_fetch_says_whether_it_loaded_joined_or_found_its_value<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = F::Of::<u32, usize>::build(runway.numbers(CacheBuilder::new(), style));
        let leader = apart(&cache, |cache| cache.fetch_detailed(&1));
        runway.until_begun(0);
        let joiners: Vec<_> = (0..3).map(|_| apart(&cache, |cache| cache.fetch_detailed(&1))).collect();
        until("three have joined", || cache.metrics().joined == 3);
        runway.open(0);
        assert_eq!(brought(leader.result()), (0, Source::Loaded), "{style:?}");
        for joiner in joiners {
            assert_eq!(brought(joiner.result()), (0, Source::Joined), "{style:?}");
        }
        assert_eq!(brought(cache.fetch_detailed(&1)), (0, Source::Hit), "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.misses, metrics.joined, metrics.hits, metrics.loads_started), (1, 3, 1, 1));
    }
}

fn g1_a_closure_is_not_called_while_a_flight_of_the_loader_is_under_way<F: Kind>() {
    let runway = Runway::new(1);
    let cache = F::Of::<u32, usize>::build(runway.numbers(CacheBuilder::new(), Style::Async));
    let leader = apart(&cache, |cache| cache.fetch_with(&1));
    runway.until_begun(0);
    let with_closure = apart(&cache, |cache| cache.fetch_or_load(&1, || panic!("the closure was called")));
    until("it has joined", || cache.metrics().joined == 1);
    runway.open(0);
    let (led, joined) = (leader.result(), with_closure.result());
    assert!(Arc::ptr_eq(&led.expect("the load brings it"), &joined.expect("the load brings it")));
    assert_eq!(*cache.fetch_or_load(&1, || panic!("the closure was called")).expect("it is held"), 0);
    at_rest(&cache.sync());
}

fn g1_the_loader_is_not_called_while_a_flight_of_a_closure_is_under_way<F: Kind>() {
    let (runway, own) = (Runway::new(0), Runway::new(1));
    let cache = F::Of::<u32, usize>::build(runway.numbers(CacheBuilder::new(), Style::Async));
    let closure = own.clone();
    let leader = apart(&cache, |cache| cache.fetch_or_load(&1, move || Loaded::ok(100 + closure.load())));
    own.until_begun(0);
    let joiner = apart(&cache, |cache| cache.fetch_with(&1));
    until("it has joined", || cache.metrics().joined == 1);
    own.open(0);
    let (led, joined) = (leader.result(), joiner.result());
    assert_eq!((*led.expect("the load brings it"), *joined.expect("the load brings it")), (100, 100));
    assert_eq!((runway.begun(), own.begun()), (0, 1));
    at_rest(&cache.sync());
}

fn g1_a_refresh_joins_a_fetch_that_is_under_way_and_a_fetch_joins_a_refresh<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(2);
        let cache = F::Of::<u32, usize>::build(runway.numbers(CacheBuilder::new(), style));
        let fetch = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        let refresh = apart(&cache, |cache| cache.refresh(&1));
        until("the refresh joins", || cache.metrics().joined == 1);
        runway.open(0);
        let (fetched, refreshed) = (fetch.result(), refresh.result());
        assert!(Arc::ptr_eq(&fetched.expect("the load brings it"), &refreshed.expect("the load brings it")));

        let refresh = apart(&cache, |cache| cache.refresh(&2));
        runway.until_begun(1);
        let fetch = apart(&cache, |cache| cache.fetch_with(&2));
        until("the fetch joins", || cache.metrics().joined == 2);
        runway.open(1);
        let (fetched, refreshed) = (fetch.result(), refresh.result());
        assert!(Arc::ptr_eq(&fetched.expect("the load brings it"), &refreshed.expect("the load brings it")));
        assert_eq!(runway.begun(), 2, "{style:?}");
        at_rest(&cache.sync());
    }
}

fn g1_refreshes_of_a_held_key_share_a_load_and_others_are_served_meanwhile<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = F::Of::<u32, usize>::build(runway.numbers(CacheBuilder::new(), style));
        cache.insert(1, 50);
        let first = apart(&cache, |cache| cache.refresh(&1));
        runway.until_begun(0);
        let second = apart(&cache, |cache| cache.refresh(&1));
        until("the second refresh joins", || cache.metrics().joined == 1);
        assert_eq!(brought(cache.fetch_detailed(&1)), (50, Source::Hit), "the held value is served until the new one is there");
        runway.open(0);
        for refresh in [first, second] {
            assert_eq!(*refresh.result().expect("the load brings it"), 0);
        }
        assert_eq!((brought(cache.fetch_detailed(&1)), runway.begun()), ((0, Source::Hit), 1), "{style:?}");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g1_a_fetch_says_whether_it_loaded_joined_or_found_its_value,
    g1_a_closure_is_not_called_while_a_flight_of_the_loader_is_under_way,
    g1_the_loader_is_not_called_while_a_flight_of_a_closure_is_under_way,
    g1_a_refresh_joins_a_fetch_that_is_under_way_and_a_fetch_joins_a_refresh,
    g1_refreshes_of_a_held_key_share_a_load_and_others_are_served_meanwhile,
);

#[test]
fn g1_a_task_joins_the_flight_of_a_thread() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let cache: Cache<u32, usize> = runway.numbers(Cache::builder(), style).build().expect("the settings make sense");
            let leader = apart(&cache, |cache| cache.fetch_detailed(&1));
            runway.until_begun(0);
            let tasks = cache.to_async();
            let mut joiner = tasks.fetch_detailed(&1);
            assert!((&mut joiner).now_or_never().is_none(), "the load is held");
            runway.open(0);
            assert_eq!(brought(futures::executor::block_on(joiner)), (0, Source::Joined), "{style:?}");
            assert_eq!(brought(leader.result()), (0, Source::Loaded), "{style:?}");
            assert_eq!((runway.begun(), at_rest(&cache).loads_started), (1, 1));
        }
    });
}

#[test]
fn g1_a_thread_joins_the_flight_of_a_task() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let cache = runway.numbers::<u32>(AsyncCache::builder(), style).build_async().expect("the settings make sense");
            let leader = cache.fetch_detailed(&1);
            runway.until_begun(0);
            let joiner = apart(&cache.to_sync(), |cache| cache.fetch_detailed(&1));
            until("the thread joins", || cache.metrics().joined == 1);
            runway.open(0);
            assert_eq!(brought(joiner.result()), (0, Source::Joined), "{style:?}");
            assert_eq!(brought(futures::executor::block_on(leader)), (0, Source::Loaded), "{style:?}");
            assert_eq!((runway.begun(), at_rest(&cache.to_sync()).loads_started), (1, 1));
        }
    });
}

/// What a task asks for is looked up in the call: two futures of one task, neither polled yet, share a load.
#[test]
fn g1_fetches_that_were_never_polled_share_a_flight() {
    in_time(|| {
        let runway = Runway::new(0);
        let cache = runway.numbers::<u32>(AsyncCache::builder(), Style::Async).build_async().expect("the settings make sense");
        let fetches: Vec<_> = (0..100).map(|_| cache.fetch_or_load(&1, || runway_load(runway.clone()))).collect();
        let values = futures::executor::block_on(futures::future::join_all(fetches));
        assert!(values.into_iter().all(|value| *value.expect("the load brings it") == 0));
        assert_eq!(runway.begun(), 1);
        at_rest(&cache.to_sync());
    });
}

async fn runway_load(runway: Runway) -> Result<usize, BoxError> {
    Ok(runway.load_async().await)
}
