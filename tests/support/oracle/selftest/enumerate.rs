//! The plain twin of the search: it tries every order, and remembers nothing.

use super::dice::Dice;
use crate::oracle::Options;
use crate::oracle::history::{Call, History, Load, Op, Reply, Stamp, Value};
use crate::oracle::spec::Spec;
use crate::oracle::state::State;

const CALLS: usize = 6;
const INSERTED: Value = 100;
const LOADED: [Value; 3] = [200, 201, 202];

/// Whether some order of the calls explains the history.
pub(crate) fn explains(history: &History, options: Options) -> bool {
    let spec = Spec::new(history, options);
    let left: Vec<&Call> = history.calls.iter().collect();
    follows(&spec, &mut Vec::new(), &left, State::new())
}

fn follows<'a>(spec: &Spec<'_>, made: &mut Vec<&'a Call>, left: &[&'a Call], state: State) -> bool {
    if left.iter().all(|call| call.returned.is_none()) {
        return true;
    }
    for load in 0..LOADED.len() {
        let begun = left.iter().all(|call| spec.begin(load) < call.end());
        if spec.refreshed(state, load).is_some_and(|next| begun && follows(spec, made, left, next)) {
            return true;
        }
    }
    // Of a change in place there may be more to come.
    let latest = made.iter().map(|call| call.called).max().unwrap_or(0);
    let in_place = |call: &&&Call| matches!(call.op, Op::TryCompute(_)) && call.writes() && latest < call.end();
    let renewed: Vec<State> = made.iter().filter(in_place).filter_map(|call| spec.renewed(state, call.brings()?, latest)).collect();
    if renewed.into_iter().any(|next| follows(spec, made, left, next)) {
        return true;
    }
    left.iter().enumerate().any(|(at, call)| {
        let mut rest = left.to_vec();
        rest.remove(at);
        after(spec, call, &rest, state).into_iter().any(|next| {
            made.push(*call);
            let found = follows(spec, made, &rest, next);
            made.pop();
            found
        })
    })
}

/// All states that a call may lead to if it comes before the `rest`. A caller
/// that went away may have led any load, which lands after it has begun.
fn after(spec: &Spec<'_>, call: &Call, rest: &[&Call], state: State) -> Vec<State> {
    let precedes = |stamp: Stamp| rest.iter().all(|other| stamp < other.end());
    if !precedes(call.called) {
        return Vec::new();
    }
    if let Some(answer) = call.returned {
        return spec.after(state, call, answer).into_iter().chain(spec.otherwise(state, call)).collect();
    }
    let landings = (0..LOADED.len()).filter(|&load| precedes(spec.begin(load))).map(|load| spec.abandoned(state, call, load));
    let write = spec.after_open(state, call);
    landings.chain([write, spec.otherwise(state, call)]).flatten().collect()
}

/// A short history whose answers are mostly nonsense; with the calls that change what is held
/// in dependence on it, if it is to be a `changing` one.
pub(crate) fn babble(seed: u64, changing: bool) -> History {
    let mut dice = Dice::new(seed);
    let mut stamps: Vec<Stamp> = (1..=CALLS + CALLS + LOADED.len()).map(|stamp| Stamp::try_from(stamp).expect("there are few")).collect();
    let mut stamp = |dice: &mut Dice| stamps.swap_remove(dice.below(stamps.len()));
    let loads = LOADED.map(|value| Load { value, begin: stamp(&mut dice) });
    let mut calls = Vec::new();
    while calls.len() < CALLS {
        let (a, b) = (stamp(&mut dice), stamp(&mut dice));
        let number = Value::try_from(calls.len()).expect("there are six");
        let any = match dice.below(5) {
            0 => Some(INSERTED + Value::try_from(dice.below(CALLS)).expect("it is below six")),
            1..=3 => Some(LOADED[dice.below(LOADED.len())]),
            _ => None,
        };
        let loaded = any.map_or(Reply::Failed, Reply::Loaded);
        let stale = any.map_or(Reply::Failed, Reply::Stale);
        let (new, other) = (INSERTED + number, any.unwrap_or(INSERTED));
        let (seen, done) = (Reply::Value(any), Reply::Present(any.is_some()));
        let (op, reply) = match dice.below(if changing { 36 } else { 16 }) {
            0 | 1 => (Op::Insert(new), Reply::Done),
            2 => (Op::Invalidate, Reply::Done),
            3 => (Op::Remove, seen),
            4 => (Op::Get, seen),
            5 => (Op::Contains, done),
            6 | 7 => (Op::Fetch, loaded),
            8 | 9 => (Op::Fetch, stale),
            10 => (Op::Entry, loaded),
            11..=13 => (Op::Expire, done),
            14 => (Op::FetchStale, if dice.once_in(2) { seen } else { stale }),
            15 => (Op::Refresh, loaded),
            16 | 17 => (Op::InsertIfAbsent(new), seen),
            18 | 19 => (Op::Replace(new), seen),
            20 => (Op::Upsert(new), seen),
            21 | 22 => (Op::Swap { expected: other, new }, if dice.once_in(2) { Reply::Present(true) } else { Reply::Present(false) }),
            23 | 24 => (Op::Take(other), if dice.once_in(2) { Reply::Present(true) } else { Reply::Present(false) }),
            25 | 26 => (Op::TryCompute(new), if dice.once_in(4) { Reply::Busy } else { seen }),
            27 | 28 => (Op::Overtake, Reply::Done),
            29 => (Op::Glimpse, seen),
            30 | 31 => (Op::Doom(other), if dice.once_in(2) { Reply::Done } else { done }),
            32 | 33 => (Op::InvalidateTag, Reply::Done),
            _ => (Op::ExpireTag, Reply::Done),
        };
        let returned = (!dice.once_in(5)).then_some((a.max(b), reply));
        calls.push(Call { thread: calls.len(), op, called: a.min(b), returned });
    }
    History { calls, loads: loads.to_vec() }
}
