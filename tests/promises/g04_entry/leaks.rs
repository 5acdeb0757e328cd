//! Entries that are leaked, filled over a panic, or only glanced at, and what that leaves behind.

use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AbandonedLoads, AsyncCache, BoxError, Cache, CacheBuilder, Entry, MockClock};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::executor::block_on;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn g4_an_entry_that_was_cleared_and_leaked_leaves_no_berth() {
    in_time(|| {
        let clock = MockClock::new();
        let cache: Cache<u32, u32> = Cache::builder().clock(clock.clone()).build().expect("the settings make sense");
        let tasks = cache.to_async();
        let entry = cache.entry(1);
        {
            let mut waiting = pin!(tasks.entry(1));
            assert!(waiting.as_mut().now_or_never().is_none());
            cache.clear();
            std::mem::forget(entry);
            clock.advance(Duration::from_secs(60));
        }
        at_rest(&cache);
    });
}

static ARMED: AtomicBool = AtomicBool::new(false);

/// A key whose comparison panics while it is armed.
#[derive(Clone)]
struct Fused(u32);

impl PartialEq for Fused {
    fn eq(&self, other: &Self) -> bool {
        assert!(!ARMED.load(Ordering::Relaxed), "a comparison that panics, on purpose");
        self.0 == other.0
    }
}

impl Eq for Fused {}

impl std::hash::Hash for Fused {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        0_u32.hash(state);
    }
}

#[test]
fn g18_who_fills_an_entry_hears_of_a_comparison_that_panics_and_who_waits_gets_on() {
    in_time(|| {
        crate::hush::hush();
        let load = |key: Fused| async move { Ok::<_, BoxError>(key.0 * 10) };
        let cache: AsyncCache<Fused, u32> =
            CacheBuilder::new().async_loader_fn(load).shards(1).build_async().expect("the settings make sense");
        cache.insert(Fused(1), 1);
        let Entry::Vacant(entry) = block_on(cache.entry(Fused(2))) else { panic!("nothing is held") };
        let waiting = cache.fetch_or_load(&Fused(2), || async { bellwether::ok(7) });
        ARMED.store(true, Ordering::Relaxed);
        let filled = catch_unwind(AssertUnwindSafe(|| entry.insert(3)));
        ARMED.store(false, Ordering::Relaxed);
        assert!(filled.is_err(), "nothing was stored");
        assert_eq!(block_on(waiting).ok().as_deref(), Some(&7));
        at_rest(&cache.to_sync());
    });
}

#[test]
fn g4_a_glance_at_a_load_that_took_over_does_not_cancel_it() {
    in_time(|| {
        let (open, gate) = oneshot::channel::<()>();
        let gate = gate.shared();
        let load = move |key: u32| {
            let gate = gate.clone();
            async move {
                gate.await.expect("the test opens it");
                Ok::<_, BoxError>(key)
            }
        };
        let cache: AsyncCache<u32, u32> = AsyncCache::builder()
            .async_loader_fn(load)
            .abandoned_loads(AbandonedLoads::Cancel)
            .build_async()
            .expect("the settings make sense");
        let entry = block_on(cache.entry(1));
        let waiting = cache.fetch_with(&1);
        drop(entry);
        assert!(cache.try_entry(1).is_none(), "a load has taken over");
        open.send(()).expect("the load waits for it");
        assert_eq!(block_on(waiting).ok().as_deref(), Some(&1));
        assert_eq!(cache.metrics().loads_started, 1);
        at_rest(&cache.to_sync());
    });
}
