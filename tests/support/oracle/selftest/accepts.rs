//! Histories of correct caches, each of which the oracle must accept.

use super::script::*;
use crate::oracle::history::Op;

#[test]
fn one_thread_uses_every_call_in_turn() {
    let history = Script::new()
        .call(A, 1..=2, GET_NONE)
        .call(A, 3..=4, insert(10))
        .call(A, 5..=6, contains(true))
        .call(A, 7..=8, remove(10))
        .call(A, 9..=10, contains(false))
        .call(A, 11..=14, fetch(20))
        .load(12, 20)
        .call(A, 15..=16, fetch(20))
        .call(A, 17..=20, refresh(21))
        .load(18, 21)
        .call(A, 21..=22, get(21))
        .call(A, 23..=24, INVALIDATE)
        .call(A, 25..=26, REMOVE_NONE);
    history.passes(STRICT);
}

#[test]
fn g1_everybody_joins_one_flight() {
    let history =
        Script::new().call(A, 1..=9, fetch(20)).call(B, 2..=7, fetch(20)).load(3, 20).call(C, 4..=8, fetch(20)).call(B, 10..=11, get(20));
    history.passes(STRICT);
}

#[test]
fn g1_a_get_finds_nothing_while_the_flight_is_under_way() {
    let history = Script::new().call(A, 1..=6, fetch(20)).load(2, 20).call(B, 3..=4, GET_NONE).call(B, 5..=7, get(20));
    history.passes(STRICT);
}

#[test]
fn g2_a_flight_superseded_by_an_invalidate_delivers_to_all_who_waited() {
    let history = Script::new().call(A, 1..=9, fetch(20)).load(2, 20).call(B, 3..=10, fetch(20)).call(C, 4..=5, INVALIDATE).call(
        C,
        11..=12,
        GET_NONE,
    );
    history.passes(STRICT);
}

#[test]
fn g2_a_superseded_flight_returns_after_the_one_that_followed_it() {
    let history = Script::new()
        .call(A, 1..=12, fetch(20))
        .load(2, 20)
        .call(B, 3..=4, INVALIDATE)
        .call(B, 5..=8, fetch(21))
        .load(6, 21)
        .call(C, 9..=10, get(21))
        .call(C, 13..=14, get(21));
    history.passes(STRICT);
}

#[test]
fn g2_a_flight_superseded_by_an_insert_delivers_and_the_insert_stays() {
    let history =
        Script::new().call(A, 1..=7, fetch(20)).load(2, 20).call(B, 3..=4, insert(10)).call(C, 5..=6, get(10)).call(A, 8..=9, fetch(10));
    history.passes(STRICT);
}

#[test]
fn g2_a_fetch_during_the_invalidate_may_still_join_the_old_flight() {
    let history = Script::new().call(A, 1..=7, fetch(20)).load(2, 20).call(B, 3..=6, INVALIDATE).call(C, 4..=8, fetch(20));
    history.passes(STRICT);
}

#[test]
fn g2_a_load_begun_during_the_invalidate_may_stay() {
    let history = Script::new().call(B, 1..=6, INVALIDATE).call(A, 2..=5, fetch(20)).load(3, 20).call(A, 7..=8, get(20));
    history.passes(STRICT);
}

#[test]
fn g2_a_flight_is_superseded_before_its_load_begins() {
    let history =
        Script::new().call(A, 1..=8, fetch(20)).call(B, 2..=3, insert(10)).call(C, 4..=5, get(10)).load(6, 20).call(C, 9..=10, get(10));
    history.passes(STRICT);
}

#[test]
fn g2_a_remove_finds_nothing_while_it_supersedes_a_flight() {
    let history = Script::new().call(A, 1..=6, fetch(20)).load(2, 20).call(B, 3..=4, REMOVE_NONE).call(B, 7..=8, GET_NONE);
    history.passes(STRICT);
}

#[test]
fn g2_a_remove_takes_the_old_value_while_it_supersedes_a_refresh() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=8, refresh(20)).load(4, 20).call(A, 5..=6, remove(10)).call(
        A,
        9..=10,
        GET_NONE,
    );
    history.passes(STRICT);
}

#[test]
fn g2_a_refresh_superseded_by_an_insert_delivers_and_the_insert_stays() {
    let history = Script::new()
        .call(A, 1..=2, insert(10))
        .call(B, 3..=10, refresh(20))
        .load(4, 20)
        .call(C, 5..=6, get(10))
        .call(A, 7..=8, insert(11))
        .call(A, 11..=12, get(11));
    history.passes(STRICT);
}

#[test]
fn g2_three_flights_of_one_key_are_in_the_air_at_once() {
    let history = Script::new()
        .call(A, 1..=13, fetch(20))
        .load(2, 20)
        .call(C, 3..=4, REMOVE_NONE)
        .call(B, 5..=14, fetch(21))
        .load(6, 21)
        .call(C, 7..=8, REMOVE_NONE)
        .call(C, 9..=12, fetch(22))
        .load(10, 22)
        .call(A, 15..=16, get(22));
    history.passes(STRICT);
}

#[test]
fn g2_a_queued_refresh_is_answered_by_an_insert() {
    let history = Script::new()
        .call(A, 1..=8, refresh(10))
        .call(C, 2..=9, fetch(10))
        .call(B, 3..=4, insert(10))
        .call(B, 5..=6, INVALIDATE)
        .call(B, 10..=11, GET_NONE);
    history.passes(QUEUEING);
}

