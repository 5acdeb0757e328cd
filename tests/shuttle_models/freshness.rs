//! Background refreshes against every kind of write, against eviction, and against each other.

use crate::flights::Fickle;
use crate::world::{OnShuttle, Pause, below, explore_share};
use bellwether::{BoxError, Cache, CacheBuilder, Entry, LoadError, Loaded, MockClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The key, and the value that is stale, or due, when a model begins.
pub(crate) const KEY: u8 = 1;
pub(crate) const OLD: usize = 1;
/// What a writer brings.
pub(crate) const NEW: usize = 7;
/// What loads bring that began before the write was called, and after.
pub(crate) const BEFORE: usize = 100;
pub(crate) const AFTER: usize = 200;

/// Time to live, and the stale window after it. A refresh is due after half of it.
pub(crate) const LIFE: Duration = Duration::from_secs(10);
pub(crate) const HALF: Duration = Duration::from_secs(5);

/// What loads come to.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    #[default]
    Good,
    Fails,
    /// Loads that begin before the write was called fail.
    FailsAtFirst,
    /// Loads that begin before the write was called find no such key.
    AbsentAtFirst,
}

/// Where values are loaded from.
#[derive(Default)]
pub(crate) struct Source {
    mood: Mood,
    pub(crate) loads: AtomicUsize,
    /// Whether the write has been called.
    pub(crate) written: AtomicBool,
}

impl Source {
    /// What a load brings that begins now.
    fn answer(&self) -> Result<Loaded<usize>, BoxError> {
        let load = self.loads.fetch_add(1, Ordering::Relaxed);
        match (self.mood, self.written.load(Ordering::Relaxed)) {
            (Mood::Fails, _) | (Mood::FailsAtFirst, false) => Err(BoxError::from("this load fails")),
            (Mood::AbsentAtFirst, false) => Ok(Loaded::absent()),
            (_, false) => Ok(Loaded::value(BEFORE + load)),
            (_, true) => Ok(Loaded::value(AFTER + load)),
        }
    }

    fn builder(self: &Arc<Self>) -> CacheBuilder<u8, usize> {
        let source = Arc::clone(self);
        let load = move |_: u8| {
            let source = Arc::clone(&source);
            async move {
                let answer = source.answer();
                Pause(below(12)).await;
                answer
            }
        };
        CacheBuilder::new().async_loader_fn(load).shards(1)
    }
}

/// One model's cache.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) cache: Cache<u8, usize>,
    pub(crate) clock: MockClock,
    pub(crate) source: Arc<Source>,
    pub(crate) running: OnShuttle,
}

pub(crate) type Builder = CacheBuilder<u8, usize>;

impl Scene {
    pub(crate) fn new(mood: Mood, set: impl FnOnce(Builder) -> Builder) -> Self {
        let source = Arc::new(Source { mood, ..Source::default() });
        let (running, clock) = (OnShuttle::default(), MockClock::new());
        let builder = source.builder().time_to_live(LIFE).spawner(running.clone()).clock(clock.clone());
        let cache = set(builder).build().expect("the settings make sense");
        Self { cache, clock, source, running }
    }

    /// The value is stale and may be served.
    pub(crate) fn stale(mood: Mood, set: impl FnOnce(Builder) -> Builder) -> Self {
        let scene = Self::new(mood, |builder| set(builder.stale_while_revalidate(LIFE)));
        scene.cache.insert(KEY, OLD);
        scene.clock.advance(LIFE);
        scene
    }

    /// The value is fresh, and to be loaded anew.
    fn due() -> Self {
        let scene = Self::new(Mood::Good, |builder| builder.refresh_after(HALF));
        scene.cache.insert(KEY, OLD);
        scene.clock.advance(HALF);
        scene
    }

    pub(crate) fn held(&self) -> Option<usize> {
        self.cache.peek(&KEY).map(|value| *value)
    }

    /// Fetches as a thread or as a task.
    pub(crate) fn fetch(&self, as_task: bool) -> Result<usize, LoadError> {
        let fetched = if as_task { shuttle::future::block_on(self.cache.to_async().fetch_with(&KEY)) } else { self.cache.fetch_with(&KEY) };
        fetched.map(|value| *value)
    }

