//! A tour is a walk over all entries of a cache: shard after shard, and slots upwards in each.

use super::shared::CacheShared;
use crate::ground::contain::{contain, drop_contained};
use crate::shard::{Hold, Reached, STEPS, Walk};
use std::sync::Arc;

/// Pages without entries, entries that nobody may see, and shards, that a page of a scan looks at beyond the entries that it was asked for.
const BESIDES: u64 = 1_024;

/// How far a tour has come.
#[derive(Debug)]
pub(crate) struct Tour {
    shard: usize,
    walk: Walk,
}

impl Tour {
    pub(crate) const fn new() -> Self {
        Self { shard: 0, walk: Walk::new() }
    }

    /// The tour that goes on where the one that gave `cursor` stood. A number that none has given is as good as any: it names a place, too.
    fn at(cursor: u64) -> Self {
        let Some(place) = cursor.checked_sub(1) else { return Self { shard: 0, walk: Walk::from(0) } };
        let low = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).expect("the rest is masked out");
        Self { shard: usize::try_from(place >> 32).unwrap_or(usize::MAX), walk: Walk::from(low(place)) }
    }

    fn cursor(&self) -> u64 {
        1 + ((self.shard as u64) << 32 | u64::from(self.walk.next()))
    }
}

impl<K: Clone, V, S> CacheShared<K, V, S> {
    /// Goes on with `tour` in one hold of a lock. Says `End` at the end of the last shard only.
    pub(crate) fn tour_on(&self, tour: &mut Tour, hold: &mut Hold, take: impl FnMut((K, Arc<V>))) -> Reached {
        let Some(shard) = self.shards.get(tour.shard) else { return Reached::End };
        let reached = shard.walk_on(&mut tour.walk, hold, &self.clock, take);
        if reached != Reached::End {
            return reached;
        }
        *tour = Tour { shard: tour.shard + 1, walk: tour.walk.anew() };
        if tour.shard < self.shards.len() { Reached::Midway } else { Reached::End }
    }

    /// All entries at once.
    pub(crate) fn all_entries(&self) -> Vec<(K, Arc<V>)> {
        gather(|all| {
            let mut tour = Tour::new();
            while self.tour_on(&mut tour, &mut Hold { most: usize::MAX, steps: STEPS }, |entry| all.push(entry)) != Reached::End {}
        })
        .1
    }

    /// Up to `count` entries from `cursor` on, and the cursor to go on from, 0 at the end.
    pub(crate) fn scan(&self, cursor: u64, count: usize) -> (u64, Vec<(K, Arc<V>)>) {
        if count == 0 {
            return (cursor, Vec::new());
        }
        gather(|page| {
            let mut tour = Tour::at(cursor);
            let mut steps = BESIDES.saturating_add(count as u64);
            while steps > 0 {
                let allowed = u32::try_from(steps).unwrap_or(STEPS).min(STEPS);
                let mut hold = Hold { most: count - page.len(), steps: allowed };
                match self.tour_on(&mut tour, &mut hold, |entry| page.push(entry)) {
                    Reached::End => return 0,
                    Reached::Entry => break,
                    // A shard is a step, too, even if there is nothing in it.
                    Reached::Midway => steps -= u64::from((allowed - hold.steps).max(1)),
                }
            }
            tour.cursor()
        })
    }
}

/// What `fill` gathers. Of several keys and values whose `Drop` panics the second would abort the process where a key's `Clone` has panicked: so they are
/// let go one by one then.
pub(super) fn gather<T, R>(fill: impl FnOnce(&mut Vec<T>) -> R) -> (R, Vec<T>) {
    let mut gathered = Vec::new();
    match contain(|| fill(&mut gathered)) {
        Ok(result) => (result, gathered),
        Err(panic) => {
            gathered.into_iter().for_each(drop_contained);
            std::panic::resume_unwind(panic.0)
        }
    }
}
