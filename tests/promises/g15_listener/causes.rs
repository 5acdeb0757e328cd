//! Every cause, with its key and the very value: each by every way in which it comes about.

use crate::faces::{Face, Kind};
use crate::g15_listener::ear::Ear;
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, Entry, EvictionPolicy, Loaded, MockClock, RemovalCause};
use std::sync::Arc;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const LIFE: Duration = Duration::from_secs(10);

/// One cache, and what is heard of it.
struct Scene<F: Kind> {
    cache: Of<F>,
    ear: Ear<u32>,
    clock: MockClock,
}

impl<F: Kind> Scene<F> {
    fn new(set: impl FnOnce(CacheBuilder<u32, u32>) -> CacheBuilder<u32, u32>) -> Self {
        let (ear, clock) = (Ear::new(), MockClock::new());
        let builder = CacheBuilder::new().shards(1).eviction(EvictionPolicy::Lru).clock(clock.clone()).listener(ear.clone());
        Self { cache: F::Of::build(set(builder)), ear, clock }
    }

    /// Stores a value, of which nothing is heard, and gives it.
    fn held(&self, key: u32) -> Arc<u32> {
        self.cache.insert(key, key * 10);
        let value = self.cache.peek(&key).expect("it was inserted");
        self.ear.heard("nothing has left", &[]);
        value
    }

    /// Waits until all that has left is told: a load may hand its value out a moment before it tells.
    fn told(&self) {
        until("all is told", || self.cache.metrics().unreported == 0);
    }

    fn over(self) {
        self.told();
        let metrics = at_rest(&self.cache.sync());
        self.ear.heard("nothing is told twice", &[]);
        assert_eq!((metrics.unreported, metrics.listener_panics), (0, 0));
    }
}