    pub(crate) fn loads(&self) -> usize {
        self.source.loads.load(Ordering::Relaxed)
    }

    /// Waits for all loads, and holds that all accounts agree: no flight, no waiter, no refresh is left.
    pub(crate) fn rest(&self) {
        self.running.rest();
        self.cache.validate();
    }
}

/// Whether the write came to something.
pub(crate) type Wrote = bool;

/// Two readers, one of which starts a refresh if nothing overtakes it, against a writer. `judge` looks at what came of it.
pub(crate) fn against(scene: fn() -> Scene, write: fn(&Scene) -> Wrote, judge: fn(&Scene, Wrote)) {
    share_against(2, scene, write, judge);
}

fn share_against(share: usize, scene: fn() -> Scene, write: fn(&Scene) -> Wrote, judge: fn(&Scene, Wrote)) {
    explore_share(share, move || {
        let scene = scene();
        let readers = [false, true].map(|as_task| {
            let scene = scene.clone();
            shuttle::thread::spawn(move || scene.fetch(as_task).expect("loads succeed, and until then a value is held"))
        });
        let writer = {
            let scene = scene.clone();
            shuttle::thread::spawn(move || {
                // A refresh has begun by then, or not.
                (0..below(40)).for_each(|_| shuttle::thread::yield_now());
                scene.source.written.store(true, Ordering::Relaxed);
                write(&scene)
            })
        };
        let served = readers.map(|reader| reader.join().expect("no assertion failed"));
        assert!(served.iter().all(|&value| value == OLD || value == NEW || value >= BEFORE), "{served:?}");
        let wrote = writer.join().expect("no assertion failed");
        scene.rest();
        judge(&scene, wrote);
        scene.rest();
    });
}

pub(crate) fn stale() -> Scene {
    Scene::stale(Mood::Good, |builder| builder)
}

/// The value is stale, and its refresh may have to wait for the load of another key.
fn queueing() -> Scene {
    let scene = Scene::stale(Mood::Good, |builder| builder.max_concurrent_loads(1));
    drop(scene.cache.to_async().fetch_with(&2));
    scene
}

/// As [`against`], with a value that is stale, one that is due, and one whose refresh may be queued.
fn against_all(write: fn(&Scene) -> Wrote, judge: fn(&Scene, Wrote)) {
    [stale, Scene::due, queueing].into_iter().for_each(|scene| share_against(6, scene, write, judge));
}

/// Nothing is held that was loaded before the write, and nothing of the kind ever comes back.
fn nothing_from_before(scene: &Scene, _: Wrote) {
    assert!(scene.held().is_none_or(|value| value >= AFTER), "{:?} was loaded before the write", scene.held());
    let value = scene.fetch(false).expect("loads succeed");
    assert!(value >= AFTER, "{value} was loaded before the write");
}

#[test]
fn g2_an_inserted_value_is_never_overwritten_by_a_refresh_that_it_overtook() {
    against_all(
        |scene| {
            scene.cache.insert(KEY, NEW);
            true
        },
        |scene, _| assert_eq!(scene.held(), Some(NEW)),
    );
}

#[test]
fn g2_a_refresh_that_an_invalidate_overtook_brings_nothing_back() {
    against_all(
        |scene| {
            scene.cache.invalidate(&KEY);
            assert!(scene.held().is_none_or(|value| value >= AFTER));
            true
        },
        nothing_from_before,
    );
}

#[test]
fn g2_a_refresh_that_a_clear_overtook_brings_nothing_back() {
    against_all(
        |scene| {
            scene.cache.clear();
            assert!(scene.held().is_none_or(|value| value >= AFTER));
            true
        },
        nothing_from_before,
    );
}

#[test]
fn g2_a_refresh_that_a_remove_overtook_brings_nothing_back_and_no_stale_value_is_removed() {
    against(
        stale,
        |scene| {
            let removed = scene.cache.remove(&KEY).map(|value| *value);
            assert_ne!(removed, Some(OLD), "what is stale isn't shown");
            assert!(scene.held().is_none_or(|value| value >= AFTER));
            true
        },
        nothing_from_before,
    );
}

