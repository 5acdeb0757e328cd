//! Policies by their names.

use bellwether::EvictionPolicy;
use std::collections::BTreeSet;

const NAMES: [&str; 14] =
    ["adaptive", "lru", "slru", "fifo", "clock", "sieve", "s3-fifo", "tiny-lfu", "arc", "lirs", "lfu", "cost-aware", "random", "none"];

#[test]
fn g14_each_policy_is_displayed_and_parsed_by_its_name() {
    for (policy, name) in EvictionPolicy::ALL.into_iter().zip(NAMES) {
        assert_eq!((policy.name(), policy.to_string().as_str()), (name, name));
        assert_eq!(name.parse(), Ok(policy));
    }
    let names: BTreeSet<_> = EvictionPolicy::ALL.map(EvictionPolicy::name).into_iter().collect();
    assert_eq!(names.len(), EvictionPolicy::ALL.len(), "no two have the same");
    assert_eq!(EvictionPolicy::default(), EvictionPolicy::Adaptive);
    assert_eq!(format!("[{:>6}|{:<6}]", EvictionPolicy::Lru, EvictionPolicy::Lru), "[   lru|lru   ]", "a table keeps its columns");
}

#[test]
fn g14_a_wrong_name_is_told_with_all_the_right_ones() {
    for wrong in ["", "LRU", "lru ", "s3fifo", "S3-FIFO", "adaptive-replacement", "no such"] {
        let error = wrong.parse::<EvictionPolicy>().expect_err("there is no such policy").to_string();
        assert!(error.contains(&format!("{wrong:?}")), "{error}");
        assert!(NAMES.iter().all(|name| error.contains(name)), "{error}");
    }
}
