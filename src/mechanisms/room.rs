//! Room is the cache-wide account of weight: what may be held, and what is held or promised.
//!
//! `held` never exceeds the capacity, at no instant: weight is added to it before the entry that needs it is stored, and taken off only
//! after the entry that had it is gone. Who frees room for an entry of its own keeps it as a [`Promise`] instead of giving it back, so
//! that nobody else can take it meanwhile.

use crate::ground::sync::Mutex;
use crate::ground::sync::atomic::{AtomicU64, Ordering};

pub(crate) struct Room {
    /// What may be held, as far as anybody can see.
    capacity: AtomicU64,
    /// What room is handed out up to: the capacity, or what it is about to shrink to.
    limit: AtomicU64,
    /// Stored weights and promised room.
    held: AtomicU64,
    /// Stored entries.
    entries: AtomicU64,
    /// The part of `held` that answers without a value weigh.
    answers: AtomicU64,
    /// Held by the one caller that gathers room over several shards, so that no two sit on half the room each.
    pub(crate) gathering: Mutex<()>,
}

impl Room {
    pub(crate) fn new(capacity: u64) -> Self {
        Self {
            capacity: AtomicU64::new(capacity),
            limit: AtomicU64::new(capacity),
            held: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            gathering: Mutex::new(()),
        }
    }

    pub(crate) fn capacity(&self) -> u64 {
        // Acquire: who sees a smaller one sees that less is held, too.
        self.capacity.load(Ordering::Acquire)
    }

    /// What an entry may weigh at most: the capacity, or what it is about to shrink to.
    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Ordering::Acquire)
    }

    /// Hands out room up to `limit` only from now on. The caller holds `gathering`.
    pub(crate) fn aim_at(&self, limit: u64) {
        // Nobody takes room beyond what is there to be seen.
        self.capacity.fetch_max(limit, Ordering::Release);
        self.limit.store(limit, Ordering::Release);
    }

    /// Makes the limit the capacity, if no more is held. The caller holds `gathering`, under which alone a limit is reached.
    pub(crate) fn settle(&self) -> bool {
        let limit = self.limit();
        // Acquire: what was given back is off the books before the new capacity can be seen.
        let within = self.held.load(Ordering::Acquire) <= limit && self.answers() <= limit / 8;
        if within {
            self.capacity.store(limit, Ordering::Release);
        }
        within
    }

    // Relaxed but where room changes hands: what it accounts for is guarded by the shards' locks.
    pub(crate) fn held(&self) -> u64 {
        // Acquire: who sees room taken sees the capacity by which it was.
        self.held.load(Ordering::Acquire)
    }

    pub(crate) fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// Books an answer without a value, of which there may be an eighth of the capacity. `false` if it is one too many.
    pub(crate) fn book_answer(&self, weight: u64) -> bool {
        let most = self.limit() / 8;
        let within = |answers: u64| answers.checked_add(weight).filter(|&answers| answers <= most);
        self.answers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }

    /// An answer is remembered no more, or never was.
    pub(crate) fn unbook_answer(&self, weight: u64) {
        self.answers.fetch_sub(weight, Ordering::Relaxed);
    }

    pub(crate) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// An empty promise.
    pub(crate) fn promise(&self) -> Promise<'_> {
        Promise { room: self, amount: 0 }
    }

    /// Takes as much free room as there is, up to `wanted`.
    fn take(&self, wanted: u64) -> u64 {
        let mut held = self.held();
        loop {
            let taken = self.limit().saturating_sub(held).min(wanted);
            if taken == 0 {
                return 0;
            }
            match self.held.compare_exchange_weak(held, held + taken, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return taken,
                Err(now) => held = now,
            }
        }
    }

    /// Gives back the room of what is no longer stored.
    pub(crate) fn give_back(&self, amount: u64) {
        if amount > 0 {
            // Release here, acquire where it is taken: whoever takes it books its entry after the old one is off the books.
            self.held.fetch_sub(amount, Ordering::Release);
        }
    }

    /// Books entries that came and went in one critical section; what nets to nothing isn't written.
    pub(crate) fn book_entries(&self, came: u64, went: u64) {
        if came > went {
            self.entries.fetch_add(came - went, Ordering::Relaxed);
        } else if went > came {
            self.entries.fetch_sub(went - came, Ordering::Relaxed);
        }
    }
}

/// Room that is kept for one entry. What isn't used goes back when it is dropped.
pub(crate) struct Promise<'a> {
    room: &'a Room,
    amount: u64,
}

impl Promise<'_> {
    pub(crate) fn amount(&self) -> u64 {
        self.amount
    }

    /// Takes what free room there is, until `needed` is promised.
    pub(crate) fn reach_for(&mut self, needed: u64) -> bool {
        let missing = needed.saturating_sub(self.amount);
        self.amount += self.room.take(missing);
        self.amount >= needed
    }

    /// Keeps the room of what is no longer stored.
    pub(crate) fn keep(&mut self, freed: u64) {
        self.amount += freed;
    }

    /// Turns promised room into a stored weight.
    pub(crate) fn use_up(&mut self, stored: u64) {
        self.amount -= stored;
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        self.room.give_back(self.amount);
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn g14_promises_never_exceed_the_capacity_and_come_back_when_dropped() {
        let room = Room::new(10);
        let mut first = room.promise();
        assert!(first.reach_for(7));
        let mut second = room.promise();
        assert!(!second.reach_for(4), "only three are free");
        assert_eq!((second.amount(), room.held()), (3, 10));
        drop(first);
        assert_eq!(room.held(), 3);
        second.use_up(3);
        drop(second);
        assert_eq!(room.held(), 3, "what was stored stays held");
        room.give_back(3);
        assert_eq!(room.held(), 0);
    }

    #[test]
    fn g18_the_largest_weights_do_not_overflow() {
        let room = Room::new(u64::MAX);
        let mut all = room.promise();
        assert!(all.reach_for(u64::MAX));
        assert!(!room.promise().reach_for(1));
    }
}

#[cfg(all(test, bellwether_loom))]
mod loom {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn g14_two_takers_of_the_last_room_never_both_get_it() {
        ::loom::model(|| {
            let room = Arc::new(Room::new(3));
            let other = Arc::clone(&room);
            let thread = ::loom::thread::spawn(move || {
                let mut promise = other.promise();
                let got = promise.reach_for(2);
                assert!(other.held() <= 3);
                if got {
                    promise.use_up(2);
                }
                got
            });
            let mut promise = room.promise();
            let mine = promise.reach_for(2);
            if mine {
                promise.use_up(2);
            }
            drop(promise);
            let theirs = thread.join().expect("no assertion failed");
            assert!(mine || theirs, "one of them fits");
            assert!(!(mine && theirs), "both don't");
            assert_eq!(room.held(), 2);
        });
    }
}
