//! However many entries were hit, a write finds its victim in a bounded number of steps, under every policy.

use crate::faces::{Face, Kind};
use crate::g20_bills::spent;
use crate::on_every_face_in_time;
use crate::policies::{Rule, evicting};
use crate::rest::at_rest;
use bellwether::CacheBuilder;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u64, u64>;

/// What a few writes take where every entry was hit since it came; the shortest of some tries, in this thread's own time.
fn time_of<F: Kind>(rule: Rule, entries: u64) -> Duration {
    const WRITES: u64 = 8;
    let cache: Of<F> = F::Of::build(rule.apply(CacheBuilder::new().capacity(entries).shards(1)));
    (0..entries).for_each(|key| cache.insert(key, key));
    let mut next = entries;
    let mut time = || {
        // Each that is held, more than once.
        let held: Vec<_> = cache.entries().into_iter().map(|(key, _)| key).collect();
        for _ in 0..2 {
            held.iter().for_each(|key| drop(cache.fetch(key)));
            cache.run_maintenance();
        }
        let start = spent();
        (0..WRITES).for_each(|n| cache.insert(next + n, n));
        next += WRITES;
        spent() - start
    };
    let least = (0..3).map(|_| time()).min().expect("there are some");
    at_rest(&cache.sync());
    least
}

fn g20_a_victim_among_many_that_were_hit_is_found_in_few_steps<F: Kind>() {
    // More than any search looks at, and so many times as many.
    const FEW: u64 = 600;
    const TIMES: u64 = 30;
    for rule in evicting() {
        let (few, many) = (time_of::<F>(rule, FEW), time_of::<F>(rule, FEW * TIMES));
        println!("{rule:?}: {few:?} among {FEW}, {many:?} among {TIMES} times as many");
        // A look at each would take thirty times as long.
        let slack = Duration::from_millis(2);
        assert!(many < few * 10 + slack, "{rule:?}: {few:?} among {FEW}, {many:?} among {TIMES} times as many");
    }
}

on_every_face_in_time!(g20_a_victim_among_many_that_were_hit_is_found_in_few_steps);
