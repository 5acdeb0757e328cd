//! Ends: of loads that nobody waits for, of a cache that is closed, and of one whose last handle is gone.

use super::counters::Outcome;
use super::places::{IfRefused, blocking};
use super::shared::CacheShared;
use super::timeout::WakeUp;
use crate::ground::park::Parker;
use crate::ground::reentry;
use crate::ground::sync::atomic::Ordering;
use crate::ground::time::Deadline;
use crate::mechanisms::flight::{Flight, IdleWait, Kind, Landing, Standing};
use crate::shard::{Clearing, Departures};
use crate::vocabulary::abandoned::AbandonedLoads;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::keys::{Key, Value};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long `close` waits for loads.
pub(crate) const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// In which order flights are ended: first those whose load hasn't begun, or the end of another would begin it.
const SWEEPS: [Sweep; 2] = [Sweep::Queued, Sweep::All];

#[derive(Clone, Copy)]
enum Sweep {
    Queued,
    All,
}

impl Sweep {
    fn covers<K, V>(self, flight: &Flight<K, V>) -> bool {
        matches!(self, Self::All) || !flight.has_begun()
    }
}

impl<K, V, S> CacheShared<K, V, S> {
    /// Whether no load is begun any more.
    pub(super) fn is_closed(&self) -> bool {
        // Sequentially consistent with the count of flights: a load that isn't counted when the cache closes sees that it has.
        self.closed.load(Ordering::SeqCst)
    }

    /// From now on no load is begun.
    pub(crate) fn refuse_loads(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// One who waited for `flight` has gone. If it was the last, the load is cancelled where that was asked for.
    pub(super) fn left(&self, flight: &Arc<Flight<K, V>>) {
        // Inside the closure of `get` no lock can be taken: there the load goes on.
        // A refresh isn't for those who wait for it alone.
        let cancels = self.settings.abandoned_loads == AbandonedLoads::Cancel && flight.kind() == Kind::Load && !flight.is_wanted();
        if cancels && flight.is_deserted() && !reentry::is_inside() {
            self.cancel_deserted(flight);
        }
    }

    fn cancel_deserted(&self, flight: &Arc<Flight<K, V>>) {
        if flight.kind() == Kind::Entry {
            return;
        }
        if let Some(mine) = self.shard(flight.hashed()).seal_deserted(flight) {
            drop(self.give_up(flight, mine, LoadError::Cancelled));
        }
    }

    /// Lands a flight that the caller has sealed, without its load.
    /// Gives the error of a refresh, to be reported.
    pub(super) fn give_up(&self, flight: &Flight<K, V>, mine: bool, error: LoadError) -> Option<LoadError> {
        let standing = if mine { Standing::Held } else { Standing::Superseded };
        let outcome = Outcome::of_error(&error);
        self.publish(flight, Landing { result: Err(error), standing }, Some(outcome))
    }

    /// The last handle is gone: nobody will ask any more. Loads that nobody waits for are cancelled, and all that is held is let go.
    pub(super) fn end(&self) {
        self.refuse_loads();
        #[cfg(feature = "snapshot")]
        self.stop_recurring();
        for stage in SWEEPS {
            for shard in &self.shards {
                shard.flights().iter().filter(|flight| stage.covers(flight)).for_each(|flight| self.cancel_deserted(flight));
            }
        }
        // What is held leaves unheard, but drops of values may send others on their way, and all that left before is told.
        self.empty(Clearing::AtTheEnd);
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Ready with `true` once no flight is in the air, or with `false` once `limit` has passed.
    ///
    /// # Panics
    /// Inside the closure of `get`, whose lock a load may need to land.
    pub(crate) fn idle(self: &Arc<Self>, limit: Duration) -> Idle<'_, K, V, S> {
        reentry::check();
        let deadline = if limit == Duration::MAX { Deadline::NEVER } else { self.clock.deadline_in(limit) };
        Idle { shared: self, wait: IdleWait::new(&self.traffic), limit: WakeUp::new(deadline) }
    }

    /// Blocks until no flight is in the air, or until `limit` has passed; says whether none is.
    pub(crate) fn block_until_idle(self: &Arc<Self>, limit: Duration) -> bool {
        let mut idle = self.idle(limit);
        if let Poll::Ready(done) = Pin::new(&mut idle).poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
        let (parker, waker) = Parker::new();
        let mut cx = Context::from_waker(&waker);
        blocking(IfRefused::Panic, || {
            loop {
                if let Poll::Ready(done) = Pin::new(&mut idle).poll(&mut cx) {
                    return done;
                }
                // This thread keeps the limit itself, but for a mock clock's.
                match self.time_left_until(idle.limit.at()) {
                    Some(left) => parker.park_for(left),
                    None => parker.park(),
                }
            }
        })
    }

    /// Ends every load that is still under way: all who wait get [`LoadError::Closed`].
    pub(crate) fn strand(&self) {
        for stage in SWEEPS {
            for shard in &self.shards {
                for flight in shard.flights().iter().filter(|flight| flight.kind().is_load() && stage.covers(flight)) {
                    let mut out = Departures::new();
                    if let Some(mine) = shard.seal(flight, None, self.terms(), &mut self.room.promise(), &mut out) {
                        drop(self.give_up(flight, mine, LoadError::Closed));
                    }
                    self.let_go(out);
                }
            }
        }
    }

    /// Sees to it that every flight ends in time, though perhaps nobody waits for it.
    fn watch_all(self: &Arc<Self>) {
        for shard in &self.shards {
            shard.flights().iter().filter(|flight| flight.kind().is_load()).for_each(|flight| self.watch(flight));
        }
    }
}

/// A wait until no flight is in the air.
pub(crate) struct Idle<'a, K, V, S> {
    shared: &'a Arc<CacheShared<K, V, S>>,
    wait: IdleWait,
    limit: WakeUp,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Future for Idle<'_, K, V, S> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        reentry::check();
        if self.wait.poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        self.shared.watch_all();
        let Self { shared, limit, .. } = &mut *self;
        limit.poll(shared, cx).map(|()| false)
    }
}

impl<K, V, S> Drop for Idle<'_, K, V, S> {
    fn drop(&mut self) {
        self.limit.call_off(self.shared);
    }
}
