//! A load whose future is dropped inside the closure of `get`, where no lock can be taken, still ends for those who wait.

use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, BoxFuture, LoadErrorKind, SpawnError, Spawner};
use std::sync::{Arc, Mutex};

/// Keeps what it is given until somebody lets it go.
#[derive(Clone, Default)]
struct Hoard(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Spawner for Hoard {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.0.lock().expect("no holder panics").push(future);
        Ok(())
    }

    fn spawn_blocking(&self, _job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        Err(SpawnError::new("this one hoards futures only"))
    }
}

#[test]
fn g6_a_load_that_is_dropped_inside_get_ends_for_those_who_wait() {
    in_time(|| {
        let hoard = Hoard::default();
        let load = |key: u32| async move { Ok::<_, BoxError>(key) };
        let cache: AsyncCache<u32, u32> =
            AsyncCache::builder().shards(1).async_loader_fn(load).spawner(hoard.clone()).build_async().expect("the settings make sense");
        cache.insert(1, 10);
        let fetch = cache.fetch_with(&2);
        let dropped = cache.get(&1, |_| std::mem::take(&mut *hoard.0.lock().expect("no holder panics")).len());
        assert_eq!(dropped, Some(1));
        let error = futures::executor::block_on(fetch).expect_err("its load was dropped");
        assert_eq!(error.kind(), LoadErrorKind::Cancelled);
        assert!(cache.get(&1, |value| *value).is_some(), "the cache works as ever");
    });
}
