//! A history is what several threads did to one key: calls, answers, loads.

use std::collections::{HashMap, HashSet};

/// A reading of the one counter that orders a history. No two are equal.
pub(crate) type Stamp = u64;

/// Stands for a cached value. Every insert and every load makes a new one.
pub(crate) type Value = u32;

/// The most calls, and the most loads, that one history may have: the search
/// keeps each set in the bits of a word.
pub(crate) const MOST: usize = 64;

/// What a thread asked of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    /// Any unconditional write of a value.
    Insert(Value),
    /// `invalidate`, `clear`, or any removal whose answer isn't recorded.
    Invalidate,
    /// `remove`, whose answer is what it took out.
    Remove,
    /// `get`, `fetch`, `peek`: looks and never loads.
    Get,
    /// `contains_key`.
    Contains,
    /// `fetch_with`, `fetch_or_load`: a hit, else joins or leads a flight.
    Fetch,
    /// `refresh`: loads now, or joins a flight under way.
    Refresh,
    /// `entry` and what brings its value: a hit of a value that isn't stale, else
    /// joins or leads a flight.
    Entry,
    /// `expire`, in a cache with a stale window that doesn't end: a value that
    /// is held is stale from then on.
    Expire,
    /// `fetch_stale`: looks, and sees what is stale, too.
    FetchStale,
}

/// What the cache answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// `Insert` and `Invalidate`.
    Done,
    /// `Remove`, `Get` and `FetchStale`, with a value that isn't stale.
    Value(Option<Value>),
    /// `Contains`, and `Expire`: whether there was a value that wasn't stale.
    Present(bool),
    /// `Fetch`, `Entry` and `Refresh`, with a value that isn't served as stale.
    Loaded(Value),
    /// `Fetch` and `FetchStale`, with a value that is served as stale. A fetch
    /// may have left a refresh behind, which lands without it.
    Stale(Value),
    /// `Fetch` and `Refresh`, with the error of a load that failed. A caller
    /// that merely stopped waiting has no reply: its load may still land.
    Failed,
}

/// One call of one thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// Who called. Only for people to read.
    pub(crate) thread: usize,
    /// What was asked.
    pub(crate) op: Op,
    /// Taken before the call.
    pub(crate) called: Stamp,
    /// Taken after the return. A call that was dropped, timed out or never came
    /// back has none: it may have its effect at any time after `called`, or never.
    pub(crate) returned: Option<(Stamp, Reply)>,
}

/// One run of the loader that brought a value, or would have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// What it brought.
    pub(crate) value: Value,
    /// Taken at the start of the loader.
    pub(crate) begin: Stamp,
}

/// All that happened to one key, in any order.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// The calls of all threads.
    pub(crate) calls: Vec<Call>,
    /// The runs of the loader.
    pub(crate) loads: Vec<Load>,
}

impl Call {
    /// The end of the interval in which the call can have had its effect.
    pub(crate) fn end(&self) -> Stamp {
        self.returned.map_or(Stamp::MAX, |(stamp, _)| stamp)
    }

    /// The value that the caller was shown.
    pub(crate) fn saw(&self) -> Option<Value> {
        match self.returned?.1 {
            Reply::Value(value) => value,
            Reply::Loaded(value) | Reply::Stale(value) => Some(value),
            Reply::Done | Reply::Present(_) | Reply::Failed => None,
        }
    }

    /// Whether the call can start a load.
    pub(crate) fn may_lead(&self) -> bool {
        matches!(self.op, Op::Fetch | Op::Refresh | Op::Entry)
    }

    /// Whether the call was served a stale value, so that it may have left a
    /// refresh behind.
    pub(crate) fn was_served_stale(&self) -> bool {
        self.op == Op::Fetch && matches!(self.returned, Some((_, Reply::Stale(_))))
    }

    /// Whether the call changes the key by its own hand.
    pub(crate) fn writes(&self) -> bool {
        matches!(self.op, Op::Insert(_) | Op::Invalidate | Op::Remove | Op::Expire)
    }

    fn reply_fits(&self) -> bool {
        let Some((_, reply)) = self.returned else {
            return true;
        };
        match self.op {
            Op::Insert(_) | Op::Invalidate => matches!(reply, Reply::Done),
            Op::Remove | Op::Get => matches!(reply, Reply::Value(_)),
            Op::Contains | Op::Expire => matches!(reply, Reply::Present(_)),
            Op::FetchStale => matches!(reply, Reply::Value(_) | Reply::Stale(_)),
            Op::Fetch => matches!(reply, Reply::Loaded(_) | Reply::Stale(_) | Reply::Failed),
            Op::Refresh | Op::Entry => matches!(reply, Reply::Loaded(_) | Reply::Failed),
        }
    }
}

impl History {
    /// What makes this no history at all: a mistake of the recording, or a
    /// value out of thin air.
    pub(crate) fn flaw(&self) -> Option<String> {
        if self.calls.len() > MOST || self.loads.len() > MOST {
            return Some(format!("more than {MOST} calls or loads"));
        }
        self.flaw_of_stamps().or_else(|| self.flaw_of_values())
    }

    fn flaw_of_stamps(&self) -> Option<String> {
        let mut taken = HashSet::new();
        let calls = self.calls.iter().map(|call| call.called);
        let returns = self.calls.iter().filter_map(|call| call.returned);
        let begins = self.loads.iter().map(|load| load.begin);
        let stamps = calls.chain(returns.map(|(stamp, _)| stamp)).chain(begins);
        if let Some(twice) = stamps.into_iter().find(|stamp| !taken.insert(*stamp)) {
            return Some(format!("stamp {twice} was taken twice"));
        }
        let backwards = self.calls.iter().find(|call| call.end() < call.called)?;
        Some(format!("call {} returned before it", backwards.called))
    }

    fn flaw_of_values(&self) -> Option<String> {
        // Each value, with the stamp before which nobody can have seen it.
        let mut born = HashMap::new();
        let inserted = self.calls.iter().filter_map(|call| match call.op {
            Op::Insert(value) => Some((value, call.called)),
            _ => None,
        });
        let loaded = self.loads.iter().map(|load| (load.value, load.begin));
        for (value, stamp) in inserted.chain(loaded) {
            if born.insert(value, stamp).is_some() {
                return Some(format!("value {value} was made twice"));
            }
        }
        self.calls.iter().find_map(|call| {
            if !call.reply_fits() {
                return Some(format!("the reply doesn't fit call {}", call.called));
            }
            let seen = call.saw()?;
            match born.get(&seen) {
                None => Some(format!("value {seen} was never inserted or loaded")),
                Some(&stamp) if call.end() < stamp => Some(format!("value {seen} was seen before it was made")),
                Some(_) => None,
            }
        })
    }
}
