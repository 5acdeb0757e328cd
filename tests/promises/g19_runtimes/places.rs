//! Where a load runs: on the builder's spawner, else on the runtime of the call, else on that of the build, else on the crate's own threads.

use crate::apart::apart;
use crate::g19_runtimes::{many, one};
use crate::rest::at_rest;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxFuture, CacheBuilder, Loaded, SpawnError, Spawner};
use futures::executor::block_on;
use std::sync::Arc;

/// The thread that a load runs on.
type Where = AsyncCache<u32, String>;

const OWN: &str = "bellwether-load";

fn builder() -> CacheBuilder<u32, String> {
    CacheBuilder::new().async_loader_fn(|_: u32| async { Loaded::ok(here()) })
}

fn here() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

/// Runs what it is given on threads with a name.
struct Named;

impl Spawner for Named {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.spawn_blocking(Box::new(|| block_on(future)))
    }

    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        let thread = std::thread::Builder::new().name("the builder's".into()).spawn(job);
        thread.map(drop).map_err(|error| SpawnError::new(error.to_string()))
    }
}

/// Where the loads of `cache` run by the name of the thread: for a task without runtime, for a thread, for a closure.
fn places(cache: &Where) -> [String; 3] {
    let places = [
        apart(cache, |cache| block_on(cache.fetch_with(&1))).result(),
        apart(&cache.to_sync(), |cache| cache.fetch_with(&2)).result(),
        apart(cache, |cache| block_on(cache.fetch_or_load(&3, || async { Loaded::ok(here()) }))).result(),
    ];
    places.map(|place| String::clone(&place.expect("the load brings it")))
}

#[test]
fn g19_without_any_runtime_loads_run_on_the_crates_own_threads() {
    in_time(|| {
        let cache = builder().build_async().expect("the settings make sense");
        assert_eq!(places(&cache), [OWN; 3]);
        at_rest(&cache.to_sync());
    });
}

#[test]
fn g19_a_blocking_loader_of_an_async_cache_runs_on_the_crates_own_threads() {
    in_time(|| {
        let build = || AsyncCache::<u32, String>::builder().loader_fn(|_: &u32| Loaded::ok(here())).build_async();
        let cache = build().expect("the settings make sense");
        assert_eq!(*block_on(cache.fetch_with(&1)).expect("the load brings it"), OWN);
        // A runtime has better things to do than to block.
        for runtime in [many("a worker"), one()] {
            let place = runtime.block_on(async { cache.refresh(&1).await });
            assert_eq!(*place.expect("the load brings it"), OWN);
            let built_in = {
                let _inside = runtime.enter();
                build().expect("the settings make sense")
            };
            assert_eq!(*block_on(built_in.fetch_with(&1)).expect("the load brings it"), OWN);
        }
        // A thread that misses by the blocking face does it itself.
        let threads = cache.to_sync();
        let mine = std::thread::Builder::new().name("the caller's".into()).spawn(move || threads.refresh(&1));
        let place = mine.expect("a thread can be had").join().expect("the call doesn't panic");
        assert_eq!(*place.expect("the load brings it"), "the caller's");
        at_rest(&cache.to_sync());
    });
}

#[test]
fn g19_the_builders_spawner_comes_before_all_else() {
    in_time(|| {
        let (of_build, of_call) = (many("of the build"), many("of the call"));
        for inside in [false, true] {
            let cache = {
                let _inside = inside.then(|| of_build.enter());
                builder().spawner(Named).build_async().expect("the settings make sense")
            };
            assert_eq!(places(&cache), ["the builder's"; 3]);
            let place = of_call.block_on(async { cache.refresh(&1).await });
            assert_eq!(*place.expect("the load brings it"), "the builder's");
            at_rest(&cache.to_sync());
        }
    });
}

#[test]
fn g19_a_given_runtime_runs_the_loads_of_callers_anywhere() {
    in_time(|| {
        let given = many("given");
        let cache = builder().spawner(given.handle().clone()).build_async().expect("the settings make sense");
        assert_eq!(places(&cache), ["given"; 3]);
        for other in [many("other"), one()] {
            let place = other.block_on(async { cache.refresh(&1).await });
            assert_eq!(*place.expect("the load brings it"), "given");
        }
        at_rest(&cache.to_sync());
    });
}

