//! Rings by other calls than `fetch_with`: closures of a call's own, `refresh`, and async fetches that a thread waits for.

use crate::faces::{Face, Kind};
use crate::g07_cycles::{by_tasks, by_threads};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, LoadError, LoadErrorKind, Loaded};
use futures::executor::block_on;
use std::sync::Arc;

fn is_cycle<T: std::fmt::Debug>(result: Result<T, LoadError>) {
    assert_eq!(result.expect_err("it is a ring").kind(), LoadErrorKind::Cycle);
}

fn g7_a_closure_that_fetches_its_own_key_is_an_error<F: Kind>() {
    let face = F::Of::<u32, u32>::build(CacheBuilder::new());
    let cache = face.sync();
    let own = cache.clone();
    is_cycle(face.fetch_or_load(&1, move || Ok(Loaded::value(*own.fetch_with(&1)?))));
    let own = cache.clone();
    at_rest(&cache);
    is_cycle(face.fetch_or_load(&1, move || {
        let inner = own.clone();
        // Its key is another's, whose closure comes back to the first.
        let value = own.fetch_or_load(&2, move || Ok::<_, LoadError>(*inner.fetch_or_load(&1, || bellwether::ok(7))?))?;
        Ok(Loaded::value(*value))
    }));
    at_rest(&cache);
    assert_eq!(*face.fetch_or_load(&1, || Ok(Loaded::value(3))).expect("it asks for nothing"), 3);
    at_rest(&cache);
}

fn g7_a_task_s_closure_that_fetches_its_own_key_is_an_error<F: Kind>() {
    let face = F::Of::<u32, u32>::build(CacheBuilder::new());
    let tasks = face.sync().to_async();
    let own = tasks.clone();
    is_cycle(block_on(tasks.fetch_or_load(&1, || async move { own.fetch_with(&1).await.map(|value| *value) })));
    let own = tasks.clone();
    is_cycle(block_on(tasks.fetch_or_load(&1, || async move {
        let inner = own.clone();
        let back = async move { inner.fetch_or_load(&1, || async { bellwether::ok(7) }).await.map(|value| *value) };
        own.fetch_or_load(&2, || back).await.map(|value| *value)
    })));
    at_rest(&face.sync());
    assert_eq!(*block_on(tasks.fetch_or_load(&1, || async { bellwether::ok(3) })).expect("it asks for nothing"), 3);
    at_rest(&face.sync());
}

/// Through the loader of one key and the closure of another.
fn g7_a_ring_of_a_loader_and_a_closure_is_an_error<F: Kind>() {
    let threads = by_threads::<F>(CacheBuilder::new(), |cache, key| cache.fetch_with(&(key - 1)).map(|value| *value));
    let tasks = by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move { cache.fetch_with(&(key - 1)).await.map(|value| *value) });
    for face in [threads, tasks] {
        let own = face.sync();
        is_cycle(face.fetch_or_load(&1, move || Ok::<_, BoxError>(Loaded::value(*own.fetch_with(&3)?))));
        // Some loads may still be about to hear of it.
        at_rest(&face.sync());
        assert_eq!(*face.fetch_or_load(&1, || Ok(Loaded::value(5))).expect("it asks for nothing"), 5);
        assert_eq!(*face.fetch_with(&3).expect("the ring is gone"), 5);
        at_rest(&face.sync());
    }
}

fn g7_a_loader_that_refreshes_its_own_key_is_an_error<F: Kind>() {
    let threads = by_threads::<F>(CacheBuilder::new(), |cache, key| cache.refresh(&key).map(|value| *value));
    let tasks = by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move { cache.refresh(&key).await.map(|value| *value) });
    for face in [threads, tasks] {
        is_cycle(face.fetch_with(&1));
        at_rest(&face.sync());
        is_cycle(face.refresh(&1));
        at_rest(&face.sync());
        // Whatever is held: a refresh waits for its load.
        face.insert(1, 4);
        is_cycle(face.refresh(&1));
        assert_eq!(face.peek(&1).as_deref(), Some(&4), "a refresh that fails leaves the value");
        assert_eq!(at_rest(&face.sync()).loads_failed_by(LoadErrorKind::Cycle), 3);
    }
}

fn g7_a_ring_of_refreshes_is_an_error<F: Kind>() {
    let threads = by_threads::<F>(CacheBuilder::new(), |cache, key| cache.refresh(&((key + 1) % 3)).map(|value| *value));
    let tasks =
        by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move { cache.refresh(&((key + 1) % 3)).await.map(|value| *value) });
    for face in [threads, tasks] {
        (0..3).for_each(|key| face.insert(key, 4));
        is_cycle(face.refresh(&0));
        assert_eq!(face.len(), 3);
        at_rest(&face.sync());
    }
}

/// The value that is held is no ring: the loader asks, and doesn't wait.
fn g7_a_refresh_whose_loader_looks_at_the_value_held_is_no_ring<F: Kind>() {
    let threads = by_threads::<F>(CacheBuilder::new(), |cache, key| Ok(*cache.fetch_with(&key)? + 1));
    let tasks = by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move { Ok(*cache.fetch_with(&key).await? + 1) });
    for face in [threads, tasks] {
        face.insert(1, 4);
        assert_eq!(*face.refresh(&1).expect("the value is held"), 5);
        at_rest(&face.sync());
    }
}

/// A thread's loader that waits for an async fetch by any means of its own.
fn g7_an_async_fetch_that_a_loader_blocks_on_is_seen<F: Kind>() {
    let own_key = by_threads::<F>(CacheBuilder::new(), |cache, key| {
        let tasks = cache.to_async();
        patiently(async move { tasks.fetch_with(&key).await.map(|value| *value) })
    });
    let next_key = by_threads::<F>(CacheBuilder::new(), |cache, key| {
        let tasks = cache.to_async();
        patiently(async move { tasks.fetch_with(&((key + 1) % 5)).await.map(|value| *value) })
    });
    for face in [own_key, next_key] {
        is_cycle(face.fetch_with(&1));
        at_rest(&face.sync());
    }
}

/// As `block_on`, which can't be called inside another.
fn patiently<R>(future: impl Future<Output = R>) -> R {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut std::task::Context::from_waker(&waker)) {
            std::task::Poll::Ready(result) => return result,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

crate::on_every_face_in_time!(
    g7_a_closure_that_fetches_its_own_key_is_an_error,
    g7_a_task_s_closure_that_fetches_its_own_key_is_an_error,
    g7_a_ring_of_a_loader_and_a_closure_is_an_error,
    g7_a_loader_that_refreshes_its_own_key_is_an_error,
    g7_a_ring_of_refreshes_is_an_error,
    g7_a_refresh_whose_loader_looks_at_the_value_held_is_no_ring,
    g7_an_async_fetch_that_a_loader_blocks_on_is_seen,
);
