//! Keeps panics of user code from passing where they would do harm.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work` and gives what it panicked with as the error.
///
/// Unwind safety is asserted: callers pass only closures whose broken state nobody looks at afterwards.
pub(crate) fn contain<R>(work: impl FnOnce() -> R) -> Result<R, Panic> {
    catch_unwind(AssertUnwindSafe(work)).map_err(Panic)
}

/// Drops `value` and stops a panic of its `Drop`; the panic hook has reported it by then.
pub(crate) fn drop_contained<T>(value: T) {
    if let Err(panic) = contain(|| drop(value)) {
        panic.forget();
    }
}

/// What a piece of user code panicked with.
pub(crate) struct Panic(pub(crate) Box<dyn Any + Send>);

impl Panic {
    /// The message, where the panic carried text.
    pub(crate) fn message(&self) -> String {
        if let Some(text) = self.0.downcast_ref::<&'static str>() {
            (*text).to_owned()
        } else if let Some(text) = self.0.downcast_ref::<String>() {
            text.clone()
        } else {
            "a panic that carried no text".to_owned()
        }
    }

    /// Drops the payload, which is a user's value too and may panic once more.
    pub(crate) fn forget(self) {
        if let Err(again) = contain(|| drop(self.0)) {
            std::mem::forget(again);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_both_kinds_of_text_are_kept() {
        let fixed = contain(|| panic!("fixed")).err().map(|p| p.message());
        let made = contain(|| panic!("made {}", 1)).err().map(|p| p.message());
        let other = contain(|| std::panic::panic_any(5_u8)).err().map(|p| p.message());
        assert_eq!(fixed.as_deref(), Some("fixed"));
        assert_eq!(made.as_deref(), Some("made 1"));
        assert_eq!(other.as_deref(), Some("a panic that carried no text"));
    }

    #[test]
    fn a_panicking_drop_is_stopped() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("bomb");
            }
        }
        drop_contained(Bomb);
    }
}
