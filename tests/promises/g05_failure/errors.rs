//! A loader that returns an error.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g05_failure::{Refused, the_same_refusal};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, LoadError, LoadErrorKind, Loaded};
use futures::executor::block_on;
use std::error::Error;

/// Load 0 is refused, all others bring their number.
fn first_is_refused(number: usize) -> Result<Loaded<usize>, BoxError> {
    if number == 0 { Err(Refused(number).into()) } else { Loaded::ok(number) }
}

fn g5_ten_callers_of_a_failing_load_get_its_one_error_and_the_next_call_loads_again<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new(), style, first_is_refused));
        let callers: Vec<_> = (0..10).map(|_| apart(&cache, |cache| cache.fetch_with(&1))).collect();
        until("ten have asked", || cache.metrics().misses + cache.metrics().joined == 10);
        runway.open(0);
        let errors: Vec<LoadError> = callers.into_iter().map(|caller| caller.result().expect_err("it is refused")).collect();
        assert!(errors.iter().all(|error| error.kind() == LoadErrorKind::Failed));
        assert_eq!((the_same_refusal(&errors), runway.begun()), (0, 1), "{style:?}: one load for ten callers");
        assert!(!cache.contains_key(&1));
        assert_eq!((*cache.fetch_with(&1).expect("the next load brings it"), runway.begun()), (1, 2), "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_failed_by(LoadErrorKind::Failed), metrics.loads_failed(), metrics.loads_stored), (1, 1, 1));
    }
}

fn g5_the_error_of_a_closure_is_shared_as_a_loaders_is<F: Kind>() {
    let (unused, own) = (Runway::new(0), Runway::new(1));
    let cache = F::Of::<u32, usize>::build(unused.numbers(CacheBuilder::new(), Style::Async));
    let closure = own.clone();
    let leader = apart(&cache, |cache| cache.fetch_or_load(&1, move || first_is_refused(closure.load())));
    own.until_begun(0);
    let joiners = (0..3).map(|_| apart(&cache, |cache| cache.fetch_with(&1)));
    let callers: Vec<_> = joiners.chain([leader]).collect();
    until("three have joined", || cache.metrics().joined == 3);
    own.open(0);
    let errors: Vec<_> = callers.into_iter().map(|caller| caller.result().expect_err("it is refused")).collect();
    assert_eq!((the_same_refusal(&errors), unused.begun()), (0, 0));
    at_rest(&cache.sync());
}

fn g5_a_refresh_that_fails_gives_its_error_and_leaves_the_value<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(0);
        let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new(), style, first_is_refused));
        cache.insert(1, 50);
        let error = cache.refresh(&1).expect_err("it is refused");
        assert_eq!(the_same_refusal(&[error]), 0);
        assert_eq!(*cache.fetch_with(&1).expect("it is held"), 50, "{style:?}");
        assert_eq!(*cache.refresh(&1).expect("the next load brings it"), 1, "{style:?}");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g5_ten_callers_of_a_failing_load_get_its_one_error_and_the_next_call_loads_again,
    g5_the_error_of_a_closure_is_shared_as_a_loaders_is,
    g5_a_refresh_that_fails_gives_its_error_and_leaves_the_value,
);

#[test]
fn g5_threads_and_tasks_share_the_error_of_a_flight() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let builder = runway.loader::<u32, usize>(AsyncCache::builder(), style, first_is_refused);
            let cache = builder.build_async().expect("the settings make sense");
            let (leader, task) = (cache.fetch_with(&1), cache.fetch_with(&1));
            let thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
            until("the thread joins", || cache.metrics().joined == 2);
            runway.open(0);
            let errors = [block_on(leader), block_on(task), thread.result()].map(|result| result.expect_err("it is refused"));
            assert_eq!((the_same_refusal(&errors), runway.begun()), (0, 1), "{style:?}");
            at_rest(&cache.to_sync());
        }
    });
}

#[test]
fn g5_an_error_keeps_its_whole_chain_of_sources() {
    #[derive(Debug)]
    struct Wrapped(Refused);
    impl std::fmt::Display for Wrapped {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("no answer")
        }
    }
    impl Error for Wrapped {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
    in_time(|| {
        let cache = Cache::<u32, u32>::builder().loader_fn(|_: &u32| Err::<u32, _>(Wrapped(Refused(7)))).build().expect("it makes sense");
        let error = cache.fetch_with(&1).expect_err("it fails");
        assert_eq!(error.to_string(), "load failed: no answer");
        assert!(error.source().is_some_and(|source| source.is::<Wrapped>()), "the first source is what the loader returned");
        assert_eq!(error.downcast_ref::<Refused>().map(|refused| refused.0), Some(7), "and those behind it are found");
        assert!(error.downcast_ref::<std::io::Error>().is_none());
        at_rest(&cache);
    });
}

/// A cache in front of another: what goes wrong behind arrives as what it is, not wrapped once more.
#[test]
fn g5_the_load_error_of_another_cache_passes_through() {
    fn behind(key: u32) -> Result<Loaded<u32>, BoxError> {
        match key {
            0 => Ok(Loaded::absent()),
            1 => panic!("a panic behind"),
            2 => Err(Refused(2).into()),
            _ => Loaded::ok(key),
        }
    }
    in_time(|| {
        let back = Cache::<u32, u32>::builder().loader_fn(|&key: &u32| behind(key)).build().expect("the settings make sense");
        let (blocking, awaiting) = (back.clone(), back.to_async());
        let by_threads = Cache::<u32, u32>::builder().loader_fn(move |key: &u32| blocking.fetch_with(key));
        let by_tasks = Cache::<u32, u32>::builder().async_loader_fn(move |key: u32| {
            let back = awaiting.clone();
            async move { back.fetch_with(&key).await }
        });
        for builder in [by_threads, by_tasks] {
            let front = builder.build().expect("the settings make sense");
            assert_eq!(*front.fetch_with(&3).expect("it is there"), 3);
            assert!(front.fetch_with(&0).expect_err("there is no such key").is_absent());
            assert_eq!(front.fetch_optional(&0).expect("absence is an answer"), None);
            let LoadError::Panicked { message, .. } = front.fetch_with(&1).expect_err("it panics") else { panic!("another error") };
            assert_eq!(&*message, "a panic behind");
            let error = front.fetch_with(&2).expect_err("it is refused");
            assert_eq!((error.to_string().as_str(), the_same_refusal(&[error])), ("load failed: load 2 was refused", 2));
            let metrics = at_rest(&front);
            assert_eq!((metrics.loads_absent, metrics.loads_failed(), metrics.loads_stored), (2, 2, 1));
        }
        at_rest(&back);
    });
}
