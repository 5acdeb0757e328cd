//! G4: a million callers that come and go leave no memory behind. The resident size of the process is measured: this has one of its own.
#![cfg(all(target_os = "linux", not(any(bellwether_loom, bellwether_shuttle))))]

#[path = "support/gate.rs"]
mod gate;
#[path = "support/rest.rs"]
mod rest;
#[path = "support/runway.rs"]
mod runway;
#[path = "support/watchdog.rs"]
mod watchdog;

use bellwether::{AbandonedLoads, AsyncCache, CacheBuilder};
use rest::at_rest;
use runway::{Runway, Style};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

/// The least that a caller could leave behind is a seat in its flight, of sixteen bytes: sixteen million of them. A quarter of that is far
/// more than a heap at rest sways by.
const BOUND: u64 = 4 << 20;
const CALLERS: usize = 1_000_000;
/// A load that is cancelled costs a task: fewer of them, each of which has hundreds of bytes to leave behind.
const LOADS: usize = 50_000;

struct Bell;

impl Wake for Bell {
    fn wake(self: Arc<Self>) {}
}

/// The resident size of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel tells");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it tells this");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("it is a number of kilobytes") << 10
}

fn is_pending<F: Future + Unpin>(future: &mut F, waker: &Waker) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(waker)).is_pending()
}

/// Callers that poll by a waker of their own and leave, while one stays who polls by each of these wakers in turn.
fn come_and_go(cache: &AsyncCache<u32, usize>, callers: usize) {
    let mut stays = cache.fetch_with(&1);
    for _ in 0..callers {
        let waker = Waker::from(Arc::new(Bell));
        assert!(is_pending(&mut cache.fetch_with(&1), &waker) && is_pending(&mut stays, &waker));
    }
}

/// Loads that begin and are cancelled, as their only caller leaves. A write now and then has more than one load of the key in the air.
fn cancel(cache: &AsyncCache<u32, usize>, loads: usize) {
    for number in 0..loads {
        let mut fetch = cache.fetch_with(&2);
        assert!(is_pending(&mut fetch, &Waker::from(Arc::new(Bell))));
        if number % 3 == 0 {
            cache.invalidate(&2);
        }
        drop(fetch);
        // No more of them at a time than the threads get done with.
        if number % 1_000 == 999 {
            futures::executor::block_on(cache.wait_idle());
        }
    }
}

/// Gives how much it had `work` do in all.
fn grows_little(what: &str, work: impl Fn(usize), number: usize) -> usize {
    // So that all that is made once is there.
    work(number / 10);
    let mut done = number / 10;
    // A heap may still grow once or twice, as threads take turns; a leak grows each time.
    let mut grown = Vec::new();
    for _ in 0..4 {
        let before = resident();
        work(number);
        done += number;
        grown.push(resident().saturating_sub(before));
        if grown[grown.len() - 1] < BOUND {
            return done;
        }
    }
    panic!("{what}: {grown:?} bytes more each time after {number}");
}

#[test]
fn g4_a_million_callers_and_cancelled_loads_leave_no_memory_behind() {
    watchdog::in_time(|| {
        // The load of key 1 is held; those of key 2 never end by themselves.
        let runway = Runway::new(1);
        // However long all of them take.
        let builder = CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel).load_timeout(Duration::from_secs(3_600));
        let builder = runway.numbers::<u32>(builder, Style::Async);
        let held = builder.build_async().expect("the settings make sense");
        let keeps = held.fetch_with(&1);
        runway.until_begun(0);
        grows_little("callers that come and go", |number| come_and_go(&held, number), CALLERS);
        assert_eq!(held.metrics().waiters, 1);
        runway.open(0);
        assert_eq!(*futures::executor::block_on(keeps).expect("the load brings it"), 0);
        at_rest(&held.to_sync());

        let endless = CacheBuilder::new()
            .abandoned_loads(AbandonedLoads::Cancel)
            .async_loader_fn(|_: u32| std::future::pending::<Result<usize, bellwether::BoxError>>())
            .build_async()
            .expect("the settings make sense");
        let loads = grows_little("cancelled loads", |number| cancel(&endless, number), LOADS);
        assert_eq!(at_rest(&endless.to_sync()).loads_failed(), u64::try_from(loads).expect("it is small"));
    });
}
