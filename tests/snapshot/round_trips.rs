//! What was saved comes back as it was: values of all kinds, with their weights, times and stale windows, on both faces.

use super::world::{User, Wall, restored, saved};
use crate::faces::{Face, Kind};
use bellwether::{AsyncCache, Cache, CacheBuilder, EvictionPolicy, Freshness, Loaded, MockClock, Snapshot};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn a_cache_comes_back_on_every_face<F: Kind>() {
    let users = || <F::Of<String, User>>::build(CacheBuilder::new().capacity(10_000));
    let before = users();
    (0..1_000).for_each(|n| before.insert(format!("key {n}"), User::of(n)));
    let bytes = saved(&before.sync());
    let after = users();
    let result = restored(&after.sync(), &bytes).expect("it is as it was saved");
    assert_eq!((result.entries, result.expired, result.known, result.left_out), (1_000, 0, 0, 0));
    assert_eq!(result.bytes, bytes.len() as u64);
    for n in 0..1_000 {
        assert_eq!(after.peek(&format!("key {n}")).as_deref(), Some(&User::of(n)));
    }
    assert_eq!(after.weight(), 1_000);
    after.validate();
    before.validate();
}

fn weights_come_back<F: Kind>() {
    let cache = || <F::Of<u32, Vec<u8>>>::build(CacheBuilder::new().capacity(1_000).weigher(|_, bytes: &Vec<u8>| bytes.len() as u64));
    let before = cache();
    before.insert(1, vec![1; 10]);
    before.insert_with(2, Loaded::value(vec![2; 10]).weight(300));
    before.insert_with(3, Loaded::value(Vec::new()));
    let after = cache();
    restored(&after.sync(), &saved(&before.sync())).expect("it is as it was saved");
    let weight = |key| after.entry_info(&key).map(|info| info.weight);
    assert_eq!((weight(1), weight(2), weight(3)), (Some(10), Some(300), Some(0)));
    assert_eq!(after.weight(), 310);
    after.validate();
}

fn settings<F: Kind>(clock: &MockClock) -> F::Of<u32, String> {
    let builder = CacheBuilder::new().clock(clock.clone()).time_to_live(SECOND * 100);
    F::Of::build(builder.stale_while_revalidate(SECOND * 10).stale_if_error(SECOND * 20).refresh_after(SECOND * 50))
}

/// Everything that an entry can have of its own.
fn own_times_come_back<F: Kind>() {
    let (clock, wall) = (MockClock::new(), Wall::new());
    // So that instants before now can be told.
    clock.advance(SECOND * 1_000);
    let before = settings::<F>(&clock);
    let text = |n: u32| Loaded::value(n.to_string());
    before.insert_with(0, text(0));
    before.insert_with(1, text(1).time_to_live(SECOND * 30));
    before.insert_with(2, text(2).time_to_live(Duration::MAX).refresh_after(Duration::MAX));
    before.insert_with(3, text(3).stale_while_revalidate(SECOND).stale_if_error(SECOND * 2));
    before.insert_with(4, text(4).time_to_idle(SECOND * 25));
    before.insert_with(5, text(5).refresh_after(SECOND * 15));
    before.insert_with(6, text(6).time_to_live(SECOND * 5));
    clock.advance(SECOND * 10);
    let mut bytes = Vec::new();
    let saved = wall.snapshot().save(&before.sync(), &mut bytes).expect("it can be saved");
    assert_eq!(saved.entries, 7, "stale ones are saved, too");

    // Two seconds later, by the wall clock; the new process's own clock shows another time.
    let later = MockClock::new();
    later.advance(SECOND * 50_000);
    wall.advance(SECOND * 2);
    clock.advance(SECOND * 2);
    let after = settings::<F>(&later);
    let result = wall.snapshot().load(&after.sync(), &bytes[..]).expect("it is as it was saved");
    assert_eq!((result.entries, result.expired), (7, 0));
    for tenths in [0, 25, 30, 50, 100, 130, 180, 200, 300, 380, 379, 400, 500, 880, 890, 900, 980, 1_080, 10_000] {
        // Both go on alike from here, in steps of any length.
        clock.set(SECOND * 1_012 + Duration::from_millis(tenths * 100));
        later.set(SECOND * 50_000 + Duration::from_millis(tenths * 100));
        for key in 0..7 {
            let (was, is) = (before.entry_info(&key), after.entry_info(&key));
            let told = |info: Option<bellwether::EntryInfo>| info.map(|i| (i.age, i.time_left, i.usable_for, i.state, i.weight));
            assert_eq!(told(is), told(was), "entry {key} after {tenths} tenths");
        }
    }
    assert_eq!(after.entry_info(&2).map(|info| info.time_left), Some(None), "it never ends");
}

