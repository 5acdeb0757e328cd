//! Finding nothing and claiming the flight is one critical section: who missed just before a landing never loads again.

use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, Equivalent, LoadKey, Source};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

/// A form of the key 1 that does something between the look that finds nothing and the claim.
struct Between<'a>(&'a dyn Fn());

impl Hash for Between<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        1_u32.hash(state);
    }
}

impl Equivalent<u32> for Between<'_> {
    fn equivalent(&self, key: &u32) -> bool {
        *key == 1
    }
}

impl LoadKey<u32> for Between<'_> {
    fn to_key(&self) -> u32 {
        (self.0)();
        1
    }
}

#[test]
fn g1_a_thread_that_missed_before_a_landing_finds_the_value_and_loads_nothing() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(0);
            let cache: Cache<u32, usize> = runway.numbers(Cache::builder(), style).build().expect("the settings make sense");
            let load = || drop(cache.fetch_with(&1).expect("the loader brings it"));
            let found = cache.fetch_detailed(&Between(&load)).expect("it is there");
            assert_eq!((*found.value, found.source, runway.begun()), (0, Source::Hit, 1), "{style:?}");
            let metrics = at_rest(&cache);
            assert_eq!((metrics.misses, metrics.hits, metrics.joined), (1, 1, 0), "each call is counted once");
        }
    });
}

#[test]
fn g1_a_task_that_missed_before_a_landing_finds_the_value_and_loads_nothing() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(0);
            let cache = runway.numbers::<u32>(AsyncCache::builder(), style).build_async().expect("the settings make sense");
            let load = || drop(futures::executor::block_on(cache.fetch_with(&1)).expect("the loader brings it"));
            let found = futures::executor::block_on(cache.fetch_detailed(&Between(&load))).expect("it is there");
            assert_eq!((*found.value, found.source, runway.begun()), (0, Source::Hit, 1), "{style:?}");
            at_rest(&cache.to_sync());
        }
    });
}

#[test]
fn g1_a_closure_of_a_caller_that_missed_before_a_landing_is_never_called() {
    in_time(|| {
        let cache: Cache<u32, usize> = Cache::builder().build().expect("the settings make sense");
        let load = || drop(cache.fetch_or_load(&1, || bellwether::ok(10)).expect("the closure brings it"));
        let value = cache.fetch_or_load(&Between(&load), || -> Result<usize, BoxError> { panic!("the second closure was called") });
        assert_eq!(*value.expect("it is there"), 10);
        at_rest(&cache);
    });
}

#[test]
fn g1_a_caller_that_missed_before_a_flight_began_joins_it() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let cache = runway.numbers::<u32>(AsyncCache::builder(), style).build_async().expect("the settings make sense");
            // The load goes on when the second caller has joined it.
            let (watched, opener) = (cache.clone(), runway.clone());
            let opens = thread::spawn(move || {
                until("the second caller joins", || watched.metrics().joined == 1);
                opener.open(0);
            });
            let launch = || {
                drop(cache.fetch_with(&1));
                runway.until_begun(0);
            };
            let found = cache.to_sync().fetch_detailed(&Between(&launch)).expect("the load brings it");
            assert_eq!((*found.value, found.source, runway.begun()), (0, Source::Joined, 1), "{style:?}");
            opens.join().expect("it saw the second caller join");
            at_rest(&cache.to_sync());
        }
    });
}

/// Where threads meet without going to sleep, so that they leave at the same instant.
#[derive(Default)]
struct Meeting(AtomicU32);

impl Meeting {
    /// Waits until `number` arrivals have been made in all.
    fn meet(&self, number: u32) {
        self.0.fetch_add(1, Ordering::AcqRel);
        while self.0.load(Ordering::Acquire) < number {
            thread::yield_now();
        }
    }
}

/// The same without an arranged order: callers start together, key after key, against loads that land at once.
fn g1_callers_that_race_the_landing_cost_one_load_for_each_key<F: Kind>() {
    const KEYS: u32 = 3_000;
    const CALLERS: u32 = 3;
    let loads: Arc<[AtomicU32]> = (0..KEYS).map(|_| AtomicU32::new(0)).collect();
    let counted = Arc::clone(&loads);
    let cache = F::Of::<u32, u32>::build(CacheBuilder::new().loader_fn(move |&key: &u32| {
        counted[usize::try_from(key).expect("it is a small number")].fetch_add(1, Ordering::Relaxed);
        bellwether::ok(key)
    }));
    let meeting = Meeting::default();
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let (cache, meeting) = (&cache, &meeting);
            scope.spawn(move || {
                for key in 0..KEYS {
                    meeting.meet((key + 1) * CALLERS);
                    // For some keys at the same instant, for others spread over the time that a load takes.
                    (0..key % 8 * caller * 10).for_each(|_| std::hint::spin_loop());
                    assert_eq!(*cache.fetch_with(&key).expect("the loader brings it"), key);
                }
            });
        }
    });
    let twice: Vec<usize> = (0..loads.len()).filter(|&key| loads[key].load(Ordering::Relaxed) != 1).collect();
    assert!(twice.is_empty(), "keys that weren't loaded exactly once: {twice:?}");
    let metrics = at_rest(&cache.sync());
    assert_eq!(metrics.loads_started, u64::from(KEYS));
    assert_eq!(metrics.hits + metrics.misses + metrics.joined, u64::from(KEYS * CALLERS), "each call is counted once");
}

/// Writes may overtake the loads, but between two writes a key is loaded at most once.
fn g1_there_is_a_second_load_only_after_an_invalidation<F: Kind>() {
    for style in [Style::Blocking, Style::Async] {
        let runway = Runway::new(0);
        let cache = F::Of::<u32, usize>::build(runway.numbers(CacheBuilder::new(), style));
        let fetch = || *cache.fetch_with(&1).expect("the loader brings it");
        assert_eq!((fetch(), fetch(), fetch()), (0, 0, 0));
        assert!(cache.invalidate(&1));
        assert_eq!((fetch(), fetch()), (1, 1));
        assert_eq!(cache.remove(&1).as_deref(), Some(&1));
        assert_eq!((fetch(), fetch()), (2, 2));
        cache.clear();
        assert_eq!((fetch(), fetch()), (3, 3));
        cache.insert(1, 100);
        assert_eq!((fetch(), fetch()), (100, 100), "what was inserted needs no load");
        assert!(!cache.invalidate(&2), "another key's invalidation");
        assert_eq!((fetch(), runway.begun()), (100, 4), "{style:?}");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(g1_callers_that_race_the_landing_cost_one_load_for_each_key, g1_there_is_a_second_load_only_after_an_invalidation,);
