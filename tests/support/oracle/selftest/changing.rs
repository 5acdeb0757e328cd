//! The part of the stepped cache that changes what is held in dependence on it, and strikes.

use super::{At, Bug, Cache, Thread};
use crate::oracle::history::{Op, Reply, Value};

impl Cache {
    /// Any call, most likely one that depends on what is held. `seen` is what the thread saw last.
    pub(super) fn choose_change(&mut self, seen: Option<Value>) -> Op {
        let new = self.recorder.fresh();
        match (self.dice.below(26), seen) {
            (0 | 1, _) => Op::InsertIfAbsent(new),
            (2 | 3, _) => Op::Replace(new),
            (4, _) => Op::Upsert(new),
            (5 | 6, _) => Op::TryCompute(new),
            (7 | 8, _) => Op::Overtake,
            (9 | 10, _) => Op::InvalidateTag,
            (11, _) => Op::ExpireTag,
            (12..=14, Some(expected)) => Op::Swap { expected, new },
            (15 | 16, Some(expected)) => Op::Take(expected),
            _ => self.choose(),
        }
    }

    pub(super) fn change(&mut self, op: Op) -> At {
        let shown = self.shown();
        match op {
            Op::InsertIfAbsent(_) if self.has(Bug::LooksFirst) => At::Writing(op, shown),
            Op::InsertIfAbsent(new) => {
                match shown {
                    Some(_) => self.is_unmet(),
                    None => self.write(new, false),
                }
                At::Answered(Reply::Value(shown))
            }
            Op::Swap { expected, .. } | Op::Take(expected) if shown != Some(expected) => {
                if matches!(op, Op::Take(_)) && self.has(Bug::TakesAny) {
                    self.held = None;
                }
                self.is_unmet();
                At::Answered(Reply::Present(false))
            }
            Op::Swap { .. } if self.has(Bug::ComparesFirst) => At::Writing(op, shown),
            Op::Swap { new, .. } => {
                self.exchange(new);
                At::Answered(Reply::Present(true))
            }
            Op::Take(_) => {
                self.held = None;
                self.supersede_unless(Bug::ConditionKeepsFlight);
                At::Answered(Reply::Present(true))
            }
            Op::Replace(_) | Op::Upsert(_) => At::Writing(op, shown),
            Op::TryCompute(new) => match shown {
                None => At::Answered(Reply::Value(None)),
                // Somebody has it in hand.
                Some(_) if self.dice.once_in(4) => At::Answered(Reply::Busy),
                Some(old) => {
                    self.held = Some(new);
                    self.supersede_unless(Bug::ChangeKeepsFlight);
                    At::Restoring(old, new)
                }
            },
            Op::InvalidateTag | Op::ExpireTag => {
                self.strikes += 1;
                if self.tagged && !self.has(Bug::StrikeSparesHeld) {
                    match op {
                        Op::InvalidateTag => self.held = None,
                        _ => self.stale = true,
                    }
                }
                At::Answered(Reply::Done)
            }
            _ => unreachable!("the other calls are made elsewhere"),
        }
    }

    /// The second step of a write whose first has seen what is held.
    pub(super) fn write_over(&mut self, op: Op, seen: Option<Value>) -> At {
        let shown = self.shown();
        match (op, seen) {
            (Op::Swap { new, .. }, _) => {
                self.exchange(new);
                At::Answered(Reply::Present(true))
            }
            (Op::InsertIfAbsent(_), Some(_)) => At::Answered(Reply::Value(seen)),
            (Op::InsertIfAbsent(new), None) => {
                self.write(new, false);
                At::Answered(Reply::Value(None))
            }
            (Op::Replace(new), None) => {
                if self.has(Bug::ReplacesNothing) {
                    self.write(new, false);
                }
                At::Answered(Reply::Value(None))
            }
            _ if shown != seen && !self.has(Bug::LosesUpdates) => At::Writing(op, shown),
            (Op::Replace(new) | Op::Upsert(new), Some(_)) => {
                self.exchange(new);
                At::Answered(Reply::Value(seen))
            }
            (Op::Upsert(new), None) => {
                self.write(new, false);
                At::Answered(Reply::Value(None))
            }
            _ => unreachable!("only these take two steps"),
        }
    }

    /// The second write of a change in place.
    pub(super) fn restore(&mut self, old: Value, new: Value) -> At {
        if self.shown() == Some(new) && !self.has(Bug::ChangeKeepsFlight) {
            self.write(new, self.tagged);
        }
        At::Answered(Reply::Value(Some(old)))
    }

    /// The beginning of a removal by a predicate.
    pub(super) fn overtake(&mut self, thread: &mut Thread) -> At {
        self.supersede_unless(Bug::OvertakesNothing);
        At::Asking(thread.log.call(self.clock.tick(), Op::Glimpse))
    }

    pub(super) fn ask(&mut self, thread: &mut Thread, glimpse: crate::oracle::recorder::Ticket) -> At {
        let overtake = thread.ticket.take().expect("it was taken at the call");
        thread.log.ret(overtake, self.clock.tick(), Reply::Done);
        thread.log.ret(glimpse, self.clock.tick(), Reply::Value(self.held));
        let Some(value) = self.held else { return At::Idle };
        thread.ticket = Some(thread.log.call(self.clock.tick(), Op::Doom(value)));
        At::Dooming(value)
    }

    pub(super) fn doom(&mut self, value: Value) -> At {
        let is_held = self.held == Some(value);
        if is_held || self.has(Bug::DoomsAny) {
            self.held = None;
            self.supersede();
        }
        // Half of the callers don't ask how many went.
        At::Answered(if self.dice.once_in(2) { Reply::Present(is_held) } else { Reply::Done })
    }

    /// A write did nothing.
    fn is_unmet(&mut self) {
        if self.has(Bug::UnmetSupersedes) {
            self.supersede();
        }
    }

    /// A value takes the place of the one that is held.
    fn exchange(&mut self, new: Value) {
        self.write(new, self.tagged && !self.has(Bug::TagIsLost));
    }

    fn write(&mut self, value: Value, tagged: bool) {
        (self.held, self.stale, self.tagged) = (Some(value), false, tagged);
        match self.queued() {
            Some(flight) => self.answer(flight, value),
            None => self.supersede_unless(Bug::ConditionKeepsFlight),
        }
    }
}
