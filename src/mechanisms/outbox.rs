//! An outbox keeps the events of a shard until they are delivered: in order, one at a time, by whoever holds the turn.
//!
//! The turn is a flag, not a lock: user code runs while it is held. It is given back in the same critical section that finds nothing more to
//! deliver, so that no event is left behind, and earlier if others wait for it.

use crate::ground::contain::{contain, drop_contained};
use crate::ground::seeded::{self, Bug};
use crate::ground::sync::atomic::{AtomicUsize, Ordering};
use crate::ground::sync::{Condvar, Mutex, per_thread, yield_now};
use std::cell::Cell;
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

/// So many letters may wait before writers do; few where a model checker walks all schedules.
const BOUND: usize = if cfg!(bellwether_loom) { 2 } else { 1_024 };
/// Events that one turn delivers while others wait for it, or beyond what had come when it began.
const TURN: u32 = if cfg!(bellwether_loom) { 1 } else { 256 };

/// One or several events in order.
pub(crate) trait Letter {
    type Event;

    /// How many events are in it.
    fn len(&self) -> u64;

    /// Takes the next event out. Runs no user code.
    fn next(&mut self) -> Option<Self::Event>;

    /// Whether it may have any number of events, so that few of them are too many.
    fn is_bundle(&self) -> bool {
        false
    }
}

/// What a writer is about to send on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    Single,
    Bundle,
}

/// Events that wait to be delivered.
pub(crate) struct Outbox<L> {
    inside: Mutex<Inside<L>>,
    /// Events were delivered, or the turn was given back.
    changed: Condvar,
    /// How many letters there are, for those who look before they lock.
    letters: AtomicUsize,
    /// And how many of them are bundles.
    bundles: AtomicUsize,
}

struct Inside<L> {
    letters: VecDeque<L>,
    bundles: usize,
    is_delivering: bool,
    /// Threads that wait until there are fewer.
    waiting: u32,
    /// Events that ever came.
    came: u64,
    /// Events that were delivered.
    went: u64,
    /// Tasks that wait until so many events are delivered, or the turn is to be had.
    tasks: Vec<(u64, Waker)>,
}

impl<L> Inside<L> {
    /// Tasks to be woken, under no lock.
    fn take_tasks(&mut self) -> Vec<(u64, Waker)> {
        if self.tasks.is_empty() {
            return Vec::new();
        }
        let (went, is_delivering) = (self.went, self.is_delivering);
        let (ready, others) = std::mem::take(&mut self.tasks).into_iter().partition(|task| !is_delivering || task.0 <= went);
        self.tasks = others;
        ready
    }
}

impl<L: Letter> Outbox<L> {
    pub(crate) fn new() -> Self {
        let inside = Inside { letters: VecDeque::new(), bundles: 0, is_delivering: false, waiting: 0, came: 0, went: 0, tasks: Vec::new() };
        Self { inside: Mutex::new(inside), changed: Condvar::default(), letters: AtomicUsize::new(0), bundles: AtomicUsize::new(0) }
    }

    /// Puts a letter in. The caller holds the lock under which its events happen, so that they keep their order.
    pub(crate) fn post(&self, letter: L) {
        let mut inside = self.inside.lock();
        inside.came += letter.len();
        inside.bundles += usize::from(letter.is_bundle());
        inside.letters.push_back(letter);
        self.mirror(&inside);
    }

    /// Events that wait to be delivered, or are about to be.
    pub(crate) fn waiting(&self) -> u64 {
        let inside = self.inside.lock();
        inside.came - inside.went
    }

