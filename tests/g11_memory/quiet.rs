//! A cache in which nothing is due wakes nobody, however much it holds.

use crate::process::own_threads;
use crate::watchdog::in_time;
use crate::{Size, all_asleep, alone, size};
use bellwether::{Cache, CacheBuilder};
use std::thread::sleep;
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3_600);

#[test]
fn g11_a_cache_full_of_what_is_not_due_uses_no_cpu() {
    let _alone = alone();
    in_time(|| {
        let Size { entries, quiet, .. } = size();
        let builder = CacheBuilder::new().time_to_live(HOUR).time_to_idle(HOUR / 2).stale_while_revalidate(HOUR);
        let cache: Cache<u64, u64> = builder.build().expect("the settings make sense");
        (0..entries).for_each(|key| cache.insert_with_ttl(key, key, HOUR + Duration::from_millis(key)));
        all_asleep(quiet);
        assert_eq!(cache.len(), entries);
    });
}

/// Each had a visit due in a second or two; none of them comes.
#[test]
fn g11_caches_that_are_gone_are_visited_no_more() {
    let _alone = alone();
    in_time(|| {
        const CACHES: u64 = 200;
        // One lives on, so that the thread has something to wait for throughout.
        let other: Cache<u64, u64> = CacheBuilder::new().build().expect("the settings make sense");
        other.insert_with_ttl(1, 1, HOUR);
        for n in 0..CACHES {
            let ttl = Duration::from_millis(1_500 + 5 * n);
            let cache: Cache<u64, u64> = CacheBuilder::new().time_to_live(ttl).build().expect("the settings make sense");
            (0..10).for_each(|key| cache.insert(key, key));
        }
        sleep(Duration::from_millis(500));
        let before: u64 = own_threads().values().sum();
        sleep(Duration::from_millis(2_500));
        let after: u64 = own_threads().values().sum();
        assert!(after <= before + 10, "the janitor woke {} times for caches that are gone", after - before);
    });
}

/// Many deadlines close together take few visits.
#[test]
fn g11_deadlines_close_together_are_one_visit() {
    let _alone = alone();
    in_time(|| {
        let cache: Cache<u64, u64> = CacheBuilder::new().build().expect("the settings make sense");
        let start = Instant::now();
        let before: u64 = own_threads().values().sum();
        // Ten for each millisecond of two seconds.
        (0..20_000).for_each(|key| cache.insert_with_ttl(key, key, Duration::from_secs(1) + Duration::from_micros(100 * key)));
        while !cache.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(60), "{} are still held", cache.len());
            sleep(Duration::from_millis(10));
        }
        let visits = own_threads().values().sum::<u64>() - before;
        let most = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX) / 20;
        println!("{visits} visits in {:?}", start.elapsed());
        assert!(visits < most, "the janitor woke {visits} times in {:?}", start.elapsed());
    });
}
