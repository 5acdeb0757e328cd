//! A vacant entry is given up while a fetch waits for it: the cache's own loader takes over there and then, whoever is polled.

use crate::apart::apart;
use crate::g04_entry::{ENDS, LIMIT, until_waiting, vacant};
use crate::gate::until;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::watchdog::in_time;
use crate::ways::{WAYS, Way};
use bellwether::{AbandonedLoads, AsyncCache, BoxError, Cache, CacheBuilder, LoadErrorKind, MockClock};
use futures::FutureExt;
use std::sync::LazyLock;
use std::time::Duration;

in_every_way!(
    g4_the_loader_takes_over_once_though_nobody_who_waits_is_ever_polled_again,
    g4_the_loader_takes_over_for_fetches_and_all_who_wait_otherwise_get_what_it_brings,
    g4_the_loader_does_not_take_over_for_a_fetch_that_has_left,
    g4_when_the_loader_that_took_over_fails_fetches_hear_of_it_and_one_who_waits_for_an_entry_is_next,
);

fn g4_the_loader_takes_over_once_though_nobody_who_waits_is_ever_polled_again(way: Way) {
    for end in ENDS {
        for style in BOTH {
            let (clock, runway) = (MockClock::new(), Runway::new(1));
            let builder = runway.numbers(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), style);
            let cache = way.build(builder);
            let lead = vacant(way.entry(&cache, 1));
            let tasks = cache.to_async();
            let mut fetches: Vec<_> = way.within(|| (0..5).map(|_| tasks.fetch_with(&1)).collect());
            assert!(fetches.iter_mut().all(|fetch| fetch.now_or_never().is_none()), "the entry is held");
            let overrun = end.give_up(lead, &clock);
            runway.until_begun(0);
            runway.open(0);
            until("what it loads is stored", || cache.contains_key(&1));
            for fetch in fetches {
                assert_eq!(*way.wait(fetch).expect("the load brings it"), 0, "{end:?}, {style:?}");
            }
            drop(overrun);
            let metrics = at_rest(&cache);
            assert_eq!((runway.begun(), metrics.loads_started, metrics.loads_stored), (1, 1, 1), "{end:?}, {style:?}");
            assert_eq!((metrics.misses, metrics.joined), (1, 5));
        }
    }
}

fn g4_the_loader_takes_over_for_fetches_and_all_who_wait_otherwise_get_what_it_brings(way: Way) {
    for end in ENDS {
        for style in BOTH {
            let (clock, runway) = (MockClock::new(), Runway::new(1));
            let builder = runway.numbers(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), style);
            let cache = way.build(builder);
            let lead = vacant(way.entry(&cache, 1));
            let of_a_way = |way: Way| {
                [
                    apart(&cache, move |cache| way.fetch_with(&cache, &1).expect("the load brings it")),
                    apart(&cache, move |cache| way.make(way.entry(&cache, 1), || panic!("the load brings it"))),
                    apart(&cache, move |cache| way.fetch_or_load(&cache, &1, || panic!("the load brings it")).expect("the load brings it")),
                ]
            };
            let waiting: Vec<_> = WAYS.into_iter().flat_map(of_a_way).collect();
            until_waiting(&cache, 9);
            let overrun = end.give_up(lead, &clock);
            runway.until_begun(0);
            until_waiting(&cache, 9);
            runway.open(0);
            assert!(waiting.into_iter().all(|waiting| *waiting.result() == 0), "{end:?}, {style:?}");
            drop(overrun);
            assert_eq!((at_rest(&cache).loads_started, runway.begun()), (1, 1), "{end:?}, {style:?}");
        }
    }
}

fn g4_the_loader_does_not_take_over_for_a_fetch_that_has_left(way: Way) {
    for end in ENDS {
        let (clock, runway) = (MockClock::new(), Runway::new(0));
        let builder = runway.numbers(CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT), crate::runway::Style::Async);
        let cache = way.build(builder);
        let lead = vacant(way.entry(&cache, 1));
        let waiting = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 5));
        until_waiting(&cache, 1);
        let tasks = cache.to_async();
        drop(way.within(|| (tasks.fetch_with(&1), tasks.fetch_with(&1))));
        let overrun = end.give_up(lead, &clock);
        assert_eq!((*waiting.result(), runway.begun()), (5, 0), "{end:?}");
        drop(overrun);
        at_rest(&cache);
    }
}

fn g4_when_the_loader_that_took_over_fails_fetches_hear_of_it_and_one_who_waits_for_an_entry_is_next(way: Way) {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache = way.build(runway.loader::<u32, usize>(CacheBuilder::new(), style, |_| Err("no".into())));
        let lead = vacant(way.entry(&cache, 1));
        let fetch = apart(&cache, move |cache| way.fetch_with(&cache, &1));
        let entries: Vec<_> = (0..3).map(|n| apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 50 + n))).collect();
        until_waiting(&cache, 4);
        drop(lead);
        runway.until_begun(0);
        until_waiting(&cache, 4);
        runway.open(0);
        assert_eq!(fetch.result().expect_err("the load fails").kind(), LoadErrorKind::Failed);
        let brought: Vec<_> = entries.into_iter().map(|entry| *entry.result()).collect();
        assert!(brought.iter().all(|value| *value == brought[0]), "one brings it for all: {brought:?}");
        assert_eq!((at_rest(&cache).loads_started, runway.begun()), (1, 1));
    }
}

