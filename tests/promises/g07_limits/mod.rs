//! Limits on loads, and that no load waits for what its own ancestors hold: permits, the queue for them, the threads of the pool, and the four
//! loads of a key that may run at a time (G2, G7).

mod families;
mod given_back;
mod layers;
mod never_more;
mod pool;
mod queue;
mod settings;
mod storm;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is going on now, and at most.
#[derive(Clone, Default)]
struct Crowd(Arc<(AtomicUsize, AtomicUsize)>);

/// Held by one of a crowd.
struct Inside(Crowd);

impl Crowd {
    fn enter(&self) -> Inside {
        let now = self.0.0.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        Inside(self.clone())
    }

    fn now(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
