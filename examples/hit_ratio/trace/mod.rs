//! A trace: the keys that were asked for, one after the other, from a file or a generator.

mod file;
mod generator;
mod source;
mod unpack;

pub(crate) use source::{FORMS, Source};

use std::collections::HashMap;

use ahash::RandomState;
use bellwether::BoxError;

/// The most requests of a trace: what is read is held in memory, at twelve bytes a request.
pub(crate) const MOST_REQUESTS: u64 = 1 << 28;

/// The keys that were asked for, one after the other.
pub(crate) struct Trace {
    /// What it is called in tables and in JSON.
    pub(crate) name: String,
    /// The key of each request, in order.
    pub(crate) requests: Vec<u64>,
    /// The same with keys numbered from zero, in the order of their first requests: what yardsticks index their tables by.
    pub(crate) numbers: Vec<u32>,
    /// How many different keys there are.
    pub(crate) unique: u64,
}

impl Trace {
    /// Numbers the keys of the requests.
    pub(crate) fn new(name: String, requests: Vec<u64>) -> Result<Self, BoxError> {
        if requests.is_empty() {
            return Err(format!("{name} holds no requests: give a trace with at least one").into());
        }
        let mut known: HashMap<u64, u32, RandomState> = HashMap::with_hasher(RandomState::with_seeds(1, 2, 3, 4));
        let mut numbers = Vec::with_capacity(requests.len());
        for &key in &requests {
            let next = u32::try_from(known.len()).map_err(|_| format!("{name} has more than {} different keys", u32::MAX))?;
            numbers.push(*known.entry(key).or_insert(next));
        }
        let unique = known.len() as u64;
        Ok(Self { name, requests, numbers, unique })
    }
}
