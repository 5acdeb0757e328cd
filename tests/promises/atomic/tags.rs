//! Tags and changes: what is changed keeps its tags, and what was struck is no value to be changed.

use super::rows::{KEY, OLD, rows};
use super::scene::Hands;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{CacheBuilder, Loaded};

fn tagged<F: Kind>() -> F::Of<u32, u32> {
    let cache: F::Of<u32, u32> = F::Of::build(CacheBuilder::new());
    cache.insert_with(KEY, Loaded::value(OLD).tags(["old"]));
    cache
}

fn g2_what_takes_the_place_of_a_tagged_value_is_struck_by_its_tags<F: Kind>() {
    for row in rows() {
        let cache = tagged::<F>();
        assert_eq!((row.call)(&Hands::of::<F>(&cache)), row.held.gives, "{}", row.name);
        assert!(cache.contains_key(&KEY), "{}", row.name);
        cache.sync().invalidate_tag("old");
        assert!(!cache.contains_key(&KEY), "{}", row.name);
        at_rest(&cache.sync());
    }
}

fn g2_a_value_that_was_struck_is_none_for_any_of_them<F: Kind>() {
    for row in rows() {
        let cache = tagged::<F>();
        cache.sync().invalidate_tag("old");
        assert_eq!((row.call)(&Hands::of::<F>(&cache)), row.none.gives, "{}", row.name);
        assert_eq!(cache.peek(&KEY).as_deref().copied(), row.none.writes, "{}", row.name);
        at_rest(&cache.sync());
    }
}

/// A strike that comes while a copy is being changed wins.
fn g2_what_is_struck_while_it_is_changed_is_not_stored<F: Kind>() {
    let cache = tagged::<F>();
    let hands = Hands::of::<F>(&cache);
    let changed = hands.compute(&KEY, |value| {
        cache.sync().invalidate_tag("old");
        *value += 1;
    });
    assert_eq!((changed, cache.peek(&KEY)), (false, None));
    cache.insert_with(KEY, Loaded::value(OLD).tags(["old"]));
    let changed = hands.upsert(
        KEY,
        || 100,
        |value| {
            if *value == OLD {
                cache.sync().invalidate_tag("old");
            }
            *value += 1;
            *value
        },
    );
    assert_eq!((changed, cache.peek(&KEY).as_deref()), (101, Some(&101)));
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g2_what_takes_the_place_of_a_tagged_value_is_struck_by_its_tags,
    g2_a_value_that_was_struck_is_none_for_any_of_them,
    g2_what_is_struck_while_it_is_changed_is_not_stored,
);
