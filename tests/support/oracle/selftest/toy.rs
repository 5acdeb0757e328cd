//! A toy cache of one key on real threads: a mutex, and flights done properly,
//! save for an invalidate that can be had in two steps.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::yield_now;

use crate::oracle::history::Value;
use crate::oracle::recorder::{Clock, Recorder};

/// How `invalidate` does its work.
#[derive(Clone, Copy)]
pub(crate) enum Invalidate {
    /// Value and flight go in one critical section.
    Whole,
    /// The value goes first, the flight in a critical section of its own.
    TwoSteps,
}

pub(crate) struct Toy<'a> {
    clock: &'a Clock,
    recorder: &'a Recorder,
    invalidate: Invalidate,
    key: Mutex<Key>,
}

#[derive(Default)]
struct Key {
    held: Option<Value>,
    flight: Option<Arc<Flight>>,
}

#[derive(Default)]
struct Flight {
    result: Mutex<Option<Value>>,
    over: Condvar,
}

impl<'a> Toy<'a> {
    pub(crate) fn new(clock: &'a Clock, recorder: &'a Recorder, invalidate: Invalidate) -> Self {
        Self { clock, recorder, invalidate, key: Mutex::default() }
    }

    pub(crate) fn get(&self) -> Option<Value> {
        self.key().held
    }

    pub(crate) fn insert(&self, value: Value) {
        let mut key = self.key();
        key.held = Some(value);
        key.flight = None;
    }

    pub(crate) fn remove(&self) -> Option<Value> {
        let mut key = self.key();
        key.flight = None;
        key.held.take()
    }

    pub(crate) fn invalidate(&self) {
        match self.invalidate {
            Invalidate::Whole => *self.key() = Key::default(),
            Invalidate::TwoSteps => {
                self.key().held = None;
                yield_now();
                self.key().flight = None;
            }
        }
    }

    pub(crate) fn fetch(&self) -> Value {
        let key = self.key();
        match key.held {
            Some(value) => value,
            None => self.join_or_lead(key),
        }
    }

    pub(crate) fn refresh(&self) -> Value {
        self.join_or_lead(self.key())
    }

    fn join_or_lead(&self, mut key: MutexGuard<'_, Key>) -> Value {
        if let Some(flight) = &key.flight {
            let flight = Arc::clone(flight);
            drop(key);
            return flight.wait();
        }
        let flight = Arc::new(Flight::default());
        key.flight = Some(Arc::clone(&flight));
        drop(key);
        let value = self.load();
        self.land(&flight, value);
        value
    }

    fn load(&self) -> Value {
        let value = self.recorder.load(self.clock.tick());
        yield_now();
        value
    }

    fn land(&self, flight: &Arc<Flight>, value: Value) {
        let mut key = self.key();
        if key.flight.as_ref().is_some_and(|f| Arc::ptr_eq(f, flight)) {
            *key = Key { held: Some(value), flight: None };
        }
        drop(key);
        *flight.result() = Some(value);
        flight.over.notify_all();
    }

    fn key(&self) -> MutexGuard<'_, Key> {
        self.key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flight {
    fn result(&self) -> MutexGuard<'_, Option<Value>> {
        self.result.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) -> Value {
        let mut result = self.result();
        loop {
            if let Some(value) = *result {
                return value;
            }
            result = self.over.wait(result).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
