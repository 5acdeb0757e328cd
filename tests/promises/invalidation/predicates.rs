//! `invalidate_if` and `retain`: what they ask about, what they remove, and what they supersede.

use super::scene::{Hands, mocked, with_runway};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::hush::{ON_PURPOSE, caught};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::secs;
use crate::runway::BOTH;
use crate::together::{observed, together};
use bellwether::{BoxError, CacheBuilder, Entry, ErrorBackoff, Loaded, RemovalCause};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const KEY: u32 = 1;

fn filled<F: Kind>(keys: u32, builder: CacheBuilder<u32, u32>) -> (F::Of<u32, u32>, Hands<u32, u32>) {
    let (cache, hands) = Hands::build::<F>(builder);
    (0..keys).for_each(|key| cache.insert(key, key * 10));
    (cache, hands)
}

/// Each entry is asked about once, with its key and value, and what is counted has gone.
fn each_entry_is_asked_about_once<F: Kind>() {
    for keys in [0, 1, 63, 64, 65, 1_000] {
        for shards in [1, 8] {
            for divisor in [1, 2, 7, 5_000] {
                let (cache, hands) = filled::<F>(keys, CacheBuilder::new().shards(shards));
                let mut asked: HashMap<u32, u32> = HashMap::new();
                let removed = hands.invalidate_if(|key, value| {
                    assert_eq!(*value, key * 10);
                    *asked.entry(*key).or_default() += 1;
                    key % divisor == 0
                });
                assert!(asked.len() == keys as usize && asked.values().all(|&times| times == 1), "{keys} keys");
                let doomed = u64::from(keys.div_ceil(divisor));
                assert_eq!((removed, cache.len()), (doomed, u64::from(keys) - doomed), "{keys} keys, every {divisor}th");
                assert!((0..keys).all(|key| cache.contains_key(&key) == (key % divisor != 0)));
                assert_eq!(at_rest(&cache.sync()).removals(RemovalCause::Invalidated), doomed);
                hands.retain(|key, _| key % 2 == 0);
                assert!((0..keys).all(|key| cache.contains_key(&key) == (key % divisor != 0 && key % 2 == 0)));
                at_rest(&cache.sync());
            }
        }
    }
}

/// Stale values are entries; what is over, and what is remembered of keys without one, isn't.
fn stale_values_are_asked_about_and_absences_are_not<F: Kind>() {
    let (clock, builder) = mocked();
    let builder = builder.no_janitor().stale_while_revalidate(secs(10)).negative_ttl(secs(100));
    let builder = builder.error_backoff(ErrorBackoff::new(secs(100)).max(secs(100)));
    let (cache, hands) = Hands::build::<F>(builder.loader_fn(|key: &u32| match key % 2 {
        0 => Ok(Loaded::absent()),
        _ => Err(BoxError::from("down")),
    }));
    cache.insert_with(1, Loaded::value(10).time_to_live(secs(1)));
    cache.insert_with(3, Loaded::value(30).time_to_live(secs(1)).stale_while_revalidate(secs(0)));
    cache.insert(5, 50);
    assert!(cache.fetch_with(&2).is_err_and(|error| error.is_absent()));
    assert!(cache.fetch_with(&7).is_err());
    clock.advance(secs(2));
    let mut asked = Vec::new();
    assert_eq!(
        hands.invalidate_if(|key, _| {
            asked.push(*key);
            *key == 1
        }),
        1
    );
    asked.sort_unstable();
    assert_eq!(asked, [1, 5]);
    assert!(cache.fetch_stale(&1).is_none() && cache.fetch_stale(&5).is_some());
    let loads = cache.metrics().loads_started;
    assert!(cache.fetch_with(&2).is_err_and(|error| error.is_absent()) && cache.fetch_with(&7).is_err());
    assert_eq!(cache.metrics().loads_started, loads, "what is remembered stays");
    cache.run_maintenance();
    at_rest(&cache.sync());
}

fn g2_loads_in_the_air_are_superseded<F: Kind>() {
    for style in BOTH {
        for is_doomed in [false, true] {
            let (cache, hands, runway) = with_runway::<F>(1, style, CacheBuilder::new(), Loaded::value);
            cache.insert(2, 20);
            let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
            runway.until_begun(0);
            assert_eq!(hands.invalidate_if(|_, _| is_doomed), u64::from(is_doomed));
            assert_eq!(*cache.fetch_with(&KEY).expect("it is loaded"), 1);
            runway.open(0);
            assert_eq!(*leader.result().expect("it is delivered"), 0);
            assert_eq!(cache.fetch(&KEY).as_deref(), Some(&1));
            assert_eq!(at_rest(&cache.sync()).loads_superseded, 1);
        }
    }
}

