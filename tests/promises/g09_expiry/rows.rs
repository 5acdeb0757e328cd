//! The table of who sees what: for each method what it shows of an entry in each state, as what it counts, and whether it loads.

use crate::faces::{Face, Kind};
use crate::g09_expiry::scene::{KEY, NEW, OLD, Of, entry};
use bellwether::{Entry, Loaded, MetricsSnapshot};
use std::time::Duration;

/// As what a call is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Count {
    Nothing,
    Hit,
    StaleHit,
    Miss,
}

impl Count {
    /// Hits, stale hits, misses, and all other lookups, of one call.
    pub(crate) fn of(metrics: &MetricsSnapshot) -> Option<Self> {
        match (metrics.hits, metrics.stale_hits, metrics.misses, metrics.joined + metrics.negative_hits) {
            (0, 0, 0, 0) => Some(Self::Nothing),
            (1, 0, 0, 0) => Some(Self::Hit),
            (0, 1, 0, 0) => Some(Self::StaleHit),
            (0, 0, 1, 0) => Some(Self::Miss),
            _ => None,
        }
    }
}

/// What is left of the entry afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum After {
    /// All of it.
    Same,
    Gone,
    /// The call has changed its times.
    Other,
}

/// What a call shows of the key's value.
type Call<F> = fn(&Of<F>) -> Option<u32>;

/// One method, and for each state: the value it shows, its count, and the loads that it starts.
pub(crate) struct Row<F: Kind> {
    pub(crate) name: &'static str,
    pub(crate) call: Call<F>,
    pub(crate) sees: [Option<u32>; 5],
    pub(crate) counts: [Count; 5],
    pub(crate) loads: [u64; 5],
    /// Where no load was started.
    pub(crate) after: After,
}

const O: Option<u32> = Some(OLD);
const N: Option<u32> = Some(NEW);
/// What everybody may see.
const SHOWN: [Option<u32>; 5] = [O, O, None, None, None];

fn yes(yes: bool) -> Option<u32> {
    yes.then_some(OLD)
}

fn glance(entry: Option<Entry<u32, u32>>) -> Option<u32> {
    match entry.expect("nobody else is about to bring it") {
        Entry::Occupied(entry) => Some(**entry.get()),
        Entry::Vacant(_) => None,
    }
}

/// Methods that never load.
pub(crate) fn lookers<F: Kind>() -> Vec<Row<F>> {
    use Count::{Hit, Miss, Nothing, StaleHit};
    let looker =
        |name, call: Call<F>| Row { name, call, sees: SHOWN, counts: [Hit, Hit, Miss, Miss, Miss], loads: [0; 5], after: After::Same };
    let silent = |name, call: Call<F>| Row { counts: [Nothing; 5], ..looker(name, call) };
    vec![
        looker("get", |cache| cache.get(&KEY, |value| *value)),
        looker("fetch", |cache| cache.fetch(&KEY).map(|value| *value)),
        looker("entry", |cache| glance(Some(entry::<F>(cache)))),
        looker("try_entry", |cache| glance(cache.sync().try_entry(KEY))),
        silent("peek", |cache| cache.peek(&KEY).map(|value| *value)),
        silent("contains_key", |cache| yes(cache.contains_key(&KEY))),
        silent("iter", |cache| cache.entries().first().map(|(_, value)| **value)),
        Row { sees: [O, O, O, O, None], ..silent("entry_info", |cache| yes(cache.entry_info(&KEY).is_some())) },
        Row {
            sees: [O, O, O, O, None],
            counts: [Hit, Hit, StaleHit, StaleHit, Miss],
            ..looker("fetch_stale", |cache| cache.fetch_stale(&KEY).map(|fetched| *fetched.value))
        },
        Row { after: After::Gone, ..silent("remove", |cache| cache.remove(&KEY).map(|value| *value)) },
        Row { after: After::Gone, ..silent("invalidate", |cache| yes(cache.invalidate(&KEY))) },
        Row { after: After::Other, ..silent("set_ttl", |cache| yes(cache.set_ttl(&KEY, Duration::from_secs(1)))) },
        Row { after: After::Other, ..silent("persist", |cache| yes(cache.persist(&KEY))) },
        Row { after: After::Other, ..silent("expire", |cache| yes(cache.expire(&KEY))) },
    ]
}

/// Methods that load, of a cache whose loads bring a new value.
pub(crate) fn loaders<F: Kind>() -> Vec<Row<F>> {
    use Count::{Hit, Miss, StaleHit};
    let counts = [Hit, Hit, StaleHit, Miss, Miss];
    let loader = |name, call: Call<F>| Row { name, call, sees: [O, O, O, N, N], counts, loads: [0, 1, 1, 1, 1], after: After::Same };
    // A closure that may borrow runs on the thread of the one caller who starts the load, and he has what it brings.
    let here = |name, call: Call<F>| match F::IS_BLOCKING {
        true => Row { sees: [O, N, N, N, N], counts: [Hit, Miss, Miss, Miss, Miss], ..loader(name, call) },
        false => loader(name, call),
    };
    vec![
        loader("fetch_with", |cache| cache.fetch_with(&KEY).ok().map(|value| *value)),
        loader("fetch_optional", |cache| cache.fetch_optional(&KEY).ok().flatten().map(|value| *value)),
        loader("fetch_detailed", |cache| cache.fetch_detailed(&KEY).ok().map(|fetched| *fetched.value)),
        here("fetch_or_load", |cache| cache.fetch_or_load(&KEY, || Loaded::ok(NEW)).ok().map(|value| *value)),
        Row { sees: [N; 5], counts: [Miss; 5], loads: [1; 5], ..loader("refresh", |cache| cache.refresh(&KEY).ok().map(|value| *value)) },
    ]
}
