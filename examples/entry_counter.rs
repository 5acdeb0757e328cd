//! Counters that many threads and tasks write, and none of their counts lost.
//!
//! ```text
//! cargo run --example entry_counter
//! ```
//!
//! Four scenes: one counter counted on in five ways at once, words counted by a crowd,
//! a cache that is too small for its counters, and a rate limit.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bellwether::{AsyncCache, BoxError, Cache, ComputeResult, MockClock, RemovalCause};
use tokio::task::JoinSet;

/// Threads, and tasks, in a scene.
const CROWD: usize = 4;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    counted_in_all_ways().await?;
    words()?;
    too_many_counters()?;
    rate_limit().await?;
    Ok(())
}

/// How one adds to a counter.
#[derive(Clone, Copy)]
enum Way {
    /// Looks first: the value, or the lead of its flight. To be preferred where the first value is dear.
    Entry,
    /// Writes the first one, or changes a copy of what is there.
    Upsert,
    /// Changes a copy of what is there, if something is.
    Compute,
    /// Changes what is there in place, if nobody else has it in hand at the moment.
    InPlace,
    /// The same by hand: whoever was slower looks again.
    Swap,
}

const WAYS: [Way; 5] = [Way::Entry, Way::Upsert, Way::Compute, Way::InPlace, Way::Swap];

impl Way {
    fn add_one(self, counters: &Cache<&'static str, u64>, name: &'static str) {
        match self {
            Self::Entry => {
                counters.entry(name).and_modify(|count| *count += 1).or_insert(1);
            }
            Self::Upsert => counters.upsert(name, || 0, |count| *count += 1),
            Self::Compute => {
                if !counters.compute(&name, |count| *count += 1) {
                    Self::Upsert.add_one(counters, name);
                }
            }
            Self::InPlace => match counters.try_compute(&name, |count| *count += 1) {
                ComputeResult::Done(()) => {}
                // Busy for now, or not there: a copy does in any case.
                _ => Self::Upsert.add_one(counters, name),
            },
            Self::Swap => loop {
                let Some(seen) = counters.peek(&name) else { break Self::Upsert.add_one(counters, name) };
                if counters.compare_and_swap(&name, &seen, *seen + 1).is_ok() {
                    break;
                }
            },
        }
    }
}

/// Threads and tasks count on one counter, each in another way every time.
async fn counted_in_all_ways() -> Result<(), BoxError> {
    const EACH: usize = 500;
    println!("one counter, five ways");
    let counters = AsyncCache::<&str, u64>::builder().name("counters").build_async()?;
    // There from the start: what the holder of a vacant entry brings yields to any write that was faster, and so would its count.
    counters.insert("visits", 0);

    let mut tasks = JoinSet::new();
    for task in 0..CROWD {
        let counters = counters.clone();
        tasks.spawn(async move {
            for (way, _) in WAYS.into_iter().cycle().skip(task).zip(0..EACH) {
                match way {
                    // A task waits for the lead as a task does, and holds no thread up.
                    Way::Entry => drop(counters.entry("visits").await.and_modify(|count| *count += 1).or_insert(1)),
                    other => other.add_one(&counters.to_sync(), "visits"),
                }
                tokio::task::yield_now().await;
            }
        });
    }
    let threads: Vec<_> = (0..CROWD)
        .map(|thread| {
            let counters = counters.to_sync();
            thread::spawn(move || {
                let ways = WAYS.into_iter().cycle().skip(thread);
                ways.zip(0..EACH).for_each(|(way, _)| way.add_one(&counters, "visits"));
            })
        })
        .collect();

    tasks.join_all().await;
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    let visits = counters.get(&"visits", |&count| count);
    println!("  {CROWD} threads and {CROWD} tasks counted {EACH} times each: {}", visits.unwrap_or(0));
    check(visits == Some((2 * CROWD * EACH) as u64), "no count is lost")
}

