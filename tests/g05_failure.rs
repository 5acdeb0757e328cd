//! G5: failure is shared once. However a load ends, all who wait hear of it at once, nobody hangs, and the key works the next time.

#[path = "support/apart.rs"]
mod apart;
#[path = "support/faces.rs"]
mod faces;
#[path = "support/gate.rs"]
mod gate;
#[path = "support/rest.rs"]
mod rest;
#[path = "support/runway.rs"]
mod runway;
#[path = "support/watchdog.rs"]
mod watchdog;

#[path = "g05_failure/answers.rs"]
mod answers;
#[path = "g05_failure/errors.rs"]
mod errors;
#[path = "g05_failure/overrun.rs"]
mod overrun;
#[path = "g05_failure/overtaken.rs"]
mod overtaken;
#[path = "g05_failure/panics.rs"]
mod panics;
#[cfg(feature = "tokio")]
#[path = "g05_failure/shutdown.rs"]
mod shutdown;
#[path = "g05_failure/spawners.rs"]
mod spawners;
#[path = "g05_failure/time_out.rs"]
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
