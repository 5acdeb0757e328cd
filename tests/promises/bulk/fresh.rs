//! Calls for many keys whose values are stale, due, or only good enough if nothing better comes.

use super::scene::{Out, Source, all, of, outcomes, put_all};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{BoxError, CacheBuilder, LoadErrorKind, Loaded, MockClock};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const LIFE: Duration = Duration::from_secs(10);

fn held_back(gate: &Gate) -> Source {
    let gate = gate.clone();
    Source::new(move |keys: Vec<u32>, out| {
        let gate = gate.clone();
        async move {
            gate.pass().await;
            put_all(&keys, &out);
            Ok(())
        }
    })
}

fn g9_bulk_stale_values_are_served_and_refreshed_together<F: Kind>() {
    for style in BOTH {
        let (gate, clock) = (Gate::new(), MockClock::new());
        let source = held_back(&gate);
        let builder = CacheBuilder::new().time_to_live(LIFE).stale_while_revalidate(LIFE).clock(clock.clone());
        let cache: Of<F> = F::Of::build(source.given(builder, style));
        cache.multi_insert((1..=4).map(|key| (key, key)).collect());
        clock.advance(LIFE + LIFE / 2);
        cache.insert(5, 5);
        // 6 is missing: whoever asks for it waits, and has the stale ones in hand.
        let bulk = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2, 5, 6, 1])));
        until("both calls are made", || source.calls().len() == 2);
        assert_eq!(source.asked(), [1, 2, 6], "{style:?}");
        assert!(source.calls().contains(&vec![1, 2]), "{style:?}: {:?}", source.calls());
        assert_eq!(outcomes(&cache.multi_fetch_with(&[2, 1])), [(2, Ok(2)), (1, Ok(1))], "{style:?}: nobody waits for it");
        assert_eq!(cache.multiget(&[1, 5]).len(), 1, "{style:?}: what is stale isn't shown");
        gate.open();
        assert_eq!(bulk.result(), [(1, Ok(1)), (2, Ok(2)), (5, Ok(5)), (6, Ok(60)), (1, Ok(1))], "{style:?}");
        cache.sync().wait_idle();
        assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2])), all(&[1, 2]), "{style:?}: the newer ones are there");
        assert_eq!(source.calls().len(), 2, "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.stale_hits, metrics.misses - 1, metrics.refreshes_started), (5, 1, 2), "{style:?}: {metrics:?}");
    }
}

fn g12_bulk_a_refresh_of_many_that_fails_leaves_each_value<F: Kind>() {
    for style in BOTH {
        let clock = MockClock::new();
        let source = Source::new(|_, out: Out| async move {
            out.put(&1, of(1));
            out.fail(&2, "two");
            out.put(&3, Loaded::absent());
            out.put(&4, Loaded::unchanged());
            Err::<(), BoxError>("the rest".into())
        });
        let builder = CacheBuilder::new().time_to_live(LIFE).stale_while_revalidate(LIFE).clock(clock.clone());
        let cache: Of<F> = F::Of::build(source.given(builder, style));
        let keys = [1, 2, 3, 4, 5];
        cache.multi_insert(keys.iter().map(|&key| (key, key)).collect());
        clock.advance(LIFE + LIFE / 4);
        assert_eq!(cache.warm(&keys), 0, "{style:?}: what is refreshed is usable meanwhile");
        cache.sync().wait_idle();
        assert_eq!(source.calls(), [keys], "{style:?}: in one call");
        let left = keys.map(|key| cache.fetch_stale(&key).map(|fetched| *fetched.value));
        assert_eq!(left, [Some(10), Some(2), None, Some(4), Some(5)], "{style:?}");
        assert_eq!((cache.fetch(&1).is_some(), cache.fetch(&4).is_some(), cache.fetch(&5)), (true, true, None), "{style:?}");
        let metrics = at_rest(&cache.sync());
        assert_eq!(
            (metrics.loads_stored, metrics.loads_absent, metrics.loads_unchanged, metrics.refreshes_failed),
            (1, 1, 1, 2),
            "{style:?}"
        );
    }
}

