//! A listener against writers, removals, loads that land and time that passes: each departure is told once, and in order per key, in every schedule.

use crate::world::{OnShuttle, Pause, below, explore_share, join, spawn};
use bellwether::{BoxError, Cache, CacheBuilder, MockClock, RemovalCause};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const KEY: u8 = 1;
const LIFE: Duration = Duration::from_secs(10);

type Told = Vec<(u8, usize, RemovalCause)>;

/// What the listener has heard. Its lock isn't the model's: it orders nothing that the cache doesn't.
#[derive(Clone, Default)]
struct Ear {
    told: Arc<Mutex<Told>>,
    is_inside: Arc<AtomicBool>,
}

impl Ear {
    fn hear(&self, key: u8, value: usize, cause: RemovalCause) {
        assert!(!self.is_inside.swap(true, Ordering::SeqCst), "one at a time, in a cache of one shard");
        // Others go on while it is at it.
        shuttle::thread::yield_now();
        self.told.lock().expect("nobody panics under it").push((key, value, cause));
        self.is_inside.store(false, Ordering::SeqCst);
    }

    fn told(&self) -> Told {
        self.told.lock().expect("nobody panics under it").clone()
    }
}

struct Scene {
    cache: Cache<u8, usize>,
    ear: Ear,
    clock: MockClock,
    running: OnShuttle,
}

/// Values are numbers, each of which is brought once: loads bring those from 1,000 on.
fn scene() -> Scene {
    let (ear, clock, running) = (Ear::default(), MockClock::new(), OnShuttle::default());
    let (own, next) = (ear.clone(), Arc::new(AtomicUsize::new(1_000)));
    let load = move |_: u8| {
        let value = next.fetch_add(1, Ordering::Relaxed);
        async move {
            Pause(below(6)).await;
            Ok::<_, BoxError>(value)
        }
    };
    let builder = CacheBuilder::new().async_loader_fn(load).shards(1).spawner(running.clone()).clock(clock.clone());
    let cache = builder.on_removal(move |&key, value, cause| own.hear(key, **value, cause)).build().expect("the settings make sense");
    Scene { cache, ear, clock, running }
}

impl Scene {
    /// Waits for all loads, and holds that what was told is what has left, each once, and what is held last of all.
    fn ends(&self, brought: impl IntoIterator<Item = usize>) {
        self.running.rest();
        self.cache.validate();
        let metrics = self.cache.metrics();
        assert_eq!(metrics.unreported, 0, "nothing waits to be told when all calls are over");
        let mut told = self.ear.told();
        let causes =
            [RemovalCause::Replaced, RemovalCause::Invalidated, RemovalCause::Superseded, RemovalCause::Cleared, RemovalCause::Expired];
        for cause in causes {
            let number = told.iter().filter(|(.., told)| *told == cause).count() as u64;
            assert_eq!(number, metrics.removals(cause), "{cause:?}");
        }
        let held: Vec<_> = self.cache.iter().map(|(key, value)| (key, *value)).collect();
        told.extend(held.iter().map(|(key, value)| (*key, *value, RemovalCause::Cleared)));
        let values: HashSet<_> = told.iter().map(|(_, value, _)| *value).collect();
        assert_eq!(values.len(), told.len(), "none is told twice, nor while it is held: {told:?}");
        let loads = metrics.loads_started as usize;
        let expected: HashSet<_> = brought.into_iter().chain(1_000..1_000 + loads).collect();
        assert_eq!(values, expected, "all that came has left or is held");
    }
}

/// The values of one writer that were held leave in the order in which it stored them.
fn in_order(told: &Told) {
    let mut latest: HashMap<(u8, usize), usize> = HashMap::new();
    for (key, value, _) in told.iter().filter(|(.., cause)| *cause != RemovalCause::Superseded) {
        let before = latest.insert((*key, value / 10), *value);
        assert!(before.is_none_or(|before| before < *value), "{told:?}");
    }
}

