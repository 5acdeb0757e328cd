//! What these tests share: a cache by some rules that holds one value, on a clock that the test moves.

use crate::faces::{Face, Kind};
use crate::rules::{Rules, is_shown};
use crate::runway::{Runway, Style};
use bellwether::{BoxError, CacheBuilder, Entry, Freshness, Loaded, MockClock};
use std::time::Duration;

pub(crate) type Of<F> = <F as Kind>::Of<u32, u32>;

pub(crate) const KEY: u32 = 7;
/// The value that a test begins with.
pub(crate) const OLD: u32 = 1;
/// The value that every load brings.
pub(crate) const NEW: u32 = 2;

/// All that an entry can be worth, in the order in which it comes.
pub(crate) const STATES: [Freshness; 5] =
    [Freshness::Fresh, Freshness::RefreshDue, Freshness::Stale, Freshness::ErrorFallback, Freshness::Expired];

/// The place of a state in a row of a table.
pub(crate) fn column(state: Freshness) -> usize {
    STATES.iter().position(|&other| other == state).expect("there are no other states")
}

/// Whether there is a janitor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Janitor {
    On,
    Off,
}

pub(crate) const JANITORS: [Janitor; 2] = [Janitor::On, Janitor::Off];

/// A builder on a clock of its own.
pub(crate) fn builder(janitor: Janitor) -> (CacheBuilder<u32, u32>, MockClock) {
    let clock = MockClock::new();
    // Not the clock's start, which is a special instant.
    clock.advance(Duration::from_secs(5));
    let builder = CacheBuilder::new().clock(clock.clone());
    (if janitor == Janitor::Off { builder.no_janitor() } else { builder }, clock)
}

/// What the loader of a scene does.
pub(crate) type Answer = fn(usize) -> Result<Loaded<u32>, BoxError>;

pub(crate) const BRINGS: Answer = |_| Loaded::ok(NEW);
pub(crate) const FAILS: Answer = |_| Err("down".into());

/// A cache by `rules` that has held the old value for so long.
pub(crate) fn aged<F: Kind>(rules: &Rules, age: Duration, janitor: Janitor, style: Style, answer: Answer) -> (Of<F>, MockClock) {
    let (builder, clock) = builder(janitor);
    let cache: Of<F> = F::Of::build(Runway::new(0).loader(rules.apply(builder), style, answer));
    cache.insert(KEY, OLD);
    clock.advance(age);
    (cache, clock)
}

/// What is held for the key, as one sees it who leaves no trace.
pub(crate) fn state<F: Kind>(cache: &Of<F>) -> Freshness {
    cache.entry_info(&KEY).map_or(Freshness::Expired, |info| info.state)
}

/// Looks at the key as the face does, blocking or not.
pub(crate) fn entry<F: Kind>(cache: &Of<F>) -> Entry<u32, u32> {
    if F::IS_BLOCKING { cache.sync().entry(KEY) } else { futures::executor::block_on(cache.sync().to_async().entry(KEY)) }
}

/// Walks through all the times of an entry that was stored just now, which nobody uses, and asserts at each that it ages by `rules`.
pub(crate) fn ages_by<F: Kind>(cache: &Of<F>, clock: &MockClock, rules: &Rules, what: &str) {
    let start = clock.elapsed();
    for age in rules.moments() {
        clock.set(start + age);
        let expected = rules.state(age, age);
        let info = cache.entry_info(&KEY);
        assert_eq!(info.map_or(Freshness::Expired, |info| info.state), expected, "{what}: {age:?} old, by {rules:?}");
        let shown = [cache.peek(&KEY).is_some(), cache.contains_key(&KEY), cache.entries().iter().any(|&(key, _)| key == KEY)];
        assert_eq!(shown, [is_shown(expected); 3], "{what}: {age:?} old, by {rules:?}");
        let Some(info) = info else { continue };
        let left = (Rules::left(rules.live, age), Rules::left(rules.last(), age));
        assert_eq!((info.age, (info.time_left, info.usable_for)), (age, left), "{what}: {age:?} old, by {rules:?}");
        assert_eq!((info.weight, info.failures, info.next_try), (1, 0, None), "{what}");
    }
}
