//! The last handle is dropped while loads are under way, in whatever state they are: nothing is waited for and nothing stays.

use crate::census::{Census, Counted, Memory, watched};
use crate::gate::until;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, Loaded};
use futures::FutureExt;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// More than any of these tests takes.
const LONG: Duration = Duration::from_secs(600);

/// Where loads run.
#[derive(Clone, Copy, Debug)]
enum At {
    OwnThreads,
    ManyThreads,
    OneThread,
}

const PLACES: [At; 3] = [At::OwnThreads, At::ManyThreads, At::OneThread];

impl At {
    fn runtime(self) -> Option<Runtime> {
        match self {
            Self::OwnThreads => None,
            Self::ManyThreads => Some(Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had")),
            Self::OneThread => Some(Builder::new_current_thread().build().expect("a runtime can be had")),
        }
    }
}

/// Lets a runtime's tasks go on until `reached`.
fn driven(runtime: Option<&Runtime>, what: &str, reached: impl Fn() -> bool) {
    until(what, || {
        if let Some(runtime) = runtime {
            runtime.block_on(tokio::task::yield_now());
        }
        reached()
    });
}

/// A cache that holds a value, with a loader whose every load makes a value before it waits, and so shows whether it is there.
fn cache(settings: CacheBuilder<u32, Counted>, runway: &Runway, style: Style, census: &Census) -> (AsyncCache<u32, Counted>, Memory) {
    let (builder, memory) = watched(settings);
    let (runway, values) = (runway.clone(), census.clone());
    let builder = match style {
        Style::Blocking => builder.loader_fn(move |_: &u32| {
            let value = values.value();
            runway.load();
            Loaded::ok(value)
        }),
        Style::Async => builder.async_loader_fn(move |_: u32| {
            let (runway, value) = (runway.clone(), values.value());
            async move {
                runway.load_async().await;
                Loaded::ok(value)
            }
        }),
    };
    let cache = builder.build_async().expect("the settings make sense");
    cache.insert(1_000, census.value());
    (cache, memory)
}

/// A load that never ends.
async fn endless() -> Result<Counted, BoxError> {
    std::future::pending().await
}

#[test]
fn g17_an_async_load_that_nobody_waits_for_is_dropped_with_the_cache() {
    in_time(|| {
        for at in PLACES {
            let runtime = at.runtime();
            let (census, runway) = (Census::new(), Runway::new(3));
            let _inside = runtime.as_ref().map(Runtime::enter);
            let (cache, memory) = cache(CacheBuilder::new().load_timeout(LONG), &runway, Style::Async, &census);
            (0..3).for_each(|key| drop(cache.fetch_with(&key)));
            driven(runtime.as_ref(), "all loads have begun", || runway.begun() == 3);
            assert_eq!(census.alive(), 4);
            drop(cache);
            driven(runtime.as_ref(), "the loads are dropped", || census.alive() == 0 && memory.is_gone());
            assert!(census.threads().iter().all(|thread| thread != "bellwether-janitor"), "{at:?}");
        }
    });
}

/// A load of a closure, too.
#[test]
fn g17_a_load_of_a_closure_is_dropped_with_the_cache() {
    in_time(|| {
        let (census, runway) = (Census::new(), Runway::new(1));
        let (cache, memory) = cache(CacheBuilder::new(), &runway, Style::Async, &census);
        let value = census.value();
        drop(cache.fetch_or_load(&1, || async move {
            std::future::pending::<()>().await;
            Loaded::ok(value)
        }));
        drop(cache);
        until("the load is dropped", || census.alive() == 0 && memory.is_gone());
    });
}

#[test]
fn g17_a_blocking_load_runs_out_and_the_values_go_at_once() {
    in_time(|| {
        let (census, runway) = (Census::new(), Runway::new(1));
        let (cache, memory) = cache(CacheBuilder::new(), &runway, Style::Blocking, &census);
        drop(cache.fetch_with(&1));
        runway.until_begun(0);
        assert_eq!(census.alive(), 2);
        drop(cache);
        assert_eq!(census.alive(), 1, "what the cache held is gone; the loader has what it makes");
        runway.open(0);
        until("the load has ended", || census.alive() == 0 && memory.is_gone());
    });
}

#[test]
fn g17_loads_that_wait_for_a_permit_never_begin_once_the_cache_is_gone() {
    in_time(|| {
        for style in BOTH {
            let (census, runway) = (Census::new(), Runway::new(1));
            let (cache, memory) = cache(CacheBuilder::new().max_concurrent_loads(1), &runway, style, &census);
            (0..20).for_each(|key| drop(cache.fetch_with(&key)));
            runway.until_begun(0);
            assert_eq!((cache.metrics().flights, cache.metrics().queued), (20, 19));
            drop(cache);
            if style == Style::Blocking {
                assert_eq!(census.alive(), 1, "the one load that has begun");
                runway.open(0);
            }
            until("all is gone", || census.alive() == 0 && memory.is_gone());
            assert_eq!(runway.begun(), 1, "{style:?}");
        }
    });
}

/// Four loads of the key are in the air, superseded all, and a fifth waits for one of them to end.
#[test]
fn g17_a_load_that_waits_for_its_keys_turn_never_begins_once_the_cache_is_gone() {
    in_time(|| {
        for style in BOTH {
            let (census, runway) = (Census::new(), Runway::new(4));
            let (cache, memory) = cache(CacheBuilder::new(), &runway, style, &census);
            for number in 0..4 {
                drop(cache.fetch_with(&1));
                runway.until_begun(number);
                cache.invalidate(&1);
            }
            drop(cache.fetch_with(&1));
            assert_eq!(cache.metrics().flights, 5);
            drop(cache);
            (0..4).for_each(|number| runway.open(number));
            until("all is gone", || census.alive() == 0 && memory.is_gone());
            assert_eq!(runway.begun(), 4, "{style:?}");
        }
    });
}

/// A refresh that waits for a permit keeps the value that it would renew.
#[test]
fn g17_a_value_that_a_waiting_refresh_keeps_goes_with_the_cache() {
    in_time(|| {
        for style in BOTH {
            let (census, runway) = (Census::new(), Runway::new(1));
            let (cache, memory) = cache(CacheBuilder::new().max_concurrent_loads(1), &runway, style, &census);
            drop(cache.fetch_with(&1));
            runway.until_begun(0);
            drop(cache.refresh(&1_000));
            cache.invalidate(&1_000);
            drop(cache);
            runway.open(0);
            until("all is gone", || census.alive() == 0 && memory.is_gone());
            assert_eq!(runway.begun(), 1, "{style:?}");
        }
    });
}

/// The janitor has an appointment for each load: it keeps nothing until then.
#[test]
fn g17_pending_time_outs_keep_no_memory() {
    in_time(|| {
        for limit in [LONG, Duration::MAX] {
            let (census, runway) = (Census::new(), Runway::new(0));
            let caches: Vec<_> = (0..50)
                .map(|_| {
                    let (cache, memory) = cache(CacheBuilder::new().load_timeout(limit), &runway, Style::Async, &census);
                    for key in 0..3 {
                        drop(cache.fetch_or_load(&key, endless));
                    }
                    let entry = cache.try_entry(9).expect("nobody has the lead");
                    let waiting = cache.clone();
                    // One who waits for the entry sets an alarm for its time.
                    assert!(waiting.fetch_with(&9).now_or_never().is_none());
                    drop(entry);
                    (cache, memory)
                })
                .collect();
            let (handles, memories): (Vec<_>, Vec<_>) = caches.into_iter().unzip();
            drop(handles);
            until("all is gone", || census.alive() == 0 && memories.iter().all(Memory::is_gone));
            assert!(census.threads().iter().all(|thread| thread != "bellwether-janitor"));
        }
    });
}

/// Handles go at about the time at which the janitor wakes.
#[test]
fn g17_no_value_goes_on_the_janitors_thread() {
    in_time(|| {
        let (census, runway) = (Census::new(), Runway::new(0));
        for round in 0..200_u64 {
            let limit = Duration::from_micros(2_000);
            let (cache, memory) = cache(CacheBuilder::new().load_timeout(limit), &runway, Style::Async, &census);
            (0..50).for_each(|key| cache.insert(2_000 + key, census.value()));
            // On a busy machine its time may be over by now.
            drop(cache.fetch_or_load(&1, endless).now_or_never());
            let start = Instant::now();
            while start.elapsed() < limit + Duration::from_micros(20 * (round % 50)) {
                std::hint::spin_loop();
            }
            drop(cache);
            assert_eq!(census.alive(), 0);
            until("the memory is given back", || memory.is_gone());
        }
        let threads = census.threads();
        assert!(threads.len() >= 200 * 51 && threads.iter().all(|thread| thread != "bellwether-janitor"));
    });
}

/// A thread waits inside the call, by the last handle: its load goes on and serves it.
#[test]
fn g17_a_load_that_somebody_waits_for_completes_its_waiter() {
    in_time(|| {
        for style in BOTH {
            let (census, runway) = (Census::new(), Runway::new(1));
            let (cache, memory) = cache(CacheBuilder::new(), &runway, style, &census);
            let threads: Cache<u32, Counted> = cache.into();
            let waiter = std::thread::spawn(move || threads.fetch_with(&1));
            runway.until_begun(0);
            runway.open(0);
            let value = waiter.join().expect("the thread doesn't panic").expect("the load brings it");
            until("all else is gone", || census.alive() == 1 && memory.is_gone());
            drop(value);
            assert_eq!(census.alive(), 0, "{style:?}");
        }
    });
}
