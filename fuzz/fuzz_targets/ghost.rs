//! Whatever the bytes make of it, the ghost table does what a list does.
//!
//!     RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cunsafe-allow-abi-mismatch=sanitizer" cargo fuzz run ghost -- -max_total_time=60
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bellwether::fuzzing::ghost(bytes));
