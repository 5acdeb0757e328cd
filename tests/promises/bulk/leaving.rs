//! Callers of many keys that go away, caches that end, and runtimes that do.

use super::scene::{Out, Source, all, of, outcomes, put_all};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use bellwether::{AbandonedLoads, BoxError, CacheBuilder, LoadErrorKind, Loaded};
use futures::FutureExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

/// Calls that wait at a gate, and count those of them that were dropped there.
#[derive(Clone, Default)]
struct Held {
    gate: Gate,
    dropped: Arc<AtomicUsize>,
}

struct Witness(Arc<AtomicUsize>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Held {
    /// Puts all keys once the gate is open.
    fn source(&self) -> Source {
        let held = self.clone();
        Source::new(move |keys: Vec<u32>, out: Out| {
            let (gate, witness) = (held.gate.clone(), Witness(Arc::clone(&held.dropped)));
            async move {
                gate.pass().await;
                for key in &keys {
                    out.put(key, of(*key));
                }
                std::mem::forget(witness);
                Ok::<_, BoxError>(())
            }
        })
    }

    fn dropped(&self) -> usize {
        self.dropped.load(Ordering::Relaxed)
    }
}

fn g4_bulk_a_caller_that_goes_away_changes_nothing_for_others<F: Kind>() {
    for style in BOTH {
        for abandoned in [AbandonedLoads::Finish, AbandonedLoads::Cancel] {
            let held = Held::default();
            let cache: Of<F> = F::Of::build(held.source().given(CacheBuilder::new().abandoned_loads(abandoned), style));
            let tasks = cache.sync().to_async();
            let mut leaver = tasks.multi_fetch_with(&[1, 2, 3]);
            assert!((&mut leaver).now_or_never().is_none());
            held.gate.until_arrived(1);
            let stays = apart(&cache, |cache| cache.fetch_with(&2));
            until("he waits", || cache.metrics().waiters == 4);
            drop(leaver);
            until("one waits", || cache.metrics().waiters == 1);
            held.gate.open();
            assert_eq!(stays.result().ok().as_deref(), Some(&20), "{style:?}, {abandoned:?}");
            let metrics = at_rest(&cache.sync());
            let left = if abandoned == AbandonedLoads::Finish { 3 } else { 1 };
            assert_eq!((cache.len(), metrics.loads_stored, metrics.loads_failed()), (left, left, 3 - left), "{style:?}, {abandoned:?}");
            assert_eq!(held.dropped(), 0, "{style:?}, {abandoned:?}: the call goes on for the one who stays");
        }
    }
}

fn g4_bulk_the_call_is_dropped_when_the_last_has_left_where_that_is_asked_for<F: Kind>() {
    for abandoned in [AbandonedLoads::Finish, AbandonedLoads::Cancel] {
        let held = Held::default();
        let builder = CacheBuilder::new().abandoned_loads(abandoned).max_concurrent_loads(1);
        let cache: Of<F> = F::Of::build(held.source().given(builder, Style::Async));
        let tasks = cache.sync().to_async();
        let (mut first, mut second) = (tasks.multi_fetch_with(&[1, 2]), tasks.multi_fetch_with(&[2, 3]));
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        held.gate.until_arrived(1);
        drop(first);
        drop(second);
        match abandoned {
            AbandonedLoads::Finish => {
                held.gate.open();
                cache.sync().wait_idle();
                assert_eq!((cache.len(), held.dropped()), (3, 0));
            }
            _ => {
                until("the call is dropped", || held.dropped() == 1);
                assert_eq!((cache.len(), cache.metrics().flights), (0, 0));
                // The key that waited for a permit with the call that was never made is free, too.
                held.gate.open();
                assert_eq!(outcomes(&cache.multi_fetch_with(&[3, 1])), all(&[3, 1]));
            }
        }
        at_rest(&cache.sync());
    }
}

fn g4_bulk_warm_goes_on_though_nobody_waits<F: Kind>() {
    for style in BOTH {
        let held = Held::default();
        let builder = CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel);
        let cache: Of<F> = F::Of::build(held.source().given(builder, style));
        cache.insert(1, 1);
        assert_eq!(cache.warm(&[1, 2, 3]), 2, "{style:?}");
        held.gate.until_arrived(1);
        // One comes and goes.
        let tasks = cache.sync().to_async();
        let mut passer_by = tasks.multi_fetch_with(&[2, 3]);
        assert!((&mut passer_by).now_or_never().is_none());
        drop(passer_by);
        held.gate.open();
        cache.sync().wait_idle();
        assert_eq!((cache.peek(&2).as_deref(), cache.peek(&3).as_deref(), cache.len()), (Some(&20), Some(&30), 3), "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.hits, metrics.misses, metrics.joined, metrics.loads_stored), (0, 0, 2, 2), "{style:?}: {metrics:?}");
    }
}

fn g17_bulk_warm_ends_with_the_cache<F: Kind>() {
    let held = Held::default();
    let cache: Of<F> = F::Of::build(held.source().given(CacheBuilder::new(), Style::Async));
    assert_eq!(cache.warm(&[1, 2, 3]), 3);
    held.gate.until_arrived(1);
    drop(cache);
    until("the call is dropped", || held.dropped() == 1);
}

fn g17_bulk_close_waits_for_calls_and_begins_no_more<F: Kind>() {
    for style in BOTH {
        let held = Held::default();
        let cache: Of<F> = F::Of::build(held.source().given(CacheBuilder::new(), style));
        cache.insert(9, 9);
        let bulk = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2])));
        held.gate.until_arrived(1);
        let closer = apart(&cache, |cache| cache.sync().close());
        let probe = || Loaded::ok(5).map(Loaded::uncached);
        until("the cache is closed", || cache.fetch_or_load(&5, probe).is_err_and(|error| error.kind() == LoadErrorKind::Closed));
        let late = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[9, 3, 2, 1])));
        until("it waits for what is under way", || cache.metrics().joined == 2);
        assert_eq!(cache.warm(&[6, 7]), 0, "{style:?}");
        assert!(!closer.is_over(), "{style:?}");
        held.gate.open();
        assert_eq!(bulk.result(), all(&[1, 2]), "{style:?}");
        let expected = [(9, Ok(9)), (3, Err(LoadErrorKind::Closed)), (2, Ok(20)), (1, Ok(10))];
        assert_eq!(late.result(), expected, "{style:?}");
        assert!(closer.result(), "{style:?}: every load has ended");
        at_rest(&cache.sync());
    }
}

