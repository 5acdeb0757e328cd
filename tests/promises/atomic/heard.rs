//! G15: of a conditional write, the listener is told what left, exactly once and with its cause, and nothing of what came to nothing.

use super::rows::{KEY, NEW, OLD, rows};
use super::scene::Hands;
use crate::faces::{Face, Kind};
use crate::hush::caught;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::secs;
use bellwether::{CacheBuilder, MockClock, RemovalCause};
use std::sync::{Arc, Mutex};

type Told = Arc<Mutex<Vec<(u32, RemovalCause)>>>;

/// A builder whose listener keeps what it hears of the key.
fn listening(builder: CacheBuilder<u32, u32>) -> (CacheBuilder<u32, u32>, Told) {
    let told = Told::default();
    let ear = Arc::clone(&told);
    let builder = builder.on_removal(move |&key, value, cause| {
        assert_eq!(key, KEY);
        ear.lock().expect("no holder panics").push((**value, cause));
    });
    (builder, told)
}

/// What was heard since the last call, once all is delivered.
fn heard<F: Kind>(cache: &F::Of<u32, u32>, told: &Told) -> Vec<(u32, RemovalCause)> {
    cache.run_maintenance();
    at_rest(&cache.sync());
    std::mem::take(&mut *told.lock().expect("no holder panics"))
}

fn g15_what_is_written_over_is_replaced_and_nothing_else_is_told<F: Kind>() {
    for row in rows() {
        let (builder, told) = listening(CacheBuilder::new());
        let cache: F::Of<u32, u32> = F::Of::build(builder);
        (row.call)(&Hands::of::<F>(&cache));
        assert_eq!(heard::<F>(&cache, &told), [], "{} where nothing is held", row.name);
        cache.clear();
        heard::<F>(&cache, &told);
        cache.insert(KEY, OLD);
        (row.call)(&Hands::of::<F>(&cache));
        let replaced = row.held.writes.filter(|_| !row.is_in_place).map(|_| (OLD, RemovalCause::Replaced));
        assert_eq!(heard::<F>(&cache, &told), Vec::from_iter(replaced), "{} where a value is held", row.name);
        let removals = cache.metrics().removals(RemovalCause::Replaced);
        assert_eq!(removals, u64::from(replaced.is_some()), "{}", row.name);
    }
}

/// A value past its time to live leaves as replaced where it could still be served, and as expired where it couldn't.
fn g15_what_is_stale_or_over_leaves_by_what_writes_alone<F: Kind>() {
    for row in rows() {
        for (age, cause) in [(20, RemovalCause::Replaced), (200, RemovalCause::Expired)] {
            let clock = MockClock::new();
            let builder = CacheBuilder::new().clock(clock.clone()).no_janitor().time_to_live(secs(10)).stale_while_revalidate(secs(100));
            let (builder, told) = listening(builder);
            let cache: F::Of<u32, u32> = F::Of::build(builder);
            cache.insert(KEY, OLD);
            clock.advance(secs(age));
            (row.call)(&Hands::of::<F>(&cache));
            at_rest(&cache.sync());
            let told = std::mem::take(&mut *told.lock().expect("no holder panics"));
            assert_eq!(told, Vec::from_iter(row.none.writes.map(|_| (OLD, cause))), "{} after {age} seconds", row.name);
        }
    }
}

/// A value that has become too heavy isn't held, and is told of once: it never was held as what it is now.
fn g15_what_has_become_too_heavy_is_rejected_once<F: Kind>() {
    for row in rows() {
        let (builder, told) = listening(CacheBuilder::new().capacity(10).weigher(|_, &value| if value == OLD { 1 } else { 11 }));
        let cache: F::Of<u32, u32> = F::Of::build(builder);
        cache.insert(KEY, OLD);
        assert_eq!((row.call)(&Hands::of::<F>(&cache)), row.held.gives, "{}", row.name);
        let expected = match row.held.writes {
            None => vec![],
            Some(value) if row.is_in_place => vec![(value, RemovalCause::Replaced)],
            Some(value) => vec![(OLD, RemovalCause::Replaced), (value, RemovalCause::Rejected)],
        };
        assert_eq!(heard::<F>(&cache, &told), expected, "{}", row.name);
        let is_gone = row.held.writes.is_some();
        assert_eq!((cache.contains_key(&KEY), cache.weight()), (!is_gone, u64::from(!is_gone)), "{}", row.name);
    }
}

fn g15_a_change_in_place_that_panics_is_an_invalidation<F: Kind>() {
    let (builder, told) = listening(CacheBuilder::new());
    let cache: F::Of<u32, u32> = F::Of::build(builder);
    cache.insert(KEY, OLD);
    let changed = caught(|| {
        Hands::of::<F>(&cache).try_compute(&KEY, |value| {
            *value = NEW;
            panic!("halfway, on purpose")
        })
    });
    assert!(changed.is_err_and(|text| text.contains("halfway")));
    assert_eq!(heard::<F>(&cache, &told), [(NEW, RemovalCause::Invalidated)]);
    assert_eq!((cache.len(), cache.weight()), (0, 0));
}

/// It has made room for the newer value by leaving: told once, whether its room was gone into or not.
fn g15_a_value_that_grows_in_a_full_cache_is_told_of_once<F: Kind>() {
    for shards in [1, 4] {
        let (builder, told) = {
            let told = Told::default();
            let ear = Arc::clone(&told);
            let builder = CacheBuilder::new().capacity(40).shards(shards).weigher(|_, &value: &u32| value.into());
            (builder.on_removal(move |_, value, cause| ear.lock().expect("no holder panics").push((**value, cause))), told)
        };
        let cache: F::Of<u32, u32> = F::Of::build(builder);
        (0..40).for_each(|key| cache.insert(key, 1));
        heard::<F>(&cache, &told);
        let hands = Hands::of::<F>(&cache);
        // Values of one are the others; this one's are all different.
        cache.insert(KEY, 2);
        for weight in 3..=40 {
            if weight % 2 == 0 {
                hands.upsert(KEY, || weight, |value| *value = weight);
            } else if hands.try_compute(&KEY, |value| *value = weight).done().is_none() {
                cache.insert(KEY, weight);
            }
            assert!(cache.weight() <= 40);
        }
        let told = heard::<F>(&cache, &told);
        for weight in 2..=40 {
            let times = told.iter().filter(|&&(value, _)| value == weight).count();
            let is_held = cache.peek(&KEY).as_deref() == Some(&weight);
            // Every other one was changed in place, and so never left.
            assert!(times + usize::from(is_held) <= 1, "{weight} with {shards} shards: {told:?}");
            if weight % 2 == 1 {
                assert_eq!(times + usize::from(is_held), 1, "{weight} with {shards} shards: {told:?}");
            }
        }
    }
}

on_every_face_in_time!(
    g15_what_is_written_over_is_replaced_and_nothing_else_is_told,
    g15_what_is_stale_or_over_leaves_by_what_writes_alone,
    g15_what_has_become_too_heavy_is_rejected_once,
    g15_a_change_in_place_that_panics_is_an_invalidation,
    g15_a_value_that_grows_in_a_full_cache_is_told_of_once,
);
