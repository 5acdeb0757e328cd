//! A long queue of loads that all end at once, each in the call that ends the one before it.

use crate::gate::until;
use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, BoxFuture, LoadErrorKind, SpawnError, Spawner};
use futures::FutureExt;
use futures::executor::block_on;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const LOADS: u32 = 100_000;

/// Runs the first load on a thread. To each of the others it does what is set, in the call itself.
struct Hasty {
    first: AtomicBool,
    polls: bool,
}

impl Spawner for Hasty {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        if !self.first.swap(true, Ordering::Relaxed) {
            std::thread::spawn(move || block_on(future));
            return Ok(());
        }
        if !self.polls {
            return Err(SpawnError::new("shut down"));
        }
        future.now_or_never().ok_or_else(|| SpawnError::new("it would have to wait"))
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        job();
        Ok(())
    }
}

fn queues_and_ends(polls: bool, kind: Option<LoadErrorKind>) {
    in_time(move || {
        let (open, gate) = futures::channel::oneshot::channel::<()>();
        let gate = gate.shared();
        let cache = AsyncCache::<u32, u32>::builder()
            .async_loader_fn(move |n: u32| {
                let gate = gate.clone();
                async move {
                    if n == 0 {
                        gate.await.expect("the test opens it");
                    }
                    Ok::<_, BoxError>(n)
                }
            })
            .spawner(Hasty { first: AtomicBool::new(false), polls })
            .max_concurrent_loads(1)
            .build_async()
            .expect("the settings make sense");
        let first = cache.fetch_with(&0);
        let queued: Vec<_> = (1..LOADS).map(|n| cache.fetch_with(&n)).collect();
        until("all but the first wait", || cache.metrics().queued == u64::from(LOADS) - 1);
        open.send(()).expect("the first load waits for it");
        assert_eq!(block_on(first).ok().as_deref(), Some(&0));
        for fetch in queued {
            let value: Result<Arc<u32>, _> = block_on(fetch);
            assert_eq!(value.err().map(|error| error.kind()), kind);
        }
        at_rest(&cache.to_sync());
    });
}

#[test]
fn g18_a_long_queue_that_a_spawner_refuses_at_once_takes_no_stack() {
    queues_and_ends(false, Some(LoadErrorKind::Cancelled));
}

#[test]
fn g18_a_long_queue_of_loads_that_run_within_spawn_takes_no_stack() {
    queues_and_ends(true, None);
}
