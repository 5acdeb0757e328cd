//! What goes wrong with one key is that key's alone, and nobody waits longer than for his own.

use super::scene::{Source, all, of, outcomes};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use bellwether::{BoxError, CacheBuilder, LoadErrorKind, Loaded};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const KINDS: [(u32, Result<u32, LoadErrorKind>); 5] =
    [(1, Ok(10)), (2, Err(LoadErrorKind::Failed)), (3, Err(LoadErrorKind::Absent)), (4, Err(LoadErrorKind::Absent)), (5, Ok(50))];

/// 2 fails, 3 is said to be absent, 4 is forgotten.
fn mixed() -> Source {
    Source::new(|_, out| async move {
        out.put(&1, of(1));
        out.fail(&2, "two");
        out.put_result(&3, Ok::<_, BoxError>(Loaded::absent()));
        out.put(&5, of(5));
        Ok(())
    })
}

fn g5_bulk_an_error_on_one_key_is_that_key_s_alone<F: Kind>() {
    for style in BOTH {
        let cache: Of<F> = F::Of::build(mixed().given(CacheBuilder::new(), style));
        assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2, 3, 4, 5])), KINDS, "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.loads_stored, metrics.loads_failed(), metrics.loads_absent), (2, 1, 2), "{style:?}: {metrics:?}");
        // Nothing is remembered of the others: the next call loads them anew.
        assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2, 3, 4, 5])), KINDS, "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.hits, metrics.misses), (2, 8), "{style:?}: {metrics:?}");
        assert!(cache.multi_fetch_with(&[1, 3, 4, 5]).found().is_ok_and(|found| found.len() == 2), "absence is no error");
        assert_eq!(cache.multi_fetch_with(&[3, 2]).found().map_err(|error| error.kind()).err(), Some(LoadErrorKind::Failed));
        at_rest(&cache.sync());
    }
}

fn g13_bulk_absence_is_remembered_and_is_a_negative_hit<F: Kind>() {
    for style in BOTH {
        let source = mixed();
        let builder = CacheBuilder::new().negative_ttl(Duration::from_secs(60)).capacity(1_000);
        let cache: Of<F> = F::Of::build(source.given(builder, style));
        assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2, 3, 4, 5])), KINDS, "{style:?}");
        assert_eq!(outcomes(&cache.multi_fetch_with(&[3, 4])), KINDS[2..4], "{style:?}");
        assert_eq!(cache.warm(&[3, 4]), 0, "{style:?}: it isn't asked for again");
        assert_eq!(source.calls().len(), 1, "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.negative_hits, metrics.misses, metrics.negatives), (2, 5, 2), "{style:?}: {metrics:?}");
        cache.multi_insert(vec![(3, 33)]);
        assert_eq!(outcomes(&cache.multi_fetch_with(&[3])), [(3, Ok(33))], "{style:?}: a write has it forgotten");
        at_rest(&cache.sync());
    }
}

fn g5_bulk_an_error_or_a_panic_of_the_call_is_what_the_rest_get<F: Kind>() {
    hush();
    for style in BOTH {
        for panics in [false, true] {
            let source = Source::new(move |_, out| async move {
                out.put(&1, of(1));
                out.fail(&2, "two");
                assert!(!panics, "{ON_PURPOSE}");
                Err("the rest".into())
            });
            let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
            let found = cache.multi_fetch_with(&[1, 2, 3, 4]);
            let rest = if panics { LoadErrorKind::Panicked } else { LoadErrorKind::Failed };
            let expected = [(1, Ok(10)), (2, Err(LoadErrorKind::Failed)), (3, Err(rest)), (4, Err(rest))];
            assert_eq!(outcomes(&found), expected, "{style:?}, {panics}");
            let message = found.get(&3).and_then(|result| result.as_ref().err()).expect("it failed").to_string();
            assert!(message.contains(if panics { ON_PURPOSE } else { "the rest" }), "{message}");
            assert_eq!(cache.peek(&1).as_deref(), Some(&10), "{style:?}: what was put stands");
            at_rest(&cache.sync());
        }
    }
}

fn each(key: u32) -> Result<u32, BoxError> {
    match key {
        2 => Err("two".into()),
        3 => panic!("{ON_PURPOSE}: three"),
        _ => Ok(of(key)),
    }
}

