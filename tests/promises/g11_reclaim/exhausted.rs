//! No thread is to be had: nothing is shown past its time all the same, writes do what they can, and once there are threads again, so is the janitor.
//!
//! The test starts this program again, as a user of whom the system allows but a few threads.

use crate::g11_reclaim::{SECOND, expired};
use crate::gate::{Gate, until};
use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{Cache, CacheBuilder, Janitor, Loaded, RemovalCause};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

const INSIDE: &str = "BELLWETHER_WITHOUT_THREADS";
const TTL: Duration = Duration::from_millis(50);
/// So many tests run again, and so many have.
const TESTS: u32 = 2;
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Runs the named test of this program again, with [`INSIDE`] set, where hardly a thread is to be had. `false` if this system can't.
fn ran_again(name: &str) -> bool {
    let program = std::env::current_exe().expect("the system tells which program this is");
    // A user number that nobody else has at the same time, nor another test of this process, as all of one user's threads count together.
    let user = (20_000 + (std::process::id() * TESTS + NEXT.fetch_add(1, Ordering::Relaxed)) % 40_000).to_string();
    let as_user = |program: &Path| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "prlimit", "--nproc=6"]).arg(program).current_dir("/");
        command
    };
    let listed = as_user(&program).arg("--list").output();
    if !listed.is_ok_and(|listed| listed.status.success()) {
        return false;
    }
    let output =
        as_user(&program).args([name, "--exact", "--nocapture", "--test-threads=1"]).env(INSIDE, "1").output().expect("it ran before");
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{}\n{said}\n{complained}", output.status);
    true
}

/// How many threads the system counts.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// As a test of its own, or, inside, with no thread to be had until the given closure is called.
fn without_threads(name: &str, test: impl FnOnce(Box<dyn FnOnce()>)) {
    if std::env::var_os(INSIDE).is_none() {
        let name = name.to_owned();
        if !in_time(move || ran_again(&name)) {
            eprintln!("left out: it takes root, setpriv, prlimit, and a program that others may run");
        }
        return;
    }
    let gate = Gate::new();
    let spawn = || -> std::io::Result<JoinHandle<()>> {
        let gate = gate.clone();
        thread::Builder::new().spawn(move || gate.wait())
    };
    let (mut idle, own) = (Vec::new(), threads());
    while let Ok(thread) = spawn() {
        idle.push(thread);
        assert!(idle.len() < 50, "the limit holds");
    }
    let give_back = gate.clone();
    test(Box::new(move || {
        give_back.open();
        idle.into_iter().for_each(|thread| thread.join().expect("the gate is open"));
        // The system counts a thread for a moment longer than it is waited for.
        until("the threads are given back", || threads() <= own);
    }));
    gate.open();
}

fn nothing_shown(cache: &Cache<u32, u32>, keys: impl IntoIterator<Item = u32>) {
    for key in keys {
        let found = cache.fetch(&key).is_some() || cache.peek(&key).is_some() || cache.get(&key, |_| ()).is_some();
        assert!(!found && !cache.contains_key(&key) && cache.fetch_stale(&key).is_none(), "key {key} is over");
    }
}

#[test]
fn g11_without_a_thread_writes_do_what_they_can() {
    without_threads("g11_reclaim::exhausted::g11_without_a_thread_writes_do_what_they_can", |_| {
        let builder = CacheBuilder::new().capacity(100).shards(1).loader_fn(|key: &u32| Loaded::ok(*key));
        let cache: Cache<u32, u32> = builder.build().expect("the settings make sense");
        assert_eq!(cache.metrics().janitor, Janitor::Thread, "none was needed as yet");
        let start = Instant::now();
        (0..50).for_each(|key| cache.insert_with_ttl(key, key, SECOND));
        assert_eq!(cache.metrics().janitor, Janitor::Unavailable);
        (100..150).for_each(|key| cache.insert(key, key));
        // On a very slow machine one of these writes may have taken some of those that were due by then.
        let were_quick = start.elapsed() < SECOND;
        sleep(2 * SECOND);
        nothing_shown(&cache, 0..50);
        let before = expired(&cache.metrics());
        (200..250).for_each(|key| assert_eq!(*cache.fetch_with(&key).expect("loads run on their callers' threads"), key));
        assert!((100..150).chain(200..250).all(|key| cache.contains_key(&key)));
        let metrics = at_rest(&cache);
        assert!(before == 0 || !were_quick, "{before} went before anybody wrote");
        assert_eq!((expired(&metrics), metrics.removals(RemovalCause::Evicted)), (50, 0));
        (0..20).for_each(|key| cache.insert_with_ttl(key, key, TTL));
        sleep(4 * TTL);
        cache.run_maintenance();
        nothing_shown(&cache, 0..20);
        // Each took the place of one that lives for ever, or of one of their own that was over by then.
        let left = (100..150).chain(200..250).filter(|key| cache.contains_key(key)).count() as u64;
        assert_eq!((cache.len(), cache.metrics().janitor), (left, Janitor::Unavailable));
        assert!((80..=100).contains(&left), "{left} are left");
        at_rest(&cache);
    });
}

#[test]
fn g11_once_there_are_threads_again_a_write_brings_the_janitor_back() {
    without_threads("g11_reclaim::exhausted::g11_once_there_are_threads_again_a_write_brings_the_janitor_back", |give_back| {
        let cache: Cache<u32, u32> = CacheBuilder::new().build().expect("the settings make sense");
        (0..50).for_each(|key| cache.insert_with_ttl(key, key, TTL));
        sleep(4 * TTL);
        assert_eq!(cache.metrics().janitor, Janitor::Unavailable);
        nothing_shown(&cache, 0..50);
        give_back();
        // Due later than what nobody has come for.
        cache.insert_with_ttl(100, 100, SECOND / 2);
        until("all is reclaimed", || cache.is_empty());
        assert_eq!((cache.metrics().janitor, expired(&at_rest(&cache))), (Janitor::Thread, 51));
    });
}
