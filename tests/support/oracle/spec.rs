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
//! A conditional write is a write if it says so, and may then have found only what it asks
//! for; else it is a look, and supersedes nothing (`conditional`). A strike of the tag is a
//! write to what carries the tag, and to those flights that bring what carries it
//! (`sweeping`). Even values carry it, as loads and inserts bring them; one that takes the
//! place of another has what that had.
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
//! - *A flight that brings what was struck* delivers to those who came before the strike, who
//!   come just before it, and isn't stored. Those who came later look again, so that more
//!   loads may run than there are callers who lead: with strikes they aren't counted.
//! - *A removal by a predicate* takes several critical sections: it overtakes the flights,
//!   glimpses what is held, asks, and removes what it was told to. Each is recorded as
//!   a call of its own, whose intervals are told apart by when the predicate is asked.
//! - *A change in place* takes two: the change, and a second write of the same value with its new
//!   weight. That supersedes what was claimed in between, and so is a step of its own, if
//!   anything needs it: `renewed`.
//! - *A bounded cache forgets* at any time, or refuses to store. Forgetting as
//!   late as possible, right before a call that needs the key empty, explains
//!   whatever forgetting earlier does; so it is no step of its own.
//! - *A bounded cache makes room* for a value by evicting the very one that it takes the place of,
//!   and lets others in meanwhile. So a conditional write may find what was `Left`: what was
//!   forgotten since it was called, with nothing come since.
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
//! - A change in place that is busy though nobody has the value in hand.
//!
//! Not in the model: time that passes (values become stale by an expire alone), and
//! absence as a loader's answer. Histories must do without them.

use std::collections::HashSet;

use super::Options;
use super::history::{Call, History, Load, Op, Reply, Stamp, Value, carries_tag};
use super::state::{Held, Item, Landing, State};

/// The rules, for one history.
pub(crate) struct Spec<'a> {
    pub(super) options: Options,
    loads: &'a [Load],
    /// The loads that a remove took out, or that were seen stale, by index.
    uncovered: Vec<usize>,
    /// Each insert's value and the end of its interval.
    inserts: Vec<(Value, Stamp)>,
    /// Each fetch that was served a stale value: that, and its interval.
    served_stale: Vec<(Value, Stamp, Stamp)>,
    /// Whether a write may find what was forgotten: it has made room for itself.
    pub(super) keeps_left: bool,
    /// What changes in place have made.
    pub(super) changed: Vec<Value>,
}

impl<'a> Spec<'a> {
    pub(crate) fn new(history: &'a History, options: Options) -> Self {
        let finds_beneath = |call: &&Call| {
            let takes = call.op == Op::Remove || call.brings().is_some() || matches!(call.op, Op::Take(_) | Op::Doom(_));
            takes || matches!(call.returned, Some((_, Reply::Stale(_))))
        };
        let uncovered: HashSet<Value> = history.calls.iter().filter(finds_beneath).filter_map(Call::saw).collect();
        // After one of these anybody may see what lies beneath.
        let bares = |call: &Call| call.op != Op::Refresh && call.op != Op::Expire && call.divides();
        let bares_all = history.calls.iter().any(|call| bares(call) || matches!(call.op, Op::TryCompute(_)));
        let is_uncovered = |&index: &usize| bares_all || uncovered.contains(&history.loads[index].value);
        let inserts = history.calls.iter().filter_map(|call| Some((call.brings()?, call.end())));
        let served_stale = history.calls.iter().filter(|call| call.was_served_stale());
        Self {
            options,
            loads: &history.loads,
            uncovered: (0..history.loads.len()).filter(is_uncovered).collect(),
            inserts: inserts.collect(),
            served_stale: served_stale.filter_map(|call| Some((call.saw()?, call.called, call.end()))).collect(),
            changed: history.calls.iter().filter(|call| matches!(call.op, Op::TryCompute(_))).filter_map(Call::brings).collect(),
            keeps_left: options.may_forget && history.calls.iter().any(|call| call.makes_room()),
        }
    }

