//! What keeps an entry's tags, and what gives it others.

use super::scene::{Hands, mocked};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::secs;
use bellwether::{CacheBuilder, Entry, Loaded};
use std::sync::Arc;

const KEY: u32 = 1;

type Change = fn(&Hands<u32, u32>);

fn replace_by_entry(hands: &Hands<u32, u32>) {
    match hands.entry(KEY) {
        Entry::Occupied(mut entry) => assert!(entry.replace(8).is_ok()),
        Entry::Vacant(_) => panic!("it is held"),
    }
}

/// Changes after which the entry carries what it carried.
const KEEPING: &[(&str, Change)] = &[
    ("nothing", |_| {}),
    ("compute", |hands| assert!(hands.compute(&KEY, |value| *value += 1))),
    ("try_compute", |hands| assert!(hands.try_compute(&KEY, |value| *value += 1))),
    ("upsert", |hands| hands.upsert(KEY, || 0, |value| *value += 1)),
    ("replace", |hands| assert!(hands.replace(KEY, 8).is_some())),
    ("compare_and_swap", |hands| {
        let held = hands.sync().peek(&KEY).expect("it is held");
        assert_eq!(hands.compare_and_swap(&KEY, &held, 8), Ok(()));
    }),
    ("an occupied entry's replace", replace_by_entry),
    ("and_modify", |hands| drop(hands.entry(KEY).and_modify(|value| *value += 1))),
    ("a load that finds nothing changed", |hands| assert!(hands.sync().refresh(&KEY).is_ok())),
    ("set_ttl", |hands| assert!(hands.sync().set_ttl(&KEY, secs(5)))),
    ("persist", |hands| assert!(hands.sync().persist(&KEY))),
    ("insert_if_absent", |hands| assert!(hands.insert_if_absent(KEY, 8).is_some())),
    ("insert_with unchanged", |hands| hands.sync().insert_with(KEY, Loaded::unchanged())),
];

/// Changes after which it carries nothing.
const DROPPING: &[(&str, Change)] = &[
    ("insert", |hands| hands.sync().insert(KEY, 8)),
    ("insert_with", |hands| hands.sync().insert_with(KEY, Loaded::value(8))),
    ("insert_with_ttl", |hands| hands.sync().insert_with_ttl(KEY, 8, secs(5))),
    ("try_insert", |hands| assert!(hands.try_insert(KEY, 8))),
    ("remove and insert_if_absent", |hands| {
        hands.sync().remove(&KEY);
        assert!(hands.insert_if_absent(KEY, 8).is_none());
    }),
];

fn scene<F: Kind>() -> (F::Of<u32, u32>, Hands<u32, u32>) {
    let (_, builder) = mocked();
    let (cache, hands) = Hands::build::<F>(builder.no_janitor().loader_fn(|_: &u32| Loaded::<u32>::ok(Loaded::unchanged())));
    cache.insert_with(KEY, Loaded::value(7).tags(["a", "b"]));
    (cache, hands)
}

fn g2_changes_of_a_value_keep_its_tags<F: Kind>() {
    for (name, change) in KEEPING {
        for tag in ["a", "b"] {
            let (cache, hands) = scene::<F>();
            change(&hands);
            change(&hands);
            assert!(cache.contains_key(&KEY), "{name}");
            hands.invalidate_tag("c");
            assert!(cache.contains_key(&KEY), "{name}");
            hands.invalidate_tag(tag);
            assert!(!cache.contains_key(&KEY), "{name}, {tag}");
            cache.run_maintenance();
            at_rest(&cache.sync());
            assert_eq!(cache.len(), 0);
        }
    }
}

fn g2_another_value_has_tags_of_its_own_only<F: Kind>() {
    for (name, change) in DROPPING {
        let (cache, hands) = scene::<F>();
        change(&hands);
        at_rest(&cache.sync());
        hands.invalidate_tag("a");
        hands.expire_tag("b");
        assert!(cache.contains_key(&KEY), "{name}");
        cache.run_maintenance();
        assert_eq!((cache.len(), cache.peek(&KEY).as_deref()), (1, Some(&8)), "{name}");
    }
}