#[test]
fn g19_the_runtime_of_the_call_comes_before_that_of_the_build() {
    in_time(|| {
        let (of_build, of_call) = (many("of the build"), many("of the call"));
        let cache = {
            let _inside = of_build.enter();
            builder().build_async().expect("the settings make sense")
        };
        let task = cache.clone();
        let by_task = of_call.block_on(of_call.spawn(async move { task.fetch_with(&1).await })).expect("the task doesn't panic");
        assert_eq!(*by_task.expect("the load brings it"), "of the call");
        // A thread that is in a runtime has the load run there, too.
        let threads = cache.to_sync();
        let by_thread = of_call.block_on(of_call.spawn_blocking(move || threads.fetch_with(&2))).expect("the call doesn't panic");
        assert_eq!(*by_thread.expect("the load brings it"), "of the call");
        at_rest(&cache.to_sync());
    });
}

#[test]
fn g19_a_call_without_runtime_uses_that_of_the_build() {
    in_time(|| {
        let of_build = many("of the build");
        let cache = {
            let _inside = of_build.enter();
            builder().build_async().expect("the settings make sense")
        };
        assert_eq!(places(&cache), ["of the build"; 3]);
        let sync = {
            let _inside = of_build.enter();
            builder().build().expect("the settings make sense")
        };
        assert_eq!(places(&sync.to_async()), ["of the build"; 3], "by the blocking face as well");
        at_rest(&sync);
    });
}

/// A current-thread runtime may never be driven again: it isn't relied upon by callers elsewhere.
#[test]
fn g19_a_current_thread_runtime_of_the_build_is_not_relied_upon() {
    in_time(|| {
        let idle = one();
        let cache = {
            let _inside = idle.enter();
            builder().build_async().expect("the settings make sense")
        };
        assert_eq!(places(&cache), [OWN; 3]);
        at_rest(&cache.to_sync());
    });
}

/// The load of a task on a current-thread runtime runs there, where its timers and sockets are.
#[test]
fn g19_a_task_on_a_current_thread_runtime_has_its_load_run_there() {
    in_time(|| {
        let runtime = one();
        let cache: AsyncCache<u32, String> = AsyncCache::builder()
            .async_loader_fn(|_: u32| async {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                Loaded::ok(here())
            })
            .build_async()
            .expect("the settings make sense");
        let place = runtime.block_on(async { cache.fetch_with(&1).await });
        assert_eq!(*place.expect("the load brings it"), here());
        at_rest(&cache.to_sync());
    });
}

/// Waiters on other runtimes and on none, by thread and by task, all get what the load of one of them brings.
#[test]
fn g19_waiters_on_other_runtimes_are_served_by_the_load_of_one() {
    in_time(|| {
        let (leading, other, third) = (many("leading"), many("other"), one());
        let gate = crate::gate::Gate::new();
        let held = gate.clone();
        let builder = AsyncCache::<u32, String>::builder().async_loader_fn(move |_: u32| {
            let held = held.clone();
            async move {
                held.pass().await;
                Loaded::ok(here())
            }
        });
        let cache = builder.build_async().expect("the settings make sense");
        let fetch = |cache: &Where| {
            let cache = cache.clone();
            async move { cache.fetch_with(&1).await }
        };
        let leader = leading.spawn(fetch(&cache));
        gate.until_arrived(1);
        let on_other = other.spawn(fetch(&cache));
        let thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
        let bare = {
            let fetch = fetch(&cache);
            std::thread::spawn(move || block_on(fetch))
        };
        let blocking = {
            let cache = cache.to_sync();
            other.spawn_blocking(move || cache.fetch_with(&1))
        };
        let on_third = {
            let fetch = fetch(&cache);
            std::thread::spawn(move || third.block_on(fetch))
        };
        crate::gate::until("all have joined", || cache.metrics().joined == 5);
        gate.open();
        let values = [
            block_on(leader).expect("no task panics"),
            block_on(on_other).expect("no task panics"),
            thread.result(),
            bare.join().expect("no thread panics"),
            block_on(blocking).expect("no call panics"),
            on_third.join().expect("no thread panics"),
        ];
        let values: Vec<Arc<String>> = values.into_iter().map(|value| value.expect("the load brings it")).collect();
        assert!(values.iter().all(|value| **value == "leading" && Arc::ptr_eq(value, &values[0])));
        assert_eq!(at_rest(&cache.to_sync()).loads_started, 1);
    });
}
