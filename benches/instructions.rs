//! Hits, and inserts, to be counted by a tool that runs this program: `.ci/instructions`. Given a case and a number of rounds, it does just that, the
//! same way each time: one thread, all keys in a fixed order in each round, a hasher with a fixed seed. Without arguments it names the cases.

use bellwether::{Cache, CacheBuilder};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

/// So many hits are a round.
const ENTRIES: u64 = 10_000;
/// Shares no factor with the number of entries: every key has its turn, and neighbours lie far apart.
const STRIDE: u64 = 7_919;

type Builder = CacheBuilder<u64, u64, ahash::RandomState>;
type Subject = Cache<u64, u64, ahash::RandomState>;

type Read = fn(&Subject, &[u64], u64) -> u64;
type Setting = fn(Builder) -> Builder;

/// How a value is read, by the first part of a case's name.
const READS: &[(&str, Read)] = &[
    // What the rounds cost by themselves: the part of all other figures that is no cache's.
    ("walk", |_, keys, rounds| walk(keys, rounds, |key| Some(*key))),
    ("get", |cache, keys, rounds| walk(keys, rounds, |key| cache.get(key, |value| *value))),
    ("fetch", |cache, keys, rounds| walk(keys, rounds, |key| cache.fetch(key).map(|value| *value))),
    ("fetch_with", |cache, keys, rounds| walk(keys, rounds, |key| cache.fetch_with(key).ok().map(|value| *value))),
    ("peek", |cache, keys, rounds| walk(keys, rounds, |key| cache.peek(key).map(|value| *value))),
    ("insert", insert),
];

/// What ends a value's life, by the last part of a case's name.
const ENDS: &[(&str, Setting)] = &[("untimed", |builder| builder), ("ttl", |builder| builder.time_to_live(Duration::from_secs(3_600)))];

/// The sum of all that was read, which shows that each key had its own value.
fn walk(keys: &[u64], rounds: u64, read: impl Fn(&u64) -> Option<u64>) -> u64 {
    let mut sum = 0;
    for _ in 0..rounds {
        for key in keys {
            sum += read(black_box(key)).expect("every key is held");
        }
    }
    sum
}

/// Inserts as many new keys into a full cache. The sum is that of the keys that were asked for.
fn insert(cache: &Subject, keys: &[u64], rounds: u64) -> u64 {
    cache.set_capacity(ENTRIES);
    let mut sum = 0;
    for round in 1..=rounds {
        for key in keys {
            cache.insert(black_box(*key + round * ENTRIES), *key);
            sum += key;
        }
    }
    assert_eq!(cache.len(), ENTRIES, "it is full");
    sum
}

fn filled(ends: Setting) -> Subject {
    // Room to spare, so that nothing is evicted however the keys fall.
    let builder = Cache::builder().capacity(2 * ENTRIES).shards(8).hasher(ahash::RandomState::with_seeds(1, 2, 3, 4));
    // `fetch_with` wants a loader; one that fails lets no miss pass for a hit.
    let builder = builder.loader_fn(|_: &u64| Err::<u64, _>(std::io::Error::other("a hit loads nothing")));
    let cache = ends(builder).build().expect("the settings make sense");
    (0..ENTRIES).for_each(|key| cache.insert(key, key));
    cache
}

fn run(case: &str, rounds: &str) -> Option<()> {
    let (read, end) = case.split_once('-')?;
    let rounds: u64 = rounds.parse().ok()?;
    let (_, read) = READS.iter().find(|(name, _)| *name == read)?;
    let (_, ends) = ENDS.iter().find(|(name, _)| *name == end)?;
    let keys: Vec<u64> = (0..ENTRIES).map(|turn| turn * STRIDE % ENTRIES).collect();
    assert_eq!(read(&filled(*ends), &keys, rounds), rounds * (ENTRIES * (ENTRIES - 1) / 2), "each key has its own value");
    Some(())
}

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match &arguments[..] {
        [] => {
            ENDS.iter().for_each(|(end, _)| READS.iter().for_each(|(read, _)| println!("{read}-{end}")));
            ExitCode::SUCCESS
        }
        [case, rounds] if run(case, rounds).is_some() => ExitCode::SUCCESS,
        _ => {
            eprintln!("usage: instructions CASE ROUNDS; without arguments it names the cases");
            ExitCode::from(2)
        }
    }
}
