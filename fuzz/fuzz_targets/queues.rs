//! Whatever the bytes make of it, no policy loses sight of an entry or a weight, or gives up what it doesn't hold.
//!
//!     RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cunsafe-allow-abi-mismatch=sanitizer" cargo fuzz run queues -- -max_total_time=60
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bellwether::fuzzing::queues(bytes));
