//! Gates hold threads and tasks back until a test opens them: the test owns the schedule.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// How long anything is waited for before the test is red.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Shut until it is opened, then open for good. Clones are the same gate.
#[derive(Clone, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    /// How many have come to it, open or not.
    arrived: usize,
    asleep: Vec<Waker>,
}

impl Gate {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn open(&self) {
        let asleep = {
            let mut state = self.state();
            state.open = true;
            std::mem::take(&mut state.asleep)
        };
        self.0.changed.notify_all();
        asleep.into_iter().for_each(Waker::wake);
    }

    /// Holds this thread until the gate is open.
    pub fn wait(&self) {
        let mut state = self.state();
        state.arrived += 1;
        self.0.changed.notify_all();
        let (state, _) = self.0.changed.wait_timeout_while(state, PATIENCE, |state| !state.open).expect("no holder panics");
        let open = state.open;
        drop(state);
        assert!(open, "the gate was never opened");
    }

    /// Holds a task until the gate is open.
    pub async fn pass(&self) {
        self.state().arrived += 1;
        self.0.changed.notify_all();
        poll_fn(|cx| {
            let mut state = self.state();
            if state.open {
                return Poll::Ready(());
            }
            state.asleep.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Waits until so many have come to the gate.
    pub fn until_arrived(&self, number: usize) {
        let few = |state: &mut State| state.arrived < number;
        let (state, _) = self.0.changed.wait_timeout_while(self.state(), PATIENCE, few).expect("no holder panics");
        let arrived = state.arrived;
        drop(state);
        assert!(arrived >= number, "only {arrived} of {number} came to the gate");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("no holder panics")
    }
}

/// Waits until `reached` says so; `what` tells what was waited for if it never does.
pub fn until(what: &str, reached: impl Fn() -> bool) {
    let start = Instant::now();
    while !reached() {
        assert!(start.elapsed() < PATIENCE, "it never came to this: {what}");
        std::thread::yield_now();
    }
}