#[test]
fn g2_a_refresh_that_an_expire_overtook_leaves_the_value_stale() {
    against_all(
        |scene| {
            scene.cache.expire(&KEY);
            assert!(scene.held().is_none_or(|value| value >= AFTER));
            true
        },
        |scene, _| {
            assert!(scene.held().is_none_or(|value| value >= AFTER), "{:?} was loaded before the expire", scene.held());
            // Whatever is served now, by the next fetch or its refresh a newer value is brought.
            scene.fetch(true).expect("loads succeed");
            scene.rest();
            assert!(scene.held().is_some_and(|value| value >= AFTER), "{:?} was loaded before the expire", scene.held());
        },
    );
}

#[test]
fn g11_what_expire_leaves_is_served_until_something_newer_is_there() {
    against(
        stale,
        |scene| {
            let was_fresh = scene.cache.expire(&KEY);
            let served = scene.cache.fetch_stale(&KEY).map(|fetched| *fetched.value).expect("its window hasn't ended");
            assert!(!was_fresh || served != OLD, "what was fresh had been loaded anew");
            was_fresh
        },
        |_, _| {},
    );
}

#[test]
fn g2_a_refresh_that_a_replace_overtook_leaves_what_replaced_the_value() {
    against(
        Scene::due,
        |scene| match scene.cache.entry(KEY) {
            Entry::Occupied(mut entry) => entry.replace(NEW).is_ok(),
            Entry::Vacant(_) => panic!("a value that is due is there for all"),
        },
        |scene, replaced| match replaced {
            true => assert_eq!(scene.held(), Some(NEW)),
            false => assert!(scene.held().is_some_and(|value| value >= BEFORE), "the refresh was faster"),
        },
    );
}

#[test]
fn g14_the_refresh_of_a_value_that_was_evicted_takes_nobody_s_room() {
    against(
        || Scene::stale(Mood::Good, |builder| builder.capacity(1)),
        |scene| {
            scene.cache.insert(2, NEW);
            true
        },
        |scene, _| {
            let metrics = scene.cache.metrics();
            if metrics.misses + metrics.joined == 0 {
                // Nobody has waited for the key, and so what was put in its place stays.
                assert_eq!((scene.held(), scene.cache.peek(&2).as_deref()), (None, Some(&NEW)));
            }
        },
    );
}

#[test]
fn g9_whatever_moves_a_value_s_end_the_value_is_loaded_anew_once() {
    let moves: [fn(&Scene) -> Wrote; 3] = [|_| true, |scene| scene.cache.persist(&KEY), |scene| scene.cache.set_ttl(&KEY, LIFE)];
    for write in moves {
        share_against(6, Scene::due, write, |scene, done| {
            assert!(done, "a fresh value is held all the while");
            assert_eq!(scene.loads(), 1, "one refresh, however many ask");
            assert_eq!(scene.cache.metrics().refreshes_started, 1);
            assert!(scene.held().is_some_and(|value| value >= BEFORE));
        });
    }
}

#[test]
fn g9_of_those_who_find_a_stale_value_one_has_it_loaded_anew() {
    against(
        stale,
        |_| true,
        |scene, _| {
            assert_eq!(scene.loads(), 1, "one refresh, however many ask");
            let metrics = scene.cache.metrics();
            assert_eq!((metrics.refreshes_started, metrics.loads_stored), (1, 1));
            assert_eq!((metrics.hits + metrics.stale_hits, metrics.misses + metrics.joined), (2, 0), "nobody waits");
        },
    );
}

#[test]
fn g9_a_spawner_that_refuses_or_drops_a_refresh_leaves_the_value_and_no_trace() {
    explore_share(2, || {
        let running = OnShuttle::default();
        let scene = Scene::stale(Mood::Good, |builder| builder.spawner(Fickle(running.clone())).max_concurrent_refreshes(1));
        let readers = [false, true].map(|as_task| {
            let scene = scene.clone();
            shuttle::thread::spawn(move || scene.fetch(as_task).expect("the value is served whatever becomes of the refresh"))
        });
        assert!(readers.map(|reader| reader.join().expect("no assertion failed")).iter().all(|&value| value == OLD || value >= BEFORE));
        running.rest();
        scene.rest();
        assert!(scene.cache.fetch_stale(&KEY).is_some());
    });
}
