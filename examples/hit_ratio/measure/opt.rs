//! A yardstick: the most hits that any policy can have. (Belady: "A study of replacement algorithms for a virtual-storage computer", IBM
//! Systems Journal 1966.)
//!
//! It knows the future, and evicts the key whose next request is furthest away. As in the paper, every key that is asked for comes in. A
//! policy that may leave the newcomer out, as `none` does, is up to one entry better off: it never beats the optimum of one entry more.

use std::collections::BinaryHeap;

use bellwether::BoxError;

use super::replay::Replay;
use crate::trace::Trace;

/// Where a key isn't asked for again.
const NEVER: u32 = u32::MAX;

/// Counts the hits of a cache of `capacity` entries that evicts what is needed last.
pub(crate) fn hits(replay: &Replay<'_>, capacity: u64) -> Result<Vec<u64>, BoxError> {
    let next = next_requests(replay.trace)?;
    let capacity = usize::try_from(capacity)?;
    let mut is_held = vec![false; usize::try_from(replay.trace.unique)?];
    let mut held = 0;
    // Keys by their next requests, the furthest on top. A hit leaves the old one behind: it is over by then, and so below all that count.
    let mut furthest = BinaryHeap::new();
    replay.count(|position| {
        let key = replay.trace.numbers[position];
        let hit = is_held[key as usize];
        if !hit {
            if held == capacity {
                let (_, victim): (u32, u32) = furthest.pop().ok_or("the capacity is zero")?;
                is_held[victim as usize] = false;
            } else {
                held += 1;
            }
            is_held[key as usize] = true;
        }
        if furthest.len() / 2 > capacity {
            let now = position as u64;
            furthest.retain(|&(next, _)| u64::from(next) > now);
        }
        furthest.push((next[position], key));
        Ok(hit)
    })
}

/// For each request, the position of the next one for its key.
fn next_requests(trace: &Trace) -> Result<Vec<u32>, BoxError> {
    let mut coming = vec![NEVER; usize::try_from(trace.unique)?];
    let mut next = vec![NEVER; trace.numbers.len()];
    for (position, &key) in trace.numbers.iter().enumerate().rev() {
        next[position] = std::mem::replace(&mut coming[key as usize], u32::try_from(position)?);
    }
    Ok(next)
}
