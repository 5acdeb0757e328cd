//! Asking for many keys at once: hits, flights of others and own flights are told apart, and own ones go out in one call of the loader. Only then
//! does anybody wait, so that two who ask for the same keys in another order never wait for each other.

use super::counters::Count;
use super::fetch::{Asked, Lead, Look, Request};
use super::groups::Groups;
use super::lead::LoadGuard;
use super::places::{Caller, IfRefused, blocking};
use super::shared::CacheShared;
use crate::mechanisms::flight::{Party, Turn};
use crate::shard::{Need, Rule};
use crate::vocabulary::keys::{Key, LoadKey, Lookup, Value};
use crate::vocabulary::loader::AnyLoader;
use std::hash::BuildHasher;
use std::sync::Arc;

/// Keys that are looked for in one hold of a lock.
const HOLD: usize = 256;

/// What was found for many keys, in the order in which they were asked for.
pub(crate) struct Many<'a, K: Key, V: Value, S: Send + Sync + 'static> {
    /// Nothing in here has to be launched.
    pub(crate) asked: Vec<Asked<'a, K, V, S>>,
    /// How many loads were begun.
    led: usize,
}

/// Flights that go out together, and whether they do now.
type Call<K, V, S> = (Turn, Vec<LoadGuard<K, V, S>>);

