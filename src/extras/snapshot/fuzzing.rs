//! The way in for the fuzz target.

use super::Snapshot;
use super::format::{Header, Sink};
use crate::faces::cache::Cache;
use crate::ground::time::MockClock;
use crate::mechanisms::eviction::EvictionPolicy;
use std::time::{Duration, SystemTime};

/// Keys and values with something to allocate and something to refuse.
type Target = Cache<String, (Vec<u8>, Option<char>, Vec<String>)>;

/// Has these bytes restored: as they are, as the bodies of entries whose checksums are right, or as changes to a snapshot that was saved. The first byte
/// says which.
///
/// # Panics
/// If a refusal leaves a trace, or if what was restored can't be saved and restored again.
pub fn snapshot(bytes: &[u8]) {
    let Some((&way, rest)) = bytes.split_first() else { return };
    match way % 3 {
        0 => restore(rest),
        1 => restore(&framed(rest)),
        _ => restore(&changed(rest)),
    }
}

fn begin() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

fn fixed() -> Snapshot {
    Snapshot::new().wall_clock(begin)
}

fn target(capacity: u64) -> Target {
    let clock = MockClock::new();
    clock.advance(Duration::from_secs(1));
    Target::builder().capacity(capacity).shards(2).eviction(EvictionPolicy::Lru).clock(clock).build().expect("the settings make sense")
}

fn restore(bytes: &[u8]) {
    let cache = target(1_000);
    cache.insert("held".to_owned(), (vec![1], None, Vec::new()));
    let Ok(restored) = fixed().load(&cache, bytes) else {
        assert_eq!((cache.len(), cache.weight()), (1, 1), "the cache is as it was");
        return;
    };
    assert_eq!(cache.len(), restored.entries + 1);
    let mut again = Vec::new();
    let saved = fixed().save(&cache, &mut again).expect("what was restored can be saved");
    let other = target(u64::MAX);
    let twice = fixed().load(&other, &again[..]).expect("what was saved can be restored");
    assert_eq!((twice.entries, other.weight()), (saved.entries, cache.weight()));
    for (key, value) in &cache {
        assert_eq!(other.peek(&key).as_deref(), Some(&*value));
    }
    #[cfg(debug_assertions)]
    [cache, other].iter().for_each(Target::validate);
}

/// Pieces as entries: the first byte of each says how long it is.
fn framed(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let header = Header { schema: 0, saved_at: begin(), codecs: ["postcard".to_owned(), "postcard".to_owned()] };
    let mut sink = Sink::begin(&mut out, &header).expect("memory can be written to");
    let mut entries = 0;
    while let Some((&length, rest)) = bytes.split_first() {
        let (body, rest) = rest.split_at(rest.len().min(usize::from(length)));
        sink.entry(body, entries).expect("memory can be written to");
        entries += 1;
        bytes = rest;
    }
    sink.end(entries).expect("memory can be written to");
    out
}

/// A snapshot with each three bytes as a change: where, by two of them, and to what; or cut off there.
fn changed(bytes: &[u8]) -> Vec<u8> {
    let cache = target(1_000);
    for n in 0..4_u8 {
        let value = (vec![n; usize::from(n) * 3], char::from_u32(u32::from(n)), vec!["tag".to_owned(); usize::from(n)]);
        let loaded =
            crate::vocabulary::loaded::Loaded::value(value).weight(u64::from(n)).tags(vec![format!("tag {n}"); usize::from(n % 2)]);
        cache.insert_with(n.to_string(), loaded.time_to_live(Duration::from_secs(u64::from(n) + 1)).stale_if_error(Duration::from_secs(9)));
    }
    let mut out = Vec::new();
    fixed().save(&cache, &mut out).expect("it can be saved");
    for change in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]]));
        match out.get_mut(at) {
            Some(byte) => *byte = change[2],
            None => out.truncate(at % (out.len() + 1)),
        }
    }
    out
}
