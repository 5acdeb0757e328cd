//! Whatever the bytes make of it, a sketch's guesses are what the additions make.
//!
//!     RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Cunsafe-allow-abi-mismatch=sanitizer" cargo fuzz run sketch -- -max_total_time=60
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bellwether::fuzzing::sketch(bytes));
