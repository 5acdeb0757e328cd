//! Histories with predicates and strikes of a tag, which even values carry: good ones, which
//! the oracle must accept, and bad ones, which it must reject.

use std::ops::RangeInclusive;

use super::script::*;
use crate::oracle::history::{Op, Reply, Stamp};

/// Holds that this may be seen after either strike.
#[track_caller]
fn leaves(history: impl Fn() -> Script, thread: usize, during: RangeInclusive<Stamp>, seen: (Op, Reply)) {
    for strike in [INVALIDATE_TAG, EXPIRE_TAG] {
        history().call(thread, during.clone(), strike).call(C, 30..=31, seen).passes(STRICT);
    }
}

/// Holds that this may be seen after neither strike: of a value, whatever the cache forgets.
#[track_caller]
fn never_leaves(history: impl Fn() -> Script, thread: usize, during: RangeInclusive<Stamp>, seen: (Op, Reply)) {
    let options = if seen == GET_NONE { STRICT } else { FORGETFUL };
    for strike in [INVALIDATE_TAG, EXPIRE_TAG] {
        history().call(thread, during.clone(), strike).call(C, 30..=31, seen).fails(options);
    }
}

#[test]
fn g2_a_strike_hits_what_carries_the_tag() {
    let held = || Script::new().call(A, 1..=2, insert(10));
    leaves(held, A, 3..=4, GET_NONE);
    never_leaves(held, A, 3..=4, get(10));
    held().call(A, 3..=4, EXPIRE_TAG).call(A, 5..=6, sees_stale(10)).passes(STRICT);
    held().call(A, 3..=4, EXPIRE_TAG).call(A, 5..=6, (Op::FetchStale, Reply::Value(None))).fails(STRICT);
    held().call(A, 3..=4, INVALIDATE_TAG).call(A, 5..=6, sees_stale(10)).fails(FORGETFUL);
    held().call(A, 3..=4, EXPIRE_TAG).call(A, 5..=6, INVALIDATE_TAG).call(A, 7..=8, sees_stale(10)).fails(FORGETFUL);
}

#[test]
fn g2_a_strike_spares_what_does_not_carry_the_tag() {
    let held = || Script::new().call(A, 1..=2, insert(11));
    leaves(held, A, 3..=4, get(11));
    never_leaves(held, A, 3..=4, GET_NONE);
    // Nor does what these calls store where nothing is held.
    for stored in [if_absent(10, None), upsert(10, None)] {
        leaves(|| Script::new().call(A, 1..=2, stored), A, 3..=4, get(10));
        never_leaves(|| Script::new().call(A, 1..=2, stored), A, 3..=4, GET_NONE);
    }
}

#[test]
fn g2_what_takes_the_place_of_a_value_has_its_tag() {
    let over = |old: u32, stored| move || Script::new().call(A, 1..=2, insert(old)).call(A, 3..=4, stored);
    let with = |old: u32, new: u32| [replace(new, Some(old)), swap(old, new, true), change(new, Some(old)), upsert(new, Some(old))];
    for stored in with(10, 13) {
        leaves(over(10, stored), A, 5..=6, GET_NONE);
        never_leaves(over(10, stored), A, 5..=6, get(13));
    }
    for stored in with(11, 12) {
        leaves(over(11, stored), A, 5..=6, get(12));
        never_leaves(over(11, stored), A, 5..=6, GET_NONE);
    }
}

#[test]
fn g2_a_flight_that_brings_what_was_struck_delivers_and_is_not_stored() {
    let flying = || Script::new().call(A, 1..=9, fetch(20)).load(2, 20);
    leaves(flying, B, 3..=4, GET_NONE);
    never_leaves(flying, B, 3..=4, get(20));
    leaves(flying, B, 3..=4, (Op::FetchStale, Reply::Value(None)));
    // It comes after what had landed.
    flying().call(B, 3..=4, EXPIRE_TAG).call(B, 10..=11, sees_stale(20)).passes(STRICT);
    // Who came after the strike looks again.
    for strike in [INVALIDATE_TAG, EXPIRE_TAG] {
        flying().call(B, 3..=4, strike).call(B, 5..=10, fetch(20)).fails(FORGETFUL);
        flying().call(B, 3..=4, strike).call(B, 5..=10, fetch(22)).load(6, 22).call(C, 11..=12, get(22)).passes(STRICT);
    }
    // What carries no tag is stored.
    let flying = || Script::new().call(A, 1..=9, fetch(21)).load(2, 21);
    leaves(flying, B, 3..=4, get(21));
    never_leaves(flying, B, 3..=4, GET_NONE);
}

