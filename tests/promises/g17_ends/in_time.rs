//! Waiting for an idle cache ends with the loads' time, whoever else waits for them.

use crate::gate::{Gate, until};
use crate::watchdog::in_time;
use bellwether::{BoxError, Cache, LoadErrorKind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const LIMIT: Duration = Duration::from_millis(50);

#[test]
fn g17_a_load_on_its_leader_s_thread_is_waited_for_no_longer_than_its_time() {
    in_time(|| {
        let gate = Gate::new();
        let held = gate.clone();
        let load = move |&key: &u32| {
            held.wait();
            Ok::<_, BoxError>(key)
        };
        let cache: Cache<u32, u32> = Cache::builder().loader_fn(load).load_timeout(LIMIT).build().expect("the settings make sense");
        let leader = cache.clone();
        let leading = std::thread::spawn(move || leader.fetch_with(&1));
        until("it loads", || cache.metrics().flights == 1);
        cache.wait_idle();
        // A load that begins while somebody waits is no different.
        gate.open();
        let error = leading.join().expect("a fetch doesn't panic").expect_err("it took too long");
        assert_eq!(error.kind(), LoadErrorKind::TimedOut);
        cache.settle();
        cache.validate();
    });
}

#[test]
fn g17_a_loader_that_waits_for_its_own_cache_runs_out_of_time() {
    in_time(|| {
        let found: Arc<OnceLock<Cache<u32, u32>>> = Arc::default();
        let own = Arc::clone(&found);
        let load = move |&key: &u32| {
            own.get().expect("it is built").wait_idle();
            Ok::<_, BoxError>(key)
        };
        let cache: Cache<u32, u32> = Cache::builder().loader_fn(load).load_timeout(LIMIT).build().expect("the settings make sense");
        assert!(found.set(cache.clone()).is_ok());
        assert_eq!(cache.fetch_with(&1).expect_err("it waits for itself").kind(), LoadErrorKind::TimedOut);
    });
}
