//! Settings that make no sense together: refused when the cache is built, with the setting, its value and the remedy.

use crate::rules::{TICK, secs};
use bellwether::{AsyncCache, Cache, CacheBuilder, ErrorBackoff, MockClock, XFetch};
use std::time::Duration;

type Settings = fn(CacheBuilder<u32, u32>) -> CacheBuilder<u32, u32>;

/// The refusal of both faces.
fn refusal(settings: Settings) -> Option<String> {
    let load = |builder: CacheBuilder<u32, u32>| settings(builder).async_loader_fn(|_| async { Ok::<u32, std::io::Error>(1) });
    let blocking = load(Cache::builder()).build().err().map(|refusal| refusal.to_string());
    let tasks = load(AsyncCache::builder()).build_async().err().map(|refusal| refusal.to_string());
    assert_eq!(blocking, tasks, "both faces refuse the same");
    blocking
}

#[test]
fn g09_settings_that_make_no_sense_are_refused_with_value_and_remedy() {
    // What is refused, and the words that the refusal must have: the setting, its value, what it goes against, the remedy.
    let refused: [(Settings, &[&str]); 25] = [
        (
            |b| b.time_to_live(secs(10)).refresh_after(secs(10) + TICK),
            &["refresh_after", "10.000000001s", "time_to_live", "10s", "shorter"],
        ),
        (|b| b.refresh_after(Duration::MAX).time_to_live(secs(10)), &["refresh_after", "time_to_live", "10s"]),
        (|b| b.time_to_live(Duration::ZERO).refresh_after(TICK), &["refresh_after", "1ns", "time_to_live", "0ns"]),
        (|b| b.refresh_ahead(0.0), &["refresh_ahead", "0", "between 0 and 1"]),
        (|b| b.refresh_ahead(1.0), &["refresh_ahead", "1", "between 0 and 1"]),
        (|b| b.refresh_ahead(-0.5), &["refresh_ahead", "-0.5", "between 0 and 1"]),
        (|b| b.refresh_ahead(f64::NAN), &["refresh_ahead", "NaN", "between 0 and 1"]),
        (|b| b.refresh_ahead(f64::INFINITY), &["refresh_ahead", "inf", "between 0 and 1"]),
        (|b| b.refresh_early(XFetch::new(0.0)), &["refresh_early", "0", "above 0"]),
        (|b| b.refresh_early(XFetch::new(-1.0)), &["refresh_early", "-1", "above 0"]),
        (|b| b.refresh_early(XFetch::new(f64::NAN)), &["refresh_early", "NaN", "finite"]),
        (|b| b.refresh_early(XFetch::new(f64::INFINITY)), &["refresh_early", "inf", "finite"]),
        (
            |b| b.stale_while_revalidate(secs(10)).stale_if_error(secs(10) - TICK),
            &["stale_while_revalidate", "10s", "stale_if_error", "9.999999999s", "shorter"],
        ),
        (|b| b.stale_if_error(TICK).stale_while_revalidate(Duration::MAX), &["stale_while_revalidate", "stale_if_error", "1ns"]),
        (|b| b.ttl_jitter(-0.01), &["ttl_jitter", "-0.01", "between 0 and 1"]),
        (|b| b.ttl_jitter(1.01), &["ttl_jitter", "1.01", "between 0 and 1"]),
        (|b| b.ttl_jitter(f64::NAN), &["ttl_jitter", "NaN", "between 0 and 1"]),
        (|b| b.max_concurrent_refreshes(0), &["max_concurrent_refreshes", "0", "leave it out"]),
        (|b| b.soft_timeout(Duration::ZERO), &["soft_timeout", "0", "stale_while_revalidate"]),
        (|b| b.negative_weight(0), &["negative_weight", "0", "use 1"]),
        (|b| b.error_backoff(ErrorBackoff::default().factor(0.9)), &["error_backoff", "0.9", "1 or more"]),
        (|b| b.error_backoff(ErrorBackoff::default().factor(f64::NAN)), &["error_backoff", "NaN", "finite"]),
        (|b| b.error_backoff(ErrorBackoff::new(secs(10)).max(secs(9))), &["error_backoff", "10s", "9s"]),
        (|b| b.no_janitor().load_timeout(secs(10)), &["load_timeout", "10s", "janitor", "leave out"]),
        (|b| b.no_janitor().soft_timeout(secs(10)), &["soft_timeout", "10s", "janitor", "leave out"]),
    ];
    for (settings, words) in refused {
        let refusal = refusal(settings).unwrap_or_else(|| panic!("it must be refused: {words:?}"));
        for word in words {
            assert!(refusal.contains(word), "{word:?} is missing from {refusal:?}");
        }
        assert!(refusal.starts_with(words[0]) || refusal.contains(&format!("of {}", words[0])), "{refusal:?}");
    }
}

#[test]
fn g09_the_extremes_that_make_sense_are_accepted() {
    let accepted: [Settings; 19] = [
        |b| b.time_to_live(secs(10)).refresh_after(secs(10)),
        |b| b.refresh_after(Duration::MAX),
        |b| b.refresh_after(secs(1)),
        |b| b.time_to_live(Duration::ZERO).refresh_after(Duration::ZERO),
        // The last one given counts, so that the first can't be against anything.
        |b| b.time_to_live(secs(10)).refresh_after(secs(20)).refresh_ahead(0.5),
        |b| b.refresh_ahead(2.0).refresh_early(XFetch::new(f64::MIN_POSITIVE)),
        |b| b.refresh_ahead(f64::MIN_POSITIVE),
        |b| b.refresh_early(XFetch::new(f64::MAX)),
        |b| b.stale_while_revalidate(secs(10)).stale_if_error(secs(10)),
        |b| b.stale_while_revalidate(Duration::MAX),
        |b| b.stale_if_error(Duration::MAX).stale_while_revalidate(Duration::MAX),
        // Of values that bring an end of their own.
        |b| b.stale_while_revalidate(secs(10)),
        |b| b.ttl_jitter(0.0),
        |b| b.ttl_jitter(1.0).time_to_live(Duration::MAX),
        |b| b.max_concurrent_refreshes(1),
        |b| b.soft_timeout(TICK),
        |b| b.error_backoff(ErrorBackoff::new(Duration::ZERO).max(Duration::ZERO).factor(1.0)),
        |b| b.no_janitor(),
        // Whoever moves it keeps the time.
        |b| b.no_janitor().load_timeout(secs(10)).soft_timeout(secs(5)).clock(MockClock::new()),
    ];
    for (number, settings) in accepted.into_iter().enumerate() {
        assert_eq!(refusal(settings), None, "number {number}");
    }
}

#[test]
fn g09_a_blocking_loader_needs_no_janitor_for_its_time_outs() {
    let settings =
        |builder: CacheBuilder<u32, u32>| builder.no_janitor().load_timeout(secs(10)).loader_fn(|_: &u32| Ok::<u32, std::io::Error>(1));
    assert!(settings(Cache::builder()).build().is_ok(), "callers keep them on their own threads");
}