#[test]
fn g2_a_struck_refresh_leaves_what_lies_beneath_to_the_strike() {
    let over = |old: u32| move || Script::new().call(A, 1..=2, insert(old)).call(B, 3..=9, refresh(20)).load(4, 20);
    leaves(over(11), A, 5..=6, get(11));
    never_leaves(over(10), A, 5..=6, get(10));
    over(10)().call(A, 5..=6, EXPIRE_TAG).call(A, 10..=11, sees_stale(10)).passes(STRICT);
    over(10)().call(A, 5..=6, EXPIRE_TAG).call(A, 10..=11, sees_stale(20)).passes(STRICT);
    // By when its callers had returned it had landed.
    over(11)().call(A, 10..=11, INVALIDATE_TAG).call(A, 12..=13, get(11)).fails(FORGETFUL);
}

#[test]
fn g2_what_was_struck_comes_back() {
    let struck = || Script::new().call(A, 1..=4, fetch(20)).load(2, 20).call(B, 5..=6, INVALIDATE_TAG);
    for seen in [get(20), fetch(20), contains(true), if_absent(11, Some(20)), replace(11, Some(20)), swap(20, 11, true), take(20, true)] {
        struck().call(B, 7..=8, seen).fails(FORGETFUL);
    }
    for seen in [remove(20), change(11, Some(20)), glimpse(Some(20)), sees_stale(20), fetch_gets_stale(20)] {
        struck().call(B, 7..=8, seen).fails(FORGETFUL);
    }
    // The load of one who went away lands too late.
    Script::new().open(A, 1, Op::Fetch).load(2, 20).call(B, 3..=4, INVALIDATE_TAG).call(B, 5..=6, get(20)).fails(FORGETFUL);
    Script::new().open(A, 1, Op::Fetch).call(B, 2..=3, INVALIDATE_TAG).load(4, 20).call(B, 5..=6, get(20)).passes(STRICT);
    Script::new().open(A, 1, Op::Fetch).load(2, 21).call(B, 3..=4, INVALIDATE_TAG).call(B, 5..=6, get(21)).passes(STRICT);
}

#[test]
fn g2_a_strike_comes_after_the_landing_of_one_who_went_away() {
    let left = || Script::new().open(A, 1, Op::Fetch).load(2, 20).call(B, 3..=4, EXPIRE_TAG);
    left().call(B, 5..=6, sees_stale(20)).passes(STRICT);
    left().call(B, 5..=6, get(20)).fails(FORGETFUL);
}

#[test]
fn a_predicate_removes_what_it_was_asked_of() {
    let asked = || Script::new().call(A, 1..=2, insert(10)).call(A, 3..=5, OVERTAKE).call(A, 4..=6, glimpse(Some(10)));
    asked().call(A, 7..=8, doom(10, true)).call(A, 9..=10, GET_NONE).passes(STRICT);
    asked().call(A, 7..=8, doom_untold(10)).call(A, 9..=10, GET_NONE).passes(STRICT);
    asked().call(A, 7..=8, doom_untold(10)).call(A, 9..=10, get(10)).fails(FORGETFUL);
    asked().call(A, 7..=8, doom(10, false)).fails(STRICT);
    asked().call(B, 7..=8, insert(11)).call(A, 9..=10, doom(10, true)).fails(FORGETFUL);
    // What has come meanwhile stays.
    asked().call(B, 7..=8, insert(11)).call(A, 9..=10, doom(10, false)).call(A, 11..=12, get(11)).passes(STRICT);
    asked().call(B, 7..=8, insert(11)).call(A, 9..=10, doom_untold(10)).call(A, 11..=12, get(11)).passes(STRICT);
    asked().call(B, 7..=8, insert(11)).call(A, 9..=10, doom_untold(10)).call(A, 11..=12, GET_NONE).fails(STRICT);
    // And what it wasn't asked of.
    asked().call(A, 9..=10, get(10)).passes(STRICT);
    asked().call(A, 9..=10, GET_NONE).fails(STRICT);
}

#[test]
fn a_predicate_removes_what_was_struck_since_it_was_asked_of_it() {
    let asked = || Script::new().call(A, 1..=2, insert(10)).call(A, 3..=5, OVERTAKE).call(A, 4..=6, glimpse(Some(10)));
    for struck in [doom(10, true), doom(10, false), doom_untold(10)] {
        asked().call(B, 7..=8, INVALIDATE_TAG).call(A, 9..=10, struck).call(A, 11..=12, GET_NONE).passes(STRICT);
        // And what has joined a flight since is superseded with it.
        let joined = asked().call(B, 7..=14, refresh(21)).load(8, 21).call(C, 9..=10, INVALIDATE_TAG).call(C, 11..=15, entry(21));
        joined.call(A, 12..=13, struck).call(A, 16..=17, if struck.1 == doom(10, false).1 { get(21) } else { GET_NONE }).passes(STRICT);
    }
    // Not what has come since.
    asked().call(B, 7..=8, INVALIDATE_TAG).call(B, 9..=10, insert(11)).call(A, 11..=12, doom(10, true)).fails(FORGETFUL);
    asked().call(B, 7..=8, INVALIDATE).call(A, 9..=10, doom(10, true)).fails(FORGETFUL);
}

