//! The sequential specification: what one key of a plain cache would answer,
//! one call at a time.
//!
//! A key holds nothing, an inserted value, a loaded one, or one that is stale.
//! Writes set it, looks must match it, a fetch that returned the value held is a hit. A fetch that
//! returned anything else *introduces* the load it returned: the key must be
//! empty, no load is introduced twice, and the load must have begun after the
//! call of every write that came before. A refresh introduces over a value, too.
//!
//! An expire is a write that makes what is held stale. A stale value is seen by
//! fetches alone, which say so, and by `fetch_stale`: for all others the key is
//! empty. Who brings the value of an entry introduces over it, and so does the
//! refresh that a fetch has left behind.
//!
//! # What a correct cache may do, so that it must pass
//!
//! In a run of a correct cache, give each call the moment of its critical
//! section, and each call that got its value from a flight the moment when that
//! flight left the map, by landing or by being superseded. All these moments lie
//! inside the calls' intervals, since a flight is published after it has left.
//! The rules above hold in that order but for these cases, which have rules of
//! their own.
//!
//! - *A superseded flight* still delivers. Its callers come just before the write
//!   that superseded it: the first introduces, the others hit, the write sweeps
//!   it away. For `Remove` that isn't the whole story: it answers with what was
//!   really stored, which isn't what the flight delivered. So a load that was
//!   introduced is `Unproven` until somebody finds it in the cache, and a remove
//!   may answer with what lies `beneath` it. Only if it was called before any
//!   caller of the flight had returned: after that the flight had left the map,
//!   and had it been superseded, then by an earlier write.
//! - *A flight may be superseded before its load begins.* Hence a load may have
//!   begun after calls that come after its introduction, and nothing here asks for
//!   the contrary.
//! - *A caller that went away* leaves a load that lands without him, at any later
//!   time or never: `abandoned`. Such a load began after its leader's call.
//! - *A fetch that was served a stale value* leaves a refresh that lands without
//!   it, at any later time or never: `refreshed`. It was claimed while the fetch was
//!   under way, and lands only where something is stale: whatever else may have come
//!   was a write, or a load that was the key's flight in its place.
//! - *A flight that an expire supersedes* delivers, too, and its callers come just
//!   before the expire. What is stale afterwards is what they brought, if it had
//!   landed by then, or what lies beneath it: `otherwise`.
//! - *A bounded cache forgets* at any time, or refuses to store. Forgetting as
//!   late as possible, right before a call that needs the key empty, explains
//!   whatever forgetting earlier does; so it is no step of its own.
//! - *A queued flight*, whose load hasn't begun, is answered by an insert: its
//!   callers return with the inserted value. For a fetch that is a hit. A refresh
//!   must have been called before the insert returned: a flight claimed later
//!   wasn't there to be answered. Other writes leave a queued flight in place.
//! - *A fetch fails* only with a flight, and it joined or led that because it found
//!   nothing. A key that held a usable value all the while makes no fetch fail;
//!   a refresh may fail at any time.
//! - *A refresh joins* a flight under way only. If anybody had returned with the
//!   value before the refresh was called, that flight was over: the refresh must
//!   bring another load.
//!
//! # What a broken cache may do, and still pass
//!
//! - A load that began while a write was under way counts as begun after it: the
//!   stamps can't tell. Long writes hide bugs, short ones don't.
//! - A value that was wrongly stored shows only if somebody looks before the next
//!   write. Histories need looks after writes.
//! - A load too many whose result nobody sees is counted (`unasked_load`), but not
//!   where loads fail, nor beyond the number of callers that went away.
//! - With forgetting, an empty key is always excused: lost values and needless
//!   second loads show only without it. Values from before a write show either way.
//! - Two refreshes for one stale value, if only one of them is ever seen: each
//!   fetch that was served it may have left one. A cache that never refreshes.
//!
//! Not in the model: time that passes (values become stale by an expire alone),
//! absence as a loader's answer, and conditional writes. Histories must do without
//! them.

use std::collections::HashSet;
use std::fmt;

use super::Options;
use super::history::{Call, History, Load, Op, Reply, Stamp, Value};

/// One key, between two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    held: Held,
    /// The loads that have been introduced, by index: each at most once.
    used: u64,
    /// The latest `called` of the writes so far. A load must have begun after
    /// it to be introduced.
    last_write: Stamp,
}

/// What the key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Held {
    Nothing,
    Inserted(Value),
    Loaded {
        value: Value,
        landing: Landing,
        /// The earliest return of a call that saw this value: it had landed,
        /// or had been superseded, by then.
        seen_by: Stamp,
    },
    Stale(Value),
}

