//! A closed cache loads no more, works as ever otherwise, and is waited for.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{Cache, CacheBuilder, Entry, LoadError, LoadErrorKind, Loaded};
use futures::FutureExt;
use futures::executor::block_on;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, usize>;

/// Who closes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By {
    Thread,
    Task,
}

pub(crate) const EITHER: [By; 2] = [By::Thread, By::Task];

impl By {
    pub(crate) fn close(self, cache: &Cache<u32, usize>) -> bool {
        match self {
            Self::Thread => cache.close(),
            Self::Task => block_on(cache.to_async().close()),
        }
    }

    pub(crate) fn close_within(self, cache: &Cache<u32, usize>, limit: Duration) -> bool {
        match self {
            Self::Thread => cache.close_within(limit),
            Self::Task => block_on(cache.to_async().close_within(limit)),
        }
    }
}

fn kind(result: Result<Arc<usize>, LoadError>) -> Result<usize, LoadErrorKind> {
    result.map(|value| *value).map_err(|error| error.kind())
}

/// Waits until the cache refuses loads: a key that nobody has is asked for.
pub(crate) fn until_closed(cache: &Cache<u32, usize>) {
    until("the cache refuses loads", || {
        let refused = cache.fetch_or_load(&u32::MAX, || Loaded::ok(0));
        cache.invalidate(&u32::MAX);
        kind(refused) == Err(LoadErrorKind::Closed)
    });
}

fn g17_a_closed_cache_begins_no_load_and_works_otherwise<F: Kind>() {
    for (style, by) in BOTH.into_iter().zip(EITHER) {
        let runway = Runway::new(0);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        cache.insert(1, 100);
        assert!(by.close(&cache.sync()), "nothing was under way");

        let called = Arc::new(AtomicBool::new(false));
        let call = Arc::clone(&called);
        let by_closure = cache.fetch_or_load(&2, move || {
            call.store(true, Ordering::Relaxed);
            Loaded::ok(0)
        });
        let refused = [cache.fetch_with(&2), cache.refresh(&2), cache.refresh(&1), by_closure];
        assert_eq!(refused.map(kind), [const { Err(LoadErrorKind::Closed) }; 4]);
        assert_eq!(cache.fetch_optional(&2).map_err(|error| error.kind()), Err(LoadErrorKind::Closed));
        assert_eq!(cache.fetch_detailed(&2).map(drop).map_err(|error| error.kind()), Err(LoadErrorKind::Closed));
        assert!(!called.load(Ordering::Relaxed) && runway.begun() == 0);

        assert_eq!(kind(cache.fetch_with(&1)), Ok(100), "what is held is served, after a refresh that was refused, too");
        cache.insert(3, 300);
        assert_eq!((cache.fetch(&3).as_deref(), kind(cache.fetch_with(&3))), (Some(&300), Ok(300)));
        assert_eq!(*cache.sync().entry(4).or_insert(400), 400);
        assert_eq!(*cache.sync().entry(4).or_insert_with(|| 0), 400);
        assert!(cache.invalidate(&3) && cache.remove(&1).is_some());
        drop(cache.sync().entry(5));
        assert_eq!(kind(cache.fetch_with(&5)), Err(LoadErrorKind::Closed));
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_started, metrics.entries), (0, 1), "{metrics:?}");
    }
}

fn g17_closing_waits_for_loads_and_they_are_delivered_and_stored<F: Kind>() {
    for style in BOTH {
        for by in EITHER {
            let runway = Runway::new(2);
            let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
            let callers: Vec<_> = (0..2)
                .map(|key| {
                    let leader = apart(&cache, move |cache| cache.fetch_with(&key));
                    runway.until_begun(key as usize);
                    leader
                })
                .collect();
            let joiners = (apart(&cache, |cache| cache.fetch_with(&0)), apart(&cache, |cache| cache.refresh(&1)));
            until("both have joined", || cache.metrics().joined == 2);
            let close = apart(&cache.sync(), move |cache| by.close_within(&cache, Duration::MAX));
            until_closed(&cache.sync());
            runway.open(1);
            until("the second load is stored", || cache.contains_key(&1));
            // A load that is under way can be joined by others, too.
            let late = apart(&cache, |cache| cache.fetch_with(&0));
            until("it has joined", || cache.metrics().joined == 3);
            assert!(!close.is_over(), "a load is under way");
            runway.open(0);
            assert!(close.result());
            for (key, caller) in callers.into_iter().enumerate() {
                assert_eq!(kind(caller.result()), Ok(key));
            }
            assert_eq!([joiners.0, joiners.1, late].map(|joiner| kind(joiner.result())), [Ok(0), Ok(1), Ok(0)]);
            assert_eq!((cache.fetch(&0).as_deref(), cache.fetch(&1).as_deref()), (Some(&0), Some(&1)));
            at_rest(&cache.sync());
        }
    }
}

