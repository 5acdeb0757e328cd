//! What callers leave behind: no waker, and no wake that somebody else needed.

use crate::g04_callers_leave::cache;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::AsyncCache;
use futures::executor::block_on;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

/// Counts how often it is woken; how many wakers of it there are, its `Arc` tells.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

impl Bell {
    fn new() -> (Arc<Self>, Waker) {
        let bell = Arc::new(Self::default());
        (Arc::clone(&bell), Waker::from(bell))
    }

    fn rings(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

fn is_pending<F: Future + Unpin>(future: &mut F, waker: &Waker) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(waker)).is_pending()
}

/// Its loads have more time than a million polls take on a slow machine.
fn patient(runway: &Runway) -> AsyncCache<u32, usize> {
    let builder = AsyncCache::<u32, usize>::builder().load_timeout(Duration::from_secs(3_600));
    runway.numbers(builder, Style::Async).build_async().expect("the settings make sense")
}

#[test]
fn g4_a_million_callers_that_poll_and_leave_leave_no_waker_behind() {
    in_time(|| {
        let runway = Runway::new(1);
        let cache = patient(&runway);
        let leader = cache.fetch_with(&1);
        runway.until_begun(0);
        let (bell, waker) = Bell::new();
        let mut staying = cache.fetch_with(&1);
        assert!(is_pending(&mut staying, &waker));
        for _ in 0..1_000_000 {
            assert!(is_pending(&mut cache.fetch_with(&1), &waker));
        }
        assert_eq!(Arc::strong_count(&bell), 3, "the test's own two and the one of who stays");
        drop(staying);
        assert_eq!(Arc::strong_count(&bell), 2, "the test's own two");
        runway.open(0);
        assert_eq!(*block_on(leader).expect("the load brings it"), 0);
        assert_eq!((bell.rings(), runway.begun()), (0, 1), "who has left isn't woken");
        assert_eq!(at_rest(&cache.to_sync()).joined, 1_000_001);
    });
}

#[test]
fn g4_a_million_polls_of_one_caller_by_two_wakers_in_turn_keep_the_last_one_only() {
    in_time(|| {
        let runway = Runway::new(1);
        let cache = patient(&runway);
        let mut fetch = cache.fetch_with(&1);
        let ((old_bell, old), (new_bell, new)) = (Bell::new(), Bell::new());
        for _ in 0..500_000 {
            assert!(is_pending(&mut fetch, &old) && is_pending(&mut fetch, &new));
        }
        assert_eq!((Arc::strong_count(&old_bell), Arc::strong_count(&new_bell)), (2, 3));
        runway.until_begun(0);
        runway.open(0);
        crate::gate::until("the last waker is woken", || new_bell.rings() == 1);
        assert_eq!(*block_on(fetch).expect("the load brings it"), 0);
        at_rest(&cache.to_sync());
        assert_eq!((old_bell.rings(), new_bell.rings()), (0, 1));
        crate::gate::until("a waker that was woken is let go", || Arc::strong_count(&new_bell) == 2);
    });
}

/// A waiter that was woken and is dropped without another poll takes nobody's wake along: each has a seat of its own.
#[test]
fn g4_a_caller_that_is_dropped_just_after_its_wake_takes_nobodys_wake_along() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let cache = cache(&runway, style);
            let bells: Vec<_> = (0..3).map(|_| Bell::new()).collect();
            let mut fetches: Vec<_> = (0..3).map(|_| cache.fetch_with(&1)).collect();
            for (fetch, (_, waker)) in fetches.iter_mut().zip(&bells) {
                assert!(is_pending(fetch, waker));
            }
            runway.until_begun(0);
            runway.open(0);
            crate::gate::until("the first is woken", || bells[0].0.rings() == 1);
            drop(fetches.remove(0));
            crate::gate::until("the others are woken", || bells.iter().all(|(bell, _)| bell.rings() == 1));
            for fetch in fetches {
                assert_eq!(*block_on(fetch).expect("the load brings it"), 0, "{style:?}");
            }
            at_rest(&cache.to_sync());
        }
    });
}
