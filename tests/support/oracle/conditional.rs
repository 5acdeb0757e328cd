//! The rules for writes that depend on what is held, and for what is changed where it lies.

use super::history::{Call, Op, Reply, Stamp, Value};
use super::spec::Spec;
use super::state::{Beneath, Held, Item, Landing, State};

impl Spec<'_> {
    /// The state after a conditional write that returned, if `reply` is right in `state`.
    pub(super) fn after_condition(&self, state: State, call: &Call, (end, reply): (Stamp, Reply)) -> Option<State> {
        match (call.op, reply) {
            (Op::InsertIfAbsent(new) | Op::Upsert(new), Reply::Value(None)) => {
                self.finds(state, call, None)?;
                Some(state.written(call.called, Held::Inserted(Item { value: new, tagged: false })))
            }
            // It changed nothing, and so was a look.
            (Op::InsertIfAbsent(_), Reply::Value(Some(_))) | (Op::Replace(_) | Op::TryCompute(_), Reply::Value(None)) => {
                self.after_look(state, reply, end)
            }
            (Op::TryCompute(_), Reply::Busy) => state.held.fresh().map(|_| state.found(end)),
            (Op::Replace(new) | Op::Upsert(new) | Op::TryCompute(new), Reply::Value(Some(old))) => self.exchanged(state, call, old, new),
            (Op::Swap { expected, new }, Reply::Present(true)) => self.exchanged(state, call, expected, new),
            (Op::Take(expected), Reply::Present(true)) => {
                self.finds(state, call, Some(expected))?;
                Some(state.written(call.called, Held::Nothing))
            }
            (Op::Swap { expected, .. } | Op::Take(expected), Reply::Present(false)) => self.without(state, expected, end),
            _ => None,
        }
    }

    /// The state after a conditional write that never returned, if it had an effect.
    pub(super) fn after_open_condition(&self, state: State, call: &Call) -> Option<State> {
        let reply = match call.op {
            Op::InsertIfAbsent(_) => Reply::Value(None),
            Op::Swap { .. } | Op::Take(_) => Reply::Present(true),
            _ => Reply::Value(state.held.fresh()),
        };
        self.after_condition(state, call, (Stamp::MAX, reply)).filter(|after| *after != state)
    }

    /// The state after `new` took the place of `old`, which it has its tag of.
    fn exchanged(&self, state: State, call: &Call, old: Value, new: Value) -> Option<State> {
        let Item { tagged, .. } = self.finds(state, call, Some(old))??;
        Some(state.written(call.called, Held::Inserted(Item { value: new, tagged })))
    }

    /// What a write finds that isn't stale, if it may be the `wanted` value, or nothing where
    /// that is wanted.
    fn finds(&self, state: State, call: &Call, wanted: Option<Value>) -> Option<Option<Item>> {
        let is_wanted = |found: &Option<Item>| found.map(|item| item.value) == wanted;
        let held = Some(state.held.fresh_item()).filter(is_wanted);
        let forgotten = (self.options.may_forget && wanted.is_none()).then_some(None);
        let superseded = || state.superseded(call.called).map(Beneath::fresh).filter(is_wanted);
        // It may have evicted that very value to make room for its own. Nothing has come since.
        let makes_room = call.makes_room() && !matches!(call.op, Op::TryCompute(_));
        let left = || self.left(state, call.called).filter(|_| makes_room).map(Some).filter(is_wanted);
        held.or(forgotten).or_else(superseded).or_else(left)
    }

    /// What was forgotten last, and not before a call made at `called`.
    fn left(&self, state: State, called: Stamp) -> Option<Item> {
        let left = |item, seen_by| (called < seen_by).then_some(item);
        match (state.held, state.superseded(called)) {
            (Held::Left { item, seen_by }, _) | (_, Some(Beneath::Left { item, seen_by })) => left(item, seen_by),
            _ => None,
        }
    }

    /// The state in which `expected` isn't held, if that may be so. Somebody who returned at
    /// `end` has found out.
    fn without(&self, state: State, expected: Value, end: Stamp) -> Option<State> {
        if state.held.fresh() == Some(expected) {
            return self.without_value(state, end);
        }
        let lay_beneath = match state.held {
            Held::Loaded { landing: Landing::Unproven { beneath }, .. } => beneath.fresh().is_some_and(|item| item.value == expected),
            _ => false,
        };
        // What lay over it has landed then.
        Some(if lay_beneath && !self.options.may_forget { state.found(end) } else { state })
    }

    /// The state after the second write of a change in place, which made `new` at first and
    /// now stores it over itself: a flight that was claimed in between is superseded, and
    /// if that made room by evicting the value, it is back. All calls that come before this
    /// one were made before `latest`.
    pub(crate) fn renewed(&self, state: State, new: Value, latest: Stamp) -> Option<State> {
        let beneath = match state.superseded(latest) {
            None => state.held.beneath(),
            Some(beneath) => beneath,
        };
        let item = match beneath {
            Beneath::Left { item, .. } | Beneath::Fresh(item) => item,
            Beneath::Nothing | Beneath::Struck(_) | Beneath::Stale(_) => return None,
        };
        let held = Held::Inserted(item);
        (item.value == new && state.held != held).then_some(State { held, ..state })
    }
}