/// What became of the flight that brought the held value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Landing {
    /// Somebody found the value in the cache.
    Stored,
    /// Only those who waited for the flight have the value. If the next write
    /// superseded it, what the cache really holds is this.
    Unproven { beneath: Beneath },
}

/// What a superseded flight leaves as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Beneath {
    Nothing,
    Fresh(Value),
    Stale(Value),
}

impl Held {
    /// The value, unless it is stale.
    fn fresh(self) -> Option<Value> {
        match self {
            Self::Nothing | Self::Stale(_) => None,
            Self::Inserted(value) | Self::Loaded { value, .. } => Some(value),
        }
    }

    fn beneath(self) -> Beneath {
        match self {
            Self::Nothing => Beneath::Nothing,
            Self::Inserted(value) | Self::Loaded { value, .. } => Beneath::Fresh(value),
            Self::Stale(value) => Beneath::Stale(value),
        }
    }
}

impl Beneath {
    fn fresh(self) -> Option<Value> {
        match self {
            Self::Nothing | Self::Stale(_) => None,
            Self::Fresh(value) => Some(value),
        }
    }

    /// What is left of it when it has been expired.
    fn expired(self) -> Held {
        match self {
            Self::Nothing => Held::Nothing,
            Self::Fresh(value) | Self::Stale(value) => Held::Stale(value),
        }
    }
}

impl State {
    /// Nothing held, nothing loaded, nothing written.
    pub(crate) fn new() -> Self {
        Self { held: Held::Nothing, used: 0, last_write: 0 }
    }

    fn written(self, called: Stamp, held: Held) -> Self {
        Self { held, last_write: self.last_write.max(called), ..self }
    }

    /// A caller that returned at `end` got the held value, and perhaps got it
    /// from the flight.
    fn delivered(self, end: Stamp) -> Self {
        match self.held {
            Held::Nothing | Held::Inserted(_) | Held::Stale(_) => self,
            Held::Loaded { value, landing, seen_by } => Self { held: Held::Loaded { value, landing, seen_by: seen_by.min(end) }, ..self },
        }
    }

    /// A caller that returned at `end` found the held value in the cache.
    fn found(self, end: Stamp) -> Self {
        match self.held {
            Held::Nothing | Held::Inserted(_) | Held::Stale(_) => self,
            Held::Loaded { value, seen_by, .. } => {
                Self { held: Held::Loaded { value, landing: Landing::Stored, seen_by: seen_by.min(end) }, ..self }
            }
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.held {
            Held::Nothing => write!(f, "nothing held"),
            Held::Inserted(value) | Held::Loaded { value, .. } => write!(f, "{value} held"),
            Held::Stale(value) => write!(f, "{value} held, which is stale"),
        }
    }
}

/// The rules, for one history.
pub(crate) struct Spec<'a> {
    options: Options,
    loads: &'a [Load],
    /// The loads that a remove took out, or that were seen stale, by index.
    uncovered: Vec<usize>,
    /// Each insert's value and the end of its interval.
    inserts: Vec<(Value, Stamp)>,
    /// Each fetch that was served a stale value: that, and its interval.
    served_stale: Vec<(Value, Stamp, Stamp)>,
}

impl<'a> Spec<'a> {
    pub(crate) fn new(history: &'a History, options: Options) -> Self {
        let stale = |call: &&Call| call.op == Op::Remove || matches!(call.returned, Some((_, Reply::Stale(_))));
        let uncovered: HashSet<Value> = history.calls.iter().filter(stale).filter_map(Call::saw).collect();
        let inserts = history.calls.iter().filter_map(|call| match call.op {
            Op::Insert(value) => Some((value, call.end())),
            _ => None,
        });
        let served_stale = history.calls.iter().filter(|call| call.was_served_stale());
        Self {
            options,
            loads: &history.loads,
            uncovered: (0..history.loads.len()).filter(|&index| uncovered.contains(&history.loads[index].value)).collect(),
            inserts: inserts.collect(),
            served_stale: served_stale.filter_map(|call| Some((call.saw()?, call.called, call.end()))).collect(),
        }
    }

