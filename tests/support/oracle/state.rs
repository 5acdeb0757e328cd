//! One key of a plain cache, between two calls.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::history::{Stamp, Value};

/// One key, between two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(super) held: Held,
    /// The loads that have been introduced, by index: each at most once.
    pub(super) used: u64,
    /// The latest `called` of the writes so far. A load must have begun after
    /// it to be introduced.
    pub(super) last_write: Stamp,
    /// The same of the strikes of the tag, for loads that bring what carries it.
    pub(super) last_strike: Stamp,
}

/// A value as it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) value: Value,
    /// Whether it carries the tag.
    pub(super) tagged: bool,
}

/// What the key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Nothing,
    /// Nothing. What was held last was forgotten, and nothing has come since.
    Left {
        item: Item,
        /// The earliest return of a call that found nothing: it had left by then.
        seen_by: Stamp,
    },
    /// Nothing. What was held last was struck, and may be found where it lay by who was asked
    /// of it before.
    Struck(Item),
    Inserted(Item),
    Loaded {
        item: Item,
        landing: Landing,
        /// The earliest return of a call that saw this value: it had landed,
        /// or had been superseded, by then.
        seen_by: Stamp,
    },
    Stale(Item),
}

/// What became of the flight that brought the held value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landing {
    /// Somebody found the value in the cache.
    Stored,
    /// Only those who waited for the flight have the value. If the next write
    /// superseded it, what the cache really holds is this.
    Unproven { beneath: Beneath },
}

/// What a superseded flight leaves as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beneath {
    Nothing,
    Left { item: Item, seen_by: Stamp },
    Struck(Item),
    Fresh(Item),
    Stale(Item),
}

/// What a strike of the tag does to what carries it.
#[derive(Clone, Copy)]
pub(super) enum Strike {
    Invalidate,
    Expire,
}

impl Held {
    /// The value, unless it is stale.
    pub(super) fn fresh(self) -> Option<Value> {
        self.fresh_item().map(|item| item.value)
    }

    pub(super) fn fresh_item(self) -> Option<Item> {
        match self {
            Self::Nothing | Self::Left { .. } | Self::Struck(_) | Self::Stale(_) => None,
            Self::Inserted(item) | Self::Loaded { item, .. } => Some(item),
        }
    }

    /// The value, if it is stale.
    pub(super) fn stale(self) -> Option<Value> {
        match self {
            Self::Stale(item) => Some(item.value),
            Self::Nothing | Self::Left { .. } | Self::Struck(_) | Self::Inserted(_) | Self::Loaded { .. } => None,
        }
    }

    /// The value that lies there, whoever may see it.
    pub(super) fn lying(self) -> Option<Value> {
        match self {
            Self::Nothing | Self::Left { .. } => None,
            Self::Inserted(item) | Self::Loaded { item, .. } | Self::Stale(item) | Self::Struck(item) => Some(item.value),
        }
    }

    pub(super) fn beneath(self) -> Beneath {
        match self {
            Self::Nothing => Beneath::Nothing,
            Self::Left { item, seen_by } => Beneath::Left { item, seen_by },
            Self::Struck(item) => Beneath::Struck(item),
            Self::Inserted(item) | Self::Loaded { item, .. } => Beneath::Fresh(item),
            Self::Stale(item) => Beneath::Stale(item),
        }
    }

    /// What is left of it after a strike that came after all landings so far.
    pub(super) fn struck(self, strike: Strike) -> Self {
        match self {
            Self::Loaded { item, landing: Landing::Unproven { beneath }, seen_by } if !item.tagged => {
                let beneath = beneath.struck(strike).beneath();
                Self::Loaded { item, landing: Landing::Unproven { beneath }, seen_by }
            }
            Self::Left { item, .. } if item.tagged => Self::Nothing,
            Self::Inserted(item) | Self::Loaded { item, .. } | Self::Stale(item) if item.tagged => match strike {
                Strike::Invalidate => Self::Struck(item),
                Strike::Expire => Self::Stale(item),
            },
            spared => spared,
        }
    }
}

impl Beneath {
    pub(super) fn fresh(self) -> Option<Item> {
        match self {
            Self::Nothing | Self::Left { .. } | Self::Struck(_) | Self::Stale(_) => None,
            Self::Fresh(item) => Some(item),
        }
    }

    /// What there is without what lay over it.
    pub(super) fn bare(self) -> Held {
        match self {
            Self::Nothing => Held::Nothing,
            Self::Left { item, seen_by } => Held::Left { item, seen_by },
            Self::Struck(item) => Held::Struck(item),
            Self::Fresh(item) => Held::Inserted(item),
            Self::Stale(item) => Held::Stale(item),
        }
    }

    /// What is left of it when it has been expired.
    pub(super) fn expired(self) -> Held {
        match self {
            Self::Nothing | Self::Left { .. } | Self::Struck(_) => Held::Nothing,
            Self::Fresh(item) | Self::Stale(item) => Held::Stale(item),
        }
    }

    /// What is left of it after a strike.
    pub(super) fn struck(self, strike: Strike) -> Held {
        self.bare().struck(strike)
    }
}

impl State {
    /// Nothing held, nothing loaded, nothing written.
    pub(crate) fn new() -> Self {
        Self { held: Held::Nothing, used: 0, last_write: 0, last_strike: 0 }
    }

    pub(super) fn written(self, called: Stamp, held: Held) -> Self {
        Self { held, last_write: self.last_write.max(called), ..self }
    }

    pub(super) fn struck(self, called: Stamp, held: Held) -> Self {
        Self { held, last_strike: self.last_strike.max(called), ..self }
    }

    /// A caller that returned at `end` got the held value, and perhaps got it
    /// from the flight.
    pub(super) fn delivered(self, end: Stamp) -> Self {
        match self.held {
            Held::Nothing | Held::Left { .. } | Held::Struck(_) | Held::Inserted(_) | Held::Stale(_) => self,
            Held::Loaded { item, landing, seen_by } => Self { held: Held::Loaded { item, landing, seen_by: seen_by.min(end) }, ..self },
        }
    }

    /// A caller that returned at `end` found the held value in the cache.
    pub(super) fn found(self, end: Stamp) -> Self {
        match self.held {
            Held::Nothing | Held::Left { .. } | Held::Struck(_) | Held::Inserted(_) | Held::Stale(_) => self,
            Held::Loaded { item, seen_by, .. } => {
                Self { held: Held::Loaded { item, landing: Landing::Stored, seen_by: seen_by.min(end) }, ..self }
            }
        }
    }

    /// What lies beneath a value that a write called at `called` may have kept from being stored.
    pub(super) fn superseded(self, called: Stamp) -> Option<Beneath> {
        match self.held {
            Held::Loaded { landing: Landing::Unproven { beneath }, seen_by, .. } if called < seen_by => Some(beneath),
            Held::Nothing | Held::Left { .. } | Held::Struck(_) | Held::Inserted(_) | Held::Loaded { .. } | Held::Stale(_) => None,
        }
    }
}

impl Hash for State {
    /// Of what differs most: the search hashes all the time.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.held.lying(), self.used, self.last_write).hash(state);
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.held {
            Held::Nothing | Held::Left { .. } | Held::Struck(_) => write!(f, "nothing held"),
            Held::Inserted(item) | Held::Loaded { item, .. } => write!(f, "{} held", item.value),
            Held::Stale(item) => write!(f, "{} held, which is stale", item.value),
        }
    }
}
