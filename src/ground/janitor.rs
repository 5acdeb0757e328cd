//! The janitor does what is due at its time, by the wakers that were left with it: one thread for all caches of the process, there only while
//! something is to come.

use super::contain::contain;
use super::sync::{Arc, Condvar, Mutex, per_thread, spawn_thread};
use super::time::{Agenda, Appointment, Clock, Deadline};
use std::cell::Cell;
use std::task::Waker;
use std::time::Duration;

/// How long the thread stays when nothing is left to wait for.
const LINGER: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Janitor {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    agenda: Agenda,
    thread: Thread,
    /// Whether the last attempt to get a thread failed.
    refused: bool,
}

#[derive(Default, PartialEq, Eq)]
enum Thread {
    #[default]
    None,
    Running,
}

per_thread! {
    static IS_HERE: Cell<bool> = Cell::new(false);
}

/// Whether this is the thread that keeps everybody's time, and is not to be held up.
pub(crate) fn is_here() -> bool {
    IS_HERE.try_with(Cell::get).unwrap_or(false)
}

impl Janitor {
    /// Has `waker` woken once `at` has passed. While there is an appointment there is the thread, even for one that never comes.
    ///
    /// Where no thread can be had nothing is woken until a later call gets one.
    pub(crate) fn watch(self: &Arc<Self>, at: Deadline, waker: Waker) -> Appointment {
        let (appointment, todo) = self.book(at, waker);
        match todo {
            Todo::Nothing => {}
            Todo::Tell => self.changed.notify_one(),
            Todo::Start => {
                let janitor = Arc::clone(self);
                if spawn_thread("bellwether-janitor", move || janitor.run(LINGER)).is_err() {
                    let mut state = self.state.lock();
                    state.thread = Thread::None;
                    state.refused = true;
                }
            }
        }
        appointment
    }

    /// Enters an appointment, and says what is to be done about the thread.
    fn book(&self, at: Deadline, waker: Waker) -> (Appointment, Todo) {
        let mut state = self.state.lock();
        let sooner = state.agenda.next().is_none_or(|next| at < next);
        let appointment = state.agenda.add(at, waker);
        let todo = match state.thread {
            Thread::None => {
                state.thread = Thread::Running;
                state.refused = false;
                Todo::Start
            }
            Thread::Running if sooner => Todo::Tell,
            Thread::Running => Todo::Nothing,
        };
        (appointment, todo)
    }

    pub(crate) fn cancel(&self, appointment: Appointment) {
        let cancelled = self.state.lock().agenda.cancel(appointment);
        drop(cancelled);
    }

    /// Cancels an appointment that the thread may be waiting for without an end.
    pub(crate) fn dismiss(&self, appointment: Appointment) {
        self.cancel(appointment);
        self.changed.notify_one();
    }

    /// Whether no thread could be had when one was last needed.
    pub(crate) fn is_unavailable(&self) -> bool {
        self.state.lock().refused
    }

    /// Works off appointments, on this thread from now on; ends when there has been none for as long as `linger`.
    fn run(&self, linger: Duration) {
        IS_HERE.with(|here| here.set(true));
        let clock = Clock::system();
        let mut idle_until = None;
        let mut state = self.state.lock();
        loop {
            let now = clock.now();
            if let Some(waker) = state.agenda.take_due(now) {
                drop(state);
                if let Err(panic) = contain(|| waker.wake()) {
                    panic.forget();
                }
                state = self.state.lock();
                continue;
            }
            let wake_at = match state.agenda.next() {
                Some(next) => {
                    idle_until = None;
                    next
                }
                None => *idle_until.get_or_insert_with(|| Deadline::after(now, linger)),
            };
            if idle_until.is_some_and(|until| until.has_passed_at(now)) {
                state.thread = Thread::None;
                return;
            }
            state = match wake_at.left_at(now) {
                Some(left) => self.changed.wait_for(state, left),
                None => self.changed.wait(state),
            };
        }
    }
}

enum Todo {
    Nothing,
    Tell,
    Start,
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;
    use crate::ground::park::Parker;

    #[test]
    fn wakers_are_woken_at_their_time_and_not_before() {
        let janitor = Arc::new(Janitor::default());
        let clock = Clock::system();
        let (late, late_waker) = Parker::new();
        let (soon, soon_waker) = Parker::new();
        let late_at = clock.deadline_in(Duration::from_millis(60));
        let soon_at = clock.deadline_in(Duration::from_millis(20));
        janitor.watch(late_at, late_waker);
        janitor.watch(soon_at, soon_waker);
        soon.park();
        assert!(clock.has_passed(soon_at));
        late.park();
        assert!(clock.has_passed(late_at));
    }

    #[test]
    fn a_cancelled_waker_is_let_go() {
        let janitor = Arc::new(Janitor::default());
        let (parker, waker) = Parker::new();
        let appointment = janitor.watch(Clock::system().deadline_in(Duration::from_secs(600)), waker);
        janitor.cancel(appointment);
        assert_eq!(Arc::strong_count(&parker), 1);
    }
}

#[cfg(all(test, bellwether_loom))]
mod loom {
    use super::*;
    use crate::ground::park::Parker;
    use ::loom::model;
    use ::loom::thread;

    /// What `watch` does, with the thread as one of the model's.
    fn watch(janitor: &Arc<Janitor>, at: Deadline, waker: Waker) -> Option<thread::JoinHandle<()>> {
        let (_, todo) = janitor.book(at, waker);
        match todo {
            Todo::Nothing => None,
            Todo::Tell => {
                janitor.changed.notify_one();
                None
            }
            Todo::Start => {
                let janitor = Arc::clone(janitor);
                Some(thread::spawn(move || janitor.run(Duration::ZERO)))
            }
        }
    }

    #[test]
    fn g17_an_appointment_made_while_the_thread_stops_is_kept() {
        model(|| {
            let janitor = Arc::new(Janitor::default());
            let passed = Deadline::after(Clock::system().now(), Duration::ZERO);
            let (first, first_waker) = Parker::new();
            let (second, second_waker) = Parker::new();
            let thread = watch(&janitor, passed, first_waker).expect("there was none");
            // By now it may run, be about to stop, or have stopped.
            let another = watch(&janitor, passed, second_waker);
            first.park();
            second.park();
            thread.join().expect("nothing panics");
            another.into_iter().for_each(|another| another.join().expect("nothing panics"));
            assert!(janitor.state.lock().thread == Thread::None, "gone when there is nothing to do");
        });
    }

    #[test]
    fn g17_a_thread_that_stood_by_ends_when_it_is_dismissed() {
        model(|| {
            let janitor = Arc::new(Janitor::default());
            let (_, unused) = Parker::new();
            let (standing, _) = janitor.book(Deadline::NEVER, unused);
            let other = Arc::clone(&janitor);
            let thread = thread::spawn(move || other.run(Duration::ZERO));
            janitor.dismiss(standing);
            thread.join().expect("nothing panics");
            assert!(janitor.state.lock().thread == Thread::None, "gone when there is nothing to do");
        });
    }
}
