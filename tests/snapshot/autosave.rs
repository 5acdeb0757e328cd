//! Autosave: at its time, at the end, and at the beginning.

use super::world::Wall;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use bellwether::{Autosave, BoxError, Cache, CacheBuilder, MockClock, Postcard, SnapshotCodec, SnapshotError};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tempfile::TempDir;

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A folder with a file to save to.
pub(super) fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("cache");
    (folder, path)
}

/// What autosave has to say.
pub(super) struct Heard {
    pub(super) saves: Receiver<u64>,
    restores: Receiver<u64>,
    errors: Receiver<String>,
}

impl Heard {
    pub(super) fn no_errors(&self) {
        assert_eq!(self.errors.try_iter().collect::<Vec<_>>(), Vec::<String>::new());
    }

    /// How many entries the next save has.
    pub(super) fn save(&self) -> u64 {
        self.saves.recv_timeout(crate::gate::PATIENCE).expect("it is saved")
    }
}

pub(super) fn autosave(path: &Path) -> (Autosave, Heard) {
    let ((save, saves), (restore, restores), (error, errors)) = (channel(), channel(), channel());
    let autosave = Autosave::new(path)
        // Nobody may listen any more.
        .on_save(move |saved| save.send(saved.entries).unwrap_or_default())
        .on_restore(move |restored| restore.send(restored.entries).unwrap_or_default())
        .on_error(move |problem| error.send(problem.to_string()).unwrap_or_default());
    (autosave, Heard { saves, restores, errors })
}

fn a_cache_saves_itself_at_its_time<F: Kind>() {
    let (_folder, path) = place();
    let (clock, (saving, heard)) = (MockClock::new(), autosave(&path));
    let cache = <F::Of<u32, u32>>::build(CacheBuilder::new().clock(clock.clone()).autosave(saving.every(SECOND * 60)));
    cache.insert(1, 1);
    clock.advance(SECOND * 60 - Duration::from_nanos(1));
    assert!(!path.exists(), "it isn't time yet");
    clock.advance(Duration::from_nanos(1));
    assert_eq!(heard.save(), 1);
    for entries in 2..5 {
        cache.insert(u32::try_from(entries).expect("they are few"), 1);
        // The next is booked when the thread is done with the last.
        until("it is saved again", || {
            clock.advance(SECOND * 60);
            heard.saves.try_iter().any(|saved| saved == entries)
        });
    }
    heard.no_errors();
    let (saving, heard) = autosave(&path);
    let after = <F::Of<u32, u32>>::build(CacheBuilder::new().autosave(saving));
    assert_eq!((after.len(), heard.restores.try_recv()), (4, Ok(4)));
}

fn g17_close_saves_a_last_time<F: Kind>() {
    let (_folder, path) = place();
    let (saving, heard) = autosave(&path);
    let cache = <F::Of<u32, u32>>::build(CacheBuilder::new().autosave(saving.clone().every(Duration::MAX)));
    assert!(heard.restores.try_recv().is_err() && heard.errors.try_recv().is_err(), "a file that isn't there is nothing");
    (0..100).for_each(|n| cache.insert(n, n));
    assert!(close::<F, u32>(&cache));
    assert_eq!(heard.saves.try_recv(), Ok(100), "it is saved when close returns");
    assert_eq!(cache.metrics().autosaves, 1);
    drop(cache);
    let after = <F::Of<u32, u32>>::build(CacheBuilder::new().autosave(saving));
    assert_eq!((after.len(), heard.restores.try_recv()), (100, Ok(100)));
    heard.no_errors();
    after.validate();
}

/// As a program with this face would.
fn close<F: Kind, V: bellwether::Value>(cache: &F::Of<u32, V>) -> bool {
    if F::IS_BLOCKING { cache.sync().close() } else { futures::executor::block_on(cache.sync().to_async().close()) }
}

fn g17_a_cache_that_is_dropped_is_not_saved_and_not_kept<F: Kind>() {
    let (_folder, path) = place();
    let (clock, (saving, heard)) = (MockClock::new(), autosave(&path));
    let cache = <F::Of<u32, Arc<()>>>::build(CacheBuilder::new().clock(clock.clone()).autosave(saving.codec(Nothing).every(SECOND)));
    let value = Arc::new(());
    cache.insert(1, Arc::clone(&value));
    drop(cache);
    assert_eq!(Arc::strong_count(&value), 1, "nothing keeps it");
    clock.advance(SECOND * 100);
    assert!(!path.exists());
    heard.no_errors();
}

/// Writes nothing at all.
struct Nothing;

impl SnapshotCodec<Arc<()>> for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }
    fn encode(&self, _: &Arc<()>, _: &mut Vec<u8>) -> Result<(), BoxError> {
        Ok(())
    }
    fn decode(&self, _: &[u8]) -> Result<Arc<()>, BoxError> {
        Ok(Arc::new(()))
    }
}

impl SnapshotCodec<u32> for Nothing {
    fn name(&self) -> &str {
        "postcard"
    }
    fn encode(&self, key: &u32, out: &mut Vec<u8>) -> Result<(), BoxError> {
        Postcard.encode(key, out)
    }
    fn decode(&self, bytes: &[u8]) -> Result<u32, BoxError> {
        Postcard.decode(bytes)
    }
}