/// They were asked for before: the cache has a duty to them.
fn g17_loads_that_wait_for_their_turn_are_waited_for_too<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new().max_concurrent_loads(1), style));
        let first = apart(&cache, |cache| cache.fetch_with(&0));
        runway.until_begun(0);
        let others: Vec<_> = (1..4).map(|key| apart(&cache, move |cache| cache.fetch_with(&key))).collect();
        // Their lookups are counted once it is settled that they may load.
        until("all wait for a permit", || cache.metrics().misses == 4);
        assert_eq!(cache.metrics().queued, 3);
        let tasks = cache.sync().to_async();
        let mut close = Box::pin(tasks.close());
        assert!((&mut close).now_or_never().is_none(), "loads are under way");
        let by_thread = apart(&cache.sync(), |cache| cache.close());
        assert_eq!(kind(cache.fetch_with(&9)), Err(LoadErrorKind::Closed));
        runway.open(0);
        assert!(block_on(close) && by_thread.result());
        assert_eq!(kind(first.result()), Ok(0));
        let mut rest: Vec<_> = others.into_iter().map(|other| kind(other.result()).expect("its load is waited for")).collect();
        rest.sort_unstable();
        assert_eq!(rest, [1, 2, 3]);
        at_rest(&cache.sync());
    }
}

fn g17_a_cache_may_be_closed_twice_and_by_many_at_once<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        let leader = apart(&cache, |cache| cache.fetch_with(&1));
        runway.until_begun(0);
        let closers: Vec<_> =
            (0..8).map(|n| apart(&cache.sync(), move |cache| EITHER[n % 2].close_within(&cache, Duration::MAX))).collect();
        until_closed(&cache.sync());
        runway.open(0);
        assert!(closers.into_iter().all(crate::apart::Apart::result));
        assert_eq!(kind(leader.result()), Ok(0));
        assert!(EITHER.into_iter().all(|by| by.close(&cache.sync()) && by.close_within(&cache.sync(), Duration::ZERO)));
        assert_eq!(kind(cache.fetch_with(&2)), Err(LoadErrorKind::Closed));
        at_rest(&cache.sync());
    }
}

/// The holder of an entry isn't waited for; whoever waits for it gets what it brings, or hears that no load can follow.
fn g17_who_waits_for_an_entry_while_the_cache_closes_hears_of_it<F: Kind>() {
    for style in BOTH {
        for brings in [false, true] {
            let runway = Runway::new(0);
            let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
            let Entry::Vacant(entry) = cache.sync().entry(1) else { panic!("nothing is held") };
            let waiter = apart(&cache, |cache| cache.fetch_with(&1));
            until("it waits", || cache.metrics().waiters == 1);
            assert!(cache.sync().close(), "no load is under way");
            let expected = if brings {
                entry.insert(7);
                Ok(7)
            } else {
                drop(entry);
                Err(LoadErrorKind::Closed)
            };
            assert_eq!((kind(waiter.result()), runway.begun()), (expected, 0));
            at_rest(&cache.sync());
        }
    }
}

fn g17_a_load_that_asks_for_another_load_of_a_closed_cache_hears_so<F: Kind>() {
    let runway = Runway::new(1);
    let inner: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), crate::runway::Style::Blocking));
    let cache: Of<F> = F::Of::build(CacheBuilder::new());
    let (gate, asked) = (runway.clone(), inner.sync());
    let leader = apart(&cache, move |cache| {
        cache.fetch_or_load(&1, move || {
            gate.load();
            Ok(Loaded::value(*asked.fetch_with(&2)?))
        })
    });
    runway.until_begun(0);
    assert!(inner.sync().close());
    runway.open(0);
    assert_eq!(kind(leader.result()), Err(LoadErrorKind::Closed), "the inner error passes through");
    at_rest(&cache.sync());
    at_rest(&inner.sync());
}

on_every_face_in_time!(
    g17_a_closed_cache_begins_no_load_and_works_otherwise,
    g17_closing_waits_for_loads_and_they_are_delivered_and_stored,
    g17_loads_that_wait_for_their_turn_are_waited_for_too,
    g17_a_cache_may_be_closed_twice_and_by_many_at_once,
    g17_who_waits_for_an_entry_while_the_cache_closes_hears_of_it,
    g17_a_load_that_asks_for_another_load_of_a_closed_cache_hears_so,
);