/// A cache whose abandoned loads are cancelled: who waited for the entry waits for the load that takes over, polled or not.
#[test]
fn g4_the_load_that_took_over_is_kept_by_a_fetch_that_has_not_been_polled_since() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(1);
            let builder = runway.numbers(CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel), style);
            let cache = Way::WithoutRuntime.build(builder);
            let (lead, tasks) = (vacant(cache.entry(1)), cache.to_async());
            let (mut stays, mut leaves) = (tasks.fetch_with(&1), tasks.fetch_with(&1));
            assert!((&mut stays).now_or_never().is_none() && (&mut leaves).now_or_never().is_none());
            drop(lead);
            runway.until_begun(0);
            assert!((&mut leaves).now_or_never().is_none(), "the load is held");
            drop(leaves);
            runway.open(0);
            assert_eq!(*futures::executor::block_on(stays).expect("the load brings it"), 0, "{style:?}");
            assert_eq!((runway.begun(), at_rest(&cache).loads_stored), (1, 1), "{style:?}");
        }
    });
}

#[test]
fn g4_the_load_that_took_over_is_cancelled_when_all_have_left_who_waited_for_the_entry() {
    in_time(|| {
        let runway = Runway::new(1);
        let builder = runway.numbers(CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel), crate::runway::Style::Async);
        let cache = Way::WithoutRuntime.build(builder);
        let (lead, tasks) = (vacant(cache.entry(1)), cache.to_async());
        let mut fetches: Vec<_> = (0..3).map(|_| tasks.fetch_with(&1)).collect();
        assert!(fetches.iter_mut().all(|fetch| fetch.now_or_never().is_none()));
        drop(lead);
        runway.until_begun(0);
        drop(fetches);
        let cancelled = || cache.metrics().loads_failed_by(LoadErrorKind::Cancelled);
        // It is let go after a while all the same, so that a failure ends.
        let start = std::time::Instant::now();
        while cancelled() == 0 && start.elapsed() < Duration::from_secs(3) {
            std::thread::yield_now();
        }
        let in_time = cancelled();
        runway.open(0);
        at_rest(&cache);
        assert_eq!((in_time, cache.contains_key(&1)), (1, false));
    });
}

/// A loader that needs a tokio runtime to run on.
async fn on_tokio(key: u32) -> Result<usize, BoxError> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    Ok(key as usize)
}

/// Where the loads of a runtime's callers run on that runtime, the load that takes over does so, too.
#[test]
fn g19_the_load_that_takes_over_runs_on_the_runtime_of_those_who_wait() {
    in_time(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime can be had");
        let cache = AsyncCache::<u32, usize>::builder().async_loader_fn(on_tokio).build_async().expect("the settings make sense");
        runtime.block_on(async {
            assert_eq!(*cache.fetch_with(&2).await.expect("its load runs on this runtime"), 2);
            let lead = vacant(cache.entry(1).await);
            let mut fetch = cache.fetch_with(&1);
            assert!((&mut fetch).now_or_never().is_none());
            drop(lead);
            assert_eq!(*fetch.await.expect("its load runs on this runtime"), 1);
        });
        at_rest(&cache.to_sync());
    });
}

#[test]
fn g19_the_load_that_takes_over_after_a_time_out_runs_on_the_runtime_of_those_who_wait() {
    // Built outside of any runtime, as a static is.
    static CLOCK: LazyLock<MockClock> = LazyLock::new(MockClock::new);
    static CACHE: LazyLock<AsyncCache<u32, usize>> = LazyLock::new(|| {
        let builder = AsyncCache::builder().async_loader_fn(on_tokio).clock(CLOCK.clone()).load_timeout(LIMIT);
        builder.build_async().expect("the settings make sense")
    });
    in_time(|| {
        LazyLock::force(&CACHE);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime can be had");
        let lead = vacant(CACHE.to_sync().entry(1));
        // Its time ends on a thread that knows of no runtime, as the janitor's does.
        let keeper = apart(&*CLOCK, |clock| {
            until("somebody waits for the entry", || CACHE.metrics().joined == 1);
            clock.advance(LIMIT);
        });
        let fetched = runtime.block_on(async {
            assert_eq!(*CACHE.fetch_with(&2).await.expect("its load runs on this runtime"), 2);
            CACHE.fetch_with(&1).await
        });
        assert_eq!(*fetched.expect("its load runs on this runtime"), 1);
        keeper.result();
        drop(lead);
        at_rest(&CACHE.to_sync());
    });
}

/// Only one who waits by a loader that there is makes it load.
#[test]
fn g4_no_load_takes_over_where_there_is_no_loader() {
    in_time(|| {
        let cache: Cache<u32, usize> = Cache::builder().build().expect("the settings make sense");
        let lead = vacant(cache.entry(1));
        let waiting = apart(&cache, |cache| cache.fetch_or_load(&1, || bellwether::ok(5)));
        until_waiting(&cache, 1);
        drop(lead);
        assert_eq!(*waiting.result().expect("its own closure brings it"), 5);
        assert_eq!(at_rest(&cache).loads_started, 1);
    });
}
