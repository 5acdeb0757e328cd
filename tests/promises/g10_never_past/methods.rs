//! Nobody reclaims anything: every way of getting at a value checks for itself that its last deadline hasn't passed.

use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, TICK, combinations, secs};
use crate::runway::{BOTH, Runway, Style};
use bellwether::{BoxError, CacheBuilder, Entry, Loaded, MockClock, OccupiedEntry};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, usize>;

const KEY: u32 = 7;
const OLD: usize = 1_000;

/// A way to get at the value, and whether it did.
type Way<F> = (&'static str, fn(&Of<F>) -> bool);

fn entry<F: Kind>(cache: &Of<F>) -> Entry<u32, usize> {
    if F::IS_BLOCKING { cache.sync().entry(KEY) } else { futures::executor::block_on(cache.sync().to_async().entry(KEY)) }
}

fn is_old(entry: Option<Entry<u32, usize>>) -> bool {
    matches!(entry, Some(Entry::Occupied(entry)) if **entry.get() == OLD)
}

fn ways<F: Kind>() -> [Way<F>; 22] {
    [
        ("get", |cache| cache.get(&KEY, |value| *value == OLD) == Some(true)),
        ("fetch", |cache| cache.fetch(&KEY).is_some()),
        ("peek", |cache| cache.peek(&KEY).is_some()),
        ("contains_key", |cache| cache.contains_key(&KEY)),
        ("iter", |cache| !cache.entries().is_empty()),
        ("iter of the other face", |cache| cache.sync().to_async().iter().next().is_some()),
        ("fetch_stale", |cache| cache.fetch_stale(&KEY).is_some()),
        ("entry_info", |cache| cache.entry_info(&KEY).is_some()),
        ("remove", |cache| cache.remove(&KEY).is_some()),
        ("invalidate", |cache| cache.invalidate(&KEY)),
        ("expire", |cache| cache.expire(&KEY)),
        ("set_ttl", |cache| cache.set_ttl(&KEY, Duration::MAX)),
        ("persist", |cache| cache.persist(&KEY)),
        ("fetch_with", |cache| cache.fetch_with(&KEY).is_ok_and(|value| *value == OLD)),
        ("fetch_optional", |cache| cache.fetch_optional(&KEY).is_ok_and(|value| value.as_deref() == Some(&OLD))),
        ("fetch_detailed", |cache| cache.fetch_detailed(&KEY).is_ok_and(|fetched| *fetched.value == OLD)),
        ("fetch_or_load", |cache| cache.fetch_or_load(&KEY, || Loaded::ok(1)).is_ok_and(|value| *value == OLD)),
        ("a closure that fails", |cache| cache.fetch_or_load(&KEY, || Err::<Loaded<usize>, BoxError>("down".into())).is_ok()),
        ("refresh", |cache| cache.refresh(&KEY).is_ok_and(|value| *value == OLD)),
        ("entry", |cache| is_old(Some(entry::<F>(cache)))),
        ("try_entry", |cache| is_old(cache.sync().try_entry(KEY))),
        ("and_modify", |cache| {
            let mut modified = false;
            drop(entry::<F>(cache).and_modify(|_| modified = true));
            modified
        }),
    ]
}

/// What the cache's loader does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Loader {
    Brings,
    Fails,
    /// It says that nothing has changed: of what is over it was given nothing.
    Unchanged,
    Absent,
    None,
}

const LOADERS: [Loader; 5] = [Loader::Brings, Loader::Fails, Loader::Unchanged, Loader::Absent, Loader::None];

fn cache<F: Kind>(rules: &Rules, loader: Loader, style: Style) -> (Of<F>, MockClock) {
    let clock = MockClock::new();
    let builder: CacheBuilder<u32, usize> = rules.apply(CacheBuilder::new().no_janitor().clock(clock.clone()));
    let runway = Runway::new(0);
    let builder = match loader {
        Loader::Brings => runway.numbers(builder, style),
        Loader::Fails => runway.loader(builder, style, |_| Err("down".into())),
        Loader::Unchanged => runway.loader(builder, style, |_| Ok(Loaded::unchanged())),
        Loader::Absent => runway.loader(builder, style, |_| Ok(Loaded::absent())),
        Loader::None => builder,
    };
    (F::Of::build(builder), clock)
}

/// Just before the last deadline something of the value can be had; from then on nothing, by whatever means, and however often.
fn g10_no_method_returns_a_value_past_its_last_deadline<F: Kind>() {
    for rules in combinations() {
        for loader in LOADERS {
            for (number, (name, get)) in ways::<F>().into_iter().enumerate() {
                let beyond = [rules.last() + TICK, rules.last() + secs(1_000_000), Duration::MAX][number % 3];
                for past in [rules.last(), beyond] {
                    let (cache, clock) = cache::<F>(&rules, loader, BOTH[number % 2]);
                    cache.insert(KEY, OLD);
                    clock.set(rules.last() - TICK);
                    assert!(cache.entry_info(&KEY).is_some());
                    clock.set(past);
                    let what = format!("{name}, {loader:?}, {past:?} after, by {rules:?}");
                    assert_eq!(cache.len(), 1, "nobody has reclaimed it: {what}");
                    assert!(!get(&cache), "{what}");
                    assert!(!get(&cache), "once more: {what}");
                    at_rest(&cache.sync());
                    assert!(cache.peek(&KEY).is_none_or(|value| *value != OLD), "{what}");
                }
            }
        }
    }
}

fn occupied<F: Kind>(cache: &Of<F>) -> OccupiedEntry<u32, usize> {
    match entry::<F>(cache) {
        Entry::Occupied(entry) => entry,
        Entry::Vacant(_) => panic!("it was stored just now"),
    }
}

/// The entry shows the value that it was taken with, but the cache has it no more.
fn g10_an_occupied_entry_brings_nothing_back<F: Kind>() {
    for rules in combinations() {
        for past in [rules.last(), rules.last() + TICK, Duration::MAX] {
            let (cache, clock) = cache::<F>(&rules, Loader::None, BOTH[0]);
            cache.insert(KEY, OLD);
            let (mut replaces, removes) = (occupied::<F>(&cache), occupied::<F>(&cache));
            let modifies = entry::<F>(&cache);
            clock.set(past);
            assert_eq!((replaces.replace(1), removes.remove()), (Err(1), None), "{past:?} after, by {rules:?}");
            drop(modifies.and_modify(|value| *value += 1));
            assert!(cache.peek(&KEY).is_none_or(|value| *value == OLD + 1) && cache.fetch_stale(&KEY).is_none_or(|f| *f.value == OLD + 1));
            at_rest(&cache.sync());
        }
    }
}

fn g10_run_maintenance_takes_what_is_over_and_nothing_else<F: Kind>() {
    for rules in combinations() {
        let (cache, clock) = cache::<F>(&rules, Loader::None, BOTH[0]);
        (0..500).for_each(|key| cache.insert(key, OLD));
        clock.set(rules.last() - TICK);
        cache.run_maintenance();
        assert_eq!(cache.len(), 500, "{rules:?}");
        clock.set(rules.last());
        assert_eq!((cache.len(), cache.entries().len()), (500, 0), "nobody has reclaimed them");
        cache.run_maintenance();
        assert_eq!((cache.len(), cache.weight()), (0, 0), "{rules:?}");
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g10_no_method_returns_a_value_past_its_last_deadline,
    g10_an_occupied_entry_brings_nothing_back,
    g10_run_maintenance_takes_what_is_over_and_nothing_else,
);