/// Own flights, as they are claimed.
struct Own<K: Key, V: Value, S: Send + Sync + 'static> {
    /// Those that go out together, by calls of the loader.
    calls: Vec<Call<K, V, S>>,
    /// Those whose turn comes later than that of the others.
    late: Vec<LoadGuard<K, V, S>>,
    /// Values that are held, and loaded anew in the background.
    refreshes: Vec<LoadGuard<K, V, S>>,
    /// Whether somebody has a value in hand and may get it before the load ends.
    has_fallback: bool,
    /// How many there are but for refreshes.
    led: usize,
    most: usize,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Own<K, V, S> {
    /// How the next flight goes out, if it does.
    fn party(&self) -> Party {
        match self.calls.last().filter(|(_, guards)| guards.len() < self.most) {
            None => Party::Alone,
            Some((Turn::Now, _)) => Party::Begun,
            Some((Turn::Later | Turn::Gathered, _)) => Party::Waits,
        }
    }

    fn claimed(&mut self, party: Party, turn: Turn, guard: LoadGuard<K, V, S>) {
        self.led += 1;
        match (party, self.calls.last_mut()) {
            // It waits for loads of its key, and nobody should wait with it.
            (Party::Alone, _) if turn == Turn::Later && !guard.waits_for_a_permit() => self.late.push(guard),
            (Party::Alone, _) | (_, None) => self.calls.push((turn, vec![guard])),
            // Too many loads of that key are in the air already.
            (Party::Begun, Some(_)) if turn == Turn::Later => self.late.push(guard),
            (Party::Begun | Party::Waits | Party::Gathers, Some((_, guards))) => guards.push(guard),
        }
    }
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// Looks for each key, in order, and has all loaded that nobody loads yet. What is led is under way when this returns: all that is left to be done is to
    /// wait. A thread whose loads block runs them here.
    pub(crate) fn ask_many<'q, Q>(self: &Arc<Self>, keys: &[&'q Q], look: Look, caller: Caller) -> Many<'_, K, V, S>
    where
        Q: LoadKey<K> + ?Sized + 'q,
    {
        let request = Request { rule: Rule::Served, lead: self.may_lead(), look, caller, party: Party::Alone };
        let mut own =
            Own { calls: Vec::new(), late: Vec::new(), refreshes: Vec::new(), has_fallback: false, led: 0, most: self.settings.max_batch };
        let mut asked: Vec<_> = self.fetch_calm_many(keys, look).into_iter().map(|hit| hit.map(Asked::Hit)).collect();
        for (asked, &key) in asked.iter_mut().zip(keys).filter(|(asked, _)| asked.is_none()) {
            let party = own.party();
            *asked = Some(match self.ask_missed(self.place(key), Request { party, ..request }) {
                Asked::Led(Lead { waiting, guard, turn }) => {
                    own.has_fallback |= waiting.has_fallback();
                    own.claimed(party, turn, guard);
                    Asked::Begun(waiting)
                }
                Asked::Held(fetched, Some((guard, turn))) => {
                    match turn {
                        Turn::Now => own.refreshes.push(guard),
                        Turn::Later | Turn::Gathered => self.launch(guard, turn, caller),
                    }
                    Asked::Held(fetched, None)
                }
                other => other,
            });
        }
        let led = own.led;
        self.launch_own(own, caller);
        Many { asked: asked.into_iter().flatten().collect(), led }
    }

    fn launch_own(self: &Arc<Self>, own: Own<K, V, S>, caller: Caller) {
        for guard in own.late {
            self.launch(guard, Turn::Later, caller);
        }
        match own.refreshes.len() {
            0 => {}
            1 => own.refreshes.into_iter().for_each(|guard| self.launch(guard, Turn::Now, caller)),
            _ => {
                let mut refreshes = own.refreshes;
                while !refreshes.is_empty() {
                    let rest = refreshes.split_off(refreshes.len().min(own.most));
                    self.launch_batch(std::mem::replace(&mut refreshes, rest), self.place_for(caller));
                }
            }
        }
        let mut here = None;
        for (turn, guards) in own.calls {
            match (turn, &self.loader) {
                (Turn::Later | Turn::Gathered, _) => self.launch_fleet(guards, self.place_for(caller)),
                (Turn::Now, Some(AnyLoader::Blocking(_))) if caller == Caller::Thread && !own.has_fallback && here.is_none() => {
                    here = Some(guards);
                }
                (Turn::Now, _) => self.launch_batch(guards, self.place_for(caller)),
            }
        }
        // Last, as it takes this thread's time. One call only: the others would wait for it, and it may wait for them.
        if let (Some(guards), Some(AnyLoader::Blocking(loader))) = (here, &self.loader) {
            blocking(IfRefused::Go, || self.run_batch_here(guards, &**loader));
        }
    }

    /// Has all keys loaded that nothing usable is held for, and waits for nothing. Gives how many loads have begun.
    pub(crate) fn warm<'q, Q>(self: &Arc<Self>, keys: &[&'q Q]) -> usize
    where
        Q: LoadKey<K> + ?Sized + 'q,
    {
        // Away from this thread, whatever the loader is.
        let Many { asked, led } = self.ask_many(keys, Look::Anew, Caller::Task);
        for asked in asked {
            if let Asked::Begun(waiting) = asked {
                // That this caller leaves is no reason to cancel it.
                waiting.flight().want();
            }
        }
        led
    }
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> CacheShared<K, V, S> {
    /// The values that are fresh and need nothing, each shard's lock taken once.
    fn fetch_calm_many<'q, Q>(&self, keys: &[&'q Q], look: Look) -> Vec<Option<Arc<V>>>
    where
        Q: LoadKey<K> + ?Sized + 'q,
    {
        let mut found = vec![None; keys.len()];
        self.look_many(keys, Need::Calm, &mut found);
        if look == Look::First {
            let hits = found.iter().filter(|found| found.is_some()).count();
            self.counters.count_many(Count::Hit, hits as u64);
        }
        found
    }

    /// Gives what is held for each key, each shard's lock taken once for 256 of its keys.
    pub(crate) fn look_many<'q, Q>(&self, keys: &[&'q Q], need: Need, found: &mut [Option<Arc<V>>])
    where
        Q: Lookup<K> + ?Sized + 'q,
    {
        let groups = Groups::new(self, keys);
        for (shard, members) in groups.of(self) {
            for members in members.chunks(HOLD) {
                let place = |&number: &u32| groups.place(number, self, keys);
                shard.fetch_each(members, place, &self.clock, need, |&number, value| found[number as usize] = Some(value));
            }
        }
    }
}
