//! A load that a write overtook and that fails: those who waited look again once before they get its error.

use crate::apart::{Apart, apart};
use crate::faces::{Face, Kind};
use crate::g05_failure::{Refused, the_same_refusal};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, LoadError, Loaded};
use futures::executor::block_on;
use std::sync::Arc;

type Result<T> = std::result::Result<T, LoadError>;

/// Loads 0 to `last` are refused, all others bring their number.
fn refused_to(last: usize) -> impl Fn(usize) -> std::result::Result<Loaded<usize>, BoxError> + Clone {
    move |number| if number <= last { Err(Refused(number).into()) } else { Loaded::ok(number) }
}

/// Ten callers of load 0, which is held.
fn ten_callers<C: Face<u32, usize>>(cache: &C, runway: &Runway) -> Vec<Apart<Result<Arc<usize>>>> {
    let callers = (0..10).map(|_| apart(cache, |cache| cache.fetch_with(&1))).collect();
    until("ten have asked", || cache.metrics().misses + cache.metrics().joined == 10);
    runway.until_begun(0);
    callers
}

fn g5_callers_of_an_overtaken_load_that_fails_get_the_value_that_has_come_since<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new(), style, refused_to(0)));
        let callers = ten_callers(&cache, &runway);
        cache.invalidate(&1);
        assert_eq!(*cache.fetch_with(&1).expect("the second load brings it"), 1);
        runway.open(0);
        for caller in callers {
            assert_eq!(*caller.result().expect("there is a value now"), 1, "{style:?}");
        }
        assert_eq!(runway.begun(), 2, "{style:?}: nobody loads what is held");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_failed(), metrics.loads_stored), (1, 1));
        assert_eq!((metrics.hits, metrics.misses, metrics.joined), (0, 2, 9), "a second look isn't counted");
    }
}

fn g5_callers_of_an_overtaken_load_that_fails_share_one_more_load_if_nothing_has_come<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new(), style, refused_to(0)));
        let callers = ten_callers(&cache, &runway);
        cache.clear();
        runway.open(0);
        for caller in callers {
            assert_eq!(*caller.result().expect("the second load brings it"), 1, "{style:?}");
        }
        assert_eq!((runway.begun(), at_rest(&cache.sync()).loads_started), (2, 2), "{style:?}: one more load for all of them");
    }
}

fn g5_callers_of_an_overtaken_load_look_again_only_once<F: Kind>() {
    for style in BOTH {
        for overtaken_again in [false, true] {
            let runway = Runway::new(2);
            let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new(), style, refused_to(1)));
            let callers = [apart(&cache, |cache| cache.fetch_with(&1))];
            runway.until_begun(0);
            cache.invalidate(&1);
            runway.open(0);
            runway.until_begun(1);
            if overtaken_again {
                cache.invalidate(&1);
            }
            runway.open(1);
            let errors = callers.map(|caller| caller.result().expect_err("both loads are refused"));
            assert_eq!((the_same_refusal(&errors), runway.begun()), (1, 2), "{style:?}, overtaken again: {overtaken_again}");
            assert_eq!(*cache.fetch_with(&1).expect("the third load brings it"), 2, "{style:?}");
            at_rest(&cache.sync());
        }
    }
}

/// A closure is good for one load: its caller looks again, finds nothing, and gets the closure's own error.
fn g5_the_caller_of_an_overtaken_closure_that_fails_gets_what_has_come_or_its_error<F: Kind>() {
    for something_came in [false, true] {
        let (runway, own) = (Runway::new(0), Runway::new(1));
        let cache = F::Of::<u32, usize>::build(runway.numbers(CacheBuilder::new(), Style::Async));
        let closure = own.clone();
        let caller = apart(&cache, |cache| cache.fetch_or_load(&1, move || Err(Refused(closure.load()).into())));
        own.until_begun(0);
        cache.invalidate(&1);
        if something_came {
            cache.insert(1, 50);
        }
        own.open(0);
        match caller.result() {
            Ok(value) => assert_eq!((*value, something_came), (50, true)),
            Err(error) => assert_eq!((the_same_refusal(&[error]), something_came), (0, false)),
        }
        assert_eq!((runway.begun(), own.begun()), (0, 1));
        at_rest(&cache.sync());
    }
}

/// The failure of a load that no write overtook is final, also where a value has come and gone since.
fn g5_callers_of_a_load_that_fails_in_its_own_right_do_not_look_again<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new().shards(1), style, refused_to(0)));
        let callers = ten_callers(&cache, &runway);
        cache.insert(2, 20);
        cache.invalidate(&2);
        runway.open(0);
        let errors: Vec<_> = callers.into_iter().map(|caller| caller.result().expect_err("it is refused")).collect();
        assert_eq!((the_same_refusal(&errors), runway.begun()), (0, 1), "{style:?}: a write to another key overtakes nothing");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g5_callers_of_an_overtaken_load_that_fails_get_the_value_that_has_come_since,
    g5_callers_of_an_overtaken_load_that_fails_share_one_more_load_if_nothing_has_come,
    g5_callers_of_an_overtaken_load_look_again_only_once,
    g5_the_caller_of_an_overtaken_closure_that_fails_gets_what_has_come_or_its_error,
    g5_callers_of_a_load_that_fails_in_its_own_right_do_not_look_again,
);

/// A thread that had joined still has its own closure, and may load by it when it looks again.
#[test]
fn g5_a_thread_that_joined_an_overtaken_load_that_fails_loads_by_its_own_closure() {
    in_time(|| {
        let runway = Runway::new(1);
        let builder = runway.loader::<u32, usize>(CacheBuilder::new(), Style::Async, refused_to(usize::MAX));
        let cache: Cache<u32, usize> = builder.build().expect("the settings make sense");
        let leader = cache.to_async();
        let overtaken = leader.fetch_with(&1);
        runway.until_begun(0);
        let joined = apart(&cache, |cache| cache.fetch_or_load(&1, || bellwether::ok(50)));
        until("the thread joins", || cache.metrics().joined == 1);
        cache.invalidate(&1);
        runway.open(0);
        assert_eq!(*joined.result().expect("its own closure brings it"), 50);
        assert_eq!(*block_on(overtaken).expect("it is there by now, or being loaded"), 50);
        at_rest(&cache);
    });
}

/// So may a task: its future keeps the closure.
#[test]
fn g5_a_task_that_joined_an_overtaken_load_that_fails_loads_by_its_own_closure() {
    in_time(|| {
        let runway = Runway::new(1);
        let builder = runway.loader::<u32, usize>(CacheBuilder::new(), Style::Blocking, refused_to(usize::MAX));
        let cache: AsyncCache<u32, usize> = builder.build_async().expect("the settings make sense");
        let leader = cache.fetch_with(&1);
        runway.until_begun(0);
        let joined = cache.fetch_or_load(&1, || async { bellwether::ok(50) });
        cache.invalidate(&1);
        runway.open(0);
        assert_eq!(*block_on(joined).expect("its own closure brings it"), 50);
        assert_eq!(*block_on(leader).expect("it is there by now"), 50);
        at_rest(&cache.to_sync());
    });
}
