//! Flights and their map, alone.

use super::*;
use crate::ground::time::Tick;
use std::sync::atomic::{AtomicUsize, Ordering as StdOrdering};
use std::task::Wake;
use std::time::Duration;

/// Wishes for the cache's own loader, which there is none of here.
const LOADS: Wish<'static> = Wish::Load(&|| Box::new(()));

const HASH: Hashed = Hashed(7);

const LOAD: Wanted = Wanted { deadline: Deadline::NEVER, kind: Kind::Load, urgent: false, party: Party::Alone };

fn map<K>() -> FlightMap<K, u32> {
    FlightMap::new(Arc::new(Traffic::new(u64::MAX)), Arc::new(Permits::UNLIMITED))
}

type TestPermits = Arc<Permits<Arc<Flight<u32, u32>>>>;

fn map_with_permits(most: u64, most_queued: u64) -> (FlightMap<u32, u32>, TestPermits) {
    let permits = Arc::new(Permits::new(Some(most), most_queued));
    (FlightMap::new(Arc::new(Traffic::new(u64::MAX)), Arc::clone(&permits)), permits)
}

fn claim(map: &mut FlightMap<u32, u32>, key: u32) -> Claimed<u32, u32> {
    map.claim(HASH, key, LOAD).expect("the queue isn't full")
}

fn landing(value: u32) -> Landing<u32> {
    Landing { result: Ok(Arc::new(value)), standing: Standing::Held }
}

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, StdOrdering::Relaxed);
    }
}

fn bell() -> (Arc<Bell>, Waker) {
    let bell = Arc::new(Bell::default());
    (Arc::clone(&bell), Waker::from(bell))
}

fn value(poll: Poll<Landing<u32>>) -> Option<u32> {
    match poll {
        Poll::Ready(landing) => landing.result.ok().map(|value| *value),
        Poll::Pending => None,
    }
}

#[test]
fn g1_a_flight_is_joined_until_it_lands_and_its_result_waits_for_late_wakers() {
    let mut map = map::<u32>();
    let flight = claim(&mut map, 1).flight;
    let joined = map.joinable(HASH, &1).cloned().expect("it is under way");
    assert!(Arc::ptr_eq(&flight, &joined));
    assert!(map.joinable(HASH, &2).is_none(), "the same hash is not the same key");
    let (bell, waker) = bell();
    let mut first = flight.join(LOADS);
    let mut second = flight.join(LOADS);
    assert!(first.poll(&Context::from_waker(&waker)).is_pending());
    assert!(map.take(&flight));
    assert!(map.joinable(HASH, &1).is_none());
    assert!(flight.seal());
    assert!(!flight.seal(), "only the first lands it");
    assert!(flight.publish(landing(5)).is_none(), "no alarm was set");
    assert_eq!(bell.0.load(StdOrdering::Relaxed), 1);
    let cx = Context::from_waker(&waker);
    assert_eq!((value(first.poll(&cx)), value(second.poll(&cx))), (Some(5), Some(5)));
    assert_eq!(value(flight.join(LOADS).poll(&cx)), Some(5));
}

#[test]
fn a_poll_replaces_its_own_waker_and_a_waiter_that_leaves_takes_it_along() {
    let mut map = map::<u32>();
    let flight = claim(&mut map, 1).flight;
    let (first_bell, first) = bell();
    let (second_bell, second) = bell();
    let mut waiter = flight.join(LOADS);
    for _ in 0..100 {
        assert!(waiter.poll(&Context::from_waker(&first)).is_pending());
        assert!(waiter.poll(&Context::from_waker(&second)).is_pending());
    }
    assert_eq!(Arc::strong_count(&first_bell), 2, "only the test's two are left");
    let leaver = {
        let mut leaver = flight.join(LOADS);
        assert!(leaver.poll(&Context::from_waker(&first)).is_pending());
        leaver
    };
    assert_eq!(flight.waiters(), 2);
    drop(leaver);
    assert_eq!(flight.waiters(), 1);
    assert_eq!(Arc::strong_count(&first_bell), 2);
    flight.publish(landing(1));
    assert_eq!(first_bell.0.load(StdOrdering::Relaxed), 0);
    assert_eq!(second_bell.0.load(StdOrdering::Relaxed), 1);
}

