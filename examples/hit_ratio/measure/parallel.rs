//! Runs pieces of work on several threads and gives their results in order.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;

use bellwether::BoxError;

/// Does `work` for each number below `count`, on so many threads. After a failure nothing new is begun, and the first in order is given.
pub(crate) fn run<T: Send>(threads: usize, count: usize, work: impl Fn(usize) -> Result<T, BoxError> + Sync) -> Result<Vec<T>, BoxError> {
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let results = Mutex::new(Vec::with_capacity(count));
    let worker = || {
        while !failed.load(Relaxed) {
            // Counting is all that is shared, so that its order with other memory doesn't matter.
            let number = next.fetch_add(1, Relaxed);
            if number >= count {
                break;
            }
            let result = work(number);
            failed.fetch_or(result.is_err(), Relaxed);
            results.lock().expect("nobody panics while holding the results").push((number, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads.min(count) {
            scope.spawn(worker);
        }
        worker();
    });
    let mut results = results.into_inner().expect("nobody panics while holding the results");
    results.sort_unstable_by_key(|&(number, _)| number);
    results.into_iter().map(|(_, result)| result).collect()
}
