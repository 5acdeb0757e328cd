//! Atomic updates against each other, against plain writes and against loads: no count is lost or given twice, and what a write has overtaken stays gone.

use crate::world::{OnShuttle, Pause, below, explore, join, spawn};
use bellwether::{BoxError, Cache, CacheBuilder, EvictionPolicy, MockClock};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const KEY: u8 = 1;
const LIFE: Duration = Duration::from_secs(10);

/// What was counted from one beginning on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Count {
    /// The moment at which the value began that is counted on: none is the same as another.
    origin: u64,
    /// Whether a load has brought that.
    is_loaded: bool,
    number: u64,
}

/// One model's cache, and what came of the counts.
#[derive(Clone)]
struct Scene {
    cache: Cache<u8, Count>,
    clock: MockClock,
    running: OnShuttle,
    moments: Arc<AtomicU64>,
    given: Arc<Mutex<Vec<Count>>>,
}

fn moment(moments: &AtomicU64) -> u64 {
    moments.fetch_add(1, Ordering::Relaxed)
}

fn add(count: &mut Count) -> Count {
    // Others have their turn while the copy is changed.
    shuttle::thread::yield_now();
    count.number += 1;
    *count
}

impl Scene {
    fn new(set: impl FnOnce(CacheBuilder<u8, Count>) -> CacheBuilder<u8, Count>) -> Self {
        let (running, clock, moments) = (OnShuttle::default(), MockClock::new(), Arc::new(AtomicU64::new(1)));
        let from = Arc::clone(&moments);
        let load = move |_: u8| {
            let origin = moment(&from);
            async move {
                Pause(below(8)).await;
                Ok::<_, BoxError>(Count { origin, is_loaded: true, number: 0 })
            }
        };
        let builder = CacheBuilder::new().async_loader_fn(load).shards(1).spawner(running.clone()).clock(clock.clone());
        let cache = set(builder.time_to_live(LIFE).stale_while_revalidate(LIFE)).build().expect("the settings make sense");
        Self { cache, clock, running, moments, given: Arc::default() }
    }

    fn fresh(&self) -> Count {
        Count { origin: moment(&self.moments), is_loaded: false, number: 0 }
    }

    fn give(&self, count: Count) {
        self.given.lock().expect("nobody panics under it").push(count);
    }

    /// Counts once, in one way or another. Gives what was written.
    fn count(&self, way: usize) -> Option<Count> {
        let counted = match way {
            0 => self.cache.compute_val(&KEY, add),
            1 => Some(self.cache.upsert(KEY, || self.fresh(), add)),
            // Under the lock nobody else has a turn.
            2 => self
                .cache
                .try_compute_val(&KEY, |count| {
                    count.number += 1;
                    *count
                })
                .done(),
            _ => self.cache.peek(&KEY).and_then(|held| {
                let mut next = *held;
                let next = add(&mut next);
                self.cache.compare_and_swap(&KEY, &held, next).is_ok().then_some(next)
            }),
        };
        counted.into_iter().for_each(|count| self.give(count));
        counted
    }

    /// Writes in another way. Gives what was written, if something was.
    fn write(&self, way: usize) -> Option<Count> {
        let fresh = self.fresh();
        let is_written = match way {
            0 => {
                self.cache.insert(KEY, fresh);
                true
            }
            1 => self.cache.insert_if_absent(KEY, fresh).is_none(),
            2 => self.cache.replace(KEY, fresh).is_some(),
            3 => {
                self.cache.invalidate(&KEY);
                true
            }
            // What is stale is no value for any of these calls, and perhaps being loaded anew.
            _ => {
                self.clock.advance(LIFE);
                false
            }
        };
        is_written.then_some(fresh)
    }

    fn fetch(&self) {
        drop(shuttle::future::block_on(self.cache.to_async().fetch_with(&KEY)));
    }

    /// Makes one call. If it has written, no load comes after it that began before the call, and no lower count of what it counted on.
    fn act(&self, call: impl FnOnce(&Self) -> Option<Count>) {
        let called = moment(&self.moments);
        let Some(written) = call(self) else { return };
        let Some(held) = self.cache.peek(&KEY).map(|count| *count) else { return };
        if held.origin == written.origin {
            assert!(held.number >= written.number, "{held:?} was there before {written:?}");
        } else {
            assert!(!held.is_loaded || held.origin > called, "{held:?} was loaded before the write of {called}");
        }
    }

