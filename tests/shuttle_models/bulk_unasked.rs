//! What a call for many keys brings unasked, against writes and loads of just that key.

use crate::world::{OnShuttle, Pause, below, explore, join, spawn};
use bellwether::{BoxError, Cache, CacheBuilder, CacheLoader, LoadSink, Loaded, async_trait};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a load brought, or a write: a load knows the moment of its beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Origin {
    is_loaded: bool,
    moment: usize,
}

/// Loads key 1, and brings 2 along.
#[derive(Clone, Default)]
struct Bringing(Arc<AtomicUsize>);

impl Bringing {
    fn moment(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    fn origin(&self, is_loaded: bool) -> Origin {
        Origin { is_loaded, moment: self.moment() }
    }
}

#[async_trait]
impl CacheLoader<u8, Origin> for Bringing {
    type Error = BoxError;

    async fn load(&self, _: &u8) -> Result<Loaded<Origin>, BoxError> {
        let origin = self.origin(true);
        Pause(below(3)).await;
        Loaded::ok(origin)
    }

    async fn load_many(&self, keys: &[u8], out: LoadSink<u8, Origin>) -> Result<(), BoxError> {
        let origin = self.origin(true);
        Pause(below(4)).await;
        out.put(&2, Loaded::value(origin).tags(["two"]));
        for key in keys {
            out.put(key, origin);
        }
        Ok(())
    }
}

/// Writes key 2 in one way or another.
fn write(cache: &Cache<u8, Origin>, own: Origin) {
    match below(7) {
        0 => cache.insert(2, own),
        1 => {
            cache.invalidate(&2);
        }
        2 => drop(cache.multi_remove(&[2])),
        3 => cache.clear(),
        4 => cache.invalidate_tag("two"),
        5 => {
            cache.invalidate_if(|key, _| *key == 2);
        }
        _ => {
            cache.insert(2, own);
            cache.invalidate(&2);
        }
    }
}

/// After a write nothing is seen that was loaded for it before: unasked or not.
#[test]
fn g2_bulk_an_unasked_key_never_brings_back_what_a_write_has_overtaken() {
    explore(|| {
        let (bringing, running) = (Bringing::default(), OnShuttle::default());
        let builder = CacheBuilder::new().loader(bringing.clone()).shards(1).spawner(running.clone());
        let cache: Cache<u8, Origin> = builder.build().expect("the settings make sense");
        let asker = {
            let cache = cache.clone();
            spawn(move || {
                for key in [1, 3] {
                    assert!(shuttle::future::block_on(cache.to_async().multi_fetch_with(&[key, key + 4])).found().is_ok());
                }
            })
        };
        let writers = (0..2).map(|_| {
            let (cache, bringing) = (cache.clone(), bringing.clone());
            spawn(move || {
                for _ in 0..2 {
                    let before = bringing.moment();
                    write(&cache, bringing.origin(false));
                    let held = cache.peek(&2);
                    let is_old = held.as_ref().is_some_and(|held| held.is_loaded && held.moment < before);
                    assert!(!is_old, "{held:?} was loaded before the write that began at {before}");
                }
            })
        });
        join(writers.chain([asker]).collect::<Vec<_>>());
        running.rest();
        cache.run_maintenance();
        cache.validate();
    });
}

/// An unasked value against an insert and a single fetch of its key: the insert stays, and who fetches gets what is held, or his own.
#[test]
fn g3_bulk_an_unasked_key_takes_nobody_s_place() {
    explore(|| {
        let (bringing, running) = (Bringing::default(), OnShuttle::default());
        let builder = CacheBuilder::new().loader(bringing.clone()).shards(1).spawner(running.clone());
        let cache: Cache<u8, Origin> = builder.build().expect("the settings make sense");
        let asker = {
            let cache = cache.clone();
            spawn(move || assert!(shuttle::future::block_on(cache.to_async().multi_fetch_with(&[1, 3])).found().is_ok()))
        };
        let fetcher = {
            let cache = cache.clone();
            spawn(move || {
                let first = cache.fetch_with(&2).expect("it is loaded");
                let held = cache.peek(&2).expect("it is held");
                assert!(!held.is_loaded || *held == *first, "{held:?} took the place of {first:?}");
            })
        };
        let inserter = {
            let (cache, bringing) = (cache.clone(), bringing.clone());
            spawn(move || {
                let own = bringing.origin(false);
                cache.insert(2, own);
                assert_eq!(cache.peek(&2).as_deref(), Some(&own));
            })
        };
        join([asker, fetcher, inserter]);
        running.rest();
        assert!(cache.peek(&2).is_some_and(|held| !held.is_loaded), "nothing comes after the insert");
        cache.validate();
    });
}
