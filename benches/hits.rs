//! What a hit costs: `cargo bench --bench hits`. Nanoseconds for one call, the median of interleaved rounds.

use bellwether::{Cache, EvictionPolicy};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ENTRIES: u64 = 10_000;
const CALLS: usize = 200_000;
const ROUNDS: usize = 21;

type Subject = (&'static str, Box<dyn Fn(&[u64])>);

fn filled(policy: EvictionPolicy, time_to_live: Duration) -> Cache<u64, u64> {
    let cache = Cache::builder()
        .capacity(ENTRIES)
        .eviction(policy)
        .time_to_live(time_to_live)
        .loader_fn(|key: &u64| Ok::<_, std::io::Error>(*key))
        .build()
        .expect("the settings make sense");
    (0..ENTRIES).for_each(|key| cache.insert(key, key));
    cache
}

fn subjects() -> Vec<Subject> {
    let plain = filled(EvictionPolicy::Sieve, Duration::MAX);
    let timed = filled(EvictionPolicy::Sieve, Duration::from_secs(3_600));
    let lru = filled(EvictionPolicy::Lru, Duration::MAX);
    let (fetched, read_through, peeked) = (plain.clone(), plain.clone(), plain.clone());
    vec![
        ("get", Box::new(move |keys| keys.iter().for_each(|key| _ = black_box(plain.get(key, |value| *value))))),
        ("get, with a time to live", Box::new(move |keys| keys.iter().for_each(|key| _ = black_box(timed.get(key, |value| *value))))),
        ("get, under LRU", Box::new(move |keys| keys.iter().for_each(|key| _ = black_box(lru.get(key, |value| *value))))),
        ("peek", Box::new(move |keys| keys.iter().for_each(|key| drop(black_box(peeked.peek(key)))))),
        ("fetch", Box::new(move |keys| keys.iter().for_each(|key| drop(black_box(fetched.fetch(key)))))),
        ("fetch_with, a hit", Box::new(move |keys| keys.iter().for_each(|key| drop(black_box(read_through.fetch_with(key)))))),
    ]
}

fn churn() -> Subject {
    let cache = filled(EvictionPolicy::Sieve, Duration::MAX);
    let next = std::cell::Cell::new(ENTRIES);
    (
        "insert a new key into a full cache",
        Box::new(move |keys| {
            for &key in keys {
                next.set(next.get() + 1);
                cache.insert(next.get(), key);
            }
        }),
    )
}

fn main() {
    let mut random = StdRng::seed_from_u64(7);
    let keys: Vec<u64> = (0..CALLS).map(|_| random.random_range(0..ENTRIES)).collect();
    let subjects: Vec<Subject> = subjects().into_iter().chain([churn()]).collect();
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); subjects.len()];
    for _ in 0..ROUNDS {
        for ((_, run), times) in subjects.iter().zip(&mut times) {
            let start = Instant::now();
            run(&keys);
            times.push(start.elapsed());
        }
    }
    println!("{:<36} {:>8}", "one thread, 10,000 entries", "ns/call");
    for ((name, _), times) in subjects.iter().zip(&mut times) {
        times.sort();
        println!("{name:<36} {:>8.1}", times[ROUNDS / 2].as_secs_f64() * 1e9 / CALLS as f64);
    }
}
