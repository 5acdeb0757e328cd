//! However a superseded flight ends, the flight that took its place is left alone.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, CacheBuilder, Loaded, Source};
use futures::FutureExt;

type Answer = Result<Loaded<usize>, BoxError>;

/// How the flight of old ends, and what its caller gets for it.
struct Ending {
    name: &'static str,
    /// What load 0 brings.
    first: fn() -> Answer,
    /// Whether its caller gets that answer, or looks again and gets what the successor brings.
    caller: Gets,
}

#[derive(Clone, Copy)]
enum Gets {
    Answer(Option<usize>),
    TheSuccessors,
}

const ENDINGS: [Ending; 4] = [
    Ending { name: "a value", first: || Loaded::ok(0), caller: Gets::Answer(Some(0)) },
    Ending { name: "absence", first: || Ok(Loaded::absent()), caller: Gets::Answer(None) },
    Ending { name: "an error", first: || Err("the first load failed".into()), caller: Gets::TheSuccessors },
    Ending { name: "a panic", first: || panic!("the first load panicked"), caller: Gets::TheSuccessors },
];

impl Ending {
    /// The answers of loads by their numbers: load 0 ends in this way, all others bring their number.
    fn answers(&self) -> impl Fn(usize) -> Answer + Clone + Send + Sync + 'static {
        let first = self.first;
        move |number| if number == 0 { first() } else { Loaded::ok(number) }
    }
}

/// A way to overtake the flight of key 1 that leaves nothing held.
type Overtake<C> = (&'static str, fn(&C));

fn overtakings<C: Face<u32, usize>>() -> [Overtake<C>; 4] {
    [
        ("invalidate", |cache| assert!(!cache.invalidate(&1))),
        ("remove", |cache| assert!(cache.remove(&1).is_none())),
        ("clear", |cache| cache.clear()),
        ("insert and remove", |cache| {
            cache.insert(1, 500);
            assert_eq!(cache.remove(&1).as_deref(), Some(&500));
        }),
    ]
}

fn g3_the_end_of_a_superseded_flight_leaves_its_successor_alone<F: Kind>() {
    for style in BOTH {
        for ending in &ENDINGS {
            for overtaking in overtakings() {
                the_successor_stands::<F>(style, ending, overtaking);
            }
        }
    }
}

fn the_successor_stands<F: Kind>(style: Style, ending: &Ending, (name, overtake): Overtake<F::Of<u32, usize>>) {
    let case = format!("{style:?}, {}, {name}", ending.name);
    let runway = Runway::new(2);
    let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new(), style, ending.answers()));

    let before = apart(&cache, |cache| cache.fetch_optional(&1));
    runway.until_begun(0);
    overtake(&cache);
    let after = apart(&cache, |cache| cache.fetch_detailed(&1));
    runway.until_begun(1);
    runway.open(0);
    until("the first load has ended", || cache.metrics().loads_ended() == 1);
    assert!(!cache.contains_key(&1), "{case}: what a superseded flight brings isn't stored");
    // Who comes now finds the new flight.
    let late = apart(&cache, |cache| cache.fetch_detailed(&1));
    until("the late caller joins", || cache.metrics().joined == 1);
    let before = match ending.caller {
        Gets::Answer(answer) => {
            assert_eq!(before.result().expect("the first load answers").as_deref(), answer.as_ref(), "{case}");
            None
        }
        Gets::TheSuccessors => Some(before),
    };
    runway.open(1);
    if let Some(before) = before {
        assert_eq!(before.result().expect("the second load answers").as_deref(), Some(&1), "{case}: it looks again");
    }
    let found = [after, late].map(|caller| caller.result().expect("the second load answers"));
    let found = found.map(|found| (*found.value, found.source));
    assert_eq!(found, [(1, Source::Loaded), (1, Source::Joined)], "{case}");
    assert_eq!(cache.fetch(&1).as_deref(), Some(&1), "{case}: what the successor brought is held");
    assert_eq!(runway.begun(), 2, "{case}: one load on either side of the write");
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.loads_started, metrics.loads_stored), (2, 1), "{case}");
}

