//! Calls that cross: each waits for what another loads.

use super::scene::{Home, Out, Source, all, of, outcomes, put_all};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, LoadErrorKind};
use std::sync::Arc;

type Of<F> = <F as Kind>::Of<u32, u32>;

/// Two calls, each of which loads what the other waits for: 1 and 2 by the first, 3 and 4 by the second.
fn g7_bulk_crossing_calls_for_the_same_keys_end<F: Kind>() {
    for style in BOTH {
        let gate = Gate::new();
        let held = gate.clone();
        let source = Source::new(move |keys: Vec<u32>, out| {
            let held = held.clone();
            async move {
                held.pass().await;
                put_all(&keys, &out);
                Ok(())
            }
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        let first = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2])));
        gate.until_arrived(1);
        let second = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[4, 3, 2, 1])));
        gate.until_arrived(2);
        let third = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2, 3, 4])));
        until("all are waiting", || cache.metrics().joined == 6);
        gate.open();
        assert_eq!(first.result(), all(&[1, 2]), "{style:?}");
        assert_eq!(second.result(), all(&[4, 3, 2, 1]), "{style:?}");
        assert_eq!(third.result(), all(&[1, 2, 3, 4]), "{style:?}");
        assert_eq!(source.calls(), [[1, 2], [3, 4]], "{style:?}");
        at_rest(&cache.sync());
    }
}

fn g7_bulk_calls_in_both_orders_end_again_and_again<F: Kind>() {
    let keys: Vec<u32> = (0..40).collect();
    let back: Vec<u32> = keys.iter().rev().copied().collect();
    for style in BOTH {
        for most in [usize::MAX, 3] {
            let source = Source::new(|keys: Vec<u32>, out| async move {
                for key in &keys {
                    tokio::task::yield_now().await;
                    out.put(key, of(*key));
                }
                Ok(())
            });
            let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().max_batch(most), style));
            for round in 0..40 {
                together(4, |thread| {
                    let asked = if thread % 2 == 0 { &keys } else { &back };
                    assert_eq!(outcomes(&cache.multi_fetch_with(asked)), all(asked), "{style:?}, {most}, {round}");
                });
                cache.clear();
            }
            at_rest(&cache.sync());
        }
    }
}

/// What loads of 100 and 200 ask for inside themselves, in calls that cross.
fn inside(home: &Home, gate: &Gate, hundred: &'static [u32], two_hundred: &'static [u32]) -> Source {
    let (home, gate) = (home.clone(), gate.clone());
    Source::new(move |keys: Vec<u32>, out: Out| {
        let (home, gate) = (home.clone(), gate.clone());
        async move {
            for key in &keys {
                let needs = match key {
                    100 => hundred,
                    200 => two_hundred,
                    _ => &[],
                };
                if needs.is_empty() {
                    gate.pass().await;
                    out.put(key, of(*key));
                } else {
                    let cache = home.cache().to_async();
                    let found = cache.multi_fetch_with(needs).await.found();
                    out.put_result(key, found.map(|found| found.values().map(|value| **value).sum::<u32>()));
                }
            }
            Ok::<_, BoxError>(())
        }
    })
}

fn g7_bulk_crossing_calls_inside_loads_end<F: Kind>() {
    for style in BOTH {
        for most in [None, Some(1), Some(2)] {
            let (home, gate) = (Home::default(), Gate::new());
            let source = inside(&home, &gate, &[1, 2, 3], &[3, 4, 1]);
            let builder = CacheBuilder::new();
            let builder = match most {
                Some(most) => builder.max_concurrent_loads(most),
                None => builder,
            };
            let cache: Of<F> = F::Of::build(source.given(builder, style));
            home.is(&cache.sync());
            let hundred = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[100])));
            gate.until_arrived(1);
            let two_hundred = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[200, 2])));
            until("both are asked for", || cache.metrics().misses >= 5);
            gate.open();
            assert_eq!(hundred.result(), [(100, Ok(60))], "{style:?}, {most:?}");
            assert_eq!(two_hundred.result(), [(200, Ok(80)), (2, Ok(20))], "{style:?}, {most:?}");
            at_rest(&cache.sync());
        }
    }
}

