//! Keeps work that leads to more of its own kind from piling up on the stack: the outermost call does it all, one after the other.

use super::sync::atomic::{AtomicU64, Ordering};
use super::sync::per_thread;
use std::cell::RefCell;

per_thread! {
    /// The piles that calls further out on this thread's stack are working off.
    static AT_WORK: RefCell<Vec<*const Pile>> = RefCell::new(Vec::new());
}

/// Pieces of work of one kind, to be done by whoever finds them.
pub(crate) struct Pile(AtomicU64);

impl Pile {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds a piece and, unless a call further out does so, works off all there are.
    pub(crate) fn add(&self, mut work: impl FnMut()) {
        self.0.fetch_add(1, Ordering::AcqRel);
        let Some(_at_work) = AtWork::begin(self) else { return };
        while self.take() {
            work();
        }
    }

    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |pieces| pieces.checked_sub(1)).is_ok()
    }
}

/// Held while a call works off a pile.
struct AtWork(*const Pile);

impl AtWork {
    /// `None` if a call further out is at work on `pile`.
    fn begin(pile: &Pile) -> Option<Self> {
        let pile = std::ptr::from_ref(pile);
        // On a thread that is ending nobody is seen, and the stack is used.
        let begun = AT_WORK.try_with(|at_work| {
            let mut at_work = at_work.borrow_mut();
            let begins = !at_work.contains(&pile);
            if begins {
                at_work.push(pile);
            }
            begins
        });
        begun.unwrap_or(true).then(|| Self(pile))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let _ = AT_WORK.try_with(|at_work| at_work.borrow_mut().retain(|&pile| pile != self.0));
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn work_that_leads_to_work_uses_no_stack() {
        fn work(pile: &Pile, left: &Cell<u32>, depth: &Cell<u32>) {
            pile.add(|| {
                assert_eq!(depth.replace(1), 0, "one at a time");
                if left.replace(left.get().saturating_sub(1)) > 0 {
                    work(pile, left, depth);
                }
                depth.set(0);
            });
        }
        let (pile, left, depth) = (Pile::new(), Cell::new(1_000_000), Cell::new(0));
        work(&pile, &left, &depth);
        assert_eq!(left.get(), 0);
    }

    #[test]
    fn what_a_panic_leaves_is_done_by_the_next() {
        let pile = Pile::new();
        let done = Cell::new(0);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pile.add(|| panic!("a piece's panic"))));
        assert!(panicked.is_err());
        pile.add(|| done.set(done.get() + 1));
        assert_eq!(done.get(), 1);
    }
}
