//! A full removal channel on tokio: where the runtime has other threads the sender waits and they go on; where it hasn't, nobody waits.

use crate::apart::apart;
use crate::gate::until;
use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, CacheBuilder, RemovalCause, RemovalReceiver, removal_channel};
use futures::StreamExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime can be had")
}

fn threads(number: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(number).build().expect("a runtime can be had")
}

fn scene(capacity: usize) -> (AsyncCache<u32, u32>, RemovalReceiver<u32, u32>) {
    let (sender, receiver) = removal_channel(capacity);
    (CacheBuilder::new().shards(1).listener(sender).build_async().expect("the settings make sense"), receiver)
}

/// Writes over one key, all in one go.
fn write(cache: &AsyncCache<u32, u32>, number: u32) {
    (0..number).for_each(|value| cache.insert(1, value));
}

/// Receives all that was written over, in order.
async fn receive(mut receiver: RemovalReceiver<u32, u32>, number: u32) {
    for value in 0..number {
        let removal = receiver.recv().await.expect("it was sent");
        assert_eq!((removal.key, *removal.value, removal.cause), (1, value, RemovalCause::Replaced));
    }
}

#[test]
fn g15_on_a_current_thread_runtime_a_full_channel_grows() {
    in_time(|| {
        current_thread().block_on(async {
            let (cache, receiver) = scene(2);
            // One task, which could not receive while it writes.
            write(&cache, 5_000);
            assert_eq!(cache.metrics().unreported, 0, "all are in the channel");
            receive(receiver, 4_999).await;
            let (cache, receiver) = scene(2);
            // Two tasks of one thread.
            let received = tokio::spawn(receive(receiver, 4_999));
            write(&cache, 5_000);
            received.await.expect("no assertion failed");
        });
    });
}

#[test]
fn g15_a_local_set_counts_as_a_runtime_of_one_thread() {
    crate::hush::hush();
    in_time(|| {
        threads(2).block_on(async {
            let local = tokio::task::LocalSet::new();
            let tasks = local.run_until(async {
                let (cache, receiver) = scene(2);
                let received = tokio::task::spawn_local(receive(receiver, 99));
                tokio::task::spawn_local(async move { write(&cache, 100) }).await.expect("it doesn't panic");
                received.await.expect("no assertion failed");
            });
            tasks.await;
        });
    });
}

#[test]
fn g15_on_a_runtime_with_threads_a_full_channel_stops_its_sender_and_no_other_task() {
    in_time(|| {
        // With one thread, the sender's is the one that was to receive.
        for workers in [1, 4] {
            threads(workers).block_on(async {
                let (cache, mut receiver) = scene(2);
                let ahead = Arc::new(AtomicU32::new(0));
                let (own, count) = (cache.clone(), Arc::clone(&ahead));
                let writer = tokio::spawn(async move {
                    for value in 0..1_000 {
                        own.insert(1, value);
                        count.store(value, Ordering::SeqCst);
                    }
                });
                let received = tokio::spawn(async move {
                    for value in 0..999_u32 {
                        let removal = receiver.next().await.expect("it was sent");
                        assert_eq!(*removal.value, value);
                        assert!(ahead.load(Ordering::SeqCst) <= value + 4, "it was stopped");
                    }
                });
                writer.await.expect("it doesn't panic");
                received.await.expect("no assertion failed");
                at_rest(&cache.to_sync());
            });
        }
    });
}

#[test]
fn g15_threads_for_blocking_work_may_wait_for_a_task() {
    in_time(|| {
        threads(1).block_on(async {
            let (cache, receiver) = scene(2);
            let writer = tokio::task::spawn_blocking(move || write(&cache, 3_000));
            receive(receiver, 2_999).await;
            writer.await.expect("it doesn't panic");
        });
    });
}

/// A thread outside waits for room while the runtime's only thread writes, too: that one must not wait for the other.
fn writes_while_another_waits(runtime: &Runtime) {
    let (cache, receiver) = scene(2);
    let other = apart(&cache, |cache| write(&cache, 10));
    until("it has stopped", || cache.metrics().removals(RemovalCause::Replaced) == 3);
    runtime.block_on(async {
        let own = cache.clone();
        // It comes before the receiver, and writes more than may wait to be told.
        let writes = tokio::spawn(async move { write(&own, 4_000) });
        let received = tokio::spawn(receiver.take(4_009).count());
        writes.await.expect("it doesn't panic");
        assert_eq!(received.await.expect("it doesn't panic"), 4_009);
    });
    other.result();
    at_rest(&cache.to_sync());
}

#[test]
fn g15_a_current_thread_runtime_is_not_stopped_by_another_thread_that_waits() {
    in_time(|| writes_while_another_waits(&current_thread()));
}

#[test]
fn g15_a_runtime_s_last_thread_is_not_stopped_by_another_thread_that_waits() {
    in_time(|| writes_while_another_waits(&threads(1)));
}

/// Waits for what another thread is about to tell, on the only thread that receives.
fn settles_while_another_waits(runtime: &Runtime) {
    let (cache, receiver) = scene(2);
    let other = apart(&cache, |cache| write(&cache, 100));
    until("it has stopped", || cache.metrics().removals(RemovalCause::Replaced) == 3);
    runtime.block_on(async {
        let own = cache.clone();
        let settles = tokio::spawn(async move {
            own.settle().await;
            assert!(own.close().await);
        });
        let received = tokio::spawn(receiver.take(99).count());
        settles.await.expect("it doesn't panic");
        assert_eq!(received.await.expect("it doesn't panic"), 99);
    });
    other.result();
    at_rest(&cache.to_sync());
}

#[test]
fn g15_a_task_that_settles_or_closes_lets_a_current_thread_runtime_go_on() {
    in_time(|| settles_while_another_waits(&current_thread()));
}

#[test]
fn g15_a_task_that_settles_or_closes_lets_a_runtime_s_last_thread_go_on() {
    in_time(|| settles_while_another_waits(&threads(1)));
}

/// What expires while nobody calls is sent by a thread of the crate's own, which may wait.
#[test]
fn g15_what_expires_is_received_on_a_current_thread_runtime() {
    in_time(|| {
        current_thread().block_on(async {
            let (cache, receiver) = scene(2);
            (0..100).for_each(|key| cache.insert_with_ttl(key, key, Duration::from_millis(50)));
            let mut keys: Vec<_> = receiver.take(100).map(|removal| removal.key).collect().await;
            keys.sort_unstable();
            assert!(keys.into_iter().eq(0..100));
            at_rest(&cache.to_sync());
        });
    });
}