    /// Whether writers should wait.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        // Relaxed: a bound that a write may overshoot all the same.
        self.letters.load(Ordering::Relaxed) >= BOUND
    }

    /// As [`is_full`](Self::is_full), in order with whatever is done under the lock.
    pub(crate) fn is_full_by_now(&self) -> bool {
        self.inside.lock().letters.len() >= BOUND
    }

    /// Whether whoever sends this should wait: a bundle waits for the one before it.
    pub(crate) fn is_full_for(&self, sending: Sending) -> bool {
        self.is_full() || (sending == Sending::Bundle && self.bundles.load(Ordering::Relaxed) > 0)
    }

    /// The turn, if nobody has it and there is something to deliver.
    pub(crate) fn turn(&self) -> Option<Turn<'_, L>> {
        let mut inside = self.inside.lock();
        self.take_turn(&mut inside)
    }

    /// Whether there is something to deliver that nobody is about to.
    pub(crate) fn is_left(&self) -> bool {
        let inside = self.inside.lock();
        !inside.is_delivering && !inside.letters.is_empty()
    }

    /// Waits until there is room. Gives the turn if nobody else delivers: the caller is to do so.
    pub(crate) fn wait_for_room(&self, sending: Sending) -> Option<Turn<'_, L>> {
        self.wait(|inside| inside.letters.len() < BOUND && (sending == Sending::Single || inside.bundles == 0))
    }

    /// How many events ever came.
    pub(crate) fn came(&self) -> u64 {
        self.inside.lock().came
    }

    /// Whether so many events are delivered.
    pub(crate) fn has_delivered(&self, events: u64) -> bool {
        self.inside.lock().went >= events
    }

    /// Waits until so many events are delivered. Gives the turn if nobody else delivers: the caller is to do so, and to ask again.
    pub(crate) fn wait_until_delivered(&self, events: u64) -> Option<Turn<'_, L>> {
        self.wait(|inside| inside.went >= events)
    }

    /// Ready once so many events are delivered, or the turn is to be had; else the task is woken then.
    pub(crate) fn poll_delivered(&self, events: u64, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut inside = self.inside.lock();
        if inside.went >= events || !inside.is_delivering {
            return Poll::Ready(());
        }
        if let Some(task) = inside.tasks.iter_mut().find(|task| task.1.will_wake(&waker)) {
            task.0 = task.0.min(events);
            return Poll::Pending;
        }
        inside.tasks.push((events, waker));
        Poll::Pending
    }

    fn wait(&self, is_enough: impl Fn(&Inside<L>) -> bool) -> Option<Turn<'_, L>> {
        let mut inside = self.inside.lock();
        loop {
            // One who waited takes over what another has given back, even if there is room by now: perhaps nobody else would.
            if let Some(turn) = self.take_turn(&mut inside) {
                return Some(turn);
            }
            if is_enough(&inside) {
                return None;
            }
            inside.waiting += 1;
            inside = self.changed.wait(inside);
            inside.waiting -= 1;
        }
    }

    fn take_turn(&self, inside: &mut Inside<L>) -> Option<Turn<'_, L>> {
        if inside.is_delivering || inside.letters.is_empty() {
            return None;
        }
        inside.is_delivering = true;
        Some(Turn { outbox: self, came: inside.came, delivered: 0, is_over: false })
    }

    fn mirror(&self, inside: &Inside<L>) {
        self.letters.store(inside.letters.len(), Ordering::Relaxed);
        self.bundles.store(inside.bundles, Ordering::Relaxed);
    }
}

/// The right to deliver, which one at a time has.
pub(crate) struct Turn<'a, L: Letter> {
    outbox: &'a Outbox<L>,
    /// Events that had come when it began. What comes later is others', and they deliver it if this turn has given out many by then.
    came: u64,
    /// Events that this turn has given out.
    delivered: u32,
    is_over: bool,
}

/// The next event, with what is to be dropped and woken under no lock.
struct Step<L: Letter> {
    event: Option<L::Event>,
    spent: Vec<L>,
    tasks: Vec<(u64, Waker)>,
}

