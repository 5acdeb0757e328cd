//! A runway is a loader whose loads are numbered, counted, and held back one by one.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use crate::gate::Gate;
use bellwether::{BoxError, CacheBuilder, Key, Loaded, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The kinds of loader that a cache can have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    Blocking,
    Async,
}

pub const BOTH: [Style; 2] = [Style::Blocking, Style::Async];

/// Loads are numbered from 0; each of the first few waits at a gate of its own, all others go through.
#[derive(Clone)]
pub struct Runway {
    begun: Arc<AtomicUsize>,
    gates: Arc<[Gate]>,
}

impl Runway {
    pub fn new(gates: usize) -> Self {
        Self { begun: Arc::default(), gates: (0..gates).map(|_| Gate::new()).collect() }
    }

    /// One load by a thread: gives its number once it may land.
    pub fn load(&self) -> usize {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        if let Some(gate) = self.gates.get(number) {
            gate.wait();
        }
        number
    }

    /// One load by a task: gives its number once it may land.
    pub async fn load_async(&self) -> usize {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        if let Some(gate) = self.gates.get(number) {
            gate.pass().await;
        }
        number
    }

    /// How many loads have begun.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// Waits until load `number` is held at its gate.
    pub fn until_begun(&self, number: usize) {
        self.gates[number].until_arrived(1);
    }

    /// Lets load `number` go on.
    pub fn open(&self, number: usize) {
        self.gates[number].open();
    }

    /// Gives `builder` a loader that comes this way; `answer` makes what a load brings from its number.
    pub fn loader<K: Key, V: Value>(
        &self,
        builder: CacheBuilder<K, V>,
        style: Style,
        answer: impl Fn(usize) -> Result<Loaded<V>, BoxError> + Clone + Send + Sync + 'static,
    ) -> CacheBuilder<K, V> {
        let runway = self.clone();
        match style {
            Style::Blocking => builder.loader_fn(move |_: &K| answer(runway.load())),
            Style::Async => builder.async_loader_fn(move |_: K| {
                let (runway, answer) = (runway.clone(), answer.clone());
                async move { answer(runway.load_async().await) }
            }),
        }
    }

    /// As [`loader`](Self::loader), with the load's number for a value.
    pub fn numbers<K: Key>(&self, builder: CacheBuilder<K, usize>, style: Style) -> CacheBuilder<K, usize> {
        self.loader(builder, style, Loaded::ok)
    }
}
