//! A parker is a thread's way of being a waker: it sleeps until it is woken.

use super::sync::{Arc, Condvar, Mutex};
use std::task::{Wake, Waker};
use std::time::Duration;

/// One thread's bed. A wake that comes before the sleep ends the sleep at once.
#[derive(Default)]
pub(crate) struct Parker {
    woken: Mutex<bool>,
    signal: Condvar,
}

impl Parker {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let parker = Arc::new(Self::default());
        let waker = Waker::from(Arc::clone(&parker));
        (parker, waker)
    }

    /// Sleeps until woken.
    pub(crate) fn park(&self) {
        let mut woken = self.woken.lock();
        while !*woken {
            woken = self.signal.wait(woken);
        }
        *woken = false;
    }

    /// Sleeps until woken or until `limit` has passed; it may return early.
    pub(crate) fn park_for(&self, limit: Duration) {
        let mut woken = self.woken.lock();
        if !*woken {
            woken = self.signal.wait_for(woken, limit);
        }
        *woken = false;
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.woken.lock() = true;
        self.signal.notify_one();
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_wake_before_the_sleep_is_not_lost() {
        let (parker, waker) = Parker::new();
        waker.wake_by_ref();
        parker.park();
        waker.wake();
        parker.park_for(Duration::MAX);
    }

    #[test]
    fn a_wake_from_another_thread_ends_the_sleep() {
        let (parker, waker) = Parker::new();
        let other = std::thread::spawn(move || waker.wake());
        parker.park();
        other.join().expect("waking doesn't panic");
    }
}
