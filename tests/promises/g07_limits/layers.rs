//! Loads that come through another cache, or through an entry: the limit holds for them unless they work for a load that holds a permit.

use crate::g07_limits::Crowd;
use crate::gate::until;
use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, LoadError, LoadErrorKind, MockClock};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::executor::block_on;
use std::time::Duration;

const CALLERS: u32 = 24;

/// A cache with two permits whose loads are counted while they run.
fn limited(crowd: &Crowd) -> Cache<u32, u32> {
    let crowd = crowd.clone();
    let load = move |&key: &u32| {
        let _inside = crowd.enter();
        until("two are at it", || crowd.most() >= 2);
        // Long enough that more than two would meet here.
        std::thread::sleep(Duration::from_millis(5));
        Ok::<_, BoxError>(key)
    };
    Cache::builder().loader_fn(load).max_concurrent_loads(2).build().expect("the settings make sense")
}

fn all_at_once(call: impl Fn(u32) + Sync) {
    std::thread::scope(|scope| {
        for key in 0..CALLERS {
            let call = &call;
            scope.spawn(move || call(key));
        }
    });
}

#[test]
fn g7_loads_that_come_through_a_cache_without_a_limit_wait_for_permits() {
    in_time(|| {
        let crowd = Crowd::default();
        let behind = limited(&crowd);
        let through = behind.clone();
        let before: Cache<u32, u32> = Cache::builder()
            .loader_fn(move |key: &u32| through.fetch_with(key).map(|value| *value))
            .build()
            .expect("the settings make sense");
        all_at_once(|key| assert_eq!(before.fetch_with(&key).ok().as_deref(), Some(&key)));
        assert!(crowd.most() <= 2, "{} at once on 2 permits", crowd.most());
        assert_eq!(behind.metrics().permits_peak, 2);
        at_rest(&before);
        at_rest(&behind);
    });
}

#[test]
fn g7_loads_that_come_through_entries_wait_for_permits() {
    in_time(|| {
        let crowd = Crowd::default();
        let cache = limited(&crowd);
        all_at_once(|key| {
            let value = cache.entry(key).or_insert_with(|| *cache.fetch_with(&(key + 100)).expect("the loader brings it"));
            assert_eq!(*value, key + 100);
        });
        assert!(crowd.most() <= 2, "{} at once on 2 permits", crowd.most());
        at_rest(&cache);
    });
}

/// A load without a permit waits in the queue for its child; then one that holds the permit comes to wait for it.
#[test]
fn g7_a_load_that_comes_to_be_waited_for_by_a_permit_holder_has_its_children_begin() {
    in_time(|| {
        let limited: AsyncCache<u32, u32> = AsyncCache::builder()
            .async_loader_fn(|key: u32| async move { bellwether::ok(key) })
            .max_concurrent_loads(1)
            .load_timeout(Duration::MAX)
            .build_async()
            .expect("the settings make sense");
        let child = limited.clone();
        let free: AsyncCache<u32, u32> = AsyncCache::builder()
            .async_loader_fn(move |key: u32| {
                let child = child.clone();
                async move { Ok::<_, LoadError>(*child.fetch_with(&key).await? + 100) }
            })
            .load_timeout(Duration::MAX)
            .build_async()
            .expect("the settings make sense");
        let (open, gate) = oneshot::channel::<()>();
        let then = free.clone();
        // It holds the permit, and later fetches from the cache without a limit.
        let holding = limited.fetch_or_load(&0, move || async move {
            gate.await.expect("the test opens it");
            then.fetch_with(&7).await.map(|value| *value)
        });
        let middle = free.fetch_with(&7);
        until("the child waits for the permit", || limited.metrics().queued == 1);
        open.send(()).expect("the load waits for it");
        assert_eq!(block_on(holding).ok().as_deref(), Some(&107));
        assert_eq!(block_on(middle).ok().as_deref(), Some(&107));
        at_rest(&limited.to_sync());
        at_rest(&free.to_sync());
    });
}

/// A load that holds the permit runs another cache's closure, which times out for those who joined, and then loads from the limited cache.
#[test]
fn g7_what_runs_on_a_permit_does_so_until_it_has_ended_though_it_timed_out() {
    in_time(|| {
        let clock = MockClock::new();
        let limited: Cache<u32, u32> = Cache::builder()
            .loader_fn(|key: &u32| Ok::<_, BoxError>(*key))
            .max_concurrent_loads(1)
            .load_timeout(Duration::MAX)
            .build()
            .expect("the settings make sense");
        let other: Cache<u32, u32> = Cache::builder().clock(clock.clone()).build().expect("the settings make sense");
        let value = limited.fetch_or_load(&1, || {
            let inner = other.fetch_or_load(&7, || {
                clock.advance(Duration::from_secs(60));
                // Whoever comes now finds it out of time, and ends it.
                std::thread::scope(|scope| drop(scope.spawn(|| other.to_async().fetch_with(&7).now_or_never())));
                limited.fetch_with(&2).map(|value| *value)
            });
            assert_eq!(inner.expect_err("it timed out").kind(), LoadErrorKind::TimedOut);
            bellwether::ok(1)
        });
        assert_eq!(value.ok().as_deref(), Some(&1));
        assert!(limited.contains_key(&2), "its load waited for no permit");
        at_rest(&limited);
        at_rest(&other);
    });
}

/// A closure waits for a load of its own cache before its own load has come to a permit.
#[test]
fn g7_a_closure_that_waits_before_its_load_has_a_permit_holds_nobody_up() {
    in_time(|| {
        let (open, gate) = oneshot::channel::<()>();
        let cache: AsyncCache<u32, u32> = AsyncCache::builder()
            .loader_fn(|key: &u32| Ok::<_, BoxError>(*key))
            .max_concurrent_loads(1)
            .load_timeout(Duration::MAX)
            .build_async()
            .expect("the settings make sense");
        let first = cache.fetch_or_load(&1, || async move {
            gate.await.expect("the test opens it");
            bellwether::ok(1)
        });
        until("it holds the permit", || cache.metrics().permits == 1);
        let second = cache.clone();
        let second = std::thread::spawn(move || {
            let fetch = second.fetch_or_load(&2, || {
                let child = second.to_sync().fetch_with(&3).map(|value| *value);
                async move { child }
            });
            block_on(fetch).ok().as_deref().copied()
        });
        until("the child waits, or has been loaded", || cache.metrics().loads_started == 3);
        open.send(()).expect("the load waits for it");
        assert_eq!(block_on(first).ok().as_deref(), Some(&1));
        assert_eq!(second.join().expect("a fetch doesn't panic"), Some(3));
        at_rest(&cache.to_sync());
    });
}
