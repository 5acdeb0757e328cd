//! Caches whose listeners write each other: no ring of them waits for itself, and each event is told by the cache that it is of.

use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::together::together;
use bellwether::{Cache, CacheBuilder, MetricsSnapshot, RemovalCause};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

type Of<F> = <F as Kind>::Of<u32, u32>;

/// Caches in a ring: what leaves one is written into the next, so many times.
fn ring<F: Kind>(caches: usize) -> (Vec<Of<F>>, Arc<Vec<AtomicU64>>) {
    let told: Arc<Vec<AtomicU64>> = Arc::new((0..caches).map(|_| AtomicU64::new(0)).collect());
    let all: Arc<OnceLock<Vec<Cache<u32, u32>>>> = Arc::default();
    let faces: Vec<Of<F>> = (0..caches)
        .map(|n| {
            let (told, all) = (Arc::clone(&told), Arc::clone(&all));
            F::Of::build(CacheBuilder::new().shards(2).capacity(8).on_removal(move |&key, value, _| {
                told[n].fetch_add(1, Ordering::SeqCst);
                if **value > 0 {
                    let next = &all.get().expect("they are there")[(n + 1) % told.len()];
                    next.insert(key, **value - 1);
                }
            }))
        })
        .collect();
    assert!(all.set(faces.iter().map(Face::sync).collect()).is_ok());
    (faces, told)
}

fn has_left(metrics: &MetricsSnapshot) -> u64 {
    metrics.removals(RemovalCause::Replaced) + metrics.removals(RemovalCause::Evicted)
}

fn g15_caches_whose_listeners_write_each_other_never_wait_for_each_other<F: Kind>() {
    for number in [1, 2, 3] {
        let (caches, told) = ring::<F>(number);
        together(4, |n| {
            for round in 0..1_500_u32 {
                // More than may wait to be told, of few keys, and each value goes round a few times.
                caches[(n + round as usize) % number].insert(round % 16, round % 4);
            }
        });
        let unreported = || caches.iter().map(|cache| cache.metrics().unreported).sum::<u64>();
        let left = || caches.iter().map(|cache| has_left(&cache.metrics())).sum::<u64>();
        // What goes round may pass from a place that is yet to be looked at to one that was: then something has left meanwhile.
        until("all is told", || {
            let before = left();
            unreported() == 0 && left() == before
        });
        for (cache, told) in caches.iter().zip(told.iter()) {
            let metrics = at_rest(&cache.sync());
            assert_eq!(told.load(Ordering::SeqCst), has_left(&metrics), "{number} caches");
            assert_eq!(metrics.listener_panics, 0);
        }
    }
}

/// Two threads, each inside the listener of one cache, write the other's at the same moment.
fn g15_two_listeners_that_write_each_other_s_caches_at_once_go_on<F: Kind>() {
    let meet = Arc::new(std::sync::Barrier::new(2));
    let all: Arc<OnceLock<[Cache<u32, u32>; 2]>> = Arc::default();
    let caches: [Of<F>; 2] = [0, 1].map(|n: usize| {
        let (meet, all) = (Arc::clone(&meet), Arc::clone(&all));
        F::Of::build(CacheBuilder::new().shards(1).on_removal(move |&key, _, _| {
            if key == 0 {
                // Both are inside.
                meet.wait();
                let other = &all.get().expect("they are there")[1 - n];
                (0..3_000).for_each(|value| other.insert(1, value));
                other.run_maintenance();
                other.clear();
                meet.wait();
            }
        }))
    });
    assert!(all.set([caches[0].sync(), caches[1].sync()]).is_ok());
    together(2, |n| {
        caches[n].insert(0, 0);
        assert!(caches[n].invalidate(&0));
    });
    for cache in &caches {
        cache.run_maintenance();
        let metrics = at_rest(&cache.sync());
        assert_eq!((metrics.unreported, metrics.listener_panics, metrics.removals(RemovalCause::Replaced)), (0, 0, 2_999));
    }
}

on_every_face_in_time!(
    g15_caches_whose_listeners_write_each_other_never_wait_for_each_other,
    g15_two_listeners_that_write_each_other_s_caches_at_once_go_on,
);
