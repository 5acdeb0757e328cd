//! Everything at once, on a few keys in a cache that is too small for them: each value is held or told of, once, whoever wrote it.

use super::scene::Hands;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, Loaded, MockClock, RemovalCause};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LIVE: Duration = Duration::from_secs(10);

/// A value that is known by its number, which each writer takes anew, and weighs what it is told to.
#[derive(Clone)]
struct Numbered {
    number: u64,
    weight: u64,
}

struct Storm<F: Kind> {
    cache: F::Of<u32, Numbered>,
    hands: Hands<u32, Numbered>,
    clock: MockClock,
    next: Arc<AtomicU64>,
    /// Numbers of values that were written.
    written: Mutex<Vec<u64>>,
    told: Arc<Mutex<Vec<(u64, RemovalCause)>>>,
}

fn fresh(next: &AtomicU64) -> Numbered {
    let number = next.fetch_add(1, Ordering::Relaxed);
    Numbered { number, weight: number % 5 }
}

impl<F: Kind> Storm<F> {
    fn new(policy: EvictionPolicy, shards: usize) -> Self {
        let (next, told, clock) = (Arc::new(AtomicU64::new(0)), Arc::<Mutex<Vec<_>>>::default(), MockClock::new());
        let (loaded, ear) = (Arc::clone(&next), Arc::clone(&told));
        let builder = CacheBuilder::new()
            .eviction(policy)
            .capacity(9)
            .shards(shards)
            .clock(clock.clone())
            .time_to_live(LIVE)
            .stale_if_error(LIVE)
            .weigher(|_, value: &Numbered| value.weight)
            .on_removal(move |_, value: &Arc<Numbered>, cause| ear.lock().expect("no holder panics").push((value.number, cause)))
            .loader_fn(move |_: &u32| Ok::<_, BoxError>(Loaded::value(fresh(&loaded))));
        let cache: F::Of<u32, Numbered> = F::Of::build(builder);
        let hands = Hands::of::<F>(&cache);
        Self { cache, hands, clock, next, written: Mutex::default(), told }
    }

    fn note(&self, number: u64) {
        self.written.lock().expect("no holder panics").push(number);
    }

    fn act(&self, turn: u64) {
        let key = (turn % 5) as u32;
        let renew = |value: &mut Numbered| {
            *value = fresh(&self.next);
            value.number
        };
        match turn % 11 {
            0 | 1 => self.note(self.hands.upsert(key, || fresh(&self.next), renew)),
            2 | 3 => self.hands.compute_val(&key, renew).into_iter().for_each(|number| self.note(number)),
            4 => {
                let value = fresh(&self.next);
                let number = value.number;
                if self.hands.insert_if_absent(key, value).is_none() {
                    self.note(number);
                }
            }
            5 => {
                let value = fresh(&self.next);
                let number = value.number;
                if self.hands.replace(key, value).is_some() {
                    self.note(number);
                }
            }
            6 => {
                let value = fresh(&self.next);
                let number = value.number;
                let Some(held) = self.cache.peek(&key) else { return };
                if self.hands.compare_and_swap(&key, &held, value).is_ok() {
                    self.note(number);
                }
            }
            // In place: the same value with another weight.
            7 => drop(self.hands.try_compute(&key, |value| value.weight = turn % 6)),
            8 => drop(self.cache.fetch_with(&key)),
            9 => drop(self.cache.invalidate(&key)),
            _ => self.clock.advance(LIVE / 4),
        }
    }

    /// Each value that was written is held or was told of, and none twice.
    fn check(&self, what: &str) {
        self.cache.run_maintenance();
        let metrics = at_rest(&self.cache.sync());
        // Whatever is over by now, too.
        self.cache.clear();
        self.cache.run_maintenance();
        at_rest(&self.cache.sync());
        let mut times: HashMap<u64, Vec<RemovalCause>> = HashMap::new();
        for &(number, cause) in &*self.told.lock().expect("no holder panics") {
            times.entry(number).or_default().push(cause);
        }
        for (number, causes) in &times {
            assert_eq!(causes.len(), 1, "{what}: {number} left for {causes:?}");
        }
        let written = self.written.lock().expect("no holder panics");
        for number in &*written {
            assert!(times.contains_key(number), "{what}: nobody was told of {number}");
        }
        assert!(metrics.loads_ended() > 0 && !written.is_empty(), "{what}: something has happened");
        assert_eq!((self.cache.len(), self.cache.weight()), (0, 0), "{what}");
    }
}

fn g15_every_value_that_was_written_is_told_of_once<F: Kind>() {
    for policy in [EvictionPolicy::Adaptive, EvictionPolicy::Lru, EvictionPolicy::Sieve, EvictionPolicy::None] {
        for shards in [1, 3] {
            let storm = Storm::<F>::new(policy, shards);
            let seed = AtomicU64::new(1);
            together(4, |_| {
                for _ in 0..400 {
                    // Scattered, so that kinds of calls and keys meet in all ways.
                    let turn = seed.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
                    storm.act(turn);
                }
            });
            storm.check(&format!("{policy}, {shards} shards"));
        }
    }
}

on_every_face_in_time!(g15_every_value_that_was_written_is_told_of_once);
