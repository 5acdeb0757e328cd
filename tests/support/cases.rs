//! Random cases, for tests that are generic over a face.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use std::fmt::Debug;

/// Runs `check` on so many cases. One that fails is made smaller for a while and shown.
pub fn cases<S: Strategy>(number: u32, strategy: &S, check: impl Fn(S::Value) -> TestCaseResult)
where
    S::Value: Debug,
{
    let config = Config { failure_persistence: None, max_shrink_time: 20_000, ..Config::with_cases(number) };
    if let Err(failure) = TestRunner::new(config).run(strategy, check) {
        panic!("{failure}");
    }
}
