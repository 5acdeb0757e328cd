//! Fetching from a thread: it runs a blocking load itself, and parks for every other.

use super::fetch::{Asked, Lead, Look, MayLead, Request};
use super::launch::run_here;
use super::lead::Brought;
use super::places::{Caller, IfRefused, blocking};
use super::shared::CacheShared;
use crate::ground::park::Parker;
use crate::mechanisms::flight::{Landing, Turn, Waiter};
use crate::shard::Rule;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::fetched::{Fetched, Source};
use crate::vocabulary::keys::{Key, LoadKey, Value};
use crate::vocabulary::loader::AnyLoader;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a thread that leads loads by.
pub(crate) enum Means<F> {
    /// The cache's loader.
    Loader,
    /// A closure given to the call, until it is used.
    Own(Option<F>),
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// Fetches, waiting as long as it takes.
    #[inline]
    pub(crate) fn fetch_blocking<Q, F>(self: &Arc<Self>, key: &Q, rule: Rule, means: Means<F>) -> Result<Fetched<V>, LoadError>
    where
        Q: LoadKey<K> + ?Sized,
        F: FnOnce() -> Brought<V>,
    {
        match self.ask(key, Request { rule, lead: self.lead_by(&means), look: Look::First }) {
            Asked::Hit(value) => Ok(Fetched { value, source: Source::Hit }),
            missed => self.fetch_missed(key, rule, means, missed),
        }
    }

    /// Loads or waits, and looks again once where the load failed after a write had overtaken it.
    #[cold]
    fn fetch_missed<Q, F>(
        self: &Arc<Self>,
        key: &Q,
        rule: Rule,
        mut means: Means<F>,
        mut asked: Asked<K, V, S>,
    ) -> Result<Fetched<V>, LoadError>
    where
        Q: LoadKey<K> + ?Sized,
        F: FnOnce() -> Brought<V>,
    {
        let mut look = Look::First;
        let mut overtaken = LoadError::NoLoader;
        loop {
            let (landing, source) = match asked {
                Asked::Hit(value) => return Ok(Fetched { value, source: Source::Hit }),
                Asked::Nothing => return Err(overtaken),
                Asked::Joined(waiter) => (self.wait(waiter), Source::Joined),
                Asked::Led(lead) => (self.lead(lead, &mut means), Source::Loaded),
            };
            let again = look == Look::First && landing.asks_for_another_look();
            match landing.result {
                Err(error) if again => (look, overtaken) = (Look::Again, error),
                result => return result.map(|value| Fetched { value, source }),
            }
            asked = self.ask(key, Request { rule, lead: self.lead_by(&means), look });
        }
    }

    fn lead_by<F>(&self, means: &Means<F>) -> MayLead {
        match means {
            Means::Loader => self.may_lead(),
            Means::Own(Some(_)) => MayLead::Yes,
            Means::Own(None) => MayLead::No,
        }
    }

    /// Leads: runs a blocking load on this thread, has an async one run elsewhere.
    fn lead<F: FnOnce() -> Brought<V>>(self: &Arc<Self>, lead: Lead<K, V, S>, means: &mut Means<F>) -> Landing<V> {
        let own = match means {
            Means::Own(own) => own.take(),
            Means::Loader => None,
        };
        match (own, &self.loader) {
            (Some(load), _) => self.lead_here(lead, |_, _| load()),
            (None, Some(AnyLoader::Blocking(loader))) => {
                self.lead_here(lead, |key, current| loader.work(key, current).map_err(LoadError::new))
            }
            (None, Some(AnyLoader::Async(_)) | None) => {
                let waiter = self.launch(lead, Caller::Thread);
                self.wait(waiter)
            }
        }
    }

    fn lead_here(self: &Arc<Self>, lead: Lead<K, V, S>, work: impl FnOnce(&K, Option<Arc<V>>) -> Brought<V>) -> Landing<V> {
        let Lead { mut waiter, guard, turn } = lead;
        if turn == Turn::Later {
            if let Some(landing) = self.wait_for_turn(&mut waiter) {
                return landing;
            }
        }
        blocking(IfRefused::Go, || run_here(guard, |flight, current| work(flight.key(), current)));
        self.wait(waiter)
    }

    /// Waits until a flight that was put off may begin; if it ends before, with its landing.
    fn wait_for_turn(self: &Arc<Self>, waiter: &mut Waiter<K, V>) -> Option<Landing<V>> {
        let flight = Arc::clone(waiter.flight());
        let (parker, waker) = Parker::new();
        let wake = waker.clone();
        flight.when_begun(Box::new(move || wake.wake()));
        let mut cx = Context::from_waker(&waker);
        let begun = || flight.has_begun().then_some(());
        blocking(IfRefused::Panic, || self.park_until(&parker, waiter, &mut cx, begun)).err()
    }

    /// Waits for a flight to land.
    fn wait(self: &Arc<Self>, mut waiter: Waiter<K, V>) -> Landing<V> {
        if let Poll::Ready(landing) = waiter.poll(&Context::from_waker(std::task::Waker::noop())) {
            return landing;
        }
        let (parker, waker) = Parker::new();
        let mut cx = Context::from_waker(&waker);
        let landed = blocking(IfRefused::Panic, || self.park_until(&parker, &mut waiter, &mut cx, || None::<std::convert::Infallible>));
        match landed {
            Err(landing) => landing,
            Ok(never) => match never {},
        }
    }

    /// Parks until `done` says something or the flight lands. A thread keeps its flight's time itself.
    fn park_until<T>(
        self: &Arc<Self>,
        parker: &Parker,
        waiter: &mut Waiter<K, V>,
        cx: &mut Context<'_>,
        done: impl Fn() -> Option<T>,
    ) -> Result<T, Landing<V>> {
        loop {
            if let Poll::Ready(landing) = waiter.poll(cx) {
                return Err(landing);
            }
            if let Some(done) = done() {
                return Ok(done);
            }
            let flight = Arc::clone(waiter.flight());
            if self.clock.mock().is_some() {
                self.watch(&flight);
                parker.park();
                continue;
            }
            match flight.deadline().left_at(self.clock.now()) {
                None => parker.park(),
                Some(Duration::ZERO) => {
                    self.time_out(&flight);
                    // Landed by now, or about to be by a load that came in time: either wakes this thread.
                    parker.park();
                }
                Some(left) => parker.park_for(left),
            }
        }
    }
}
