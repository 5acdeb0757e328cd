//! G6: no lock is held while user code runs. Whatever of it calls back into the same cache, it is never a deadlock.

mod abandoned;
mod day;
mod drops;
mod inside_get;
mod loaders;
mod loud;
mod wakers;
