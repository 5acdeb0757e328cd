//! Histories with writes that depend on what is held: good ones, which the oracle must
//! accept, and bad ones, which it must reject.

use super::script::*;
use crate::oracle::Options;
use crate::oracle::history::Op;

/// A value that was inserted.
fn held() -> Script {
    Script::new().call(A, 1..=2, insert(10))
}

/// A load in the air, with nothing held, that lands or is superseded after 8.
fn flying() -> Script {
    Script::new().call(A, 1..=9, fetch(20)).load(2, 20)
}

/// The same over a value.
fn refreshing() -> Script {
    held().call(B, 3..=9, refresh(20)).load(4, 20)
}

#[test]
fn each_call_does_what_it_says() {
    let history = Script::new()
        .call(A, 1..=2, replace(10, None))
        .call(A, 3..=4, change(11, None))
        .call(A, 5..=6, if_absent(12, None))
        .call(A, 7..=8, if_absent(13, Some(12)))
        .call(A, 9..=10, replace(14, Some(12)))
        .call(A, 11..=12, swap(14, 15, true))
        .call(A, 13..=14, swap(14, 16, false))
        .call(A, 15..=16, change(17, Some(15)))
        .call(A, 17..=18, upsert(18, Some(17)))
        .call(A, 19..=20, take(17, false))
        .call(A, 21..=22, take(18, true))
        .call(A, 23..=24, upsert(19, None))
        .call(A, 25..=26, change_is_busy(20))
        .call(A, 27..=28, get(19));
    history.passes(STRICT);
}

#[test]
fn a_stale_value_counts_as_none() {
    let stale = || held().call(A, 3..=4, expire(true));
    for unmet in [replace(11, None), change(11, None), swap(10, 11, false), take(10, false)] {
        stale().call(A, 5..=6, unmet).call(A, 7..=8, sees_stale(10)).passes(STRICT);
    }
    for stored in [if_absent(11, None), upsert(11, None)] {
        stale().call(A, 5..=6, stored).call(A, 7..=8, get(11)).passes(STRICT);
    }
    for met in
        [replace(11, Some(10)), change(11, Some(10)), swap(10, 11, true), take(10, true), if_absent(11, Some(10)), change_is_busy(11)]
    {
        stale().call(A, 5..=6, met).fails(FORGETFUL);
    }
}

#[test]
fn g2_a_write_that_does_nothing_supersedes_nothing() {
    for unmet in [replace(11, None), change(11, None), swap(12, 11, false), take(12, false)] {
        let history = || Script::new().call(C, 1..=2, insert(12)).call(C, 3..=4, INVALIDATE).call(A, 5..=12, fetch(20)).load(6, 20);
        history().call(B, 7..=8, unmet).call(B, 13..=14, get(20)).passes(STRICT);
        // Nor is what came back lost.
        history().call(B, 7..=8, unmet).call(B, 13..=14, GET_NONE).fails(STRICT);
    }
    for unmet in [if_absent(11, Some(10)), change_is_busy(11)] {
        refreshing().call(A, 5..=6, unmet).call(A, 10..=11, get(20)).passes(STRICT);
        refreshing().call(A, 5..=6, unmet).call(A, 10..=11, get(10)).fails(STRICT);
    }
}

#[test]
fn g2_a_write_that_takes_place_supersedes_the_flight_which_delivers_all_the_same() {
    for stored in [if_absent(11, None), upsert(11, None)] {
        flying().call(B, 3..=4, stored).call(B, 5..=6, get(11)).call(B, 10..=11, get(11)).passes(STRICT);
        flying().call(B, 3..=4, stored).call(B, 10..=11, get(20)).fails(FORGETFUL);
        flying().call(B, 3..=4, stored).call(B, 5..=10, fetch(20)).fails(FORGETFUL);
    }
    for stored in [replace(11, Some(10)), change(11, Some(10)), swap(10, 11, true), upsert(11, Some(10))] {
        refreshing().call(A, 5..=6, stored).call(A, 10..=11, get(11)).passes(STRICT);
        refreshing().call(A, 5..=6, stored).call(A, 10..=11, get(20)).fails(FORGETFUL);
    }
    refreshing().call(A, 5..=6, take(10, true)).call(A, 10..=11, GET_NONE).passes(STRICT);
    refreshing().call(A, 5..=6, take(10, true)).call(A, 10..=11, get(20)).fails(FORGETFUL);
}

