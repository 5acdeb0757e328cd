//! How a batch runs: as a task, on a thread that may block, or on the thread of the caller that missed.

use super::Batch;
use crate::core::launch::{let_go, poll_timer};
use crate::core::lead::{LoadGuard, panicked};
use crate::core::places::Chosen;
use crate::core::shared::CacheShared;
use crate::core::waiting::Nested;
use crate::ground::contain::{Panic, contain};
use crate::ground::pool::BoxFuture;
use crate::ground::sync::atomic::Ordering;
use crate::ground::waits::InLoad;
use crate::vocabulary::error::{BoxError, LoadError};
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loader::{AnyLoader, BlockingWork, DynLoader};
use crate::vocabulary::sink::LoadSink;
use futures::FutureExt;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Has the loader load what `guards` are to land, in one call, away from the caller. All of them begin now.
    pub(in crate::core) fn launch_batch(self: &Arc<Self>, mut guards: Vec<LoadGuard<K, V, S>>, chosen: Chosen) {
        // Some may have timed out, or been cancelled, while they waited for the others.
        guards.retain(|guard| !guard.flight.has_landed());
        if guards.is_empty() {
            return;
        }
        let Some(batch) = Batch::new(self, guards) else { return };
        // Perhaps nobody else keeps their time: not their place, if that never polls them, nor callers that have gone.
        batch.watch();
        match self.loader.clone() {
            Some(AnyLoader::Async(loader)) => {
                let timer = self.time_left_until(batch.crew.last_deadline()).and_then(|left| chosen.sleep(left));
                chosen.drive(Box::pin(fly(batch, loader, timer)));
            }
            Some(AnyLoader::Blocking(loader)) => {
                batch.otherwise(&LoadError::Overloaded);
                let job = move || {
                    batch.otherwise(&LoadError::Cancelled);
                    run_here(&batch, &*loader);
                };
                self.places.for_blocking(&self.process).run(Box::new(job));
            }
            None => batch.end(&Err(LoadError::NoLoader)),
        }
    }

    /// Loads in one call on this thread what `guards` are to land.
    pub(in crate::core) fn run_batch_here(self: &Arc<Self>, guards: Vec<LoadGuard<K, V, S>>, loader: &dyn BlockingWork<K, V>) {
        let Some(batch) = Batch::new(self, guards) else { return };
        // While this thread runs the load, whatever load it was working for waits.
        let nested = match Nested::on(&self.process, Arc::clone(&batch.crew) as _, Arc::new(|| {})) {
            Ok(nested) => nested,
            Err(cycle) => return batch.end(&Err(cycle)),
        };
        if self.traffic.is_idle_awaited() {
            batch.watch();
        }
        run_here(&batch, loader);
        drop(nested);
    }
}

fn run_here<K: Key, V: Value, S: Send + Sync + 'static>(batch: &Arc<Batch<K, V, S>>, loader: &dyn BlockingWork<K, V>) {
    if batch.crew.flights.iter().all(|flight| flight.has_landed()) {
        return; // They timed out or were cancelled before there was a thread: nobody would hear what it brings.
    }
    let load = batch.begins();
    let brought = contain(|| {
        let _in_load = InLoad::enter(Some(load));
        loader.work_many(&batch.keys(), LoadSink::new(Arc::clone(batch) as _)).map_err(LoadError::new)
    });
    batch.end(&brought.unwrap_or_else(|panic| Err(panicked(panic))));
}

/// A batch as a task: polls its call until that is done, or nobody wants anything of it any more.
async fn fly<K, V, S>(batch: Arc<Batch<K, V, S>>, loader: Arc<DynLoader<K, V>>, mut timer: Option<BoxFuture<'static, ()>>)
where
    K: Key,
    V: Value,
    S: Send + Sync + 'static,
{
    let batch = Ending(batch);
    let scope = batch.0.begins();
    let sink = LoadSink::new(Arc::clone(&batch.0) as _);
    let work = contain(|| batch.0.keys()).map(|keys| AssertUnwindSafe(call(loader, keys, sink)).catch_unwind());
    let mut work = pin!(match work {
        Ok(work) => Some(work),
        Err(panic) => return batch.0.end(&Err(panicked(panic))),
    });
    let mut front = 0;
    let brought = poll_fn(|cx| {
        if let Err(panic) = keep_time(&batch.0, &mut timer, cx) {
            return Poll::Ready(Some(Err(panic.0)));
        }
        if !batch.0.crew.is_wanted(&mut front, cx) {
            return Poll::Ready(None);
        }
        let _in_load = InLoad::enter(Some(Arc::clone(&scope)));
        work.as_mut().as_pin_mut().map_or(Poll::Pending, |work| work.poll(cx)).map(Some)
    });
    let brought = brought.await;
    let_go(&mut work, &scope);
    match brought {
        Some(Ok(brought)) => batch.0.end(&brought.map_err(LoadError::new)),
        Some(Err(payload)) => batch.0.end(&Err(panicked(Panic(payload)))),
        None => {} // Whoever stopped it has landed the flights.
    }
}

/// However its task ends, what it has not landed is given up then, though the loader may have kept the sink.
struct Ending<K: Key, V: Value, S: Send + Sync + 'static>(Arc<Batch<K, V, S>>);

impl<K: Key, V: Value, S: Send + Sync + 'static> Drop for Ending<K, V, S> {
    fn drop(&mut self) {
        self.0.crew.over.store(true, Ordering::Release);
        for guard in &self.0.guards {
            let guard = guard.lock().take();
            drop(guard);
        }
        self.0.give_permit_back();
    }
}

async fn call<K: Key, V: Value>(loader: Arc<DynLoader<K, V>>, keys: Vec<K>, sink: LoadSink<K, V>) -> Result<(), BoxError> {
    loader.load_many(&keys, sink).await
}

/// Ends what its place's own timer says is over.
fn keep_time<K: Key, V: Value, S: Send + Sync + 'static>(
    batch: &Batch<K, V, S>,
    timer: &mut Option<BoxFuture<'static, ()>>,
    cx: &mut Context<'_>,
) -> Result<(), Panic> {
    if poll_timer(timer, cx)?.is_ready() {
        batch.crew.time_out(&batch.shared);
    }
    Ok(())
}
