//! The process's own threads for blocking loads: bounded, and never the reason for a standstill.

use crate::apart::apart;
use crate::g07_limits::Crowd;
use crate::gate::{Gate, until};
use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, Cache, LoadError};
use futures::executor::block_on;
use futures::future::join_all;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::thread::available_parallelism;

/// As many threads as the pool has at most.
fn most_threads() -> usize {
    available_parallelism().map_or(1, usize::from).saturating_mul(8).max(64)
}

/// How the loader of a parent fetches its child.
#[derive(Clone, Copy, Debug)]
enum Fetches {
    AsAThread,
    AsATask,
}

/// Many more parents at once than the pool has threads. They are held until as many run as can; then each fetches a child.
fn parents(fetches: Fetches, children: Option<AsyncCache<u32, u32>>) {
    let own = Arc::new(OnceLock::<AsyncCache<u32, u32>>::new());
    let (found, gate) = (Arc::clone(&own), Gate::new());
    let held = gate.clone();
    let others = children.clone();
    let builder = AsyncCache::<u32, u32>::builder().loader_fn(move |&key: &u32| {
        if key < 10_000 {
            return Ok::<_, LoadError>(key);
        }
        held.wait();
        let cache = others.as_ref().unwrap_or_else(|| found.get().expect("it is built"));
        match fetches {
            Fetches::AsAThread => cache.to_sync().fetch_with(&(key - 10_000)),
            Fetches::AsATask => block_on(cache.fetch_with(&(key - 10_000))),
        }
        .map(|value| *value + 1)
    });
    let cache = own.get_or_init(|| builder.build_async().expect("the settings make sense"));
    let number = u32::try_from(most_threads()).expect("it is small") * 3;
    let fetches_of_all: Vec<_> = (0..number).map(|key| cache.fetch_with(&(key + 10_000))).collect();
    // The tests of this binary share the pool: some of its threads may be busy with others.
    gate.until_arrived(1);
    gate.open();
    for (key, value) in (0..number).zip(block_on(join_all(fetches_of_all))) {
        assert_eq!(*value.expect("all are loaded"), key + 1, "{fetches:?}");
    }
    at_rest(&cache.to_sync());
    if let Some(children) = &children {
        at_rest(&children.to_sync());
    }
}

#[test]
fn g7_many_more_blocking_loads_than_threads_that_each_load_a_child_are_all_done() {
    in_time(|| {
        for fetches in [Fetches::AsAThread, Fetches::AsATask] {
            parents(fetches, None);
        }
    });
}

#[test]
fn g7_many_more_blocking_loads_than_threads_with_children_in_another_cache_are_all_done() {
    in_time(|| {
        for fetches in [Fetches::AsAThread, Fetches::AsATask] {
            let tasks = AsyncCache::builder().async_loader_fn(|key: u32| async move { bellwether::ok(key) });
            parents(fetches, Some(tasks.build_async().expect("the settings make sense")));
            let threads = AsyncCache::builder().loader_fn(|&key: &u32| bellwether::ok(key)).max_concurrent_loads(1);
            parents(fetches, Some(threads.build_async().expect("the settings make sense")));
        }
    });
}

/// Families of three generations, so that children wait, too.
#[test]
fn g7_many_more_chains_of_blocking_loads_than_threads_are_all_done() {
    in_time(|| {
        let own = Arc::new(OnceLock::<AsyncCache<u32, u32>>::new());
        let found = Arc::clone(&own);
        let builder = AsyncCache::<u32, u32>::builder().loader_fn(move |&key: &u32| match key / 10_000 {
            0 => Ok::<_, LoadError>(0),
            _ => Ok(*block_on(found.get().expect("it is built").fetch_with(&(key - 10_000)))? + 1),
        });
        let cache = own.get_or_init(|| builder.build_async().expect("the settings make sense"));
        let number = u32::try_from(most_threads()).expect("it is small") * 2;
        let values = block_on(join_all((0..number).map(|key| cache.fetch_with(&(key + 30_000)))));
        assert!(values.into_iter().all(|value| *value.expect("all are loaded") == 3));
        at_rest(&cache.to_sync());
    });
}

/// Runs `test`, which is named so, in a process of its own: the pool is the process's, and loads of other tests that wait make room in it.
fn alone(name: &str, test: impl FnOnce() + Send + 'static) {
    const ALONE: &str = "BELLWETHER_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return in_time(test);
    }
    let own = std::env::current_exe().expect("the test knows its binary");
    let run = Command::new(own).args([&format!("g07_limits::pool::{name}"), "--exact", "--nocapture"]).env(ALONE, "1").output();
    let run = run.expect("the binary can be run once more");
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("1 passed"), "{said}");
}

