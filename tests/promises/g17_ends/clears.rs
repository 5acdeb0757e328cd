//! Two clears at once against writers: everybody gets on.

use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::CacheBuilder;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A soak takes longer: so many seconds.
const SOAK: &str = "BELLWETHER_SOAK_SECONDS";
const CLEARERS: usize = 2;
const WRITERS: usize = 3;
const KEYS: u32 = 200;

fn duration() -> Duration {
    let seconds = std::env::var(SOAK).ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}

fn g17_two_clears_and_many_writers_at_once_always_get_on<F: Kind>() {
    for style in BOTH {
        let cache: F::Of<u32, usize> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new().capacity(100).shards(4), style));
        let done: [AtomicU64; CLEARERS + WRITERS] = Default::default();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for (thread, calls) in done.iter().enumerate() {
                let (cache, over) = (&cache, &over);
                scope.spawn(move || {
                    let mut key = 0;
                    while !over.load(Ordering::Relaxed) {
                        key = (key + 7) % KEYS;
                        match thread {
                            0 | 1 => cache.clear(),
                            2 => cache.insert(key, 1),
                            3 => drop(cache.fetch_with(&key)),
                            _ => drop((cache.remove(&key), cache.refresh(&key))),
                        }
                        calls.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            let start = Instant::now();
            while start.elapsed() < duration() / 2 {
                // Each of them, again and again.
                let before = done.each_ref().map(|calls| calls.load(Ordering::Relaxed));
                until("every thread gets on", || done.iter().zip(before).all(|(calls, before)| calls.load(Ordering::Relaxed) > before));
            }
            over.store(true, Ordering::Relaxed);
        });
        cache.clear();
        assert_eq!((cache.len(), cache.weight()), (0, 0));
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(g17_two_clears_and_many_writers_at_once_always_get_on);
