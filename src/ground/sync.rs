//! The one importer of locks and atomics, so that a model checker can stand in for all of them.
//!
//! In a usual build the locks are `parking_lot`'s and the atomics are the standard library's. Built with
//! `--cfg bellwether_loom` or `--cfg bellwether_shuttle`, both come from that checker, with the same
//! signatures. `Arc` is the standard library's in every build: no algorithm here depends on the order of counts.

pub(crate) use backend::atomic;
pub(crate) use backend::{Condvar, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use std::sync::{Arc, Weak};

/// Starts a background thread. Model builds have none: what runs there is the model's own.
pub(crate) fn spawn_thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    if cfg!(any(bellwether_loom, bellwether_shuttle)) {
        return Err(std::io::ErrorKind::Unsupported.into());
    }
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// A number that nothing else in the process has. It orders nothing, so that model checkers needn't see it.
pub(crate) fn serial() -> u64 {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// Lets other threads go first.
pub(crate) fn yield_now() {
    #[cfg(not(any(bellwether_loom, bellwether_shuttle)))]
    std::thread::yield_now();
    #[cfg(bellwether_loom)]
    loom::thread::yield_now();
    #[cfg(bellwether_shuttle)]
    shuttle::thread::yield_now();
}

/// A thread-local `static`, per thread of the model in model builds. The initial value is a constant.
macro_rules! per_thread {
    ($(#[$meta:meta])* static $name:ident: $ty:ty = $init:expr;) => {
        #[cfg(not(any(bellwether_loom, bellwether_shuttle)))]
        ::std::thread_local! { $(#[$meta])* static $name: $ty = const { $init }; }
        #[cfg(bellwether_loom)]
        ::loom::thread_local! { $(#[$meta])* static $name: $ty = $init; }
        #[cfg(bellwether_shuttle)]
        ::shuttle::thread_local! { $(#[$meta])* static $name: $ty = $init; }
    };
}
pub(crate) use per_thread;

#[cfg(not(any(bellwether_loom, bellwether_shuttle)))]
mod backend {
    pub(crate) use parking_lot::{Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};
    pub(crate) use std::sync::atomic;
    use std::time::Duration;

    /// A condition variable whose waits give the guard back, as the checkers' do.
    #[derive(Default)]
    pub(crate) struct Condvar(parking_lot::Condvar);

    impl Condvar {
        pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(&mut guard);
            guard
        }

        pub(crate) fn wait_for<'a, T>(&self, mut guard: MutexGuard<'a, T>, limit: Duration) -> MutexGuard<'a, T> {
            self.0.wait_for(&mut guard, limit);
            guard
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

#[cfg(any(bellwether_loom, bellwether_shuttle))]
mod backend {
    #[cfg(bellwether_loom)]
    use loom::sync as checker;
    #[cfg(bellwether_shuttle)]
    use shuttle::sync as checker;

    pub(crate) use checker::atomic;
    pub(crate) use checker::{MutexGuard, RwLockReadGuard, RwLockWriteGuard};
    use std::time::Duration;

    const POISON: &str = "a panic under a lock is a violation in a model";

    #[derive(Default)]
    pub(crate) struct Mutex<T>(checker::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(checker::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect(POISON)
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }

    pub(crate) struct RwLock<T>(checker::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(checker::RwLock::new(value))
        }

        pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().expect(POISON)
        }

        pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().expect(POISON)
        }

        pub(crate) fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
            self.0.try_write().ok()
        }
    }

    /// Timed waits never run out in a model: a time-out is modelled by a thread that lets the time pass.
    #[derive(Default)]
    pub(crate) struct Condvar(checker::Condvar);

    impl Condvar {
        pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).expect(POISON)
        }

        pub(crate) fn wait_for<'a, T>(&self, guard: MutexGuard<'a, T>, _limit: Duration) -> MutexGuard<'a, T> {
            self.wait(guard)
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}
