//! Models of a shard under loom: claims, landings and writes of one key in every interleaving.

use super::*;
use crate::ground::hash::Hashed;
use crate::ground::park::Parker;
use crate::ground::time::{Clock, Deadline, MockClock};
use crate::mechanisms::eviction::{EvictionPolicy, Sizing};
use crate::mechanisms::flight::{Kind, Landing, Party, Standing, Traffic, Waiter, Wanted, Wish};
use crate::mechanisms::permits::Permits;
use crate::mechanisms::room::Room;
use crate::mechanisms::upkeep::Keeper;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::expiry::{Origin, OwnRules, Rules};
use ::loom::model;
use ::loom::sync::atomic::AtomicU32;
use ::loom::thread;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// Wishes for the cache's own loader, which there is none of here.
const LOADS: Wish<'static> = Wish::Load(&|| Box::new(()));

const KEY: u32 = 1;
const HASH: Hashed = Hashed(1);

/// A cache of one shard, in front of a source that counts its loads.
struct World {
    shard: Shard<u32, u32>,
    room: Room,
    clock: Clock,
    rules: Rules,
    loads: AtomicU32,
}

impl World {
    fn new(capacity: u64) -> Arc<Self> {
        Self::with_rules(capacity, Rules::NONE)
    }

    /// A world whose value is stale and may be served. Its number is 1.
    fn stale() -> Arc<Self> {
        let second = Duration::from_secs(1);
        let world = Self::with_rules(10, Rules { time_to_live: second, stale_while_revalidate: second, ..Rules::NONE });
        assert!(world.put(1, By::Caller));
        world.clock.mock().expect("it is one").advance(second);
        world
    }

    fn with_rules(capacity: u64, rules: Rules) -> Arc<Self> {
        let common = Common {
            plan: crate::ground::sync::Arc::new(Plan::new(EvictionPolicy::Sieve, None, 1, capacity, Sizing::ByCapacity)),
            traffic: Arc::new(Traffic::new(u64::MAX)),
            permits: Arc::new(Permits::UNLIMITED),
            reads: None,
            upkeep: Arc::new(Upkeep::new(Keeper::Nobody)),
            tags: Tags::new(),
            is_heard: false,
        };
        let clock = MockClock::new().into();
        Arc::new(Self { shard: Shard::new(&common), room: Room::new(capacity), clock, rules, loads: AtomicU32::new(0) })
    }

    fn terms(&self) -> Terms<'_> {
        Terms { room: &self.room, clock: &self.clock, share: Some(self.room.capacity()) }
    }

    fn place<'a>(&'a self, key: &'a u32) -> Place<'a, u32> {
        Place { hashed: HASH, key, clock: &self.clock }
    }

    fn put(&self, value: u32, by: By<'_, u32, u32>) -> bool {
        let origin = Origin { load_time: Duration::ZERO, reread: false };
        let times = self.rules.times(&OwnRules::default(), origin, &self.clock);
        let put = Put {
            hashed: HASH,
            key: KEY,
            value: Arc::new(value),
            weight: 1,
            times,
            stamp: 0,
            cost: Duration::ZERO,
            by,
            renewal: None,
            need: Needed::Unknown,
            gave_way: std::cell::Cell::new(None),
            stays: std::cell::Cell::new(false),
            verdict: None,
        };
        let mut out = Departures::new();
        let committed = self.shard.commit(&mut Some(put), self.terms(), &mut self.room.promise(), &mut out);
        matches!(committed, Committed::Stored { .. })
    }

    fn claim(&self) -> Claim<u32, u32> {
        let wanted = Wanted { deadline: Deadline::NEVER, kind: Kind::Load, urgent: false, party: Party::Alone };
        self.shard.claim((HASH, KEY), Rule::Served, LOADS, wanted, self.terms(), &mut Departures::new())
    }

    fn seek(&self) -> Sought<u32, u32> {
        self.shard.seek(self.place(&KEY), Rule::Served, LOADS)
    }

    /// The protocol of a fetch, with a load that takes no time, and a refresh that its caller runs after he has his value.
    fn fetch(&self) -> u32 {
        match self.seek() {
            Sought::Held(fetched, Due::No) => return *fetched.value,
            Sought::Held(fetched, Due::Refresh) => {
                if let Some(flight) = self.claim_refresh() {
                    self.load(&flight);
                }
                return *fetched.value;
            }
            Sought::Flight(waiter, _) => return wait(waiter),
            Sought::Held(_, Due::Overdue(_)) | Sought::Remembered(_) => unreachable!("loads succeed here, in no time"),
            Sought::Nothing(_) | Sought::Overdue(..) => {}
        }
        match self.claim() {
            Claim::Held(fetched, _) => *fetched.value,
            Claim::Joined(waiter, ..) => wait(waiter),
            Claim::Led(led) => self.load(&led.flight),
            Claim::Refused(..) | Claim::Remembered(..) | Claim::Needless(_) => unreachable!("there is no limit, and no refresh is claimed"),
        }
    }

    fn claim_refresh(&self) -> Option<Arc<Flight<u32, u32>>> {
        let wanted = Wanted { deadline: Deadline::NEVER, kind: Kind::Refresh, urgent: false, party: Party::Alone };
        match self.shard.claim_refresh((HASH, KEY), Wish::Own, wanted, self.terms(), &mut Departures::new()) {
            Claim::Led(led) => Some(led.flight),
            Claim::Needless(_) => None,
            Claim::Held(..) | Claim::Joined(..) | Claim::Remembered(..) | Claim::Refused(..) => unreachable!("there is no limit"),
        }
    }

    /// A load from its start to its landing.
    fn load(&self, flight: &Arc<Flight<u32, u32>>) -> u32 {
        let value = self.loads.fetch_add(1, Ordering::Relaxed) + 100;
        self.land(flight, value);
        value
    }

    fn land(&self, flight: &Arc<Flight<u32, u32>>, value: u32) {
        let stored = self.put(value, By::Flight(flight));
        let standing = if stored { Standing::Held } else { Standing::Superseded };
        flight.publish(Landing { result: Ok(Arc::new(value)), standing });
    }

    fn expire(&self) -> bool {
        self.shard.expire(self.place(&KEY), self.terms(), &mut Departures::new())
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
            Claim::Led(led) => led.flight,
            _ => unreachable!("nothing is there"),
        };
        let other = Arc::clone(&world);
        let cleared = thread::spawn(move || {
            other.shard.clear(Clearing::Told, other.terms(), &mut Departures::new());
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
        let Claim::Led(Led { flight, waiter, .. }) = world.claim() else { unreachable!("nothing is there") };
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || match other.seek() {
            Sought::Flight(waiter, _) => Some(wait(waiter)),
            Sought::Held(fetched, _) => Some(*fetched.value),
            Sought::Nothing(_) | Sought::Overdue(..) | Sought::Remembered(_) => None,
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
        let wanted = Wanted { deadline: Deadline::NEVER, kind: Kind::Entry, urgent: false, party: Party::Alone };
        let claimed = world.shard.claim((HASH, KEY), Rule::Shown, Wish::Own, wanted, world.terms(), &mut Departures::new());
        let Claim::Led(Led { flight, .. }) = claimed else { unreachable!("nothing is there") };
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || match other.seek() {
            Sought::Flight(mut waiter, _) => {
                let (parker, waker) = Parker::new();
                while waiter.poll(&Context::from_waker(&waker)).is_pending() {
                    parker.park();
                }
                // Vacated: by now the load is there, or was before.
                matches!(other.seek(), Sought::Flight(..))
            }
            Sought::Held(..) | Sought::Overdue(..) | Sought::Remembered(_) => false,
            // Too late to be seen as one who waits: it would claim.
            Sought::Nothing(_) => true,
        });
        let vacated = world.shard.vacate(&flight, Some(Wanted { kind: Kind::Load, ..wanted }), &world.clock).expect("nobody else lands it");
        flight.publish(Landing { result: Err(LoadError::Cancelled), standing: Standing::Vacated });
        assert!(theirs.join().expect("nothing panics"), "who waited finds a load under way: {}", vacated.heir.is_some());
    });
}

