//! Wakers where leaving cancels: none is left behind, and whatever they do when they are cloned, woken or dropped harms nobody.

use crate::g04_leaving::{Alive, CHOICES, cancelled, cancelling, tracked};
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::Runway;
use crate::watchdog::in_time;
use crate::ways::Way;
use bellwether::{AsyncCache, CacheBuilder, LoadError};
use futures::FutureExt;
use futures::executor::block_on;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

in_every_way!(
    g4_no_waker_is_left_behind_by_polls_with_changing_wakers_and_by_callers_that_leave,
    g4_no_waker_is_left_behind_by_a_load_that_is_cancelled_and_one_that_lands,
);

/// Its wakers are counted by its `Arc`.
struct Bell;

impl Wake for Bell {
    fn wake(self: Arc<Self>) {}
}

fn is_pending<F: Future + Unpin>(future: &mut F, waker: &Waker) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(waker)).is_pending()
}

fn g4_no_waker_is_left_behind_by_polls_with_changing_wakers_and_by_callers_that_leave(way: Way) {
    for choice in CHOICES {
        let (runway, alive) = (Runway::new(1), Alive::default());
        let cache = tracked(way, &runway, &alive, CacheBuilder::new().abandoned_loads(choice));
        let bells: Vec<_> = (0..7).map(|_| Arc::new(Bell)).collect();
        let mut fetches: Vec<_> = way.within(|| (0..20).map(|_| cache.fetch_with(&1)).collect());
        runway.until_begun(0);
        for round in 0..100 {
            for (n, fetch) in fetches.iter_mut().enumerate() {
                assert!(is_pending(fetch, &Waker::from(Arc::clone(&bells[(n + round) % bells.len()]))));
            }
        }
        let wakers = || bells.iter().map(|bell| Arc::strong_count(bell) - 1).sum::<usize>();
        while fetches.len() > 1 {
            assert_eq!(wakers(), fetches.len(), "one for each who waits");
            drop(fetches.swap_remove(fetches.len() / 2));
        }
        runway.open(0);
        way.wait(fetches.remove(0)).expect("the load brings it");
        at_rest(&cache.to_sync());
        // Who looks just when the load lands has its value before the wakers are woken.
        crate::gate::until("no waker is left", || wakers() == 0);
    }
}

fn g4_no_waker_is_left_behind_by_a_load_that_is_cancelled_and_one_that_lands(way: Way) {
    let (runway, alive) = (Runway::new(2), Alive::default());
    let cache = cancelling(way, &runway, &alive);
    let bell = Arc::new(Bell);
    let mut fetch = way.within(|| cache.fetch_with(&1));
    runway.until_begun(0);
    assert!(is_pending(&mut fetch, &Waker::from(Arc::clone(&bell))));
    drop(fetch);
    assert_eq!(Arc::strong_count(&bell), 1, "it goes with its caller");
    alive.until_none();
    let mut fetch = way.within(|| cache.fetch_with(&1));
    runway.until_begun(1);
    assert!(is_pending(&mut fetch, &Waker::from(Arc::clone(&bell))));
    runway.open(1);
    crate::gate::until("it is woken and let go", || Arc::strong_count(&bell) == 1);
    assert_eq!(*way.wait(fetch).expect("the load brings it"), 1);
    at_rest(&cache.to_sync());
}

type Fetch = Pin<Box<dyn Future<Output = Result<Arc<usize>, LoadError>> + Send>>;

/// A waker that owns a fetch, which goes with it.
struct Owner {
    _fetch: Mutex<Fetch>,
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {}
}

fn owned(cache: &AsyncCache<u32, usize>) -> Fetch {
    let cache = cache.clone();
    let mut fetch: Fetch = Box::pin(async move { cache.fetch_with(&1).await });
    assert!((&mut fetch).now_or_never().is_none(), "the load is held");
    fetch
}

/// The last to leave is the one that the waker of the one before it owns: with it the load is cancelled, under no lock.
#[test]
fn g4_a_waker_whose_drop_drops_the_last_who_waits_cancels_the_load() {
    in_time(|| {
        for replaced in [false, true] {
            let (runway, alive) = (Runway::new(1), Alive::default());
            let cache = cancelling(Way::WithoutRuntime, &runway, &alive);
            let mut fetch = cache.fetch_with(&1);
            runway.until_begun(0);
            let waker = Waker::from(Arc::new(Owner { _fetch: Mutex::new(owned(&cache)) }));
            assert!(is_pending(&mut fetch, &waker));
            drop(waker);
            assert_eq!(cache.metrics().waiters, 2);
            if replaced {
                assert!(is_pending(&mut fetch, Waker::noop()));
                assert_eq!((cache.metrics().waiters, alive.number()), (1, 1), "one of the two is there");
            }
            drop(fetch);
            alive.until_none();
            assert_eq!((cancelled(&cache.to_sync()), at_rest(&cache.to_sync()).loads_started), (1, 1));
        }
    });
}

/// Wakers that panic when they are woken: the others are woken all the same, also by a cancelled load of theirs.
#[test]
fn g4_a_waker_that_panics_keeps_nobody_from_being_served() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("a waker blows up on purpose");
        }
    }
    crate::hush::hush();
    in_time(|| {
        for choice in CHOICES {
            let (runway, alive) = (Runway::new(1), Alive::default());
            let cache = tracked(Way::WithoutRuntime, &runway, &alive, CacheBuilder::new().abandoned_loads(choice));
            let mut bad: Vec<_> = (0..10).map(|_| cache.fetch_with(&1)).collect();
            for fetch in &mut bad {
                assert!(is_pending(fetch, &Waker::from(Arc::new(Bomb))));
            }
            let good: Vec<_> = (0..10).map(|_| cache.fetch_with(&1)).collect();
            runway.until_begun(0);
            bad.truncate(5);
            runway.open(0);
            for fetch in good.into_iter().chain(bad) {
                assert_eq!(*block_on(fetch).expect("the load brings it"), 0);
            }
            at_rest(&cache.to_sync());
        }
    });
}

/// A waker whose drop panics when the last who waits leaves: the load is cancelled all the same.
#[test]
fn g4_a_waker_that_panics_when_it_is_dropped_keeps_no_load_alive() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a dropped waker blows up on purpose");
        }
    }
    in_time(|| {
        let (runway, alive) = (Runway::new(1), Alive::default());
        let cache = cancelling(Way::WithoutRuntime, &runway, &alive);
        let mut fetch = cache.fetch_with(&1);
        runway.until_begun(0);
        let waker = Waker::from(Arc::new(Bomb));
        assert!(is_pending(&mut fetch, &waker));
        // The last of it goes with the fetch.
        drop(waker);
        let left = crate::hush::caught(move || drop(fetch));
        assert!(left.is_ok() || left.is_err_and(|text| text.contains("dropped waker")));
        crate::gate::until("the load is cancelled", || cancelled(&cache.to_sync()) == 1);
        alive.until_none();
        at_rest(&cache.to_sync());
    });
}
