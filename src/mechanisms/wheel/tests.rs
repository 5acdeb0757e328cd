//! The wheel against a plain model, and at its edges.

use super::driver::{Driver, Entries, Step};
use super::place::LEVELS;
use super::{Timer, Wheel};
use crate::ground::slab::Slot;
use crate::ground::time::{Deadline, Tick};
use proptest::prelude::*;

const MANY: u32 = 100_000;
const MILLISECOND: u64 = 1_000_000;

fn steps(slots: u32) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any::<[u8; 4]>().prop_map(move |bytes| Step::read(bytes, slots)), 1..400)
}

proptest! {
    #[test]
    fn g20_it_agrees_with_an_ordered_set(steps in steps(12)) {
        Driver::new(12).run(steps);
    }

    #[test]
    fn g20_it_agrees_with_an_ordered_set_where_buckets_are_shared(steps in steps(200)) {
        Driver::new(200).run(steps);
    }
}

/// A wheel with a slot armed for each of these deadlines.
fn armed(deadlines: impl IntoIterator<Item = u64>) -> (Wheel, Entries) {
    let (mut wheel, mut entries) = (Wheel::new(), Entries::new(deadlines.into_iter().map(Deadline::from_nanos)));
    for slot in entries.slots() {
        wheel.arm(&mut entries, slot);
    }
    (wheel, entries)
}

/// All that is due, in one go.
fn drain(wheel: &mut Wheel, entries: &mut Entries, now: u64) -> Vec<Slot> {
    let mut steps = u32::MAX;
    let due = std::iter::from_fn(|| wheel.due(entries, Tick::from_nanos(now), &mut steps)).collect();
    wheel.audit(entries);
    due
}

fn next(wheel: &Wheel) -> Option<u64> {
    wheel.next().map(Deadline::nanos)
}

#[test]
fn a_timer_is_small() {
    assert_eq!(size_of::<Timer>(), 12);
}

#[test]
fn g10_at_the_deadline_itself_it_is_due_and_not_a_nanosecond_before() {
    // Every edge of a bucket and of a level, as seen from before it, from it and from behind it.
    let edges = (0..64).map(|bit| 1_u64 << bit).chain((0..64).map(|bit| u64::MAX << bit)).chain([u64::MAX - 1]);
    for edge in edges {
        for deadline in [edge - 1, edge, edge.saturating_add(1)] {
            for begin in [0, 1, edge / 2, edge.saturating_sub(2), edge - 1, edge] {
                let (mut wheel, mut entries) = (Wheel::new(), Entries::new([Deadline::from_nanos(deadline)]));
                assert_eq!(drain(&mut wheel, &mut entries, begin), []);
                wheel.arm(&mut entries, 0);
                if deadline == u64::MAX {
                    assert!(wheel.is_empty(), "the last instant is never");
                    continue;
                }
                assert_eq!(next(&wheel), Some(deadline), "armed at {begin}");
                if let Some(before) = deadline.checked_sub(1) {
                    assert_eq!(drain(&mut wheel, &mut entries, before), []);
                    assert_eq!(next(&wheel), Some(deadline));
                }
                assert_eq!(drain(&mut wheel, &mut entries, deadline), [0], "armed at {begin} for {deadline}");
                assert_eq!(next(&wheel), None);
            }
        }
    }
}

#[test]
fn g10_after_any_jump_it_is_due() {
    for bit in 0..64 {
        let deadline = (1 << bit) + 5;
        for beyond in [1, 63, 64, MILLISECOND, u64::MAX] {
            let (mut wheel, mut entries) = armed([deadline, u64::MAX - 1]);
            let due = drain(&mut wheel, &mut entries, deadline.saturating_add(beyond));
            assert!(due.contains(&0), "{beyond} beyond {deadline}");
        }
    }
}

#[test]
fn g20_neighbours_come_out_one_by_one() {
    for base in [0, 60, 64, 4_095, 1 << 20, (1 << 42) - 100, u64::MAX - 1_001] {
        let (mut wheel, mut entries) = armed((0..1_000).map(|n| base + n));
        for slot in 0..1_000 {
            let deadline = base + u64::from(slot);
            assert_eq!(next(&wheel), Some(deadline));
            assert_eq!(drain(&mut wheel, &mut entries, deadline), [slot]);
        }
    }
}

