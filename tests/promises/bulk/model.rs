//! Calls for many keys against the same calls one by one, over random operations: two caches that are treated alike agree, and with a map.

use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, EvictionPolicy, RemovalCause};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

const KEYS: u8 = 24;

#[derive(Clone, Debug)]
enum Act {
    Get(Vec<u8>),
    Insert(Vec<(u8, u32)>),
    Invalidate(Vec<u8>),
    Remove(Vec<u8>),
    Fetch(Vec<u8>),
    Warm(Vec<u8>),
    Clear,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let keys = || prop::collection::vec(0..KEYS, 0..12);
    let items = prop::collection::vec((0..KEYS, any::<u32>()), 0..12);
    let act = prop_oneof![
        3 => keys().prop_map(Act::Get),
        4 => items.prop_map(Act::Insert),
        2 => keys().prop_map(Act::Invalidate),
        2 => keys().prop_map(Act::Remove),
        3 => keys().prop_map(Act::Fetch),
        1 => keys().prop_map(Act::Warm),
        1 => Just(Act::Clear),
    ];
    prop::collection::vec(act, 1..40)
}

/// What the loader brings for a key.
const fn of(key: u8) -> u32 {
    key as u32 * 1_000
}

/// What a cache has told its listener, by keys.
type Told = Arc<Mutex<BTreeMap<u8, Vec<(u32, RemovalCause)>>>>;

fn build<F: Kind>(shards: usize, weighs: bool, policy: &EvictionPolicy, told: &Told) -> F::Of<u8, u32> {
    let heard = Arc::clone(told);
    let builder = CacheBuilder::new().shards(shards).eviction(*policy).loader_fn(|key: &u8| bellwether::ok(of(*key)));
    let builder = builder.listener(move |key: &u8, value: &Arc<u32>, cause: RemovalCause| {
        heard.lock().expect("no holder panics").entry(*key).or_default().push((**value, cause));
    });
    // With room for all, or with too little for half of them.
    let builder = if weighs { builder.capacity(40).weigher(|_, value: &u32| u64::from(value % 8)) } else { builder.capacity(1_000) };
    F::Of::build(builder)
}

/// The answer to an act, in the order of its keys.
#[derive(PartialEq, Eq, Debug)]
enum Answer {
    Values(Vec<(u8, Option<u32>)>),
    Number(u64),
}

fn sorted(mut values: Vec<(u8, Option<u32>)>) -> Answer {
    values.sort_unstable();
    values.dedup();
    Answer::Values(values)
}

fn together<C: Face<u8, u32>>(cache: &C, act: &Act) -> Answer {
    match act {
        Act::Get(keys) => sorted(cache.multiget(keys).into_iter().map(|(key, value)| (key, Some(*value))).collect()),
        Act::Insert(items) => {
            cache.multi_insert(items.clone());
            Answer::Number(0)
        }
        Act::Invalidate(keys) => Answer::Number(cache.multi_invalidate(keys)),
        Act::Remove(keys) => Answer::Values(cache.multi_remove(keys).into_iter().map(|(key, value)| (key, Some(*value))).collect()),
        Act::Fetch(keys) => {
            Answer::Values(cache.multi_fetch_with(keys).into_iter().map(|(key, value)| (key, value.ok().map(|v| *v))).collect())
        }
        Act::Warm(keys) => {
            let begun = cache.warm(keys);
            cache.sync().wait_idle();
            Answer::Number(begun as u64)
        }
        Act::Clear => {
            cache.clear();
            Answer::Number(0)
        }
    }
}

fn one_by_one<C: Face<u8, u32>>(cache: &C, act: &Act) -> Answer {
    let each = |keys: &[u8], call: &dyn Fn(&u8) -> Option<Arc<u32>>| -> Vec<(u8, Option<u32>)> {
        keys.iter().map(|key| (*key, call(key).map(|value| *value))).collect()
    };
    let found = |values: Vec<(u8, Option<u32>)>| values.into_iter().filter(|(_, value)| value.is_some()).collect::<Vec<_>>();
    match act {
        Act::Get(keys) => sorted(found(each(keys, &|key| cache.fetch(key)))),
        Act::Insert(items) => {
            items.iter().for_each(|(key, value)| cache.insert(*key, *value));
            Answer::Number(0)
        }
        Act::Invalidate(keys) => Answer::Number(keys.iter().filter(|key| cache.invalidate(key)).count() as u64),
        Act::Remove(keys) => Answer::Values(found(each(keys, &|key| cache.remove(key)))),
        Act::Fetch(keys) => Answer::Values(each(keys, &|key| cache.fetch_with(key).ok())),
        Act::Warm(keys) => {
            Answer::Number(keys.iter().filter(|key| !cache.contains_key(key) && cache.fetch_with(key).is_ok()).count() as u64)
        }
        Act::Clear => {
            cache.clear();
            Answer::Number(0)
        }
    }
}

/// What is held after `act`, where there is room for all.
fn in_a_map(map: &mut HashMap<u8, u32>, act: &Act) {
    match act {
        Act::Get(_) => {}
        Act::Insert(items) => map.extend(items.iter().copied()),
        Act::Invalidate(keys) | Act::Remove(keys) => map.retain(|key, _| !keys.contains(key)),
        Act::Fetch(keys) | Act::Warm(keys) => {
            for key in keys {
                map.entry(*key).or_insert_with(|| of(*key));
            }
        }
        Act::Clear => map.clear(),
    }
}

