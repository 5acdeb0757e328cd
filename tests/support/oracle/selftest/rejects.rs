//! Histories of broken caches, each of which the oracle must reject.

use super::script::*;
use crate::oracle::history::{History, Op, Stamp};
use crate::oracle::{Options, check};

#[test]
fn g2_a_get_after_an_invalidate_sees_the_invalidated_value() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(A, 3..=4, INVALIDATE).call(B, 5..=6, get(10));
    history.fails(FORGETFUL);
}

#[test]
fn g2_a_fetch_after_an_invalidate_joins_the_flight_from_before_it() {
    let history = Script::new().call(A, 1..=9, fetch(20)).load(2, 20).call(B, 3..=4, INVALIDATE).call(B, 5..=10, fetch(20));
    history.fails(FORGETFUL);
}

#[test]
fn g2_a_get_after_an_insert_sees_the_value_from_before_it() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=4, insert(11)).call(A, 5..=6, get(10));
    history.fails(FORGETFUL);
}

#[test]
fn g2_a_flight_lands_over_an_insert_that_overtook_it() {
    let history = Script::new().call(A, 1..=8, fetch(20)).load(2, 20).call(B, 3..=4, insert(10)).call(B, 9..=10, get(20));
    history.fails(FORGETFUL);
}

#[test]
fn g2_a_second_fetch_sees_a_load_begun_before_an_invalidate() {
    let history = Script::new().call(A, 1..=7, fetch(20)).load(2, 20).call(B, 3..=4, INVALIDATE).call(A, 8..=9, fetch(20));
    history.fails(FORGETFUL);
}

#[test]
fn g2_a_value_comes_back_after_a_clear() {
    let history =
        Script::new().call(A, 1..=4, fetch(20)).load(2, 20).call(B, 5..=6, INVALIDATE).call(B, 7..=8, GET_NONE).call(C, 9..=10, get(20));
    history.fails(FORGETFUL);
}

#[test]
fn g2_the_load_of_a_cancelled_fetch_lands_after_an_invalidate() {
    let history = Script::new().open(A, 1, Op::Fetch).load(2, 20).call(B, 3..=4, INVALIDATE).call(B, 5..=6, get(20));
    history.fails(FORGETFUL);
}

#[test]
fn g2_a_refresh_lands_over_an_insert_that_overtook_it() {
    let history = Script::new()
        .call(A, 1..=2, insert(10))
        .call(B, 3..=8, refresh(20))
        .load(4, 20)
        .call(A, 5..=6, insert(11))
        .call(A, 9..=10, contains(true))
        .call(A, 11..=12, get(20));
    history.fails(FORGETFUL);
}

#[test]
fn g2_a_remove_takes_out_what_a_superseded_flight_stored() {
    let history = Script::new().call(A, 1..=8, fetch(20)).load(2, 20).call(B, 3..=4, INVALIDATE).call(B, 9..=10, remove(20));
    history.fails(FORGETFUL);
}

#[test]
fn g2_a_queued_flight_is_no_excuse_for_a_load_begun_before_the_insert() {
    let history =
        Script::new().call(A, 1..=8, fetch(20)).load(2, 20).call(B, 3..=4, insert(10)).call(B, 5..=6, get(10)).call(B, 9..=10, get(20));
    history.fails(QUEUEING);
}

#[test]
fn g2_a_queued_flight_is_no_excuse_for_a_fetch_after_the_insert() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=6, fetch(20)).load(4, 20);
    history.fails(QUEUEING);
}

#[test]
fn g2_a_queued_flight_is_no_excuse_for_a_refresh_after_the_insert() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=4, refresh(10));
    history.fails(QUEUEING);
}

#[test]
fn g2_a_refresh_that_never_queued_is_not_answered_by_an_insert() {
    let history = Script::new().call(A, 1..=4, refresh(10)).call(B, 2..=3, insert(10));
    history.fails(STRICT);
}

#[test]
fn g2_a_queued_flight_is_no_excuse_for_a_load_over_the_insert() {
    let history =
        Script::new().call(A, 1..=8, fetch(20)).call(B, 2..=3, insert(10)).call(B, 4..=5, get(10)).load(6, 20).call(B, 9..=10, get(20));
    history.fails(QUEUEING);
}

#[test]
fn g2_a_queued_flight_is_no_excuse_for_a_fetch_between_two_inserts() {
    let history =
        Script::new().call(A, 1..=2, insert(10)).call(B, 3..=10, fetch(20)).load(4, 20).call(A, 5..=6, insert(11)).call(A, 7..=8, get(11));
    history.fails(QUEUEING);
}

#[test]
fn g2_a_load_from_before_the_later_of_two_inserts_is_seen_after_both() {
    let history = Script::new()
        .call(C, 1..=14, insert(11))
        .call(A, 2..=15, fetch(20))
        .load(3, 20)
        .call(B, 5..=6, insert(10))
        .call(B, 7..=8, get(10))
        .call(B, 9..=10, get(11))
        .call(B, 11..=12, get(20));
    history.fails(FORGETFUL);
}

