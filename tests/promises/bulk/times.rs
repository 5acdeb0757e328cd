//! Calls for many keys that take too long.

use super::scene::{Out, Source, all, of, outcomes, put_all};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use bellwether::{BoxError, CacheBuilder, LoadErrorKind, MockClock};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

/// By the mock clock.
const LIMIT: Duration = Duration::from_secs(10);

/// Counts itself when it is dropped.
struct Witness(Arc<AtomicUsize>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn g5_bulk_a_time_out_ends_what_has_not_been_put<F: Kind>() {
    for style in BOTH {
        let (gate, clock) = (Gate::new(), MockClock::new());
        let (waits, dropped) = (gate.clone(), Arc::new(AtomicUsize::new(0)));
        let counts = Arc::clone(&dropped);
        let source = Source::new(move |_, out: Out| {
            let (gate, witness) = (waits.clone(), Witness(Arc::clone(&counts)));
            async move {
                out.put(&1, of(1));
                gate.pass().await;
                assert!(!out.put(&2, of(2)), "its time is over");
                drop(witness);
                Ok::<_, BoxError>(())
            }
        });
        let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(LIMIT).max_concurrent_loads(1);
        let cache: Of<F> = F::Of::build(source.given(builder, style));
        let bulk = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2, 3])));
        gate.until_arrived(1);
        assert_eq!(cache.fetch(&1).as_deref(), Some(&10), "{style:?}");
        let single = apart(&cache, |cache| cache.fetch_with(&3));
        until("it joins", || cache.metrics().joined == 1);
        clock.advance(LIMIT);
        assert_eq!(single.result().map_err(|error| error.kind()).err(), Some(LoadErrorKind::TimedOut), "{style:?}");
        if style == Style::Async {
            until("the call is dropped", || dropped.load(Ordering::Relaxed) == 1);
        } else {
            assert_eq!(dropped.load(Ordering::Relaxed), 0, "it is left to finish");
        }
        gate.open();
        let timed_out = Err(LoadErrorKind::TimedOut);
        assert_eq!(bulk.result(), [(1, Ok(10)), (2, timed_out), (3, timed_out)], "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_stored, metrics.loads_failed(), cache.len()), (1, 2, 1), "{style:?}");
    }
}

/// A call that has put all of its keys and hangs is dropped at its deadline, and its permit is free then. By the real clock: on a busy machine a call may
/// not have begun when its time is over, and is made again.
fn g5_bulk_a_call_that_never_ends_ends_in_time<F: Kind>() {
    let source = Source::new(|keys: Vec<u32>, out: Out| async move {
        put_all(&keys, &out);
        if keys[0] == 1 {
            std::future::pending::<()>().await;
        }
        Ok(())
    });
    let builder = CacheBuilder::new().load_timeout(Duration::from_millis(200)).max_concurrent_loads(1);
    let cache: Of<F> = F::Of::build(source.given(builder, Style::Async));
    until("it has put all in time", || outcomes(&cache.multi_fetch_with(&[1, 2])) == all(&[1, 2]));
    until("the permit is free", || cache.metrics().permits == 0);
    until("the next one has, too", || outcomes(&cache.multi_fetch_with(&[3, 4])) == all(&[3, 4]));
    at_rest(&cache.sync());
}

/// A permit never comes: all that wait for one end in time, in one call or several.
fn g5_bulk_calls_that_wait_for_a_permit_end_in_time<F: Kind>() {
    for style in BOTH {
        let gate = Gate::new();
        let builder = CacheBuilder::new().load_timeout(Duration::from_millis(300)).max_concurrent_loads(1).max_batch(2);
        let cache: Of<F> = F::Of::build(Source::plain().given(builder, style));
        let held = gate.clone();
        // A blocking load keeps its permit until it ends, whatever the time.
        let holder = apart(&cache, |cache| {
            cache.sync().fetch_or_load(&1_000, move || {
                held.wait();
                bellwether::ok(0)
            })
        });
        gate.until_arrived(1);
        let found = outcomes(&cache.multi_fetch_with(&[1, 2, 3, 4, 5]));
        let timed_out = Err(LoadErrorKind::TimedOut);
        assert_eq!(found, [1, 2, 3, 4, 5].map(|key| (key, timed_out)), "{style:?}");
        gate.open();
        assert!(holder.result().is_err(), "{style:?}");
        // On a busy machine some may have to be asked for once more.
        let all = all(&[1, 2, 3, 4, 5]);
        until("the permit is there for them", || outcomes(&cache.multi_fetch_with(&[1, 2, 3, 4, 5])) == all);
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g5_bulk_a_time_out_ends_what_has_not_been_put,
    g5_bulk_a_call_that_never_ends_ends_in_time,
    g5_bulk_calls_that_wait_for_a_permit_end_in_time,
);
