//! The callers of a storm, which keep books of what they ask for.

use crate::hush::ON_PURPOSE;
use bellwether::{AsyncCache, BoxError, Cache, LoadError, LoadErrorKind, Loaded, MockClock};
use futures::FutureExt;
use rand::RngExt;
use rand::rngs::StdRng;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub(crate) type Storm = Cache<u32, u64>;

pub(crate) const LIMIT: Duration = Duration::from_millis(10);
const KEYS: u32 = 12;
const CALLS: usize = 300;

/// What the callers of one storm know.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) cache: OnceLock<Storm>,
    pub(crate) clock: MockClock,
    /// Lookups that count as one.
    pub(crate) lookups: AtomicU64,
    /// Lookups that were told that too many loads wait.
    pub(crate) away: AtomicU64,
    turns: AtomicU64,
}

impl Books {
    pub(crate) fn looks(&self) {
        self.lookups.fetch_add(1, Ordering::Relaxed);
    }

    fn note<T>(&self, result: Result<T, LoadError>) {
        if result.is_err_and(|error| error.kind() == LoadErrorKind::Overloaded) {
            self.away.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// The key that a load fetches, if it fetches one.
    pub(crate) fn other(&self, key: u32, turn: u64) -> Option<(&Storm, u32)> {
        (turn % 5 == 0).then(|| (self.cache.get().expect("it is set before the storm"), (key * 7 + 1) % KEYS))
    }
}

/// What a load brings, in turn.
pub(crate) fn answer(turn: u64) -> Result<Loaded<u64>, BoxError> {
    match turn % 11 {
        0 => Loaded::ok(Loaded::absent()),
        1 => Loaded::ok(Loaded::value(turn).uncached()),
        2 => Loaded::ok(Loaded::unchanged()),
        3 => Err("not today".into()),
        4 => panic!("load {turn} fails {ON_PURPOSE}"),
        5 => Loaded::ok(Loaded::value(turn).weight(1_000)),
        _ => Loaded::ok(turn),
    }
}

/// Another load's failure is this load's own, and not taken for its own overload.
pub(crate) fn nested<T>(result: Result<T, LoadError>) -> Result<(), BoxError> {
    result.map(drop).map_err(|error| error.to_string().into())
}

/// Lets others go first.
pub(crate) async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// A call that neither loads nor waits, on any face.
fn write(cache: &Storm, books: &Books, key: u32, random: &mut StdRng) {
    match random.random_range(0..14) {
        0..4 => cache.insert(key, 1),
        4 => cache.insert_with(key, Loaded::value(1).weight(random.random_range(0..12))),
        5 => cache.insert_with(key, Loaded::absent()),
        6 => drop(cache.remove(&key)),
        7 => assert!(cache.invalidate(&key) || !cache.contains_key(&KEYS)),
        8 => cache.clear(),
        9 => books.clock.advance(LIMIT / 3),
        10 => drop((cache.peek(&key), cache.iter().count(), cache.len(), cache.metrics())),
        11 => {
            books.looks();
            drop(cache.fetch(&key));
        }
        12 => {
            books.looks();
            cache.get(&key, |value| assert!(*value < u64::MAX));
        }
        // Somebody may wait for this entry meanwhile; it is filled, given up, or overtaken.
        _ => {
            books.looks();
            let entry = cache.try_entry(key);
            std::thread::yield_now();
            if random.random_bool(0.3) {
                cache.invalidate(&key);
            }
            if random.random_bool(0.5) {
                drop(entry.map(|entry| entry.or_insert(2)));
            }
        }
    }
}

pub(crate) fn play_thread(cache: &Storm, books: &Books, mut random: StdRng) {
    for _ in 0..CALLS {
        let key = random.random_range(0..KEYS);
        let kind = random.random_range(0..10);
        if kind < 5 {
            books.looks();
        }
        match kind {
            0 | 1 => books.note(cache.fetch_with(&key)),
            2 => books.note(cache.refresh(&key)),
            3 => books.note(cache.fetch_or_load(&key, || answer(books.turn()))),
            4 => {
                let entry = cache.entry(key);
                if random.random_bool(0.6) {
                    drop(entry.or_insert_with(|| 3));
                }
            }
            _ => write(cache, books, key, &mut random),
        }
    }
}

pub(crate) async fn play_task(cache: AsyncCache<u32, u64>, books: Arc<Books>, mut random: StdRng) {
    let threads = cache.to_sync();
    for _ in 0..CALLS {
        let key = random.random_range(0..KEYS);
        let kind = random.random_range(0..12);
        if kind < 7 {
            books.looks();
        }
        match kind {
            0 => books.note(cache.fetch_with(&key).await),
            1 => books.note(cache.refresh(&key).await),
            2 => {
                let turn = books.turn();
                books.note(cache.fetch_or_load(&key, || async move { answer(turn) }).await);
            }
            3 => drop(cache.entry(key).await.or_insert_with(|| 4)),
            4 => drop(cache.entry(key).await),
            // Callers that go away, polled or not.
            5 => drop(cache.fetch_with(&key)),
            6 => drop(cache.refresh(&key).now_or_never()),
            _ => write(&threads, &books, key, &mut random),
        }
        if random.random_bool(0.2) {
            yield_now().await;
        }
    }
}
