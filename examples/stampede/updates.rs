//! Writes while reads fly: no read that begins after a write returned may see the row from before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use bellwether::BoxError;
use indicatif::ProgressBar;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::client::{Client, Route};
use crate::service::Service;
use crate::shop::progress;

/// The items read and written: few, so that loads of each are in the air when
/// writes to it arrive.
const HOT: [i64; 4] = [11, 12, 13, 14];

const READERS: usize = 48;
const WRITERS: usize = 4;

/// Writes that each writer makes, one after the other.
const WRITES_EACH: usize = 150;

/// What the writes and the reads came to.
#[derive(Serialize)]
pub(crate) struct Updates {
    pub(crate) writes: u64,
    pub(crate) reads: u64,
    /// Reads that returned a version older than one whose write had returned
    /// before the read began.
    pub(crate) stale_reads: u64,
    /// Loads that a write overtook while they were in the air.
    pub(crate) superseded: u64,
}

/// What the writers tell the readers, without a word from the cache.
#[derive(Default)]
struct Ledger {
    /// For each hot item, the newest version whose write has returned.
    acknowledged: [AtomicI64; HOT.len()],
    /// Set when the last write has returned.
    done: AtomicBool,
}

/// Lets readers and writers loose on the hot items.
///
/// # Errors
///
/// The first request that fails ends the run.
pub(crate) async fn run(service: &Service, client: &Client) -> Result<Updates, BoxError> {
    let bar = progress::phase("updates", u64::try_from(WRITERS * WRITES_EACH)?);
    let superseded_before = service.cache.metrics().loads_superseded;
    let ledger = Arc::new(Ledger::default());

    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        readers.spawn(read(client.clone(), Arc::clone(&ledger), reader));
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let task = write(client.clone(), Arc::clone(&ledger), writer, bar.clone());
        writers.spawn(task);
    }

    let mut updates = Updates { writes: 0, reads: 0, stale_reads: 0, superseded: 0 };
    while let Some(writes) = writers.join_next().await {
        updates.writes += writes??;
    }
    ledger.done.store(true, Ordering::Release);
    while let Some(seen) = readers.join_next().await {
        let seen = seen??;
        updates.reads += seen.reads;
        updates.stale_reads += seen.stale;
    }
    updates.superseded = service.cache.metrics().loads_superseded - superseded_before;
    Ok(updates)
}

/// One writer: updates the hot items in turn and tells the readers.
async fn write(client: Client, ledger: Arc<Ledger>, first: usize, bar: ProgressBar) -> Result<u64, BoxError> {
    let mut writes = 0;
    for turn in first..first + WRITES_EACH {
        let hot = turn % HOT.len();
        let price_cents = 100 + i64::try_from(turn)?;
        let version = client.put(HOT[hot], price_cents).await?;
        // A maximum: another writer's later version may have come back first.
        ledger.acknowledged[hot].fetch_max(version, Ordering::AcqRel);
        writes += 1;
        bar.inc(1);
    }
    Ok(writes)
}

/// What one reader saw.
#[derive(Default)]
struct Seen {
    reads: u64,
    stale: u64,
}

/// One reader: reads the hot items in turn, and holds every answer to what had
/// been acknowledged before it asked.
async fn read(client: Client, ledger: Arc<Ledger>, first: usize) -> Result<Seen, BoxError> {
    let mut seen = Seen::default();
    let mut turn = first;
    while !ledger.done.load(Ordering::Acquire) {
        let hot = turn % HOT.len();
        turn += 1;
        let acknowledged = ledger.acknowledged[hot].load(Ordering::Acquire);
        let reply = client.get(Route::Cached, HOT[hot]).await?;
        seen.reads += 1;
        if reply.item.version < acknowledged {
            seen.stale += 1;
        }
    }
    Ok(seen)
}