#[test]
fn g20_a_hundred_thousand_of_one_instant_come_out_in_portions() {
    let deadline = 3_600_000 * MILLISECOND;
    let (mut wheel, mut entries) = armed((0..MANY).map(|_| deadline));
    assert_eq!(drain(&mut wheel, &mut entries, deadline - 1), []);
    let mut out = vec![false; MANY as usize];
    // One look at each is enough.
    for _ in 0..MANY.div_ceil(256) {
        let mut steps = 256;
        while let Some(slot) = wheel.due(&mut entries, Tick::from_nanos(deadline), &mut steps) {
            assert!(!std::mem::replace(&mut out[slot as usize], true), "slot {slot} comes out once");
        }
        assert!(wheel.is_empty() || next(&wheel) <= Some(deadline), "there is more to do at once");
    }
    assert!(wheel.is_empty());
    assert!(out.iter().all(|&is_out| is_out));
}

#[test]
fn g20_many_deadlines_within_a_millisecond_are_not_searched_again_and_again() {
    let begin = 60_000 * MILLISECOND;
    let (mut wheel, mut entries) = armed((0..MANY).map(|n| begin + u64::from(n) * 10));
    let (mut looks, mut out) = (0, 0_u64);
    for now in (begin..=begin + MILLISECOND).step_by(1_000) {
        let mut steps = u32::MAX;
        while let Some(slot) = wheel.due(&mut entries, Tick::from_nanos(now), &mut steps) {
            assert!(begin + u64::from(slot) * 10 <= now);
            out += 1;
        }
        looks += u32::MAX - steps;
        assert_eq!(out, u64::from(MANY).min((now - begin) / 10 + 1));
    }
    assert!(wheel.is_empty());
    assert!(looks <= MANY * 5, "{looks} looks at {MANY} slots");
}

#[test]
fn g20_nothing_is_spent_on_time_without_deadlines() {
    let (mut wheel, mut entries) = armed([u64::MAX - 1, 1]);
    let mut looks = 0;
    for now in [0, 1, 1 << 20, 1 << 40, 1 << 63, u64::MAX - 2, u64::MAX] {
        let mut steps = 100;
        while wheel.due(&mut entries, Tick::from_nanos(now), &mut steps).is_some() {}
        looks += 100 - steps;
    }
    assert!(wheel.is_empty());
    assert_eq!(looks, 2, "each was looked at when it was due");
}

#[test]
fn g10_a_deadline_that_is_put_off_is_looked_at_once_for_all_the_times() {
    let (mut wheel, mut entries) = armed([1_000 * MILLISECOND]);
    for use_at in 1..500 {
        entries.set_deadline(0, Deadline::from_nanos((1_000 + use_at) * MILLISECOND));
    }
    let (mut now, mut looks) = (0, 0);
    let mut out = Vec::new();
    while let Some(instant) = next(&wheel) {
        now = instant;
        let mut steps = 100;
        out.extend(wheel.due(&mut entries, Tick::from_nanos(now), &mut steps));
        looks += 100 - steps;
        assert!(looks <= 2 && steps < 100, "each instant that the wheel names leads to a look");
    }
    assert_eq!((now, out), (1_499 * MILLISECOND, vec![0]), "it was out at its deadline and not before");
    assert_eq!(looks, 2);
}

#[test]
fn g10_a_deadline_that_became_never_is_dropped_when_its_time_would_have_come() {
    let (mut wheel, mut entries) = armed([5, 90]);
    entries.set_deadline(0, Deadline::NEVER);
    assert_eq!(drain(&mut wheel, &mut entries, 50), []);
    assert!(!entries.is_armed(0));
    assert_eq!(next(&wheel), Some(90));
    assert_eq!(drain(&mut wheel, &mut entries, u64::MAX), [1]);
}

#[test]
fn g10_a_deadline_that_became_never_is_dropped_when_the_wheel_turns_back() {
    let begin = 1 << 40;
    let (mut wheel, mut entries) = armed([begin, begin + 1_000, u64::MAX, u64::MAX]);
    assert_eq!(drain(&mut wheel, &mut entries, begin), [0]);
    entries.set_deadline(1, Deadline::NEVER);
    for (slot, deadline) in [(2, 50), (3, 100)] {
        entries.set_deadline(slot, Deadline::from_nanos(deadline));
        wheel.arm(&mut entries, slot);
    }
    assert_eq!(drain(&mut wheel, &mut entries, 60), [2]);
    assert!(!entries.is_armed(1));
    assert_eq!(drain(&mut wheel, &mut entries, 100), [3]);
}