    /// The state after a call that returned, if `reply` is right in `state`.
    pub(crate) fn after(&self, state: State, call: &Call, (end, reply): (Stamp, Reply)) -> Option<State> {
        match call.op {
            Op::Insert(value) => Some(state.written(call.called, Held::Inserted(value))),
            Op::Invalidate => Some(state.written(call.called, Held::Nothing)),
            Op::Remove => self.after_remove(state, call, reply),
            Op::Get => match reply {
                Reply::Value(None) => self.without_fresh(state),
                Reply::Value(held) => (state.held.fresh() == held).then(|| state.found(end)),
                _ => None,
            },
            Op::FetchStale => match reply {
                Reply::Value(None) => self.without_value(state),
                Reply::Value(held) => (state.held.fresh() == held).then(|| state.found(end)),
                Reply::Stale(value) => (state.held == Held::Stale(value)).then_some(state),
                _ => None,
            },
            Op::Contains => match reply {
                Reply::Present(false) => self.without_fresh(state),
                Reply::Present(true) => state.held.fresh().map(|_| state.found(end)),
                _ => None,
            },
            Op::Expire => self.after_expire(state, call.called, Some(reply)),
            Op::Fetch => match reply {
                Reply::Loaded(value) => self.after_lookup(state, self.without_value(state), value, end),
                Reply::Stale(value) => (state.held == Held::Stale(value)).then_some(state),
                Reply::Failed if self.options.loads_may_fail => self.without_value(state),
                _ => None,
            },
            Op::Entry => match reply {
                Reply::Loaded(value) => self.after_lookup(state, self.without_fresh(state), value, end),
                Reply::Failed if self.options.loads_may_fail => self.without_fresh(state),
                _ => None,
            },
            Op::Refresh => match reply {
                Reply::Loaded(value) => self.after_refresh(state, call, value, end),
                Reply::Failed => self.options.loads_may_fail.then_some(state),
                _ => None,
            },
        }
    }

    /// The state after a write that never returned. Looks have no effect, and
    /// what a load leaves behind is `abandoned`.
    pub(crate) fn after_open(&self, state: State, call: &Call) -> Option<State> {
        match call.op {
            Op::Insert(value) => Some(state.written(call.called, Held::Inserted(value))),
            Op::Invalidate | Op::Remove => Some(state.written(call.called, Held::Nothing)),
            Op::Expire => self.after_expire(state, call.called, None),
            Op::Get | Op::Contains | Op::Fetch | Op::Refresh | Op::Entry | Op::FetchStale => None,
        }
    }

    /// The other state that an expire may lead to, if it superseded the flight that
    /// brought what is held here: that was never in the cache.
    pub(crate) fn otherwise(&self, state: State, call: &Call) -> Option<State> {
        let Held::Loaded { landing: Landing::Unproven { beneath }, seen_by, .. } = state.held else { return None };
        let fits = match call.returned {
            None => true,
            Some((_, Reply::Present(found))) => found == beneath.fresh().is_some(),
            Some(_) => false,
        };
        (call.op == Op::Expire && fits && call.called < seen_by).then(|| state.written(call.called, beneath.expired()))
    }

    /// The state after the load at `index` has landed, if `call` can have led it
    /// and then went away.
    pub(crate) fn abandoned(&self, state: State, call: &Call, index: usize) -> Option<State> {
        let before = match call.op {
            Op::Refresh => state,
            // A fetch that went away may have been served a stale value first, and
            // left the refresh of that.
            Op::Fetch | Op::Entry => self.without_fresh(state)?,
            _ => return None,
        };
        let led = self.begin(index) > call.called;
        led.then(|| self.introduce(before, index, Landing::Stored, Stamp::MAX)).flatten()
    }

    /// The state after the load at `index` has landed as the refresh that a fetch
    /// has left behind which was served what is stale.
    pub(crate) fn refreshed(&self, state: State, index: usize) -> Option<State> {
        let Load { value, begin } = self.loads[index];
        let asked = |&&(served, called, end): &&(Value, Stamp, Stamp)| {
            // It claimed the flight after the last write, though it may have been served
            // before that. A flight that waits for its turn outlives a write.
            served != value && called < begin && (end > state.last_write || self.options.queued_flights)
        };
        let due = matches!(state.held, Held::Stale(_)) && self.served_stale.iter().any(|call| asked(&call));
        due.then(|| self.introduce(state, index, Landing::Stored, Stamp::MAX)).flatten()
    }

    /// The loads, by index, that may have landed right before a call that
    /// returned, without their callers, and made its answer right. A landing that
    /// nobody sees before the next change explains nothing, and one that is
    /// seen may as well come right before that.
    pub(crate) fn lands_for(&self, call: &Call) -> Vec<usize> {
        match call.op {
            Op::Insert(_) | Op::Invalidate => Vec::new(),
            Op::Get | Op::Remove | Op::Fetch | Op::Entry | Op::FetchStale => {
                let seen = call.saw().and_then(|value| self.index(value));
                seen.into_iter().collect()
            }
            Op::Contains | Op::Expire => (0..self.loads.len()).collect(),
            // Seen by a remove, or after an expire, that finds it beneath the refresh it
            // superseded.
            Op::Refresh => self.uncovered.clone(),
        }
    }

