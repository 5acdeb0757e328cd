//! What a call brings besides what it was asked for: beside whom it is stored, and what of it isn't.

use super::scene::{Source, all, of, outcomes, put_all};
use super::unasked::{EXTRA, Served, bringing};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, Loaded};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const LIFE: Duration = Duration::from_secs(10);

fn g3_bulk_an_unasked_key_that_somebody_loads_is_left_to_him<F: Kind>() {
    for style in BOTH {
        let (gate, served, own) = (Gate::new(), Served::default(), Gate::new());
        let source = bringing(&gate, &served, || Loaded::value(of(EXTRA)));
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().shards(1), style));
        let fetcher = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1])));
        gate.until_arrived(1);
        let held = own.clone();
        let loader = apart(&cache, move |cache| {
            cache.fetch_or_load(&EXTRA, move || {
                held.wait();
                Loaded::ok(8)
            })
        });
        own.until_arrived(1);
        gate.open();
        assert_eq!(fetcher.result(), all(&[1]), "{style:?}");
        assert_eq!((served.all(), cache.peek(&EXTRA)), (vec![false], None), "{style:?}");
        own.open();
        assert_eq!(loader.result().ok().as_deref(), Some(&8), "{style:?}");
        assert_eq!(cache.peek(&EXTRA).as_deref(), Some(&8), "{style:?}");
        at_rest(&cache.sync());
    }
}

/// What lands, and what else was brought, is no write: it takes nobody's place.
fn g8_bulk_many_unasked_keys_are_stored_beside_many_that_were_asked_for<F: Kind>() {
    const MANY: u32 = 1_000;
    for style in BOTH {
        let source = Source::new(|keys: Vec<u32>, out| async move {
            put_all(&keys, &out);
            (MANY..2 * MANY).for_each(|extra| assert!(out.put(&extra, of(extra)), "{extra} is stored"));
            Ok(())
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        let asked: Vec<u32> = (0..MANY).collect();
        assert_eq!(outcomes(&cache.multi_fetch_with(&asked)), all(&asked), "{style:?}");
        until("the call is over", || cache.len() == u64::from(2 * MANY));
        at_rest(&cache.sync());
    }
}

fn g8_bulk_what_is_no_value_is_not_stored_unasked<F: Kind>() {
    for style in BOTH {
        let source = Source::new(|keys: Vec<u32>, out| async move {
            assert!(!out.put(&20, Loaded::absent()) && !out.put(&21, Loaded::value(5).uncached()) && !out.put(&22, Loaded::unchanged()));
            assert!(!out.fail(&23, "nobody asked") && !out.put(&24, Loaded::value(5).weight(11)));
            assert!(out.put(&25, Loaded::value(5).weight(2)), "it fits");
            put_all(&keys, &out);
            Ok(())
        });
        let builder = CacheBuilder::new().negative_ttl(LIFE).capacity(10).shards(1);
        let cache: Of<F> = F::Of::build(source.given(builder, style));
        assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2])), all(&[1, 2]), "{style:?}");
        assert!((20..25).all(|key| cache.peek(&key).is_none()), "{style:?}");
        assert_eq!((cache.len(), cache.weight()), (3, 4), "{style:?}");
        assert_eq!(cache.metrics().negatives, 0, "{style:?}");
        at_rest(&cache.sync());
    }
}

fn g14_bulk_nothing_is_held_of_what_is_unasked_where_nothing_is_held<F: Kind>() {
    for style in BOTH {
        let (gate, served) = (Gate::new(), Served::default());
        gate.open();
        let source = bringing(&gate, &served, || Loaded::value(of(EXTRA)));
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().capacity(0), style));
        assert_eq!(outcomes(&cache.multi_fetch_with(&[1])), all(&[1]), "{style:?}: it is delivered all the same");
        assert_eq!((served.all(), cache.len()), (vec![false], 0), "{style:?}");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g3_bulk_an_unasked_key_that_somebody_loads_is_left_to_him,
    g8_bulk_many_unasked_keys_are_stored_beside_many_that_were_asked_for,
    g8_bulk_what_is_no_value_is_not_stored_unasked,
    g14_bulk_nothing_is_held_of_what_is_unasked_where_nothing_is_held,
);
