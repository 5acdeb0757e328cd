//! Loaders that keep their sink, use it late or twice, or from elsewhere.

use super::scene::{Out, Source, all, of, outcomes, put_all};
use crate::faces::{Face, Kind};
use crate::gate::Gate;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, LoadErrorKind, Loaded};
use std::sync::{Arc, Mutex};

type Of<F> = <F as Kind>::Of<u32, u32>;

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Out>>>);

impl Kept {
    fn keep(&self, out: Out) {
        self.0.lock().expect("no holder panics").push(out);
    }

    fn take(&self) -> Vec<Out> {
        std::mem::take(&mut *self.0.lock().expect("no holder panics"))
    }
}

fn g7_bulk_a_sink_that_is_kept_keeps_no_permit<F: Kind>() {
    for style in BOTH {
        let kept = Kept::default();
        let keeps = kept.clone();
        let source = Source::new(move |keys, out| {
            put_all(&keys, &out);
            keeps.keep(out);
            async { Ok(()) }
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().max_concurrent_loads(1), style));
        for round in 0..3 {
            let keys = [round * 2, round * 2 + 1];
            assert_eq!(outcomes(&cache.multi_fetch_with(&keys)), all(&keys), "{style:?}");
        }
        at_rest(&cache.sync());
        drop(kept.take());
        at_rest(&cache.sync());
    }
}

fn g2_bulk_what_is_put_after_the_call_has_ended_serves_nothing<F: Kind>() {
    for style in BOTH {
        let kept = Kept::default();
        let keeps = kept.clone();
        let source = Source::new(move |_, out| {
            out.put(&1, of(1));
            keeps.keep(out);
            async { Ok(()) }
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        let found = outcomes(&cache.multi_fetch_with(&[1, 2]));
        assert_eq!(found, [(1, Ok(10)), (2, Err(LoadErrorKind::Absent))], "{style:?}");
        at_rest(&cache.sync());
        for out in kept.take() {
            assert!(!out.put(&1, 7), "it was answered");
            assert!(!out.put(&2, 7), "it was absent when the call ended");
            assert!(!out.put(&3, 7), "nothing is stored any more that wasn't asked for");
            assert!(!out.fail(&2, "late"));
        }
        assert_eq!((cache.peek(&1).as_deref(), cache.peek(&2), cache.peek(&3)), (Some(&10), None, None));
        at_rest(&cache.sync());
    }
}

fn g8_bulk_the_first_that_is_put_for_a_key_counts<F: Kind>() {
    for style in BOTH {
        let source = Source::new(|_, out| async move {
            // Unasked, once: and first, as the caller goes on as soon as all that it has asked for is answered.
            assert!(out.put(&4, 40) && !out.put(&4, 41) && !out.fail(&5, "nobody asked"));
            assert!(out.put(&1, 10) && !out.put(&1, 11) && !out.fail(&1, "no"));
            assert!(out.fail(&2, "no") && !out.put(&2, 20) && !out.fail(&2, "no"));
            assert!(out.put(&3, Loaded::absent()) && !out.put(&3, 30));
            Ok(())
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        let found = outcomes(&cache.multi_fetch_with(&[1, 2, 3]));
        assert_eq!(found, [(1, Ok(10)), (2, Err(LoadErrorKind::Failed)), (3, Err(LoadErrorKind::Absent))], "{style:?}");
        assert_eq!((cache.peek(&1).as_deref(), cache.peek(&4).as_deref(), cache.len()), (Some(&10), Some(&40), 2));
        at_rest(&cache.sync());
    }
}

fn g1_bulk_a_key_may_be_put_from_any_thread<F: Kind>() {
    for style in BOTH {
        let source = Source::new(|keys: Vec<u32>, out| async move {
            let halves: Vec<Vec<u32>> = keys.chunks(keys.len().div_ceil(4)).map(<[u32]>::to_vec).collect();
            let threads = halves.into_iter().map(|half| {
                let out = out.clone();
                std::thread::spawn(move || put_all(&half, &out))
            });
            threads.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().expect("a sink takes what it gets"));
            Ok(())
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        let keys: Vec<u32> = (0..200).collect();
        assert_eq!(outcomes(&cache.multi_fetch_with(&keys)), all(&keys), "{style:?}");
        assert_eq!(cache.len(), 200);
        at_rest(&cache.sync());
    }
}

/// A call isn't over because all that it was asked for is there: it may have more to bring, or something to see to the end.
fn g4_bulk_a_call_that_has_put_all_goes_on_to_its_end<F: Kind>() {
    for style in BOTH {
        let (gate, over) = (Gate::new(), Gate::new());
        let (held, ended) = (gate.clone(), over.clone());
        let source = Source::new(move |keys, out| {
            let (held, ended) = (held.clone(), ended.clone());
            async move {
                put_all(&keys, &out);
                held.pass().await;
                assert!(out.put(&7, of(7)), "it is stored");
                ended.open();
                ended.pass().await;
                Ok(())
            }
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        let fetcher = crate::apart::apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2])));
        gate.until_arrived(1);
        gate.open();
        assert_eq!(fetcher.result(), all(&[1, 2]), "{style:?}");
        over.until_arrived(1);
        assert_eq!(cache.peek(&7).as_deref(), Some(&70), "{style:?}");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g7_bulk_a_sink_that_is_kept_keeps_no_permit,
    g2_bulk_what_is_put_after_the_call_has_ended_serves_nothing,
    g8_bulk_the_first_that_is_put_for_a_key_counts,
    g1_bulk_a_key_may_be_put_from_any_thread,
    g4_bulk_a_call_that_has_put_all_goes_on_to_its_end,
);
