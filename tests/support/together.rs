//! Threads that start together.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::panic::resume_unwind;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Runs `work` on so many threads, numbered from 0, that start together. A panic of any of them is the caller's.
pub fn together<R: Send>(threads: usize, work: impl Fn(usize) -> R + Sync) -> Vec<R> {
    let start = Barrier::new(threads);
    let (start, work) = (&start, &work);
    thread::scope(|scope| {
        let run = |n| {
            scope.spawn(move || {
                start.wait();
                work(n)
            })
        };
        let threads: Vec<_> = (0..threads).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|payload| resume_unwind(payload))).collect()
    })
}

/// Runs `work` on so many threads while one more calls `look` all the time, at least once. Gives how often it looked.
pub fn observed(threads: usize, look: impl Fn() + Sync, work: impl Fn(usize) + Sync) -> u64 {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let observer = scope.spawn(|| {
            let mut looks = 0_u64;
            loop {
                let last = over.load(Ordering::Acquire);
                look();
                looks += 1;
                if last {
                    return looks;
                }
            }
        });
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| together(threads, work)));
        over.store(true, Ordering::Release);
        let looks = observer.join().unwrap_or_else(|payload| resume_unwind(payload));
        if let Err(payload) = worked {
            resume_unwind(payload);
        }
        looks
    })
}
