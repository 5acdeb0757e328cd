//! What all caches of the process share: the janitor, the thread pool, the waits of loads for each other and the list of stripes.
//!
//! It is one object that is handed to each cache, so that a model can make one of its own for each run.

use super::janitor::Janitor;
use super::pool::Pool;
use super::sync::{Arc, per_thread};
use super::waits::Waits;
use std::cell::Cell;

/// The shared things. Nothing in it runs before it is first needed.
pub(crate) struct Process {
    pub(crate) janitor: Arc<Janitor>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) waits: Waits,
}

impl Process {
    fn new() -> Arc<Self> {
        Arc::new(Self { janitor: Arc::new(Janitor::default()), pool: Pool::new(), waits: Waits::default() })
    }

    /// The one of this process; in a model, a new one.
    pub(crate) fn current() -> Arc<Self> {
        #[cfg(any(bellwether_loom, bellwether_shuttle))]
        return Self::new();
        #[cfg(not(any(bellwether_loom, bellwether_shuttle)))]
        {
            static PROCESS: std::sync::OnceLock<Arc<Process>> = std::sync::OnceLock::new();
            Arc::clone(PROCESS.get_or_init(Self::new))
        }
    }
}

const UNLEASED: usize = usize::MAX;
/// The number of the stripe that anybody may write to. No cache has so many stripes.
const SHARED: usize = usize::MAX - 1;

per_thread! {
    static STRIPE: Cell<usize> = Cell::new(UNLEASED);
}

/// The number of the stripe that this thread alone may write to, or one that no cache has.
#[inline]
pub(crate) fn my_stripe() -> usize {
    let stripe = STRIPE.with(Cell::get);
    if stripe == UNLEASED { lease() } else { stripe }
}

#[cfg(any(bellwether_loom, bellwether_shuttle))]
fn lease() -> usize {
    SHARED
}

#[cfg(not(any(bellwether_loom, bellwether_shuttle)))]
#[cold]
fn lease() -> usize {
    use super::sync::Mutex;
    use std::collections::BTreeSet;
    use std::sync::LazyLock;

    /// Numbers that were returned, and the lowest that was never leased.
    #[derive(Default)]
    struct List {
        returned: BTreeSet<usize>,
        fresh: usize,
    }
    static LIST: LazyLock<Mutex<List>> = LazyLock::new(Mutex::default);

    /// Gives the number back when its thread ends.
    struct Lease(usize);
    impl Drop for Lease {
        fn drop(&mut self) {
            // Destructors of other thread-locals may still count: on the shared stripe from here on.
            STRIPE.with(|stripe| stripe.set(SHARED));
            LIST.lock().returned.insert(self.0);
        }
    }
    thread_local! {
        static LEASE: Lease = {
            let mut list = LIST.lock();
            Lease(list.returned.pop_first().unwrap_or_else(|| {
                list.fresh += 1;
                list.fresh - 1
            }))
        };
    }

    // A thread that is ending has no lease to get any more.
    let stripe = LEASE.try_with(|lease| lease.0).unwrap_or(SHARED);
    STRIPE.with(|mine| mine.set(stripe));
    stripe
}
