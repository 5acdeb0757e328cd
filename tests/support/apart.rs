//! Callers on threads of their own.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::thread::{self, JoinHandle};

/// A call under way on a thread of its own.
pub struct Apart<R>(JoinHandle<R>);

/// Calls `cache` from a thread of its own.
pub fn apart<C: Clone + Send + 'static, R: Send + 'static>(cache: &C, call: impl FnOnce(C) -> R + Send + 'static) -> Apart<R> {
    let cache = cache.clone();
    Apart(thread::spawn(move || call(cache)))
}

impl<R> Apart<R> {
    /// What the call gave.
    pub fn result(self) -> R {
        self.0.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    pub fn is_over(&self) -> bool {
        self.0.is_finished()
    }
}
