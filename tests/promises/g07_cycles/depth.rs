//! Depth and breadth without a ring: chains, diamonds and ladders of diamonds.

use crate::apart::apart;
use crate::faces::Kind;
use crate::gate::{Gate, until};
use crate::runway::Style::{self, Async, Blocking};
use crate::web::{Node, Web};
use bellwether::LoadErrorKind;
use std::time::{Duration, Instant};

/// Each key of a chain is in the cache after that of the one before.
fn chain<F: Kind>(styles: &[Style], length: u32) {
    let caches = styles.len();
    let next = move |(cache, key): Node| if key == 0 { Vec::new() } else { vec![((cache + 1) % caches, key - 1)] };
    let web = Web::<F>::new(styles, next);
    assert_eq!(web.fetch((0, length - 1)).expect("it is no ring"), length);
    assert_eq!(web.loads(), u64::from(length));
    web.at_rest();
}

fn g7_a_deep_chain_of_tasks_is_no_ring<F: Kind>() {
    chain::<F>(&[Async], 200);
    chain::<F>(&[Async; 3], 200);
}

/// So deep that no thread could hold a call for each of its loads.
fn g7_a_chain_of_thousands_of_tasks_is_no_ring_and_a_ring_of_them_is<F: Kind>() {
    const LENGTH: u32 = 5_000;
    chain::<F>(&[Async], LENGTH);
    let web = Web::<F>::new(&[Async], |(_, key): Node| vec![(0, (key + 1) % LENGTH)]);
    assert_eq!(web.cycle((0, 0)).len(), LENGTH as usize);
    web.at_rest();
}

fn g7_a_deep_chain_of_threads_is_no_ring<F: Kind>() {
    chain::<F>(&[Blocking], 60);
    chain::<F>(&[Blocking; 3], 60);
}

fn g7_a_deep_chain_of_both_is_no_ring<F: Kind>() {
    chain::<F>(&[Async, Blocking], 60);
    chain::<F>(&[Blocking, Async, Async], 60);
}

/// 0 asks for 1 and 2, which both ask for 3, which is held back until both wait for it.
fn g7_a_diamond_is_no_ring<F: Kind>() {
    for styles in [[Blocking; 2], [Async; 2], [Async, Blocking], [Blocking, Async]] {
        let gate = Gate::new();
        let held = gate.clone();
        let next = move |(_, key): Node| match key {
            0 => vec![(1, 1), (0, 2)],
            1 => vec![(0, 3)],
            2 => vec![(0, 3)],
            _ => {
                held.wait();
                Vec::new()
            }
        };
        let web = Web::<F>::new(&styles, next);
        let caller = apart(&web, |web| web.fetch((0, 0)));
        let (left, right) = (apart(&web, |web| web.fetch((1, 1))), apart(&web, |web| web.fetch((0, 2))));
        gate.until_arrived(1);
        until("both sides wait for the lowest key", || web.sync(0).metrics().joined + web.sync(1).metrics().joined >= 2);
        gate.open();
        assert_eq!([caller, left, right].map(|call| call.result().expect("it is no ring")), [3, 2, 2], "{styles:?}");
        assert_eq!(web.loads(), 4);
        web.at_rest();
    }
}

/// A ladder: each of the two keys of a rung asks for both of the rung below. From the top there are as many ways down as two to the number of
/// rungs; looking for rings must not take them all. The loads come from the lowest rung upwards, so that each finds all that is below it waiting.
fn g7_a_ladder_of_diamonds_costs_no_more_than_its_rungs<F: Kind>() {
    const RUNGS: u32 = 40;
    // Caches 0 and 1 are the rails; what the lowest rung asks for is in cache 2.
    let next = |(_, key): Node| if key == 0 { vec![(2, 0)] } else { vec![(0, key - 1), (1, key - 1)] };
    let web = Web::<F>::new(&[Async; 3], next);
    // That is an entry, which the test fills.
    let bellwether::Entry::Vacant(lowest) = web.sync(2).entry(0) else { panic!("nothing is held") };
    let start = Instant::now();
    let calls: Vec<_> = (0..RUNGS)
        .flat_map(|rung| {
            let calls = [0, 1].map(|cache| apart(&web, move |web| web.fetch((cache, rung))));
            let waiting = u64::from(rung) * 4 + 2 + u64::from(rung + 1) * 2;
            let waits = || (0..3).map(|cache| web.sync(cache).metrics().waiters).sum::<u64>() >= waiting;
            until("both loads of the rung wait for those below", waits);
            calls
        })
        .collect();
    assert!(start.elapsed() < Duration::from_secs(20), "the search for rings took {:?}", start.elapsed());
    lowest.insert(1);
    for (number, call) in (0_u32..).zip(calls) {
        assert_eq!(call.result().expect("it is no ring"), number / 2 + 2);
    }
    web.at_rest();
    let failed = (0..3).map(|cache| web.sync(cache).metrics().loads_failed_by(LoadErrorKind::Cycle)).sum::<u64>();
    assert_eq!(failed, 0);
}

crate::on_every_face_in_time!(
    g7_a_deep_chain_of_tasks_is_no_ring,
    g7_a_chain_of_thousands_of_tasks_is_no_ring_and_a_ring_of_them_is,
    g7_a_deep_chain_of_threads_is_no_ring,
    g7_a_deep_chain_of_both_is_no_ring,
    g7_a_diamond_is_no_ring,
    g7_a_ladder_of_diamonds_costs_no_more_than_its_rungs,
);
