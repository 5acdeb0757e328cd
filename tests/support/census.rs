//! A census of what a cache keeps: its values, the threads on which they go, and the cache's own memory.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use bellwether::{CacheBuilder, Key, Value};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

/// Counts values. Clones are the same census.
#[derive(Clone, Default)]
pub struct Census(Arc<Books>);

#[derive(Default)]
struct Books {
    alive: AtomicUsize,
    /// The names of the threads on which values went.
    threads: Mutex<Vec<String>>,
}

/// A value that is counted.
pub struct Counted(Census);

impl Census {
    pub fn new() -> Self {
        Self::default()
    }

    /// One more value.
    pub fn value(&self) -> Counted {
        self.0.alive.fetch_add(1, Ordering::SeqCst);
        Counted(self.clone())
    }

    /// How many values there are.
    pub fn alive(&self) -> usize {
        self.0.alive.load(Ordering::SeqCst)
    }

    /// The names of the threads on which values went, one for each value.
    pub fn threads(&self) -> Vec<String> {
        self.0.threads.lock().expect("no holder panics").clone()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        self.0.0.threads.lock().expect("no holder panics").push(thread);
        self.0.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Tells whether a cache's own memory is still there.
pub struct Memory(Weak<()>);

impl Memory {
    pub fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// Has the cache that `builder` builds watched: its weigher, which nothing but the cache owns, tells when it is gone.
pub fn watched<K: Key, V: Value>(builder: CacheBuilder<K, V>) -> (CacheBuilder<K, V>, Memory) {
    let token = Arc::new(());
    let memory = Memory(Arc::downgrade(&token));
    let builder = builder.weigher(move |_, _| {
        let _owned = &token;
        1
    });
    (builder, memory)
}
