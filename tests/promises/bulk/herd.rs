//! Many calls for the same keys at once: each key is loaded once, whoever asks for it, and with whom.

use super::scene::{Source, all, of, outcomes, put_all};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, Loaded};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

type Of<F> = <F as Kind>::Of<u32, u32>;

const KEYS: u32 = 64;

/// A random part of the keys in a random order; one of them sometimes twice.
fn some_keys(random: &mut StdRng) -> Vec<u32> {
    let mut keys: Vec<u32> = (0..KEYS).collect();
    keys.shuffle(random);
    keys.truncate(1 + rand::RngExt::random_range(random, 0..KEYS as usize));
    if rand::RngExt::random_range(random, 0..4) == 0 {
        keys.push(keys[0]);
    }
    keys
}

/// Counts how often each key was loaded, and answers the keys one by one while others ask.
#[derive(Clone)]
struct Counted(Arc<[AtomicU32; KEYS as usize]>);

impl Counted {
    fn new() -> Self {
        Self(Arc::new([const { AtomicU32::new(0) }; KEYS as usize]))
    }

    fn count(&self, key: u32) {
        self.0[key as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn source(&self) -> Source {
        let counted = self.clone();
        Source::new(move |keys: Vec<u32>, out| {
            let counted = counted.clone();
            async move {
                for key in keys {
                    counted.count(key);
                    tokio::task::yield_now().await;
                    out.put(&key, of(key));
                }
                Ok(())
            }
        })
    }

    fn loads(&self) -> Vec<u32> {
        self.0.iter().map(|loads| loads.load(Ordering::Relaxed)).collect()
    }
}

fn g1_bulk_a_thousand_calls_for_the_same_keys_load_each_once<F: Kind>() {
    const THREADS: usize = 8;
    for style in BOTH {
        for most in [usize::MAX, 7, 1] {
            let counted = Counted::new();
            let cache: Of<F> = F::Of::build(counted.source().given(CacheBuilder::new().max_batch(most), style));
            let singles = counted.clone();
            together(THREADS, |thread| {
                let mut random = StdRng::seed_from_u64(thread as u64);
                for call in 0..1_000 / THREADS / 3 {
                    match call % 5 {
                        3 => {
                            let key = rand::RngExt::random_range(&mut random, 0..KEYS);
                            let singles = singles.clone();
                            let fetched = cache.fetch_or_load(&key, move || {
                                singles.count(key);
                                Loaded::ok(of(key))
                            });
                            assert_eq!(fetched.ok().as_deref(), Some(&of(key)));
                        }
                        4 => assert!(cache.warm(&some_keys(&mut random)) <= KEYS as usize),
                        _ => {
                            let keys = some_keys(&mut random);
                            assert_eq!(outcomes(&cache.multi_fetch_with(&keys)), all(&keys), "{style:?}, {most}");
                        }
                    }
                }
            });
            let everything: Vec<u32> = (0..KEYS).collect();
            assert_eq!(outcomes(&cache.multi_fetch_with(&everything)), all(&everything));
            assert_eq!(counted.loads(), vec![1; KEYS as usize], "{style:?}, {most}");
            assert_eq!(at_rest(&cache.sync()).loads_started, u64::from(KEYS));
        }
    }
}

/// A thousand calls that are all under way at the same time, as tasks and as threads.
fn g1_bulk_a_thousand_calls_at_the_same_time_load_each_key_once<F: Kind>() {
    for style in BOTH {
        let (gate, counted) = (Gate::new(), Counted::new());
        let (held, counts) = (gate.clone(), counted.clone());
        let source = Source::new(move |keys: Vec<u32>, out| {
            let (held, counts) = (held.clone(), counts.clone());
            async move {
                held.pass().await;
                for key in &keys {
                    counts.count(*key);
                }
                put_all(&keys, &out);
                Ok(())
            }
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        let threads = (0..40_u64).map(|seed| {
            let keys = some_keys(&mut StdRng::seed_from_u64(seed));
            apart(&cache, move |cache| assert_eq!(outcomes(&cache.multi_fetch_with(&keys)), all(&keys)))
        });
        let threads: Vec<_> = threads.collect();
        gate.until_arrived(1);
        let tasks = cache.sync().to_async();
        let asked: Vec<_> = (40..1_000_u64).map(|seed| some_keys(&mut StdRng::seed_from_u64(seed))).collect();
        let fetches: Vec<_> = asked.iter().map(|keys| tasks.multi_fetch_with(keys)).collect();
        gate.open();
        let found = futures::executor::block_on(futures::future::join_all(fetches));
        for (keys, found) in asked.iter().zip(&found) {
            assert_eq!(outcomes(found), all(keys), "{style:?}");
        }
        threads.into_iter().for_each(|thread| thread.result());
        assert_eq!(counted.loads(), vec![1; KEYS as usize], "{style:?}");
        let metrics = at_rest(&cache.sync());
        let lookups = asked.iter().map(Vec::len).sum::<usize>()
            + (0..40).map(|seed| some_keys(&mut StdRng::seed_from_u64(seed)).len()).sum::<usize>();
        assert_eq!(metrics.hits + metrics.joined + metrics.misses, lookups as u64, "{style:?}: {metrics:?}");
        assert_eq!((metrics.misses, metrics.loads_stored), (u64::from(KEYS), u64::from(KEYS)), "{style:?}: {metrics:?}");
    }
}

fn g1_bulk_single_fetches_and_calls_for_many_join_each_other<F: Kind>() {
    for style in BOTH {
        let (gate, own) = (Gate::new(), Gate::new());
        let held = gate.clone();
        let source = Source::new(move |keys: Vec<u32>, out| {
            let held = held.clone();
            async move {
                held.pass().await;
                put_all(&keys, &out);
                Ok(())
            }
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        let first = own.clone();
        // A closure loads 1, a call for many 2 and 3; that one waits for 1, and a single fetch for 2.
        let closure = apart(&cache, move |cache| {
            cache.fetch_or_load(&1, move || {
                first.wait();
                Ok::<_, BoxError>(Loaded::value(100))
            })
        });
        own.until_arrived(1);
        let many = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2, 3])));
        gate.until_arrived(1);
        let single = apart(&cache, |cache| cache.fetch_with(&2));
        until("the single fetch joins", || cache.metrics().joined == 2);
        gate.open();
        assert_eq!(single.result().ok().as_deref(), Some(&20), "{style:?}: though the call for many waits for 1");
        assert!(!many.is_over(), "{style:?}");
        own.open();
        assert_eq!(closure.result().ok().as_deref(), Some(&100));
        assert_eq!(many.result(), [(1, Ok(100)), (2, Ok(20)), (3, Ok(30))], "{style:?}");
        assert_eq!(source.asked(), [2, 3], "{style:?}");
        assert_eq!(at_rest(&cache.sync()).loads_started, 3);
    }
}

fn g1_bulk_a_key_that_is_given_twice_is_loaded_once<F: Kind>() {
    for style in BOTH {
        let source = Source::plain();
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        let keys = [1, 2, 1, 1, 3, 2];
        assert_eq!(outcomes(&cache.multi_fetch_with(&keys)), all(&keys), "{style:?}");
        assert_eq!(source.calls(), [[1, 2, 3]], "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.misses, metrics.joined, metrics.hits), (3, 3, 0), "{style:?}");
        assert_eq!(cache.warm(&[4, 4, 1]), 1);
        cache.sync().wait_idle();
        assert_eq!(cache.multiget(&[4, 4, 1]).len(), 3);
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.hits, metrics.misses), (3, 3), "{style:?}: each is looked for");
    }
}

/// The loader is called from the caller's own thread, where that can wait.
fn g4_bulk_a_blocking_load_runs_on_the_thread_of_a_blocking_caller<F: Kind>() {
    let loaders = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&loaders);
    let source = Source::new(move |keys: Vec<u32>, out| {
        seen.lock().expect("no holder panics").push(std::thread::current().id());
        put_all(&keys, &out);
        async { Ok(()) }
    });
    let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), Style::Blocking));
    let caller = std::thread::current().id();
    assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2, 3])), all(&[1, 2, 3]));
    assert_eq!(loaders.lock().expect("no holder panics").iter().all(|loader| *loader == caller), F::IS_BLOCKING);
    cache.warm(&[4, 5]);
    cache.sync().wait_idle();
    assert_ne!(loaders.lock().expect("no holder panics")[1], caller, "`warm` waits for nothing");
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g1_bulk_a_thousand_calls_for_the_same_keys_load_each_once,
    g1_bulk_a_thousand_calls_at_the_same_time_load_each_key_once,
    g1_bulk_single_fetches_and_calls_for_many_join_each_other,
    g1_bulk_a_key_that_is_given_twice_is_loaded_once,
    g4_bulk_a_blocking_load_runs_on_the_thread_of_a_blocking_caller,
);