#[test]
fn g2_a_write_comes_after_the_landing_that_it_sees() {
    refreshing().call(A, 5..=6, swap(10, 11, false)).call(A, 10..=11, get(20)).passes(STRICT);
    refreshing().call(A, 5..=6, replace(11, Some(20))).call(A, 10..=11, get(11)).passes(STRICT);
    // What had landed by then isn't superseded by a later write.
    refreshing().call(A, 5..=6, swap(10, 11, false)).call(A, 7..=8, replace(12, Some(10))).fails(STRICT);
    // Whose callers had returned had landed.
    for late in [swap(10, 11, true), replace(11, Some(10)), take(10, true), change(11, Some(10)), upsert(11, Some(10))] {
        refreshing().call(A, 10..=11, late).fails(FORGETFUL);
    }
}

#[test]
fn g4_the_load_of_a_caller_that_went_away_is_seen_by_a_write() {
    let left = || Script::new().open(A, 1, Op::Fetch).load(2, 20);
    for seen in
        [if_absent(11, Some(20)), replace(11, Some(20)), swap(20, 11, true), take(20, true), change(11, Some(20)), change_is_busy(11)]
    {
        left().call(B, 3..=4, seen).passes(STRICT);
    }
    held().open(B, 3, Op::Refresh).load(4, 20).call(A, 5..=6, swap(10, 11, false)).call(A, 7..=8, get(20)).passes(STRICT);
    // And lies beneath what a write supersedes after it.
    let beneath = held().open(B, 3, Op::Refresh).load(4, 20).call(A, 5..=10, refresh(21)).load(6, 21);
    beneath.call(C, 7..=8, replace(11, Some(20))).call(C, 11..=12, get(11)).passes(STRICT);
}

#[test]
fn g2_a_queued_flight_is_answered_by_a_write_that_takes_place() {
    for stored in [replace(11, Some(10)), swap(10, 11, true), change(11, Some(10)), upsert(11, Some(10))] {
        held().call(B, 3..=8, refresh(11)).call(A, 4..=5, stored).passes(QUEUEING);
        held().call(B, 3..=8, refresh(11)).call(A, 4..=5, stored).fails(STRICT);
    }
    Script::new().call(A, 1..=6, fetch(11)).call(B, 2..=3, if_absent(11, None)).passes(QUEUEING);
}

#[test]
fn an_update_is_lost() {
    for (first, second) in [(replace(11, Some(10)), replace(12, Some(10))), (change(11, Some(10)), upsert(12, Some(10)))] {
        held().call(A, 3..=6, first).call(B, 4..=7, second).fails(FORGETFUL);
    }
    held().call(A, 3..=4, replace(11, Some(10))).call(B, 5..=6, get(10)).fails(FORGETFUL);
    held().call(A, 3..=4, change(11, Some(10))).call(B, 5..=6, get(10)).fails(FORGETFUL);
    held().call(A, 3..=8, insert(11)).call(B, 4..=5, get(11)).call(C, 6..=7, replace(12, Some(10))).fails(FORGETFUL);
}

#[test]
fn a_value_is_swapped_or_taken_twice() {
    for (first, second) in [
        (swap(10, 11, true), swap(10, 12, true)),
        (swap(10, 11, true), take(10, true)),
        (take(10, true), swap(10, 12, true)),
        (take(10, true), take(10, true)),
        (take(10, true), remove(10)),
    ] {
        held().call(A, 3..=6, first).call(B, 4..=5, second).fails(FORGETFUL);
    }
}

#[test]
fn a_write_takes_place_though_what_it_asks_for_is_not_so() {
    held().call(A, 3..=4, if_absent(11, None)).fails(STRICT);
    held().call(A, 3..=4, upsert(11, None)).fails(STRICT);
    Script::new().call(A, 1..=2, replace(11, None)).call(A, 3..=4, get(11)).fails(FORGETFUL);
    held().call(A, 3..=4, if_absent(11, Some(10))).call(A, 5..=6, get(11)).fails(FORGETFUL);
    held().call(A, 3..=4, INVALIDATE).call(A, 5..=6, swap(10, 11, true)).fails(FORGETFUL);
    held().call(A, 3..=4, insert(12)).call(A, 5..=6, swap(10, 11, true)).fails(FORGETFUL);
    held().call(A, 3..=4, insert(12)).call(A, 5..=6, take(10, true)).fails(FORGETFUL);
    held().call(A, 3..=4, swap(10, 11, false)).call(A, 5..=6, get(11)).fails(FORGETFUL);
    held().call(A, 3..=4, change_is_busy(11)).call(A, 5..=6, get(11)).fails(FORGETFUL);
}