    fn after_remove(&self, state: State, call: &Call, reply: Reply) -> Option<State> {
        let Reply::Value(removed) = reply else {
            return None;
        };
        let held = state.held.fresh() == removed;
        let forgotten = self.options.may_forget && removed.is_none();
        let superseded = match state.held {
            Held::Nothing | Held::Inserted(_) | Held::Stale(_) => false,
            Held::Loaded { landing: Landing::Stored, .. } => false,
            Held::Loaded { landing: Landing::Unproven { beneath }, seen_by, .. } => beneath.fresh() == removed && call.called < seen_by,
        };
        (held || forgotten || superseded).then(|| state.written(call.called, Held::Nothing))
    }

    fn after_expire(&self, state: State, called: Stamp, reply: Option<Reply>) -> Option<State> {
        let fresh = state.held.fresh().is_some();
        match reply {
            Some(Reply::Present(found)) if found == fresh => {}
            Some(Reply::Present(false)) if self.options.may_forget => return Some(state.written(called, Held::Nothing)),
            Some(_) => return None,
            None => {}
        }
        Some(state.written(called, state.held.beneath().expired()))
    }

    /// A hit, or a load introduced where there is nothing for the caller, which
    /// `missing` is the state of.
    fn after_lookup(&self, state: State, missing: Option<State>, value: Value, end: Stamp) -> Option<State> {
        if state.held.fresh() == Some(value) {
            return Some(state.delivered(end));
        }
        let missing = missing?;
        let landing = Landing::Unproven { beneath: missing.held.beneath() };
        self.introduce(missing, self.index(value)?, landing, end)
    }

    fn after_refresh(&self, state: State, call: &Call, value: Value, end: Stamp) -> Option<State> {
        match state.held {
            Held::Loaded { value: held, seen_by, .. } if held == value => (call.called < seen_by).then(|| state.delivered(end)),
            Held::Inserted(held) if held == value => self.answers(value, call).then_some(state),
            Held::Nothing | Held::Inserted(_) | Held::Loaded { .. } | Held::Stale(_) => {
                let landing = Landing::Unproven { beneath: state.held.beneath() };
                self.introduce(state, self.index(value)?, landing, end)
            }
        }
    }

    /// Whether the insert of `value` may have answered a queued flight that `call` waited for.
    fn answers(&self, value: Value, call: &Call) -> bool {
        let overtook = |&(inserted, end): &(Value, Stamp)| inserted == value && call.called < end;
        self.options.queued_flights && self.inserts.iter().any(overtook)
    }

    /// The state without a value, if the key may be without one.
    fn without_value(&self, state: State) -> Option<State> {
        let empty = state.held == Held::Nothing || self.options.may_forget;
        empty.then_some(State { held: Held::Nothing, ..state })
    }

    /// The state without a value that isn't stale, if the key may be without one.
    fn without_fresh(&self, state: State) -> Option<State> {
        match state.held {
            Held::Stale(_) => Some(state),
            Held::Nothing | Held::Inserted(_) | Held::Loaded { .. } => self.without_value(state),
        }
    }

    fn introduce(&self, state: State, index: usize, landing: Landing, seen_by: Stamp) -> Option<State> {
        let Load { value, begin } = self.loads[index];
        let bit = 1 << index;
        let usable = state.used & bit == 0 && begin > state.last_write;
        let held = Held::Loaded { value, landing, seen_by };
        usable.then_some(State { held, used: state.used | bit, ..state })
    }

    /// When the load at `index` began.
    pub(crate) fn begin(&self, index: usize) -> Stamp {
        self.loads[index].begin
    }

    fn index(&self, value: Value) -> Option<usize> {
        self.loads.iter().position(|load| load.value == value)
    }
}

/// A load that no caller can have led: each load has one leader, who called
/// before it began and who, if he waited and got a value, got this one.
pub(crate) fn unasked_load(history: &History, options: Options) -> Option<Value> {
    // A load that failed may have been recorded, and the leader of a load that
    // was superseded and failed leads again: then the count proves nothing.
    if options.loads_may_fail {
        return None;
    }
    let leads = || history.calls.iter().filter(|call| call.may_lead());
    let answered: HashSet<Value> = leads().filter(|call| !call.was_served_stale()).filter_map(Call::saw).collect();
    let mut unheard: Vec<&Load> = history.loads.iter().filter(|load| !answered.contains(&load.value)).collect();
    unheard.sort_by_key(|load| load.begin);
    let without_load = |call: &&Call| call.returned.is_none() || call.was_served_stale();
    let open: Vec<Stamp> = leads().filter(without_load).map(|call| call.called).collect();
    let asked = |load: &Load| open.iter().filter(|called| **called < load.begin).count();
    let beyond = unheard.iter().enumerate().find(|(earlier, load)| asked(load) <= *earlier);
    beyond.map(|(_, load)| load.value)
}
