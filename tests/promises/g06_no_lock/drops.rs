//! Values whose `Drop` calls the cache that they leave, for each way to leave.

use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, EvictionPolicy, Loaded, MockClock, RemovalCause};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const LIFE: Duration = Duration::from_secs(10);
/// The key that all goes on about.
const KEY: u32 = 1;
/// What a value leaves behind when it is dropped, at this key.
const LEGACY: u32 = 1_000;

/// Writes, reads and loads when it is dropped, if it isn't mute.
struct Heir {
    voice: Voice,
    estate: Arc<Estate>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Voice {
    Loud,
    Mute,
}

#[derive(Default)]
struct Estate {
    cache: OnceLock<Cache<u32, Heir>>,
    drops: AtomicU32,
}

impl Estate {
    fn heir(self: &Arc<Self>, voice: Voice) -> Heir {
        Heir { voice, estate: Arc::clone(self) }
    }

    fn drops(&self) -> u32 {
        self.drops.load(Ordering::Relaxed)
    }
}

impl Drop for Heir {
    fn drop(&mut self) {
        let (Voice::Loud, Some(cache)) = (self.voice, self.estate.cache.get()) else { return };
        let mute = || self.estate.heir(Voice::Mute);
        drop((cache.fetch(&KEY), cache.peek(&KEY), cache.iter().count(), cache.len(), cache.metrics()));
        cache.insert(LEGACY + 1, mute());
        cache.invalidate(&(LEGACY + 1));
        drop(cache.fetch_or_load(&(LEGACY + 2), || bellwether::ok(mute())));
        cache.invalidate(&(LEGACY + 2));
        cache.insert(LEGACY, mute());
        self.estate.drops.fetch_add(1, Ordering::Relaxed);
    }
}

struct Scene<F: Kind> {
    face: F::Of<u32, Heir>,
    estate: Arc<Estate>,
    clock: MockClock,
}

/// One shard, with room for three; the loader brings loud values.
fn scene<F: Kind>(weigher: fn(&u32, &Heir) -> u64) -> Scene<F> {
    let (estate, clock) = (Arc::new(Estate::default()), MockClock::new());
    let heirs = Arc::clone(&estate);
    let builder = CacheBuilder::new().capacity(3).shards(1).eviction(EvictionPolicy::Lru).weigher(weigher);
    let face = F::Of::build(builder.clock(clock.clone()).time_to_live(LIFE).loader_fn(move |_: &u32| Loaded::ok(heirs.heir(Voice::Loud))));
    assert!(estate.cache.set(face.sync()).is_ok(), "it is set once");
    Scene { face, estate, clock }
}

impl<F: Kind> Scene<F> {
    fn loud(&self) -> Heir {
        self.estate.heir(Voice::Loud)
    }

    /// A loud value is held at `KEY`.
    fn held(self) -> Self {
        self.face.insert(KEY, self.loud());
        assert_eq!(self.estate.drops(), 0);
        self
    }

