//! The rules for what removes values by what they are: predicates and strikes of the tag.

use super::history::{Call, Op, Reply, Stamp};
use super::spec::Spec;
use super::state::{Beneath, Held, Landing, State, Strike};

impl Spec<'_> {
    /// The state after a part of an `invalidate_if`, or a strike, if `reply` is right in `state`.
    pub(super) fn after_sweep(&self, state: State, call: &Call, (end, reply): (Stamp, Reply)) -> Option<State> {
        match (call.op, reply) {
            (Op::Overtake, Reply::Done) => Some(state.written(call.called, landed(state.held))),
            (Op::Glimpse, Reply::Value(None)) => self.without_value(state, end),
            (Op::Glimpse, Reply::Value(seen)) => (state.held.fresh().or(state.held.stale()) == seen).then(|| state.found(end)),
            (Op::Doom(value), Reply::Present(true)) => {
                let lies = |held: Held| held.lying() == Some(value);
                let lies_there = lies(state.held) || state.superseded(call.called).is_some_and(|beneath| lies(beneath.bare()));
                lies_there.then(|| state.written(call.called, Held::Nothing))
            }
            (Op::Doom(value), _) if state.held.fresh().or(state.held.stale()) != Some(value) => Some(state),
            (Op::Doom(_), Reply::Done) => Some(state.written(call.called, Held::Nothing)),
            (Op::Doom(value), _) if self.may_have_moved(value) => Some(state),
            (Op::Doom(_), _) => self.without_value(state, end),
            (op, Reply::Done) => Some(state.struck(call.called, state.held.struck(strike(op)?))),
            _ => None,
        }
    }

    /// Whether a value may have been held all the while, and yet not be the one any more that
    /// was asked of: it has made room for itself, and come back in another place.
    fn may_have_moved(&self, value: u32) -> bool {
        self.keeps_left && self.changed.contains(&value)
    }

    /// The other state that a removal of what was asked of may lead to, if nobody was told of it.
    pub(super) fn otherwise_doomed(&self, state: State, call: &Call) -> Option<State> {
        let Op::Doom(value) = call.op else { return None };
        match state.held {
            _ if told(call) => None,
            Held::Struck(item) if item.value == value => Some(state.written(call.called, Held::Nothing)),
            held => (held.fresh() == Some(value) && self.may_have_moved(value)).then_some(state),
        }
    }

    /// The other state that it may lead to, if it superseded the flight that brought what is
    /// held in `state`: then this lies `beneath`.
    pub(super) fn otherwise_swept(&self, state: State, beneath: Beneath, call: &Call) -> Option<State> {
        match (call.op, state.held) {
            (Op::Overtake, _) => Some(state.written(call.called, beneath.bare())),
            // Where it is known that it went, that is so in any case.
            (Op::Doom(value), _) => {
                let gone = !told(call) && beneath.bare().lying() == Some(value);
                gone.then(|| state.written(call.called, Held::Nothing))
            }
            // Only a flight that brings what carries the tag.
            (op, Held::Loaded { item, .. }) if item.tagged => {
                let strike = strike(op)?;
                Some(state.struck(call.called, beneath.struck(strike)))
            }
            _ => None,
        }
    }
}

/// Whether a caller was told that anything went, or that nothing did.
fn told(call: &Call) -> bool {
    matches!(call.returned, Some((_, Reply::Present(_))))
}

fn strike(op: Op) -> Option<Strike> {
    match op {
        Op::InvalidateTag => Some(Strike::Invalidate),
        Op::ExpireTag => Some(Strike::Expire),
        _ => None,
    }
}

/// What is held, once it is known that its flight has landed.
fn landed(held: Held) -> Held {
    match held {
        Held::Loaded { item, seen_by, .. } => Held::Loaded { item, landing: Landing::Stored, seen_by },
        other => other,
    }
}
