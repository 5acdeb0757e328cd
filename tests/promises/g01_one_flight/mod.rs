//! G1: one flight per key.

mod herd;
mod joining;
mod key_forms;
mod second_look;
