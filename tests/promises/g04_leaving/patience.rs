//! Callers with less patience than a load takes, on tokio and with no runtime anywhere, with threads among them that stay.

use crate::apart::apart;
use crate::rest::at_rest;
use crate::watchdog::in_time;
use crate::ways::Way;
use bellwether::{AsyncCache, CacheBuilder, Source};
use futures::channel::oneshot;
use futures::future::{Either, join_all, select};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const LOAD: Duration = Duration::from_millis(70);
const PATIENCE: Duration = Duration::from_millis(50);

/// Ready after `wait`, by a thread of its own.
fn timer(wait: Duration) -> oneshot::Receiver<()> {
    let (send, receive) = oneshot::channel();
    thread::spawn(move || {
        thread::sleep(wait);
        // Nobody may be left to hear it.
        let _ = send.send(());
    });
    receive
}

/// Its loads take their time by `timer`, or as a thread.
fn cache(way: Way, blocking: bool) -> (AsyncCache<u32, usize>, Arc<AtomicUsize>) {
    let loads = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&loads);
    let builder: CacheBuilder<u32, usize> = if blocking {
        CacheBuilder::new().loader_fn(move |_: &u32| {
            thread::sleep(LOAD);
            bellwether::ok(counted.fetch_add(1, Ordering::Relaxed))
        })
    } else {
        CacheBuilder::new().async_loader_fn(move |_: u32| {
            let counted = Arc::clone(&counted);
            async move {
                timer(LOAD).await.expect("the timer is never dropped");
                bellwether::ok(counted.fetch_add(1, Ordering::Relaxed))
            }
        })
    };
    (way.build(builder).to_async(), loads)
}

/// Callers whose time runs out leave; the load, which no thread waits for, goes on and the next call hits.
fn the_next_call_hits(way: Way, blocking: bool) {
    let (cache, loads) = cache(way, blocking);
    let start = Instant::now();
    let impatient = |_| async {
        let timed = match way {
            Way::OnTokio => tokio::time::timeout(PATIENCE, cache.fetch_with(&1)).await.ok(),
            Way::Blocking | Way::WithoutRuntime => match select(cache.fetch_with(&1), timer(PATIENCE)).await {
                Either::Left((result, _)) => Some(result),
                Either::Right(_) => None,
            },
        };
        timed.is_none()
    };
    let left = way.wait(join_all((0..20).map(impatient))).into_iter().filter(|left| *left).count();
    assert!(left == 20 || start.elapsed() >= LOAD, "{left} of 20 left, before the load could be over");
    crate::gate::until("the load is stored", || cache.contains_key(&1));
    let found = way.wait(cache.fetch_detailed(&1)).expect("it is held");
    assert_eq!((*found.value, found.source, loads.load(Ordering::Relaxed)), (0, Source::Hit, 1));
    assert_eq!(at_rest(&cache.to_sync()).loads_started, 1);
}

#[test]
fn g4_callers_that_time_out_cost_one_load_and_the_next_call_hits_on_tokio() {
    in_time(|| [false, true].into_iter().for_each(|blocking| the_next_call_hits(Way::OnTokio, blocking)));
}

#[test]
fn g4_callers_that_time_out_cost_one_load_and_the_next_call_hits_without_a_runtime() {
    in_time(|| [false, true].into_iter().for_each(|blocking| the_next_call_hits(Way::WithoutRuntime, blocking)));
}

/// A thread joins, or leads, and gets what the others had no patience for.
#[test]
fn g4_a_thread_among_callers_that_time_out_is_served() {
    in_time(|| {
        for (way, blocking) in [(Way::OnTokio, false), (Way::OnTokio, true), (Way::WithoutRuntime, false), (Way::WithoutRuntime, true)] {
            let (cache, loads) = cache(way, blocking);
            let thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
            let impatient = (0..20).map(|_| select(cache.fetch_with(&1), timer(PATIENCE)));
            drop(way.wait(async { join_all(impatient).await }));
            assert_eq!((*thread.result().expect("the load brings it"), loads.load(Ordering::Relaxed)), (0, 1));
            at_rest(&cache.to_sync());
        }
    });
}
