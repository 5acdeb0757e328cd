//! What a cache with time rules must hold, as plainly as it can be said: a list of entries with their times.

use crate::rules::{Rules, is_shown};
use bellwether::Freshness;
use std::time::Duration;

/// One entry: what it holds, how it ages, and from when on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) key: u32,
    pub(crate) value: usize,
    pub(crate) rules: Rules,
    pub(crate) stored: Duration,
    pub(crate) used: Duration,
}

impl Entry {
    pub(crate) fn state(&self, now: Duration) -> Freshness {
        self.rules.state(now - self.stored, now - self.used)
    }

    /// How long it is fresh yet, and how long it is of use; nothing for ever.
    pub(crate) fn left(&self, now: Duration) -> (Option<Duration>, Option<Duration>) {
        let age = now - self.stored;
        let windows = self.rules.live.saturating_add(self.rules.while_revalidating.max(self.rules.if_error));
        let [by_time, by_use] = [Rules::left(windows, age), Rules::left(self.rules.idle, now - self.used)];
        (Rules::left(self.rules.live, age), by_time.into_iter().chain(by_use).min())
    }
}

/// The whole cache, with the cache's own rules and what its next load brings.
pub(crate) struct Model {
    pub(crate) rules: Rules,
    pub(crate) now: Duration,
    pub(crate) entries: Vec<Entry>,
    pub(crate) loads: usize,
}

impl Model {
    pub(crate) fn new(rules: Rules, now: Duration) -> Self {
        Self { rules, now, entries: Vec::new(), loads: 0 }
    }

    /// What is held for a key and not over.
    pub(crate) fn held(&self, key: u32) -> Option<Entry> {
        self.entries.iter().copied().find(|entry| entry.key == key && entry.state(self.now) != Freshness::Expired)
    }

    /// What everybody may see for a key.
    pub(crate) fn shown(&self, key: u32) -> Option<Entry> {
        self.held(key).filter(|entry| is_shown(entry.state(self.now)))
    }

    pub(crate) fn put(&mut self, key: u32, value: usize, rules: Rules) {
        self.take(key);
        self.entries.push(Entry { key, value, rules, stored: self.now, used: self.now });
    }

    pub(crate) fn take(&mut self, key: u32) {
        self.entries.retain(|entry| entry.key != key);
    }

    pub(crate) fn touch(&mut self, key: u32) {
        let now = self.now;
        self.entries.iter_mut().filter(|entry| entry.key == key).for_each(|entry| entry.used = now);
    }

    /// A lookup that never loads and counts as a use.
    pub(crate) fn look(&mut self, key: u32, found: Option<Entry>) -> Option<usize> {
        let entry = found?;
        self.touch(key);
        Some(entry.value)
    }

    /// The value of the next load.
    pub(crate) fn load(&mut self, key: u32) -> usize {
        let value = self.loads;
        self.loads += 1;
        self.put(key, value, self.rules);
        value
    }

    /// What a read-through call gives, and when it returns all that it started has ended.
    pub(crate) fn fetch(&mut self, key: u32) -> usize {
        let Some(entry) = self.held(key) else { return self.load(key) };
        match entry.state(self.now) {
            Freshness::Fresh => {
                self.touch(key);
                entry.value
            }
            Freshness::RefreshDue | Freshness::Stale => {
                self.load(key);
                entry.value
            }
            _ => self.load(key),
        }
    }

    /// Ends the time to live `time` from now, of what everybody may see.
    pub(crate) fn end_in(&mut self, key: u32, time: Duration) -> bool {
        let Some(shown) = self.shown(key) else { return false };
        let live = if time == Duration::MAX { time } else { self.now - shown.stored + time };
        self.entries.iter_mut().filter(|entry| entry.key == key).for_each(|entry| entry.rules.live = live);
        true
    }

    /// Ends the time to live now.
    pub(crate) fn expire(&mut self, key: u32) -> bool {
        let was_shown = self.end_in(key, Duration::ZERO);
        if self.held(key).is_none() {
            self.take(key);
        }
        was_shown
    }
}
