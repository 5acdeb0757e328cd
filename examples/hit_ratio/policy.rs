//! What is compared: the cache's own policies, and two yardsticks that have nothing to do with the cache.

use std::fmt;
use std::str::FromStr;

use bellwether::EvictionPolicy;
use serde::{Serialize, Serializer};

/// One line of the plot, one column of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Policy {
    /// The cache, with that policy.
    Cache(EvictionPolicy),
    /// A plain LRU list of this program's own.
    LruModel,
    /// The most hits that can be had if every key that is asked for has to be stored.
    Opt,
}

impl Policy {
    /// All: the cache's policies, then the yardsticks.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        EvictionPolicy::ALL.into_iter().map(Self::Cache).chain([Self::LruModel, Self::Opt])
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cache(policy) => policy.fmt(f),
            Self::LruModel => f.pad("lru-model"),
            Self::Opt => f.pad("opt"),
        }
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What one name on the command line stands for: one policy, or all.
#[derive(Clone, Debug)]
pub(crate) struct Choice(pub(crate) Vec<Policy>);

impl FromStr for Choice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "all" {
            return Ok(Self(Policy::all().collect()));
        }
        match Policy::all().find(|policy| policy.to_string() == name) {
            Some(policy) => Ok(Self(vec![policy])),
            None => {
                let names: Vec<_> = Policy::all().map(|policy| policy.to_string()).collect();
                Err(format!("give `all` or one of {}", names.join(", ")))
            }
        }
    }
}