/// A predicate may call the cache: it runs under no lock.
fn g6_a_predicate_may_call_the_cache<F: Kind>() {
    let (cache, hands) = filled::<F>(200, CacheBuilder::new().shards(2).loader_fn(|_: &u32| Loaded::ok(7)));
    let calls = cache.clone();
    let inner = hands.clone();
    let removed = hands.invalidate_if(|key, value| {
        if *key >= 1_000 {
            return false;
        }
        assert!(*key % 2 == 1 || calls.fetch(key).as_deref() == Some(value));
        assert!(calls.fetch_with(&(key + 1_000)).is_ok());
        calls.insert(key + 2_000, 1);
        calls.run_maintenance();
        assert!(calls.len() > 0);
        if *key == 100 {
            // Another one, of the same entries.
            inner.invalidate_if(|key, _| key % 2 == 1);
        }
        true
    });
    // Those that the inner call has taken count there.
    assert!((100..=200).contains(&removed), "{removed} were removed");
    assert!((0..200).all(|key| !cache.contains_key(&key)));
    at_rest(&cache.sync());
}

/// One that panics has done what it has done, and the cache is whole.
fn g6_a_predicate_may_panic<F: Kind>() {
    for at in [0, 1, 64, 500, 999] {
        let (cache, hands) = filled::<F>(1_000, CacheBuilder::new().shards(1));
        let asked = AtomicU32::new(0);
        let panicked = caught(|| {
            hands.invalidate_if(|_, _| {
                assert_ne!(asked.fetch_add(1, Ordering::Relaxed), at, "{ON_PURPOSE}");
                true
            })
        });
        assert!(panicked.is_err());
        let left = cache.len();
        assert!(left >= 1_000 - u64::from(at) && left < 1_000 - u64::from(at) + 64, "{left} are left after {at}");
        assert_eq!(at_rest(&cache.sync()).removals(RemovalCause::Invalidated), 1_000 - left);
        assert_eq!(hands.invalidate_if(|_, _| true), left);
    }
}

/// What has changed between the look and the removal stays.
fn what_has_changed_since_it_was_asked_about_stays<F: Kind>() {
    type Change = fn(&Hands<u32, u32>);
    let changes: [(&str, Change, Option<u32>); 8] = [
        ("nothing", |_| {}, None),
        ("insert", |hands| hands.sync().insert(KEY, 8), Some(8)),
        ("replace", |hands| assert!(hands.replace(KEY, 8).is_some()), Some(8)),
        ("compute", |hands| assert!(hands.compute(&KEY, |value| *value = 8)), Some(8)),
        ("the same value once more", |hands| hands.sync().insert(KEY, 10), Some(10)),
        (
            "remove and insert",
            |hands| {
                hands.sync().remove(&KEY);
                hands.sync().insert(KEY, 10);
            },
            Some(10),
        ),
        ("a newer load", |hands| drop(hands.sync().refresh(&KEY)), Some(100)),
        ("set_ttl", |hands| assert!(hands.sync().set_ttl(&KEY, secs(10))), None),
    ];
    for (name, change, left) in changes {
        let (cache, hands) = filled::<F>(2, CacheBuilder::new().shards(1).loader_fn(|_: &u32| Loaded::ok(100)));
        let changing = hands.clone();
        let removed = hands.invalidate_if(|key, _| {
            if *key == KEY {
                change(&changing);
            }
            *key == KEY
        });
        assert_eq!((removed, cache.peek(&KEY).as_deref().copied()), (u64::from(left.is_none()), left), "{name}");
        at_rest(&cache.sync());
    }
}

/// The entry is found, changed by another thread, and stays.
fn g6_writers_get_on_while_a_predicate_is_asked<F: Kind>() {
    let (cache, hands) = filled::<F>(10, CacheBuilder::new().shards(1));
    let (asked, go_on) = (Gate::new(), Gate::new());
    let (inside, held_back) = (asked.clone(), go_on.clone());
    let removing = apart(&hands, move |hands| {
        hands.invalidate_if(|_, _| {
            inside.open();
            held_back.wait();
            true
        })
    });
    asked.until_arrived(0);
    asked.wait();
    (0..5).for_each(|key| cache.insert(key, 1));
    assert!(cache.remove(&5).is_some());
    go_on.open();
    assert_eq!(removing.result(), 4);
    assert_eq!((cache.len(), (0..5).filter(|key| cache.contains_key(key)).count()), (5, 5));
    at_rest(&cache.sync());
}

