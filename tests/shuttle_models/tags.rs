//! Strikes of tags, predicates and embargoes against loads, inserts, failures and the sweep: what they have hit is seen by nobody who comes after them.

use crate::world::{OnShuttle, Pause, below, explore, join, spawn};
use bellwether::{BoxError, Cache, CacheBuilder, Loaded, MockClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const KEY: u8 = 1;
const LIFE: Duration = Duration::from_secs(10);
/// The tag of all values.
const TAG: &str = "a";

/// The moment at which a value came about: its load began, or its insert was called.
type Moment = u64;

/// One model's cache, and its moments.
#[derive(Clone)]
struct Scene {
    cache: Cache<u8, Moment>,
    clock: MockClock,
    running: OnShuttle,
    moments: Arc<AtomicU64>,
    /// When the last load began that found the value unchanged.
    confirmed: Arc<AtomicU64>,
}

/// What a load does, by its moment. Nothing: it finds the value unchanged.
type Answer = fn(Moment) -> Result<Option<Moment>, BoxError>;

fn tagged(moment: Moment) -> Result<Option<Moment>, BoxError> {
    Ok(Some(moment))
}

fn failing(_: Moment) -> Result<Option<Moment>, BoxError> {
    Err("this load fails".into())
}

/// Half of the loads find that nothing has changed.
fn unchanged(moment: Moment) -> Result<Option<Moment>, BoxError> {
    Ok((below(2) == 0).then_some(moment))
}

impl Scene {
    fn new(answer: Answer, set: impl FnOnce(CacheBuilder<u8, Moment>) -> CacheBuilder<u8, Moment>) -> Self {
        let (running, clock, moments) = (OnShuttle::default(), MockClock::new(), Arc::new(AtomicU64::new(1)));
        let confirmed = Arc::<AtomicU64>::default();
        let (from, confirm) = (Arc::clone(&moments), Arc::clone(&confirmed));
        let load = move |_: u8| {
            let began = from.fetch_add(1, Ordering::Relaxed);
            let confirm = Arc::clone(&confirm);
            async move {
                Pause(below(8)).await;
                Loaded::ok(match answer(began)? {
                    Some(value) => Loaded::value(value).tags([TAG]),
                    None => {
                        confirm.fetch_max(began, Ordering::Relaxed);
                        Loaded::unchanged()
                    }
                })
            }
        };
        let builder = CacheBuilder::new().async_loader_fn(load).shards(1).spawner(running.clone()).clock(clock.clone()).no_janitor();
        let cache = set(builder).build().expect("the settings make sense");
        Self { cache, clock, running, moments, confirmed }
    }

    fn moment(&self) -> Moment {
        self.moments.fetch_add(1, Ordering::Relaxed)
    }

    fn insert(&self) {
        self.cache.insert_with(KEY, Loaded::value(self.moment()).tags([TAG]));
    }

    fn fetch(&self) -> Option<Moment> {
        shuttle::future::block_on(self.cache.to_async().fetch_with(&KEY)).ok().map(|value| *value)
    }

    fn refresh(&self) {
        drop(shuttle::future::block_on(self.cache.to_async().refresh(&KEY)));
    }

    /// Makes a call after which nobody sees what came about before it, and looks in one way or another.
    fn wipe(&self, call: impl FnOnce(&Cache<u8, Moment>)) {
        let called = self.moment();
        call(&self.cache);
        let seen = match below(4) {
            0 => self.fetch(),
            1 => self.cache.fetch(&KEY).map(|value| *value),
            2 => self.cache.fetch_stale(&KEY).map(|fetched| *fetched.value),
            _ => self.cache.entry_info(&KEY).and(self.cache.peek(&KEY)).map(|value| *value),
        };
        // A value from before that a load has found unchanged which began since is as good as new.
        let since = |origin: Moment| origin.max(self.confirmed.load(Ordering::Relaxed));
        assert!(seen.is_none_or(|origin| since(origin) > called), "what came about at {seen:?} is seen after a call at {called}");
    }

    /// The end of a model: nothing of the past is left.
    fn rest(&self) {
        self.running.rest();
        self.cache.run_maintenance();
        self.cache.validate();
        self.cache.clear();
        self.cache.validate();
    }
}

fn invalidate(cache: &Cache<u8, Moment>) {
    cache.invalidate_tag(TAG);
}

/// Without a stale window that is as good.
fn expire(cache: &Cache<u8, Moment>) {
    cache.expire_tag(TAG);
}

#[test]
fn g2_no_fetch_after_a_strike_sees_what_was_loaded_before_it() {
    explore(|| {
        let scene = Scene::new(tagged, |builder| builder);
        let threads = (0..3).map(|thread| {
            let scene = scene.clone();
            spawn(move || match thread {
                0 => scene.wipe(if below(2) == 0 { invalidate } else { expire }),
                1 => {
                    scene.fetch();
                    scene.wipe(invalidate);
                }
                _ => {
                    scene.fetch();
                    scene.cache.run_maintenance();
                    scene.refresh();
                }
            })
        });
        join(threads.collect::<Vec<_>>());
        scene.rest();
    });
}

#[test]
fn g2_an_unchanged_value_that_was_struck_stays_gone_whatever_took_it_out() {
    explore(|| {
        let scene = Scene::new(unchanged, |builder| builder);
        scene.insert();
        let threads = (0..3).map(|thread| {
            let scene = scene.clone();
            spawn(move || match thread {
                0 => scene.wipe(invalidate),
                1 => scene.refresh(),
                _ => scene.cache.run_maintenance(),
            })
        });
        join(threads.collect::<Vec<_>>());
        scene.rest();
    });
}

#[test]
fn g2_a_sweep_and_a_failure_undo_no_strike_that_comes_meanwhile() {
    explore(|| {
        let scene = Scene::new(failing, |builder| builder.time_to_live(LIFE).stale_while_revalidate(LIFE).stale_if_error(LIFE));
        scene.insert();
        scene.cache.expire_tag(TAG);
        let threads = (0..3).map(|thread| {
            let scene = scene.clone();
            spawn(move || match thread {
                0 => scene.wipe(invalidate),
                1 => scene.cache.run_maintenance(),
                _ => {
                    scene.fetch();
                    scene.cache.expire_tag(TAG);
                }
            })
        });
        join(threads.collect::<Vec<_>>());
        scene.rest();
        assert_eq!(scene.cache.len(), 0);
    });
}

#[test]
fn g2_an_insert_after_a_strike_is_seen_whatever_is_swept() {
    explore(|| {
        let scene = Scene::new(tagged, |builder| builder);
        scene.insert();
        let sweeper = scene.clone();
        let other = scene.clone();
        let threads = [
            spawn(move || sweeper.cache.run_maintenance()),
            spawn(move || {
                other.wipe(invalidate);
                other.cache.insert_with(2, Loaded::value(0).tags([TAG, "b"]));
                other.cache.run_maintenance();
            }),
        ];
        scene.cache.invalidate_tag("b");
        scene.cache.insert_with(3, Loaded::value(0).tags(["b"]));
        assert!(scene.cache.contains_key(&3), "it came after the only strike of its tag");
        join(threads);
        assert!(scene.cache.contains_key(&3), "nobody has struck it");
        scene.rest();
    });
}

#[test]
fn g2_no_fetch_after_a_predicate_sees_what_was_loaded_before_it() {
    explore(|| {
        let scene = Scene::new(tagged, |builder| builder);
        let threads = (0..3).map(|thread| {
            let scene = scene.clone();
            spawn(move || match thread {
                0 => scene.wipe(|cache| assert!(cache.invalidate_if(|_, _| true) <= 1)),
                1 => {
                    scene.fetch();
                    scene.wipe(|cache| cache.retain(|_, _| false));
                }
                _ => {
                    scene.fetch();
                    // It may come after all calls that it overlaps.
                    scene.cache.insert(KEY, Moment::MAX);
                    scene.refresh();
                }
            })
        });
        join(threads.collect::<Vec<_>>());
        scene.rest();
    });
}

#[test]
fn g2_nothing_is_stored_that_is_loaded_under_an_embargo() {
    explore(|| {
        let scene = Scene::new(tagged, |builder| builder);
        let end = scene.moment();
        let threads = (0..3).map(|thread| {
            let scene = scene.clone();
            spawn(move || match thread {
                0 => {
                    let called = scene.moment();
                    scene.cache.invalidate_for(&KEY, LIFE);
                    scene.fetch();
                    let seen = scene.cache.fetch(&KEY).map(|value| *value);
                    assert_eq!(seen, None, "nobody inserts anything, and it was called at {called}");
                }
                1 => {
                    scene.fetch();
                    scene.cache.run_maintenance();
                }
                _ => scene.refresh(),
            })
        });
        join(threads.collect::<Vec<_>>());
        scene.running.rest();
        assert_eq!(scene.cache.fetch(&KEY), None);
        scene.clock.advance(LIFE);
        assert!(scene.fetch().is_some_and(|moment| moment > end));
        assert!(scene.cache.contains_key(&KEY), "the embargo is over");
        scene.rest();
    });
}
