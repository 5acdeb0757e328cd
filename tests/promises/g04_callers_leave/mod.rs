//! G4: the load belongs to the cache, not to a caller. Callers that go away neither cancel it nor slow the others.

mod patience;
mod wakers;

use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, BoxFuture, Loaded, Source, SpawnError, Spawner};
use futures::FutureExt;
use futures::executor::block_on;

fn cache(runway: &Runway, style: Style) -> AsyncCache<u32, usize> {
    runway.numbers(AsyncCache::builder(), style).build_async().expect("the settings make sense")
}

/// The only caller goes away; the load that it started goes on and is stored.
fn leave(cache: &AsyncCache<u32, usize>, runway: &Runway, leave: impl FnOnce(&AsyncCache<u32, usize>)) {
    leave(cache);
    runway.until_begun(0);
    assert!(!cache.contains_key(&1), "the load is held");
    runway.open(0);
    until("the load is stored", || cache.contains_key(&1));
    let found = block_on(cache.fetch_detailed(&1)).expect("it is held");
    assert_eq!((*found.value, found.source, runway.begun()), (0, Source::Hit, 1));
    let metrics = at_rest(&cache.to_sync());
    assert_eq!((metrics.loads_started, metrics.loads_stored), (1, 1));
}

#[test]
fn g4_dropped_caller_does_not_cancel_the_load() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            leave(&cache(&runway, style), &runway, |cache| {
                let mut fetch = cache.fetch_with(&1);
                assert!((&mut fetch).now_or_never().is_none(), "the load is held");
            });
        }
    });
}

/// The load starts in the call, not at the first poll.
#[test]
fn g4_a_caller_that_never_polls_does_not_hold_up_the_load() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            leave(&cache(&runway, style), &runway, |cache| drop(cache.fetch_with(&1)));
        }
    });
}

#[test]
fn g4_dropped_caller_does_not_cancel_the_load_of_its_closure() {
    in_time(|| {
        let (runway, own) = (Runway::new(0), Runway::new(1));
        leave(&cache(&runway, Style::Async), &own, |cache| {
            let load = own.clone();
            let mut fetch = cache.fetch_or_load(&1, || async move { Ok::<_, BoxError>(load.load_async().await) });
            assert!((&mut fetch).now_or_never().is_none(), "the load is held");
        });
        assert_eq!(runway.begun(), 0);
    });
}

#[test]
fn g4_dropped_caller_does_not_cancel_the_load_on_a_runtime() {
    in_time(|| {
        for style in BOTH {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had");
            let runway = Runway::new(1);
            leave(&cache(&runway, style), &runway, |cache| {
                let caller = cache.clone();
                let task = runtime.spawn(async move { caller.fetch_with(&1).await });
                runway.until_begun(0);
                task.abort();
                assert!(runtime.block_on(task).expect_err("it was aborted").is_cancelled());
            });
        }
    });
}

/// A thread for each load.
struct Threads;

impl Spawner for Threads {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.spawn_blocking(Box::new(move || block_on(future)))
    }
    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        std::thread::spawn(job);
        Ok(())
    }
}

#[test]
fn g4_dropped_caller_does_not_cancel_the_load_on_a_spawner_of_ones_own() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let builder = runway.numbers(AsyncCache::builder(), style).spawner(Threads);
            leave(&builder.build_async().expect("the settings make sense"), &runway, |cache| drop(cache.fetch_with(&1)));
        }
    });
}

#[test]
fn g4_dropped_leader_and_leavers_among_a_thousand_waiters_leave_the_others_served() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let cache = cache(&runway, style);
            let mut waiters: Vec<_> = (0..1_000).map(|_| Some(cache.fetch_detailed(&1))).collect();
            for waiter in waiters.iter_mut().flatten() {
                assert!(waiter.now_or_never().is_none(), "the load is held");
            }
            runway.until_begun(0);
            // The leader, and then every third.
            waiters.iter_mut().step_by(3).for_each(|waiter| drop(waiter.take()));
            runway.open(0);
            let found = block_on(futures::future::join_all(waiters.into_iter().flatten()));
            assert_eq!(found.len(), 666);
            for found in found {
                let found = found.expect("the load brings it");
                assert_eq!((*found.value, found.source), (0, Source::Joined), "{style:?}");
            }
            let metrics = at_rest(&cache.to_sync());
            assert_eq!((runway.begun(), metrics.joined, metrics.loads_started), (1, 999, 1));
        }
    });
}

/// The leader is there and is never polled; those who joined its flight don't need it.
#[test]
fn g4_progress_does_not_depend_on_the_leader_being_polled() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(0);
            let cache = cache(&runway, style);
            let leader = cache.fetch_with(&1);
            let joined = block_on(cache.fetch_with(&1)).expect("the load brings it");
            let threads = cache.to_sync();
            assert_eq!((*joined, *threads.fetch_with(&1).expect("the load brings it")), (0, 0));
            assert_eq!(*block_on(leader).expect("the load brings it"), 0, "{style:?}");
            assert_eq!(runway.begun(), 1);
            at_rest(&threads);
        }
    });
}

/// All callers leave a load that fails: nobody hears of it, and the next call loads anew.
#[test]
fn g4_a_failure_that_nobody_waits_for_is_nobodys_and_the_key_works_the_next_time() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let answer = |number| if number == 0 { Err("nobody hears this".into()) } else { Loaded::ok(number) };
            let cache = runway.loader::<u32, usize>(AsyncCache::builder(), style, answer).build_async().expect("the settings make sense");
            drop((cache.fetch_with(&1), cache.fetch_with(&1)));
            runway.open(0);
            until("the load has failed", || cache.metrics().loads_failed() == 1);
            assert_eq!(*block_on(cache.fetch_with(&1)).expect("the second load brings it"), 1, "{style:?}");
            assert_eq!(at_rest(&cache.to_sync()).loads_started, 2);
        }
    });
}