/// What was put stands, the rest is cancelled, and the next call goes elsewhere.
fn g19_bulk_a_runtime_that_ends_takes_its_own_calls_with_it<F: Kind>() {
    let gate = Gate::new();
    let waits = gate.clone();
    let source = Source::new(move |keys: Vec<u32>, out: Out| {
        let waits = waits.clone();
        async move {
            out.put(&keys[0], of(keys[0]));
            waits.pass().await;
            put_all(&keys[1..], &out);
            Ok(())
        }
    });
    let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), Style::Async));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had");
    let tasks = cache.sync().to_async();
    let fetch = {
        let _inside = runtime.enter();
        tasks.multi_fetch_with(&[1, 2, 3])
    };
    gate.until_arrived(1);
    runtime.shutdown_timeout(Duration::from_secs(30));
    let found = outcomes(&futures::executor::block_on(fetch));
    let cancelled = Err(LoadErrorKind::Cancelled);
    assert_eq!(found, [(1, Ok(10)), (2, cancelled), (3, cancelled)]);
    gate.open();
    assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2, 3])), all(&[1, 2, 3]));
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g4_bulk_a_caller_that_goes_away_changes_nothing_for_others,
    g4_bulk_the_call_is_dropped_when_the_last_has_left_where_that_is_asked_for,
    g4_bulk_warm_goes_on_though_nobody_waits,
    g17_bulk_warm_ends_with_the_cache,
    g17_bulk_close_waits_for_calls_and_begins_no_more,
    g19_bulk_a_runtime_that_ends_takes_its_own_calls_with_it,
);
