#![doc = include_str!("docs/crate.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(doc, doctest))]
pub mod docs;

mod core;
mod extras;
mod faces;
mod ground;
mod mechanisms;
mod shard;
mod vocabulary;

pub use async_trait::async_trait;
pub use equivalent::Equivalent;

#[cfg(feature = "bulk")]
pub use extras::bulk::{
    fetch_many::FetchMany,
    found::MultiFetch,
    held::{MultiGet, MultiGetIter},
};
#[cfg(feature = "snapshot")]
pub use extras::snapshot::{Autosave, Postcard, Restored, Saved, Snapshot, SnapshotCodec, SnapshotError, SnapshotPart};
pub use faces::async_cache::AsyncCache;
pub use faces::builder::CacheBuilder;
pub use faces::cache::Cache;
pub use faces::entry::{Entry, OccupiedEntry, VacantEntry};
pub use faces::fetch::{ByClosure, ByLoader, Fetch};
pub use faces::iter::borrowed::Iter;
pub use faces::iter::snapshot::IterSnapshot;
pub use faces::iter::stream::EntryStream;
#[cfg(feature = "snapshot")]
pub use faces::reach::AnyCache;
pub use ground::hash::{RandomHasher, RandomState};
pub use ground::time::{Clock, MockClock};
pub use mechanisms::eviction::{CustomPolicy, EvictionPolicy, PolicyBounds, PolicyEntry, PolicySlot, UnknownPolicy};
pub use vocabulary::abandoned::AbandonedLoads;
pub use vocabulary::compute_result::ComputeResult;
pub use vocabulary::entry_info::EntryInfo;
pub use vocabulary::error::{BoxError, BuildError, LoadError, LoadErrorKind, OptionalExt};
pub use vocabulary::expiry::Freshness;
pub use vocabulary::expiry::backoff::ErrorBackoff;
pub use vocabulary::expiry::early::XFetch;
pub use vocabulary::expiry::hook::Expiry;
pub use vocabulary::fetched::{Fetched, Source, StaleReason};
pub use vocabulary::keys::{Key, LoadKey, Lookup, Value};
pub use vocabulary::listener::RemovalListener;
pub use vocabulary::loaded::{Loaded, ok};
pub use vocabulary::loader::{BlockingLoader, CacheLoader, DynLoader};
pub use vocabulary::metrics::{Janitor, MetricsSnapshot};
pub use vocabulary::refused::Refused;
pub use vocabulary::removal::RemovalCause;
pub use vocabulary::removal_channel::{Removal, RemovalReceiver, RemovalSender, removal_channel};
pub use vocabulary::scope::LoadScope;
pub use vocabulary::sink::LoadSink;
pub use vocabulary::spawner::{BoxFuture, SpawnError, Spawner};
pub use vocabulary::what_if::WhatIf;

/// What the fuzz targets drive.
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing {
    #[cfg(feature = "snapshot")]
    pub use crate::extras::snapshot::fuzzing::snapshot;
    pub use crate::mechanisms::eviction::fuzzing::{ghost, queues, sketch};
    pub use crate::mechanisms::wheel::fuzzing::wheel;
}

/// Runs the README's examples.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
