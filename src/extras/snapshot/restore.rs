//! Restoring: everything is read and checked before the first entry is stored; then the hottest that fit are, the coldest of those first.

use super::Restored;
use super::codec::{SnapshotCodec, decoding};
use super::entry;
use super::error::{SnapshotError, SnapshotPart};
use super::format::{Header, Kind, Source};
use crate::core::contents::{Contents, PutBack};
use crate::ground::contain::{contain, drop_contained};
use crate::ground::hash::Hashed;
use crate::ground::reentry;
use crate::shard::Exported;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// So many entries needn't be thinned out.
const FEW: usize = 1 << 12;

/// What is asked for.
pub(super) struct Wanted<'a, C> {
    pub(super) schema: u32,
    pub(super) codec: &'a C,
    /// The names of the keys' and the values' codec.
    pub(super) codecs: [String; 2],
    /// The wall clock's time.
    pub(super) now: SystemTime,
}

/// Restores what was saved.
pub(super) fn restore<K, V, C, R>(cache: &dyn Contents<K, V>, wanted: &Wanted<'_, C>, from: R) -> Result<Restored, SnapshotError>
where
    C: SnapshotCodec<K> + SnapshotCodec<V>,
    R: Read,
{
    reentry::check();
    let watch = Watch::begin(cache);
    let (mut source, header) = Source::begin(from)?;
    wanted.check(&header)?;
    // A clock that went back lengthens no life.
    let elapsed = wanted.now.duration_since(header.saved_at).unwrap_or(Duration::ZERO);
    let mut read = 0;
    let mut expired = 0;
    let mut candidates = Candidates::new();
    loop {
        let at = source.bytes();
        match source.frame()? {
            (Kind::Entry, body) => {
                let candidate = candidate(cache, wanted, body, read, elapsed)?;
                read += 1;
                match candidate.ok_or(SnapshotError::Damaged { at, what: "an entry" })? {
                    Candidate { is_over: true, entry, .. } => {
                        expired += 1;
                        let_go(entry);
                    }
                    candidate => candidates.add(candidate, cache.room_left()),
                }
            }
            (Kind::End, body) if *body == read.to_le_bytes() => break,
            (Kind::End, _) => return Err(SnapshotError::Damaged { at, what: "the number of entries" }),
        }
    }
    candidates.keep_hottest(cache.room_left());
    let mut restored = Restored { entries: 0, expired, known: 0, left_out: 0, bytes: source.bytes(), saved_at: header.saved_at };
    for Candidate { hashed, entry, .. } in candidates.all.drain(..) {
        // A key's `Eq` may panic.
        match contain(|| cache.put_back(hashed, entry, watch.number)) {
            Ok(PutBack::Stored) => restored.entries += 1,
            Ok(PutBack::Known) => restored.known += 1,
            Ok(PutBack::Refused) => {}
            Err(panic) => panic.forget(),
        }
    }
    restored.left_out = read - restored.entries - restored.known - expired;
    Ok(restored)
}

/// While it is there the cache keeps in mind what happens to its keys.
struct Watch<'a, K, V> {
    cache: &'a dyn Contents<K, V>,
    number: u64,
}

impl<'a, K, V> Watch<'a, K, V> {
    fn begin(cache: &'a dyn Contents<K, V>) -> Self {
        Self { cache, number: cache.begin_putting_back() }
    }
}

impl<K, V> Drop for Watch<'_, K, V> {
    fn drop(&mut self) {
        self.cache.end_putting_back();
    }
}

impl<C> Wanted<'_, C> {
    fn check(&self, header: &Header) -> Result<(), SnapshotError> {
        if header.schema != self.schema {
            return Err(SnapshotError::WrongSchema { found: header.schema, expected: self.schema });
        }
        match header.codecs.iter().zip(&self.codecs).find(|(found, expected)| found != expected) {
            Some((found, expected)) => Err(SnapshotError::WrongCodec { found: found.clone(), expected: expected.clone() }),
            None => Ok(()),
        }
    }
}

