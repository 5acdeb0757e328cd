//! Models of upkeep under loom: what is stored while a visit is under way is visited in its time.

use super::*;
use ::loom::model;
use ::loom::thread;
use std::task::Wake;
use std::time::Duration;

/// A part of a cache, as far as upkeep is concerned: what it holds lies under a lock, with its deadline.
struct Cache {
    upkeep: Upkeep,
    clock: MockClock,
    due: Mutex<Vec<Deadline>>,
    /// The way to it that every appointment holds.
    visit: Arc<Visit>,
}

impl Cache {
    fn new() -> Arc<Self> {
        let clock = MockClock::new();
        let upkeep = Upkeep::new(Keeper::Mock(clock.clone()));
        let cache = Arc::new_cyclic(|cache| Self { upkeep, clock, due: Mutex::default(), visit: Arc::new(Visit(cache.clone())) });
        cache.upkeep.visit_by(Waker::from(Arc::clone(&cache.visit)));
        cache
    }

    /// Stores what is due at `at`, and then has it visited.
    fn store(&self, at: Deadline) {
        self.due.lock().push(at);
        self.upkeep.want(at);
    }

    /// Takes out what is due, and has the rest visited.
    fn visited(&self) {
        self.upkeep.begins();
        let now = self.clock.now();
        let next = {
            let mut due = self.due.lock();
            due.retain(|at| !at.has_passed_at(now));
            due.iter().min().copied()
        };
        next.into_iter().for_each(|next| self.upkeep.want(next));
    }

    fn appointments(&self) -> usize {
        // Besides what this cache and its upkeep hold.
        Arc::strong_count(&self.visit) - 2
    }

    /// Lets time pass, and holds that nothing is left by then.
    fn ends_empty(&self) {
        self.clock.advance(Duration::from_nanos(100));
        assert!(self.due.lock().is_empty(), "what has passed was visited");
    }
}

struct Visit(std::sync::Weak<Cache>);

impl Wake for Visit {
    fn wake(self: Arc<Self>) {
        if let Some(cache) = self.0.upgrade() {
            cache.visited();
        }
    }
}

fn at(nanos: u64) -> Deadline {
    Deadline::from_nanos(nanos)
}

#[test]
fn g10_what_is_stored_while_a_visit_is_under_way_is_visited_too() {
    // Due after what the visit comes for, and before.
    for later in [20, 7] {
        model(move || {
            let cache = Cache::new();
            cache.store(at(10));
            let other = Arc::clone(&cache);
            let stores = thread::spawn(move || other.store(at(later)));
            cache.clock.advance(Duration::from_nanos(10));
            stores.join().expect("storing doesn't panic");
            cache.ends_empty();
        });
    }
}

#[test]
fn g10_of_two_that_are_stored_at_once_none_is_left_without_a_visit() {
    model(|| {
        let cache = Cache::new();
        let other = Arc::clone(&cache);
        let stores = thread::spawn(move || other.store(at(10)));
        cache.store(at(20));
        stores.join().expect("storing doesn't panic");
        cache.clock.advance(Duration::from_nanos(10));
        assert_eq!(*cache.due.lock(), [at(20)], "the first is visited in its time");
        cache.ends_empty();
    });
}

#[test]
fn g10_a_visit_that_comes_while_the_appointment_is_moved_leaves_none_behind() {
    // Three threads: every schedule with at most three preemptions. Those of two have no such bound.
    let mut three_threads = ::loom::model::Builder::new();
    three_threads.preemption_bound = Some(3);
    three_threads.check(|| {
        let cache = Cache::new();
        cache.store(at(10));
        let sooner = Arc::clone(&cache);
        let sooner = thread::spawn(move || sooner.store(at(5)));
        let later = Arc::clone(&cache);
        let later = thread::spawn(move || later.store(at(30)));
        cache.clock.advance(Duration::from_nanos(10));
        sooner.join().expect("storing doesn't panic");
        later.join().expect("storing doesn't panic");
        cache.ends_empty();
    });
}

#[test]
fn g10_an_appointment_that_is_moved_while_its_visit_begins_is_not_kept_twice() {
    model(|| {
        let cache = Cache::new();
        cache.store(at(10));
        cache.store(at(30));
        let other = Arc::clone(&cache);
        let stores = thread::spawn(move || other.store(at(5)));
        cache.clock.advance(Duration::from_nanos(10));
        stores.join().expect("storing doesn't panic");
        // What was stored when the clock had been moved is visited when that is moved again.
        cache.clock.advance(Duration::ZERO);
        assert_eq!(*cache.due.lock(), [at(30)]);
        assert_eq!(cache.appointments(), 1, "one appointment at a time");
        cache.ends_empty();
    });
}
