//! Rings of any length, over any number of caches: each is an error for who asks, is remembered by nobody, and can be broken.

use crate::faces::Kind;
use crate::runway::Style::{self, Async, Blocking};
use crate::web::{Node, Web, assert_same_ring, name};
use bellwether::LoadErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A ring of so many keys, in turn of one cache after the other, which can be broken at its last key.
fn ring<F: Kind>(styles: &[Style], length: u32) -> (Web<F>, Arc<AtomicBool>) {
    let (broken, caches) = (Arc::new(AtomicBool::new(false)), styles.len());
    let cut = Arc::clone(&broken);
    let next = move |(_, key): Node| {
        if key == length - 1 && cut.load(Ordering::Relaxed) { Vec::new() } else { vec![at((key + 1) % length, caches)] }
    };
    (Web::new(styles, next), broken)
}

/// Where a ring has its key.
fn at(key: u32, caches: usize) -> Node {
    (key as usize % caches, key)
}

/// The whole life of a ring: twice an error, entered anywhere; then broken, and it brings values.
fn a_ring<F: Kind>(styles: &[Style], length: u32) {
    let (web, broken) = ring::<F>(styles, length);
    let caches = styles.len();
    for (round, first) in [0, length / 2].into_iter().enumerate() {
        // Among threads the last to ask is the one before the first key; among tasks anybody may be. The names go round from there.
        let expected: Vec<String> = (0..length).map(|step| name(at((first + length - 1 + step) % length, caches).0)).collect();
        let names = web.cycle(at(first, caches));
        if styles.contains(&Async) {
            assert_same_ring(&names, &expected);
        } else {
            assert_eq!(names, expected, "{styles:?}, {length} keys, from {first}");
        }
        // Some loads may still be about to hear of it.
        web.at_rest();
        assert_eq!(web.loads(), u64::from(length) * (round as u64 + 1), "each key is loaded once, and the error isn't kept");
    }
    let failed: u64 = (0..caches).map(|cache| web.sync(cache).metrics().loads_failed_by(LoadErrorKind::Cycle)).sum();
    assert_eq!(failed, 2 * u64::from(length), "the error passes through to the outermost caller");
    broken.store(true, Ordering::Relaxed);
    assert_eq!(web.fetch(at(0, caches)).expect("the ring is broken"), length, "{styles:?}, {length} keys");
    web.at_rest();
}

fn g7_a_key_that_asks_for_itself_is_an_error<F: Kind>() {
    for style in [Blocking, Async] {
        a_ring::<F>(&[style], 1);
    }
}

fn g7_a_ring_in_one_cache_is_an_error_for_any_number_of_keys<F: Kind>() {
    for style in [Blocking, Async] {
        for length in [2, 3, 10, 100] {
            a_ring::<F>(&[style], length);
        }
    }
}

fn g7_a_ring_over_two_caches_is_an_error_for_any_mix_of_loaders<F: Kind>() {
    for styles in [[Blocking, Blocking], [Blocking, Async], [Async, Blocking], [Async, Async]] {
        for length in [2, 4, 10] {
            a_ring::<F>(&styles, length);
        }
    }
}

fn g7_a_ring_over_three_or_five_caches_is_an_error_for_any_mix_of_loaders<F: Kind>() {
    for pattern in 0..8_u32 {
        let style = |cache: u32| if pattern >> (cache % 3) & 1 == 0 { Blocking } else { Async };
        a_ring::<F>(&(0..3).map(style).collect::<Vec<_>>(), 3);
        a_ring::<F>(&(0..5).map(style).collect::<Vec<_>>(), 10);
    }
}

/// A tail that leads into a ring isn't part of it: it gets the error all the same, and the names are those of the ring.
fn g7_a_tail_that_leads_into_a_ring_gets_its_error<F: Kind>() {
    for styles in [[Blocking; 3], [Async; 3], [Blocking, Async, Async]] {
        // Keys 0 and 1 are the tail, in cache 0; 2 and 3 the ring, in caches 1 and 2.
        let next = |(_, key): Node| match key {
            0 => vec![(0, 1)],
            1 | 3 => vec![(1, 2)],
            _ => vec![(2, 3)],
        };
        let web = Web::<F>::new(&styles, next);
        assert_same_ring(&web.cycle((0, 0)), &[name(2), name(1)]);
        web.at_rest();
        assert_eq!(web.loads(), 4);
    }
}

/// A loader that knows what to do about a ring: everybody gets a value.
fn g7_a_loader_may_catch_the_error_and_go_on<F: Kind>() {
    use crate::faces::Face;
    let threads = crate::g07_cycles::by_threads::<F>(bellwether::CacheBuilder::new(), |cache, key| match cache.fetch_with(&(1 - key)) {
        Ok(value) => Ok(*value + 1),
        Err(error) if error.kind() == LoadErrorKind::Cycle => Ok(10),
        Err(error) => Err(error),
    });
    let tasks = crate::g07_cycles::by_tasks::<F, _>(bellwether::CacheBuilder::new(), |cache, key| async move {
        match cache.fetch_with(&(1 - key)).await {
            Ok(value) => Ok(*value + 1),
            Err(error) if error.kind() == LoadErrorKind::Cycle => Ok(10),
            Err(error) => Err(error),
        }
    });
    for face in [threads, tasks] {
        let mut values = [0, 1].map(|key| *face.fetch_with(&key).expect("the ring is caught"));
        values.sort_unstable();
        assert_eq!(values, [10, 11], "one of them closed the ring");
        assert_eq!(crate::rest::at_rest(&face.sync()).loads_started, 2);
    }
}

crate::on_every_face_in_time!(
    g7_a_key_that_asks_for_itself_is_an_error,
    g7_a_ring_in_one_cache_is_an_error_for_any_number_of_keys,
    g7_a_ring_over_two_caches_is_an_error_for_any_mix_of_loaders,
    g7_a_ring_over_three_or_five_caches_is_an_error_for_any_mix_of_loaders,
    g7_a_tail_that_leads_into_a_ring_gets_its_error,
    g7_a_loader_may_catch_the_error_and_go_on,
);
