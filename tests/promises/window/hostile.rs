//! Keys that panic as they go out, and crowds of threads at the window.

use super::scene::{Of, Out, Source, WAIT, of, outcome};
use crate::faces::{Face, Kind};
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use crate::together::together;
use bellwether::{CacheBuilder, LoadErrorKind, LoadSink, Loaded, MockClock};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

const NOTHING: u8 = 0;
const HASH: u8 = 1;
const CLONE: u8 = 2;

/// A key whose parts panic while its fuse says so.
struct Touchy(u32, Arc<AtomicU8>);

impl Touchy {
    fn may(&self, part: u8) {
        assert!(self.0 != 2 || self.1.load(Ordering::Relaxed) != part, "{ON_PURPOSE}");
    }
}

impl Clone for Touchy {
    fn clone(&self) -> Self {
        self.may(CLONE);
        Self(self.0, Arc::clone(&self.1))
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Touchy {}

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.may(HASH);
        self.0.hash(state);
    }
}

fn g18_window_a_key_that_panics_as_it_goes_out_ends_for_all<F: Kind>() {
    hush();
    for part in [HASH, CLONE] {
        let (fuse, clock) = (Arc::new(AtomicU8::new(NOTHING)), MockClock::new());
        let builder = CacheBuilder::new().batch_window(WAIT).clock(clock.clone()).max_concurrent_loads(1);
        let cache: <F as Kind>::Of<Touchy, u32> = F::Of::build(builder.async_loader_fn(|key: Touchy| async move { Loaded::ok(of(key.0)) }));
        let tasks = cache.sync().to_async();
        for last in [false, true] {
            let fetches = [1, 2, 3].map(|key| tasks.fetch_with(&Touchy(key, Arc::clone(&fuse))));
            fuse.store(if last { NOTHING } else { part }, Ordering::Relaxed);
            clock.advance(WAIT);
            let found = fetches.map(|fetch| outcome(futures::executor::block_on(fetch)));
            let panicked = Err(LoadErrorKind::Panicked);
            assert_eq!(found, if last { [Ok(10), Ok(20), Ok(30)] } else { [panicked; 3] }, "part {part}");
            fuse.store(NOTHING, Ordering::Relaxed);
            at_rest(&cache.sync());
        }
    }
}

fn g1_window_of_a_crowd_asks_for_each_key_once<F: Kind>() {
    const KEYS: u32 = 64;
    for style in BOTH {
        for (most, permits) in [(usize::MAX, None), (5, None), (5, Some(2)), (usize::MAX, Some(1))] {
            let source = Source::plain();
            let builder = CacheBuilder::new().batch_window(Duration::from_micros(200)).max_batch(most);
            let builder = match permits {
                Some(permits) => builder.max_concurrent_loads(permits),
                None => builder,
            };
            let cache: Of<F> = F::Of::build(source.given(builder, style));
            together(6, |thread| {
                let thread = u32::try_from(thread).expect("there are six");
                for step in 0..KEYS {
                    let key = (step * 7 + thread) % KEYS;
                    assert_eq!(outcome(cache.fetch_with(&key)), Ok(of(key)), "{style:?}");
                }
            });
            let mut asked = source.calls().concat();
            asked.sort_unstable();
            assert_eq!(asked, (0..KEYS).collect::<Vec<_>>(), "{style:?}: each once");
            assert!(source.calls().iter().all(|keys| keys.len() <= most), "{style:?}: {:?}", source.calls());
            assert!(source.singles().is_empty(), "{style:?}");
            let metrics = at_rest(&cache.sync());
            assert!(permits.is_none_or(|permits| metrics.permits_peak <= permits), "{style:?}: {metrics:?}");
        }
    }
}

/// Whatever is written meanwhile, no key is asked for twice in one call, and nobody is told that there is no such key.
fn g2_window_of_a_crowd_of_writers_and_readers<F: Kind>() {
    const KEYS: u32 = 6;
    for style in BOTH {
        let source = Source::new(|mut keys: Vec<u32>, out: Out| {
            keys.sort_unstable();
            assert!(keys.windows(2).all(|two| two[0] != two[1]), "a key is asked for twice in one call: {keys:?}");
            async move {
                keys.iter().for_each(|key| put(&out, *key));
                Ok(())
            }
        });
        let builder = CacheBuilder::new().batch_window(Duration::from_micros(100)).max_batch(4).negative_ttl(Duration::from_secs(60));
        let cache: Of<F> = F::Of::build(source.given(builder, style));
        together(6, |thread| {
            let thread = u32::try_from(thread).expect("there are six");
            for step in 0..60 {
                let key = (step * 5 + thread) % KEYS;
                match (thread, step % 5) {
                    (0, 0) => cache.insert(key, of(key)),
                    (0, 1) => assert_eq!(cache.sync().invalidate_if(|_, _| false), 0),
                    (0, 2) => cache.clear(),
                    (1, _) => drop(cache.remove(&key)),
                    (2, 3) => drop(cache.sync().to_async().fetch_with(&key)),
                    _ => assert_eq!(outcome(cache.fetch_with(&key)), Ok(of(key)), "{style:?}"),
                }
            }
        });
        cache.sync().wait_idle();
        at_rest(&cache.sync());
    }
}

/// What is put may have been answered by an insert.
fn put(out: &LoadSink<u32, u32>, key: u32) {
    let _is_first = out.put(&key, of(key));
}

on_every_face_in_time!(
    g18_window_a_key_that_panics_as_it_goes_out_ends_for_all,
    g1_window_of_a_crowd_asks_for_each_key_once,
    g2_window_of_a_crowd_of_writers_and_readers,
);
