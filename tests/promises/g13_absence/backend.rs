//! A backend in which keys come and go.

use crate::runway::Style;
use bellwether::{BoxError, CacheBuilder, Loaded};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Has those keys whose values it was given, each its own value. Clones are the same backend.
#[derive(Clone, Default)]
pub(crate) struct Backend(Arc<(Mutex<HashSet<u32>>, AtomicU64)>);

impl Backend {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn add(&self, key: u32) {
        self.0.0.lock().expect("no holder panics").insert(key);
    }

    pub(crate) fn take(&self, key: u32) {
        self.0.0.lock().expect("no holder panics").remove(&key);
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> u64 {
        self.0.1.load(Ordering::SeqCst)
    }

    fn answer(&self, key: u32) -> Result<Loaded<u32>, BoxError> {
        self.0.1.fetch_add(1, Ordering::SeqCst);
        let there = self.0.0.lock().expect("no holder panics").contains(&key);
        Ok(if there { Loaded::value(key) } else { Loaded::absent() })
    }

    /// Gives `builder` a loader that asks here.
    pub(crate) fn behind(&self, builder: CacheBuilder<u32, u32>, style: Style) -> CacheBuilder<u32, u32> {
        let backend = self.clone();
        match style {
            Style::Blocking => builder.loader_fn(move |key: &u32| backend.answer(*key)),
            Style::Async => builder.async_loader_fn(move |key: u32| {
                let backend = backend.clone();
                async move { backend.answer(key) }
            }),
        }
    }
}