/// Something that is done to a cache, and what it is called.
type Named<C> = (&'static str, fn(&C));

fn g15_values_that_make_room_are_evicted<F: Kind>() {
    let scene = Scene::<F>::new(|builder| builder.capacity(2));
    let values = [scene.held(1), scene.held(2)];
    scene.cache.insert(3, 30);
    let heard = scene.ear.take();
    let [(key, value, cause)] = &heard[..] else { panic!("one makes room for one: {heard:?}") };
    let index = usize::try_from(key - 1).expect("small");
    assert!(Arc::ptr_eq(value, &values[index]) && !scene.cache.contains_key(key));
    assert_eq!((*cause, scene.cache.len()), (RemovalCause::Evicted, 2));
    scene.over();
}

fn g15_values_past_their_last_deadline_are_expired_whoever_takes_them_out<F: Kind>() {
    type Take<F> = (&'static str, fn(&Of<F>));
    let ways: [Take<F>; 8] = [
        ("run_maintenance", |cache| cache.run_maintenance()),
        ("an insert over it", |cache| cache.insert(1, 11)),
        ("a removal", |cache| assert!(cache.remove(&1).is_none())),
        ("an invalidation", |cache| assert!(!cache.invalidate(&1))),
        ("a load", |cache| drop(cache.fetch_or_load(&1, || Loaded::ok(11)).expect("the closure brings it"))),
        ("an entry", |cache| drop(cache.sync().entry(1).or_insert(11))),
        ("room for another", |cache| cache.insert_with(2, Loaded::value(20).weight(10))),
        ("a write elsewhere", |cache| cache.insert(3, 30)),
    ];
    for (what, take) in ways {
        let scene = Scene::<F>::new(|builder| builder.capacity(10).no_janitor().time_to_live(LIFE));
        let value = scene.held(1);
        scene.clock.advance(LIFE);
        take(&scene.cache);
        scene.ear.heard(what, &[(1, &value, RemovalCause::Expired)]);
        scene.over();
    }
    let scene = Scene::<F>::new(|builder| builder.time_to_live(LIFE));
    let value = scene.held(1);
    scene.clock.advance(LIFE);
    scene.ear.heard("the clock", &[(1, &value, RemovalCause::Expired)]);
    scene.over();
}

fn g15_values_that_are_written_over_are_replaced<F: Kind>() {
    let scene = Scene::<F>::new(|builder| builder.capacity(10));
    let mut value = scene.held(1);
    let writes: [Named<Of<F>>; 5] = [
        ("an insert", |cache| cache.insert(1, 11)),
        ("an insert with settings", |cache| cache.insert_with(1, Loaded::value(12).weight(3))),
        ("an insert with a time to live", |cache| cache.insert_with_ttl(1, 13, LIFE)),
        ("a refresh", |cache| drop(cache.sync().fetch_or_load(&1, || Loaded::ok(14)).expect("it is held"))),
        ("an entry", |cache| match cache.sync().entry(1) {
            Entry::Occupied(mut entry) => drop(entry.replace(15).expect("it is held")),
            Entry::Vacant(_) => panic!("it is held"),
        }),
    ];
    for (what, write) in writes {
        write(&scene.cache);
        let now = scene.cache.peek(&1).expect("it was written");
        let expected = (1, &value, RemovalCause::Replaced);
        // A held value is served, and nothing leaves.
        scene.ear.heard(what, if Arc::ptr_eq(&now, &value) { &[] } else { std::slice::from_ref(&expected) });
        value = now;
    }
    // The value of another key that makes room for itself isn't replaced but evicted.
    scene.cache.insert_with(2, Loaded::value(20).weight(10));
    assert_eq!(scene.ear.causes(), [(1, RemovalCause::Evicted)]);
    scene.over();
}

fn g15_values_that_are_removed_by_their_key_are_invalidated<F: Kind>() {
    let removals: [Named<Of<F>>; 6] = [
        ("remove", |cache| drop(cache.remove(&1).expect("it is held"))),
        ("invalidate", |cache| assert!(cache.invalidate(&1))),
        ("expire", |cache| assert!(cache.expire(&1))),
        ("an insert of nothing", |cache| cache.insert_with(1, Loaded::absent())),
        ("an insert of what isn't to be held", |cache| cache.insert_with(1, Loaded::value(11).uncached())),
        ("an entry's removal", |cache| match cache.sync().entry(1) {
            Entry::Occupied(entry) => drop(entry.remove().expect("it is held")),
            Entry::Vacant(_) => panic!("it is held"),
        }),
    ];
    for (what, remove) in removals {
        let scene = Scene::<F>::new(|builder| builder.capacity(10));
        let value = scene.held(1);
        remove(&scene.cache);
        scene.ear.heard(what, &[(1, &value, RemovalCause::Invalidated)]);
        remove_again(&scene);
        scene.over();
    }
}

/// What isn't held can't leave.
fn remove_again<F: Kind>(scene: &Scene<F>) {
    assert!(scene.cache.remove(&1).is_none() && !scene.cache.invalidate(&1) && !scene.cache.expire(&1));
    scene.cache.clear();
    scene.ear.heard("nothing was held", &[]);
}

fn g15_values_that_are_cleared_are_cleared<F: Kind>() {
    let scene = Scene::<F>::new(|builder| builder.capacity(10));
    let values: Vec<_> = (0..10).map(|key| scene.held(key)).collect();
    scene.cache.clear();
    let mut heard = scene.ear.take();
    heard.sort_by_key(|(key, ..)| *key);
    assert_eq!(heard.len(), 10);
    for ((key, value, cause), held) in heard.iter().zip(&values) {
        assert!(Arc::ptr_eq(value, held) && *cause == RemovalCause::Cleared, "{key}");
    }
    scene.over();
}

fn g15_values_that_weigh_too_much_are_rejected_and_what_they_were_to_replace_is_replaced<F: Kind>() {
    let scene = Scene::<F>::new(|builder| builder.capacity(10));
    let old = scene.held(1);
    let heavy = Arc::new(11);
    scene.cache.insert_with(1, Loaded::from(Arc::clone(&heavy)).weight(11));
    scene.ear.heard("a heavy insert", &[(1, &old, RemovalCause::Replaced), (1, &heavy, RemovalCause::Rejected)]);
    let loaded = scene.cache.fetch_or_load(&2, || Loaded::ok(Loaded::value(20).weight(u64::MAX))).expect("it is delivered");
    scene.told();
    scene.ear.heard("a heavy load", &[(2, &loaded, RemovalCause::Rejected)]);
    assert!(scene.cache.sync().try_insert(3, 30).is_ok());
    scene.cache.sync().set_capacity(0);
    assert_eq!(scene.ear.causes(), [(3, RemovalCause::Evicted)]);
    assert!(scene.cache.sync().try_insert(3, 31).is_err());
    assert_eq!(scene.ear.causes(), [(3, RemovalCause::Rejected)]);
    scene.over();
}

fn g15_what_overtaken_loads_bring_is_superseded<F: Kind>() {
    let writes: [Named<bellwether::Cache<u32, u32>>; 4] = [
        ("insert", |cache| cache.insert(1, 11)),
        ("invalidate", |cache| assert!(!cache.invalidate(&1))),
        ("remove", |cache| assert!(cache.remove(&1).is_none())),
        ("clear", |cache| cache.clear()),
    ];
    for (what, write) in writes {
        let scene = Scene::<F>::new(|builder| builder.capacity(10));
        let inside = scene.cache.sync();
        let loaded = scene.cache.fetch_or_load(&1, move || {
            write(&inside);
            Loaded::ok(10)
        });
        let loaded = loaded.expect("it is delivered");
        scene.told();
        scene.ear.heard(what, &[(1, &loaded, RemovalCause::Superseded)]);
        scene.over();
    }
}

fn g15_values_whose_key_is_found_to_be_absent_leave_for_that<F: Kind>() {
    let scene = Scene::<F>::new(|builder| builder.loader_fn(|_: &u32| Ok::<_, BoxError>(Loaded::<u32>::absent())));
    let value = scene.held(1);
    assert!(scene.cache.refresh(&1).is_err_and(|error| error.is_absent()));
    scene.told();
    scene.ear.heard("absent", &[(1, &value, RemovalCause::Absent)]);
    assert!(scene.cache.refresh(&1).is_err_and(|error| error.is_absent()));
    scene.over();
}

fn g15_what_stays_is_not_reported<F: Kind>() {
    let scene = Scene::<F>::new(|builder| builder.capacity(10).loader_fn(|_: &u32| Ok::<_, BoxError>(Loaded::<u32>::unchanged())));
    let value = scene.held(1);
    let again = scene.cache.refresh(&1).expect("it is what was held");
    assert!(Arc::ptr_eq(&value, &again));
    scene.cache.insert_with(1, Loaded::unchanged());
    assert!(scene.cache.persist(&1) && scene.cache.set_ttl(&1, LIFE));
    assert!(scene.cache.fetch_with(&2).is_err(), "nothing is held that could be unchanged");
    drop(scene.cache.fetch_or_load(&3, || Loaded::ok(Loaded::value(30).uncached())).expect("it is delivered"));
    drop(scene.cache.fetch_or_load(&4, || Err(BoxError::from("no"))));
    scene.over();
}

on_every_face_in_time!(
    g15_values_that_make_room_are_evicted,
    g15_values_past_their_last_deadline_are_expired_whoever_takes_them_out,
    g15_values_that_are_written_over_are_replaced,
    g15_values_that_are_removed_by_their_key_are_invalidated,
    g15_values_that_are_cleared_are_cleared,
    g15_values_that_weigh_too_much_are_rejected_and_what_they_were_to_replace_is_replaced,
    g15_what_overtaken_loads_bring_is_superseded,
    g15_values_whose_key_is_found_to_be_absent_leave_for_that,
    g15_what_stays_is_not_reported,
);