/// A cache whose blocking loads are held at the gate, and counted.
fn crowded(crowd: &Crowd, gate: &Gate) -> AsyncCache<u32, u32> {
    let (crowd, gate) = (crowd.clone(), gate.clone());
    let builder = AsyncCache::<u32, u32>::builder().loader_fn(move |&key: &u32| {
        let _inside = crowd.enter();
        gate.wait();
        bellwether::ok(key)
    });
    builder.build_async().expect("the settings make sense")
}

/// Waits until no more loads come to the gate than there are.
fn settled(gate: &Gate, crowd: &Crowd) {
    gate.until_arrived(1);
    let mut before = 0;
    while before < crowd.most() {
        before = crowd.most();
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

fn load_all(cache: &AsyncCache<u32, u32>, crowd: &Crowd, gate: &Gate) {
    let number = u32::try_from(most_threads()).expect("it is small") * 3;
    let fetches: Vec<_> = (0..number).map(|key| cache.fetch_with(&key)).collect();
    settled(gate, crowd);
    gate.open();
    block_on(join_all(fetches)).into_iter().for_each(|value| drop(value.expect("all are loaded")));
}

#[test]
fn g7_no_more_blocking_loads_run_at_once_than_the_pool_has_threads() {
    alone("g7_no_more_blocking_loads_run_at_once_than_the_pool_has_threads", || {
        let (crowd, gate) = (Crowd::default(), Gate::new());
        let cache = crowded(&crowd, &gate);
        load_all(&cache, &crowd, &gate);
        assert!(crowd.most() <= most_threads(), "{} at once on {} threads", crowd.most(), most_threads());
        at_rest(&cache.to_sync());
    });
}

/// A task that waits holds no thread, so none is added for it.
#[test]
fn g7_tasks_that_wait_for_loads_add_no_threads_to_the_pool() {
    alone("g7_tasks_that_wait_for_loads_add_no_threads_to_the_pool", || {
        let (crowd, gate) = (Crowd::default(), Gate::new());
        let crowded = crowded(&crowd, &gate);
        let awaited: Cache<u32, u32> = Cache::builder().build().expect("the settings make sense");
        let (entry, other) = (awaited.entry(0), awaited.to_async());
        let number = u32::try_from(most_threads()).expect("it is small");
        let builder = AsyncCache::<u32, u32>::builder().async_loader_fn(move |_: u32| {
            let other = other.clone();
            async move { other.fetch_or_load(&0, || async { bellwether::ok(0) }).await.map(|value| *value) }
        });
        let waiting = builder.build_async().expect("the settings make sense");
        let fetches: Vec<_> = (0..number).map(|key| waiting.fetch_with(&key)).collect();
        until("all tasks wait for the entry", || awaited.metrics().waiters == u64::from(number));
        load_all(&crowded, &crowd, &gate);
        drop(entry.or_insert(7));
        assert!(block_on(join_all(fetches)).into_iter().all(|value| *value.expect("the entry is filled") == 7));
        assert!(crowd.most() <= most_threads(), "{} at once on {} threads", crowd.most(), most_threads());
        for cache in [waiting.to_sync(), crowded.to_sync(), awaited] {
            at_rest(&cache);
        }
    });
}

/// A thread that runs a child's loader itself isn't waiting: none is added for it.
#[test]
fn g7_threads_that_run_their_children_s_loads_add_no_threads_to_the_pool() {
    alone("g7_threads_that_run_their_children_s_loads_add_no_threads_to_the_pool", || {
        let (crowd, gate) = (Crowd::default(), Gate::new());
        let children = crowded(&crowd, &gate).to_sync();
        let own_children = children.clone();
        let builder = AsyncCache::<u32, u32>::builder().loader_fn(move |key: &u32| own_children.fetch_with(key).map(|value| *value));
        let parents = builder.build_async().expect("the settings make sense");
        load_all(&parents, &crowd, &gate);
        assert!(crowd.most() <= most_threads(), "{} at once on {} threads", crowd.most(), most_threads());
        for cache in [parents.to_sync(), children] {
            at_rest(&cache);
        }
    });
}

/// A plain thread that waits for a load of the pool is none of its own.
#[test]
fn g7_callers_that_are_no_loads_add_no_threads_to_the_pool() {
    alone("g7_callers_that_are_no_loads_add_no_threads_to_the_pool", || {
        let (crowd, gate) = (Crowd::default(), Gate::new());
        let cache = crowded(&crowd, &gate);
        let first = cache.fetch_with(&0);
        gate.until_arrived(1);
        let callers: Vec<_> = (0..50).map(|_| apart(&cache, |cache| cache.to_sync().fetch_with(&0))).collect();
        until("all have joined", || cache.metrics().joined == 50);
        load_all(&cache, &crowd, &gate);
        assert!(crowd.most() <= most_threads(), "{} at once on {} threads", crowd.most(), most_threads());
        callers.into_iter().for_each(|caller| assert_eq!(*caller.result().expect("it is loaded"), 0));
        assert_eq!(*block_on(first).expect("it is loaded"), 0);
        at_rest(&cache.to_sync());
    });
}
