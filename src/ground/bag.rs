//! A bag takes what leaves a structure under a lock, to be dropped once the lock is released.

use super::contain::drop_contained;

/// Things on their way out. The first one needs no allocation: most critical sections let at most one thing go.
pub(crate) struct Bag<T> {
    first: Option<T>,
    rest: Vec<T>,
}

impl<T> Bag<T> {
    pub(crate) const fn new() -> Self {
        Self { first: None, rest: Vec::new() }
    }

    pub(crate) fn put(&mut self, item: T) {
        if self.first.is_none() {
            self.first = Some(item);
        } else {
            self.rest.push(item);
        }
    }
}

/// Each item's `Drop` is user code: one that panics doesn't stop the others, nor the call that emptied the bag.
impl<T> Drop for Bag<T> {
    fn drop(&mut self) {
        if std::mem::needs_drop::<T>() {
            self.first.take().into_iter().chain(self.rest.drain(..)).for_each(drop_contained);
        }
    }
}
