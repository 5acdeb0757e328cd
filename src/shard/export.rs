//! Exports: what a shard holds, taken down for one who saves it, in holds of the lock that are bounded.

use super::Shard;
use super::heat::Among;
use super::record::Record;
use crate::ground::slab::Handle;
use crate::ground::time::{Clock, Tick};
use crate::vocabulary::expiry::{Rules, SavedTimes};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// Entries taken down in one hold of the lock.
const STEPS: usize = 256;

/// One entry as it is to be saved.
pub(crate) struct Exported<K, V> {
    pub(crate) key: K,
    pub(crate) value: Arc<V>,
    pub(crate) weight: u64,
    /// What it took to load, in microseconds.
    pub(crate) cost: u32,
    pub(crate) times: SavedTimes,
    pub(crate) tags: Vec<Arc<str>>,
    /// Where it stands among the shard's entries: the hottest is at `u32::MAX`.
    pub(crate) heat: u32,
}

/// How one who saves sees time.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    /// The cache's own rules, by which an entry's are told apart.
    pub(crate) rules: &'a Rules,
    /// The instant that all times are told from.
    pub(crate) at: Tick,
    pub(crate) clock: &'a Clock,
}

impl<K: Clone, V> Shard<K, V> {
    /// Hands all entries that aren't over to `batch`, some at a time and under no lock, until that says to stop. Each entry that stays is among them once.
    pub(crate) fn export(&self, asked: Asked<'_>, mut batch: impl FnMut(Vec<Exported<K, V>>) -> ControlFlow<()>) -> ControlFlow<()> {
        let stays = self.by_heat(usize::MAX, Among::Held);
        let held = stays.len();
        for (number, some) in stays.chunks(STEPS).enumerate() {
            let mut out = Vec::with_capacity(some.len());
            let heats = (number * STEPS..).map(|place| heat(place, held));
            self.take_down(some.iter().zip(heats), asked, &mut out);
            batch(out)?;
        }
        ControlFlow::Continue(())
    }

    /// One hold of the lock. Runs the keys' `Clone`.
    fn take_down<'a>(&self, stays: impl Iterator<Item = (&'a Handle, u32)>, asked: Asked<'_>, out: &mut Vec<Exported<K, V>>) {
        let state = self.read();
        for (&stay, heat) in stays {
            if state.store.holds(Some(stay)) {
                out.extend(state.store.get(stay.slot).exported(asked, heat));
            }
        }
    }
}

impl<K: Clone, V> Record<K, V> {
    fn exported(&self, asked: Asked<'_>, heat: u32) -> Option<Exported<K, V>> {
        if self.times.is_over(asked.clock) {
            return None;
        }
        Some(Exported {
            key: self.key.clone(),
            value: Arc::clone(&self.value),
            weight: self.weight,
            cost: self.node.cost(),
            times: self.times.saved(asked.rules, asked.at),
            tags: self.tags(),
            heat,
        })
    }

    /// The names of the entry's tags.
    fn tags(&self) -> Vec<Arc<str>> {
        self.times.labels().map_or_else(Vec::new, |labels| labels.names().map(Arc::from).collect())
    }
}

/// The place of one among `held`, the coldest of which is at 0, on a scale that is the same for all shards.
fn heat(place: usize, held: usize) -> u32 {
    let part = (place as u128 + 1) * u128::from(u32::MAX) / (held as u128).max(1);
    u32::try_from(part).unwrap_or(u32::MAX)
}

impl<K, V> Exported<K, V> {
    /// What the entry took to load.
    pub(crate) fn load_time(&self) -> Duration {
        Duration::from_micros(u64::from(self.cost))
    }
}
