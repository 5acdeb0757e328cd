//! What the tests of snapshots have in common: values of several kinds, a wall clock that is moved by hand, and bytes that were saved.

use bellwether::{AnyCache, Restored, Snapshot, SnapshotError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// A value that isn't a plain one.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) visits: Vec<u32>,
    pub(super) home: Option<(i64, i64)>,
}

impl User {
    pub(super) fn of(n: u32) -> Self {
        Self { name: format!("user {n}"), visits: (0..n % 7).collect(), home: (n % 3 == 0).then_some((-i64::from(n), i64::MAX)) }
    }
}

/// A wall clock that stands still until a test moves it.
#[derive(Clone)]
pub(super) struct Wall(Arc<Mutex<SystemTime>>);

impl Wall {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000))))
    }

    pub(super) fn advance(&self, by: Duration) {
        *self.0.lock().expect("nobody panics with it") += by;
    }

    pub(super) fn go_back(&self, by: Duration) {
        *self.0.lock().expect("nobody panics with it") -= by;
    }

    pub(super) fn now(&self) -> SystemTime {
        *self.0.lock().expect("nobody panics with it")
    }

    /// A snapshot that goes by this clock.
    pub(super) fn snapshot(&self) -> Snapshot {
        let wall = self.clone();
        Snapshot::new().wall_clock(move || wall.now())
    }
}

/// What `cache` holds, as bytes.
pub(super) fn saved<A>(cache: &A) -> Vec<u8>
where
    A: AnyCache<Key: Serialize + DeserializeOwned, Value: Serialize + DeserializeOwned>,
{
    let mut bytes = Vec::new();
    let saved = Snapshot::new().save(cache, &mut bytes).expect("it can be saved");
    assert_eq!(saved.bytes, bytes.len() as u64, "it says how long it is");
    bytes
}

pub(super) fn restored<A>(cache: &A, bytes: &[u8]) -> Result<Restored, SnapshotError>
where
    A: AnyCache<Key: Serialize + DeserializeOwned, Value: Serialize + DeserializeOwned>,
{
    Snapshot::new().load(cache, bytes)
}
