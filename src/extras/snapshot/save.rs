//! Saving: what a cache holds is taken down some entries at a time, and written under no lock.

use super::Saved;
use super::codec::{SnapshotCodec, encoding};
use super::entry;
use super::error::{SnapshotError, SnapshotPart};
use super::format::{Header, Sink};
use crate::core::contents::Contents;
use crate::ground::contain::{contain, drop_contained};
use crate::ground::reentry;
use crate::shard::Exported;
use std::io::Write;
use std::ops::ControlFlow;

/// One save.
struct Saving<'a, C, W> {
    codec: &'a C,
    sink: Sink<W>,
    written: u64,
    /// An entry's bytes, and its key's.
    body: Vec<u8>,
    key: Vec<u8>,
}

/// Writes all that `cache` holds.
pub(super) fn save<K, V, C, W>(cache: &dyn Contents<K, V>, header: &Header, codec: &C, to: W) -> Result<Saved, SnapshotError>
where
    C: SnapshotCodec<K> + SnapshotCodec<V>,
    W: Write,
{
    reentry::check();
    let at = cache.now();
    let mut saving = Saving { codec, sink: Sink::begin(to, header)?, written: 0, body: Vec::new(), key: Vec::new() };
    let mut failed = None;
    let exported = contain(|| {
        cache.export(at, &mut |batch| match saving.batch(batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        });
    });
    if let Some(error) = failed {
        return Err(error);
    }
    if let Err(panic) = exported {
        return encoding(SnapshotPart::Key, saving.written, || std::panic::resume_unwind(panic.0));
    }
    if cache.has_ended() {
        return Err(SnapshotError::Ended);
    }
    let entries = saving.written;
    Ok(Saved { entries, bytes: saving.sink.end(entries)? })
}

impl<C, W: Write> Saving<'_, C, W> {
    fn batch<K, V>(&mut self, batch: Vec<Exported<K, V>>) -> Result<(), SnapshotError>
    where
        C: SnapshotCodec<K> + SnapshotCodec<V>,
    {
        let mut result = Ok(());
        for entry in batch {
            if result.is_ok() {
                result = self.entry(&entry);
            }
            // They may have left the cache meanwhile, and this is the last that holds them.
            drop_contained(entry.key);
            drop_contained(entry.value);
        }
        result
    }

    fn entry<K, V>(&mut self, entry: &Exported<K, V>) -> Result<(), SnapshotError>
    where
        C: SnapshotCodec<K> + SnapshotCodec<V>,
    {
        let Self { codec, body, key, .. } = self;
        body.clear();
        key.clear();
        encoding(SnapshotPart::Key, self.written, || codec.encode(&entry.key, key))?;
        entry::write(entry, body);
        entry::write_key(key, body);
        encoding(SnapshotPart::Value, self.written, || codec.encode(&*entry.value, body))?;
        self.sink.entry(body, self.written)?;
        self.written += 1;
        Ok(())
    }
}
