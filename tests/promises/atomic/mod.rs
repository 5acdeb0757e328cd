//! Atomic updates: conditional writes and changes of what is held, on every face.

mod back;
mod flights;
mod forms;
mod heard;
mod rows;
mod scene;
mod storm;
mod tags;
mod threads;
mod traps;
mod weights;
