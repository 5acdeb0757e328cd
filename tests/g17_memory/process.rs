//! What the system says about this process: the crate's own threads, how often they woke, and the memory in use.

use std::collections::BTreeMap;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The crate's own threads, by number: how often each has gone to sleep. Their names are cut to fifteen letters.
pub(crate) fn own_threads() -> BTreeMap<u32, u64> {
    let tasks = fs::read_dir("/proc/self/task").expect("the system tells of its threads");
    tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok()).filter_map(|task| Some((task, own_thread(task)?))).collect()
}

/// Waits until none of the crate's threads is at anything, or waits for a core.
pub(crate) fn until_all_sleep() {
    let start = Instant::now();
    let is_awake = |task: u32| told(task, "State:").is_some_and(|state| !state.starts_with('S'));
    while own_threads().into_keys().any(is_awake) {
        assert!(start.elapsed() < Duration::from_secs(30), "one of the crate's threads never sleeps");
        sleep(Duration::from_millis(5));
    }
}

/// How often the thread has gone to sleep, if it is the crate's. A thread may end while it is looked at.
fn own_thread(task: u32) -> Option<u64> {
    let name = fs::read_to_string(format!("/proc/self/task/{task}/comm")).ok()?;
    if !name.starts_with("bellwether") {
        return None;
    }
    told(task, "voluntary_ctxt_switches:")?.parse().ok()
}

/// What the system says of a thread.
fn told(task: u32, what: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/self/task/{task}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(what))?;
    Some(line.trim().to_owned())
}

/// The memory that this process has resident, in bytes.
pub(crate) fn resident() -> usize {
    const PAGE: usize = 4_096;
    let statm = fs::read_to_string("/proc/self/statm").expect("the system tells of its memory");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("the second number is the resident pages") * PAGE
}
