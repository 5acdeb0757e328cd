//! Whatever the bytes make of it, the timer wheel does what an ordered set does.
//!
//!     RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cunsafe-allow-abi-mismatch=sanitizer" cargo fuzz run wheel -- -max_total_time=60
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bellwether::fuzzing::wheel(bytes));
