//! Histories written by hand, call by call.

use std::ops::RangeInclusive;

use crate::oracle::history::{Call, History, Load, Op, Reply, Stamp, Value};
use crate::oracle::violation::Violation;
use crate::oracle::{Options, check};

/// Three threads.
pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const C: usize = 2;

/// A cache with room for everything and loads that all succeed.
pub(crate) const STRICT: Options = Options { may_forget: false, loads_may_fail: false, queued_flights: false };
/// A cache that evicts.
pub(crate) const FORGETFUL: Options = Options { may_forget: true, ..STRICT };
/// A cache whose loads may fail.
pub(crate) const FAILING: Options = Options { loads_may_fail: true, ..STRICT };
/// A cache that may hold back loads.
pub(crate) const QUEUEING: Options = Options { queued_flights: true, ..STRICT };

/// A call and its answer.
type Deed = (Op, Reply);

pub(crate) fn insert(value: Value) -> Deed {
    (Op::Insert(value), Reply::Done)
}
pub(crate) const INVALIDATE: Deed = (Op::Invalidate, Reply::Done);
pub(crate) fn remove(value: Value) -> Deed {
    (Op::Remove, Reply::Value(Some(value)))
}
pub(crate) const REMOVE_NONE: Deed = (Op::Remove, Reply::Value(None));
pub(crate) fn get(value: Value) -> Deed {
    (Op::Get, Reply::Value(Some(value)))
}
pub(crate) const GET_NONE: Deed = (Op::Get, Reply::Value(None));
pub(crate) fn contains(present: bool) -> Deed {
    (Op::Contains, Reply::Present(present))
}
pub(crate) fn fetch(value: Value) -> Deed {
    (Op::Fetch, Reply::Loaded(value))
}
pub(crate) const FETCH_FAILS: Deed = (Op::Fetch, Reply::Failed);
pub(crate) fn fetch_gets_stale(value: Value) -> Deed {
    (Op::Fetch, Reply::Stale(value))
}
pub(crate) fn sees_stale(value: Value) -> Deed {
    (Op::FetchStale, Reply::Stale(value))
}
pub(crate) fn entry(value: Value) -> Deed {
    (Op::Entry, Reply::Loaded(value))
}
pub(crate) fn expire(found: bool) -> Deed {
    (Op::Expire, Reply::Present(found))
}
pub(crate) fn refresh(value: Value) -> Deed {
    (Op::Refresh, Reply::Loaded(value))
}
pub(crate) const REFRESH_FAILS: Deed = (Op::Refresh, Reply::Failed);

pub(crate) fn if_absent(new: Value, kept_out_by: Option<Value>) -> Deed {
    (Op::InsertIfAbsent(new), Reply::Value(kept_out_by))
}
pub(crate) fn replace(new: Value, old: Option<Value>) -> Deed {
    (Op::Replace(new), Reply::Value(old))
}
pub(crate) fn upsert(new: Value, old: Option<Value>) -> Deed {
    (Op::Upsert(new), Reply::Value(old))
}
pub(crate) fn swap(expected: Value, new: Value, done: bool) -> Deed {
    (Op::Swap { expected, new }, Reply::Present(done))
}
pub(crate) fn take(value: Value, done: bool) -> Deed {
    (Op::Take(value), Reply::Present(done))
}
pub(crate) fn change(new: Value, old: Option<Value>) -> Deed {
    (Op::TryCompute(new), Reply::Value(old))
}
pub(crate) fn change_is_busy(new: Value) -> Deed {
    (Op::TryCompute(new), Reply::Busy)
}
pub(crate) const OVERTAKE: Deed = (Op::Overtake, Reply::Done);
pub(crate) fn glimpse(value: Option<Value>) -> Deed {
    (Op::Glimpse, Reply::Value(value))
}
pub(crate) fn doom(value: Value, done: bool) -> Deed {
    (Op::Doom(value), Reply::Present(done))
}
pub(crate) fn doom_untold(value: Value) -> Deed {
    (Op::Doom(value), Reply::Done)
}
pub(crate) const INVALIDATE_TAG: Deed = (Op::InvalidateTag, Reply::Done);
pub(crate) const EXPIRE_TAG: Deed = (Op::ExpireTag, Reply::Done);

/// A history in the making.
#[derive(Default)]
pub(crate) struct Script(History);

impl Script {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A call with the stamps of its call and return.
    pub(crate) fn call(self, thread: usize, during: RangeInclusive<Stamp>, deed: Deed) -> Self {
        let (op, reply) = deed;
        let returned = Some((*during.end(), reply));
        self.push(thread, *during.start(), (op, returned))
    }

    /// A call that never returned.
    pub(crate) fn open(self, thread: usize, called: Stamp, op: Op) -> Self {
        self.push(thread, called, (op, None))
    }

    /// A load of `value` that begins at `begin`.
    pub(crate) fn load(mut self, begin: Stamp, value: Value) -> Self {
        self.0.loads.push(Load { value, begin });
        self
    }

    /// Holds that a correct cache can have made this history.
    #[track_caller]
    pub(crate) fn passes(self, options: Options) {
        if let Err(violation) = check(&self.0, options) {
            panic!("rejected a good history: {violation}");
        }
    }

    /// Holds that no correct cache can have made this history.
    #[track_caller]
    pub(crate) fn fails(self, options: Options) -> Violation {
        let verdict = check(&self.0, options);
        verdict.expect_err("accepted a bad history")
    }

    /// A call whose interval may be nonsense.
    pub(crate) fn push(mut self, thread: usize, called: Stamp, (op, returned): (Op, Option<(Stamp, Reply)>)) -> Self {
        self.0.calls.push(Call { thread, op, called, returned });
        self
    }
}
