//! What a restore allocates: never more than a small multiple of what was read, whatever that says of itself. A binary of its own, as it counts all
//! that the process allocates.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../snapshot/forge.rs"]
mod forge;
#[path = "../support/watchdog.rs"]
mod watchdog;

use crate::forge::{Forged, plain};
use crate::watchdog::in_time;
use bellwether::{Cache, Snapshot, SnapshotError};
use cap::Cap;
use std::alloc::System;
use std::io::Read;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// What a refusal may take besides.
const LITTLE: usize = 64 << 10;

/// The tests look at the whole process: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

type Texts = Cache<u32, Vec<String>>;

fn texts() -> Texts {
    Texts::builder().build().expect("the settings make sense")
}

/// Counts what is read, and the most that is allocated meanwhile.
struct Counting<R> {
    from: R,
    read: usize,
    largest_room: usize,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        self.largest_room = self.largest_room.max(room.len());
        let read = self.from.read(room)?;
        self.read += read;
        Ok(read)
    }
}

/// How much more than before was allocated at most while `bytes` were refused.
fn refused(cache: &Texts, bytes: &[u8]) -> usize {
    let before = MEMORY.allocated();
    let mut counting = Counting { from: bytes, read: 0, largest_room: 0 };
    // A limit, so that one allocation too large fails at once rather than takes the machine's memory.
    MEMORY.set_limit(before + 2 * bytes.len() + LITTLE + (2 << 20)).expect("it isn't reached yet");
    let error = Snapshot::new().load(cache, &mut counting);
    MEMORY.set_limit(usize::MAX).expect("there is none");
    assert!(error.is_err(), "it is none");
    assert!(counting.largest_room <= counting.read.max(4_096) * 2, "{} bytes of room, {} read", counting.largest_room, counting.read);
    assert!(cache.is_empty());
    counting.largest_room
}

#[test]
fn g18_no_length_makes_a_large_allocation() {
    let _alone = alone();
    in_time(|| {
        let cache = texts();
        let body = plain(&[1], &[1, 1, b'a']);
        assert_eq!(Snapshot::new().load(&texts(), &Forged::begun().entry(&body).end(1)[..]).expect("it is well forged").entries, 1);
        for length in [1 << 20, 1 << 30, u32::MAX] {
            for read in [0, 10, 10_000, 100_000] {
                let short = vec![0; read];
                assert!(refused(&cache, &Forged::begun().frame(b'+', length, &short).bytes) <= 262_144);
                assert!(refused(&cache, &Forged::begun().frame(b'.', length, &short).bytes) <= 262_144);
            }
        }
        // Lengths inside of an entry: of the key, and of the value's list and texts.
        let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        for at in [9, 11, 12] {
            let body = [&body[..at], &huge[..]].concat();
            refused(&cache, &Forged::begun().entry(&body).end(1));
        }
        // So many tags.
        let tagged = [&[1 << 6, 0, 0, 0, 0, 1, 1, 0, 0][..], &huge].concat();
        refused(&cache, &Forged::begun().entry(&tagged).end(1));
    });
}

/// What can't be stored isn't kept until the end.
#[test]
fn a_file_much_larger_than_the_cache_takes_little_more_than_the_cache() {
    const ENTRIES: u32 = 100_000;
    let _alone = alone();
    in_time(|| {
        let path = tempfile::NamedTempFile::new().expect("there is room");
        {
            let before = texts();
            (0..ENTRIES).for_each(|n| before.insert(n, vec!["x".repeat(200)]));
            Snapshot::new().save_file(&before, path.path()).expect("it can be saved");
        }
        let small = Texts::builder().capacity(100).build().expect("the settings make sense");
        let before = MEMORY.allocated();
        MEMORY.set_limit(before + (8 << 20)).expect("it isn't reached yet");
        let restored = Snapshot::new().load_file(&small, path.path()).expect("it is as it was saved");
        MEMORY.set_limit(usize::MAX).expect("there is none");
        assert_eq!((restored.entries, restored.left_out), (100, u64::from(ENTRIES) - 100));
    });
}

/// Nothing is kept of what was refused.
#[test]
fn g18_nothing_is_kept_of_what_was_refused() {
    let _alone = alone();
    in_time(|| {
        let before = texts();
        (0..10_000).for_each(|n| before.insert(n, vec![n.to_string()]));
        let mut bytes = Vec::new();
        Snapshot::new().save(&before, &mut bytes).expect("it can be saved");
        let cache = texts();
        let held = MEMORY.allocated();
        for cut in [bytes.len() - 1, bytes.len() / 2, 100] {
            assert!(matches!(Snapshot::new().load(&cache, &bytes[..cut]), Err(SnapshotError::Cut { .. })));
        }
        let after = MEMORY.allocated();
        assert!(after <= held + LITTLE, "{held} bytes before, {after} after");
    });
}