impl<'a, L: Letter> Turn<'a, L> {
    pub(crate) fn outbox(&self) -> &'a Outbox<L> {
        self.outbox
    }

    /// The next event; the one before it has been delivered by now. With `None` the turn is over.
    pub(crate) fn next(&mut self) -> Option<L::Event> {
        let Step { event, spent, tasks } = self.step();
        // A letter may hold more of users' things than its events.
        drop_contained(spent);
        wake_all(tasks);
        event
    }

    fn step(&mut self) -> Step<L> {
        let mut spent = Vec::new();
        let mut inside = self.outbox.inside.lock();
        if self.delivered > 0 {
            inside.went += 1;
        }
        let mut event = None;
        let is_due = inside.went < self.came && inside.waiting == 0;
        if is_due || self.delivered < TURN {
            while let Some(first) = inside.letters.front_mut() {
                event = first.next();
                if first.len() == 0 {
                    let letter = inside.letters.pop_front();
                    inside.bundles -= usize::from(letter.as_ref().is_some_and(Letter::is_bundle));
                    spent.extend(letter);
                }
                if event.is_some() {
                    break;
                }
            }
        }
        if inside.letters.is_empty() && inside.letters.capacity() > 2 * BOUND {
            // The memory of a crowd that has gone.
            inside.letters = VecDeque::new();
        }
        self.outbox.mirror(&inside);
        self.delivered = self.delivered.saturating_add(1);
        if event.is_none() {
            self.is_over = true;
            if seeded::on(Bug::LookBeforeTurnBack) {
                drop(inside);
                yield_now();
                inside = self.outbox.inside.lock();
            }
            inside.is_delivering = false;
        }
        if inside.waiting > 0 {
            self.outbox.changed.notify_all();
        }
        let tasks = inside.take_tasks();
        Step { event, spent, tasks }
    }
}

impl<L: Letter> Drop for Turn<'_, L> {
    fn drop(&mut self) {
        if !self.is_over {
            let mut inside = self.outbox.inside.lock();
            inside.went += u64::from(self.delivered > 0);
            inside.is_delivering = false;
            self.outbox.changed.notify_all();
            let tasks = inside.take_tasks();
            drop(inside);
            wake_all(tasks);
        }
    }
}

fn wake_all(tasks: Vec<(u64, Waker)>) {
    for (_, waker) in tasks {
        if let Err(panic) = contain(|| waker.wake()) {
            panic.forget();
        }
    }
}

per_thread! {
    static LISTENING: Cell<u32> = Cell::new(0);
}

/// Held while this thread calls a listener.
pub(crate) struct Listening(());

impl Listening {
    pub(crate) fn begin() -> Self {
        LISTENING.with(|depth| depth.set(depth.get() + 1));
        Self(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENING.with(|depth| depth.set(depth.get() - 1));
    }
}

/// Whether this thread is inside a listener, of any cache: it never waits for another.
pub(crate) fn is_listening() -> bool {
    LISTENING.with(Cell::get) > 0
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;

    impl Letter for VecDeque<u32> {
        type Event = u32;
        fn len(&self) -> u64 {
            VecDeque::len(self) as u64
        }
        fn next(&mut self) -> Option<u32> {
            self.pop_front()
        }
    }

    #[test]
    fn g15_events_of_several_letters_come_in_order_and_one_turn_at_a_time() {
        let outbox = Outbox::new();
        assert!(outbox.turn().is_none(), "there is nothing to deliver");
        outbox.post(VecDeque::from([1, 2]));
        outbox.post(VecDeque::from([3]));
        let mut turn = outbox.turn().expect("nobody has it");
        assert!(outbox.turn().is_none(), "somebody has it");
        assert_eq!((turn.next(), turn.next()), (Some(1), Some(2)));
        outbox.post(VecDeque::from([4]));
        assert_eq!((turn.next(), turn.next(), turn.next()), (Some(3), Some(4), None));
        drop(turn);
        assert_eq!(outbox.waiting(), 0);
        outbox.post(VecDeque::from([5]));
        assert_eq!(outbox.turn().expect("it was given back").next(), Some(5));
        assert_eq!(outbox.waiting(), 0, "a turn that is dropped has delivered what it gave out");
    }

    #[test]
    fn g15_it_is_full_at_its_bound() {
        let outbox = Outbox::new();
        for n in 0..1_024 {
            assert!(!outbox.is_full(), "{n} are in");
            outbox.post(VecDeque::from([n]));
        }
        assert!(outbox.is_full());
        let mut turn = outbox.wait_for_room(Sending::Single).expect("nobody else delivers");
        assert_eq!(turn.next(), Some(0));
        assert!(!outbox.is_full());
    }
}

#[cfg(all(test, bellwether_loom))]
mod loom;
