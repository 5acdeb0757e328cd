//! G15: whatever leaves a cache is reported to the listener exactly once, with its key and cause, in order per key, under no lock; and a slow
//! listener holds back the writers of its cache and nobody else.

mod bounds;
mod causes;
mod channel;
mod channel_runtimes;
mod clearing;
mod crosswise;
mod ear;
mod ends;
mod forms;
mod held_up;
mod inside;
mod janitor;
mod loads;
mod loud;
mod model;
mod storm;
mod waiting;