    /// From each beginning on it was counted without a gap, and no number was given twice.
    fn check(&self) {
        self.running.rest();
        let mut numbers: HashMap<u64, Vec<u64>> = HashMap::new();
        for count in &*self.given.lock().expect("nobody panics under it") {
            numbers.entry(count.origin).or_default().push(count.number);
        }
        for (origin, mut numbers) in numbers {
            numbers.sort_unstable();
            let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
            assert_eq!(numbers, expected, "counted from {origin} on");
        }
        self.cache.validate();
    }
}

/// Threads that each make a few of these `calls`.
fn threads(scene: &Scene, number: usize, calls: fn(&Scene, usize)) {
    let caller = |thread: usize| {
        let scene = scene.clone();
        spawn(move || (0..2).for_each(|_| calls(&scene, thread)))
    };
    join((0..number).map(caller).collect::<Vec<_>>());
}

#[test]
fn g3_counts_in_all_ways_at_once_are_all_made() {
    explore(|| {
        let scene = Scene::new(|builder| builder);
        scene.cache.insert(KEY, scene.fresh());
        threads(&scene, 4, |scene, thread| {
            // Who is told that the value is busy, or that another was faster, tries again.
            while scene.count((thread + below(2)) % 4).is_none() {
                shuttle::thread::yield_now();
            }
        });
        assert_eq!(scene.cache.fetch(&KEY).map(|count| count.number), Some(8));
        scene.check();
    });
}

#[test]
fn g3_the_first_of_many_upserts_is_stored_and_all_count_on_it() {
    explore(|| {
        let scene = Scene::new(|builder| builder);
        threads(&scene, 3, |scene, _| assert!(scene.count(1).is_some()));
        assert_eq!(scene.cache.fetch(&KEY).map(|count| count.number), Some(6));
        scene.check();
    });
}

#[test]
fn g3_one_of_many_inserts_of_what_is_absent_is_stored() {
    explore(|| {
        let scene = Scene::new(|builder| builder);
        let stored = Arc::new(AtomicU64::new(0));
        let callers = (0..3).map(|_| {
            let (scene, stored) = (scene.clone(), Arc::clone(&stored));
            spawn(move || {
                let own = scene.fresh();
                match scene.cache.insert_if_absent(KEY, own) {
                    None => stored.store(own.origin, Ordering::Relaxed),
                    Some(held) => assert_ne!(held.origin, own.origin),
                }
            })
        });
        join(callers.collect::<Vec<_>>());
        assert_eq!(scene.cache.peek(&KEY).map(|count| count.origin), Some(stored.load(Ordering::Relaxed)));
        scene.check();
    });
}

#[test]
fn g2_counts_against_writes_and_loads_lose_nothing_and_bring_nothing_back() {
    explore(|| {
        let scene = Scene::new(|builder| builder);
        threads(&scene, 4, |scene, thread| match thread {
            0 | 1 => scene.act(|scene| scene.count(below(4))),
            2 => scene.act(|scene| scene.write(below(5))),
            _ => scene.fetch(),
        });
        scene.check();
    });
}

#[test]
fn g2_counts_against_a_refresh_lose_nothing_and_bring_nothing_back() {
    explore(|| {
        let scene = Scene::new(|builder| builder);
        scene.cache.insert(KEY, scene.fresh());
        threads(&scene, 3, |scene, thread| match thread {
            0 => scene.act(|scene| scene.count(below(4))),
            1 if below(2) == 0 => scene.act(|scene| scene.write(4)),
            1 => drop(shuttle::future::block_on(scene.cache.to_async().refresh(&KEY))),
            _ => scene.fetch(),
        });
        scene.check();
    });
}

