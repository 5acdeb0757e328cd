//! Calls that wait for a permit, and calls inside a load that has one.

use super::scene::{Home, Source, all, of, outcomes, put_all};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, LoadErrorKind, Loaded};

type Of<F> = <F as Kind>::Of<u32, u32>;

/// One permit: a load is held on it, and what else is asked for waits.
struct Busy<C> {
    cache: C,
    gate: Gate,
    holder: crate::apart::Apart<()>,
    source: Source,
}

impl<C: Face<u32, u32>> Busy<C> {
    fn new(style: crate::runway::Style, builder: CacheBuilder<u32, u32>) -> Self {
        let source = Source::plain();
        let gate = Gate::new();
        let cache = C::build(source.given(builder.max_concurrent_loads(1), style));
        let held = gate.clone();
        let holder = apart(&cache, |cache| {
            let load = move || {
                held.wait();
                Loaded::ok(0)
            };
            assert!(cache.fetch_or_load(&1_000, load).is_ok());
        });
        gate.until_arrived(1);
        Self { cache, gate, holder, source }
    }

    /// The permit is free, and all that wait for it have it in turn.
    fn done(self) -> Source {
        self.gate.open();
        self.holder.result();
        let metrics = at_rest(&self.cache.sync());
        assert!(metrics.permits_peak <= 1, "{metrics:?}");
        self.source
    }

    fn until_waiting(&self, misses: u64) {
        until("all is asked for", || self.cache.metrics().misses == misses);
    }
}

fn g7_bulk_a_call_waits_for_one_permit_and_goes_out_whole<F: Kind>() {
    for style in BOTH {
        let busy: Busy<Of<F>> = Busy::new(style, CacheBuilder::new());
        let bulk = apart(&busy.cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2, 3])));
        busy.until_waiting(4);
        assert_eq!(busy.cache.metrics().queued, 1, "{style:?}: one for all");
        let other = apart(&busy.cache, |cache| outcomes(&cache.multi_fetch_with(&[4, 2, 5])));
        busy.until_waiting(6);
        assert_eq!((busy.cache.metrics().queued, busy.source.calls().len()), (2, 0), "{style:?}");
        busy.gate.open();
        assert_eq!(bulk.result(), all(&[1, 2, 3]), "{style:?}");
        assert_eq!(other.result(), all(&[4, 2, 5]), "{style:?}");
        assert_eq!(busy.done().calls(), [vec![1, 2, 3], vec![4, 5]], "{style:?}");
    }
}

/// Whichever of the keys is written while all wait for a permit, those who wait for it have it at once, and the others are loaded in one call.
fn g2_bulk_a_write_answers_a_key_that_waits_and_the_others_are_loaded<F: Kind>() {
    for style in BOTH {
        for written in [vec![1], vec![2], vec![3], vec![1, 2], vec![2, 1], vec![3, 1], vec![1, 2, 3]] {
            let busy: Busy<Of<F>> = Busy::new(style, CacheBuilder::new().shards(2));
            let bulk = apart(&busy.cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2, 3])));
            busy.until_waiting(4);
            for key in &written {
                let waiter = apart(&busy.cache, {
                    let key = *key;
                    move |cache| cache.fetch_with(&key)
                });
                until("he waits", || busy.cache.metrics().joined > 0);
                busy.cache.multi_insert(vec![(*key, *key)]);
                assert_eq!(waiter.result().ok().as_deref(), Some(key), "{style:?}, {written:?}");
            }
            let rest: Vec<u32> = (1..=3).filter(|key| !written.contains(key)).collect();
            // The call may have asked for all and not gone to wait yet, which is where the next of its keys takes the place in the queue.
            let waits = format!("one of the rest waits for the permit, for all: {style:?}, {written:?}");
            until(&waits, || busy.cache.metrics().queued == u64::from(!rest.is_empty()));
            busy.gate.open();
            let expected = [1, 2, 3].map(|key| (key, Ok(if written.contains(&key) { key } else { of(key) })));
            assert_eq!(bulk.result(), expected, "{style:?}, {written:?}");
            let calls = busy.done().calls();
            assert_eq!(calls, if rest.is_empty() { vec![] } else { vec![rest] }, "{style:?}, {written:?}");
        }
    }
}

