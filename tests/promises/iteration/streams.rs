//! Streams: with tokio and without a runtime, dropped half way, polled after their end; and others have their turn between two batches.

use super::keys_of;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, RemovalCause};
use futures::executor::LocalPool;
use futures::stream::FusedStream;
use futures::task::LocalSpawnExt;
use futures::{Stream, StreamExt};
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};

fn cache_of(entries: u64) -> AsyncCache<u64, u64> {
    let cache = AsyncCache::builder().shards(2).build_async().expect("the settings make sense");
    (0..entries).for_each(|key| cache.insert(key, key));
    cache
}

/// Counts how often it is woken.
#[derive(Default)]
struct Bell(AtomicU64);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn between_two_batches_a_stream_is_pending_once_and_has_its_task_woken() {
    in_time(|| {
        let (cache, bell) = (cache_of(1_000), Arc::new(Bell::default()));
        let waker = Waker::from(Arc::clone(&bell));
        let mut context = Context::from_waker(&waker);
        let mut stream = cache.stream_with_batch_size(50);
        let (mut run, mut runs, mut pending) = (0, Vec::new(), 0);
        loop {
            match Pin::new(&mut stream).poll_next(&mut context) {
                Poll::Ready(Some(_)) => run += 1,
                Poll::Ready(None) => break,
                Poll::Pending => {
                    pending += 1;
                    assert_eq!(bell.0.load(Ordering::SeqCst), pending, "it is to be polled again");
                    runs.push(std::mem::take(&mut run));
                }
            }
        }
        runs.push(run);
        assert_eq!(runs.iter().sum::<u64>(), 1_000);
        assert!(runs.iter().all(|&run| run <= 50), "no more than a batch in a row: {runs:?}");
        assert!(runs.len() >= 20);
    });
}

#[test]
fn other_tasks_of_its_thread_have_their_turns() {
    in_time(|| {
        let (cache, mut pool) = (cache_of(1_000), LocalPool::new());
        let (turns, is_over) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(false)));
        let (counted, over) = (Rc::clone(&turns), Rc::clone(&is_over));
        let spawner = pool.spawner();
        let other = async move {
            while !over.get() {
                counted.set(counted.get() + 1);
                let mut yielded = false;
                std::future::poll_fn(|context| {
                    context.waker().wake_by_ref();
                    if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
        };
        let walk = async move {
            assert_eq!(cache.stream_with_batch_size(10).count().await, 1_000);
            is_over.set(true);
        };
        spawner.spawn_local(other).expect("the pool is there");
        spawner.spawn_local(walk).expect("the pool is there");
        pool.run();
        assert!(turns.get() >= 100, "one for each batch: {}", turns.get());
    });
}

#[test]
fn a_stream_that_has_ended_stays_at_its_end() {
    in_time(|| {
        for entries in [0, 1, 64, 65, 500] {
            let cache = cache_of(entries);
            let mut stream = cache.stream();
            assert!(!stream.is_terminated());
            let met = futures::executor::block_on(stream.by_ref().collect::<Vec<_>>());
            assert_eq!(keys_of(met), (0..entries).collect::<Vec<_>>());
            assert!(stream.is_terminated());
            (1_000..2_000).for_each(|key| cache.insert(key, key));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..10 {
                assert_eq!(stream.poll_next_unpin(&mut context), Poll::Ready(None));
            }
            assert!(stream.is_terminated());
        }
    });
}

#[test]
fn a_stream_that_is_dropped_half_way_lets_go_of_what_it_took() {
    in_time(|| {
        let cache = cache_of(1_000);
        let mut stream = cache.stream();
        let met = futures::executor::block_on(stream.by_ref().take(100).collect::<Vec<_>>());
        cache.clear();
        drop(stream);
        assert!(met.iter().all(|(_, value)| Arc::strong_count(value) == 1));
        assert_eq!(cache.metrics().removals(RemovalCause::Invalidated) + cache.metrics().removals(RemovalCause::Cleared), 1_000);
        cache.validate_if_checked();
    });
}

#[test]
fn a_stream_outlives_the_handle_that_it_came_from() {
    in_time(|| {
        let stream = cache_of(1_000).stream();
        assert_eq!(keys_of(futures::executor::block_on(stream.collect())), (0..1_000).collect::<Vec<_>>());
    });
}

#[test]
fn streams_go_on_as_tasks_of_tokio_beside_writers() {
    in_time(|| {
        for threads in [1, 4] {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).build().expect("a runtime can be had");
            let cache = cache_of(2_000);
            runtime.block_on(async {
                let walks: Vec<_> = (0..4).map(|_| tokio::spawn(cache.stream().collect::<Vec<_>>())).collect();
                let writer = cache.clone();
                let writer = tokio::spawn(async move {
                    for key in 2_000..4_000 {
                        writer.insert(key, key);
                        writer.insert(key - 2_000, 1);
                        if key % 100 == 0 {
                            tokio::task::yield_now().await;
                        }
                    }
                });
                for walk in walks {
                    let keys = keys_of(walk.await.expect("it doesn't panic"));
                    let stayed: Vec<_> = keys.iter().copied().filter(|&key| key < 2_000).collect();
                    assert_eq!(stayed, (0..2_000).collect::<Vec<_>>());
                }
                writer.await.expect("it doesn't panic");
            });
        }
    });
}

#[test]
fn on_a_current_thread_runtime_a_stream_lets_timers_fire() {
    in_time(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime can be had");
        runtime.block_on(async {
            let cache = cache_of(5_000);
            // It would never be over if the stream kept the thread: each batch is smaller than the budget of a task.
            let walk = async { while cache.stream_with_batch_size(1).count().await == 5_000 {} };
            let timer = tokio::time::timeout(std::time::Duration::from_millis(50), walk);
            assert!(timer.await.is_err(), "the timer fires");
        });
    });
}

trait Checked {
    fn validate_if_checked(&self);
}

impl Checked for AsyncCache<u64, u64> {
    fn validate_if_checked(&self) {
        #[cfg(debug_assertions)]
        self.validate();
    }
}
