//! Keys whose load has to wait for its turn, since four loads of them are in the air already, among others that needn't.

use super::scene::{Home, Source, all, of, outcomes, put_all};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::Gate;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::CacheBuilder;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Of<F> = <F as Kind>::Of<u32, u32>;

/// The key that is crowded.
const CROWDED: u32 = 1;

/// A source whose first four calls for the crowded key wait at the gate, and then do something else before they end.
fn crowding<F>(gate: &Gate, then: impl Fn() -> F + Clone + Send + Sync + 'static) -> Source
where
    F: Future<Output = ()> + Send + 'static,
{
    let (gate, calls) = (gate.clone(), Arc::new(AtomicUsize::new(0)));
    Source::new(move |keys: Vec<u32>, out| {
        let (gate, calls, then) = (gate.clone(), Arc::clone(&calls), then.clone());
        async move {
            if keys.contains(&CROWDED) && calls.fetch_add(1, Ordering::Relaxed) < 4 {
                gate.pass().await;
                then().await;
            }
            put_all(&keys, &out);
            Ok(())
        }
    })
}

/// Four superseded loads of the crowded key, held at the gate.
fn crowd<F: Kind>(cache: &Of<F>, gate: &Gate) -> Vec<crate::apart::Apart<()>> {
    let begun = |n: usize| {
        let caller = apart(cache, |cache| drop(cache.multi_fetch_with(&[CROWDED])));
        gate.until_arrived(n);
        cache.invalidate(&CROWDED);
        caller
    };
    (1..=4).map(begun).collect()
}

fn g2_bulk_a_crowded_key_keeps_no_other_waiting<F: Kind>() {
    for style in BOTH {
        for order in [[CROWDED, 2, 3], [2, CROWDED, 3], [2, 3, CROWDED]] {
            let gate = Gate::new();
            let source = crowding(&gate, || async {});
            let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().shards(1), style));
            let crowd = crowd::<F>(&cache, &gate);
            let bulk = apart(&cache, move |cache| outcomes(&cache.multi_fetch_with(&order)));
            // The others are there though the crowded key waits for its turn.
            assert_eq!(outcomes(&cache.multi_fetch_with(&[2, 3])), all(&[2, 3]), "{style:?}, {order:?}");
            assert!(!bulk.is_over(), "{style:?}, {order:?}");
            gate.open();
            assert_eq!(bulk.result(), all(&order), "{style:?}, {order:?}");
            crowd.into_iter().for_each(|caller| caller.result());
            at_rest(&cache.sync());
        }
    }
}

/// The loads that crowd a key wait for another key that was asked for together with it. That is no ring, and everybody is served.
fn g7_bulk_what_crowds_a_key_may_wait_for_those_asked_for_with_it<F: Kind>() {
    for style in BOTH {
        let (gate, home) = (Gate::new(), Home::default());
        let other = home.clone();
        let source = crowding(&gate, move || {
            let other = other.clone();
            async move {
                let value = other.cache().to_async().fetch_with(&2).await.expect("it is no ring");
                assert_eq!(*value, of(2));
            }
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().shards(1), style));
        home.is(&cache.sync());
        let crowd = crowd::<F>(&cache, &gate);
        let bulk = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[CROWDED, 2])));
        crate::gate::until("the bulk has asked", || cache.metrics().misses == 6);
        gate.open();
        assert_eq!(bulk.result(), all(&[CROWDED, 2]), "{style:?}");
        crowd.into_iter().for_each(|caller| caller.result());
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(g2_bulk_a_crowded_key_keeps_no_other_waiting, g7_bulk_what_crowds_a_key_may_wait_for_those_asked_for_with_it);