    /// The state after a call that returned, if `reply` is right in `state`.
    pub(crate) fn after(&self, state: State, call: &Call, (end, reply): (Stamp, Reply)) -> Option<State> {
        match call.op {
            Op::Insert(value) => Some(state.written(call.called, Held::Inserted(born(value)))),
            Op::Invalidate => Some(state.written(call.called, Held::Nothing)),
            Op::Remove => self.after_remove(state, call, reply),
            Op::Get => self.after_look(state, reply, end),
            Op::FetchStale => match reply {
                Reply::Value(None) => self.without_value(state, end),
                Reply::Value(held) => (state.held.fresh() == held).then(|| state.found(end)),
                Reply::Stale(value) => (state.held.stale() == Some(value)).then_some(state),
                _ => None,
            },
            Op::Contains => match reply {
                Reply::Present(false) => self.without_fresh(state, end),
                Reply::Present(true) => state.held.fresh().map(|_| state.found(end)),
                _ => None,
            },
            Op::Expire => self.after_expire(state, call.called, Some(reply)),
            Op::Fetch => match reply {
                Reply::Loaded(value) => self.after_lookup(state, self.without_value(state, end), value, end),
                Reply::Stale(value) => (state.held.stale() == Some(value)).then_some(state),
                Reply::Failed if self.options.loads_may_fail => self.without_value(state, end),
                _ => None,
            },
            Op::Entry => match reply {
                Reply::Loaded(value) => self.after_lookup(state, self.without_fresh(state, end), value, end),
                Reply::Failed if self.options.loads_may_fail => self.without_fresh(state, end),
                _ => None,
            },
            Op::Refresh => match reply {
                Reply::Loaded(value) => self.after_refresh(state, call, value, end),
                Reply::Failed => self.options.loads_may_fail.then_some(state),
                _ => None,
            },
            Op::InsertIfAbsent(_) | Op::Replace(_) | Op::Upsert(_) | Op::Swap { .. } | Op::Take(_) | Op::TryCompute(_) => {
                self.after_condition(state, call, (end, reply))
            }
            Op::Overtake | Op::Glimpse | Op::Doom(_) | Op::InvalidateTag | Op::ExpireTag => self.after_sweep(state, call, (end, reply)),
        }
    }

    /// The state after a look that sees what isn't stale.
    pub(super) fn after_look(&self, state: State, reply: Reply, end: Stamp) -> Option<State> {
        match reply {
            Reply::Value(None) => self.without_fresh(state, end),
            Reply::Value(held) => (state.held.fresh() == held).then(|| state.found(end)),
            _ => None,
        }
    }

    /// The state after a write that never returned. Looks have no effect, and
    /// what a load leaves behind is `abandoned`.
    pub(crate) fn after_open(&self, state: State, call: &Call) -> Option<State> {
        match call.op {
            Op::Insert(value) => Some(state.written(call.called, Held::Inserted(born(value)))),
            Op::Invalidate | Op::Remove => Some(state.written(call.called, Held::Nothing)),
            Op::Expire => self.after_expire(state, call.called, None),
            Op::Get | Op::Contains | Op::Fetch | Op::Refresh | Op::Entry | Op::FetchStale | Op::Glimpse => None,
            Op::InsertIfAbsent(_) | Op::Replace(_) | Op::Upsert(_) | Op::Swap { .. } | Op::Take(_) | Op::TryCompute(_) => {
                self.after_open_condition(state, call)
            }
            Op::Overtake | Op::Doom(_) | Op::InvalidateTag | Op::ExpireTag => self.after_sweep(state, call, (Stamp::MAX, Reply::Done)),
        }
    }

    /// The other state that a call may lead to which leaves what is held, if it superseded
    /// the flight that brought what is held here: that was never in the cache.
    pub(crate) fn otherwise(&self, state: State, call: &Call) -> Option<State> {
        let Some(beneath) = state.superseded(call.called) else { return self.otherwise_doomed(state, call) };
        if call.op != Op::Expire {
            return self.otherwise_swept(state, beneath, call);
        }
        let fits = match call.returned {
            None => true,
            Some((_, Reply::Present(found))) => found == beneath.fresh().is_some(),
            Some(_) => false,
        };
        fits.then(|| state.written(call.called, beneath.expired()))
    }