#[test]
fn a_load_lands_over_an_insert_though_it_began_after_it() {
    let history =
        Script::new().call(A, 1..=8, fetch(20)).call(B, 2..=3, insert(10)).load(4, 20).call(B, 5..=6, get(10)).call(B, 9..=10, get(20));
    history.fails(STRICT);
}

#[test]
fn a_removed_value_is_removed_again() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(A, 3..=6, remove(10)).call(B, 4..=5, remove(10));
    history.fails(FORGETFUL);
}

#[test]
fn a_remove_finds_nothing_though_a_value_is_held() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(A, 3..=4, REMOVE_NONE);
    history.fails(STRICT);
}

#[test]
fn a_remove_finds_nothing_though_the_fetch_has_returned() {
    let history = Script::new().call(A, 1..=4, fetch(20)).load(2, 20).call(B, 5..=6, REMOVE_NONE);
    history.fails(STRICT);
}

#[test]
fn a_remove_finds_nothing_though_a_get_has_found_the_loaded_value() {
    let history = Script::new().call(A, 1..=9, fetch(20)).load(2, 20).call(B, 3..=4, get(20)).call(B, 5..=6, REMOVE_NONE);
    history.fails(STRICT);
}

#[test]
fn a_remove_that_overlaps_all_finds_nothing_though_others_find_the_loaded_value() {
    for found in [get(20), contains(true)] {
        let history = Script::new().call(A, 1..=9, fetch(20)).load(2, 20).call(B, 3..=8, found).call(C, 5..=6, REMOVE_NONE);
        history.fails(STRICT);
    }
}

#[test]
fn a_remove_that_supersedes_a_refresh_returns_a_value_replaced_before() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(A, 3..=4, insert(11)).call(B, 5..=10, refresh(20)).load(6, 20).call(
        A,
        7..=8,
        remove(10),
    );
    history.fails(FORGETFUL);
}

#[test]
fn a_remove_returns_the_value_that_a_refresh_had_replaced() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=6, refresh(20)).load(4, 20).call(A, 7..=8, remove(10));
    history.fails(FORGETFUL);
}

#[test]
fn a_get_finds_nothing_after_an_insert() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=4, GET_NONE);
    history.fails(STRICT);
}

#[test]
fn contains_is_false_while_a_value_is_held() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=4, contains(false)).call(B, 5..=6, get(10));
    history.fails(STRICT);
}

#[test]
fn contains_is_true_after_a_remove() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(A, 3..=4, remove(10)).call(B, 5..=6, contains(true));
    history.fails(FORGETFUL);
}

#[test]
fn a_forgotten_value_comes_back() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=4, GET_NONE).call(B, 5..=6, get(10));
    history.fails(FORGETFUL);
}

#[test]
fn a_forgotten_load_comes_back() {
    let history = Script::new().call(A, 1..=4, fetch(20)).load(2, 20).call(B, 5..=6, GET_NONE).call(B, 7..=8, fetch(20));
    history.fails(FORGETFUL);
}

#[test]
fn two_gets_see_two_inserts_in_opposite_orders() {
    let history = Script::new().call(A, 1..=8, insert(10)).call(B, 2..=7, insert(11)).call(C, 3..=4, get(10)).call(C, 5..=6, get(11)).call(
        C,
        9..=10,
        get(10),
    );
    history.fails(FORGETFUL);
}

#[test]
fn g1_two_fetches_load_twice_with_no_write_between() {
    let history = Script::new().call(A, 1..=6, fetch(20)).load(2, 20).call(B, 3..=7, fetch(21)).load(4, 21);
    history.fails(STRICT);
}

#[test]
fn g1_a_fetch_that_missed_before_the_landing_loads_again() {
    let history = Script::new().call(B, 1..=10, fetch(21)).call(A, 2..=5, fetch(20)).load(3, 20).call(A, 6..=7, get(20)).load(8, 21);
    history.fails(STRICT);
}

#[test]
fn g1_a_load_that_nobody_asked_for_is_run() {
    let history = Script::new().call(A, 1..=6, fetch(20)).load(2, 20).call(B, 3..=7, fetch(20)).load(4, 21);
    let violation = history.fails(STRICT);
    assert!(violation.to_string().contains("load of 21"), "{violation}");
}

#[test]
fn g1_a_caller_that_went_away_led_two_loads() {
    let history = Script::new().open(A, 1, Op::Fetch).load(2, 20).load(3, 21);
    history.fails(STRICT);
}

#[test]
fn g1_a_caller_that_went_away_is_no_excuse_for_an_earlier_load() {
    let history = Script::new().load(1, 20).open(A, 2, Op::Fetch);
    history.fails(STRICT);
    // Where loads fail they aren't counted, but the landing has no leader.
    let history = Script::new().load(1, 20).open(A, 2, Op::Fetch).call(B, 3..=4, get(20));
    history.fails(FAILING);
}

