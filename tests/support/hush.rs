//! Panics that a test makes on purpose: kept out of the output, and told from those that nobody wanted.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

/// What every panic that is made on purpose says.
pub const ON_PURPOSE: &str = "on purpose";

/// Keeps panics that say so out of the output. All others are reported as ever.
pub fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !meant(info.payload()) {
                usual(info);
            }
        }));
    });
}

/// What `work` returns, or the text of the panic that it was made to end with.
pub fn caught<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    hush();
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| match text(&*payload) {
        Some(text) if meant(&*payload) => text.to_owned(),
        _ => resume_unwind(payload),
    })
}

fn meant(payload: &(dyn Any + Send)) -> bool {
    text(payload).is_some_and(|text| text.contains(ON_PURPOSE))
}

/// The text that a panic carries.
fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<&'static str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}
