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
    /// `insert_if_absent`: stores the value, untagged, where none is held that isn't stale.
    InsertIfAbsent(Value),
    /// `replace`, `compute`, `compute_val`: a value in the place of whichever is held.
    Replace(Value),
    /// `upsert`: a value in the place of whichever is held, or of none.
    Upsert(Value),
    /// `compare_and_swap`, and `replace` of an occupied entry: a value in the place of
    /// just that one.
    Swap { expected: Value, new: Value },
    /// `remove` of an occupied entry: takes out just that value.
    Take(Value),
    /// `try_compute`, `try_compute_val`: makes another value of the one that is held, where
    /// it lies. That comes about in two writes, the second of which changes nothing but how
    /// long it lives and what it weighs.
    TryCompute(Value),
    /// The beginning of `invalidate_if` and `retain`, up to where they ask of the value: no
    /// flight in the air brings anything any more.
    Overtake,
    /// What they ask of: what is held, stale or not.
    Glimpse,
    /// What they do then: just that value goes, stale or not.
    Doom(Value),
    /// `invalidate_tag`: what carries the tag goes, and so does what a flight in the air
    /// brings that carries it.
    InvalidateTag,
    /// `expire_tag`, where a stale window doesn't end: what carries the tag is stale.
    ExpireTag,
}

/// Whether a value carries the tag if it is loaded or inserted. One that takes the place of
/// another by a conditional write or by a change has what that one had.
pub(crate) fn carries_tag(value: Value) -> bool {
    value % 2 == 0
}

/// What the cache answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// `Insert` and `Invalidate`, strikes of the tag, and `Doom` where nobody was told
    /// whether anything went.
    Done,
    /// `Remove`, `Get` and `FetchStale`, with a value that isn't stale. `Glimpse`. And of
    /// writes that depend on what is held: the value that isn't stale which the new one took
    /// the place of, or which kept it out.
    Value(Option<Value>),
    /// `Contains`, and `Expire`: whether there was a value that wasn't stale. `Swap`, `Take`
    /// and `Doom`: whether just the value in question was held.
    Present(bool),
    /// `TryCompute` of a value that somebody else had in hand.
    Busy,
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

    /// The value that the caller was shown, or that was found to be held.
    pub(crate) fn saw(&self) -> Option<Value> {
        match (self.returned?.1, self.op) {
            (Reply::Value(value), _) => value,
            (Reply::Loaded(value) | Reply::Stale(value), _) => Some(value),
            (Reply::Present(true), Op::Swap { expected, .. } | Op::Take(expected) | Op::Doom(expected)) => Some(expected),
            (Reply::Done | Reply::Present(_) | Reply::Busy | Reply::Failed, _) => None,
        }
    }

    /// The value that the call stores, or would have.
    pub(crate) fn brings(&self) -> Option<Value> {
        match self.op {
            Op::Insert(value) | Op::InsertIfAbsent(value) | Op::Replace(value) | Op::Upsert(value) | Op::TryCompute(value) => Some(value),
            Op::Swap { new, .. } => Some(new),
            Op::Invalidate | Op::Remove | Op::Expire | Op::Take(_) | Op::Overtake | Op::Doom(_) | Op::InvalidateTag | Op::ExpireTag => None,
            Op::Get | Op::Contains | Op::Fetch | Op::Refresh | Op::Entry | Op::FetchStale | Op::Glimpse => None,
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

    /// Whether the call changes the key by its own hand. One that did nothing, as what it
    /// asks for wasn't so, is no more than a look.
    pub(crate) fn writes(&self) -> bool {
        let reply = self.returned.map(|(_, reply)| reply);
        match self.op {
            Op::Insert(_) | Op::Invalidate | Op::Remove | Op::Expire => true,
            Op::Upsert(_) | Op::Overtake | Op::InvalidateTag | Op::ExpireTag => true,
            Op::InsertIfAbsent(_) => !matches!(reply, Some(Reply::Value(Some(_)))),
            Op::Replace(_) | Op::TryCompute(_) => !matches!(reply, Some(Reply::Value(None) | Reply::Busy)),
            Op::Swap { .. } | Op::Take(_) | Op::Doom(_) => !matches!(reply, Some(Reply::Present(false))),
            Op::Get | Op::Contains | Op::Fetch | Op::Refresh | Op::Entry | Op::FetchStale | Op::Glimpse => false,
        }
    }

    /// Whether the call is a write whose value takes the place of one that it finds, and may
    /// so come to evict that very value to make room.
    pub(crate) fn makes_room(&self) -> bool {
        matches!(self.op, Op::Replace(_) | Op::Upsert(_) | Op::Swap { .. } | Op::TryCompute(_))
    }

    /// Whether the call found a value that isn't stale, whichever.
    pub(crate) fn finds_any(&self) -> bool {
        matches!(self.returned, Some((_, Reply::Present(true) | Reply::Busy))) && self.saw().is_none()
    }

    /// Whether the call leaves what is held, and yet tells apart what landed before it from
    /// what lands after it.
    pub(crate) fn divides(&self) -> bool {
        match self.op {
            Op::Refresh | Op::Expire | Op::Overtake | Op::ExpireTag | Op::InvalidateTag => true,
            Op::Doom(_) => !matches!(self.returned, Some((_, Reply::Present(true)))),
            _ => false,
        }
    }

    fn reply_fits(&self) -> bool {
        let Some((_, reply)) = self.returned else {
            return true;
        };
        match self.op {
            Op::Insert(_) | Op::Invalidate | Op::Overtake | Op::InvalidateTag | Op::ExpireTag => matches!(reply, Reply::Done),
            Op::Remove | Op::Get | Op::Glimpse => matches!(reply, Reply::Value(_)),
            Op::InsertIfAbsent(_) | Op::Replace(_) | Op::Upsert(_) => matches!(reply, Reply::Value(_)),
            Op::TryCompute(_) => matches!(reply, Reply::Value(_) | Reply::Busy),
            Op::Contains | Op::Expire | Op::Swap { .. } | Op::Take(_) => matches!(reply, Reply::Present(_)),
            Op::Doom(_) => matches!(reply, Reply::Present(_) | Reply::Done),
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
        let inserted = self.calls.iter().filter_map(|call| Some((call.brings()?, call.called)));
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
