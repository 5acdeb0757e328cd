//! An ear is a listener that keeps all it hears of, in order.

use bellwether::{RemovalCause, RemovalListener};
use std::sync::{Arc, Mutex};

/// A key, the value itself, and why it left.
pub(crate) type Heard<V> = (u32, Arc<V>, RemovalCause);

/// Clones are the same ear.
pub(crate) struct Ear<V>(Arc<Mutex<Vec<Heard<V>>>>);

impl<V> Clone for Ear<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V> Ear<V> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// All that it has heard since the last call.
    pub(crate) fn take(&self) -> Vec<Heard<V>> {
        std::mem::take(&mut *self.0.lock().expect("no holder panics"))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().expect("no holder panics").len()
    }

    /// Keys and causes that it has heard of since the last call.
    pub(crate) fn causes(&self) -> Vec<(u32, RemovalCause)> {
        self.take().into_iter().map(|(key, _, cause)| (key, cause)).collect()
    }

    /// Asserts that since the last call it has heard of just this, of just these values.
    pub(crate) fn heard(&self, what: &str, expected: &[(u32, &Arc<V>, RemovalCause)]) {
        let heard = self.take();
        let shown = |(key, value, cause): (u32, &Arc<V>, RemovalCause)| (key, Arc::as_ptr(value), cause);
        let heard: Vec<_> = heard.iter().map(|(key, value, cause)| shown((*key, value, *cause))).collect();
        let expected: Vec<_> = expected.iter().copied().map(shown).collect();
        assert_eq!(heard, expected, "{what}");
    }
}

impl<V: Send + Sync> RemovalListener<u32, V> for Ear<V> {
    fn on_removal(&self, key: &u32, value: &Arc<V>, cause: RemovalCause) {
        self.0.lock().expect("no holder panics").push((*key, Arc::clone(value), cause));
    }
}