    /// The state after the load at `index` has landed, if `call` can have led it
    /// and then went away.
    pub(crate) fn abandoned(&self, state: State, call: &Call, index: usize) -> Option<State> {
        let before = match call.op {
            Op::Refresh => state,
            // A fetch that went away may have been served a stale value first, and
            // left the refresh of that.
            Op::Fetch | Op::Entry => self.without_fresh(state, Stamp::MAX)?,
            _ => return None,
        };
        // A refresh that was left behind lands for him, too, if what it was to take the place
        // of has been forgotten.
        let left_behind = |&(served, called, _): &(Value, Stamp, Stamp)| served != self.loads[index].value && called < self.begin(index);
        let joined = || self.options.may_forget && self.served_stale.iter().any(left_behind);
        let led = self.begin(index) > call.called || joined();
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
            Op::Get | Op::Remove | Op::Fetch | Op::Entry | Op::FetchStale | Op::Glimpse => self.landing_seen_by(call),
            Op::InsertIfAbsent(_) | Op::Replace(_) | Op::Upsert(_) => self.landing_seen_by(call),
            Op::TryCompute(_) if call.saw().is_some() => self.landing_seen_by(call),
            Op::Contains | Op::Expire | Op::TryCompute(_) => (0..self.loads.len()).collect(),
            // What it was about is held, or some load has taken its place.
            Op::Swap { .. } | Op::Take(_) | Op::Doom(_) if call.saw().is_some() => self.landing_seen_by(call),
            Op::Swap { .. } | Op::Take(_) | Op::Doom(_) => (0..self.loads.len()).collect(),
            Op::Overtake | Op::InvalidateTag | Op::ExpireTag => (0..self.loads.len()).collect(),
            // Seen by a remove, or after an expire, that finds it beneath the refresh it
            // superseded.
            Op::Refresh => self.uncovered.clone(),
        }
    }

    fn landing_seen_by(&self, call: &Call) -> Vec<usize> {
        call.saw().and_then(|value| self.index(value)).into_iter().collect()
    }

    fn after_remove(&self, state: State, call: &Call, reply: Reply) -> Option<State> {
        let Reply::Value(removed) = reply else {
            return None;
        };
        let held = state.held.fresh() == removed;
        let forgotten = self.options.may_forget && removed.is_none();
        let superseded = state.superseded(call.called).is_some_and(|beneath| beneath.fresh().map(|item| item.value) == removed);
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
            Held::Loaded { item, seen_by, .. } if item.value == value => (call.called < seen_by).then(|| state.delivered(end)),
            Held::Inserted(item) if item.value == value => self.answers(value, call).then_some(state),
            Held::Nothing | Held::Left { .. } | Held::Struck(_) | Held::Inserted(_) | Held::Loaded { .. } | Held::Stale(_) => {
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

    /// The state without a value, if the key may be without one. Somebody who returned at
    /// `end` has found none.
    pub(super) fn without_value(&self, state: State, end: Stamp) -> Option<State> {
        let held = match state.held {
            Held::Left { item, seen_by } => Held::Left { item, seen_by: seen_by.min(end) },
            Held::Nothing => Held::Nothing,
            Held::Struck(item) => Held::Struck(item),
            _ if !self.options.may_forget => return None,
            Held::Inserted(item) | Held::Loaded { item, .. } if self.keeps_left => Held::Left { item, seen_by: end },
            Held::Inserted(_) | Held::Loaded { .. } | Held::Stale(_) => Held::Nothing,
        };
        Some(State { held, ..state })
    }

    /// The state without a value that isn't stale, if the key may be without one.
    pub(super) fn without_fresh(&self, state: State, end: Stamp) -> Option<State> {
        match state.held {
            Held::Stale(_) => Some(state),
            Held::Nothing | Held::Left { .. } | Held::Struck(_) | Held::Inserted(_) | Held::Loaded { .. } => self.without_value(state, end),
        }
    }

    fn introduce(&self, state: State, index: usize, landing: Landing, seen_by: Stamp) -> Option<State> {
        let Load { value, begin } = self.loads[index];
        let (bit, item) = (1 << index, born(value));
        let usable = state.used & bit == 0 && begin > state.last_write && (!item.tagged || begin > state.last_strike);
        let held = Held::Loaded { item, landing, seen_by };
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

/// A value as a load or an insert brings it.
pub(super) fn born(value: Value) -> Item {
    Item { value, tagged: carries_tag(value) }
}

/// A load that no caller can have led: each load has one leader, who called
/// before it began and who, if he waited and got a value, got this one.
pub(crate) fn unasked_load(history: &History, options: Options) -> Option<Value> {
    // A load that failed may have been recorded, and the leader of a load that
    // was superseded and failed leads again: then the count proves nothing.
    // Nor may one whom a strike of the tag has sent back.
    let strikes = |call: &Call| matches!(call.op, Op::InvalidateTag | Op::ExpireTag);
    if options.loads_may_fail || history.calls.iter().any(strikes) {
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
