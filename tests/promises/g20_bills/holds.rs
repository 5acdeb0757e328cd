//! However much has expired at once, it goes in short holds of the lock, between which others have it.
//!
//! Each value that goes looks at its cache: how much has gone, and whether another thread can read it then.

use crate::faces::{Face, Kind};
use crate::g20_bills::{HOLD, SECOND, expired};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, MockClock};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// What the values look at.
#[derive(Default)]
struct Watch {
    cache: Mutex<Option<Cache<u32, Value>>>,
    /// Values that have gone.
    gone: AtomicU64,
    /// The most entries that had left the cache before their values went.
    most: AtomicU64,
    /// Asks another thread to read, and waits for it.
    reads: Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<bool>)>>,
    read: AtomicU64,
}

struct Value(Arc<Watch>);

const LIVE: u32 = u32::MAX;

impl Drop for Value {
    fn drop(&mut self) {
        let watch = &self.0;
        let Some(cache) = watch.cache.lock().expect("no holder panics").clone() else { return };
        let gone = watch.gone.fetch_add(1, Ordering::SeqCst);
        watch.most.fetch_max(expired(&cache.metrics()).saturating_sub(gone), Ordering::SeqCst);
        if gone % HOLD == 0 {
            let reads = watch.reads.lock().expect("no holder panics");
            let (ask, answer) = reads.as_ref().expect("there while the values go");
            ask.send(()).expect("it waits for that");
            // It would wait for as long as the lock is held, and this one for it.
            let read = answer.recv_timeout(Duration::from_secs(30)).expect("the lock is free while values go");
            watch.read.fetch_add(u64::from(read), Ordering::SeqCst);
        }
    }
}

/// Fills a cache, and has its values looked at as they go because of `reclaim`, which says whether no more than one thread lets them go.
fn in_short_holds<F: Kind>(shards: usize, builder: CacheBuilder<u32, Value>, ttl: Duration, reclaim: impl Fn(&Cache<u32, Value>) -> bool) {
    const ENTRIES: u32 = 10_000;
    let watch = Arc::new(Watch::default());
    let cache = F::Of::build(builder.shards(shards)).sync();
    (0..ENTRIES).for_each(|key| cache.insert_with_ttl(key, Value(Arc::clone(&watch)), ttl));
    cache.insert(LIVE, Value(Arc::clone(&watch)));
    let (ask, asked) = mpsc::channel();
    let (answer, answered) = mpsc::channel();
    let reader = cache.clone();
    let reader = thread::spawn(move || {
        while asked.recv().is_ok() {
            // Each shard is read, the live value in one of them. By the system's clock some of the others may be over but a moment later.
            let shown = (0..100).filter(|key| reader.contains_key(key)).count();
            answer.send(shown < 100 && reader.contains_key(&LIVE)).expect("it is waited for");
        }
    });
    *watch.reads.lock().expect("no holder panics") = Some((ask, answered));
    *watch.cache.lock().expect("no holder panics") = Some(cache.clone());
    let by_one = reclaim(&cache);
    until("all have gone", || watch.gone.load(Ordering::SeqCst) == u64::from(ENTRIES));
    *watch.cache.lock().expect("no holder panics") = None;
    *watch.reads.lock().expect("no holder panics") = None;
    reader.join().expect("it doesn't panic");
    let (most, read) = (watch.most.load(Ordering::SeqCst), watch.read.load(Ordering::SeqCst));
    assert!(most <= HOLD || !by_one, "{most} entries left in one hold");
    assert_eq!(read, u64::from(ENTRIES).div_ceil(HOLD), "whenever somebody wanted to read");
    assert_eq!((cache.len(), expired(&at_rest(&cache))), (1, u64::from(ENTRIES)));
}

fn g20_maintenance_reclaims_in_short_holds<F: Kind>() {
    for shards in [1, 4] {
        let clock = MockClock::new();
        let builder = CacheBuilder::new().no_janitor().clock(clock.clone());
        in_short_holds::<F>(shards, builder, SECOND, |cache| {
            clock.advance(SECOND);
            cache.run_maintenance();
            true
        });
    }
}

fn g20_a_clock_that_moves_reclaims_in_short_holds<F: Kind>() {
    for shards in [1, 4] {
        let clock = MockClock::new();
        in_short_holds::<F>(shards, CacheBuilder::new().clock(clock.clone()), SECOND, |_| {
            clock.advance(SECOND);
            true
        });
    }
}

fn g20_the_janitor_reclaims_in_short_holds<F: Kind>() {
    // Not before the values are watched: until then their times are long.
    in_short_holds::<F>(2, CacheBuilder::new(), 600 * SECOND, |cache| {
        let start = Instant::now();
        (0..10_000).for_each(|key| assert!(cache.set_ttl(&key, 2 * SECOND)));
        // On a very slow machine the last of these writes may have let some of the first go.
        start.elapsed() < 2 * SECOND
    });
}

on_every_face_in_time!(
    g20_maintenance_reclaims_in_short_holds,
    g20_a_clock_that_moves_reclaims_in_short_holds,
    g20_the_janitor_reclaims_in_short_holds,
);