fn g2_bulk_an_invalidation_leaves_a_call_that_waits_to_bring_what_is_new<F: Kind>() {
    for style in BOTH {
        let busy: Busy<Of<F>> = Busy::new(style, CacheBuilder::new());
        let bulk = apart(&busy.cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2, 3])));
        busy.until_waiting(4);
        assert_eq!(busy.cache.multi_invalidate(&[1, 2]), 0);
        busy.cache.clear();
        busy.gate.open();
        assert_eq!(bulk.result(), all(&[1, 2, 3]), "{style:?}");
        assert_eq!(busy.cache.multiget(&[1, 2, 3]).len(), 3, "{style:?}: it began after the write");
        assert_eq!(busy.done().calls(), [[1, 2, 3]], "{style:?}");
    }
}

fn g7_bulk_a_full_queue_refuses_a_call_and_what_it_joins_is_served<F: Kind>() {
    for style in BOTH {
        let busy: Busy<Of<F>> = Busy::new(style, CacheBuilder::new().max_queued_loads(1));
        let bulk = apart(&busy.cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2, 3])));
        busy.until_waiting(4);
        let refused = apart(&busy.cache, |cache| outcomes(&cache.multi_fetch_with(&[4, 2, 5])));
        busy.until_waiting(6);
        busy.gate.open();
        assert_eq!(bulk.result(), all(&[1, 2, 3]), "{style:?}");
        let overloaded = Err(LoadErrorKind::Overloaded);
        assert_eq!(refused.result(), [(4, overloaded), (2, Ok(20)), (5, overloaded)], "{style:?}");
        assert_eq!(busy.done().calls(), [[1, 2, 3]], "{style:?}");
    }
}

/// Inside a load nobody waits for the permit that the load has.
fn g7_bulk_calls_inside_a_load_run_on_its_permit<F: Kind>() {
    for style in BOTH {
        for most in [usize::MAX, 2, 1] {
            let home = Home::default();
            let own = home.clone();
            let source = Source::new(move |keys: Vec<u32>, out| {
                let own = own.clone();
                async move {
                    for key in keys {
                        // Each key from 100 on needs those below it, by tens.
                        let value = if key >= 100 {
                            let needs: Vec<u32> = if key >= 1_000 { (100..110).collect() } else { (key - 100..key - 95).collect() };
                            own.cache().to_async().multi_fetch_with(&needs).await.found()?.len().try_into()?
                        } else {
                            of(key)
                        };
                        out.put(&key, value);
                    }
                    Ok(())
                }
            });
            let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().max_concurrent_loads(1).max_batch(most), style));
            home.is(&cache.sync());
            assert_eq!(outcomes(&cache.multi_fetch_with(&[1_000, 1_001])), [(1_000, Ok(10)), (1_001, Ok(10))], "{style:?}, {most}");
            at_rest(&cache.sync());
        }
    }
}

/// A key that a load with a permit needs has the whole call go out that it belongs to.
fn g7_bulk_a_call_that_waits_is_hurried_by_one_who_has_the_permit<F: Kind>() {
    for style in BOTH {
        for needed in 1..=3 {
            let (home, gate) = (Home::default(), Gate::new());
            let (own, held) = (home.clone(), gate.clone());
            let source = Source::new(move |keys: Vec<u32>, out| {
                let (own, held) = (own.clone(), held.clone());
                async move {
                    if keys == [1_000] {
                        held.pass().await;
                        let value = own.cache().to_async().fetch_with(&needed).await?;
                        out.put(&1_000, *value);
                        return Ok(());
                    }
                    put_all(&keys, &out);
                    Ok(())
                }
            });
            let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().max_concurrent_loads(1), style));
            home.is(&cache.sync());
            let holder = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1_000])));
            gate.until_arrived(1);
            let bulk = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2, 3])));
            until("the call waits", || cache.metrics().misses == 4);
            gate.open();
            assert_eq!(holder.result(), [(1_000, Ok(of(needed)))], "{style:?}");
            assert_eq!(bulk.result(), all(&[1, 2, 3]), "{style:?}");
            at_rest(&cache.sync());
        }
    }
}

on_every_face_in_time!(
    g7_bulk_a_call_waits_for_one_permit_and_goes_out_whole,
    g2_bulk_a_write_answers_a_key_that_waits_and_the_others_are_loaded,
    g2_bulk_an_invalidation_leaves_a_call_that_waits_to_bring_what_is_new,
    g7_bulk_a_full_queue_refuses_a_call_and_what_it_joins_is_served,
    g7_bulk_calls_inside_a_load_run_on_its_permit,
    g7_bulk_a_call_that_waits_is_hurried_by_one_who_has_the_permit,
);
