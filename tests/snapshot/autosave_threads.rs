//! Who does the saving: the janitor sends for a thread, of the builder's spawner or of the crate's own, or whoever closes the cache does it.

use super::autosave::{SECOND, autosave, place};
use crate::gate::{Gate, until};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, Autosave, BoxError, Cache, EvictionPolicy, MockClock, Postcard, SnapshotCodec, SpawnError, Spawner};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// By the system's clock, on the janitor's thread's word.
#[test]
fn the_janitor_keeps_the_time() {
    in_time(|| {
        let (_folder, path) = place();
        let (saving, heard) = autosave(&path);
        let cache = Cache::<u32, u32>::builder().autosave(saving.every(Duration::from_millis(5))).build().expect("the settings make sense");
        cache.insert(1, 1);
        until("the value is saved", || heard.save() == 1);
        heard.no_errors();
    });
}

#[test]
fn an_interval_that_makes_no_sense_or_that_nobody_keeps_is_refused() {
    let (_folder, path) = place();
    let builder = |every| Cache::<u32, u32>::builder().autosave(Autosave::new(&path).every(every));
    assert!(builder(Duration::ZERO).build().is_err());
    let error = builder(SECOND).no_janitor().build().expect_err("nobody keeps it");
    assert!(error.to_string().contains("autosave"), "{error}");
    builder(Duration::MAX).no_janitor().build().expect("close needs nobody").close();
    assert!(path.exists());
}

/// Takes note of which thread does the saving.
#[derive(Clone, Default)]
struct Noting(Arc<Mutex<Vec<&'static str>>>);

impl Spawner for Noting {
    fn spawn(&self, _: bellwether::BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        Err(SpawnError::new("no tasks"))
    }
    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        self.0.lock().expect("nobody panics with it").push("asked");
        std::thread::spawn(job);
        Ok(())
    }
}

#[test]
fn g19_it_runs_on_the_builders_spawner() {
    in_time(|| {
        let (_folder, path) = place();
        let (clock, spawner, (saving, heard)) = (MockClock::new(), Noting::default(), autosave(&path));
        let builder = AsyncCache::<u32, u32>::builder().clock(clock.clone()).spawner(spawner.clone());
        let cache = builder.autosave(saving.every(SECOND)).build_async().expect("the settings make sense");
        clock.advance(SECOND);
        assert_eq!(heard.save(), 0);
        futures::executor::block_on(cache.close());
        assert_eq!(heard.save(), 0);
        assert_eq!(spawner.0.lock().expect("nobody panics with it").len(), 2);
    });
}

/// A spawner that takes nothing: close saves all the same.
#[test]
fn g17_close_saves_where_no_thread_can_be_had() {
    struct Refusing;
    impl Spawner for Refusing {
        fn spawn(&self, _: bellwether::BoxFuture<'static, ()>) -> Result<(), SpawnError> {
            Err(SpawnError::new("no tasks"))
        }
        fn spawn_blocking(&self, _: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
            Err(SpawnError::new("no threads"))
        }
    }
    in_time(|| {
        let (_folder, path) = place();
        let (saving, heard) = autosave(&path);
        let builder = AsyncCache::<u32, u32>::builder().spawner(Refusing).autosave(saving.every(Duration::MAX));
        let cache = builder.build_async().expect("the settings make sense");
        cache.insert(1, 1);
        futures::executor::block_on(cache.close());
        assert_eq!(heard.save(), 1);
    });
}

/// Whoever is told of a save may close the cache: nobody waits for what waits for them.
#[test]
fn g6_whoever_is_told_of_a_save_may_close_the_cache() {
    in_time(|| {
        let (_folder, path) = place();
        let (clock, cell) = (MockClock::new(), Arc::new(OnceLock::<Cache<u32, u32>>::new()));
        let (closed, told) = std::sync::mpsc::channel();
        let saving = Autosave::new(&path).every(SECOND).on_save({
            let cell = Arc::clone(&cell);
            move |_| {
                let cache = cell.get().expect("it is built");
                cache.close();
                futures::executor::block_on(cache.to_async().close());
                closed.send(()).unwrap_or_default();
            }
        });
        let cache = Cache::builder().clock(clock.clone()).autosave(saving).build().expect("the settings make sense");
        assert!(cell.set(cache.clone()).is_ok());
        clock.advance(SECOND);
        told.recv_timeout(crate::gate::PATIENCE).expect("it is closed");
        // And from here, too.
        cache.close();
        until("both are over", || cache.metrics().autosaves == 2);
    });
}

/// Writes postcard, and waits at a gate at one key.
struct Gated {
    key: u32,
    gate: Gate,
    has_arrived: Arc<AtomicBool>,
}

impl SnapshotCodec<u32> for Gated {
    fn name(&self) -> &str {
        "postcard"
    }
    fn encode(&self, number: &u32, out: &mut Vec<u8>) -> Result<(), BoxError> {
        if *number == self.key {
            self.has_arrived.store(true, Ordering::SeqCst);
            self.gate.wait();
        }
        Postcard.encode(number, out)
    }
    fn decode(&self, bytes: &[u8]) -> Result<u32, BoxError> {
        Postcard.decode(bytes)
    }
}

/// The last handle goes in the middle of a save: what is saved then would be but a part.
#[test]
fn g17_a_cache_that_ends_while_it_is_saved_leaves_the_old_file() {
    const ENTRIES: u32 = 2_000;
    in_time(|| {
        let (folder, path) = place();
        let (clock, gate, (saving, heard)) = (MockClock::new(), Gate::new(), autosave(&path));
        let has_arrived = Arc::new(AtomicBool::new(false));
        let saving = saving.codec(Gated { key: ENTRIES, gate: gate.clone(), has_arrived: Arc::clone(&has_arrived) }).every(SECOND);
        let builder = Cache::<u32, u32>::builder().clock(clock.clone()).shards(4).eviction(EvictionPolicy::Fifo);
        let cache = builder.autosave(saving).build().expect("the settings make sense");
        (0..ENTRIES).for_each(|n| cache.insert(n, n));
        clock.advance(SECOND);
        assert_eq!(heard.save(), u64::from(ENTRIES));
        cache.insert(ENTRIES, 0);
        until("it is in the middle of the next", || {
            clock.advance(SECOND);
            has_arrived.load(Ordering::SeqCst)
        });
        drop(cache);
        gate.open();
        let is_left = |file: std::io::Result<std::fs::DirEntry>| file.is_ok_and(|file| file.path() != path);
        until("the thread is done with it", || !std::fs::read_dir(folder.path()).expect("it is there").any(is_left));
        let after = Cache::<u32, u32>::builder().build().expect("the settings make sense");
        let restored = bellwether::Snapshot::new().load_file(&after, &path).expect("the old file is whole");
        assert_eq!(restored.entries, u64::from(ENTRIES));
        heard.no_errors();
    });
}
