//! Each value that leaves is counted once, by its cause.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::tally::tally;
use bellwether::{BoxError, CacheBuilder, EvictionPolicy, Loaded, MetricsSnapshot, MockClock, RemovalCause};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, usize>;

const CAUSES: [RemovalCause; 8] = [
    RemovalCause::Evicted,
    RemovalCause::Expired,
    RemovalCause::Replaced,
    RemovalCause::Invalidated,
    RemovalCause::Cleared,
    RemovalCause::Rejected,
    RemovalCause::Superseded,
    RemovalCause::Absent,
];
const KEY: u32 = 1;
const TTL: Duration = Duration::from_secs(10);

/// The counts of removals that are not zero.
fn left(metrics: &MetricsSnapshot) -> Vec<(RemovalCause, u64)> {
    CAUSES.map(|cause| (cause, metrics.removals(cause))).into_iter().filter(|&(_, count)| count > 0).collect()
}

/// Six values are held, and this is done; they leave for that cause, and so many stay.
type Deed<F> = (&'static str, fn(&Of<F>, &MockClock), &'static [(RemovalCause, u64)], u64);

fn deeds<F: Kind>() -> [Deed<F>; 16] {
    use RemovalCause::{Absent, Cleared, Evicted, Expired, Invalidated, Rejected, Replaced};
    [
        ("insert of another", |cache, _| cache.insert(9, 0), &[(Evicted, 1)], 6),
        ("insert of a heavy one", |cache, _| cache.insert_with(9, Loaded::value(0).weight(4)), &[(Evicted, 4)], 3),
        ("insert", |cache, _| cache.insert(KEY, 0), &[(Replaced, 1)], 6),
        ("insert of one too heavy", |cache, _| cache.insert_with(KEY, Loaded::value(0).weight(7)), &[(Replaced, 1), (Rejected, 1)], 5),
        ("insert of a new one too heavy", |cache, _| cache.insert_with(9, Loaded::value(0).weight(7)), &[(Rejected, 1)], 6),
        ("insert of absence", |cache, _| cache.insert_with(KEY, Loaded::absent()), &[(Invalidated, 1)], 5),
        ("insert of nothing new", |cache, _| cache.insert_with(KEY, Loaded::unchanged()), &[], 6),
        ("remove", |cache, _| drop(cache.remove(&KEY)), &[(Invalidated, 1)], 5),
        ("remove of what isn't held", |cache, _| drop(cache.remove(&9)), &[], 6),
        ("clear", |cache, _| cache.clear(), &[(Cleared, 6)], 0),
        (
            "expiry and remove",
            |cache, clock| {
                clock.advance(TTL);
                cache.remove(&KEY);
            },
            &[(Expired, 6)],
            0,
        ),
        (
            "expiry and insert",
            |cache, clock| {
                clock.advance(TTL);
                cache.insert(KEY, 0);
            },
            &[(Expired, 6)],
            1,
        ),
        (
            "insert of the value that is held",
            |cache, _| {
                let held = cache.peek(&KEY).expect("it is held");
                cache.insert_with(KEY, Loaded::from(held));
            },
            &[],
            6,
        ),
        (
            "expiry and insert of another",
            |cache, clock| {
                clock.advance(TTL);
                cache.insert(9, 0);
            },
            &[(Expired, 6)],
            1,
        ),
        ("a load that brings absence", |cache, _| assert!(cache.refresh(&KEY).is_err()), &[(Absent, 1)], 5),
        ("a load of absence for what isn't held", |cache, _| assert!(cache.fetch_with(&9).is_err()), &[], 6),
    ]
}

fn g16_each_way_out_is_counted_once_by_its_cause<F: Kind>() {
    for (deed, make, expected, stay) in deeds::<F>() {
        for shards in [1, 16] {
            let clock = MockClock::new();
            let builder =
                CacheBuilder::new().eviction(EvictionPolicy::Lru).capacity(6).shards(shards).time_to_live(TTL).clock(clock.clone());
            let absent = |_: &u32| Ok::<Loaded<usize>, BoxError>(Loaded::absent());
            let cache: Of<F> = F::Of::build(builder.loader_fn(absent));
            (0..6).for_each(|key| cache.insert(key, 0));
            make(&cache, &clock);
            tally(&cache.sync(), left, expected.to_vec());
            assert_eq!(cache.len(), stay, "{deed}");
        }
    }
}

fn g16_loads_displace_as_inserts_do<F: Kind>() {
    use RemovalCause::{Evicted, Expired, Rejected, Replaced};
    type Load<F> = (fn(&Of<F>, &MockClock), fn(usize) -> Loaded<usize>, &'static [(RemovalCause, u64)]);
    let loads: [Load<F>; 7] = [
        (|cache, _| drop(cache.fetch_with(&9)), Loaded::value, &[(Evicted, 1)]),
        (|cache, _| drop(cache.fetch_with(&9)), |n| Loaded::value(n).weight(7), &[(Rejected, 1)]),
        (|cache, _| drop(cache.refresh(&KEY)), Loaded::value, &[(Replaced, 1)]),
        (|cache, _| drop(cache.refresh(&KEY)), |_| Loaded::unchanged(), &[]),
        (|cache, _| drop(cache.refresh(&KEY)), |n| Loaded::value(n).uncached(), &[(Replaced, 1)]),
        (|cache, _| drop(cache.refresh(&KEY)), |n| Loaded::value(n).weight(7), &[(Replaced, 1), (Rejected, 1)]),
        (
            |cache, clock| {
                clock.advance(TTL);
                drop(cache.fetch_with(&KEY));
            },
            Loaded::value,
            &[(Expired, 6)],
        ),
    ];
    for style in BOTH {
        for (load, answer, expected) in loads {
            let clock = MockClock::new();
            let builder = CacheBuilder::new().eviction(EvictionPolicy::Lru).capacity(6).shards(1).time_to_live(TTL).clock(clock.clone());
            let cache: Of<F> = F::Of::build(Runway::new(0).loader(builder, style, move |n| Loaded::ok(answer(n))));
            (0..6).for_each(|key| cache.insert(key, 0));
            load(&cache, &clock);
            tally(&cache.sync(), left, expected.to_vec());
        }
    }
}

fn g16_a_value_that_was_overtaken_is_counted_as_superseded<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        let caller = apart(&cache, |cache| cache.fetch_with(&KEY));
        runway.until_begun(0);
        cache.insert(KEY, 100);
        runway.open(0);
        assert_eq!(*caller.result().expect("it is delivered all the same"), 0);
        tally(&cache.sync(), left, vec![(RemovalCause::Superseded, 1)]);
        assert_eq!(cache.peek(&KEY).as_deref(), Some(&100));
    }
}

/// Once a load has given its result and left the cache, all that it displaced has been counted.
fn g16_at_rest_what_a_load_displaced_has_been_counted<F: Kind>() {
    for style in BOTH {
        let cache: Of<F> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new().capacity(1), style));
        for key in 0..1_500 {
            cache.fetch_with(&key).expect("the loader brings it");
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.loads_stored, metrics.removals(RemovalCause::Evicted)), (u64::from(key) + 1, u64::from(key)));
        }
    }
}

crate::on_every_face_in_time!(
    g16_each_way_out_is_counted_once_by_its_cause,
    g16_loads_displace_as_inserts_do,
    g16_a_value_that_was_overtaken_is_counted_as_superseded,
    g16_at_rest_what_a_load_displaced_has_been_counted,
);
