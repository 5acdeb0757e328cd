//! Visits: what is past its last deadline is reclaimed, by the janitor at its time, or by a call that asks for it.

use super::shared::{CacheShared, WithJanitor};
use crate::ground::janitor;
use crate::ground::sync::Weak;
use crate::ground::time::Tick;
use crate::mechanisms::outbox::Sending;
use crate::shard::{Departures, Done, Shard};
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::metrics::Janitor;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// Holds of a lock in one visit, after which others have their turn.
const HOLDS: u32 = 64;

impl<K, V, S> CacheShared<K, V, S> {
    /// Who does the upkeep.
    pub(super) fn janitor(&self) -> Janitor {
        match self.settings.janitor {
            WithJanitor::No => Janitor::Off,
            WithJanitor::Yes if self.upkeep.is_unkept() => Janitor::Unavailable,
            WithJanitor::Yes => Janitor::Thread,
        }
    }

    /// Reclaims what is due now, in at most so many holds of a lock.
    fn reclaim(&self, now: Tick, mut holds: u32) -> Done {
        for shard in &self.shards {
            while self.is_open(shard) {
                if holds == 0 {
                    return Done::Part;
                }
                holds -= 1;
                let mut out = Departures::new();
                let done = shard.reclaim(now, self.terms(), &mut out);
                self.let_go(out);
                if done == Done::All {
                    break;
                }
            }
        }
        Done::All
    }

    /// Whether more may leave a shard now. Where the listener holds it up the janitor is told when it may; others wait.
    pub(super) fn is_open(&self, shard: &Shard<K, V>) -> bool {
        if janitor::is_here() {
            return self.may_send(shard);
        }
        self.heed_outbox(shard, Sending::Single);
        true
    }

    /// Reclaims all that is due, tells the policy of every use, and the listener of all that has left.
    pub(crate) fn maintain(&self) {
        let now = self.clock.now();
        while self.reclaim(now, u32::MAX) == Done::Part {}
        self.sweep_all();
        self.work_in_uses();
        self.deliver_all();
    }

    /// The janitor's visit.
    fn visited(&self) {
        self.upkeep.begins();
        let now = self.clock.now();
        let holds = HOLDS.max(u32::try_from(self.shards.len()).unwrap_or(u32::MAX));
        match (self.reclaim(now, holds), self.sweep(holds)) {
            // Others come first that are due by now.
            (Done::Part, _) | (_, Done::Part) => self.upkeep.go_on(now),
            (Done::All, Done::All) => {
                // One that is held up by the listener is come back to when there is room.
                let open = self.shards.iter().filter(|shard| !janitor::is_here() || self.may_send(shard));
                open.filter_map(|shard| shard.next_due()).for_each(|next| self.upkeep.want(next));
            }
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// The janitor's way in.
    pub(super) fn visit(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::new(Visit { shared: Arc::downgrade(self) }))
    }
}

/// The janitor's way to a cache, which it doesn't keep alive.
struct Visit<K, V, S> {
    shared: Weak<CacheShared<K, V, S>>,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Wake for Visit<K, V, S> {
    fn wake(self: Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.visited();
        }
    }
}
