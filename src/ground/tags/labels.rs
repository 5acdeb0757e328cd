//! Labels: the tags that one entry carries, and what strikes have made of it.

use super::Tags;
use super::names::{Numbers, Tag};
use crate::ground::sync::Arc;
use crate::ground::sync::atomic::Ordering;
use crate::ground::time::Deadline;
use std::fmt;

/// The tags that one entry carries.
pub(crate) struct Labels {
    home: Arc<Tags>,
    tags: Box<[Arc<Tag>]>,
    /// The number of the load or write that the entry comes from.
    pub(super) stamp: u64,
}

/// What the strikes since have made of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    Spared,
    Invalidated,
    /// Its time to live ended then at the latest.
    Expired(Deadline),
}

impl Labels {
    pub(super) fn new(home: &Arc<Tags>, tags: Vec<Arc<Tag>>, stamp: u64) -> Self {
        Self { home: Arc::clone(home), tags: tags.into_boxed_slice(), stamp }
    }

    /// What has become of what carries these since it began.
    pub(crate) fn fate(&self) -> Fate {
        let mut fate = Fate::Spared;
        for tag in &self.tags {
            let Numbers { invalidated, expired, .. } = tag.numbers();
            if invalidated > self.stamp {
                return Fate::Invalidated;
            }
            if expired > self.stamp {
                let at = Deadline::from_nanos(tag.expired_at.load(Ordering::Relaxed));
                fate = match fate {
                    Fate::Expired(other) => Fate::Expired(other.min(at)),
                    Fate::Spared | Fate::Invalidated => Fate::Expired(at),
                };
            }
        }
        fate
    }

    /// What carries these is as new as what begins now.
    pub(crate) fn stamp_now(&mut self) {
        self.stamp = self.home.now();
    }

    /// The number of the first strike since what carries these began, or a lower one that still is higher than its own; none if there was none.
    pub(crate) fn struck_by(&self) -> Option<u64> {
        let first = |tag: &Arc<Tag>| {
            let numbers = tag.numbers();
            let (last, before) = (numbers.last(), numbers.before);
            (last > self.stamp).then(|| if before <= self.stamp { last } else { self.stamp + 1 })
        };
        self.tags.iter().filter_map(first).min()
    }

    /// Makes what carries these as new as the strikes that have been seen by now, all of which are carried out on it. Gives what those come to.
    pub(crate) fn catch_up(&mut self) -> Fate {
        // Strikes are stored in the order of their numbers: who sees the last of these sees, on a second look, all before it.
        let seen = self.tags.iter().map(|tag| tag.last()).max();
        let fate = self.fate();
        if fate != Fate::Invalidated {
            self.stamp = self.stamp.max(seen.unwrap_or(0));
        }
        fate
    }

    /// The same, carried once more.
    pub(crate) fn again(&self) -> Self {
        self.stamped(self.stamp)
    }

    /// The same tags, on something that has the number `stamp`.
    pub(crate) fn stamped(&self, stamp: u64) -> Self {
        for tag in &self.tags {
            // Relaxed: it is carried while these are.
            tag.carriers.fetch_add(1, Ordering::Relaxed);
        }
        Self { home: Arc::clone(&self.home), tags: self.tags.clone(), stamp }
    }

    /// The tags' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tags.iter().map(|tag| &*tag.name)
    }
}

impl Drop for Labels {
    fn drop(&mut self) {
        for tag in &self.tags {
            // What this carrier saw comes before whatever is done with the tag.
            if tag.carriers.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.home.names.lock().forget(tag);
            }
        }
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Labels").field("tags", &self.names().collect::<Vec<_>>()).field("stamp", &self.stamp).finish()
    }
}
