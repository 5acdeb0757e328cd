//! Histories with stale values: good ones, which the oracle must accept, and bad
//! ones, which it must reject.

use super::script::*;
use crate::oracle::history::Op;

/// A value that was loaded, expired, and served as stale.
fn served() -> Script {
    Script::new().call(A, 1..=3, fetch(20)).load(2, 20).call(A, 4..=5, expire(true)).call(B, 6..=7, fetch_gets_stale(20))
}

#[test]
fn g11_an_expired_value_is_there_for_fetches_alone() {
    let history = Script::new()
        .call(A, 1..=2, expire(false))
        .call(A, 3..=4, insert(10))
        .call(A, 5..=6, expire(true))
        .call(A, 7..=8, expire(false))
        .call(A, 9..=10, GET_NONE)
        .call(A, 11..=12, contains(false))
        .call(A, 13..=14, fetch_gets_stale(10))
        .call(A, 15..=16, sees_stale(10))
        .call(A, 17..=18, REMOVE_NONE)
        .call(A, 19..=20, (Op::FetchStale, GET_NONE.1));
    history.passes(STRICT);
}

#[test]
fn g9_the_refresh_of_a_stale_value_lands_at_any_time_or_never() {
    served().load(8, 21).call(B, 9..=10, get(21)).call(C, 11..=12, expire(true)).call(C, 13..=14, sees_stale(21)).passes(STRICT);
    served().load(8, 21).call(B, 9..=10, fetch_gets_stale(20)).call(B, 11..=12, fetch(21)).passes(STRICT);
    served().load(8, 21).call(B, 9..=10, fetch_gets_stale(20)).passes(STRICT);
}

#[test]
fn g9_the_refresh_of_a_stale_value_is_joined_by_those_who_wait() {
    served().load(8, 21).call(B, 9..=11, refresh(21)).call(C, 10..=12, entry(21)).call(C, 13..=14, get(21)).passes(STRICT);
}

#[test]
fn g2_the_refresh_of_a_stale_value_is_superseded_and_the_value_served_on() {
    let history = served().load(8, 21).call(A, 9..=10, expire(false)).call(B, 11..=12, fetch_gets_stale(20));
    history.load(13, 22).call(B, 14..=15, get(22)).passes(STRICT);
}

#[test]
fn g2_one_who_was_served_before_a_write_has_what_it_left_loaded_anew() {
    let history = Script::new()
        .call(A, 1..=2, insert(10))
        .call(A, 3..=4, expire(true))
        .call(B, 5..=20, fetch_gets_stale(10))
        .call(A, 6..=7, insert(11))
        .call(A, 8..=9, expire(true))
        .load(10, 20)
        .call(A, 11..=12, get(20));
    history.passes(STRICT);
}

#[test]
fn g2_an_expire_supersedes_a_flight_that_delivers_all_the_same() {
    let empty = Script::new().call(A, 1..=6, fetch(20)).load(2, 20).call(B, 3..=4, expire(false)).call(B, 7..=8, GET_NONE);
    empty.call(B, 9..=10, (Op::FetchStale, GET_NONE.1)).passes(STRICT);
    // What was beneath is stale now, whether it was before or not.
    let fresh = Script::new().call(C, 1..=2, insert(10)).call(A, 3..=8, refresh(20)).load(4, 20).call(B, 5..=6, expire(true));
    fresh.call(B, 9..=10, sees_stale(10)).passes(STRICT);
    served().call(A, 8..=13, entry(21)).load(9, 21).call(B, 10..=11, expire(false)).call(B, 14..=15, sees_stale(20)).passes(STRICT);
}

#[test]
fn g2_an_expire_comes_after_the_landing_whose_value_is_stale_from_then_on() {
    let history = Script::new().call(C, 1..=2, insert(10)).call(A, 3..=8, refresh(20)).load(4, 20).call(B, 5..=6, expire(true));
    history.call(B, 9..=10, sees_stale(20)).passes(STRICT);
}

#[test]
fn g9_a_queued_refresh_outlives_an_expire() {
    let history = served().call(A, 8..=9, expire(false)).load(10, 21).call(B, 11..=12, get(21));
    history.passes(QUEUEING);
}

#[test]
fn a_bounded_cache_forgets_a_stale_value() {
    served().call(B, 8..=11, fetch(21)).load(9, 21).passes(FORGETFUL);
}

#[test]
fn an_open_expire_takes_effect_late_or_never() {
    let history = || Script::new().call(A, 1..=2, insert(10)).open(B, 3, Op::Expire).call(A, 4..=5, get(10));
    history().call(A, 6..=7, fetch_gets_stale(10)).passes(STRICT);
    history().call(A, 6..=7, get(10)).passes(STRICT);
}