/// A load brings a value with tags of its own, and one that finds nothing changed may add some.
fn g2_a_load_brings_tags<F: Kind>() {
    let answers: [(Loaded<u32>, &[&str], &[&str]); 3] = [
        (Loaded::value(8).tags(["c"]), &["a", "b"], &["c"]),
        (Loaded::unchanged().tags(["c"]), &["d"], &["a", "b", "c"]),
        (Loaded::value(8), &["a", "b", "c"], &[]),
    ];
    for (answer, spare, strike) in answers {
        let answer = Arc::new(answer);
        for tag in strike.iter().chain(spare) {
            let answer = Arc::clone(&answer);
            let loader = move |_: &u32| Loaded::<u32>::ok(Loaded::clone(&answer));
            let (cache, hands) = Hands::build::<F>(CacheBuilder::new().no_janitor().loader_fn(loader));
            cache.insert_with(KEY, Loaded::value(7).tags(["a", "b"]));
            cache.refresh(&KEY).expect("it is loaded");
            hands.invalidate_tag(tag);
            assert_eq!(cache.contains_key(&KEY), spare.contains(tag), "{tag}");
            cache.run_maintenance();
            at_rest(&cache.sync());
        }
    }
}

fn g2_each_of_many_tags_strikes<F: Kind>() {
    let (cache, hands) = Hands::<u32, u32>::build::<F>(CacheBuilder::new().no_janitor());
    let names: Vec<String> = (0..1_000).map(|number| format!("tag {number}")).collect();
    for struck in [0, 1, 500, 999] {
        cache.insert_with(KEY, Loaded::value(7).tags(names.iter().map(String::as_str)));
        assert!(cache.contains_key(&KEY));
        hands.invalidate_tag(&names[struck]);
        assert!(!cache.contains_key(&KEY), "{struck}");
    }
    cache.run_maintenance();
    at_rest(&cache.sync());
}

/// Whatever a name is like, it is the name.
fn g2_names_may_be_anything<F: Kind>() {
    let long = "x".repeat(100_000);
    for name in ["", " ", "\0", "ü", "a:b:*", &long] {
        for tags in [vec![name], vec![name, name], vec!["other", name, "other"]] {
            let (cache, hands) = Hands::<u32, u32>::build::<F>(CacheBuilder::new().no_janitor());
            cache.insert_with(KEY, Loaded::value(7).tags(tags.clone()).tags(tags.clone()));
            for other in ["A", "\0\0", &long[1..]] {
                hands.invalidate_tag(other);
            }
            assert!(cache.contains_key(&KEY));
            hands.invalidate_tag(name);
            assert!(!cache.contains_key(&KEY));
            // Told once, and gone for good.
            hands.expire_tag(name);
            cache.run_maintenance();
            at_rest(&cache.sync());
            cache.insert_with(KEY, Loaded::value(8).tags(tags));
            assert!(cache.contains_key(&KEY), "it came after the strikes");
            cache.clear();
            at_rest(&cache.sync());
        }
    }
}

/// Tags that were never given.
fn g2_no_tags_at_all<F: Kind>() {
    let (cache, hands) = Hands::<u32, u32>::build::<F>(CacheBuilder::new());
    cache.insert_with(KEY, Loaded::value(7).tags([""; 0]));
    cache.insert(2, 8);
    for tag in ["", "a"] {
        hands.invalidate_tag(tag);
        hands.expire_tag(tag);
    }
    cache.run_maintenance();
    assert_eq!(cache.len(), 2);
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g2_changes_of_a_value_keep_its_tags,
    g2_another_value_has_tags_of_its_own_only,
    g2_a_load_brings_tags,
    g2_each_of_many_tags_strikes,
    g2_names_may_be_anything,
    g2_no_tags_at_all,
);
