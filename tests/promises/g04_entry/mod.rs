//! G4 for entries: a vacant entry is the one lead that a caller holds. Whatever becomes of it, those who wait for it get on.

mod closures;
mod crowd;
mod forms;
mod given_up;
mod inside_loads;
mod late;
mod leads;
mod leaks;
mod loader_takes_over;
mod modify;
mod occupied;
mod odd_places;
mod overtaken;
mod taken_over;

use crate::gate::until;
use bellwether::{Cache, Entry, MockClock, VacantEntry};
use std::time::Duration;

/// The time that a vacant entry has.
const LIMIT: Duration = Duration::from_secs(10);

/// How a vacant entry is given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Dropped,
    /// Nobody will ever drop it, and its time runs out.
    Leaked,
    /// Its holder keeps it beyond its time.
    Overrun,
}

const ENDS: [End; 3] = [End::Dropped, End::Leaked, End::Overrun];

impl End {
    /// Gives `entry` up. An overrun one comes back, to be dropped when all is over.
    fn give_up(self, entry: VacantEntry<u32, usize>, clock: &MockClock) -> Option<VacantEntry<u32, usize>> {
        match self {
            Self::Dropped => {
                drop(entry);
                None
            }
            Self::Leaked => {
                std::mem::forget(entry);
                clock.advance(LIMIT);
                None
            }
            Self::Overrun => {
                clock.advance(LIMIT);
                Some(entry)
            }
        }
    }
}

fn vacant(entry: Entry<u32, usize>) -> VacantEntry<u32, usize> {
    match entry {
        Entry::Vacant(entry) => entry,
        Entry::Occupied(entry) => panic!("it is held: {}", entry.get()),
    }
}

fn until_waiting(cache: &Cache<u32, usize>, number: u64) {
    until("all wait", || cache.metrics().waiters == number);
}

/// The text that `work` panics with.
fn refusal<R>(work: impl FnOnce() -> R) -> String {
    let payload = match std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) {
        Ok(_) => panic!("it went through"),
        Err(payload) => payload,
    };
    let text = payload.downcast_ref::<&'static str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).expect("it says why")
}
