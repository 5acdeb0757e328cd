//! G7: cycles are errors. A load that would wait for itself gets an error instead of hanging; no other load does.

mod at_once;
mod calls;
mod closures;
mod depth;
mod entries;
mod names;
mod own_key;
mod random;
mod rings;
mod subtasks;
mod unseen;

use bellwether::{AsyncCache, Cache, CacheBuilder, LoadError};
use futures::channel::oneshot;
use futures::executor::block_on;
use std::future::Future;
use std::sync::{Arc, OnceLock};

/// A cache that its own loader can find, once it is built.
type Found = Arc<OnceLock<Cache<u32, u32>>>;

/// A cache whose loader is a thread's, and is given the cache.
fn by_threads<F: crate::faces::Kind>(
    builder: CacheBuilder<u32, u32>,
    load: impl Fn(&Cache<u32, u32>, u32) -> Result<u32, LoadError> + Send + Sync + 'static,
) -> F::Of<u32, u32> {
    let found = Found::default();
    let own = Arc::clone(&found);
    found_by::<F>(&found, builder.loader_fn(move |&key: &u32| load(own.get().expect("it is built"), key)))
}

/// A cache whose loader is a task's, and is given the cache.
fn by_tasks<F: crate::faces::Kind, L: Future<Output = Result<u32, LoadError>> + Send + 'static>(
    builder: CacheBuilder<u32, u32>,
    load: impl Fn(AsyncCache<u32, u32>, u32) -> L + Send + Sync + 'static,
) -> F::Of<u32, u32> {
    let found = Found::default();
    let own = Arc::clone(&found);
    let builder = builder.async_loader_fn(move |key: u32| load(own.get().expect("it is built").to_async(), key));
    found_by::<F>(&found, builder)
}

fn found_by<F: crate::faces::Kind>(found: &Found, builder: CacheBuilder<u32, u32>) -> F::Of<u32, u32> {
    use crate::faces::Face;
    let face = F::Of::build(builder);
    assert!(found.set(face.sync()).is_ok(), "it is set once");
    face
}

/// Runs `future` on a thread of its own, wherever a loader is.
async fn elsewhere<R: Send + 'static>(future: impl Future<Output = R> + Send + 'static) -> R {
    let (send, receive) = oneshot::channel();
    std::thread::spawn(move || drop(send.send(block_on(future))));
    receive.await.expect("the thread doesn't panic")
}
