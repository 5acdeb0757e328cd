//! A name: the key that flights are for, kept once for all flights of the key.

use crate::ground::contain::drop_contained;
use crate::ground::hash::Hashed;
use crate::ground::sync::serial;
use std::sync::Arc;

/// A key with its hash and the number of its berth.
pub(super) struct Name<K> {
    /// There until the name is dropped.
    key: Option<K>,
    pub(super) hashed: Hashed,
    pub(super) berth: u64,
}

impl<K> Name<K> {
    pub(super) fn new(key: K, hashed: Hashed) -> Arc<Self> {
        Arc::new(Self { key: Some(key), hashed, berth: serial() })
    }

    /// The key of a name that nobody else has.
    pub(super) fn into_key(name: Arc<Self>) -> K {
        let key = Arc::into_inner(name).and_then(|mut name| name.key.take());
        key.expect("nobody else has the name")
    }

    pub(super) fn key(&self) -> &K {
        self.key.as_ref().expect("it is taken out only by `drop`")
    }
}

/// The key's `Drop` is user code, and whoever lets go last is not to be stopped by it.
impl<K> Drop for Name<K> {
    fn drop(&mut self) {
        drop_contained(self.key.take());
    }
}
