//! A yardstick: least recently used, as plainly as can be, to hold the cache's own against.

use std::collections::BTreeMap;

use bellwether::BoxError;

use super::replay::Replay;

/// Counts the hits of a cache of `capacity` entries that evicts the key that was asked for longest ago.
pub(crate) fn hits(replay: &Replay<'_>, capacity: u64) -> Result<Vec<u64>, BoxError> {
    // The position of each key's last request, while the key is held; and the keys that are held, by these positions.
    let mut used = vec![None; usize::try_from(replay.trace.unique)?];
    let mut held = BTreeMap::new();
    replay.count(|position| {
        let key = replay.trace.numbers[position] as usize;
        let before = used[key].replace(position);
        if let Some(before) = before {
            held.remove(&before);
        } else if held.len() as u64 == capacity {
            let (_, oldest) = held.pop_first().ok_or("the capacity is zero")?;
            used[oldest] = None;
        }
        held.insert(position, key);
        Ok(before.is_some())
    })
}
