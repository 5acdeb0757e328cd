//! G9: what is stale by a strike is served, loaded anew, and backs off as any stale value.

use super::scene::{Hands, mocked};
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::secs;
use bellwether::{BoxError, CacheBuilder, ErrorBackoff, Loaded, MockClock, RemovalCause, Source};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

const KEY: u32 = 1;

fn tagged(value: u32) -> Loaded<u32> {
    Loaded::value(value).tags(["a"])
}

fn with_windows() -> (MockClock, CacheBuilder<u32, u32>) {
    let (clock, builder) = mocked();
    (clock, builder.no_janitor().stale_while_revalidate(secs(10)).stale_if_error(secs(20)))
}

/// What is stale by a strike is served, and loaded anew in the background.
fn g9_what_is_stale_by_a_strike_is_served_and_loaded_anew<F: Kind>() {
    for is_swept in [false, true] {
        let (_clock, builder) = with_windows();
        let loads = Arc::new(AtomicU32::new(100));
        let (cache, hands) = Hands::build::<F>(builder.loader_fn(move |_: &u32| Loaded::ok(tagged(loads.fetch_add(1, Ordering::Relaxed)))));
        cache.insert_with(KEY, tagged(7));
        hands.expire_tag("a");
        if is_swept {
            cache.run_maintenance();
        }
        let fetched = cache.fetch_detailed(&KEY).expect("the stale value is served");
        assert!(matches!(fetched.source, Source::Stale { .. }) && *fetched.value == 7);
        until("it is loaded anew", || cache.peek(&KEY).is_some());
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&100));
        cache.run_maintenance();
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&100), "the new value was not struck");
        at_rest(&cache.sync());
    }
}

/// A load that fails makes the next try wait, whether or not the strike has been carried out; a new strike makes it wait no longer.
fn g12_a_failed_load_of_what_was_struck_backs_off<F: Kind>() {
    for is_swept in [false, true] {
        let (clock, builder) = with_windows();
        let (loads, is_down) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(true)));
        let (begun, down) = (Arc::clone(&loads), Arc::clone(&is_down));
        let builder = builder.error_backoff(ErrorBackoff::new(secs(4)).factor(1.0).jitter(false)).loader_fn(move |_: &u32| {
            begun.fetch_add(1, Ordering::Relaxed);
            if down.load(Ordering::Relaxed) { Err(BoxError::from("down")) } else { Loaded::ok(tagged(100)) }
        });
        let (cache, hands) = Hands::build::<F>(builder);
        cache.insert_with(KEY, tagged(7));
        let fetch = || cache.fetch_with(&KEY).ok().as_deref().copied();
        let loads = |number: u32| {
            until("the load has ended", || cache.metrics().loads_ended() == u64::from(number));
            at_rest(&cache.sync());
            assert_eq!(loads.load(Ordering::Relaxed), number, "swept: {is_swept}");
        };
        hands.expire_tag("a");
        if is_swept {
            cache.run_maintenance();
        }
        assert_eq!(fetch(), Some(7));
        loads(1);
        assert_eq!((fetch(), cache.entry_info(&KEY).map(|info| info.failures)), (Some(7), Some(1)));
        cache.run_maintenance();
        assert_eq!((fetch(), cache.entry_info(&KEY).map(|info| info.failures)), (Some(7), Some(1)));
        loads(1);
        clock.advance(secs(4));
        assert_eq!(fetch(), Some(7));
        loads(2);
        is_down.store(false, Ordering::Relaxed);
        hands.expire_tag("a");
        assert_eq!(fetch(), Some(7), "it is still the time of the first strike that counts");
        loads(3);
        assert_eq!(cache.fetch(&KEY).as_deref(), Some(&100));
        cache.run_maintenance();
        at_rest(&cache.sync());
    }
}

/// An invalidation takes what an expiry has left.
fn g2_what_is_stale_by_a_strike_goes_by_the_next_one<F: Kind>() {
    for is_swept in [false, true] {
        for is_swept_again in [false, true] {
            let (_clock, builder) = with_windows();
            let (cache, hands) = Hands::build::<F>(builder);
            cache.insert_with(KEY, tagged(7));
            hands.expire_tag("a");
            if is_swept {
                cache.run_maintenance();
            }
            assert!(cache.fetch_stale(&KEY).is_some());
            hands.invalidate_tag("a");
            if is_swept_again {
                cache.run_maintenance();
            }
            assert!(cache.fetch_stale(&KEY).is_none());
            cache.run_maintenance();
            assert_eq!(at_rest(&cache.sync()).removals(RemovalCause::Invalidated), 1);
        }
    }
}

/// All accounts agree at any time.
fn g16_accounts_agree_between_a_strike_and_its_sweep<F: Kind>() {
    for ttl in [secs(100), Duration::MAX] {
        for strike in [|hands: &Hands<u32, u32>| hands.invalidate_tag("a"), |hands: &Hands<u32, u32>| hands.expire_tag("a")] {
            let (_clock, builder) = with_windows();
            let (cache, hands) = Hands::<u32, u32>::build::<F>(builder.time_to_live(ttl));
            (0..100).for_each(|key| cache.insert_with(key, tagged(key)));
            strike(&hands);
            cache.validate();
            assert_eq!((cache.len(), cache.weight()), (100, 100));
            hands.invalidate_tag("a");
            cache.validate();
            cache.run_maintenance();
            cache.validate();
            assert_eq!((cache.len(), cache.weight()), (0, 0));
        }
    }
}

on_every_face_in_time!(
    g9_what_is_stale_by_a_strike_is_served_and_loaded_anew,
    g12_a_failed_load_of_what_was_struck_backs_off,
    g2_what_is_stale_by_a_strike_goes_by_the_next_one,
    g16_accounts_agree_between_a_strike_and_its_sweep,
);