#[test]
fn seats_are_taken_again_so_that_a_million_comers_and_goers_leave_no_trace() {
    let mut map = map::<u32>();
    let flight = claim(&mut map, 1).flight;
    let (_, waker) = bell();
    for _ in 0..1_000_000 {
        assert!(flight.join(LOADS).poll(&Context::from_waker(&waker)).is_pending());
    }
    let held = match &flight.air.lock().stage {
        Stage::Aloft(seats) => seats.rows(),
        Stage::Sealed(_) | Stage::Landed(_) => 0,
    };
    assert_eq!((flight.waiters(), held), (0, 1));
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_asleep() {
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("a waker's panic");
        }
    }
    let mut map = map::<u32>();
    let flight = claim(&mut map, 1).flight;
    let mut bad = flight.join(LOADS);
    let mut good = flight.join(LOADS);
    let (bell, waker) = bell();
    assert!(bad.poll(&Context::from_waker(&Waker::from(Arc::new(Bomb)))).is_pending());
    assert!(good.poll(&Context::from_waker(&waker)).is_pending());
    flight.publish(landing(1));
    assert_eq!(bell.0.load(StdOrdering::Relaxed), 1);
}

#[test]
fn a_waker_whose_drop_drops_a_waiter_does_not_deadlock() {
    /// Held by the waker of one waiter, owns another waiter of the same flight.
    struct Owner(Mutex<Option<Waiter<u32, u32>>>);
    impl Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }
    impl Drop for Owner {
        fn drop(&mut self) {
            drop(self.0.lock().take());
        }
    }
    let mut map = map::<u32>();
    let flight = claim(&mut map, 1).flight;
    let mut waiter = flight.join(LOADS);
    let owner = Waker::from(Arc::new(Owner(Mutex::new(Some(flight.join(LOADS))))));
    assert!(waiter.poll(&Context::from_waker(&owner)).is_pending());
    drop(owner);
    assert_eq!(flight.waiters(), 2);
    assert!(waiter.poll(&Context::from_waker(Waker::noop())).is_pending(), "this replaces, and drops, the owner");
    assert_eq!(flight.waiters(), 1);
}

#[test]
fn g2_a_superseded_flight_can_not_be_joined_or_stored_and_the_next_claim_is_a_new_one() {
    let mut map = map::<u32>();
    let old = claim(&mut map, 1).flight;
    assert_eq!(map.supersede(&old), Overtaken::Flying);
    assert!(map.joinable(HASH, &1).is_none() && !map.holds(&old));
    let new = claim(&mut map, 1).flight;
    assert!(!map.take(&old), "it isn't the map's any more");
    assert!(map.holds(&new), "g3: a flight that ends leaves its successor alone");
    assert!(map.ended(&old).next.is_none());
    assert!(map.take(&new));
    map.ended(&new);
    assert_eq!(map.len(), 0, "the last load of the key empties its berth");
}

#[test]
fn g2_clearing_supersedes_every_flight_at_once() {
    let mut map = map::<u32>();
    let flights: Vec<_> = (0..10).map(|key| claim(&mut map, key).flight).collect();
    map.supersede_all();
    assert!((0..10).all(|key| map.joinable(HASH, &key).is_none()));
    assert!(flights.iter().all(|flight| !map.take(flight)));
    flights.iter().for_each(|flight| drop(map.ended(flight)));
    assert_eq!(map.len(), 0);
}

#[test]
fn g2_at_most_four_loads_of_a_key_are_aloft_and_the_fifth_begins_when_one_ends() {
    let mut map = map::<u32>();
    let mut aloft = Vec::new();
    for _ in 0..4 {
        let Claimed { flight, turn, .. } = claim(&mut map, 1);
        assert_eq!(turn, Turn::Now);
        map.supersede(&flight);
        aloft.push(flight);
    }
    let Claimed { flight: fifth, turn, .. } = claim(&mut map, 1);
    assert_eq!((turn, fifth.has_begun()), (Turn::Later, false));
    assert_eq!(map.supersede(&fifth), Overtaken::Queued, "it hasn't begun: no write need overtake it");
    map.supersede_all();
    assert!(map.joinable(HASH, &1).is_some());
    let launched = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&launched);
    fifth.when_begun(Box::new(move || {
        count.fetch_add(1, StdOrdering::Relaxed);
    }));
    assert_eq!(launched.load(StdOrdering::Relaxed), 0);
    let next = map.ended(&aloft[0]).next.expect("its turn has come");
    assert!(Arc::ptr_eq(&next, &fifth) && fifth.has_begun());
    next.begin();
    assert_eq!(launched.load(StdOrdering::Relaxed), 1);
    assert!(map.ended(&aloft[1]).next.is_none());
    assert_eq!(map.supersede(&fifth), Overtaken::Flying, "from now on it can be overtaken");
}

