//! Threads that call at random, with keys and values that panic at random.

use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, caught};
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, Loaded};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread;

const KEYS: u32 = 24;
const CAPACITY: u64 = 12;
const THREADS: usize = 4;
const CALLS: usize = 4_000;
/// One deed in so many panics.
const RARE: u64 = 150;
const SEED: u64 = 0x5718;

/// Whether drops of keys and values panic too.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Drops {
    #[default]
    Calm,
    Rough,
}

/// What all keys and values of a storm share.
#[derive(Default)]
struct Weather {
    rough: AtomicBool,
    drops: Drops,
    deeds: AtomicU64,
    panics: AtomicU64,
    /// Values that there are.
    alive: AtomicI64,
}

impl Weather {
    /// Panics now and then, never while its thread is panicking.
    fn strike(&self) {
        if !self.rough.load(Ordering::Relaxed) || thread::panicking() {
            return;
        }
        let n = self.deeds.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        if (n >> 32) % RARE == 0 {
            self.panics.fetch_add(1, Ordering::Relaxed);
            panic!("struck {ON_PURPOSE}");
        }
    }
}

impl Weather {
    fn strike_in_drop(&self) {
        if self.drops == Drops::Rough {
            self.strike();
        }
    }

    /// So many values are left. A function whose local's drop panics leaks what it was about to return, by the language, so that this can't be
    /// known where drops are rough.
    fn until_alive(&self, number: u64) {
        let number = i64::try_from(number).expect("a small number");
        if self.drops == Drops::Calm {
            until("all values that left are gone", || self.alive.load(Ordering::Relaxed) == number);
        }
    }
}

struct Rough {
    id: u32,
    weather: Arc<Weather>,
}

impl Rough {
    fn new(id: u32, weather: &Arc<Weather>) -> Self {
        Self { id, weather: Arc::clone(weather) }
    }
}

impl Hash for Rough {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.weather.strike();
        // Four to a hash.
        (self.id / 4).hash(state);
    }
}

impl PartialEq for Rough {
    fn eq(&self, other: &Self) -> bool {
        self.weather.strike();
        self.id == other.id
    }
}

impl Eq for Rough {}

impl Clone for Rough {
    fn clone(&self) -> Self {
        self.weather.strike();
        Self::new(self.id, &self.weather)
    }
}

impl Drop for Rough {
    fn drop(&mut self) {
        self.weather.strike_in_drop();
    }
}

struct Value {
    id: u32,
    weather: Arc<Weather>,
}

impl Value {
    fn new(id: u32, weather: &Arc<Weather>) -> Self {
        weather.alive.fetch_add(1, Ordering::Relaxed);
        Self { id, weather: Arc::clone(weather) }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        self.weather.alive.fetch_sub(1, Ordering::Relaxed);
        self.weather.strike_in_drop();
    }
}

type Of<F> = <F as Kind>::Of<Rough, Value>;

fn cache<F: Kind>(style: Style, weather: &Arc<Weather>) -> Of<F> {
    let ours = Arc::clone(weather);
    let load = move |id: u32| {
        ours.strike();
        let value = Loaded::value(Value::new(id, &ours)).weight(u64::from(id % 5));
        if id % 11 == 0 { Err(BoxError::from("not today")) } else { Ok(value) }
    };
    let by_weigher = Arc::clone(weather);
    let builder = CacheBuilder::new().capacity(CAPACITY).shards(4).weigher(move |_: &Rough, _: &Value| {
        by_weigher.strike();
        1
    });
    F::Of::build(match style {
        Style::Blocking => builder.loader_fn(move |key: &Rough| load(key.id)),
        Style::Async => builder.async_loader_fn(move |key: Rough| {
            let brought = load(key.id);
            async move { brought }
        }),
    })
}

fn call<C: Face<Rough, Value>>(cache: &C, random: &mut StdRng, weather: &Arc<Weather>) {
    let id = random.random_range(0..KEYS);
    let key = Rough::new(id, weather);
    let is_its = |value: &Value| assert_eq!(value.id, id, "a value of another key");
    match random.random_range(0..100) {
        0..20 => cache.insert(key, Value::new(id, weather)),
        20..25 => cache.insert_with(key, Loaded::value(Value::new(id, weather)).weight(random.random_range(0..15))),
        25..30 => drop(cache.remove(&key)),
        30..32 => cache.insert_with(key, Loaded::absent()),
        32..33 => cache.clear(),
        33..50 => cache.fetch(&key).iter().for_each(|value| is_its(value)),
        50..60 => drop(cache.get(&key, |value| is_its(value)).map(|()| String::new())),
        60..62 => assert!(cache.entries().iter().all(|(key, value)| key.id == value.id)),
        62..85 => drop(cache.fetch_with(&key).inspect(|value| is_its(value))),
        85..92 => drop(cache.refresh(&key).inspect(|value| is_its(value))),
        _ => {
            let weather = Arc::clone(weather);
            drop(cache.fetch_or_load(&key, move || Loaded::ok(Value::new(id, &weather))).inspect(|value| is_its(value)));
        }
    }
    assert!(cache.weight() <= CAPACITY);
}

fn storm<F: Kind>(drops: Drops) {
    for style in BOTH {
        let weather = Arc::new(Weather { drops, ..Weather::default() });
        let cache = cache::<F>(style, &weather);
        weather.rough.store(true, Ordering::Relaxed);
        together(THREADS, |thread| {
            let mut random = StdRng::seed_from_u64(SEED + thread as u64);
            // The panic is this call's or another's; whose it was doesn't matter here.
            (0..CALLS).for_each(|_| drop(caught(|| call(&cache, &mut random, &weather))));
        });
        weather.rough.store(false, Ordering::Relaxed);
        at_rest(&cache.sync());
        assert!(weather.panics.load(Ordering::Relaxed) > 100, "it was a storm");
        weather.until_alive(cache.len());
        for id in 0..KEYS {
            let key = Rough::new(id, &weather);
            cache.insert(key.clone(), Value::new(id, &weather));
            assert!(cache.remove(&key).is_some_and(|value| value.id == id));
            assert_eq!(cache.fetch_with(&key).is_ok(), id % 11 != 0);
        }
        at_rest(&cache.sync());
        drop(cache);
        weather.until_alive(0);
    }
}

fn g18_a_storm_of_panics_leaves_a_sound_cache_and_no_value_behind<F: Kind>() {
    storm::<F>(Drops::Calm);
}

fn g18_a_storm_of_panics_in_drops_too_leaves_a_sound_cache<F: Kind>() {
    storm::<F>(Drops::Rough);
}

crate::on_every_face_in_time!(
    g18_a_storm_of_panics_leaves_a_sound_cache_and_no_value_behind,
    g18_a_storm_of_panics_in_drops_too_leaves_a_sound_cache,
);
