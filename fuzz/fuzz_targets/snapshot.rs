//! Whatever the bytes say they are, a restore takes them or leaves the cache as it was, and what it took can be saved and restored again.
//!
//!     RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cunsafe-allow-abi-mismatch=sanitizer" cargo fuzz run snapshot -- -max_total_time=60 -malloc_limit_mb=64
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bellwether::fuzzing::snapshot(bytes));