/// An entry that may be stored.
struct Candidate<K, V> {
    hashed: Hashed,
    entry: Exported<K, V>,
    is_over: bool,
}

/// All of them.
struct Candidates<K, V> {
    all: Vec<Candidate<K, V>>,
    weight: u128,
    /// So many are kept before it is asked whether these are too many.
    most: usize,
}

/// Runs the codecs and the key's `Hash`. Nothing within if the body isn't that of an entry.
fn candidate<K, V, C>(
    cache: &dyn Contents<K, V>,
    wanted: &Wanted<'_, C>,
    body: &[u8],
    read: u64,
    elapsed: Duration,
) -> Result<Option<Candidate<K, V>>, SnapshotError>
where
    C: SnapshotCodec<K> + SnapshotCodec<V>,
{
    let Some((written, value)) = entry::read(body) else { return Ok(None) };
    let key: K = decoding(SnapshotPart::Key, read, || wanted.codec.decode(written.key))?;
    let hashed = match decoding(SnapshotPart::Key, read, || Ok(cache.hash(&key))) {
        Ok(hashed) => hashed,
        Err(error) => {
            drop_contained(key);
            return Err(error);
        }
    };
    let value = match decoding(SnapshotPart::Value, read, || wanted.codec.decode(value)) {
        Ok(value) => Arc::new(value),
        Err(error) => {
            drop_contained(key);
            return Err(error);
        }
    };
    let Exported { weight, cost, times, tags, heat, .. } = written;
    let entry = Exported { key, value, weight, cost, times: times.later(elapsed), tags, heat };
    let is_over = cache.is_over(&entry);
    Ok(Some(Candidate { hashed, entry, is_over }))
}

fn let_go<K, V>(entry: Exported<K, V>) {
    drop_contained(entry.key);
    drop_contained(entry.value);
}

impl<K, V> Candidates<K, V> {
    fn new() -> Self {
        Self { all: Vec::new(), weight: 0, most: FEW }
    }

    /// Adds one, and lets go of the coldest from time to time where there are more than can be stored.
    fn add(&mut self, candidate: Candidate<K, V>, room: u64) {
        self.weight += u128::from(candidate.entry.weight);
        self.all.push(candidate);
        if self.all.len() > self.most {
            self.thin_out(u128::from(room) * 2);
            self.most = self.all.len() * 2 + FEW;
        }
    }

    /// Lets go of the coldest while the others weigh more than `enough`.
    fn thin_out(&mut self, enough: u128) {
        if self.weight <= enough {
            return;
        }
        self.sort();
        let mut weight = self.weight;
        let is_surplus = |candidate: &&Candidate<K, V>| {
            weight -= u128::from(candidate.entry.weight);
            weight > enough
        };
        let cold = self.all.iter().take_while(is_surplus).count();
        for cold in self.all.drain(..cold) {
            self.weight -= u128::from(cold.entry.weight);
            let_go(cold.entry);
        }
    }

    /// The coldest first.
    fn sort(&mut self) {
        self.all.sort_by_cached_key(|candidate| candidate.entry.heat);
    }

    /// Keeps the hottest that fit into so much room, the coldest of those first.
    fn keep_hottest(&mut self, mut room: u64) {
        self.sort();
        let mut kept = Vec::new();
        for candidate in self.all.drain(..).rev() {
            match room.checked_sub(candidate.entry.weight) {
                Some(left) => {
                    room = left;
                    kept.push(candidate);
                }
                None => let_go(candidate.entry),
            }
        }
        kept.reverse();
        self.all = kept;
    }
}

/// One by one, as a key's or a value's `Drop` may panic.
impl<K, V> Drop for Candidates<K, V> {
    fn drop(&mut self) {
        self.all.drain(..).for_each(|candidate| let_go(candidate.entry));
    }
}