#[test]
fn g2_the_landing_of_a_caller_that_went_away_replaces_a_held_value() {
    let history = Script::new().open(A, 1, Op::Fetch).call(B, 2..=5, fetch(20)).load(3, 20).load(4, 21).call(B, 6..=7, get(20)).call(
        B,
        8..=9,
        get(21),
    );
    history.fails(STRICT);
}

#[test]
fn a_refresh_returns_the_held_value_without_a_load() {
    let history = Script::new().call(A, 1..=4, fetch(20)).load(2, 20).call(B, 5..=6, refresh(20));
    history.fails(FORGETFUL);
}

#[test]
fn a_refresh_returns_an_inserted_value() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=4, refresh(10));
    history.fails(STRICT);
}

#[test]
fn a_refresh_that_was_called_after_a_get_found_the_value_joins_its_flight() {
    let history = Script::new().call(A, 1..=8, fetch(20)).load(2, 20).call(B, 3..=4, get(20)).call(C, 5..=6, refresh(20));
    history.fails(FORGETFUL);
}

#[test]
fn a_refresh_fails_though_no_load_may() {
    let history = Script::new().call(A, 1..=2, REFRESH_FAILS);
    history.fails(STRICT);
}

#[test]
fn a_fetch_returns_the_value_from_before_a_refresh() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=6, refresh(20)).load(4, 20).call(A, 7..=8, fetch(10));
    history.fails(FORGETFUL);
}

#[test]
fn a_fetch_fails_though_no_load_may() {
    let history = Script::new().call(A, 1..=2, FETCH_FAILS);
    history.fails(STRICT);
}

#[test]
fn a_fetch_fails_though_a_value_is_held_all_the_while() {
    let history = Script::new().call(A, 1..=2, insert(10)).call(B, 3..=6, REFRESH_FAILS).call(A, 4..=5, FETCH_FAILS);
    history.fails(FAILING);
}

#[test]
fn the_second_load_of_a_superseding_pair_is_lost() {
    let history =
        Script::new().call(A, 1..=9, fetch(20)).load(2, 20).call(B, 3..=4, INVALIDATE).call(B, 5..=8, fetch(21)).load(6, 21).call(
            B,
            10..=11,
            GET_NONE,
        );
    history.fails(STRICT);
}

#[test]
fn an_open_invalidate_takes_a_value_out_once_only() {
    let history = Script::new()
        .open(C, 1, Op::Invalidate)
        .call(A, 2..=3, insert(10))
        .call(B, 4..=5, GET_NONE)
        .call(A, 6..=7, insert(11))
        .call(B, 8..=9, GET_NONE);
    history.fails(STRICT);
}

#[track_caller]
fn is_flawed(script: Script, flaw: &str) {
    let violation = script.fails(FORGETFUL).to_string();
    assert!(violation.contains(flaw), "{violation}");
}

#[test]
fn a_value_comes_from_nowhere() {
    let history = Script::new().call(A, 1..=2, get(99));
    is_flawed(history, "never inserted or loaded");
}

#[test]
fn a_value_is_seen_before_its_load_begins() {
    let history = Script::new().open(A, 1, Op::Fetch).call(B, 2..=3, get(20)).load(4, 20);
    is_flawed(history, "before it was made");
}

#[test]
fn a_recording_is_wrong() {
    let backwards = (Op::Get, Some((4, GET_NONE.1)));
    is_flawed(Script::new().push(A, 5, backwards), "returned before");
    let same_stamp = Script::new().call(A, 1..=2, GET_NONE).load(2, 20);
    is_flawed(same_stamp, "taken twice");
    let same_value = Script::new().call(A, 1..=2, insert(20)).load(3, 20);
    is_flawed(same_value, "made twice");
    let mismatch = (Op::Get, contains(true).1);
    is_flawed(Script::new().call(A, 1..=2, mismatch), "doesn't fit");
}

#[test]
fn an_empty_history_is_fine_and_one_too_long_is_not() {
    check(&History::default(), Options::default()).expect("nothing happened");
    let long = (0..65).fold(Script::new(), |script, n| script.call(A, n * 2 + 1..=n * 2 + 2, GET_NONE));
    is_flawed(long, "more than 64");
    let busy = (0..65).fold(Script::new(), |script, value| script.load(Stamp::from(value) + 1, value));
    is_flawed(busy, "more than 64");
}

#[test]
fn a_violation_prints_a_table_in_the_order_of_the_calls() {
    let history =
        Script::new().call(B, 4..=5, insert(10)).call(A, 1..=6, fetch(20)).load(2, 20).open(C, 3, Op::Refresh).call(B, 7..=8, get(20));
    let violation = history.fails(STRICT).to_string();
    let expected = "\
not linearizable: numbered calls fit in that order, which leaves 10 held; then none of those marked ! fits
order  thread     from       to  what
    1       0        1        6  fetch        -> 20
                     2           load of 20 begins
            2        3     open  refresh      -> no return
    2       1        4        5  insert(10)   -> done
    !       1        7        8  get          -> 20
";
    assert_eq!(violation, expected);
}
