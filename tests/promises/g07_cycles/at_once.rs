//! Rings closed from several places at the same instant: never a hang, and at least one of those who close it hears of it.

use crate::faces::{Face, Kind};
use crate::gate::Gate;
use crate::rest::at_rest;
use crate::runway::Style::{self, Async, Blocking};
use crate::together::together;
use bellwether::{CacheBuilder, LoadError, LoadErrorKind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Rounds of a ring over as many keys as caches: in each, all loads of the ring are in their loaders before any of them asks for its next key.
struct Rounds {
    caches: usize,
    gates: Vec<Gate>,
    caught: AtomicUsize,
    /// Whether a loader answers the error with a value of its own.
    catches: bool,
    broken: AtomicBool,
}

/// A key is the number of its round; each cache has one key a round.
type Faces<F> = Arc<OnceLock<Vec<<F as Kind>::Of<usize, usize>>>>;

impl Rounds {
    fn heard(&self, result: Result<Arc<usize>, LoadError>) -> Result<usize, LoadError> {
        match result {
            Err(error) if error.kind() == LoadErrorKind::Cycle => {
                self.caught.fetch_add(1, Ordering::Relaxed);
                if self.catches { Ok(0) } else { Err(error) }
            }
            other => other.map(|value| *value + 1),
        }
    }

    fn opens(&self, round: usize) {
        self.gates[round].until_arrived(self.caches);
        self.gates[round].open();
    }

    fn build<F: Kind>(self: &Arc<Self>, styles: &[Style]) -> Faces<F> {
        let faces = Faces::<F>::default();
        let build = |(number, &style): (usize, &Style)| {
            let (rounds, own, next) = (Arc::clone(self), Arc::clone(&faces), (number + 1) % self.caches);
            let builder = CacheBuilder::new().name(format!("cache {number}"));
            let all = |own: &Faces<F>| own.get().expect("all are built").clone();
            F::Of::build(match style {
                Blocking => builder.loader_fn(move |&round: &usize| {
                    if rounds.broken.load(Ordering::Relaxed) {
                        return Ok(7);
                    }
                    rounds.gates[round].wait();
                    rounds.heard(all(&own)[next].sync().fetch_with(&round))
                }),
                Async => builder.async_loader_fn(move |round: usize| {
                    let (rounds, next) = (Arc::clone(&rounds), all(&own)[next].sync().to_async());
                    async move {
                        if rounds.broken.load(Ordering::Relaxed) {
                            return Ok(7);
                        }
                        rounds.gates[round].pass().await;
                        rounds.heard(next.fetch_with(&round).await)
                    }
                }),
            })
        };
        let all = styles.iter().enumerate().map(build).collect();
        assert!(faces.set(all).is_ok(), "it is set once");
        faces
    }
}

fn closed_at_once<F: Kind>(styles: &[Style], number: usize, catches: bool) {
    let caches = styles.len();
    let gates = (0..number).map(|_| Gate::new()).collect();
    let rounds = Arc::new(Rounds { caches, gates, caught: AtomicUsize::new(0), catches, broken: AtomicBool::new(false) });
    let faces = rounds.build::<F>(styles);
    let faces = faces.get().expect("all are built");
    for round in 0..number {
        let before = rounds.caught.load(Ordering::Relaxed);
        // One more thread opens the gate once all loaders are at it.
        let results = together(caches + 1, |who| {
            if who == caches {
                rounds.opens(round);
                return None;
            }
            Some(faces[who].fetch_with(&round))
        });
        let caught = rounds.caught.load(Ordering::Relaxed) - before;
        assert!(caught >= 1, "somebody closed the ring: {styles:?}, round {round}");
        for result in results.into_iter().flatten() {
            match result {
                Ok(value) => assert!(catches && *value < caches, "{styles:?}, round {round}: {value}"),
                Err(error) => assert!(!catches && error.kind() == LoadErrorKind::Cycle, "{styles:?}, round {round}: {error}"),
            }
        }
        if catches {
            assert_eq!(caught, 1, "only the load that closes the ring gets the error: {styles:?}, round {round}");
        }
    }
    rounds.broken.store(true, Ordering::Relaxed);
    for face in faces {
        face.clear();
        assert_eq!(*face.fetch_with(&0).expect("the ring is broken"), 7);
        at_rest(&face.sync());
    }
}

const MIXES: [&[Style]; 5] =
    [&[Blocking, Blocking], &[Blocking, Async], &[Async, Async], &[Blocking, Async, Blocking], &[Async, Async, Async]];

fn g7_a_ring_that_is_closed_from_all_sides_at_once_is_an_error_for_all<F: Kind>() {
    for styles in MIXES {
        closed_at_once::<F>(styles, 100, false);
    }
}

/// The error is one load's only: the others get the value that it makes of it.
fn g7_of_loads_that_close_a_ring_at_once_exactly_one_gets_the_error<F: Kind>() {
    for styles in MIXES {
        closed_at_once::<F>(styles, 100, true);
    }
}

crate::on_every_face_in_time!(
    g7_a_ring_that_is_closed_from_all_sides_at_once_is_an_error_for_all,
    g7_of_loads_that_close_a_ring_at_once_exactly_one_gets_the_error,
);
