//! A bomb is a value whose `Drop` panics, once it is armed.

use crate::hush::{ON_PURPOSE, hush};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

/// Makes bombs and duds, and knows how many there are.
#[derive(Clone, Default)]
pub(crate) struct Arsenal(Arc<Inner>);

#[derive(Default)]
struct Inner {
    armed: AtomicBool,
    alive: AtomicI64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Make {
    Bomb,
    Dud,
    /// Blows even while its thread is panicking already, which ends the process.
    Doomsday,
}

pub(crate) struct Bomb {
    make: Make,
    arsenal: Arsenal,
}

impl Arsenal {
    pub(crate) fn make(&self, make: Make) -> Bomb {
        self.0.alive.fetch_add(1, Ordering::Relaxed);
        Bomb { make, arsenal: self.clone() }
    }

    pub(crate) fn arm(&self) {
        hush();
        self.0.armed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn disarm(&self) {
        self.0.armed.store(false, Ordering::Relaxed);
    }

    pub(crate) fn alive(&self) -> i64 {
        self.0.alive.load(Ordering::Relaxed)
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        let inner = &self.arsenal.0;
        inner.alive.fetch_sub(1, Ordering::Relaxed);
        let blows = match self.make {
            Make::Dud => false,
            Make::Bomb => !thread::panicking(),
            Make::Doomsday => true,
        };
        assert!(!(blows && inner.armed.load(Ordering::Relaxed)), "a drop of a value fails {ON_PURPOSE}");
    }
}
