//! Waiting: one caller's wait for a flight, as a thread or as a task. What it costs is counted, and what it holds up is seen.

use super::counters::Time;
use super::places::{IfRefused, blocking};
use super::shared::CacheShared;
use crate::ground::park::Parker;
use crate::ground::pool::Away;
use crate::ground::process::Process;
use crate::ground::time::Tick;
use crate::ground::waits::{self, Load};
use crate::mechanisms::flight::{Flight, Landing, Standing, Waiter};
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Value};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// One caller's wait. Dropping it leaves the flight.
pub(crate) struct Waiting<'a, K, V, S> {
    shared: &'a Arc<CacheShared<K, V, S>>,
    /// There until this is dropped.
    waiter: Option<Waiter<K, V>>,
    since: Tick,
    /// Where it is a load that waits.
    nested: Option<Nested>,
}

/// A load's wait for a flight, while it is booked.
struct Nested {
    process: Arc<Process>,
    load: Arc<Load>,
    /// The number of what it waits for.
    on: u64,
    _away: Option<Away>,
}

impl Drop for Nested {
    fn drop(&mut self) {
        self.process.waits.resume(&self.load, self.on);
    }
}

impl<'a, K, V, S> Waiting<'a, K, V, S> {
    pub(super) fn new(shared: &'a Arc<CacheShared<K, V, S>>, waiter: Waiter<K, V>) -> Self {
        Self { shared, waiter: Some(waiter), since: shared.clock.now(), nested: None }
    }

    fn waiter(&mut self) -> &mut Waiter<K, V> {
        self.waiter.as_mut().expect("it is taken out only by `drop`")
    }

    pub(crate) fn flight(&self) -> &Arc<Flight<K, V>> {
        self.waiter.as_ref().expect("it is taken out only by `drop`").flight()
    }
}

impl<K, V, S> Drop for Waiting<'_, K, V, S> {
    fn drop(&mut self) {
        // No wait any more, before anybody hears of it.
        self.nested = None;
        let waited = self.shared.clock.now().since(self.since);
        self.shared.counters.spent(Time::Wait, waited);
        let flight = Arc::clone(self.flight());
        self.waiter = None;
        self.shared.left(&flight);
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Waiting<'_, K, V, S> {
    /// The landing, or the promise to wake `cx` when it comes.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<Landing<V>> {
        if let Poll::Ready(landing) = self.waiter().poll(cx) {
            return Poll::Ready(landing);
        }
        if let Err(cycle) = self.be_seen() {
            return Poll::Ready(refused(cycle));
        }
        self.shared.watch(self.flight());
        Poll::Pending
    }

    /// Makes a wait inside a load visible: one that closes a ring is refused, and one for a permit needn't be waited for.
    pub(super) fn be_seen(&mut self) -> Result<(), LoadError> {
        if self.nested.is_some() {
            return Ok(());
        }
        let Some(load) = waits::current() else { return Ok(()) };
        let flight = Arc::clone(self.flight());
        let process = Arc::clone(&self.shared.process);
        let on = flight.serial();
        if let Err(ring) = process.waits.wait(&load, Arc::clone(&flight) as _) {
            let caches = ring.0.into_iter().map(|name| name.unwrap_or_else(|| Arc::from("unnamed")));
            return Err(LoadError::Cycle { caches: caches.collect() });
        }
        let _away = process.pool.away();
        self.nested = Some(Nested { process, load, on, _away });
        if !flight.has_begun() {
            self.shared.hurry(&flight);
        }
        Ok(())
    }

    /// Blocks until the flight lands.
    ///
    /// # Panics
    /// On the only thread of a tokio runtime.
    pub(crate) fn block(mut self) -> Landing<V> {
        if let Poll::Ready(landing) = self.waiter().poll(&Context::from_waker(Waker::noop())) {
            return landing;
        }
        let (parker, waker) = Parker::new();
        match self.park_until(&parker, &waker, || None::<std::convert::Infallible>) {
            Err(landing) => landing,
            Ok(never) => match never {},
        }
    }

    /// Blocks until the load of this very caller may begin. Gives the landing if the flight lands instead: timed out, or answered by an insert.
    pub(super) fn block_until_begun(&mut self) -> Option<Landing<V>> {
        let flight = Arc::clone(self.flight());
        let (parker, waker) = Parker::new();
        let wake = waker.clone();
        flight.when_begun(Box::new(move || wake.wake()));
        self.park_until(&parker, &waker, || flight.has_begun().then_some(())).err()
    }

    /// Parks until the flight lands or `done` gives something, and keeps the load's time.
    fn park_until<T>(&mut self, parker: &Parker, waker: &Waker, done: impl Fn() -> Option<T>) -> Result<T, Landing<V>> {
        if let Err(cycle) = self.be_seen() {
            return Err(refused(cycle));
        }
        let cx = Context::from_waker(waker);
        blocking(IfRefused::Panic, || {
            loop {
                if let Poll::Ready(landing) = self.waiter().poll(&cx) {
                    return Err(landing);
                }
                if let Some(done) = done() {
                    return Ok(done);
                }
                self.park(parker);
            }
        })
    }

    /// Sleeps until woken or until the load's time is over, which then ends the flight.
    fn park(&self, parker: &Parker) {
        let flight = self.flight();
        if self.shared.clock.mock().is_some() {
            self.shared.watch(flight);
            return parker.park();
        }
        match flight.deadline().left_at(self.shared.clock.now()) {
            None => parker.park(),
            Some(Duration::ZERO) => {
                self.shared.time_out(flight);
                // Landed by now, or about to be by a load that came in time: either wakes this thread.
                parker.park();
            }
            Some(left) => parker.park_for(left),
        }
    }
}

/// What a caller gets that can't wait.
fn refused<V>(error: LoadError) -> Landing<V> {
    Landing { result: Err(error), standing: Standing::Held }
}
