//! G11: what has expired gives its memory back without traffic, and an idle cache with nothing due uses no CPU. A binary of its own, as it counts all
//! that the process allocates and looks at its threads.
#![cfg(all(target_os = "linux", not(any(bellwether_loom, bellwether_shuttle))))]

#[path = "../support/watchdog.rs"]
mod watchdog;

#[path = "../g17_memory/process.rs"]
#[expect(dead_code, reason = "the memory in use is counted by the allocator here")]
mod process;

mod given_back;
mod quiet;

use crate::process::{own_threads, until_all_sleep};
use cap::Cap;
use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// The tests look at the whole process: one at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How much is done: more where somebody asks for a soak of at least ten seconds, in whole seconds.
struct Size {
    entries: u64,
    time_to_live: Duration,
    quiet: Duration,
}

fn size() -> Size {
    let soak = std::env::var("BELLWETHER_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse::<u64>().ok());
    match soak {
        Some(10..) => Size { entries: 1_000_000, time_to_live: Duration::from_secs(10), quiet: Duration::from_secs(10) },
        _ => Size { entries: 100_000, time_to_live: Duration::from_secs(2), quiet: Duration::from_secs(2) },
    }
}

/// For so long none of the crate's threads wakes, and none comes.
fn all_asleep(time: Duration) {
    // Who has just done the last of its work is yet to go to sleep.
    sleep(Duration::from_millis(200));
    until_all_sleep();
    let before = own_threads();
    sleep(time);
    let after = own_threads();
    println!("times that each of the crate's threads went to sleep, before and {time:?} later: {before:?}, {after:?}");
    for (thread, slept) in after {
        assert_eq!(before.get(&thread), Some(&slept), "a thread of the crate's has woken, or has come");
    }
}
