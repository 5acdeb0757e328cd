//! A hang is a red test: the watchdog runs a test on a thread of its own and doesn't wait for ever.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// More than a test takes on a slow and busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs `test`, and panics as it does, or if it isn't over in time.
pub fn in_time<R: Send + 'static>(test: impl FnOnce() -> R + Send + 'static) -> R {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        // Nobody listens any more if this comes too late.
        let _ = send.send(catch_unwind(AssertUnwindSafe(test)));
    });
    match receive.recv_timeout(LIMIT) {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => panic!("it hangs: not over after {LIMIT:?}"),
    }
}

/// As `on_every_face!`, each test under the watchdog.
#[macro_export]
macro_rules! on_every_face_in_time {
    ($($name:ident),+ $(,)?) => {
        mod on_every_face {
            $(fn $name<F: $crate::faces::Kind>() { $crate::watchdog::in_time(super::$name::<F>); })+
            $crate::on_every_face!($($name),+);
        }
    };
}
