//! G13: absence is an answer: that there is no such key is remembered for a while, counted apart, cleared by any write, and never takes much room.

mod backend;
mod bound;
mod cleared;
mod counted;
mod failures;
mod least_recent;
mod storm;
mod times;
mod unseen;

use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_nanos(1);