/// 100 and 200 need each other by calls for many: a ring, though each of them has other keys that are loaded.
fn g7_bulk_a_ring_of_calls_inside_loads_is_an_error<F: Kind>() {
    for style in BOTH {
        let (home, gate) = (Home::default(), Gate::new());
        gate.open();
        let source = inside(&home, &gate, &[1, 200, 2], &[3, 100]);
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        home.is(&cache.sync());
        let both = together(2, |thread| {
            let key = [100, 200][thread];
            cache.multi_fetch_with(&[key, 7]).into_iter().map(|(_, result)| result).collect::<Vec<_>>()
        });
        for found in both {
            let error = found[0].as_ref().expect_err("it waits for itself");
            assert_eq!(error.kind(), LoadErrorKind::Cycle, "{style:?}: {error:?}");
            assert!(found[1].as_ref().is_ok_and(|seven| **seven == 70), "{style:?}: what is asked for along with it is there");
        }
        assert!([1, 2, 3].iter().all(|key| cache.fetch_with(key).is_ok()), "{style:?}");
        at_rest(&cache.sync());
    }
}

/// A call is one load: one of its keys that waits for another waits for itself.
fn g7_bulk_a_key_that_needs_another_of_its_own_call_is_an_error<F: Kind>() {
    for style in BOTH {
        let (home, gate) = (Home::default(), Gate::new());
        gate.open();
        let source = inside(&home, &gate, &[1, 2], &[]);
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        home.is(&cache.sync());
        assert_eq!(outcomes(&cache.multi_fetch_with(&[100, 1])), [(100, Err(LoadErrorKind::Cycle)), (1, Ok(10))], "{style:?}");
        // It isn't if that was put before.
        cache.clear();
        assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 100])), [(1, Ok(10)), (100, Ok(30))], "{style:?}");
        at_rest(&cache.sync());
    }
}

fn g7_bulk_a_load_that_asks_for_its_own_key_among_others_is_an_error<F: Kind>() {
    for style in BOTH {
        let home = Home::default();
        let own = home.clone();
        let load = move |key: u32| {
            let own = own.clone();
            async move {
                match key {
                    100 => Ok::<_, BoxError>(own.cache().to_async().multi_fetch_with(&[1, 100]).await.found()?.len().try_into()?),
                    key => Ok(of(key)),
                }
            }
        };
        let load = Arc::new(load);
        let builder = CacheBuilder::new();
        let cache: Of<F> = F::Of::build(match style {
            Style::Async => builder.async_loader_fn(move |key: u32| load(key)),
            Style::Blocking => builder.loader_fn(move |key: &u32| futures::executor::block_on(load(*key))),
        });
        home.is(&cache.sync());
        assert_eq!(cache.fetch_with(&100).map_err(|error| error.kind()), Err(LoadErrorKind::Cycle), "{style:?}");
        assert_eq!(outcomes(&cache.multi_fetch_with(&[100, 2])), [(100, Err(LoadErrorKind::Cycle)), (2, Ok(20))], "{style:?}");
        assert_eq!(cache.fetch_with(&1).ok().as_deref(), Some(&10), "{style:?}");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g7_bulk_crossing_calls_for_the_same_keys_end,
    g7_bulk_calls_in_both_orders_end_again_and_again,
    g7_bulk_crossing_calls_inside_loads_end,
    g7_bulk_a_ring_of_calls_inside_loads_is_an_error,
    g7_bulk_a_key_that_needs_another_of_its_own_call_is_an_error,
    g7_bulk_a_load_that_asks_for_its_own_key_among_others_is_an_error,
);