#[test]
fn a_write_does_nothing_though_what_it_asks_for_is_so() {
    for refused in [replace(11, None), change(11, None), swap(10, 11, false), take(10, false)] {
        held().call(A, 3..=4, refused).fails(STRICT);
        // A bounded cache may have forgotten it, and then it doesn't come back.
        held().call(A, 3..=4, refused).passes(FORGETFUL);
        held().call(A, 3..=4, refused).call(A, 5..=6, get(10)).fails(FORGETFUL);
    }
    Script::new().call(A, 1..=2, change_is_busy(11)).fails(FORGETFUL);
    held().call(A, 3..=4, INVALIDATE).call(A, 5..=6, if_absent(11, Some(10))).fails(FORGETFUL);
}

#[test]
fn a_change_in_place_is_stored_once_more_and_supersedes_what_has_come_between() {
    let changed = |get_none: bool, options: Options| {
        let history = held().call(A, 3..=10, change(11, Some(10))).call(B, 4..=5, get(11));
        if get_none { history.call(B, 6..=7, GET_NONE) } else { history.call(B, 6..=13, refresh(20)).load(8, 20) }
            .call(C, 14..=15, get(11))
            .passes(options);
    };
    changed(false, STRICT);
    // If it has made room for itself it was away for a moment.
    changed(true, FORGETFUL);
    // Others may lead meanwhile, who are superseded.
    let led = held().call(A, 3..=10, change(11, Some(10))).call(B, 4..=5, swap(11, 12, false)).call(B, 6..=13, entry(20)).load(8, 20);
    led.call(C, 11..=12, get(11)).call(C, 14..=15, get(11)).passes(FORGETFUL);
    // Not so a refresh that was called when it had returned.
    let late = held().call(A, 3..=4, change(11, Some(10))).call(B, 5..=13, refresh(20)).load(8, 20);
    late.call(C, 14..=15, get(11)).fails(FORGETFUL);
    let late = held().call(A, 3..=4, change(11, Some(10))).call(B, 5..=6, GET_NONE);
    late.call(C, 14..=15, get(11)).fails(FORGETFUL);
}

#[test]
fn g14_what_makes_room_for_itself_by_the_value_that_it_replaces_is_away_for_a_moment() {
    let away = |stored| held().call(A, 3..=8, stored).call(B, 4..=5, GET_NONE).call(B, 9..=10, get(11));
    for stored in [replace(11, Some(10)), swap(10, 11, true), upsert(11, Some(10))] {
        away(stored).passes(FORGETFUL);
        away(stored).fails(STRICT);
        // Not if it was away before the call.
        held().call(B, 3..=4, GET_NONE).call(A, 5..=6, stored).fails(FORGETFUL);
        // Nor if something else has come since.
        let since = held().call(A, 3..=12, stored).call(B, 4..=5, GET_NONE).call(B, 6..=9, fetch(20)).load(8, 20).call(B, 10..=11, get(20));
        since.call(B, 13..=14, get(11)).fails(FORGETFUL);
    }
    held().call(A, 3..=8, take(10, true)).call(B, 4..=5, GET_NONE).passes(FORGETFUL);
    held().call(A, 3..=8, if_absent(11, Some(10))).call(B, 4..=5, GET_NONE).call(B, 9..=10, get(10)).fails(FORGETFUL);
}

#[test]
fn an_open_write_takes_effect_late_or_never() {
    for op in [Op::Replace(11), Op::Upsert(11), Op::Swap { expected: 10, new: 11 }, Op::TryCompute(11)] {
        held().open(B, 3, op).call(A, 4..=5, get(10)).call(A, 6..=7, get(11)).passes(STRICT);
        held().open(B, 3, op).call(A, 4..=5, get(10)).passes(STRICT);
    }
    Script::new().open(B, 1, Op::InsertIfAbsent(11)).call(A, 2..=3, GET_NONE).call(A, 4..=5, get(11)).passes(STRICT);
    held().open(B, 3, Op::Take(10)).call(A, 4..=5, get(10)).call(A, 6..=7, GET_NONE).passes(STRICT);
    held().open(B, 3, Op::InsertIfAbsent(11)).call(A, 6..=7, get(11)).fails(STRICT);
}

#[test]
fn a_violation_prints_conditional_writes() {
    let violation = held().call(A, 3..=4, swap(10, 11, true)).call(A, 5..=6, swap(10, 12, true)).fails(STRICT).to_string();
    assert!(violation.contains("11 held") && violation.contains("swap(10, 12) -> true"), "{violation}");
}