/// An insert overtakes too; the successor is a refresh then.
fn g3_the_end_of_a_flight_that_an_insert_overtook_leaves_a_refresh_alone<F: Kind>() {
    for style in BOTH {
        for ending in &ENDINGS {
            let case = format!("{style:?}, {}", ending.name);
            let runway = Runway::new(2);
            let cache = F::Of::<u32, usize>::build(runway.loader(CacheBuilder::new(), style, ending.answers()));

            let before = apart(&cache, |cache| cache.fetch_optional(&1));
            runway.until_begun(0);
            cache.insert(1, 500);
            let refresh = apart(&cache, |cache| cache.refresh(&1));
            runway.until_begun(1);
            runway.open(0);
            let expected = match ending.caller {
                Gets::Answer(answer) => answer,
                // It looks again and finds what was inserted.
                Gets::TheSuccessors => Some(500),
            };
            assert_eq!(before.result().expect("there is an answer").as_deref(), expected.as_ref(), "{case}");
            assert_eq!(cache.fetch(&1).as_deref(), Some(&500), "{case}: what was inserted stays");
            let joins = apart(&cache, |cache| cache.refresh(&1));
            until("the late refresh joins", || cache.metrics().joined == 1);
            runway.open(1);
            for caller in [refresh, joins] {
                assert_eq!(*caller.result().expect("the second load answers"), 1, "{case}");
            }
            assert_eq!((cache.fetch(&1).as_deref(), runway.begun()), (Some(&1), 2), "{case}");
            at_rest(&cache.sync());
        }
    }
}

/// Three generations at once, landing in the reverse order and in the order of their starts.
fn g3_of_several_generations_only_the_last_is_stored<F: Kind>() {
    for style in BOTH {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let runway = Runway::new(3);
            let cache = F::Of::<u32, usize>::build(runway.numbers(CacheBuilder::new(), style));
            let mut callers: Vec<_> = (0..3)
                .map(|generation| {
                    cache.invalidate(&1);
                    let caller = apart(&cache, |cache| cache.fetch_with(&1));
                    runway.until_begun(generation);
                    Some(caller)
                })
                .collect();
            for generation in order {
                runway.open(generation);
                let value = callers[generation].take().expect("each lands once").result();
                assert_eq!(*value.expect("its own load brings it"), generation, "{style:?}, {order:?}");
            }
            assert_eq!((cache.fetch(&1).as_deref(), runway.begun()), (Some(&2), 3), "{style:?}, {order:?}");
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.loads_stored, metrics.loads_superseded), (1, 2));
        }
    }
}

on_every_face_in_time!(
    g3_the_end_of_a_superseded_flight_leaves_its_successor_alone,
    g3_the_end_of_a_flight_that_an_insert_overtook_leaves_a_refresh_alone,
    g3_of_several_generations_only_the_last_is_stored,
);

/// A caller that goes away takes its own seat along, not the flight that took its flight's place.
#[test]
fn g3_a_caller_of_a_superseded_flight_that_leaves_takes_nothing_of_the_successor_along() {
    in_time(|| {
        for style in BOTH {
            let runway = Runway::new(2);
            let cache = runway.numbers::<u32>(AsyncCache::builder(), style).build_async().expect("the settings make sense");
            let mut before = cache.fetch_with(&1);
            assert!((&mut before).now_or_never().is_none(), "the load is held");
            runway.until_begun(0);
            cache.invalidate(&1);
            let mut after = cache.fetch_detailed(&1);
            assert!((&mut after).now_or_never().is_none(), "the load is held");
            runway.until_begun(1);
            drop(before);
            let late = cache.fetch_detailed(&1);
            runway.open(0);
            runway.open(1);
            let found = futures::executor::block_on(futures::future::join(after, late));
            let found = [found.0, found.1].map(|found| found.expect("the second load brings it"));
            assert_eq!(found.map(|found| (*found.value, found.source)), [(1, Source::Loaded), (1, Source::Joined)], "{style:?}");
            assert_eq!((cache.fetch(&1).as_deref(), runway.begun()), (Some(&1), 2), "{style:?}");
            at_rest(&cache.to_sync());
        }
    });
}
