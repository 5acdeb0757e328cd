//! Lives go on by the wall clock while the process is down, and no clock makes one longer.

use super::world::Wall;
use crate::faces::{Face, Kind};
use bellwether::{CacheBuilder, Loaded, MockClock};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn cache<F: Kind>(clock: &MockClock) -> F::Of<u32, u32> {
    F::Of::build(CacheBuilder::new().clock(clock.clone()).time_to_live(SECOND * 60))
}

/// What entry 1 has left after the clock has moved so far between saving and restoring; nothing if it isn't restored.
fn left_after<F: Kind>(moved: impl FnOnce(&Wall)) -> Option<Option<Duration>> {
    let (clock, wall) = (MockClock::new(), Wall::new());
    clock.advance(SECOND * 500);
    let before = cache::<F>(&clock);
    before.insert(1, 1);
    before.insert_with(2, Loaded::value(2).time_to_live(Duration::MAX));
    clock.advance(SECOND * 20);
    let mut bytes = Vec::new();
    wall.snapshot().save(&before.sync(), &mut bytes).expect("it can be saved");
    let saved_at = wall.now();
    moved(&wall);
    let after = cache::<F>(&MockClock::new());
    let restored = wall.snapshot().load(&after.sync(), &bytes[..]).expect("it is as it was saved");
    assert_eq!((restored.entries + restored.expired, restored.saved_at), (2, saved_at));
    assert_eq!(after.entry_info(&2).map(|info| info.time_left), Some(None), "for ever is for ever");
    after.validate();
    after.entry_info(&1).map(|info| info.time_left)
}

fn g10_a_life_goes_on_while_the_process_is_down<F: Kind>() {
    assert_eq!(left_after::<F>(|_| ()), Some(Some(SECOND * 40)));
    assert_eq!(left_after::<F>(|wall| wall.advance(SECOND * 15)), Some(Some(SECOND * 25)));
    assert_eq!(left_after::<F>(|wall| wall.advance(SECOND * 40 - Duration::from_nanos(1))), Some(Some(Duration::from_nanos(1))));
    assert_eq!(left_after::<F>(|wall| wall.advance(SECOND * 40)), None);
    assert_eq!(left_after::<F>(|wall| wall.advance(SECOND * 1_000_000_000)), None);
}

fn g10_a_clock_that_went_back_lengthens_no_life<F: Kind>() {
    assert_eq!(left_after::<F>(|wall| wall.go_back(SECOND)), Some(Some(SECOND * 40)));
    assert_eq!(left_after::<F>(|wall| wall.go_back(SECOND * 1_000_000_000)), Some(Some(SECOND * 40)));
}

/// An entry that nobody has used for its idle time is gone, whether or not anybody could have.
fn g10_idle_time_goes_on_while_the_process_is_down<F: Kind>() {
    for (down, is_there) in [(14, true), (15, false)] {
        // A new process's clock, too, may have begun just now.
        for start in [0, 10_000] {
            let (clock, wall) = (MockClock::new(), Wall::new());
            let idle = |clock: &MockClock| <F::Of<u32, u32>>::build(CacheBuilder::new().clock(clock.clone()).time_to_idle(SECOND * 20));
            let before = idle(&clock);
            before.insert(1, 1);
            clock.advance(SECOND * 15);
            assert!(before.fetch(&1).is_some(), "it is used");
            clock.advance(SECOND * 5);
            let mut bytes = Vec::new();
            wall.snapshot().save(&before.sync(), &mut bytes).expect("it can be saved");
            wall.advance(SECOND * down);
            let later = MockClock::new();
            later.advance(SECOND * start);
            let after = idle(&later);
            wall.snapshot().load(&after.sync(), &bytes[..]).expect("it is as it was saved");
            assert_eq!(after.contains_key(&1), is_there, "{down} seconds");
            later.advance(SECOND - Duration::from_nanos(1));
            assert_eq!(after.contains_key(&1), is_there);
            later.advance(Duration::from_nanos(1));
            assert!(!after.contains_key(&1), "its idle time went on");
        }
    }
}

fn what_has_expired_is_not_saved<F: Kind>() {
    let clock = MockClock::new();
    // Nobody reclaims it.
    let cache = <F::Of<u32, u32>>::build(CacheBuilder::new().clock(clock.clone()).time_to_live(SECOND).no_janitor());
    cache.insert(1, 1);
    clock.advance(SECOND);
    cache.insert(2, 2);
    let saved = bellwether::Snapshot::new().save(&cache.sync(), std::io::sink()).expect("it can be saved");
    assert_eq!(saved.entries, 1);
}

/// The longest times there are.
fn g18_the_longest_times_come_back<F: Kind>() {
    let (clock, wall) = (MockClock::new(), Wall::new());
    clock.advance(SECOND);
    let cache = || <F::Of<u32, u32>>::build(CacheBuilder::new().clock(clock.clone()));
    let before = cache();
    let almost = Duration::from_nanos(u64::MAX - 1);
    for (key, time) in
        [Duration::ZERO, Duration::from_nanos(1), almost, Duration::from_nanos(u64::MAX), Duration::MAX].into_iter().enumerate()
    {
        let key = u32::try_from(key).expect("they are few");
        let value = Loaded::value(key).time_to_live(time).stale_if_error(time).stale_while_revalidate(time);
        before.insert_with(key, value.time_to_idle(time.max(SECOND)).refresh_after(time));
    }
    let mut bytes = Vec::new();
    wall.snapshot().save(&before.sync(), &mut bytes).expect("it can be saved");
    let after = cache();
    wall.snapshot().load(&after.sync(), &bytes[..]).expect("it is as it was saved");
    for key in 0..5 {
        let told = |info: Option<bellwether::EntryInfo>| info.map(|i| (i.age, i.time_left, i.usable_for, i.state));
        assert_eq!(told(after.entry_info(&key)), told(before.entry_info(&key)), "entry {key}");
    }
    wall.advance(almost);
    let last = cache();
    wall.snapshot().load(&last.sync(), &bytes[..]).expect("it is as it was saved");
    assert!(!last.contains_key(&0) && !last.contains_key(&1));
}

crate::on_every_face_in_time!(
    g10_a_life_goes_on_while_the_process_is_down,
    g10_a_clock_that_went_back_lengthens_no_life,
    g10_idle_time_goes_on_while_the_process_is_down,
    what_has_expired_is_not_saved,
    g18_the_longest_times_come_back,
);