fn g5_bulk_a_loader_of_single_keys_fails_and_panics_by_key<F: Kind>() {
    hush();
    let keys: Vec<u32> = (0..40).collect();
    for style in BOTH {
        let builder = CacheBuilder::new();
        let cache: Of<F> = F::Of::build(match style {
            Style::Blocking => builder.loader_fn(|key: &u32| each(*key)),
            Style::Async => builder.async_loader_fn(|key: u32| async move {
                tokio::task::yield_now().await;
                each(key)
            }),
        });
        let found = cache.multi_fetch_with(&keys);
        let mut expected = all(&keys);
        expected[2].1 = Err(LoadErrorKind::Failed);
        expected[3].1 = Err(LoadErrorKind::Panicked);
        assert_eq!(outcomes(&found), expected, "{style:?}");
        let panicked = found.get(&3).and_then(|result| result.as_ref().err()).expect("it panicked").to_string();
        assert!(panicked.contains("on purpose: three"), "{panicked}");
        assert_eq!(cache.len(), 38);
        at_rest(&cache.sync());
    }
}

fn g5_bulk_each_key_s_waiters_are_freed_as_soon_as_it_is_put<F: Kind>() {
    for style in BOTH {
        let gates = [Gate::new(), Gate::new(), Gate::new()];
        let held = gates.clone();
        let source = Source::new(move |_, out| {
            let held = held.clone();
            async move {
                for (key, gate) in (1..).zip(&held) {
                    gate.pass().await;
                    if key == 2 {
                        out.fail(&key, "two")
                    } else {
                        out.put(&key, of(key))
                    };
                }
                Ok(())
            }
        });
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        let many = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[3, 2, 1])));
        gates[0].until_arrived(1);
        let fetch = |key| apart(&cache, move |cache| cache.fetch_with(&key).map(|value| *value).map_err(|error| error.kind()));
        let singles = [fetch(1), fetch(2), fetch(3)];
        // One that asks for two of them has both as soon as both are there.
        let pair = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[2, 1])));
        until("all have joined", || cache.metrics().joined == 5);
        let [one, two, three] = singles;
        gates[0].open();
        assert_eq!(one.result(), Ok(10), "{style:?}");
        assert_eq!(cache.peek(&1).as_deref(), Some(&10), "{style:?}: it is held as well");
        assert!(!two.is_over() && !pair.is_over() && !many.is_over(), "{style:?}");
        gates[1].open();
        assert_eq!(two.result(), Err(LoadErrorKind::Failed), "{style:?}");
        assert_eq!(pair.result(), [(2, Err(LoadErrorKind::Failed)), (1, Ok(10))], "{style:?}");
        assert!(!three.is_over() && !many.is_over(), "{style:?}");
        gates[2].open();
        assert_eq!(three.result(), Ok(30), "{style:?}");
        assert_eq!(many.result(), [(3, Ok(30)), (2, Err(LoadErrorKind::Failed)), (1, Ok(10))], "{style:?}");
        at_rest(&cache.sync());
    }
}

fn g8_bulk_what_is_not_stored_is_delivered_all_the_same<F: Kind>() {
    for style in BOTH {
        let source = Source::new(|_, out| async move {
            out.put(&1, Loaded::value(1).uncached());
            out.put(&2, Loaded::value(2).weight(11));
            out.put(&3, Loaded::value(3).weight(10));
            Ok(())
        });
        for capacity in [10, 0] {
            let builder = CacheBuilder::new().capacity(capacity).shards(1);
            let cache: Of<F> = F::Of::build(source.given(builder, style));
            assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2, 3])), [(1, Ok(1)), (2, Ok(2)), (3, Ok(3))], "{style:?}, {capacity}");
            assert_eq!((cache.len(), cache.weight()), if capacity == 0 { (0, 0) } else { (1, 10) }, "{style:?}, {capacity}");
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.loads_uncached, metrics.loads_refused), if capacity == 0 { (1, 2) } else { (1, 1) }, "{metrics:?}");
        }
    }
}

fn g5_bulk_without_a_loader_each_key_says_so<F: Kind>() {
    let cache: Of<F> = F::Of::build(CacheBuilder::new());
    cache.insert(1, 10);
    let expected = [(1, Ok(10)), (2, Err(LoadErrorKind::NoLoader)), (2, Err(LoadErrorKind::NoLoader))];
    assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2, 2])), expected);
    assert_eq!(cache.warm(&[1, 2]), 0);
    assert!(cache.multi_fetch_with(&[]).is_empty());
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.hits, metrics.misses, metrics.loads_started), (1, 2, 0));
}

on_every_face_in_time!(
    g5_bulk_an_error_on_one_key_is_that_key_s_alone,
    g13_bulk_absence_is_remembered_and_is_a_negative_hit,
    g5_bulk_an_error_or_a_panic_of_the_call_is_what_the_rest_get,
    g5_bulk_a_loader_of_single_keys_fails_and_panics_by_key,
    g5_bulk_each_key_s_waiters_are_freed_as_soon_as_it_is_put,
    g8_bulk_what_is_not_stored_is_delivered_all_the_same,
    g5_bulk_without_a_loader_each_key_says_so,
);
