//! A violation is a history that no correct cache makes, as a table.

use std::fmt;

use super::history::{Call, History, Op, Reply, Stamp, Value};
use super::search::Stuck;

/// Why a history was rejected, with the history. `Debug` prints the same table
/// as `Display`, so that `expect` and a test's `Result` show it too.
pub(crate) struct Violation {
    reason: Reason,
    history: History,
}

/// Why a history was rejected.
pub(crate) enum Reason {
    /// It isn't a history: the recording is wrong, or a value came from nowhere.
    Flawed(String),
    /// A load of this value ran that no caller can have asked for.
    UnaskedLoad(Value),
    /// No order of the calls explains the answers.
    NotLinearizable(Stuck),
}

impl Violation {
    pub(super) fn new(history: &History, reason: Reason) -> Self {
        let history = history.clone();
        Self { reason, history }
    }

    /// What a call is marked with: its place in the longest order that works,
    /// or `!` if it is one of those of which none can come next.
    fn mark(&self, index: usize) -> String {
        let Reason::NotLinearizable(stuck) = &self.reason else {
            return String::new();
        };
        let place = stuck.order.iter().position(|&taken| taken == index);
        match place {
            Some(place) => (place + 1).to_string(),
            None if stuck.next.contains(&index) => "!".to_owned(),
            None => String::new(),
        }
    }

    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Flawed(flaw) => writeln!(f, "not a history: {flaw}"),
            Reason::UnaskedLoad(value) => {
                writeln!(f, "nobody can have asked for the load of {value}")
            }
            Reason::NotLinearizable(stuck) => writeln!(
                f,
                "not linearizable: numbered calls fit in that order, which leaves {}; \
                 then none of those marked ! fits",
                stuck.left,
            ),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        writeln!(f, "order  thread     from       to  what")?;
        let calls = self.history.calls.iter().enumerate().map(|(index, call)| {
            let (mark, thread) = (self.mark(index), call.thread);
            let (from, to) = (call.called, until(call));
            let what = line(call);
            (from, format!("{mark:>5}  {thread:>6} {from:>8} {to:>8}  {what}"))
        });
        let loads = self.history.loads.iter().map(|load| {
            let (from, value) = (load.begin, load.value);
            let blank = "";
            (from, format!("{blank:>5}  {blank:>6} {from:>8} {blank:>8}  load of {value} begins"))
        });
        let mut rows: Vec<(Stamp, String)> = calls.chain(loads).collect();
        rows.sort();
        rows.iter().try_for_each(|(_, row)| writeln!(f, "{row}"))
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn until(call: &Call) -> String {
    let stamp = call.returned.map(|(stamp, _)| stamp.to_string());
    stamp.unwrap_or_else(|| "open".to_owned())
}

fn line(call: &Call) -> String {
    let op = match call.op {
        Op::Insert(value) => format!("insert({value})"),
        Op::Invalidate => "invalidate".to_owned(),
        Op::Remove => "remove".to_owned(),
        Op::Get => "get".to_owned(),
        Op::Contains => "contains".to_owned(),
        Op::Fetch => "fetch".to_owned(),
        Op::Refresh => "refresh".to_owned(),
        Op::Entry => "entry".to_owned(),
        Op::Expire => "expire".to_owned(),
        Op::FetchStale => "fetch_stale".to_owned(),
        Op::InsertIfAbsent(value) => format!("insert_if_absent({value})"),
        Op::Replace(value) => format!("replace({value})"),
        Op::Upsert(value) => format!("upsert({value})"),
        Op::Swap { expected, new } => format!("swap({expected}, {new})"),
        Op::Take(value) => format!("take({value})"),
        Op::TryCompute(value) => format!("try_compute({value})"),
        Op::Overtake => "overtake".to_owned(),
        Op::Glimpse => "glimpse".to_owned(),
        Op::Doom(value) => format!("doom({value})"),
        Op::InvalidateTag => "invalidate_tag".to_owned(),
        Op::ExpireTag => "expire_tag".to_owned(),
    };
    let reply = match call.returned.map(|(_, reply)| reply) {
        None => "no return".to_owned(),
        Some(Reply::Done) => "done".to_owned(),
        Some(Reply::Value(None)) => "none".to_owned(),
        Some(Reply::Value(Some(value)) | Reply::Loaded(value)) => value.to_string(),
        Some(Reply::Stale(value)) => format!("{value}, stale"),
        Some(Reply::Present(present)) => present.to_string(),
        Some(Reply::Busy) => "busy".to_owned(),
        Some(Reply::Failed) => "failed".to_owned(),
    };
    format!("{op:<12} -> {reply}")
}
