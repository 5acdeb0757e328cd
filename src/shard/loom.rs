//! Models of a shard under loom: claims, landings and writes of one key in every interleaving.

use super::*;
use crate::ground::hash::Hashed;
use crate::ground::park::Parker;
use crate::ground::time::{Clock, Deadline, MockClock};
use crate::mechanisms::flight::{Kind, Landing, Standing, Traffic, Waiter, Wanted, Wish};
use crate::mechanisms::permits::Permits;
use crate::mechanisms::room::Room;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::expiry::Expiry;
use ::loom::model;
use ::loom::sync::atomic::AtomicU32;
use ::loom::thread;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Wishes for the cache's own loader, which there is none of here.
const LOADS: Wish<'static> = Wish::Load(&|| Box::new(()));

const KEY: u32 = 1;
const HASH: Hashed = Hashed(1);

/// A cache of one shard, in front of a source that counts its loads.
struct World {
    shard: Shard<u32, u32>,
    room: Room,
    clock: Clock,
    loads: AtomicU32,
}

impl World {
    fn new(capacity: u64) -> Arc<Self> {
        Arc::new(Self {
            shard: Shard::new(EvictionPolicy::Sieve, Arc::new(Traffic::new()), Arc::new(Permits::UNLIMITED)),
            room: Room::new(capacity),
            clock: MockClock::new().into(),
            loads: AtomicU32::new(0),
        })
    }

    fn terms(&self) -> Terms<'_> {
        Terms { room: &self.room, clock: &self.clock, share: Some(self.room.capacity()) }
    }

    fn place<'a>(&'a self, key: &'a u32) -> Place<'a, u32> {
        Place { hashed: HASH, key, clock: &self.clock }
    }

    fn put(&self, value: u32, by: By<'_, u32, u32>) -> bool {
        let times = Expiry::NONE.times(None, &self.clock);
        let put = Put { hashed: HASH, key: KEY, value: Arc::new(value), weight: 1, times, by };
        let mut out = Departures::new();
        let committed = self.shard.commit(put, self.terms(), &mut self.room.promise(), &mut out);
        matches!(committed, Committed::Stored { .. })
    }

    fn claim(&self) -> Claim<u32, u32> {
        let wanted = Wanted { deadline: Deadline::NEVER, kind: Kind::Load, urgent: false };
        self.shard.claim((HASH, KEY), Rule::IfMissing, LOADS, wanted, self.terms(), &mut Departures::new())
    }

    /// The protocol of a fetch, with a load that takes no time.
    fn fetch(&self) -> u32 {
        match self.shard.seek(self.place(&KEY), LOADS) {
            Sought::Hit(value) => return *value,
            Sought::Flight(waiter) => return wait(waiter),
            Sought::Nothing | Sought::Overdue(_) => {}
        }
        match self.claim() {
            Claim::Hit(value, _) => *value,
            Claim::Joined(waiter, _) => wait(waiter),
            Claim::Refused(_) => unreachable!("there is no limit"),
            Claim::Led { flight, .. } => {
                let value = self.loads.fetch_add(1, Ordering::Relaxed) + 100;
                let stored = self.put(value, By::Flight(&flight));
                let standing = if stored { Standing::Held } else { Standing::Superseded };
                flight.publish(Landing { result: Ok(Arc::new(value)), standing });
                value
            }
        }
    }

    fn invalidate(&self) {
        self.shard.remove(self.place(&KEY), None, self.terms(), &mut Departures::new());
    }

    fn held(&self) -> Option<u32> {
        self.shard.fetch(self.place(&KEY), Trace::None).map(|value| *value)
    }
}

fn wait(mut waiter: Waiter<u32, u32>) -> u32 {
    let (parker, waker) = Parker::new();
    loop {
        if let Poll::Ready(landing) = waiter.poll(&Context::from_waker(&waker)) {
            return landing.result.map(|value| *value).expect("loads succeed here");
        }
        parker.park();
    }
}