#[test]
fn g2_a_queued_flight_outlives_an_invalidate() {
    let history = Script::new().call(A, 1..=8, fetch(20)).call(B, 2..=3, INVALIDATE).load(6, 20).call(B, 9..=10, get(20));
    history.passes(QUEUEING);
}

#[test]
fn g4_the_load_of_a_cancelled_fetch_is_stored() {
    let history =
        Script::new().open(A, 1, Op::Fetch).load(2, 20).call(B, 3..=4, GET_NONE).call(B, 5..=6, get(20)).call(B, 7..=8, fetch(20));
    history.passes(STRICT);
}

#[test]
fn g4_the_load_of_a_cancelled_fetch_is_joined() {
    let history = Script::new().open(A, 1, Op::Fetch).load(2, 20).call(B, 3..=5, fetch(20)).call(C, 4..=6, refresh(20));
    history.passes(STRICT);
}

#[test]
fn g4_the_load_of_a_cancelled_fetch_is_superseded() {
    let history = Script::new().open(A, 1, Op::Fetch).load(2, 20).call(B, 3..=4, INVALIDATE).call(B, 5..=8, fetch(21)).load(6, 21).call(
        A,
        9..=10,
        get(21),
    );
    history.passes(STRICT);
}

#[test]
fn g4_the_load_of_a_cancelled_fetch_never_lands() {
    let history = Script::new().open(A, 1, Op::Fetch).load(2, 20).call(B, 3..=4, GET_NONE);
    history.passes(STRICT);
}

#[test]
fn g4_the_load_of_a_cancelled_refresh_replaces_the_value() {
    let history =
        Script::new().call(A, 1..=2, insert(10)).open(A, 3, Op::Refresh).load(4, 20).call(B, 5..=6, get(10)).call(B, 7..=8, fetch(20));
    history.passes(STRICT);
}

#[test]
fn g4_two_callers_went_away_and_their_loads_were_recorded_in_reverse() {
    let history = Script::new().open(A, 1, Op::Fetch).call(C, 3..=4, INVALIDATE).open(B, 5, Op::Fetch).load(6, 21).load(2, 20).call(
        C,
        7..=8,
        get(21),
    );
    history.passes(STRICT);
}

#[test]
fn a_fetch_hits_the_old_value_while_a_refresh_is_under_way() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=8, refresh(20)).load(4, 20).call(C, 5..=6, fetch(10)).call(
        C,
        7..=9,
        fetch(20),
    );
    history.passes(STRICT);
}

#[test]
fn a_refresh_joins_the_flight_of_a_fetch() {
    let history = Script::new().call(A, 1..=5, fetch(20)).load(2, 20).call(B, 3..=6, refresh(20));
    history.passes(STRICT);
}

#[test]
fn a_refresh_that_joined_returns_long_after_others_have_seen_its_value() {
    let history =
        Script::new().call(A, 1..=5, fetch(20)).load(2, 20).call(B, 3..=10, refresh(20)).call(A, 6..=7, get(20)).call(C, 8..=9, get(20));
    history.passes(STRICT);
}

#[test]
fn writes_that_overlap_may_take_effect_in_either_order() {
    let history = Script::new().call(A, 1..=4, insert(10)).call(B, 2..=3, insert(11)).call(C, 5..=6, get(10));
    history.passes(STRICT);
    let history = Script::new().call(A, 1..=4, insert(10)).call(B, 2..=3, insert(11)).call(C, 5..=6, get(11));
    history.passes(STRICT);
}

#[test]
fn an_open_insert_takes_effect_late_or_never() {
    let history = Script::new().open(A, 1, Op::Insert(10)).call(B, 2..=3, GET_NONE).call(B, 4..=5, get(10));
    history.passes(STRICT);
    let history = Script::new().open(A, 1, Op::Insert(10)).call(B, 2..=3, GET_NONE);
    history.passes(STRICT);
}

#[test]
fn a_bounded_cache_forgets_an_insert_at_once() {
    let history = Script::new()
        .call(A, 1..=2, insert(10))
        .call(A, 3..=4, REMOVE_NONE)
        .call(A, 5..=6, insert(11))
        .call(A, 7..=10, fetch(20))
        .load(8, 20);
    history.passes(FORGETFUL);
}

#[test]
fn g8_a_load_that_is_refused_is_delivered_to_all_who_waited() {
    let history = Script::new()
        .call(A, 1..=5, fetch(20))
        .load(2, 20)
        .call(B, 3..=6, fetch(20))
        .call(C, 7..=8, GET_NONE)
        .call(C, 9..=12, fetch(21))
        .load(10, 21);
    history.passes(FORGETFUL);
}

#[test]
fn g5_a_failed_load_fails_all_who_waited_and_the_next_one_loads() {
    let history = Script::new()
        .call(A, 1..=4, FETCH_FAILS)
        .call(B, 2..=3, FETCH_FAILS)
        .call(B, 5..=8, fetch(20))
        .load(6, 20)
        .call(A, 9..=10, REFRESH_FAILS)
        .call(B, 11..=12, get(20));
    history.passes(FAILING);
}

#[test]
fn g5_a_fetch_fails_though_an_insert_came_while_it_waited() {
    let history = Script::new().call(A, 1..=6, FETCH_FAILS).call(B, 2..=3, insert(10)).call(B, 4..=5, get(10));
    history.passes(FAILING);
}

#[test]
fn g2_a_fetch_whose_superseded_flight_failed_looks_again() {
    let history = Script::new().call(A, 1..=6, fetch(10)).call(B, 2..=3, insert(10)).call(B, 4..=5, get(10));
    history.passes(FAILING);
}
