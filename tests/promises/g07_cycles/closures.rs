//! Waits through closures that bring a key's value: of entries, and of fetches.

use crate::g07_cycles::Found;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, Cache, LoadError, LoadErrorKind};
use futures::executor::block_on;
use std::sync::Arc;
use std::time::Duration;

/// The load of 1 brings the value of 2 by an entry, for which it needs 1.
fn ring_through_an_entry(bring: fn(&Cache<u32, u32>) -> Result<u32, LoadError>) {
    in_time(move || {
        let found = Found::default();
        let own = Arc::clone(&found);
        let load = move |&key: &u32| if key == 1 { bring(own.get().expect("it is built")) } else { Ok(key) };
        let cache = Cache::<u32, u32>::builder().loader_fn(load).load_timeout(Duration::MAX).build().expect("the settings make sense");
        assert!(found.set(cache.clone()).is_ok());
        let error = cache.fetch_with(&1).expect_err("it waits for itself");
        assert_eq!(error.kind(), LoadErrorKind::Cycle);
        assert_eq!(*cache.entry(2).or_insert(20), 20, "the entry was given up");
        cache.settle();
        cache.validate();
    });
}

#[test]
fn g7_a_ring_through_the_closure_of_an_entry_is_an_error() {
    ring_through_an_entry(|cache| cache.entry(2).or_try_insert_with(|| cache.fetch_with(&1).map(|value| *value)).map(|value| *value));
}

#[test]
fn g7_a_ring_through_the_future_of_an_entry_is_an_error() {
    ring_through_an_entry(|cache| {
        let tasks = cache.to_async();
        let entry =
            async { tasks.entry(2).await.or_try_insert_with_async(|| async { tasks.fetch_with(&1).await.map(|value| *value) }).await };
        block_on(entry).map(|value| *value)
    });
}

/// The closure that makes a load's future runs for that load as well.
#[test]
fn g7_a_closure_that_blocks_for_its_own_key_gets_an_error() {
    in_time(|| {
        let cache: AsyncCache<u32, u32> = AsyncCache::builder().load_timeout(Duration::MAX).build_async().expect("the settings make sense");
        let inside = cache.to_sync();
        let mut kind = None;
        let fetch = cache.fetch_or_load(&1, || {
            kind = inside.fetch_with(&1).err().map(|error| error.kind());
            async { bellwether::ok(3) }
        });
        assert_eq!(block_on(fetch).ok().as_deref(), Some(&3));
        assert_eq!(kind, Some(LoadErrorKind::Cycle));
    });
}