/// Entries that stay doomed from before the call to its end are gone, whoever writes meanwhile.
fn g2_nothing_doomed_is_seen_after_the_call_whoever_writes<F: Kind>() {
    let (cache, hands) = filled::<F>(500, CacheBuilder::new().shards(4).loader_fn(|_: &u32| Loaded::ok(2)));
    let looks = observed(
        2,
        || {
            hands.invalidate_if(|_, value| *value % 10 == 0 && *value > 0);
            assert!((100..500).all(|key| cache.peek(&key).is_none_or(|value| *value % 10 != 0)));
        },
        |thread| {
            for round in 0..2_000 {
                let key = round % 100;
                if thread == 0 {
                    cache.insert(key, 1);
                } else {
                    cache.fetch_with(&key).expect("it is loaded");
                    cache.remove(&key);
                }
            }
        },
    );
    assert!(looks > 0);
    assert!((100..500).all(|key| !cache.contains_key(&key)));
    at_rest(&cache.sync());
}

/// Two at once remove each entry once.
fn of_two_at_once_each_entry_is_one_s<F: Kind>() {
    let (cache, hands) = filled::<F>(5_000, CacheBuilder::new().shards(4));
    let removed: u64 = together(4, |_| hands.invalidate_if(|key, _| key % 2 == 0)).into_iter().sum();
    assert_eq!((removed, cache.len()), (2_500, 2_500));
    assert_eq!(at_rest(&cache.sync()).removals(RemovalCause::Invalidated), 2_500);
}

/// The leads of entries are flights, too.
fn g2_an_entry_s_lead_is_superseded<F: Kind>() {
    let (cache, hands) = Hands::<u32, u32>::build::<F>(CacheBuilder::new());
    let Entry::Vacant(entry) = hands.entry(KEY) else { panic!("nothing is held") };
    hands.retain(|_, _| true);
    assert_eq!(*entry.insert(7), 7);
    assert_eq!(cache.peek(&KEY), None);
    at_rest(&cache.sync());
}

/// Not read, not counted, not told to the policy: an entry that was asked about is as cold as before.
fn g16_a_question_is_no_use_of_an_entry<F: Kind>() {
    let (clock, builder) = mocked();
    let (cache, hands) = filled::<F>(10, builder.time_to_idle(secs(10)));
    clock.advance(secs(9));
    let before = cache.metrics();
    assert_eq!(hands.invalidate_if(|_, _| false), 0);
    let after = cache.metrics();
    assert_eq!((before.hits, before.misses), (after.hits, after.misses));
    clock.advance(secs(1));
    assert!((0..10).all(|key| !cache.contains_key(&key)), "nobody has used it");
    cache.run_maintenance();
    at_rest(&cache.sync());
}

/// Values are dropped under no lock, also when they go because of it alone.
fn g6_values_go_under_no_lock<F: Kind>() {
    struct Nosy(Arc<std::sync::Mutex<Option<bellwether::Cache<u32, Nosy>>>>);
    impl Drop for Nosy {
        fn drop(&mut self) {
            let cache = self.0.lock().expect("no holder panics").clone();
            cache.into_iter().for_each(|cache| assert!(!cache.contains_key(&1_000)));
        }
    }
    let cell = Arc::default();
    let (cache, hands) = Hands::<u32, Nosy>::build::<F>(CacheBuilder::new().shards(1));
    (0..200).for_each(|key| cache.insert(key, Nosy(Arc::clone(&cell))));
    *cell.lock().expect("no holder panics") = Some(cache.sync());
    assert_eq!(hands.invalidate_if(|key, _| key % 2 == 0), 100);
    *cell.lock().expect("no holder panics") = None;
    until("they have gone", || cache.len() == 100);
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    each_entry_is_asked_about_once,
    stale_values_are_asked_about_and_absences_are_not,
    g2_loads_in_the_air_are_superseded,
    g6_a_predicate_may_call_the_cache,
    g6_a_predicate_may_panic,
    what_has_changed_since_it_was_asked_about_stays,
    g6_writers_get_on_while_a_predicate_is_asked,
    g2_nothing_doomed_is_seen_after_the_call_whoever_writes,
    of_two_at_once_each_entry_is_one_s,
    g2_an_entry_s_lead_is_superseded,
    g16_a_question_is_no_use_of_an_entry,
    g6_values_go_under_no_lock,
);