#[test]
fn a_predicate_is_asked_of_what_is_held_stale_or_not() {
    let stale = || Script::new().call(A, 1..=2, insert(10)).call(A, 3..=4, expire(true)).call(A, 5..=7, OVERTAKE);
    stale().call(A, 6..=8, glimpse(Some(10))).call(A, 9..=10, doom(10, true)).passes(STRICT);
    stale().call(A, 6..=8, glimpse(Some(10))).call(A, 9..=10, doom(10, true)).call(A, 11..=12, sees_stale(10)).fails(FORGETFUL);
    stale().call(A, 6..=8, glimpse(None)).fails(STRICT);
    Script::new().call(A, 1..=2, glimpse(Some(10))).call(B, 3..=4, insert(10)).fails(FORGETFUL);
}

#[test]
fn g2_a_predicate_supersedes_whatever_is_in_the_air() {
    let flying = |value| move || Script::new().call(A, 1..=9, fetch(value)).load(2, value).call(B, 3..=5, OVERTAKE);
    for value in [20, 21] {
        flying(value)().call(B, 4..=6, glimpse(None)).call(B, 10..=11, GET_NONE).passes(STRICT);
        flying(value)().call(B, 4..=6, glimpse(None)).call(B, 10..=11, get(value)).fails(FORGETFUL);
        // Unless it had landed.
        flying(value)().call(B, 4..=6, glimpse(Some(value))).call(B, 10..=11, get(value)).passes(STRICT);
    }
    let beneath = || Script::new().call(A, 1..=2, insert(10)).call(B, 3..=9, refresh(20)).load(4, 20).call(A, 5..=7, OVERTAKE);
    beneath().call(A, 6..=8, glimpse(Some(10))).call(A, 10..=11, get(10)).passes(STRICT);
    beneath().call(A, 6..=8, glimpse(Some(10))).call(A, 10..=11, get(20)).fails(FORGETFUL);
    // A refresh that was claimed since goes with what it is to take the place of.
    let since = Script::new().call(A, 1..=3, OVERTAKE).call(C, 4..=5, insert(10)).call(B, 6..=12, refresh(20)).load(7, 20);
    since.call(A, 2..=8, glimpse(Some(10))).call(A, 9..=10, doom(10, true)).call(A, 13..=14, GET_NONE).passes(STRICT);
}

#[test]
fn g4_the_load_of_one_who_went_away_lands_before_a_predicate_comes() {
    let left = || Script::new().open(A, 1, Op::Fetch).load(2, 20).call(B, 3..=5, OVERTAKE);
    left().call(B, 4..=6, glimpse(Some(20))).call(B, 7..=8, get(20)).passes(STRICT);
    left().call(B, 4..=6, glimpse(None)).call(B, 7..=8, get(20)).fails(FORGETFUL);
    let over = Script::new().call(A, 1..=2, insert(10)).open(B, 3, Op::Refresh).load(4, 20);
    over.call(A, 5..=6, glimpse(Some(10))).call(A, 7..=8, doom_untold(10)).call(A, 9..=10, get(20)).passes(STRICT);
}

#[test]
fn an_open_sweep_takes_effect_late_or_never() {
    for op in [Op::Doom(10), Op::InvalidateTag, Op::ExpireTag] {
        let open = || Script::new().call(A, 1..=2, insert(10)).open(B, 3, op).call(A, 4..=5, get(10));
        open().call(A, 6..=7, get(10)).passes(STRICT);
        open().call(A, 6..=7, GET_NONE).passes(STRICT);
    }
    Script::new().call(A, 1..=6, fetch(20)).load(2, 20).open(B, 3, Op::Overtake).call(C, 7..=8, GET_NONE).passes(STRICT);
}

#[test]
fn a_violation_prints_sweeps() {
    let history = Script::new().call(A, 1..=2, insert(12)).call(A, 3..=4, insert(10)).call(A, 5..=6, INVALIDATE_TAG);
    let violation = history.call(A, 7..=8, doom(12, true)).fails(STRICT);
    let violation = violation.to_string();
    assert!(violation.contains("invalidate_tag -> done") && violation.contains("doom(12)     -> true"), "{violation}");
}
