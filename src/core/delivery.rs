//! Delivery: a listener is told of what left, under no lock, by the call that sent it on its way or by whoever is at it already.

use super::places::unless_alone;
use super::shared::CacheShared;
use crate::ground::contain::contain;
use crate::ground::hash::Hashed;
use crate::ground::janitor;
use crate::ground::reentry;
use crate::ground::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::ground::sync::{Arc, Weak};
use crate::mechanisms::outbox::{Listening, Outbox, Sending, Turn, is_listening};
use crate::shard::{Departures, Mail, Shard};
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::listener::AnyListener;
use std::future::poll_fn;
use std::sync::OnceLock;
use std::task::{Wake, Waker};
use std::time::Duration;

/// A cache's listener, and what is counted of it.
pub(super) struct Audience<K, V> {
    listener: Arc<AnyListener<K, V>>,
    /// Has a thread of the pool deliver. Given once the cache is there.
    errand: OnceLock<Waker>,
    /// Whether a thread of the pool has been sent for.
    is_sent_for: AtomicBool,
    /// Whether none could be had: then the next call delivers everything.
    is_owed: AtomicBool,
    /// Whether the janitor has left a shard for later, because nothing more went into its outbox.
    is_held_up: AtomicBool,
    panics: AtomicU64,
}

impl<K, V> Audience<K, V> {
    pub(super) fn new(listener: Arc<AnyListener<K, V>>) -> Self {
        Self {
            listener,
            errand: OnceLock::new(),
            is_sent_for: AtomicBool::new(false),
            is_owed: AtomicBool::new(false),
            is_held_up: AtomicBool::new(false),
            panics: AtomicU64::new(0),
        }
    }

    pub(super) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }
}

/// Whether this thread may call a listener: the janitor keeps everybody's time, and one listener doesn't call another.
fn may_deliver() -> bool {
    !janitor::is_here() && !is_listening()
}

impl<K, V, S> CacheShared<K, V, S> {
    /// Waits until there is room for one more event of the key's shard, as every write does before it takes a lock. Delivers itself if nobody else does.
    #[inline]
    pub(super) fn heed(&self, hashed: Hashed) {
        if self.audience.is_some() {
            self.heed_outbox(self.shard(hashed), Sending::Single);
        }
    }

    pub(super) fn heed_outbox(&self, shard: &Shard<K, V>, sending: Sending) {
        if let (Some(audience), Some(outbox)) = (&self.audience, shard.outbox().filter(|outbox| outbox.is_full_for(sending))) {
            // Not from inside `get`, where a listener that is called could not call the cache.
            reentry::check();
            // It may be a thread of the pool's: loads find another one meanwhile.
            let _away = self.process.pool.parked();
            while may_deliver() && outbox.is_full_for(sending) {
                // On the only thread of a runtime nobody waits, as the listener may need that very thread.
                let turn = outbox.turn().or_else(|| unless_alone(|| outbox.wait_for_room(sending)).flatten());
                let Some(turn) = turn else { break };
                self.tell(audience, turn);
            }
        }
    }

    /// Delivers what a call has sent on its way, unless somebody is at it already. The last step of the call.
    pub(super) fn deliver(&self, out: &mut Departures<K, V>) {
        let Some(audience) = &self.audience else { return };
        for outbox in out.take_mail() {
            self.deliver_from(audience, &outbox);
        }
        if audience.is_owed.load(Ordering::Relaxed) && may_deliver() && audience.is_owed.swap(false, Ordering::Relaxed) {
            self.deliver_everything();
        }
    }

    fn deliver_from(&self, audience: &Audience<K, V>, outbox: &Outbox<Mail<K, V>>) {
        if !may_deliver() {
            if outbox.is_left() {
                self.send_for(audience);
            }
        } else if let Some(turn) = outbox.turn() {
            self.tell(audience, turn);
        }
    }

    /// Delivers whatever there is that nobody is at already.
    fn deliver_everything(&self) {
        let Some(audience) = &self.audience else { return };
        for outbox in self.shards.iter().filter_map(Shard::outbox) {
            self.deliver_from(audience, outbox);
        }
    }

