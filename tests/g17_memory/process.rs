//! What the system says about this process: the crate's own threads, how often they woke, and the memory in use.

use std::collections::BTreeMap;
use std::fs;

/// The crate's own threads, by number: how often each has gone to sleep. Their names are cut to fifteen letters.
pub(crate) fn own_threads() -> BTreeMap<u32, u64> {
    let tasks = fs::read_dir("/proc/self/task").expect("the system tells of its threads");
    tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok()).filter_map(|task| Some((task, own_thread(task)?))).collect()
}

/// How often the thread has gone to sleep, if it is the crate's. A thread may end while it is looked at.
fn own_thread(task: u32) -> Option<u64> {
    let name = fs::read_to_string(format!("/proc/self/task/{task}/comm")).ok()?;
    if !name.starts_with("bellwether") {
        return None;
    }
    let status = fs::read_to_string(format!("/proc/self/task/{task}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

/// The memory that this process has resident, in bytes.
pub(crate) fn resident() -> usize {
    const PAGE: usize = 4_096;
    let statm = fs::read_to_string("/proc/self/statm").expect("the system tells of its memory");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("the second number is the resident pages") * PAGE
}
