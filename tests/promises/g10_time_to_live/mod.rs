//! G10: a value past its deadline is never returned, to any method.

mod mock_clock;
mod real_clock;
mod seen;
