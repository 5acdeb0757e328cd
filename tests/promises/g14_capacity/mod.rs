//! G14: never over, never short.

mod heavy;
mod least_recent;
mod never_over;
mod never_short;
mod random;
mod weights;