fn g9_bulk_what_may_be_shown_on_failure_is_shown_for_that_key<F: Kind>() {
    for style in BOTH {
        let clock = MockClock::new();
        let source = Source::new(|_, out: Out| async move {
            out.put(&1, of(1));
            Err::<(), BoxError>("the rest".into())
        });
        let builder = CacheBuilder::new().time_to_live(LIFE).stale_if_error(LIFE).clock(clock.clone());
        let cache: Of<F> = F::Of::build(source.given(builder, style));
        cache.multi_insert(vec![(1, 1), (2, 2)]);
        clock.advance(LIFE);
        let expected = [(1, Ok(10)), (2, Ok(2)), (3, Err(LoadErrorKind::Failed))];
        assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2, 3])), expected, "{style:?}");
        assert_eq!(source.calls(), [[1, 2, 3]], "{style:?}");
        at_rest(&cache.sync());
    }
}

fn g9_bulk_a_soft_time_out_has_the_stale_value_served_and_the_call_goes_on<F: Kind>() {
    for style in BOTH {
        let gate = Gate::new();
        let source = held_back(&gate);
        let builder = CacheBuilder::new().stale_if_error(Duration::MAX).soft_timeout(Duration::from_millis(50));
        let cache: Of<F> = F::Of::build(source.given(builder, style));
        cache.insert_with(1, Loaded::value(1).time_to_live(Duration::ZERO));
        cache.insert_with(2, Loaded::value(2).time_to_live(Duration::ZERO));
        assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2])), [(1, Ok(1)), (2, Ok(2))], "{style:?}");
        assert_eq!(cache.metrics().flights, 2, "{style:?}");
        gate.open();
        cache.sync().wait_idle();
        assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2])), all(&[1, 2]), "{style:?}");
        assert_eq!(source.calls().len(), 1, "{style:?}");
        at_rest(&cache.sync());
    }
}

fn g2_bulk_a_write_overtakes_its_own_key_and_no_other<F: Kind>() {
    type Write<C> = (&'static str, fn(&C), Option<u32>);
    let writes: [Write<Of<F>>; 6] = [
        ("insert", |cache| cache.insert(2, 5), Some(5)),
        ("multi_insert", |cache| cache.multi_insert(vec![(2, 5), (7, 7)]), Some(5)),
        ("multi_invalidate", |cache| assert_eq!(cache.multi_invalidate(&[2, 7]), 0), None),
        ("multi_remove", |cache| assert!(cache.multi_remove(&[7, 2]).is_empty()), None),
        ("invalidate_tag", |cache| cache.sync().invalidate_tag("tag 2"), None),
        (
            "invalidate_for",
            |cache| {
                cache.sync().invalidate_for(&2, LIFE);
            },
            None,
        ),
    ];
    for style in BOTH {
        for (name, write, left) in writes {
            let gate = Gate::new();
            let held = gate.clone();
            let source = Source::new(move |keys: Vec<u32>, out: Out| {
                let held = held.clone();
                async move {
                    held.pass().await;
                    for key in keys {
                        assert!(out.put(&key, Loaded::value(of(key)).tags([format!("tag {key}")])));
                    }
                    Ok(())
                }
            });
            let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
            // While somebody carries their names, these aren't taken for the one that is struck.
            cache.insert_with(9, Loaded::value(9).tags(["tag 1", "tag 3"]));
            let bulk = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1, 2, 3])));
            gate.until_arrived(1);
            write(&cache);
            gate.open();
            assert_eq!(bulk.result(), all(&[1, 2, 3]), "{style:?}, {name}: it is delivered");
            let held = [1, 2, 3].map(|key| cache.peek(&key).as_deref().copied());
            assert_eq!(held, [Some(10), left, Some(30)], "{style:?}, {name}");
            assert_eq!(at_rest(&cache.sync()).loads_superseded, 1, "{style:?}, {name}");
        }
    }
}

on_every_face_in_time!(
    g9_bulk_stale_values_are_served_and_refreshed_together,
    g12_bulk_a_refresh_of_many_that_fails_leaves_each_value,
    g9_bulk_what_may_be_shown_on_failure_is_shown_for_that_key,
    g9_bulk_a_soft_time_out_has_the_stale_value_served_and_the_call_goes_on,
    g2_bulk_a_write_overtakes_its_own_key_and_no_other,
);
