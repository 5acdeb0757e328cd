//! The driver's calls that change what is held in dependence on it, on either face.

use super::{Hands, KEY, TAG, World, loaded};
use crate::oracle::history::{Op, Reply, Value};
use crate::oracle::recorder::{ThreadLog, Ticket};
use bellwether::{AsyncCache, Cache, ComputeResult, Entry};
use std::mem::replace;
use std::sync::Arc;

/// A key that merely takes room.
const OTHER: u8 = 2;

/// A face.
#[derive(Clone, Copy)]
enum Face<'a> {
    Threads(&'a Cache<u8, Value>),
    Tasks(&'a AsyncCache<u8, Value>),
}

macro_rules! either {
    ($face:expr, $cache:ident => $call:expr) => {
        match $face {
            Face::Threads($cache) => $call,
            Face::Tasks($cache) => $call,
        }
    };
}

fn seen(value: Option<Arc<Value>>) -> Reply {
    Reply::Value(value.map(|value| *value))
}

impl World {
    /// One change, or more calls if that is what it takes.
    pub(super) fn change(&self, log: &mut ThreadLog, cache: &Cache<u8, Value>, hands: Hands) {
        let tasks = cache.to_async();
        let face = if (hands.below)(2) == 0 { Face::Threads(cache) } else { Face::Tasks(&tasks) };
        match (hands.below)(20) {
            0 | 1 => self.insert_if_absent(log, face),
            2..=4 => self.replace(log, face, hands),
            5 => self.upsert(log, face, hands),
            6..=8 => self.try_compute(log, face),
            9..=11 => self.swap(log, face, hands),
            12..=14 => self.enter(log, face, hands),
            15 | 16 if self.tags => self.strike(log, face, hands),
            17 if self.tags => cache.run_maintenance(),
            18 if self.crowded => cache.insert(OTHER, self.recorder.fresh()),
            _ => self.doom(log, face, hands),
        }
    }

    /// Changes the value in place at the end of all calls and loads: nobody has it in hand by then.
    pub(crate) fn change_at_rest(&self, cache: &Cache<u8, Value>) {
        let mut log = ThreadLog::new(usize::MAX);
        self.try_compute(&mut log, Face::Threads(cache));
        let is_busy = log.last().is_some_and(|reply| reply == Reply::Busy);
        assert!(!is_busy, "somebody has let go of a value and yet keeps it");
        self.recorder.collect(log);
    }

    fn insert_if_absent(&self, log: &mut ThreadLog, face: Face<'_>) {
        let new = self.recorder.fresh_untagged();
        self.note(log, Op::InsertIfAbsent(new), || seen(either!(face, cache => cache.insert_if_absent(KEY, new))));
    }

    fn replace(&self, log: &mut ThreadLog, face: Face<'_>, hands: Hands) {
        let new = self.recorder.fresh();
        let exchange = |value: &mut Value| {
            (hands.pause)();
            replace(value, new)
        };
        self.note(log, Op::Replace(new), || match (hands.below)(3) {
            0 => seen(either!(face, cache => cache.replace(KEY, new))),
            1 => Reply::Value(either!(face, cache => cache.compute_val(&KEY, exchange))),
            _ => {
                let mut old = None;
                let is_done = either!(face, cache => cache.compute(&KEY, |value| old = Some(exchange(value))));
                Reply::Value(old.filter(|_| is_done))
            }
        });
    }

    fn upsert(&self, log: &mut ThreadLog, face: Face<'_>, hands: Hands) {
        let (made, new) = (self.recorder.fresh(), self.recorder.fresh());
        self.note(log, Op::Upsert(new), || {
            let exchange = |value: &mut Value| {
                (hands.pause)();
                replace(value, new)
            };
            let old = either!(face, cache => cache.upsert(KEY, || made, exchange));
            Reply::Value((old != made).then_some(old))
        });
    }

    fn try_compute(&self, log: &mut ThreadLog, face: Face<'_>) {
        let new = self.recorder.fresh();
        self.note(log, Op::TryCompute(new), || match either!(face, cache => cache.try_compute_val(&KEY, |value| replace(value, new))) {
            ComputeResult::Done(old) => Reply::Value(Some(old)),
            ComputeResult::Absent => Reply::Value(None),
            _ => Reply::Busy,
        });
    }

    /// Takes a value in hand and swaps it for another: once, and perhaps a second time, which can't be.
    fn swap(&self, log: &mut ThreadLog, face: Face<'_>, hands: Hands) {
        let mut held = None;
        let mut look = |look: &dyn Fn() -> Option<Arc<Value>>| {
            held = look();
            held.as_ref().map(|value| **value)
        };
        match ((hands.below)(3), face) {
            (0, _) => self.note(log, Op::Get, || Reply::Value(look(&|| either!(face, cache => cache.fetch(&KEY))))),
            (1, _) | (_, Face::Tasks(_)) => self.note(log, Op::Get, || Reply::Value(look(&|| either!(face, cache => cache.peek(&KEY))))),
            (_, Face::Threads(cache)) if !self.stale => {
                self.note(log, Op::Fetch, || look(&|| cache.fetch_with(&KEY).ok()).map_or(Reply::Failed, Reply::Loaded));
            }
            (_, Face::Threads(cache)) => {
                self.note(log, Op::Refresh, || look(&|| cache.refresh(&KEY).ok()).map_or(Reply::Failed, Reply::Loaded));
            }
        }
        let Some(held) = held else { return };
        (hands.pause)();
        for _ in 0..1 + (hands.below)(4) / 3 {
            let new = self.recorder.fresh();
            self.note(log, Op::Swap { expected: *held, new }, || {
                let swapped = either!(face, cache => cache.compare_and_swap(&KEY, &held, new));
                assert!(swapped.is_ok() || swapped == Err(new), "what wasn't stored comes back");
                Reply::Present(swapped.is_ok())
            });
        }
    }

    /// Takes an entry: brings its value where it is vacant, else changes it, or leaves it.
    fn enter(&self, log: &mut ThreadLog, face: Face<'_>, hands: Hands) {
        let ticket = log.call(self.clock.tick(), Op::Entry);
        let entry = match face {
            Face::Threads(cache) => cache.entry(KEY),
            Face::Tasks(tasks) => {
                let mut entry = None;
                (hands.block_on)(Box::pin(async {
                    entry = Some(tasks.entry(KEY).await);
                    Reply::Done
                }));
                entry.expect("it was awaited")
            }
        };
        match entry {
            Entry::Occupied(mut entry) if (hands.below)(3) > 0 => {
                let expected = **entry.get();
                log.ret(ticket, self.clock.tick(), Reply::Loaded(expected));
                (hands.pause)();
                if (hands.below)(2) == 0 {
                    return self.note(log, Op::Take(expected), || {
                        let removed = entry.remove();
                        assert!(removed.as_ref().is_none_or(|value| **value == expected), "it takes out what it shows");
                        Reply::Present(removed.is_some())
                    });
                }
                let new = self.recorder.fresh();
                self.note(log, Op::Swap { expected, new }, || {
                    let replaced = entry.replace(new).map(|old| *old);
                    assert!(replaced == Ok(expected) || replaced == Err(new), "what it shows, or what wasn't stored, comes back");
                    assert_eq!(**entry.get(), if replaced.is_ok() { new } else { expected });
                    Reply::Present(replaced.is_ok())
                });
            }
            Entry::Occupied(_) => {
                // Nobody ever sees that value.
                let value = entry.or_insert(self.recorder.fresh());
                log.ret(ticket, self.clock.tick(), loaded(Ok(value)));
            }
            Entry::Vacant(vacant) => {
                let value = self.bring(self.load(hands));
                let value = if (hands.below)(2) == 0 { vacant.insert(value) } else { Entry::Vacant(vacant).or_insert(value) };
                log.ret(ticket, self.clock.tick(), loaded(Ok(value)));
            }
        }
    }

    fn strike(&self, log: &mut ThreadLog, face: Face<'_>, hands: Hands) {
        let expires = (hands.below)(2) == 0;
        // Without a stale window that is the same.
        let op = if expires && self.stale { Op::ExpireTag } else { Op::InvalidateTag };
        self.note(log, op, || {
            if expires {
                either!(face, cache => cache.expire_tag(TAG));
            } else {
                either!(face, cache => cache.invalidate_tag(TAG));
            }
            Reply::Done
        });
    }

    /// Removes what is held by a predicate. It is asked in the midst of the call, which so falls into parts.
    fn doom(&self, log: &mut ThreadLog, face: Face<'_>, hands: Hands) {
        let mut before = Some((log.call(self.clock.tick(), Op::Overtake), log.call(self.clock.tick(), Op::Glimpse)));
        let mut doomed: Vec<Ticket> = Vec::new();
        let is_doomed = (hands.below)(4) > 0;
        let mut ask = |key: &u8, value: &Value| {
            if *key != KEY {
                return false;
            }
            if let Some(before) = before.take() {
                self.asked(log, before, Some(*value));
            }
            if is_doomed {
                doomed.push(log.call(self.clock.tick(), Op::Doom(*value)));
            }
            (hands.pause)();
            is_doomed
        };
        let removed = if (hands.below)(2) == 0 {
            Some(either!(face, cache => cache.invalidate_if(&mut ask)))
        } else {
            either!(face, cache => cache.retain(|key, value| !ask(key, value)));
            None
        };
        if let Some(before) = before {
            self.asked(log, before, None);
        }
        assert!(removed.is_none_or(|removed| removed <= doomed.len() as u64), "nothing goes that it wasn't asked about");
        let is_one = doomed.len() == 1;
        for ticket in doomed {
            let told = removed.filter(|_| is_one).map(|removed| removed == 1);
            log.ret(ticket, self.clock.tick(), told.map_or(Reply::Done, Reply::Present));
        }
    }

    /// All flights are overtaken, and this was found.
    fn asked(&self, log: &mut ThreadLog, (overtake, glimpse): (Ticket, Ticket), value: Option<Value>) {
        log.ret(overtake, self.clock.tick(), Reply::Done);
        log.ret(glimpse, self.clock.tick(), Reply::Value(value));
    }
}