/// Lines of a text, shared among threads that count its words.
fn words() -> Result<(), BoxError> {
    const LINES: [&str; 4] =
        ["the wether with the bell", "leads and the flock follows", "the flock waits for the bell", "and the wether waits for none"];
    const TIMES: u64 = 100;
    println!("\nwords of a text");
    let counts = Cache::<String, u64>::builder().name("words").build()?;

    thread::scope(|scope| {
        for line in LINES {
            let counts = &counts;
            scope.spawn(move || {
                for word in (0..TIMES).flat_map(|_| line.split(' ')) {
                    // A counter that is there already takes no `String`: the borrowed word finds it.
                    if !counts.compute(word, |count| *count += 1) {
                        counts.upsert(word.to_owned(), || 0, |count| *count += 1);
                    }
                }
            });
        }
    });

    let mut expected = HashMap::<&str, u64>::new();
    for word in LINES.into_iter().flat_map(|line| line.split(' ')) {
        *expected.entry(word).or_default() += TIMES;
    }
    let mut found: Vec<(String, u64)> = counts.iter().map(|(word, count)| (word, *count)).collect();
    found.sort_by(|a, b| (b.1, &a.0).cmp(&(a.1, &b.0)));
    for (word, count) in &found[..3] {
        println!("  {word}: {count}");
    }
    let agrees = found.iter().all(|(word, count)| expected.get(word.as_str()) == Some(count));
    check(agrees && found.len() == expected.len(), "each word is counted as often as it stands there")
}

/// A cache may forget a counter to make room. Where that matters, what leaves is added up elsewhere.
fn too_many_counters() -> Result<(), BoxError> {
    const EACH: usize = 1_000;
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    println!("\nmore counters than there is room for");
    let ledger = Arc::new(Mutex::new(HashMap::<&str, u64>::new()));
    let page = Arc::clone(&ledger);
    let counters = Cache::<&str, u64>::builder()
        .name("hot counters")
        .capacity(3)
        // What is replaced goes on in what replaced it.
        .on_removal(move |&name, count, cause| {
            if cause != RemovalCause::Replaced {
                if let Ok(mut page) = page.lock() {
                    *page.entry(name).or_default() += **count;
                }
            }
        })
        .build()?;
    thread::scope(|scope| {
        for thread in 0..CROWD {
            let counters = &counters;
            scope.spawn(move || {
                for number in 0..EACH {
                    let name = NAMES[number * (thread + 1) % NAMES.len()];
                    counters.upsert(name, || 0, |count| *count += 1);
                }
            });
        }
    });
    counters.clear();
    counters.run_maintenance();
    let evicted = counters.metrics().removals(RemovalCause::Evicted);
    let total: u64 = ledger.lock().map_err(|_| "the listener panicked")?.values().sum();
    println!("  {} counts, {evicted} evictions; the ledger has {total}", CROWD * EACH);
    check(total == (CROWD * EACH) as u64 && evicted > 0, "what was evicted was written down")
}

/// So many requests each ten seconds: the counter of a client begins anew when its time is over.
async fn rate_limit() -> Result<(), BoxError> {
    const LIMIT: u32 = 5;
    println!("\na rate limit");
    let clock = MockClock::new();
    let buckets =
        AsyncCache::<&str, u32>::builder().name("buckets").time_to_idle(Duration::from_secs(10)).clock(clock.clone()).build_async()?;

    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let buckets = buckets.clone();
        tasks.spawn(async move {
            buckets.upsert(
                "client",
                || LIMIT,
                |left| {
                    let is_let_in = *left > 0;
                    *left = left.saturating_sub(1);
                    is_let_in
                },
            )
        });
    }
    let let_in = tasks.join_all().await.into_iter().filter(|&is_let_in| is_let_in).count();
    println!("  of 20 requests at once, {let_in} were let in");
    clock.advance(Duration::from_secs(10));
    // Another server may have begun the next bucket already: then that one counts.
    let begun = buckets.insert_if_absent("client", LIMIT).is_none();
    println!("  after ten quiet seconds a bucket is begun: {begun}");
    check(let_in == LIMIT as usize && begun, "nobody is let in twice")
}

/// Ends the example with an error if something isn't as it says.
fn check(holds: bool, what: &str) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(format!("it isn't so: {what}").into()) }
}
