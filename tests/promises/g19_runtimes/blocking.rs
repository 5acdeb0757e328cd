//! Blocking calls from within runtimes: they work where they can, and say what to do where they can't. None deadlocks.

use crate::g19_runtimes::{many, one};
use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{Cache, CacheBuilder, Entry};
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::task::LocalSet;

type Numbers = Cache<u32, usize>;

fn cache(runway: &Runway, style: Style) -> Numbers {
    runway.numbers(CacheBuilder::new(), style).build().expect("the settings make sense")
}

/// The message of the panic that `call` ends in.
fn panic_of<R>(call: impl FnOnce() -> R) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(call)).err()?;
    panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned())
}

fn says_what_to_do(message: Option<&str>) -> bool {
    message.is_some_and(|message| ["can't wait", "to_async()", "spawn_blocking", "multi-thread"].iter().all(|word| message.contains(word)))
}

type Call = (&'static str, fn(&Numbers));

/// Each blocks for a load that is under way or a vacant entry.
const CALLS: [Call; 7] = [
    ("fetch_with", |cache| drop(cache.fetch_with(&1))),
    ("fetch_optional", |cache| drop(cache.fetch_optional(&1))),
    ("fetch_or_load", |cache| drop(cache.fetch_or_load(&1, || bellwether::ok(7)))),
    ("refresh", |cache| drop(cache.refresh(&1))),
    ("entry", |cache| drop(cache.entry(1))),
    ("wait_idle", |cache| cache.wait_idle()),
    ("close", |cache| assert!(cache.close())),
];

/// The load that is waited for is one of the runtime's own tasks: waiting would be for ever.
#[test]
fn g19_a_blocking_wait_on_a_current_thread_runtime_says_what_to_do() {
    in_time(|| {
        for (name, call) in CALLS {
            let (runtime, runway) = (one(), Runway::new(1));
            let cache = cache(&runway, Style::Async);
            let tasks = cache.to_async();
            let value = runtime.block_on(async {
                let fetch = tasks.fetch_with(&1);
                let message = panic_of(|| call(&cache));
                assert!(says_what_to_do(message.as_deref()), "{name}: {message:?}");
                runway.open(0);
                fetch.await
            });
            assert_eq!(*value.expect("the load is none the worse"), 0, "{name}");
            at_rest(&cache);
        }
    });
}

/// The same inside a `LocalSet`, on either kind of runtime: its tasks can't go on while one of them blocks.
#[test]
fn g19_a_blocking_wait_in_a_local_set_says_what_to_do() {
    in_time(|| {
        for runtime in [one(), many("a worker")] {
            for (name, call) in CALLS {
                let runway = Runway::new(1);
                let cache = cache(&runway, Style::Async);
                let tasks = cache.to_async();
                let local = LocalSet::new();
                let value = local.block_on(&runtime, async {
                    let (caller, leader) = (cache.clone(), tasks.clone());
                    let fetch = leader.fetch_with(&1);
                    let message = tokio::task::spawn_local(async move { panic_of(|| call(&caller)) }).await.expect("it is caught");
                    assert!(says_what_to_do(message.as_deref()), "{name}: {message:?}");
                    runway.open(0);
                    fetch.await
                });
                assert_eq!(*value.expect("the load is none the worse"), 0, "{name}");
                at_rest(&cache);
            }
        }
    });
}

/// Waiting for the holder of an entry, who may be a task of this very runtime.
#[test]
fn g19_a_blocking_wait_for_an_entry_on_a_current_thread_runtime_says_what_to_do() {
    in_time(|| {
        for (name, call) in &CALLS[..5] {
            let (runtime, runway) = (one(), Runway::new(0));
            let cache = cache(&runway, Style::Blocking);
            runtime.block_on(async {
                let Entry::Vacant(entry) = cache.to_async().entry(1).await else { panic!("nothing is held") };
                let message = panic_of(|| call(&cache));
                assert!(says_what_to_do(message.as_deref()), "{name}: {message:?}");
                assert_eq!(*entry.insert(50), 50);
                assert_eq!(*cache.fetch_with(&1).expect("it is held"), 50);
            });
            at_rest(&cache);
        }
    });
}

/// What needs no wait works there as anywhere.
#[test]
fn g19_on_a_current_thread_runtime_what_is_at_hand_or_loaded_here_is_served() {
    in_time(|| {
        let (runtime, runway) = (one(), Runway::new(0));
        let cache = cache(&runway, Style::Blocking);
        let work = || {
            cache.insert(1, 10);
            assert_eq!(*cache.fetch_with(&1).expect("it is held"), 10);
            assert!(cache.fetch_with(&2).is_ok() && cache.refresh(&1).is_ok());
            assert_eq!(*cache.fetch_or_load(&3, || bellwether::ok(30)).expect("it is loaded here"), 30);
            assert_eq!(*cache.entry(4).or_insert(40), 40);
            cache.wait_idle();
            cache.clear();
        };
        runtime.block_on(async { work() });
        LocalSet::new().block_on(&runtime, async { work() });
        runtime.block_on(runtime.spawn(async {})).expect("the runtime works as ever");
        at_rest(&cache);
    });
}

/// On the only worker, whose other tasks, loads among them, go on elsewhere meanwhile.
#[test]
fn g19_a_blocking_fetch_on_a_multi_thread_runtimes_only_worker_works() {
    in_time(|| {
        for style in BOTH {
            for (name, call) in CALLS {
                let (runtime, runway) = (many("a worker"), Runway::new(1));
                let cache = cache(&runway, style);
                let tasks = cache.to_async();
                drop({
                    let _inside = runtime.enter();
                    tasks.fetch_with(&1)
                });
                runway.until_begun(0);
                let caller = cache.clone();
                let blocked = runtime.spawn(async move { call(&caller) });
                // A task that comes after it is what lets the load go on.
                let opener = runway.clone();
                runtime.spawn(async move { opener.open(0) });
                futures::executor::block_on(blocked).unwrap_or_else(|panic| panic!("{name}, {style:?}: {panic}"));
                at_rest(&cache);
            }
        }
    });
}

/// The very first fetch, whose load is a task of the runtime that its caller blocks.
#[test]
fn g19_a_blocking_leader_on_a_multi_thread_runtimes_only_worker_works() {
    in_time(|| {
        for style in BOTH {
            let (runtime, runway) = (many("a worker"), Runway::new(0));
            let cache = cache(&runway, style);
            let caller = cache.clone();
            let value = futures::executor::block_on(runtime.spawn(async move { caller.fetch_with(&1) }));
            assert_eq!(*value.expect("the task doesn't panic").expect("the loader brings it"), 0, "{style:?}");
            // And on the thread that drives the runtime.
            assert_eq!(*runtime.block_on(async { cache.fetch_with(&2) }).expect("the loader brings it"), 1, "{style:?}");
            at_rest(&cache);
        }
    });
}

#[test]
fn g19_a_blocking_fetch_in_spawn_blocking_works_on_any_runtime() {
    in_time(|| {
        for style in BOTH {
            for runtime in [one(), many("a worker")] {
                let runway = Runway::new(1);
                let cache = cache(&runway, style);
                let callers: Vec<_> = (0..4)
                    .map(|_| {
                        let caller = cache.clone();
                        runtime.spawn_blocking(move || caller.fetch_with(&1))
                    })
                    .collect();
                until("all are in", || cache.metrics().misses + cache.metrics().joined == 4);
                runway.open(0);
                runtime.block_on(async {
                    for caller in callers {
                        assert_eq!(*caller.await.expect("the call doesn't panic").expect("the loader brings it"), 0, "{style:?}");
                    }
                });
                at_rest(&cache);
            }
        }
    });
}

/// A current-thread runtime is entered, not driven, by this thread: the load can't run there and runs elsewhere.
#[test]
fn g19_a_blocking_fetch_beside_a_current_thread_runtime_that_nobody_drives_works() {
    in_time(|| {
        for style in BOTH {
            let (runtime, runway) = (one(), Runway::new(0));
            let _inside = runtime.enter();
            let cache = cache(&runway, style);
            assert_eq!(*cache.fetch_with(&1).expect("the loader brings it"), 0, "{style:?}");
            assert_eq!(*cache.refresh(&1).expect("the loader brings it"), 1, "{style:?}");
            cache.wait_idle();
            at_rest(&cache);
        }
    });
}