#[test]
fn a_load_that_was_put_off_is_never_launched_once_its_flight_has_landed() {
    struct Launched;
    let mut map = map::<u32>();
    for _ in 0..4 {
        let flight = claim(&mut map, 1).flight;
        map.supersede(&flight);
    }
    let fifth = claim(&mut map, 1).flight;
    let witness = Arc::new(Launched);
    let held = Arc::clone(&witness);
    fifth.when_begun(Box::new(move || panic!("launched with {}", Arc::strong_count(&held))));
    assert!(map.take(&fifth));
    fifth.publish(landing(1));
    assert_eq!(Arc::strong_count(&witness), 1, "what would have launched it is gone");
    fifth.when_begun(Box::new(|| panic!("launched")));
    assert!(map.ended(&fifth).next.is_none());
}

#[test]
fn g18_a_key_that_is_not_equal_to_itself_still_leaves_its_berth() {
    #[derive(Clone)]
    struct Odd;
    impl PartialEq for Odd {
        fn eq(&self, _: &Self) -> bool {
            false
        }
    }
    impl Eq for Odd {}
    let mut map = map::<Odd>();
    let flights: Vec<_> = (0..10).map(|_| map.claim(HASH, Odd, LOAD).ok().expect("no limit").flight).collect();
    for flight in &flights {
        assert!(map.take(flight));
        drop(map.ended(flight));
    }
    assert_eq!(map.len(), 0);
}

#[test]
fn g5_of_a_result_and_a_time_out_only_the_first_lands_a_flight() {
    let mut map = map::<u32>();
    let flight = map
        .claim(HASH, 1, Wanted { deadline: Deadline::after(Tick::from_nanos(0), Duration::from_secs(1)), ..LOAD })
        .expect("no limit")
        .flight;
    assert!(flight.wants_alarm());
    assert!(flight.seal());
    assert!(!flight.wants_alarm(), "it can't time out any more");
    assert!(!flight.seal());
    flight.publish(landing(1));
    assert!(!flight.seal());
}

#[test]
fn the_loads_own_task_is_woken_when_the_flight_lands_without_it() {
    let mut map = map::<u32>();
    let flight = claim(&mut map, 1).flight;
    let (bell, waker) = bell();
    let cx = Context::from_waker(&waker);
    assert!(flight.poll_stop(&cx).is_pending());
    assert!(flight.poll_stop(&cx).is_pending());
    flight.publish(landing(0));
    assert_eq!(bell.0.load(StdOrdering::Relaxed), 1);
    assert!(flight.poll_stop(&cx).is_ready());
}

#[test]
fn g7_a_load_waits_for_a_permit_unless_a_load_that_has_one_waits_for_it() {
    let (mut map, permits) = map_with_permits(1, u64::MAX);
    let first = claim(&mut map, 1);
    let second = claim(&mut map, 2);
    let third = claim(&mut map, 3);
    assert_eq!([first.turn, second.turn, third.turn], [Turn::Now, Turn::Later, Turn::Later]);
    let urgent = map.claim(HASH, 4, Wanted { urgent: true, ..LOAD }).expect("it asks for no permit");
    assert_eq!(urgent.turn, Turn::Now);
    assert!(map.hurry(&third.flight) && third.flight.has_begun(), "it runs on the permit of the load that waits for it");
    assert!(!map.hurry(&third.flight));
    assert!(!map.ended(&third.flight).permit && !map.ended(&urgent.flight).permit, "these have none to give back");
    assert!(map.ended(&first.flight).permit);
    let next = permits.pass_on().expect("the second waits");
    assert!(Arc::ptr_eq(&next, &second.flight) && map.begin_queued(&next));
    assert!(map.ended(&second.flight).permit);
    assert!(permits.pass_on().is_none());
    assert_eq!((map.len(), permits.usage().used), (0, 0));
}

