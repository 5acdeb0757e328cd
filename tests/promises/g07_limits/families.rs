//! Loads that load: none waits for a permit that one of its ancestors holds.

use crate::apart::apart;
use crate::faces::Kind;
use crate::gate::{Gate, until};
use crate::runway::BOTH;
use crate::runway::Style::{self, Async, Blocking};
use crate::together::together;
use crate::web::{Node, Web};

const MIXES: [[Style; 2]; 4] = [[Blocking, Blocking], [Async, Async], [Blocking, Async], [Async, Blocking]];

/// So many parents, keys from 100 on in cache 0, each with a child in cache `of_children`; four permits there, one elsewhere.
fn families<F: Kind>(styles: &[Style], of_children: usize) {
    let next = move |(_, key): Node| if key >= 100 { vec![(of_children, key - 100)] } else { Vec::new() };
    let permits = |cache: usize| if cache == 0 { 4 } else { 1 };
    let web = Web::<F>::with(styles, |cache, builder| builder.max_concurrent_loads(permits(cache)), next);
    let values = together(40, |caller| web.fetch((0, 100 + u32::try_from(caller).expect("it is small"))));
    assert!(values.into_iter().all(|value| value.expect("all are loaded") == 2), "{styles:?}");
    assert_eq!(web.loads(), 80);
    assert!(web.sync(0).metrics().permits_peak <= 4);
    web.at_rest();
}

fn g7_forty_parents_on_four_permits_load_their_children_in_the_same_cache<F: Kind>() {
    for style in BOTH {
        families::<F>(&[style], 0);
    }
}

fn g7_forty_parents_on_four_permits_load_their_children_in_a_cache_with_one<F: Kind>() {
    for styles in MIXES {
        families::<F>(&styles, 1);
    }
}

fn g7_a_chain_of_twenty_loads_needs_one_permit<F: Kind>() {
    for styles in MIXES {
        let next = |(cache, key): Node| if key % 100 == 0 { Vec::new() } else { vec![(1 - cache, key - 1)] };
        let web = Web::<F>::with(&styles, |_, builder| builder.max_concurrent_loads(1), next);
        let values = together(6, |caller| web.fetch((caller % 2, u32::try_from(caller / 2).expect("it is small") * 100 + 19)));
        assert!(values.into_iter().all(|value| value.expect("all are loaded") == 20), "{styles:?}");
        web.at_rest();
        assert!((0..2).all(|cache| web.sync(cache).metrics().permits_peak == 1));
    }
}

/// With no queue at all only those are turned away that work for no load.
fn g7_a_child_is_not_turned_away_though_the_queue_is_full<F: Kind>() {
    for styles in MIXES {
        let next = |(cache, key): Node| if key == 0 { Vec::new() } else { vec![(1 - cache, key - 1)] };
        let web = Web::<F>::with(&styles, |_, builder| builder.max_concurrent_loads(1).max_queued_loads(0), next);
        assert_eq!(web.fetch((0, 9)).expect("its children need no permit"), 10, "{styles:?}");
        web.at_rest();
        assert_eq!((0..2).map(|cache| web.sync(cache).metrics().turned_away).sum::<u64>(), 0);
    }
}

/// The only permits are held by two parents, which join children that plain callers asked for and that wait for a permit.
fn g7_a_queued_load_that_a_load_with_a_permit_joins_begins_at_once<F: Kind>() {
    for style in BOTH {
        let gate = Gate::new();
        let held = gate.clone();
        let next = move |(_, key): Node| {
            if key < 100 {
                return Vec::new();
            }
            held.wait();
            vec![(0, key % 100)]
        };
        let web = Web::<F>::with(&[style], |_, builder| builder.max_concurrent_loads(2), next);
        let parents = [101, 102].map(|key| apart(&web, move |web| web.fetch((0, key))));
        gate.until_arrived(2);
        // Asked for by threads: tasks would need the runtime, whose threads the parents may be holding.
        let callers = [1, 2].map(|key| apart(&web.sync(0), move |cache| cache.fetch_with(&key)));
        until("both children are queued", || web.sync(0).metrics().queued == 2);
        gate.open();
        assert_eq!(parents.map(|call| call.result().expect("its child begins")), [2, 2], "{style:?}");
        assert_eq!(callers.map(|call| *call.result().expect("it begins")), [1, 1], "{style:?}");
        assert_eq!(web.loads(), 4);
        web.at_rest();
        assert_eq!(web.sync(0).metrics().permits_peak, 2);
    }
}

/// The same child for all: many parents on one permit, and each finds it queued, begun, or loaded.
fn g7_parents_on_one_permit_share_children_that_plain_callers_asked_for<F: Kind>() {
    for styles in MIXES {
        for round in 0..20 {
            let next = |(_, key): Node| if key >= 100 { vec![(1, key % 3), (0, key % 3)] } else { Vec::new() };
            let web = Web::<F>::with(&styles, |_, builder| builder.max_concurrent_loads(1), next);
            let values = together(12, |caller| {
                let key = u32::try_from(caller).expect("it is small");
                match caller % 4 {
                    0 | 1 => web.fetch((0, 100 + key)),
                    2 => web.fetch((1, key % 3)),
                    _ => web.fetch((0, key % 3)),
                }
            });
            for (caller, value) in values.into_iter().enumerate() {
                assert_eq!(value.expect("all are loaded"), if caller % 4 < 2 { 2 } else { 1 }, "{styles:?}, round {round}");
            }
            web.at_rest();
        }
    }
}

/// Loaders that ask each other for other keys, with one permit each: from both sides at once.
fn g7_two_caches_with_one_permit_each_may_load_from_each_other<F: Kind>() {
    for styles in MIXES {
        for _ in 0..10 {
            let next = |(cache, key): Node| if key >= 10 { vec![(1 - cache, key - 10)] } else { Vec::new() };
            let web = Web::<F>::with(&styles, |_, builder| builder.max_concurrent_loads(1), next);
            let values = together(16, |caller| web.fetch((caller % 2, 30 + u32::try_from(caller / 2).expect("it is small"))));
            assert!(values.into_iter().all(|value| value.expect("all are loaded") == 4), "{styles:?}");
            web.at_rest();
        }
    }
}

crate::on_every_face_in_time!(
    g7_forty_parents_on_four_permits_load_their_children_in_the_same_cache,
    g7_forty_parents_on_four_permits_load_their_children_in_a_cache_with_one,
    g7_a_chain_of_twenty_loads_needs_one_permit,
    g7_a_child_is_not_turned_away_though_the_queue_is_full,
    g7_a_queued_load_that_a_load_with_a_permit_joins_begins_at_once,
    g7_parents_on_one_permit_share_children_that_plain_callers_asked_for,
    g7_two_caches_with_one_permit_each_may_load_from_each_other,
);
