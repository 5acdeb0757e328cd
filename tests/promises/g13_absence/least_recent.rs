//! Of the absences the one that was asked for longest ago goes first.

use crate::faces::{Face, Kind};
use crate::g13_absence::SECOND;
use crate::g13_absence::backend::Backend;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, MockClock};

type Of<F> = <F as Kind>::Of<u32, u32>;

/// Remembers four absences at most.
fn built<F: Kind>() -> (Of<F>, Backend) {
    let backend = Backend::new();
    let builder = CacheBuilder::new().capacity(32).shards(1).negative_ttl(SECOND).clock(MockClock::new());
    (F::Of::build(backend.behind(builder, BOTH[0])), backend)
}

/// Asks for `key`; whether its absence was remembered.
fn remembered<F: Kind>(cache: &Of<F>, backend: &Backend, key: u32) -> bool {
    let before = backend.asked();
    assert!(cache.fetch_with(&key).is_err());
    backend.asked() == before
}

fn g13_the_absence_that_came_first_goes_first<F: Kind>() {
    let (cache, backend) = built::<F>();
    (0..6).for_each(|key| assert!(!remembered::<F>(&cache, &backend, key)));
    (2..6).for_each(|key| assert!(remembered::<F>(&cache, &backend, key), "key {key}"));
    at_rest(&cache.sync());
}

fn g13_an_absence_that_is_asked_for_stays_longer<F: Kind>() {
    let (cache, backend) = built::<F>();
    (0..4).for_each(|key| assert!(!remembered::<F>(&cache, &backend, key)));
    // All others come and go.
    for key in 100..150 {
        assert!(remembered::<F>(&cache, &backend, 0), "before {key}");
        assert!(!remembered::<F>(&cache, &backend, key));
    }
    (1..4).for_each(|key| assert!(!remembered::<F>(&cache, &backend, key), "key {key}"));
    at_rest(&cache.sync());
}

on_every_face_in_time!(g13_the_absence_that_came_first_goes_first, g13_an_absence_that_is_asked_for_stays_longer);