fn the_state_of_a_stale_entry_comes_back<F: Kind>() {
    let (clock, wall) = (MockClock::new(), Wall::new());
    let before = settings::<F>(&clock);
    before.insert(1, "one".to_owned());
    clock.advance(SECOND * 105);
    assert_eq!(before.entry_info(&1).map(|info| info.state), Some(Freshness::Stale));
    let mut bytes = Vec::new();
    wall.snapshot().save(&before.sync(), &mut bytes).expect("it can be saved");
    // The clock of the new cache hasn't run for as long as the entry is stale: its windows are no longer for that.
    for start in [0, 3, 1_000] {
        let later = MockClock::new();
        later.advance(SECOND * start);
        let after = settings::<F>(&later);
        wall.snapshot().load(&after.sync(), &bytes[..]).expect("it is as it was saved");
        let state = || after.entry_info(&1).map(|info| info.state);
        assert_eq!((state(), after.fetch(&1)), (Some(Freshness::Stale), None), "start {start}");
        later.advance(SECOND * 5);
        assert_eq!(state(), Some(Freshness::ErrorFallback), "start {start}");
        later.advance(SECOND * 10 - Duration::from_nanos(1));
        assert_eq!(state(), Some(Freshness::ErrorFallback), "start {start}");
        later.advance(Duration::from_nanos(1));
        assert_eq!(state(), None, "start {start}");
    }
}

fn times_that_no_rule_of_the_new_cache_knows_come_back<F: Kind>() {
    let clock = MockClock::new();
    let before = settings::<F>(&clock);
    before.insert_with(1, Loaded::value("one".to_owned()).time_to_live(SECOND * 7).stale_if_error(SECOND * 13));
    before.insert(2, "two".to_owned());
    let after = <F::Of<u32, String>>::build(CacheBuilder::new().clock(clock.clone()).stale_if_error(SECOND * 3));
    restored(&after.sync(), &saved(&before.sync())).expect("it is as it was saved");
    clock.advance(SECOND * 7);
    let left = |key| after.entry_info(&key).and_then(|info| info.usable_for);
    assert!(left(1).is_some_and(|left| left <= SECOND * 13 && left > SECOND * 12), "its own window: {:?}", left(1));
    assert!(left(2).is_some_and(|left| left <= SECOND * 96 && left > SECOND * 95), "the new cache's window: {:?}", left(2));
}

fn neither_shards_nor_policy_nor_hasher_matter<F: Kind>() {
    let before = <F::Of<u32, u32>>::build(CacheBuilder::new().capacity(5_000).shards(7).eviction(EvictionPolicy::Lru));
    (0..5_000).for_each(|n| before.insert(n, n));
    let bytes = saved(&before.sync());
    for policy in EvictionPolicy::ALL {
        for shards in [1, 64] {
            let after = <F::Of<u32, u32>>::build(CacheBuilder::new().capacity(5_000).shards(shards).eviction(policy));
            let result = restored(&after.sync(), &bytes).expect("it is as it was saved");
            assert_eq!((result.entries, after.len()), (5_000, 5_000), "{policy}, {shards} shards");
            after.validate();
        }
    }
    let after = Cache::<u32, u32>::builder().hasher(std::hash::RandomState::new()).build().expect("the settings make sense");
    assert_eq!(restored(&after, &bytes).expect("it is as it was saved").entries, 5_000);
}

crate::on_every_face_in_time!(
    a_cache_comes_back_on_every_face,
    weights_come_back,
    own_times_come_back,
    the_state_of_a_stale_entry_comes_back,
    times_that_no_rule_of_the_new_cache_knows_come_back,
    neither_shards_nor_policy_nor_hasher_matter,
);

#[test]
fn either_face_is_saved_and_restored() {
    let before = AsyncCache::<String, Vec<u32>>::builder().build_async().expect("the settings make sense");
    before.insert("primes".to_owned(), vec![2, 3, 5]);
    let bytes = saved(&before);
    assert_eq!(bytes.len(), saved(&before.to_sync()).len());
    let after = AsyncCache::<String, Vec<u32>>::builder().build_async().expect("the settings make sense");
    assert_eq!(restored(&after, &bytes).expect("it is as it was saved").entries, 1);
    assert_eq!(after.fetch("primes").as_deref(), Some(&vec![2, 3, 5]));
}

#[test]
fn an_empty_cache_is_saved_and_restored() {
    let cache = Cache::<u32, u32>::builder().build().expect("the settings make sense");
    let bytes = saved(&cache);
    assert_eq!(restored(&cache, &bytes).expect("it is as it was saved").entries, 0);
}

/// What follows a snapshot is not its business: two in a row are read one after the other.
#[test]
fn not_a_byte_beyond_its_end_is_read() {
    let cache = |n| {
        let cache = Cache::<u32, u32>::builder().build().expect("the settings make sense");
        cache.insert(n, n);
        cache
    };
    let mut bytes = saved(&cache(1));
    bytes.extend(saved(&cache(2)));
    let (mut rest, after) = (&bytes[..], cache(3));
    for _ in 0..2 {
        Snapshot::new().load(&after, &mut rest).expect("it is as it was saved");
    }
    assert!(rest.is_empty());
    assert!((1..=3).all(|n| after.contains_key(&n)));
}

/// What is remembered of keys without a value is none.
#[test]
fn g13_answers_without_a_value_are_not_saved() {
    let builder = Cache::<u32, u32>::builder().negative_ttl(SECOND * 100);
    let cache = builder.loader_fn(|_: &u32| Loaded::ok(Loaded::absent())).build().expect("the settings make sense");
    assert!(cache.fetch_optional(&1).expect("it is an answer").is_none());
    assert_eq!(cache.metrics().negatives, 1);
    assert_eq!(Snapshot::new().save(&cache, std::io::sink()).expect("it can be saved").entries, 0);
}