#[test]
fn g9_of_two_who_find_a_stale_value_one_loads_it_anew() {
    model(|| {
        let world = World::stale();
        let other = Arc::clone(&world);
        let theirs = thread::spawn(move || other.fetch());
        let mine = world.fetch();
        let theirs = theirs.join().expect("fetching doesn't panic");
        // One is served the stale value for certain; the other comes too, or after the landing.
        assert!(mine == 1 || theirs == 1, "{mine} and {theirs}");
        assert_eq!(world.loads.load(Ordering::Relaxed), 1);
        assert_eq!(world.held(), Some(100));
    });
}

#[test]
fn g2_a_refresh_that_an_expire_overtook_leaves_the_value_stale() {
    model(|| {
        let world = World::stale();
        let flight = world.claim_refresh().expect("it is due");
        let other = Arc::clone(&world);
        let expired = thread::spawn(move || {
            let was_fresh = other.expire();
            (was_fresh, other.held())
        });
        world.land(&flight, 100);
        let (was_fresh, held) = expired.join().expect("expiring doesn't panic");
        assert_eq!(held, None, "after the expire nothing fresh is there that was loaded before it");
        // Either the refresh came first, and its value was expired, or it came too late, and the old one is still there to be served.
        let Sought::Held(served, Due::Refresh) = world.seek() else { unreachable!("it may be served, and is due") };
        assert_eq!(*served.value, if was_fresh { 100 } else { 1 });
    });
}

#[test]
fn g2_a_refresh_that_an_invalidate_overtook_brings_nothing_back() {
    model(|| {
        let world = World::stale();
        let flight = world.claim_refresh().expect("it is due");
        let other = Arc::clone(&world);
        let invalidated = thread::spawn(move || {
            other.invalidate();
            other.held()
        });
        world.land(&flight, 100);
        assert_eq!(invalidated.join().ok().flatten(), None);
        assert_eq!((world.held(), world.room.held()), (None, 0));
    });
}

#[test]
fn g10_a_visit_takes_an_expired_value_out_and_never_what_came_in_its_place() {
    model(|| {
        let world = World::stale();
        world.clock.mock().expect("it is one").advance(Duration::from_secs(1));
        let other = Arc::clone(&world);
        let visit = thread::spawn(move || {
            other.shard.reclaim(other.clock.now(), other.terms(), &mut Departures::new());
        });
        assert!(world.put(7, By::Caller));
        visit.join().expect("reclaiming doesn't panic");
        assert_eq!(world.held(), Some(7));
        assert_eq!((world.room.held(), world.room.entries()), (1, 1));
    });
}
