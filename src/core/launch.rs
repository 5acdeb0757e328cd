//! Launching: a load runs as a task of its own, so that no caller's fate is its own.

use super::lead::{Brought, LoadGuard, panicked};
use super::places::{Caller, Chosen};
use super::shared::CacheShared;
use crate::ground::contain::{Panic, contain, drop_contained};
use crate::ground::pool::BoxFuture;
use crate::ground::waits::{self, InLoad};
use crate::mechanisms::flight::{Flight, Kind, Turn};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loader::{AnyLoader, BlockingWork, DynLoader};
use futures::FutureExt;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Has the cache's loader load, away from the caller.
    pub(crate) fn launch(self: &Arc<Self>, guard: LoadGuard<K, V, S>, turn: Turn, caller: Caller) {
        let place = self.place_for(caller);
        self.launch_in(guard, turn, Some(place));
    }

    /// Where an async load runs that `caller` asked for.
    pub(crate) fn place_for(&self, caller: Caller) -> Chosen {
        self.places.for_async(caller, &self.process)
    }

    /// As [`launch`](Self::launch), with the place for an async loader chosen.
    pub(super) fn launch_in(self: &Arc<Self>, guard: LoadGuard<K, V, S>, turn: Turn, place: Option<Chosen>) {
        if let Some(window) = self.window.as_ref().filter(|_| turn == Turn::Gathered) {
            return self.hold_back(window, guard, place.unwrap_or_else(|| self.place_for(Caller::Thread)));
        }
        match self.loader.clone() {
            Some(AnyLoader::Async(loader)) => {
                let flight = Arc::clone(&guard.flight);
                let place = place.unwrap_or_else(|| self.place_for(Caller::Thread));
                self.launch_async(guard, turn, |current| ask(loader, flight, current), place);
            }
            Some(AnyLoader::Blocking(loader)) => self.launch_blocking(guard, turn, loader),
            None => guard.land(Err(LoadError::NoLoader)),
        }
    }

    /// Runs what `work` makes as the load, as a task. It is given the value that is held when the load begins.
    pub(crate) fn launch_async<F: Future<Output = Brought<V>> + Send + 'static>(
        self: &Arc<Self>,
        mut guard: LoadGuard<K, V, S>,
        turn: Turn,
        work: impl FnOnce(Option<Arc<V>>) -> F + Send + 'static,
        chosen: Chosen,
    ) {
        let flight = Arc::clone(&guard.flight);
        self.begin(&flight, turn, move || {
            guard.look_again(turn);
            let work = work(guard.current());
            let timer = guard.shared.time_left(&guard.flight).and_then(|left| chosen.sleep(left));
            chosen.drive(Box::pin(fly(Load { work: Some(work), guard, timer })));
        });
        if flight.kind() == Kind::Refresh || self.traffic.is_idle_awaited() {
            // Perhaps nobody else keeps this load's time: not its place, if that never polls it, nor its caller, if that has gone.
            self.watch(&flight);
        }
    }

    fn launch_blocking(self: &Arc<Self>, mut guard: LoadGuard<K, V, S>, turn: Turn, loader: Arc<dyn BlockingWork<K, V>>) {
        let chosen = self.places.for_blocking(&self.process);
        let flight = Arc::clone(&guard.flight);
        // A job that is dropped before it runs had no thread.
        guard.otherwise(LoadError::Overloaded);
        let job = move || {
            guard.otherwise(LoadError::Cancelled);
            guard.look_again(turn);
            run_here(guard, |flight, current| loader.work(flight.key(), current).map_err(LoadError::new));
        };
        self.begin(&flight, turn, move || chosen.run(Box::new(job)));
        self.watch(&flight);
    }

    /// Starts a load now or, where too many of its key or of the cache are in the air, when its turn comes.
    fn begin(&self, flight: &Arc<Flight<K, V>>, turn: Turn, start: impl FnOnce() + Send + 'static) {
        match turn {
            Turn::Now => start(),
            Turn::Later | Turn::Gathered => flight.when_begun(Box::new(start)),
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

/// A load that is to run as a task. If it never does, its parts go in this order: what it holds, and then its permit.
struct Load<K: Key, V: Value, S: Send + Sync + 'static, F> {
    work: Option<F>,
    timer: Option<BoxFuture<'static, ()>>,
    guard: LoadGuard<K, V, S>,
}

/// A load as a task: polls its work until it is done, its time is over, or nobody wants it any more.
async fn fly<K, V, S>(mut load: Load<K, V, S, impl Future<Output = Brought<V>> + Send>)
where
    K: Key,
    V: Value,
    S: Send + Sync + 'static,
{
    let (shared, flight) = (Arc::clone(&load.guard.shared), Arc::clone(&load.guard.flight));
    let scope = load.guard.begins();
    let mut work = pin!(load.work.take().map(|work| AssertUnwindSafe(work).catch_unwind()));
    let brought = poll_fn(|cx| {
        // From its first poll on: a load that is never polled keeps no time.
        flight.keeps_time(load.timer.is_some());
        match poll_timer(&mut load.timer, cx) {
            Ok(Poll::Ready(())) => {
                shared.time_out(&flight);
            }
            Ok(Poll::Pending) => {}
            Err(panic) => return Poll::Ready(Some(Err(panic.0))),
        }
        // Asked first: a load whose time is over isn't worth another poll.
        if flight.poll_stop(cx).is_ready() {
            return Poll::Ready(None);
        }
        let polled = {
            let _in_load = InLoad::enter(Some(Arc::clone(&scope)));
            work.as_mut().as_pin_mut().map_or(Poll::Pending, |work| work.poll(cx))
        };
        if polled.is_pending() {
            shared.watch(&flight);
        }
        polled.map(Some)
    });
    let brought = brought.await;
    let_go(&mut work, &scope);
    match brought {
        Some(Ok(brought)) => load.guard.land(brought),
        Some(Err(payload)) => load.guard.land(Err(panicked(Panic(payload)))),
        None => drop(load.guard), // Whoever stopped it has landed the flight.
    }
}

/// Lets go of what a load has done its work with, before it is over for the others: what that holds goes while the load has its permit.
pub(super) fn let_go<F>(work: &mut Pin<&mut Option<F>>, load: &Arc<waits::Load>) {
    let dropped = contain(|| {
        let _in_load = InLoad::enter(Some(Arc::clone(load)));
        work.set(None);
    });
    if let Err(panic) = dropped {
        panic.forget();
    }
}

/// Polls a place's own timer, which is user code. One that has rung, or has panicked, is gone.
pub(super) fn poll_timer(timer: &mut Option<BoxFuture<'static, ()>>, cx: &mut Context<'_>) -> Result<Poll<()>, Panic> {
    let Some(ringing) = timer else { return Ok(Poll::Pending) };
    let polled = contain(|| ringing.as_mut().poll(cx));
    if !matches!(polled, Ok(Poll::Pending)) {
        drop_contained(timer.take());
    }
    polled
}

/// A load on this thread.
pub(super) fn run_here<K: Key, V: Value, S: Send + Sync + 'static>(
    guard: LoadGuard<K, V, S>,
    work: impl FnOnce(&Flight<K, V>, Option<Arc<V>>) -> Brought<V>,
) {
    if guard.flight.has_landed() {
        return; // It timed out or was cancelled before its turn came: nobody would hear what it brings.
    }
    let load = guard.begins();
    let brought = contain(|| {
        let _in_load = InLoad::enter(Some(load));
        work(&guard.flight, guard.current())
    });
    guard.land(brought.unwrap_or_else(|panic| Err(panicked(panic))));
}