    /// One loud value has left, for `cause`, and what it did is done.
    fn one_left(&self, cause: RemovalCause) {
        until("the value is dropped", || self.estate.drops() == 1);
        assert!(self.face.contains_key(&LEGACY), "what it left behind is there");
        assert!(at_rest(&self.face.sync()).removals(cause) >= 1, "it left as {cause:?}");
    }
}

fn g6_a_replaced_value_may_call_the_cache<F: Kind>() {
    let scene = scene::<F>(|_, _| 1).held();
    scene.face.insert(KEY, scene.estate.heir(Voice::Mute));
    scene.one_left(RemovalCause::Replaced);
}

fn g6_an_evicted_value_may_call_the_cache<F: Kind>() {
    let scene = scene::<F>(|_, _| 1).held();
    (2..5).for_each(|key| scene.face.insert(key, scene.estate.heir(Voice::Mute)));
    scene.one_left(RemovalCause::Evicted);
}

fn g6_an_invalidated_value_may_call_the_cache<F: Kind>() {
    let scene = scene::<F>(|_, _| 1).held();
    assert!(scene.face.invalidate(&KEY));
    scene.one_left(RemovalCause::Invalidated);
}

fn g6_a_removed_value_may_call_the_cache_from_the_callers_hands<F: Kind>() {
    let scene = scene::<F>(|_, _| 1).held();
    drop(scene.face.remove(&KEY).expect("it was held"));
    scene.one_left(RemovalCause::Invalidated);
}

fn g6_a_cleared_value_may_call_the_cache<F: Kind>() {
    let scene = scene::<F>(|_, _| 1).held();
    scene.face.clear();
    scene.one_left(RemovalCause::Cleared);
}

fn g6_a_value_past_its_time_may_call_the_cache<F: Kind>() {
    let scene = scene::<F>(|_, _| 1).held();
    scene.clock.advance(LIFE);
    scene.face.insert(KEY, scene.estate.heir(Voice::Mute));
    scene.one_left(RemovalCause::Expired);
}

fn g6_a_rejected_value_may_call_the_cache<F: Kind>() {
    let scene = scene::<F>(|_, heir| if heir.voice == Voice::Loud { 4 } else { 1 });
    scene.face.insert(KEY, scene.loud());
    scene.one_left(RemovalCause::Rejected);
}

fn g6_a_value_that_a_load_replaces_may_call_the_cache<F: Kind>() {
    let scene = scene::<F>(|_, _| 1).held();
    let new = scene.face.refresh(&KEY).expect("the loader brings it");
    scene.one_left(RemovalCause::Replaced);
    drop(new);
}

fn g6_a_loaded_value_that_is_refused_may_call_the_cache<F: Kind>() {
    let scene = scene::<F>(|_, heir| if heir.voice == Voice::Loud { 4 } else { 1 });
    drop(scene.face.fetch_with(&KEY).expect("it is delivered"));
    scene.one_left(RemovalCause::Rejected);
}

fn g6_a_loaded_value_that_was_overtaken_may_call_the_cache<F: Kind>() {
    let scene = scene::<F>(|_, _| 1);
    let (cache, estate) = (scene.face.sync(), Arc::clone(&scene.estate));
    let overtaken = scene.face.fetch_or_load(&KEY, move || {
        cache.invalidate(&KEY);
        Loaded::ok(estate.heir(Voice::Loud))
    });
    drop(overtaken.expect("it is delivered"));
    scene.one_left(RemovalCause::Superseded);
}

fn g6_a_value_that_turns_out_absent_may_call_the_cache<F: Kind>() {
    let (estate, clock) = (Arc::new(Estate::default()), MockClock::new());
    let face = F::Of::build(CacheBuilder::new().capacity(3).shards(1).loader_fn(|_: &u32| Ok::<_, bellwether::BoxError>(None)));
    assert!(estate.cache.set(face.sync()).is_ok(), "it is set once");
    let scene = Scene::<F> { face, estate, clock }.held();
    assert!(scene.face.refresh(&KEY).is_err_and(|error| error.is_absent()));
    scene.one_left(RemovalCause::Absent);
}

/// A value that each of many evictions drops, all of them inserting once more.
fn g6_values_that_insert_when_they_are_evicted_come_to_an_end<F: Kind>() {
    let scene = scene::<F>(|_, _| 1);
    (1..=200).for_each(|key| scene.face.insert(key, scene.loud()));
    let metrics = at_rest(&scene.face.sync());
    assert!(scene.estate.drops() >= 197 && metrics.entries <= 3, "{} drops, {} entries", scene.estate.drops(), metrics.entries);
}

on_every_face_in_time!(
    g6_a_replaced_value_may_call_the_cache,
    g6_an_evicted_value_may_call_the_cache,
    g6_an_invalidated_value_may_call_the_cache,
    g6_a_removed_value_may_call_the_cache_from_the_callers_hands,
    g6_a_cleared_value_may_call_the_cache,
    g6_a_value_past_its_time_may_call_the_cache,
    g6_a_rejected_value_may_call_the_cache,
    g6_a_value_that_a_load_replaces_may_call_the_cache,
    g6_a_loaded_value_that_is_refused_may_call_the_cache,
    g6_a_loaded_value_that_was_overtaken_may_call_the_cache,
    g6_a_value_that_turns_out_absent_may_call_the_cache,
    g6_values_that_insert_when_they_are_evicted_come_to_an_end,
);
