//! G19: the cache needs no runtime, finds the one that is there, and survives each that ends.

mod blocking;
mod clocks;
mod ending;
mod places;
mod sending;
mod sleep;
mod spawners;
mod statics;

use tokio::runtime::{Builder, Runtime};

/// A runtime with a thread of its own, which has this name.
fn many(name: &str) -> Runtime {
    Builder::new_multi_thread().worker_threads(1).thread_name(name).enable_all().build().expect("a runtime can be had")
}

/// A runtime that runs only while some thread drives it.
fn one() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime can be had")
}
