//! A bag takes what leaves a structure under a lock, to be dropped once the lock is released.

/// Things on their way out. The first one needs no allocation: most critical sections let at most one thing go.
pub(crate) struct Bag<T: Depart> {
    first: Option<T>,
    rest: Vec<T>,
}

/// How a thing on its way out is let go of: without a panic, though what it holds may panic when it is dropped.
pub(crate) trait Depart {
    fn depart(self);
}

impl<T: Depart> Bag<T> {
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

impl<T: Depart> Drop for Bag<T> {
    fn drop(&mut self) {
        self.first.take().into_iter().chain(self.rest.drain(..)).for_each(Depart::depart);
    }
}