#[test]
fn g20_what_is_disarmed_never_comes() {
    let (mut wheel, mut entries) = armed([10, 20, 1 << 30, 1 << 30]);
    wheel.disarm(&mut entries, 1);
    wheel.disarm(&mut entries, 1);
    wheel.disarm(&mut entries, 2);
    assert_eq!(wheel.audit(&entries), 2);
    assert_eq!(drain(&mut wheel, &mut entries, u64::MAX), [0, 3]);
}

#[test]
fn g20_one_call_puts_the_next_instant_right_after_the_first_was_disarmed() {
    let (mut wheel, mut entries) = armed([1 << 30, (1 << 30) + 77]);
    wheel.disarm(&mut entries, 0);
    let early = next(&wheel).expect("one is armed");
    assert!(early <= (1 << 30) + 77);
    assert_eq!(drain(&mut wheel, &mut entries, early), []);
    assert_eq!(next(&wheel), Some((1 << 30) + 77));
}

#[test]
fn g20_when_the_clock_goes_back_deadlines_are_kept_by_the_clock_as_it_is() {
    let hour = 3_600_000 * MILLISECOND;
    let (mut wheel, mut entries) = armed([hour, hour + 70, 2 * hour, 5, 6, 900, MILLISECOND, hour]);
    for slot in 3..8 {
        wheel.disarm(&mut entries, slot);
    }
    assert_eq!(drain(&mut wheel, &mut entries, hour), [0]);
    // Armed as if the hour hadn't been.
    for slot in 3..8 {
        wheel.arm(&mut entries, slot);
    }
    assert_eq!(drain(&mut wheel, &mut entries, 4), []);
    assert_eq!(drain(&mut wheel, &mut entries, 5), [3]);
    assert_eq!(next(&wheel), Some(6));
    assert_eq!(drain(&mut wheel, &mut entries, 899), [4]);
    assert_eq!(drain(&mut wheel, &mut entries, 900), [5]);
    assert_eq!(drain(&mut wheel, &mut entries, hour - 1), [6]);
    assert_eq!(drain(&mut wheel, &mut entries, hour + 69), [7]);
    assert_eq!(drain(&mut wheel, &mut entries, hour + 70), [1]);
    assert_eq!(drain(&mut wheel, &mut entries, 2 * hour), [2]);
}

#[test]
fn g20_a_wheel_that_turns_back_goes_on_from_call_to_call() {
    let begin = 1 << 40;
    let (mut wheel, mut entries) = armed((0..1_000).map(|n| begin + n * n).chain([50, 100]));
    wheel.disarm(&mut entries, 1_000);
    wheel.disarm(&mut entries, 1_001);
    assert_eq!(drain(&mut wheel, &mut entries, begin + 10), [0, 1, 2, 3]);
    wheel.arm(&mut entries, 1_000);
    wheel.arm(&mut entries, 1_001);
    let mut calls = 0;
    while next(&wheel) <= Some(60) {
        let mut steps = 1;
        if let Some(slot) = wheel.due(&mut entries, Tick::from_nanos(60), &mut steps) {
            assert_eq!(slot, 1_000);
        }
        wheel.audit(&entries);
        calls += 1;
        assert!(calls < 1_010, "each slot goes up once");
    }
    assert_eq!(next(&wheel), Some(100));
    assert_eq!(drain(&mut wheel, &mut entries, 100), [1_001]);
    assert_eq!(drain(&mut wheel, &mut entries, begin + 16), [4]);
}

#[test]
fn g20_an_empty_wheel_holds_no_memory() {
    let has_memory = |wheel: &Wheel| wheel.levels.iter().any(Option::is_some);
    assert!(!has_memory(&Wheel::new()));
    let (mut wheel, mut entries) = armed((0..64).map(|bit| 1 << bit));
    assert_eq!(wheel.levels.iter().flatten().count(), LEVELS);
    for slot in 1..64 {
        wheel.disarm(&mut entries, slot);
    }
    assert!(has_memory(&wheel));
    assert_eq!(drain(&mut wheel, &mut entries, 1), [0]);
    assert!(!has_memory(&wheel), "the last one came out");
    wheel.arm(&mut entries, 7);
    wheel.disarm(&mut entries, 7);
    assert!(!has_memory(&wheel), "the last one was disarmed");
    wheel.arm(&mut entries, 9);
    entries.set_deadline(9, Deadline::NEVER);
    wheel.rearm(&mut entries, 9);
    assert!(!has_memory(&wheel), "the last one never comes");
}
