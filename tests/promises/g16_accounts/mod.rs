//! G16: accounts balance.

mod lookups;
mod outcomes;
mod removals;
mod threads;
