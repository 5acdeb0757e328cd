//! Two hundred caches and their background work.

use crate::alone;
use crate::census::{Census, Counted, Memory, watched};
use crate::gate::until;
use crate::process::{own_threads, until_all_sleep};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, CacheBuilder, Loaded};
use futures::FutureExt;
use std::thread::sleep;
use std::time::Duration;

const CACHES: usize = 200;

fn cache(settings: CacheBuilder<u32, Counted>, census: &Census) -> (AsyncCache<u32, Counted>, Memory) {
    let (builder, memory) = watched(settings);
    let values = census.clone();
    let builder = builder.async_loader_fn(move |_: u32| {
        let value = values.value();
        async move {
            std::future::pending::<()>().await;
            Loaded::ok(value)
        }
    });
    let cache = builder.build_async().expect("the settings make sense");
    (0..10).for_each(|key| cache.insert(key, census.value()));
    (cache, memory)
}

/// Over two seconds none of the crate's threads does anything but end, and none is added.
fn all_asleep() {
    // Who has just been woken, for what comes first now, is yet to look at it.
    until_all_sleep();
    let before = own_threads();
    sleep(Duration::from_secs(2));
    for (thread, slept) in own_threads() {
        assert_eq!(before.get(&thread), Some(&slept), "a thread of the crate's has woken, or has come");
    }
}

#[test]
fn g17_two_hundred_caches_share_one_background_thread_and_leave_nothing_behind() {
    let _alone = alone();
    in_time(|| {
        // The loads have a place of their own, so that what is left is the background work.
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had");
        // The pool's threads go ten seconds after their last work; the background thread may sleep for longer.
        until("the pool's threads have gone", || own_threads().len() <= 1);
        let census = Census::new();
        let caches: Vec<_> = {
            let _inside = runtime.enter();
            (0..CACHES)
                .map(|n| {
                    // None of these times comes while the test lasts.
                    let time = Duration::from_secs(600 + n as u64);
                    cache(CacheBuilder::new().time_to_live(time).load_timeout(time), &census)
                })
                .collect()
        };
        assert!(own_threads().len() <= 1, "one thread minds the times of all that is held");
        {
            let _inside = runtime.enter();
            caches.iter().flat_map(|(cache, _)| (100..103).map(move |key| cache.fetch_with(&key))).for_each(drop);
        }
        until("all loads have begun", || census.alive() == CACHES * 13);
        assert!(own_threads().len() <= 1, "{} threads", own_threads().len());
        all_asleep();

        let (handles, memories): (Vec<_>, Vec<_>) = caches.into_iter().unzip();
        drop(handles);
        until("every load is dropped, and the memory is given back", || census.alive() == 0 && memories.iter().all(Memory::is_gone));
        assert!(own_threads().len() <= 1, "{} threads", own_threads().len());
        all_asleep();
    });
}

/// The appointments were cancelled: at the times at which they would have been, hardly anything happens.
#[test]
fn g17_caches_that_are_gone_wake_nobody_later() {
    let _alone = alone();
    in_time(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had");
        let census = Census::new();
        let _inside = runtime.enter();
        for n in 0..CACHES as u64 {
            // One comes due every ten milliseconds, two seconds long.
            let limit = Duration::from_millis(1_000 + 10 * n);
            let (cache, _) = cache(CacheBuilder::new().load_timeout(limit), &census);
            // On a very slow machine its time may be over by now.
            drop(cache.fetch_with(&100).now_or_never());
        }
        until("every load is dropped", || census.alive() == 0);
        let before: u64 = own_threads().values().sum();
        sleep(Duration::from_secs(4));
        let after: u64 = own_threads().values().sum();
        assert!(after <= before + 10, "the background thread woke {} times for caches that are gone", after - before);
    });
}

/// Loads in flight on the crate's own threads, more than it has threads: waiting futures take none.
#[test]
fn g17_loads_that_wait_take_no_thread_each() {
    let _alone = alone();
    in_time(|| {
        let census = Census::new();
        let caches: Vec<_> = (0..CACHES).map(|_| cache(CacheBuilder::new(), &census).0).collect();
        caches.iter().for_each(|cache| drop(cache.fetch_with(&100)));
        until("all loads have begun", || census.alive() == CACHES * 11);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        assert!(own_threads().len() <= 1 + (8 * cores).max(64), "{} threads", own_threads().len());
        drop(caches);
        until("every load is dropped", || census.alive() == 0);
    });
}
