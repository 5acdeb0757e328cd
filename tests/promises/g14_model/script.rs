//! A loader that does what the next step says, blocking or async.

use crate::g14_model::steps::{Answer, Outcome, Own};
use crate::hush::ON_PURPOSE;
use bellwether::{BlockingLoader, BoxError, CacheBuilder, CacheLoader, Loaded, async_trait};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the next load does. Clones are the same script.
#[derive(Clone, Default)]
pub(crate) struct Script(Arc<Inner>);

#[derive(Default)]
struct Inner {
    next: Mutex<Option<(Outcome, u64)>>,
    played: AtomicU64,
}

/// Which of the two kinds of loader a cache gets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LoaderKind {
    Blocking,
    Async,
}

impl Script {
    /// The next load ends like this, with `value` if it brings one.
    pub(crate) fn set(&self, outcome: Outcome, value: u64) {
        *self.0.next.lock().expect("no holder panics") = Some((outcome, value));
    }

    /// How many loads have begun.
    pub(crate) fn played(&self) -> u64 {
        self.0.played.load(Ordering::Relaxed)
    }

    pub(crate) fn play(&self) -> Result<Loaded<u64>, BoxError> {
        self.0.played.fetch_add(1, Ordering::Relaxed);
        let next = self.0.next.lock().expect("no holder panics").take();
        match next.expect("no step loads twice") {
            (Outcome::Answer(answer), value) => Ok(loaded(answer, value)),
            (Outcome::Error, value) => Err(format!("no {value} today").into()),
            (Outcome::Panic, value) => panic!("{value} fails {ON_PURPOSE}"),
        }
    }

    pub(crate) fn loader(&self, builder: CacheBuilder<u64, u64>, kind: LoaderKind) -> CacheBuilder<u64, u64> {
        match kind {
            LoaderKind::Blocking => builder.blocking_loader(self.clone()),
            LoaderKind::Async => builder.loader(self.clone()),
        }
    }
}

/// What is loaded or inserted.
pub(crate) fn loaded(answer: Answer, value: u64) -> Loaded<u64> {
    let with = |loaded: Loaded<u64>, own: Own| {
        let loaded = own.weight.map_or(loaded.clone(), |weight| loaded.weight(weight));
        own.ttl.map_or(loaded.clone(), |ttl| loaded.time_to_live(ticks(ttl)))
    };
    match answer {
        Answer::Value(own) => with(Loaded::value(value), own),
        Answer::Uncached(own) => with(Loaded::value(value), own).uncached(),
        Answer::Absent => Loaded::absent(),
        Answer::Unchanged(own) => with(Loaded::unchanged(), own),
    }
}

pub(crate) fn ticks(number: u64) -> Duration {
    if number == u64::MAX { Duration::MAX } else { Duration::from_nanos(number) }
}

impl BlockingLoader<u64, u64> for Script {
    type Error = BoxError;

    fn load(&self, _key: &u64) -> Result<Loaded<u64>, BoxError> {
        self.play()
    }
}

#[async_trait]
impl CacheLoader<u64, u64> for Script {
    type Error = BoxError;

    async fn load(&self, _key: &u64) -> Result<Loaded<u64>, BoxError> {
        self.play()
    }
}