fn held(cache: &Cache<u8, u32>) -> BTreeMap<u8, u32> {
    cache.iter().map(|(key, value)| (key, *value)).collect()
}

fn told(told: &Told) -> BTreeMap<u8, Vec<(u32, RemovalCause)>> {
    told.lock().expect("no holder panics").clone()
}

/// With room for all, whatever the shards: answers, entries, what each key's listener hears in which order, and counters are the same.
fn agrees_where_there_is_room<F: Kind>(acts: &[Act], shards: usize) {
    let (many, single) = (Told::default(), Told::default());
    let (bulk, loop_of): (F::Of<u8, u32>, F::Of<u8, u32>) =
        (build::<F>(shards, false, &EvictionPolicy::default(), &many), build::<F>(shards, false, &EvictionPolicy::default(), &single));
    let mut map = HashMap::new();
    for act in acts {
        assert_eq!(together(&bulk, act), one_by_one(&loop_of, act), "{act:?}");
        in_a_map(&mut map, act);
        assert_eq!(held(&bulk.sync()), map.iter().map(|(key, value)| (*key, *value)).collect(), "{act:?}");
    }
    assert_eq!(held(&bulk.sync()), held(&loop_of.sync()));
    let (bulk, loop_of) = (bulk.sync(), loop_of.sync());
    bulk.run_maintenance();
    loop_of.run_maintenance();
    until("all is told", || told(&many) == told(&single) || bulk.metrics().unreported + loop_of.metrics().unreported == 0);
    assert_eq!(told(&many), told(&single));
    let (one, other) = (at_rest(&bulk), at_rest(&loop_of));
    let warms = acts.iter().any(|act| matches!(act, Act::Warm(_)));
    if !warms {
        // Of a key that is given twice to a fetch of many the second joins the first, and is a hit where they are fetched one by one.
        assert_eq!((one.misses, one.hits + one.joined), (other.misses, other.hits + other.joined));
    }
    assert_eq!((one.loads_stored, one.entries, one.weight), (other.loads_stored, other.entries, other.weight));
}

/// With too little room, in one shard under a policy without chance: the same entries are held, if each act comes one by one in order.
fn agrees_on_victims<F: Kind>(acts: &[Act], policy: &EvictionPolicy) {
    let (many, single) = (Told::default(), Told::default());
    let (bulk, loop_of): (F::Of<u8, u32>, F::Of<u8, u32>) = (build::<F>(1, true, policy, &many), build::<F>(1, true, policy, &single));
    for act in acts {
        // A fetch of many looks for all before it loads any, so that it differs where it evicts.
        if !matches!(act, Act::Fetch(_) | Act::Warm(_)) {
            assert_eq!(together(&bulk, act), one_by_one(&loop_of, act), "{act:?}");
        }
        assert!(bulk.weight() <= 40);
    }
    let (bulk, loop_of) = (bulk.sync(), loop_of.sync());
    assert_eq!(held(&bulk), held(&loop_of));
    bulk.run_maintenance();
    loop_of.run_maintenance();
    until("all is told", || told(&many) == told(&single) || bulk.metrics().unreported + loop_of.metrics().unreported == 0);
    assert_eq!(told(&many), told(&single));
    let (one, other) = (at_rest(&bulk), at_rest(&loop_of));
    assert_eq!((one.hits, one.misses, one.entries, one.weight), (other.hits, other.misses, other.entries, other.weight));
}

/// With too little room and several shards no more is held than may be, and every account agrees.
fn is_exact_under_pressure<F: Kind>(acts: &[Act], policy: &EvictionPolicy) {
    let heard = Told::default();
    let cache: F::Of<u8, u32> = build::<F>(4, true, policy, &heard);
    let mut map = HashMap::new();
    for act in acts {
        let answer = together(&cache, act);
        in_a_map(&mut map, act);
        if let (Act::Get(_) | Act::Remove(_), Answer::Values(values)) = (act, answer) {
            assert!(values.len() <= usize::from(KEYS));
        }
        // Some have left, and may have been loaded again since.
        for (key, value) in held(&cache.sync()) {
            assert!(map.get(&key).is_some_and(|known| *known == value || value == of(key)), "{key}: {value}, {act:?}");
        }
        assert!(cache.weight() <= 40);
    }
    cache.run_maintenance();
    at_rest(&cache.sync());
}

macro_rules! on_each_face {
    ($($face:ident: $kind:ty),+) => {
        $(mod $face {
            use super::*;
            proptest! {
                #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

                #[test]
                fn g14_bulk_calls_agree_with_single_ones_where_there_is_room(acts in acts(), shards in 1..5_usize) {
                    agrees_where_there_is_room::<$kind>(&acts, shards);
                }

                #[test]
                fn g14_bulk_calls_choose_the_victims_that_single_ones_choose(acts in acts(), choice in 0..2_usize) {
                    agrees_on_victims::<$kind>(&acts, &[EvictionPolicy::Lru, EvictionPolicy::Fifo][choice]);
                }

                #[test]
                fn g14_bulk_calls_hold_no_more_than_may_be(acts in acts(), choice in 0..3_usize) {
                    let policies = [EvictionPolicy::default(), EvictionPolicy::Lru, EvictionPolicy::Sieve];
                    is_exact_under_pressure::<$kind>(&acts, &policies[choice]);
                }
            }
        })+
    };
}

on_each_face!(blocking: crate::faces::Blocking, async_on_tokio: crate::faces::OnTokio, async_without_runtime: crate::faces::NoRuntime);
