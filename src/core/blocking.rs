//! Fetching as a thread: the blocking face's side of the protocol.

use super::fetch::{Asked, Lead, Look, MayLead, Request};
use super::launch::run_here;
use super::lead::Brought;
use super::places::{Caller, IfRefused, blocking};
use super::shared::CacheShared;
use super::waiting::Waiting;
use crate::mechanisms::flight::{Landing, Party, Turn};
use crate::shard::Rule;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::fetched::{Fetched, Source};
use crate::vocabulary::keys::{Key, LoadKey, Value};
use crate::vocabulary::loader::AnyLoader;
use std::hash::BuildHasher;
use std::sync::Arc;

/// How a blocking fetch loads.
pub(crate) enum Means<F> {
    Loader,
    /// By a closure given to the call, gone once it was called.
    Own(Option<F>),
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// Fetches, and loads if need be, on this thread.
    #[inline]
    pub(crate) fn fetch_blocking<Q, F>(self: &Arc<Self>, key: &Q, rule: Rule, means: Means<F>) -> Result<Fetched<V>, LoadError>
    where
        Q: LoadKey<K> + ?Sized,
        F: FnOnce() -> Brought<V>,
    {
        match self.ask(key, Request { rule, lead: self.lead_by(&means), look: Look::First, caller: Caller::Thread, party: Party::Alone }) {
            Asked::Hit(value) => Ok(Fetched { value, source: Source::Hit }),
            Asked::Held(fetched, None) => Ok(fetched),
            missed => self.fetch_missed(key, rule, means, missed),
        }
    }

    #[cfg(feature = "bulk")]
    /// Goes on for one of many keys that were asked for by the cache's own loader.
    pub(super) fn finish_blocking<'a, Q>(self: &'a Arc<Self>, key: &Q, asked: Asked<'a, K, V, S>) -> Result<Fetched<V>, LoadError>
    where
        Q: LoadKey<K> + ?Sized,
    {
        self.fetch_missed(key, Rule::Served, Means::<fn() -> Brought<V>>::Loader, asked)
    }

    #[cold]
    fn fetch_missed<'a, Q, F>(
        self: &'a Arc<Self>,
        key: &Q,
        rule: Rule,
        mut means: Means<F>,
        mut asked: Asked<'a, K, V, S>,
    ) -> Result<Fetched<V>, LoadError>
    where
        Q: LoadKey<K> + ?Sized,
        F: FnOnce() -> Brought<V>,
    {
        let mut look = Look::First;
        let mut overtaken = None;
        loop {
            let (landing, source, waiting) = match asked {
                Asked::Hit(value) => return Ok(Fetched { value, source: Source::Hit }),
                Asked::Held(fetched, refresh) => {
                    if let Some((guard, turn)) = refresh {
                        self.launch(guard, turn, Caller::Thread);
                    }
                    return Ok(fetched);
                }
                Asked::Remembered(error) => return Err(error),
                Asked::Refused(error) => return Err(overtaken.unwrap_or(error)),
                Asked::Joined(mut waiting) => (waiting.block(), Source::Joined, waiting),
                Asked::Begun(mut waiting) => {
                    // A blocking loader has a thread of its own: it needs none of the runtime that this one may belong to.
                    let blocks = matches!(self.loader, Some(AnyLoader::Blocking(_)));
                    (waiting.block_in(if blocks { IfRefused::Go } else { IfRefused::Panic }), Source::Loaded, waiting)
                }
                Asked::Led(lead) => {
                    let (landing, waiting) = self.lead(lead, &mut means);
                    (landing, Source::Loaded, waiting)
                }
            };
            let Some(next) = landing.next_look(look) else { return waiting.fetched(landing, source) };
            (look, overtaken) = (next, landing.overtaken());
            asked = self.ask(key, Request { rule, lead: self.lead_by(&means), look, caller: Caller::Thread, party: Party::Alone });
            // The wait ends once the next has begun: those on their way to a load keep it from being cancelled.
            drop(waiting);
        }
    }

    fn lead_by<F>(&self, means: &Means<F>) -> MayLead {
        match means {
            Means::Loader => self.may_lead(),
            Means::Own(Some(_)) => MayLead::Closure,
            Means::Own(None) => MayLead::No,
        }
    }

    fn lead<'a, F>(self: &'a Arc<Self>, lead: Lead<'a, K, V, S>, means: &mut Means<F>) -> (Landing<V>, Waiting<'a, K, V, S>)
    where
        F: FnOnce() -> Brought<V>,
    {
        let own = match means {
            Means::Own(own) => own.take(),
            Means::Loader => None,
        };
        match (own, &self.loader) {
            (Some(load), _) => lead.here(|_, _| load()),
            // One who has a value in hand may get it before the load ends, and so doesn't run it.
            (None, Some(AnyLoader::Blocking(loader))) if !lead.waiting.has_fallback() && self.window.is_none() => {
                lead.here(|key, current| loader.work(key, current).map_err(LoadError::new))
            }
            (None, loader) => {
                let Lead { mut waiting, guard, turn } = lead;
                self.launch(guard, turn, Caller::Thread);
                // A blocking loader has a thread of its own: it needs none of the runtime that this one may belong to.
                let waits_for_no_load = turn == Turn::Now || (turn == Turn::Gathered && self.permits.are_unlimited());
                let blocks = waits_for_no_load && matches!(loader, Some(AnyLoader::Blocking(_)));
                (waiting.block_in(if blocks { IfRefused::Go } else { IfRefused::Panic }), waiting)
            }
        }
    }
}

impl<'a, K: Key, V: Value, S: Send + Sync + 'static> Lead<'a, K, V, S> {
    /// Loads on this thread, once the turn of the load has come.
    fn here(self, work: impl FnOnce(&K, Option<Arc<V>>) -> Brought<V>) -> (Landing<V>, Waiting<'a, K, V, S>) {
        let Self { mut waiting, mut guard, turn } = self;
        // While this thread runs the load, whatever load it was working for waits.
        if let Err(cycle) = waiting.be_seen() {
            guard.land(Err(cycle));
            return (waiting.block(), waiting);
        }
        let landed = if turn == Turn::Later { waiting.block_until_begun() } else { None };
        if let Some(landing) = landed {
            return (landing, waiting);
        }
        guard.look_again(turn);
        if guard.shared.traffic.is_idle_awaited() {
            // Nobody else may keep this load's time, as nobody else may wait for it.
            guard.shared.watch(waiting.flight());
        }
        blocking(IfRefused::Go, || run_here(guard, |flight, current| work(flight.key(), current)));
        (waiting.block(), waiting)
    }
}
