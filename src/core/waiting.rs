//! Waiting: one caller's wait for a flight, as a thread or as a task. What it costs is counted, and what it holds up is seen.

use super::counters::Time;
use super::places::{IfRefused, blocking};
use super::shared::CacheShared;
use super::timeout::WakeUp;
use crate::ground::park::Parker;
use crate::ground::pool::Away;
use crate::ground::process::Process;
use crate::ground::time::{Deadline, Tick};
use crate::ground::waits::{self, Awaited, Hurry, Load};
use crate::mechanisms::flight::{Flight, Landing, Standing, Waiter};
use crate::shard::Fallback;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::fetched::{Fetched, Source, StaleReason};
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
    /// The number that a strike of a tag had by then, at most.
    stamp: u64,
    /// Where it is a load that waits.
    nested: Option<Nested>,
    /// Where a job on the pool awaits it, and so holds its thread.
    away: Option<Away>,
    /// A value that may be had if the load comes to nothing, or takes too long.
    fallback: Option<Fallback<V>>,
    /// When it has taken too long for one who has a value in hand.
    slow: WakeUp,
    /// That value, once it has.
    settled_for: Option<Fetched<V>>,
}

/// A load's wait for a flight, while it is booked.
pub(crate) struct Nested {
    process: Arc<Process>,
    load: Arc<Load>,
    /// The number of what it waits for.
    on: u64,
}

impl Drop for Nested {
    fn drop(&mut self) {
        self.process.waits.resume(&self.load, self.on);
    }
}

impl Nested {
    /// Makes visible that the load of this thread, if there is one, waits for `flight`. What a load waits for that must not wait for a permit
    /// begins.
    ///
    /// # Errors
    /// If it would wait for itself.
    pub(super) fn book<K: Key, V: Value, S: Send + Sync + 'static>(
        shared: &Arc<CacheShared<K, V, S>>,
        flight: &Arc<Flight<K, V>>,
    ) -> Result<Option<Self>, LoadError> {
        if waits::current().is_none() {
            return Ok(None);
        }
        let hurry = {
            let (shared, flight) = (Arc::downgrade(shared), Arc::clone(flight));
            move || {
                if let Some(shared) = shared.upgrade() {
                    shared.hurry(&flight);
                }
            }
        };
        Self::on(&shared.process, Arc::clone(flight) as _, Arc::new(hurry))
    }

    /// As [`book`](Self::book), for anything that a load may wait for, with what has it begin without a permit.
    ///
    /// # Errors
    /// If it would wait for itself.
    pub(super) fn on(process: &Arc<Process>, awaited: Arc<dyn Awaited>, hurry: Hurry) -> Result<Option<Self>, LoadError> {
        let Some(load) = waits::current() else { return Ok(None) };
        let (process, on) = (Arc::clone(process), awaited.serial());
        let hurries = process.waits.wait(&load, awaited, hurry).map_err(|ring| {
            let caches = ring.0.into_iter().map(|name| name.unwrap_or_else(|| Arc::from("unnamed")));
            LoadError::Cycle { caches: caches.collect() }
        })?;
        let nested = Self { process, load, on };
        hurries.iter().for_each(|hurry| hurry());
        Ok(Some(nested))
    }
}

impl<'a, K, V, S> Waiting<'a, K, V, S> {
    pub(super) fn new(shared: &'a Arc<CacheShared<K, V, S>>, waiter: Waiter<K, V>, fallback: Option<Fallback<V>>) -> Self {
        let since = shared.clock.now();
        let patience = if fallback.is_some() { shared.settings.soft_timeout } else { Duration::MAX };
        let slow = WakeUp::new(Deadline::after(since, patience));
        let stamp = shared.tags.now();
        Self { shared, waiter: Some(waiter), since, stamp, nested: None, away: None, fallback, slow, settled_for: None }
    }

    pub(super) fn has_fallback(&self) -> bool {
        self.fallback.is_some()
    }

    /// The value in hand, if it may still be shown.
    pub(super) fn instead(&self, why: StaleReason) -> Option<Fetched<V>> {
        self.fallback.as_ref().and_then(|fallback| fallback.instead(why, &self.shared.clock))
    }

