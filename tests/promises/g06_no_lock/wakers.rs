//! Wakers that own other fetches of the same flight, and poll or drop them when they are woken or dropped.

use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, LoadError};
use futures::FutureExt;
use futures::executor::block_on;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

type Fetch = Pin<Box<dyn Future<Output = Result<Arc<usize>, LoadError>> + Send>>;

/// When a waker touches the fetch that it owns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Touch {
    PollWhenWoken,
    DropWhenWoken,
    DropWhenDropped,
}

struct Owner {
    touch: Touch,
    owned: Mutex<Option<Fetch>>,
    /// What the owned fetch gave when it was polled; zero when it was dropped.
    heard: Arc<AtomicUsize>,
}

impl Owner {
    fn take(&self) -> Option<Fetch> {
        self.owned.lock().expect("no holder panics").take()
    }
}

fn owner(touch: Touch, owned: Fetch) -> Waker {
    Waker::from(Arc::new(Owner { touch, owned: Mutex::new(Some(owned)), heard: Arc::default() }))
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {
        match self.touch {
            Touch::PollWhenWoken => {
                if let Some(Some(Ok(value))) = self.take().map(FutureExt::now_or_never) {
                    self.heard.store(*value, Ordering::Relaxed);
                }
            }
            Touch::DropWhenWoken => {
                drop(self.take());
                self.heard.store(0, Ordering::Relaxed);
            }
            Touch::DropWhenDropped => {}
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.take());
    }
}

const NOTHING: usize = usize::MAX;

/// A fetch of key 1 that doesn't borrow the cache, with a seat in the flight from its first poll on.
fn seated(cache: &AsyncCache<u32, usize>) -> Fetch {
    let cache = cache.clone();
    let mut fetch: Fetch = Box::pin(async move { cache.fetch_with(&1).await });
    assert!((&mut fetch).now_or_never().is_none(), "the load is held");
    fetch
}

/// Waits by a waker that owns a seat in the same flight.
fn wait_by_an_owner(touch: Touch) {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = runway.numbers::<u32>(AsyncCache::builder().shards(1), style).build_async().expect("the settings make sense");
        let leader = cache.fetch_with(&1);
        runway.until_begun(0);
        let heard = Arc::new(AtomicUsize::new(NOTHING));
        let owner = Owner { touch, owned: Mutex::new(Some(seated(&cache))), heard: Arc::clone(&heard) };
        let mut waiting = cache.fetch_with(&1);
        let waker = Waker::from(Arc::new(owner));
        assert!(Pin::new(&mut waiting).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        if touch == Touch::DropWhenDropped {
            // This replaces the waker: its last clone is let go here, and the seat that it owns with it.
            assert!((&mut waiting).now_or_never().is_none(), "the load is held");
        }
        runway.open(0);
        if touch != Touch::DropWhenDropped {
            crate::gate::until("the waker has done what it does", || heard.load(Ordering::Relaxed) == 0);
        }
        assert_eq!(*block_on(waiting).expect("the load brings it"), 0, "{touch:?}, {style:?}");
        assert_eq!(*block_on(leader).expect("the load brings it"), 0, "{touch:?}, {style:?}");
        at_rest(&cache.to_sync());
    }
}

#[test]
fn g6_a_waker_may_poll_another_fetch_of_the_flight_when_it_is_woken() {
    in_time(|| wait_by_an_owner(Touch::PollWhenWoken));
}

#[test]
fn g6_a_waker_may_drop_another_fetch_of_the_flight_when_it_is_woken() {
    in_time(|| wait_by_an_owner(Touch::DropWhenWoken));
}

#[test]
fn g6_a_waker_may_drop_another_fetch_of_the_flight_when_it_is_replaced() {
    in_time(|| wait_by_an_owner(Touch::DropWhenDropped));
}

/// The one who waits leaves, its waker goes with it, and with that another who waits.
#[test]
fn g6_a_waker_may_drop_another_fetch_of_the_flight_when_its_caller_leaves() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let cache = runway.numbers::<u32>(AsyncCache::builder().shards(1), style).build_async().expect("the settings make sense");
            let leader = cache.fetch_with(&1);
            runway.until_begun(0);
            let mut leaving = cache.fetch_with(&1);
            // A chain of ten, each of which goes with the one before it.
            let mut owned = seated(&cache);
            for _ in 0..10 {
                let mut next = seated(&cache);
                assert!(next.as_mut().poll(&mut Context::from_waker(&owner(Touch::DropWhenDropped, owned))).is_pending());
                owned = next;
            }
            let waker = owner(Touch::DropWhenDropped, owned);
            assert!(Pin::new(&mut leaving).poll(&mut Context::from_waker(&waker)).is_pending());
            drop(waker);
            drop(leaving);
            runway.open(0);
            assert_eq!(*block_on(leader).expect("the load brings it"), 0, "{style:?}");
            at_rest(&cache.to_sync());
        }
    });
}

/// A waker that panics keeps nobody asleep, and the load's result is there.
#[test]
fn g6_a_waker_that_panics_keeps_nobody_asleep() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("a waker blew up");
        }
    }
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let cache = runway.numbers::<u32>(AsyncCache::builder(), style).build_async().expect("the settings make sense");
            let mut bad = cache.fetch_with(&1);
            assert!(Pin::new(&mut bad).poll(&mut Context::from_waker(&Waker::from(Arc::new(Bomb)))).is_pending());
            let good = cache.fetch_with(&1);
            let thread = crate::apart::apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
            crate::gate::until("the thread joins", || cache.metrics().joined == 2);
            runway.open(0);
            assert_eq!(*block_on(good).expect("the load brings it"), 0, "{style:?}");
            assert_eq!(*thread.result().expect("the load brings it"), 0, "{style:?}");
            assert_eq!(*block_on(bad).expect("the load brings it"), 0, "{style:?}");
            assert_eq!(at_rest(&cache.to_sync()).loads_stored, 1);
        }
    });
}
