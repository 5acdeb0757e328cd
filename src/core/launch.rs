//! Launching: a load runs as a task of its own, so that no caller's fate is its own.

use super::fetch::Lead;
use super::lead::{Brought, LoadGuard, panicked};
use super::places::{Caller, Chosen};
use super::shared::CacheShared;
use crate::ground::contain::{Panic, contain};
use crate::mechanisms::flight::{Flight, Turn, Waiter};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loader::{AnyLoader, BlockingWork, DynLoader};
use futures::FutureExt;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Has the cache's loader load, away from the caller.
    pub(crate) fn launch(self: &Arc<Self>, lead: Lead<K, V, S>, caller: Caller) -> Waiter<K, V> {
        match self.loader.clone() {
            Some(AnyLoader::Async(loader)) => {
                let work = ask(loader, Arc::clone(&lead.guard.flight), lead.guard.current.clone());
                self.launch_async(lead, work, caller)
            }
            Some(AnyLoader::Blocking(loader)) => self.launch_blocking(lead, loader),
            None => {
                lead.guard.land(Err(LoadError::NoLoader));
                lead.waiter
            }
        }
    }

    /// Runs `work` as the load, as a task.
    pub(crate) fn launch_async(
        self: &Arc<Self>,
        lead: Lead<K, V, S>,
        work: impl Future<Output = Brought<V>> + Send + 'static,
        caller: Caller,
    ) -> Waiter<K, V> {
        let Lead { waiter, guard, turn } = lead;
        let chosen = self.places.for_async(caller, &self.process);
        self.begin(waiter.flight(), turn, move || chosen.drive(Box::pin(fly(guard, work))));
        waiter
    }

    fn launch_blocking(self: &Arc<Self>, lead: Lead<K, V, S>, loader: Arc<dyn BlockingWork<K, V>>) -> Waiter<K, V> {
        let Lead { waiter, mut guard, turn } = lead;
        let chosen: Chosen = self.places.for_blocking(&self.process);
        // A job that is dropped before it runs had no thread.
        guard.otherwise(LoadError::Overloaded);
        let job = move || {
            guard.otherwise(LoadError::Cancelled);
            run_here(guard, |flight, current| loader.work(flight.key(), current).map_err(LoadError::new));
        };
        self.begin(waiter.flight(), turn, move || chosen.run(Box::new(job)));
        self.watch(waiter.flight());
        waiter
    }

    /// Starts a load now or, where too many of its key are in the air, when its turn comes.
    fn begin(&self, flight: &Arc<Flight<K, V>>, turn: Turn, start: impl FnOnce() + Send + 'static) {
        match turn {
            Turn::Now => start(),
            Turn::Later => flight.when_begun(Box::new(start)),
        }
    }
}

/// Asks the loader for a value, or for a newer one than `current`.
async fn ask<K: Key, V: Value>(loader: Arc<DynLoader<K, V>>, flight: Arc<Flight<K, V>>, current: Option<Arc<V>>) -> Brought<V> {
    match current {
        Some(current) => loader.reload(flight.key(), current).await,
        None => loader.load(flight.key()).await,
    }
    .map_err(LoadError::new)
}

/// A load as a task: polls `work` until it is done or its time is over.
async fn fly<K, V, S>(guard: LoadGuard<K, V, S>, work: impl Future<Output = Brought<V>> + Send)
where
    K: Key,
    V: Value,
    S: Send + Sync + 'static,
{
    let (shared, flight) = (Arc::clone(&guard.shared), Arc::clone(&guard.flight));
    let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
    let brought = poll_fn(|cx| {
        let limited = !flight.deadline().is_never();
        // Asked first: a load whose time is over isn't worth another poll.
        if limited && flight.poll_stop(cx).is_ready() {
            return Poll::Ready(None);
        }
        let polled = work.as_mut().poll(cx);
        if limited && polled.is_pending() {
            shared.watch(&flight);
        }
        polled.map(Some)
    });
    match brought.await {
        Some(Ok(brought)) => guard.land(brought),
        Some(Err(payload)) => guard.land(Err(panicked(Panic(payload)))),
        None => drop(guard), // Timed out: whoever noticed has landed it.
    }
}

/// A load on this thread.
pub(super) fn run_here<K: Key, V: Value, S: Send + Sync + 'static>(
    guard: LoadGuard<K, V, S>,
    work: impl FnOnce(&Flight<K, V>, Option<Arc<V>>) -> Brought<V>,
) {
    if guard.flight.has_landed() {
        return; // It timed out before its turn came: nobody would hear what it brings.
    }
    let brought = contain(|| work(&guard.flight, guard.current.clone())).unwrap_or_else(|panic| Err(panicked(panic)));
    guard.land(brought);
}