    /// What the caller gets who has waited until `landing`: what the load brought, else the value in hand.
    pub(crate) fn fetched(&self, landing: Landing<V>, source: Source) -> Result<Fetched<V>, LoadError> {
        match (landing.result, &self.settled_for) {
            (Ok(value), _) => Ok(Fetched { value, source }),
            (Err(_), Some(settled_for)) => Ok(settled_for.clone()),
            (Err(absent), None) if absent.is_absent() => Err(absent),
            (Err(error), None) => self.instead(StaleReason::LoadFailed).ok_or(error),
        }
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
        (self.nested, self.away) = (None, None);
        self.slow.call_off(self.shared);
        let waited = self.shared.clock.now().since(self.since);
        self.shared.counters.spent(Time::Wait, waited);
        let Some(waiter) = self.waiter.take() else { return };
        let flight = Arc::clone(waiter.flight());
        if !waiter.leave() {
            // Who has settled for an older value wants the load to go on.
            return if self.settled_for.is_none() {
                self.shared.left(&flight)
            };
        }
        // By now it has gone on to the flight in this one's place, if it was to.
        if let Some(successor) = flight.arrive() {
            self.shared.left(successor);
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Waiting<'_, K, V, S> {
    /// The landing, or the promise to wake `cx` when it comes.
    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<Landing<V>> {
        if let Poll::Ready(landing) = self.look(cx) {
            return Poll::Ready(landing);
        }
        if let Err(cycle) = self.be_seen() {
            return Poll::Ready(refused(cycle));
        }
        if self.away.is_none() && self.nested.is_some() {
            self.away = self.shared.process.pool.pending();
        }
        self.shared.watch(self.flight());
        match self.slow.poll(self.shared, cx) {
            Poll::Ready(()) if self.may_give_up() => Poll::Ready(self.too_slow()),
            Poll::Ready(()) | Poll::Pending => Poll::Pending,
        }
    }

    /// The landing as this one gets it. Who came after a tag of what was loaded had been struck wants nothing that is older than that.
    fn look(&mut self, cx: &Context<'_>) -> Poll<Landing<V>> {
        let came = self.stamp;
        self.waiter().poll(cx).map(|landing| match landing.standing {
            Standing::Struck { by } if by <= came => Landing { result: Err(LoadError::Cancelled), standing: Standing::Vacated },
            _ => landing,
        })
    }

    /// Whether one who has waited long enough still has a value in hand. If it is over by now, he waits on like everybody else.
    fn may_give_up(&mut self) -> bool {
        self.settled_for = self.instead(StaleReason::LoadSlow);
        if self.settled_for.is_none() {
            self.slow.call_off(self.shared);
            self.slow = WakeUp::new(Deadline::NEVER);
        }
        self.settled_for.is_some()
    }

    /// What one gets who waits no longer.
    fn too_slow(&self) -> Landing<V> {
        Landing { result: Err(LoadError::TimedOut { after: self.shared.settings.soft_timeout }), standing: Standing::Slow }
    }

    /// Makes a wait inside a load visible.
    ///
    /// # Errors
    /// If the load would wait for itself.
    pub(super) fn be_seen(&mut self) -> Result<(), LoadError> {
        if self.nested.is_none() {
            self.nested = Nested::book(self.shared, self.flight())?;
        }
        Ok(())
    }

    /// Blocks until the flight lands.
    ///
    /// # Panics
    /// On the only thread of a tokio runtime.
    pub(crate) fn block(&mut self) -> Landing<V> {
        self.block_in(IfRefused::Panic)
    }

    /// As [`block`](Self::block), where a runtime may refuse it.
    pub(super) fn block_in(&mut self, if_refused: IfRefused) -> Landing<V> {
        if let Poll::Ready(landing) = self.look(&Context::from_waker(Waker::noop())) {
            return landing;
        }
        let (parker, waker) = Parker::new();
        match self.park_until(&parker, &waker, if_refused, || None::<std::convert::Infallible>) {
            Err(landing) => landing,
            Ok(never) => match never {},
        }
    }

    /// Blocks until the load of this very caller may begin. Gives the landing if the flight lands instead: timed out, or answered by an insert.
    pub(super) fn block_until_begun(&mut self) -> Option<Landing<V>> {
        // Whoever is to run the load waits for his turn.
        self.slow = WakeUp::new(Deadline::NEVER);
        let flight = Arc::clone(self.flight());
        let (parker, waker) = Parker::new();
        let wake = waker.clone();
        flight.when_begun(Box::new(move || wake.wake()));
        self.park_until(&parker, &waker, IfRefused::Panic, || flight.has_begun().then_some(())).err()
    }

    /// Parks until the flight lands or `done` gives something, and keeps the load's time.
    fn park_until<T>(
        &mut self,
        parker: &Parker,
        waker: &Waker,
        if_refused: IfRefused,
        done: impl Fn() -> Option<T>,
    ) -> Result<T, Landing<V>> {
        if let Err(cycle) = self.be_seen() {
            return Err(refused(cycle));
        }
        let cx = Context::from_waker(waker);
        let _away = self.shared.process.pool.parked();
        blocking(if_refused, || {
            loop {
                if let Poll::Ready(landing) = self.look(&cx) {
                    return Err(landing);
                }
                if let Some(done) = done() {
                    return Ok(done);
                }
                if self.is_too_slow(&cx) && self.may_give_up() {
                    return Err(self.too_slow());
                }
                self.park(parker);
            }
        })
    }

    /// Whether this thread has waited long enough. It keeps the time itself, but for a mock clock's.
    fn is_too_slow(&mut self, cx: &Context<'_>) -> bool {
        match self.shared.clock.mock() {
            Some(_) => self.slow.poll(self.shared, cx).is_ready(),
            None => self.shared.clock.has_passed(self.slow.at()),
        }
    }

    /// Sleeps until woken, until this thread has waited long enough, or until the load's time is over, which then ends the flight.
    fn park(&self, parker: &Parker) {
        let flight = self.flight();
        if self.shared.clock.mock().is_some() {
            self.shared.watch(flight);
            return parker.park();
        }
        let now = self.shared.clock.now();
        match flight.deadline().min(self.slow.at()).left_at(now) {
            None => parker.park(),
            Some(Duration::ZERO) if !flight.deadline().has_passed_at(now) => {}
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
