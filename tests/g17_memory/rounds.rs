//! Caches that come and go, with loads in all states, leave no memory behind.

use crate::alone;
use crate::process::resident;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, CacheBuilder, Entry, Loaded};
use futures::FutureExt;
use futures::executor::block_on;
use std::time::Duration;

const CACHES: u32 = 200;
const PAGE: usize = 1_024;
/// Rounds after which the allocator has all that it needs.
const WARM: usize = 6;
const ROUNDS: usize = 24;
const BATCHES: usize = 4;
/// Less than what a batch would leave if one of its parts were left: two hundred values, flights and so on.
const SLACK: usize = 6 << 20;

fn round() {
    let caches: Vec<_> = (0..CACHES)
        .map(|n| {
            let builder = CacheBuilder::new().max_concurrent_loads(2).load_timeout(Duration::from_secs(300 + u64::from(n)));
            let cache: AsyncCache<u32, Vec<u8>> = builder
                .async_loader_fn(|key: u32| async move {
                    if key >= 1_000 {
                        std::future::pending::<()>().await;
                    }
                    Loaded::ok(vec![0; PAGE])
                })
                .build_async()
                .expect("the settings make sense");
            (0..60).for_each(|key| cache.insert(key, vec![0; PAGE]));
            (100..110).for_each(|key| drop(block_on(cache.fetch_with(&key)).expect("the loader brings it")));
            // Two that run, three that wait for a permit, and one that waits for an entry.
            for key in 1_000..1_005 {
                assert!(cache.fetch_with(&key).now_or_never().is_none());
            }
            let entry: Entry<u32, Vec<u8>> = cache.try_entry(2_000).expect("nobody has the lead");
            let fetch = cache.fetch_or_load(&2_000, || async { Ok::<_, BoxError>(vec![0; PAGE]) });
            assert!(fetch.now_or_never().is_none());
            assert!(cache.wait_idle().now_or_never().is_none());
            (cache, entry)
        })
        .collect();
    drop(caches);
}

#[test]
fn g17_caches_that_come_and_go_leave_no_memory_behind() {
    let _alone = alone();
    in_time(|| {
        (0..WARM).for_each(|_| round());
        // A heap may still grow once or twice, as threads take turns; a leak grows each time.
        let mut sizes = vec![resident()];
        for _ in 0..BATCHES {
            (0..ROUNDS).for_each(|_| round());
            let (before, after) = (sizes[sizes.len() - 1], resident());
            if after < before + SLACK {
                return;
            }
            sizes.push(after);
        }
        panic!("the process has grown with each {ROUNDS} rounds of {CACHES} caches: {sizes:?} bytes");
    });
}