#[test]
fn g15_writers_and_removals_and_a_load_that_lands_are_told_once_and_in_order() {
    explore_share(1, || {
        let scene = scene();
        let (one, two, three) = (scene.cache.clone(), scene.cache.clone(), scene.cache.clone());
        join([
            spawn(move || [10, 11].into_iter().for_each(|value| one.insert(KEY, value))),
            spawn(move || {
                two.insert(KEY, 20);
                two.invalidate(&KEY);
            }),
            spawn(move || {
                let fetched = shuttle::future::block_on(three.to_async().fetch_with(&KEY));
                assert!(fetched.is_ok());
            }),
        ]);
        scene.ends([10, 11, 20]);
        let told = scene.ear.told();
        in_order(&told);
        if let Some(held) = scene.cache.peek(&KEY) {
            assert!(told.iter().all(|(_, value, cause)| *cause == RemovalCause::Superseded || value / 10 != *held / 10 || value < &*held));
        }
    });
}

#[test]
fn g15_a_clear_is_told_before_what_comes_after_it() {
    explore_share(2, || {
        let scene = scene();
        (0..3).for_each(|key| scene.cache.insert(key, usize::from(key) * 10));
        let (one, two) = (scene.cache.clone(), scene.cache.clone());
        join([
            spawn(move || one.clear()),
            spawn(move || {
                (0..3).for_each(|key| two.insert(key, usize::from(key) * 10 + 1));
                two.clear();
            }),
        ]);
        scene.ends([0, 1, 10, 11, 20, 21]);
        let told = scene.ear.told();
        assert_eq!(told.len(), 6);
        in_order(&told);
    });
}

#[test]
fn g15_who_waits_until_all_is_told_finds_it_told() {
    explore_share(2, || {
        let scene = scene();
        let (one, two) = (scene.cache.clone(), scene.cache.clone());
        let ear = scene.ear.clone();
        join([
            spawn(move || [10, 11, 12].into_iter().for_each(|value| one.insert(KEY, value))),
            spawn(move || {
                two.insert(2, 20);
                two.invalidate(&2);
                two.run_maintenance();
                assert!(ear.told().iter().any(|(_, value, _)| *value == 20), "it left before");
            }),
        ]);
        scene.ends([10, 11, 12, 20]);
    });
}

#[test]
fn g15_what_expires_while_others_write_is_told_once() {
    explore_share(2, || {
        let scene = scene();
        (0..2).for_each(|key| scene.cache.insert_with_ttl(key, usize::from(key) * 10, LIFE));
        let (one, two) = (scene.cache.clone(), scene.cache.clone());
        let threads = [
            spawn(move || one.insert(0, 1)),
            spawn(move || {
                two.invalidate(&1);
            }),
        ];
        scene.clock.advance(LIFE);
        join(threads);
        scene.ends([0, 1, 10]);
    });
}

/// The listener writes the cache that it hears of: what leaves by that is told by the same delivery.
#[test]
fn g15_a_listener_that_writes_leaves_nothing_behind() {
    explore_share(2, || {
        let told: Arc<Mutex<Told>> = Arc::default();
        let home: Arc<std::sync::OnceLock<Cache<u8, usize>>> = Arc::default();
        let (own, inside) = (Arc::clone(&told), Arc::clone(&home));
        let builder = CacheBuilder::new().shards(1).on_removal(move |&key: &u8, value: &Arc<usize>, cause| {
            own.lock().expect("nobody panics under it").push((key, **value, cause));
            if key == KEY {
                inside.get().expect("it is there").insert(2, **value + 100);
            }
        });
        let cache = builder.build().expect("the settings make sense");
        assert!(home.set(cache.clone()).is_ok());
        let writers = [10, 20].map(|first| {
            let cache = cache.clone();
            spawn(move || [first, first + 1].into_iter().for_each(|value| cache.insert(KEY, value)))
        });
        join(writers);
        cache.clear();
        assert_eq!(cache.metrics().unreported, 0);
        let told = told.lock().expect("nobody panics under it").clone();
        let values: HashSet<_> = told.iter().map(|(_, value, _)| *value).collect();
        // The last of the listener's own, which it stored while it was told of what was cleared, is held.
        assert_eq!((told.len(), values.len(), cache.len()), (7, 7, 1), "{told:?}");
        cache.validate();
    });
}