#[test]
fn what_is_gathered_takes_no_permit_and_begins_with_others_only() {
    let gathers = Wanted { party: Party::Gathers, ..LOAD };
    let (mut map, permits) = map_with_permits(1, 0);
    let first = claim(&mut map, 1).flight;
    assert_eq!(map.claim(HASH, 2, gathers).err(), Some(2), "no place is left in the queue");
    assert_eq!(map.supersede(&first), Overtaken::Flying);
    first.publish(landing(0));
    assert!(map.ended(&first).permit && permits.pass_on().is_none());
    let overtaken = claim(&mut map, 1).flight;
    map.supersede(&overtaken);
    overtaken.give_permit();
    assert!(permits.pass_on().is_none());
    let one = map.claim(HASH, 1, gathers).expect("a permit is free");
    let two = map.claim(HASH, 2, gathers).expect("a permit is free");
    assert_eq!((one.turn, two.turn, permits.usage().used), (Turn::Gathered, Turn::Gathered, 0));
    assert_eq!(map.supersede(&one.flight), Overtaken::Queued, "it hasn't begun");
    assert!(map.ended(&overtaken).next.is_none() && !one.flight.has_begun(), "it is not a load of its key that it waits for");
    assert_eq!((map.ask_permit(&one.flight), map.begin_with_others(&two.flight)), (Some(Turn::Now), true));
    assert!(map.ended(&one.flight).permit && !map.ended(&two.flight).permit);
    assert!(permits.pass_on().is_none());
    let urgent = map.claim(HASH, 3, Wanted { urgent: true, ..gathers }).expect("it asks for no permit");
    assert_eq!(urgent.turn, Turn::Now, "a load on a permit waits for it");
    map.ended(&urgent.flight);
    assert_eq!((map.len(), permits.usage().used), (0, 0));
}

#[test]
fn a_flight_that_is_answered_while_it_waits_for_a_permit_never_begins() {
    let (mut map, permits) = map_with_permits(1, u64::MAX);
    let first = claim(&mut map, 1).flight;
    let second = claim(&mut map, 2).flight;
    assert_eq!(map.supersede(&second), Overtaken::Queued);
    assert!(map.take(&second));
    assert!(map.ended(&first).permit);
    let next = permits.pass_on().expect("it is still in the queue");
    assert!(!map.begin_queued(&next), "nobody needs it any more");
    assert!(permits.pass_on().is_none());
    assert!(!map.ended(&second).permit);
    assert_eq!((map.len(), permits.usage().used), (0, 0));
}

#[test]
fn a_claim_beyond_the_queue_gives_its_key_back_and_leaves_no_trace() {
    let (mut map, _) = map_with_permits(1, 0);
    let first = claim(&mut map, 1).flight;
    assert_eq!(map.claim(HASH, 2, LOAD).err(), Some(2));
    assert!(map.joinable(HASH, &2).is_none());
    assert_eq!(map.len(), 1);
    map.ended(&first);
    assert_eq!(map.len(), 0);
}

#[test]
fn g2_a_turn_that_comes_still_needs_a_permit() {
    let (mut map, permits) = map_with_permits(4, 0);
    let mut aloft = Vec::new();
    for _ in 0..4 {
        let flight = claim(&mut map, 1).flight;
        map.supersede(&flight);
        aloft.push(flight);
    }
    let fifth = claim(&mut map, 1).flight;
    // A permit that is passed on elsewhere meanwhile.
    assert!(permits.pass_on().is_none());
    assert_eq!(claim(&mut map, 2).turn, Turn::Now);
    let ended = map.ended(&aloft[0]);
    assert!(ended.next.is_none() && !fifth.has_begun(), "there is room for it, but no permit");
    assert!(ended.permit);
    let next = permits.pass_on().expect("it was let into the queue, full as that is");
    assert!(Arc::ptr_eq(&next, &fifth) && map.begin_queued(&fifth));
}

#[test]
fn g4_the_flight_of_an_entry_takes_no_load_s_place_and_leaves_nothing() {
    const ENTRY: Wanted = Wanted { kind: Kind::Entry, ..LOAD };
    let (mut map, permits) = map_with_permits(1, 0);
    for _ in 0..10 {
        let flight = map.claim(HASH, 1, ENTRY).expect("an entry needs no permit").flight;
        assert_eq!(map.supersede(&flight), Overtaken::Flying);
        assert_eq!(map.len(), 0, "though nobody has said that it ended: it may have been leaked");
        assert!(!map.ended(&flight).permit);
    }
    let flight = map.claim(HASH, 1, ENTRY).expect("an entry needs no permit").flight;
    assert!(map.take(&flight));
    let (heir, turn) = map.succeed(&flight, LOAD).expect("there is a permit");
    assert_eq!((turn, heir.key()), (Turn::Now, &1));
    assert!(map.joinable(HASH, &1).is_some_and(|joined| Arc::ptr_eq(joined, &heir)));
    assert!(map.ended(&heir).permit && permits.pass_on().is_none());
    assert_eq!(map.len(), 0);
}