#[test]
fn g11_a_stale_value_is_shown_to_one_who_must_not_see_it() {
    for shown in [get(20), contains(true), fetch(20), entry(20), (Op::FetchStale, get(20).1), (Op::Remove, get(20).1)] {
        served().call(A, 8..=9, shown).fails(FORGETFUL);
    }
}

#[test]
fn g11_a_value_is_served_as_stale_that_nobody_expired() {
    for seen in [fetch_gets_stale(10), sees_stale(10)] {
        Script::new().call(A, 1..=2, insert(10)).call(B, 3..=4, seen).fails(FORGETFUL);
    }
}

#[test]
fn g11_a_fetch_waits_though_a_stale_value_is_held() {
    Script::new().call(A, 1..=2, insert(10)).call(A, 3..=4, expire(true)).call(A, 5..=8, fetch(20)).load(6, 20).fails(STRICT);
    // Nor does it wait for what another has begun who was served.
    served().call(A, 8..=11, fetch(21)).load(9, 21).call(C, 12..=13, fetch_gets_stale(20)).fails(STRICT);
}

#[test]
fn g11_an_expire_leaves_nothing() {
    Script::new().call(A, 1..=2, insert(10)).call(A, 3..=4, expire(true)).call(A, 5..=6, (Op::FetchStale, GET_NONE.1)).fails(STRICT);
}

#[test]
fn an_expire_says_what_is_not_so() {
    Script::new().call(A, 1..=2, expire(true)).fails(FORGETFUL);
    served().call(A, 8..=9, expire(true)).fails(FORGETFUL);
    Script::new().call(A, 1..=2, insert(10)).call(A, 3..=4, expire(false)).fails(STRICT);
}

#[test]
fn g2_a_stale_value_is_served_after_a_write() {
    for write in [INVALIDATE, REMOVE_NONE, insert(10)] {
        for seen in [fetch_gets_stale(20), sees_stale(20)] {
            served().call(A, 8..=9, write).call(B, 10..=11, seen).fails(FORGETFUL);
        }
    }
}

#[test]
fn g2_a_load_begun_before_an_expire_is_fresh_after_it() {
    let history = || Script::new().call(A, 1..=8, fetch(20)).load(2, 20).call(B, 3..=4, expire(false));
    history().call(B, 9..=10, get(20)).fails(FORGETFUL);
    history().call(B, 9..=10, sees_stale(20)).fails(FORGETFUL);
    history().call(B, 9..=10, fetch(20)).fails(FORGETFUL);
    // Nor is what a fetch has left behind.
    served().load(8, 21).call(A, 9..=10, expire(false)).call(B, 11..=12, get(21)).fails(FORGETFUL);
    served().load(8, 21).call(A, 9..=10, expire(false)).call(B, 11..=12, sees_stale(21)).fails(FORGETFUL);
}

#[test]
fn g2_a_refresh_lands_though_an_insert_an_invalidate_or_a_remove_has_overtaken_it() {
    for write in [insert(10), INVALIDATE, REMOVE_NONE] {
        served().load(8, 21).call(A, 9..=10, write).call(B, 11..=12, get(21)).fails(FORGETFUL);
        // Nor if it began afterwards, for the sake of what isn't there any more.
        served().call(A, 8..=9, write).load(10, 21).call(B, 11..=12, get(21)).fails(FORGETFUL);
    }
}

#[test]
fn g9_a_stale_value_is_loaded_anew_for_nobody() {
    let expired = || Script::new().call(A, 1..=2, insert(10)).call(A, 3..=4, expire(true));
    expired().load(5, 20).call(B, 6..=7, get(20)).fails(STRICT);
    // Whoever was served it called after the load had begun, or before the write after which that began.
    expired().load(5, 20).call(B, 6..=7, fetch_gets_stale(10)).call(B, 8..=9, get(20)).fails(STRICT);
    expired().call(B, 5..=6, fetch_gets_stale(10)).call(A, 7..=8, expire(false)).load(9, 20).call(B, 10..=11, get(20)).fails(STRICT);
}

#[test]
fn g9_one_who_was_served_has_two_loads_run() {
    let violation = served().load(8, 21).load(9, 22).fails(STRICT);
    assert!(violation.to_string().contains("load of 22"), "{violation}");
}

#[test]
fn a_violation_prints_what_is_stale() {
    let violation = served().call(A, 8..=9, get(20)).call(B, 10..=11, sees_stale(20)).fails(STRICT).to_string();
    assert!(violation.contains("20 held, which is stale") && violation.contains("fetch_stale  -> 20, stale"), "{violation}");
    assert!(violation.contains("expire       -> true"), "{violation}");
}