/// Of an entry's lead: what its holder brings is stored only if nothing was written since it was taken.
#[test]
fn g2_counts_against_a_vacant_entry_lose_nothing_and_bring_nothing_back() {
    explore(|| {
        let scene = Scene::new(|builder| builder);
        threads(&scene, 3, |scene, thread| match thread {
            0 => {
                if let Some(entry) = scene.cache.try_entry(KEY) {
                    // The lead was taken by this moment: what is called later overtakes it.
                    let brought = Count { origin: moment(&scene.moments), is_loaded: true, number: 0 };
                    shuttle::thread::yield_now();
                    entry.or_insert(brought);
                }
            }
            1 => scene.act(|scene| scene.count(below(2))),
            _ => scene.act(|scene| scene.write(below(4))),
        });
        scene.check();
    });
}

/// Values that grow and shrink in a full cache of several shards: nobody waits for ever, and never is too much held.
#[test]
fn g14_changes_of_weight_never_exceed_the_capacity() {
    const CAPACITY: u64 = 8;
    for policy in [EvictionPolicy::Lru, EvictionPolicy::Sieve] {
        explore(move || {
            let builder = CacheBuilder::new().capacity(CAPACITY).shards(3).eviction(policy).weigher(|_, &weight: &u64| weight);
            let cache: Cache<u8, u64> = builder.build().expect("the settings make sense");
            (0..4).for_each(|key| cache.insert(key, 2));
            let writer = |n: u8| {
                let cache = cache.clone();
                spawn(move || {
                    for round in 0..3 {
                        let (key, weight) = ((n + round) % 4, below(10) as u64);
                        match below(4) {
                            0 => drop(cache.compute(&key, |held| *held = weight)),
                            1 => cache.upsert(key, || weight, |held| *held = weight),
                            2 => drop(cache.insert_if_absent(key, weight)),
                            _ => drop(cache.try_compute(&key, |held| *held = weight).done()),
                        }
                        assert!(cache.weight() <= CAPACITY);
                    }
                })
            };
            join((0..3).map(writer).collect::<Vec<_>>());
            let recount: u64 = cache.iter().map(|(_, weight)| *weight).sum();
            assert_eq!(cache.weight(), recount);
            cache.validate();
        });
    }
}

/// A value by its number, which no two writes give.
#[derive(Clone)]
struct Numbered {
    number: u64,
    weight: u64,
}

/// One write of a key of several, most of which need room from other shards.
fn write_numbered(cache: &Cache<u8, Numbered>, numbers: &AtomicU64, key: u8) {
    let fresh = || Numbered { number: moment(numbers), weight: 1 + below(6) as u64 };
    match below(5) {
        0 => drop(cache.compute(&key, |held| *held = fresh())),
        1 => cache.upsert(key, fresh, |held| *held = fresh()),
        2 => drop(cache.insert_if_absent(key, fresh())),
        3 => drop(cache.try_compute(&key, |held| held.weight = 1 + below(6) as u64).done()),
        _ => cache.insert(key, fresh()),
    }
}

/// Values that grow in a full cache make room for themselves, perhaps by leaving; whatever comes between, each that left is told of once.
#[test]
fn g15_what_grows_in_a_full_cache_is_told_of_once() {
    for policy in [EvictionPolicy::Lru, EvictionPolicy::Sieve] {
        explore(move || {
            let (numbers, told) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
            let ear = Arc::clone(&told);
            let builder = CacheBuilder::new().capacity(8).shards(3).eviction(policy).weigher(|_, value: &Numbered| value.weight);
            let builder = builder.on_removal(move |_, value: &Arc<Numbered>, cause| {
                ear.lock().expect("nobody panics under it").push((value.number, cause));
            });
            let cache: Cache<u8, Numbered> = builder.build().expect("the settings make sense");
            let writer = |n: u8| {
                let (cache, numbers) = (cache.clone(), Arc::clone(&numbers));
                spawn(move || (0..4).for_each(|round| write_numbered(&cache, &numbers, (n + round) % 3)))
            };
            join((0..3).map(writer).collect::<Vec<_>>());
            cache.validate();
            cache.clear();
            cache.run_maintenance();
            let mut told = std::mem::take(&mut *told.lock().expect("nobody panics under it"));
            told.sort_by_key(|&(number, _)| number);
            let twice: Vec<_> = told.windows(2).filter(|pair| pair[0].0 == pair[1].0).collect();
            assert!(twice.is_empty(), "left twice: {twice:?}");
        });
    }
}