fn g18_a_broken_file_is_told_of_and_put_aside<F: Kind>() {
    let (folder, path) = place();
    let mut aside = Vec::new();
    for (round, text) in ["garbage", "bellwether cache, or so", "", "more garbage"].into_iter().enumerate() {
        fs::write(&path, text).expect("there is room");
        let (saving, heard) = autosave(&path);
        let cache = <F::Of<u32, u32>>::build(CacheBuilder::new().autosave(saving));
        let told: Vec<String> = heard.errors.try_iter().collect();
        assert_eq!((told.len(), cache.len(), path.exists()), (1, 0, false), "{told:?}");
        assert_eq!((cache.metrics().autosaves, cache.metrics().autosaves_failed), (0, 1));
        aside.push(if round == 0 { "cache.broken".to_owned() } else { format!("cache.broken-{round}") });
        let held = fs::read_to_string(folder.path().join(&aside[round])).expect("nothing is lost");
        assert_eq!(held, text);
        cache.insert(1, 1);
        close::<F, u32>(&cache);
        assert_eq!(heard.saves.try_recv(), Ok(1), "it goes on as if there had been none");
        fs::remove_file(&path).expect("it is there");
    }
}

fn what_was_left_by_the_killed_is_removed_once_it_is_old<F: Kind>() {
    let (folder, path) = place();
    let names = [".cache.1-1-00000000000000aa.tmp", ".cache.2-1-00000000000000bb.tmp", ".other.1-1-00000000000000cc.tmp", ".cache.notes"];
    for name in names {
        fs::write(folder.path().join(name), "x").expect("there is room");
    }
    for name in &names[1..] {
        let file = fs::File::options().write(true).open(folder.path().join(name)).expect("it is there");
        file.set_modified(std::time::SystemTime::now() - SECOND * 4_000).expect("it is ours");
    }
    let (saving, heard) = autosave(&path);
    drop(<F::Of<u32, u32>>::build(CacheBuilder::new().autosave(saving)));
    let there = |name: &str| folder.path().join(name).exists();
    assert_eq!(names.map(there), [true, false, true, true], "only what is this file's, and old");
    heard.no_errors();
}

fn lives_go_on_between_two_processes<F: Kind>() {
    let (_folder, path) = place();
    let (wall, clock) = (Wall::new(), MockClock::new());
    let build = || {
        let wall = wall.clone();
        let saving = Autosave::new(&path).every(Duration::MAX).wall_clock(move || wall.now());
        <F::Of<u32, u32>>::build(CacheBuilder::new().clock(clock.clone()).time_to_live(SECOND * 10).autosave(saving))
    };
    let before = build();
    before.insert(1, 1);
    close::<F, u32>(&before);
    wall.advance(SECOND * 9);
    let after = build();
    assert_eq!(after.entry_info(&1).and_then(|info| info.time_left), Some(SECOND));
    wall.advance(SECOND);
    assert!(build().entry_info(&1).is_none());
}

/// Fails, panics, or does as postcard; with the value it always does that, as its mood may change in the middle of a save.
#[derive(Clone, Default)]
struct Moody(Arc<AtomicU64>);

const CALM: u32 = 10;

impl SnapshotCodec<u32> for Moody {
    fn name(&self) -> &str {
        "moody"
    }
    fn encode(&self, value: &u32, out: &mut Vec<u8>) -> Result<(), BoxError> {
        match (self.0.load(Ordering::SeqCst), *value) {
            (0, _) | (_, CALM) => Postcard.encode(value, out),
            (1, _) => Err("not today".into()),
            _ => panic!("a codec panics {ON_PURPOSE}"),
        }
    }
    fn decode(&self, bytes: &[u8]) -> Result<u32, BoxError> {
        Postcard.decode(bytes)
    }
}

fn g18_a_save_that_fails_is_told_of_and_the_next_is_done<F: Kind>() {
    hush();
    let (folder, path) = place();
    let (mood, clock, (saving, heard)) = (Moody::default(), MockClock::new(), autosave(&path));
    // Whoever is told panics, too.
    let (tell, told) = channel();
    let saving = saving.codec(mood.clone()).every(SECOND).on_error(move |error: &SnapshotError| {
        drop(tell.send(error.to_string()));
        panic!("it panics {ON_PURPOSE}");
    });
    let cache = <F::Of<u32, u32>>::build(CacheBuilder::new().clock(clock.clone()).autosave(saving));
    cache.insert(1, CALM);
    let due = |saves: u64, failed: u64| {
        until("it is saved, or not", || {
            clock.advance(SECOND);
            let metrics = cache.metrics();
            metrics.autosaves >= saves && metrics.autosaves_failed >= failed
        });
    };
    due(1, 0);
    for (mood_now, failed) in [(1, 1), (2, 2)] {
        mood.0.store(mood_now, Ordering::SeqCst);
        let already = cache.metrics().autosaves_failed;
        due(1, already.max(failed - 1) + 1);
        assert_eq!(
            told.recv_timeout(crate::gate::PATIENCE).as_deref(),
            Ok("could not encode the key of entry 0, after as many were written")
        );
        let whole = bellwether::Snapshot::new()
            .codec(mood.clone())
            .load_file(&Cache::<u32, u32>::builder().build().expect("it makes sense"), &path);
        assert_eq!(whole.expect("the old file is whole").entries, 1);
    }
    mood.0.store(0, Ordering::SeqCst);
    let already = cache.metrics().autosaves;
    due(already + 1, 0);
    drop((heard, folder));
}

crate::on_every_face_in_time!(
    a_cache_saves_itself_at_its_time,
    g17_close_saves_a_last_time,
    g17_a_cache_that_is_dropped_is_not_saved_and_not_kept,
    g18_a_broken_file_is_told_of_and_put_aside,
    what_was_left_by_the_killed_is_removed_once_it_is_old,
    lives_go_on_between_two_processes,
    g18_a_save_that_fails_is_told_of_and_the_next_is_done,
);
