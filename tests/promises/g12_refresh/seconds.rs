//! By the real clock: a second of a thousand stale reads against a backend that is down, and callers of one that hangs.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{KEY, OLD, Of, down, settled, stale};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::together::together;
use bellwether::{CacheBuilder, ErrorBackoff, Loaded, StaleReason};
use std::thread;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);
/// Readers, and how many reads each makes in the second.
const READERS: usize = 4;
const READS: u32 = 250;

/// How a value comes to be stale for as long as the test takes.
type Window = fn(CacheBuilder<u32, usize>) -> CacheBuilder<u32, usize>;

const WINDOWS: [Window; 2] = [|builder| builder.stale_while_revalidate(Duration::MAX), |builder| builder.stale_if_error(Duration::MAX)];

/// The value and the loader that there are for each window and each style of loader.
fn scenes<F: Kind>(style: Style, window: Window) -> (Of<F>, Runway) {
    let (builder, runway) = down(window(CacheBuilder::new().time_to_live(Duration::from_secs(3_600))), style);
    let cache: Of<F> = F::Of::build(builder);
    cache.insert(KEY, OLD);
    assert!(cache.expire(&KEY));
    (cache, runway)
}

/// Makes a thousand reads, spread over a second.
fn read_for_a_second(read: impl Fn() + Sync) {
    together(READERS, |_| {
        // Not before all have come: a thread that is late would leave no second.
        let began = Instant::now();
        for n in 1..=READS {
            read();
            thread::sleep((SECOND * n / READS).saturating_sub(began.elapsed()));
        }
    });
}

/// "Against a loader that fails: one second of a thousand stale reads makes at most 8 attempts, not a thousand."
fn g12_a_second_of_a_thousand_stale_reads_makes_at_most_eight_attempts<F: Kind>() {
    let scenes: Vec<_> = WINDOWS.into_iter().flat_map(|window| BOTH.map(|style| (style, scenes::<F>(style, window)))).collect();
    thread::scope(|scope| {
        for (_, (cache, _)) in &scenes {
            scope.spawn(|| read_for_a_second(|| assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD))));
        }
    });
    for (style, (cache, runway)) in scenes {
        settled::<F>(&cache);
        let metrics = at_rest(&cache.sync());
        assert_eq!(metrics.stale_hits + metrics.misses + metrics.joined, u64::from(READS) * 4);
        assert!((1..=8).contains(&runway.begun()), "{style:?}: {} attempts", runway.begun());
        // A refresh may be slow to begin.
        until("it is tried again", || {
            assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
            runway.begun() >= 2
        });
        settled::<F>(&cache);
    }
}

/// The same for a key that has no value, where that is asked for.
fn g12_a_second_of_a_thousand_reads_of_a_key_without_a_value_makes_at_most_eight_attempts<F: Kind>() {
    let scenes = BOTH.map(|style| {
        let (builder, runway) = down(CacheBuilder::new().error_backoff(ErrorBackoff::default()), style);
        let cache: Of<F> = F::Of::build(builder);
        (cache, runway)
    });
    thread::scope(|scope| {
        for (cache, _) in &scenes {
            scope.spawn(|| read_for_a_second(|| assert!(cache.fetch_with(&KEY).is_err())));
        }
    });
    for (cache, runway) in scenes {
        at_rest(&cache.sync());
        assert!((1..=8).contains(&runway.begun()), "{} attempts", runway.begun());
        until("it is tried again", || {
            assert!(cache.fetch_with(&KEY).is_err());
            runway.begun() >= 2
        });
        at_rest(&cache.sync());
    }
}

/// "Against a loader that hangs: callers with a stale value get it within the soft timeout."
fn g12_a_hung_loader_costs_no_caller_with_a_stale_value_more_than_the_soft_timeout<F: Kind>() {
    let soft = Duration::from_millis(100);
    // A busy machine takes its time to wake a thread; the load would hang for ever.
    let most = soft + Duration::from_secs(10);
    for style in BOTH {
        for (window, why, least) in [(WINDOWS[0], StaleReason::Revalidating, Duration::ZERO), (WINDOWS[1], StaleReason::LoadSlow, soft)] {
            let runway = Runway::new(1);
            let cache: Of<F> = F::Of::build(runway.numbers(window(CacheBuilder::new().soft_timeout(soft)), style));
            cache.insert_with(KEY, Loaded::value(OLD).time_to_live(Duration::ZERO));
            let call = |cache: Of<F>| {
                let began = Instant::now();
                (stale(cache.fetch_detailed(&KEY)), began.elapsed())
            };
            // Those who come later, too.
            for _ in 0..2 {
                let callers: Vec<_> = (0..16).map(|_| apart(&cache, call)).collect();
                for caller in callers {
                    let (served, after) = caller.result();
                    assert_eq!(served, Some((OLD, why)), "{style:?}");
                    assert!(after >= least && after < most, "{style:?}: {after:?}");
                }
            }
            assert_eq!(cache.metrics().loads_started, 1, "{style:?}: it hangs still");
            runway.until_begun(0);
            runway.open(0);
            settled::<F>(&cache);
            assert_eq!(at_rest(&cache.sync()).loads_stored, 1);
        }
    }
}

on_every_face_in_time!(
    g12_a_second_of_a_thousand_stale_reads_makes_at_most_eight_attempts,
    g12_a_second_of_a_thousand_reads_of_a_key_without_a_value_makes_at_most_eight_attempts,
    g12_a_hung_loader_costs_no_caller_with_a_stale_value_more_than_the_soft_timeout,
);