    /// Returns when all that has left before this call is delivered; at once inside a listener, and without waiting for others on the only thread of a
    /// runtime.
    pub(crate) fn deliver_all(&self) {
        let Some(audience) = &self.audience else { return };
        reentry::check();
        if !may_deliver() {
            return self.deliver_everything();
        }
        for outbox in self.shards.iter().filter_map(Shard::outbox) {
            let events = outbox.came();
            while !outbox.has_delivered(events) {
                let turn = outbox.turn().or_else(|| unless_alone(|| outbox.wait_until_delivered(events)).flatten());
                let Some(turn) = turn else { break };
                self.tell(audience, turn);
            }
        }
    }

    /// As [`deliver_all`](Self::deliver_all), for a task, which never blocks but by the listener that it calls itself.
    pub(crate) async fn all_delivered(&self) {
        let Some(audience) = &self.audience else { return };
        if !may_deliver() {
            return self.deliver_everything();
        }
        for outbox in self.shards.iter().filter_map(Shard::outbox) {
            let events = outbox.came();
            while !outbox.has_delivered(events) {
                self.deliver_from(audience, outbox);
                poll_fn(|cx| outbox.poll_delivered(events, cx)).await;
            }
        }
    }

    /// Events that wait to be delivered.
    pub(super) fn undelivered(&self) -> u64 {
        self.shards.iter().filter_map(Shard::outbox).map(|outbox| outbox.waiting()).sum()
    }

    /// Whether the janitor may send more events of a shard on their way; if not, it is told when it may.
    pub(super) fn may_send(&self, shard: &Shard<K, V>) -> bool {
        let (Some(audience), Some(outbox)) = (&self.audience, shard.outbox()) else { return true };
        if !outbox.is_full() {
            return true;
        }
        audience.is_held_up.store(true, Ordering::SeqCst);
        // Whoever makes room looks after the flag was set, or made it before.
        !outbox.is_full_by_now()
    }

    fn tell(&self, audience: &Audience<K, V>, mut turn: Turn<'_, Mail<K, V>>) {
        // For the whole of the turn: the drops of what was told of are users' code, too, and must not wait for this very turn.
        let listening = Listening::begin();
        // It may wait in the listener, and be a thread of the pool's: loads find another one.
        let _away = self.process.pool.parked();
        while let Some(event) = turn.next() {
            let told = contain(|| audience.listener.on_removal(&event.key, &event.value, event.cause));
            if let Err(panic) = told {
                audience.panics.fetch_add(1, Ordering::Relaxed);
                panic.forget();
            }
            event.let_go();
        }
        let outbox = turn.outbox();
        drop(turn);
        drop(listening);
        if outbox.is_left() {
            self.send_for(audience);
        }
        if audience.is_held_up.load(Ordering::SeqCst) && audience.is_held_up.swap(false, Ordering::SeqCst) {
            self.upkeep.want(self.clock.deadline_in(Duration::ZERO));
        }
    }

    /// Has a thread of the pool deliver.
    fn send_for(&self, audience: &Audience<K, V>) {
        if !audience.is_sent_for.swap(true, Ordering::SeqCst) {
            if let Some(errand) = audience.errand.get() {
                errand.wake_by_ref();
            }
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Says how a thread of the pool is sent for.
    pub(super) fn prepare_delivery(self: &Arc<Self>) {
        if let Some(audience) = &self.audience {
            drop(audience.errand.set(Waker::from(Arc::new(Errand { shared: Arc::downgrade(self) }))));
        }
    }

    /// Delivers on a thread of the pool.
    fn run_errand(self: Arc<Self>) {
        let shared = Arc::clone(&self);
        let job = move || {
            if let Some(audience) = &shared.audience {
                // Before it looks: what comes afterwards sends for another.
                audience.is_sent_for.store(false, Ordering::SeqCst);
            }
            shared.deliver_everything();
        };
        if self.process.pool.run(Box::new(job)).is_err() {
            if let Some(audience) = &self.audience {
                audience.is_sent_for.store(false, Ordering::SeqCst);
                audience.is_owed.store(true, Ordering::Relaxed);
            }
        }
    }
}

/// The way to have a cache's events delivered, which doesn't keep it alive.
struct Errand<K, V, S> {
    shared: Weak<CacheShared<K, V, S>>,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Wake for Errand<K, V, S> {
    fn wake(self: Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.run_errand();
        }
    }
}