#[test]
fn g1_two_callers_that_miss_together_load_once() {
    model(|| {
        let world = World::new(10);
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || other.fetch());
        assert_eq!(world.fetch(), 100);
        assert_eq!(theirs.join().ok(), Some(100));
        assert_eq!(world.loads.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn g2_a_fetch_after_an_invalidate_never_sees_what_was_loaded_before_it() {
    model(|| {
        let world = World::new(10);
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || other.fetch());
        let begun_before = world.loads.load(Ordering::Relaxed);
        world.invalidate();
        // A load that had begun by then brought at most this value.
        let stale = 100 + begun_before;
        let mine = world.fetch();
        theirs.join().expect("fetching doesn't panic");
        assert!(begun_before == 0 || mine >= stale, "{mine} was loaded before the invalidate");
    });
}

#[test]
fn g2_an_inserted_value_is_never_overwritten_by_a_load_that_it_overtook() {
    model(|| {
        let world = World::new(10);
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || other.fetch());
        world.put(7, By::Caller);
        let theirs = theirs.join().expect("fetching doesn't panic");
        assert!(theirs == 7 || theirs == 100);
        assert_eq!(world.held(), Some(7));
    });
}

#[test]
fn g2_nothing_that_a_clear_overtook_is_stored() {
    model(|| {
        let world = World::new(10);
        let flight = match world.claim() {
            Claim::Led { flight, .. } => flight,
            Claim::Hit(..) | Claim::Joined(..) | Claim::Refused(_) => unreachable!("nothing is there"),
        };
        let other = Arc::clone(&world);
        let cleared = thread::spawn(move || {
            other.shard.clear(other.terms(), &mut Departures::new());
            other.held()
        });
        world.put(100, By::Flight(&flight));
        assert_eq!(cleared.join().ok().flatten(), None, "after the clear nothing that was loaded before it is there");
        assert_eq!((world.held(), world.room.held()), (None, 0));
    });
}

#[test]
fn g14_two_writers_at_capacity_keep_it_at_every_instant() {
    model(|| {
        let world = World::new(1);
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || {
            other.put(1, By::Caller);
            assert!(other.room.held() <= 1);
        });
        world.put(2, By::Caller);
        assert!(world.room.held() <= 1 && world.room.entries() <= 1);
        theirs.join().expect("no assertion failed");
        assert_eq!((world.room.held(), world.room.entries(), world.shard.weight()), (1, 1, 1));
    });
}

#[test]
fn g4_a_flight_is_joined_or_cancelled_and_never_both() {
    model(|| {
        let world = World::new(10);
        let Claim::Led { flight, waiter, .. } = world.claim() else { unreachable!("nothing is there") };
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || match other.shard.seek(other.place(&KEY), LOADS) {
            Sought::Flight(waiter) => Some(wait(waiter)),
            Sought::Hit(value) => Some(*value),
            Sought::Nothing | Sought::Overdue(_) => None,
        });
        drop(waiter);
        let cancelled = world.shard.seal_deserted(&flight);
        if cancelled.is_some() {
            flight.publish(Landing { result: Err(LoadError::Cancelled), standing: Standing::Held });
        } else {
            assert!(world.put(5, By::Flight(&flight)), "nothing has overtaken it");
            flight.publish(Landing { result: Ok(Arc::new(5)), standing: Standing::Held });
        }
        let theirs = theirs.join().expect("who joined isn't cancelled");
        assert_eq!(theirs, cancelled.is_none().then_some(5), "cancelled: {cancelled:?}");
    });
}

#[test]
fn g4_who_wishes_for_a_load_when_an_entry_is_given_up_gets_one() {
    model(|| {
        let world = World::new(10);
        let wanted = Wanted { deadline: Deadline::NEVER, kind: Kind::Entry, urgent: false };
        let claimed = world.shard.claim((HASH, KEY), Rule::IfMissing, Wish::Own, wanted, world.terms(), &mut Departures::new());
        let Claim::Led { flight, .. } = claimed else { unreachable!("nothing is there") };
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || match other.shard.seek(other.place(&KEY), LOADS) {
            Sought::Flight(mut waiter) => {
                let (parker, waker) = Parker::new();
                while waiter.poll(&Context::from_waker(&waker)).is_pending() {
                    parker.park();
                }
                // Vacated: by now the load is there, or was before.
                matches!(other.shard.seek(other.place(&KEY), LOADS), Sought::Flight(_))
            }
            Sought::Hit(_) | Sought::Overdue(_) => false,
            // Too late to be seen as one who waits: it would claim.
            Sought::Nothing => true,
        });
        let vacated = world.shard.vacate(&flight, Some(Wanted { kind: Kind::Load, ..wanted })).expect("nobody else lands it");
        flight.publish(Landing { result: Err(LoadError::Cancelled), standing: Standing::Vacated });
        assert!(theirs.join().expect("nothing panics"), "who waited finds a load under way: {}", vacated.heir.is_some());
    });
}
