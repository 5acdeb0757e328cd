//! All the ways to walk over the entries, by each face's own methods.

use crate::faces::{Awaiting, Face, Kind, NoRuntime, OnTokio};
use bellwether::{EntryStream, Key, RandomState, Value};
use futures::{Stream, StreamExt};
use std::any::TypeId;
use std::future::Future;
use std::sync::Arc;

/// A way to walk over all entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Walk {
    Iter,
    Batches(usize),
    Snapshot,
    Pages(usize),
    Stream,
    StreamBatches(usize),
    Hottest,
    Coldest,
}

impl Walk {
    pub(super) const ALL: [Self; 17] = [
        Self::Iter,
        Self::Batches(0),
        Self::Batches(1),
        Self::Batches(7),
        Self::Batches(usize::MAX),
        Self::Snapshot,
        Self::Pages(1),
        Self::Pages(10),
        Self::Pages(5_000),
        Self::Pages(usize::MAX),
        Self::Stream,
        Self::StreamBatches(0),
        Self::StreamBatches(1),
        Self::StreamBatches(7),
        Self::StreamBatches(usize::MAX),
        Self::Hottest,
        Self::Coldest,
    ];

    /// All entries, as this way gives them.
    pub(super) fn all<F: Kind, K: Key, V: Value>(self, cache: &impl Face<K, V>) -> Vec<(K, Arc<V>)> {
        let threads = cache.sync();
        let tasks = threads.to_async();
        match (self, F::IS_BLOCKING) {
            (Self::Iter, true) => threads.iter().collect(),
            (Self::Iter, false) => tasks.iter().collect(),
            (Self::Batches(most), true) => threads.iter_with_batch_size(most).collect(),
            (Self::Batches(most), false) => tasks.iter_with_batch_size(most).collect(),
            (Self::Snapshot, true) => threads.iter_snapshot().collect(),
            (Self::Snapshot, false) => tasks.iter_snapshot().collect(),
            (Self::Pages(count), true) => paged(|cursor| threads.scan(cursor, count)),
            (Self::Pages(count), false) => paged(|cursor| tasks.scan(cursor, count)),
            (Self::Stream, _) => collected::<F, _>(tasks.stream()),
            (Self::StreamBatches(most), _) => collected::<F, _>(tasks.stream_with_batch_size(most)),
            (Self::Hottest, true) => threads.hottest(usize::MAX),
            (Self::Hottest, false) => tasks.hottest(usize::MAX),
            (Self::Coldest, true) => threads.coldest(usize::MAX),
            (Self::Coldest, false) => tasks.coldest(usize::MAX),
        }
    }
}

/// All pages, one after the other.
pub(super) fn paged<T>(page: impl Fn(u64) -> (u64, Vec<T>)) -> Vec<T> {
    let (mut cursor, mut all) = (0, Vec::new());
    loop {
        let (next, page) = page(cursor);
        all.extend(page);
        if next == 0 {
            return all;
        }
        assert!(next > cursor, "cursors rise: {next} after {cursor}");
        cursor = next;
    }
}

/// Waits as the face's users do.
pub(super) fn waited<F: Kind, R>(future: impl Future<Output = R>) -> R {
    if TypeId::of::<F>() == TypeId::of::<OnTokio>() { OnTokio::wait(future) } else { NoRuntime::wait(future) }
}

fn collected<F: Kind, T>(stream: impl Stream<Item = T>) -> Vec<T> {
    waited::<F, _>(stream.collect())
}

/// A stream can go into any task.
#[test]
fn a_stream_is_at_home_anywhere() {
    fn check<T: Send + Sync + Unpin + 'static>() {}
    check::<EntryStream<String, String, RandomState>>();
}
