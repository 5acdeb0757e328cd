//! G5: failure is shared once. However a load ends, all who wait hear of it at once, nobody hangs, and the key works the next time.

mod answers;
mod errors;
mod overrun;
mod overtaken;
mod panics;
#[cfg(feature = "tokio")]
mod shutdown;
mod spawners;
mod time_out;

use bellwether::LoadError;
use std::fmt;

/// A loader's own error, which says which load it was of.
#[derive(Debug)]
struct Refused(usize);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "load {} was refused", self.0)
    }
}

impl std::error::Error for Refused {}

/// Checks that all errors are the very same one, and gives its load's number.
fn the_same_refusal(errors: &[LoadError]) -> usize {
    let all: Vec<&Refused> = errors.iter().map(|error| error.downcast_ref().expect("it is the loader's own error")).collect();
    assert!(all.iter().all(|&each| std::ptr::eq(each, all[0])), "one error, shared");
    all[0].0
}
