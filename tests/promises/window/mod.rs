//! The batching window: single misses that come within a while of each other are loaded in one call.

mod scene;

mod counts;
mod cycles;
mod ends;
mod fresh;
mod gathering;
mod hostile;
mod leaving;
#[cfg(feature = "bulk")]
mod many;
mod outcomes;
mod permits;
#[cfg(feature = "tokio")]
mod places;
mod times;
mod writes;
