//! Seeing that a value is due and claiming its refresh are two steps: whatever happens in between is seen by the second.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{KEY, OLD, Of, due, due_with, info, settled, sourced, stale, stale_if_error, stale_while_revalidate};
use crate::gate::Gate;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{CacheBuilder, Equivalent, Fetched, LoadError, LoadKey, Loaded, Source, StaleReason};
use futures::executor::block_on;
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::time::Duration;

/// A form of the key that does something when the key itself is asked for: after the look, and before the claim.
struct Meanwhile<'a>(&'a dyn Fn());

impl Hash for Meanwhile<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        KEY.hash(state);
    }
}

impl Equivalent<u32> for Meanwhile<'_> {
    fn equivalent(&self, key: &u32) -> bool {
        *key == KEY
    }
}

impl LoadKey<u32> for Meanwhile<'_> {
    fn to_key(&self) -> u32 {
        (self.0)();
        KEY
    }
}

/// Calls, each of which does something between its look and its claim.
type Call<F> = fn(&Of<F>, &dyn Fn()) -> Result<Fetched<usize>, LoadError>;

/// As a thread and as a task.
fn calls<F: Kind>() -> [Call<F>; 2] {
    [
        |cache, meanwhile| cache.sync().fetch_detailed(&Meanwhile(meanwhile)),
        |cache, meanwhile| block_on(cache.sync().to_async().fetch_detailed(&Meanwhile(meanwhile))),
    ]
}

fn g12_who_finds_that_another_has_just_started_the_refresh_starts_none<F: Kind>() {
    for style in BOTH {
        for call in calls::<F>() {
            let runway = Runway::new(1);
            let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()));
            let another = || {
                assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
                runway.until_begun(0);
            };
            assert_eq!(sourced(call(&cache, &another)).0, OLD);
            runway.open(0);
            settled::<F>(&cache);
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.refreshes_started, metrics.loads_started, metrics.stale_hits, runway.begun()), (1, 1, 2, 1), "{style:?}");
        }
    }
}

fn g12_who_finds_that_the_refresh_has_just_been_made_makes_none<F: Kind>() {
    for style in BOTH {
        for call in calls::<F>() {
            for fails in [false, true] {
                let runway = Runway::new(0);
                let answer = move |number| if fails { Err("down".into()) } else { Loaded::ok(number) };
                let (cache, _) = due_with::<F>(runway.loader(stale_while_revalidate(CacheBuilder::new()), style, answer));
                let another = || {
                    assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
                    settled::<F>(&cache);
                };
                assert_eq!(sourced(call(&cache, &another)).0, OLD, "it is what was held when it looked");
                settled::<F>(&cache);
                assert_eq!((info::<F>(&cache).failures, runway.begun()), (u32::from(fails), 1), "{style:?}, fails: {fails}");
                assert_eq!(at_rest(&cache.sync()).refreshes_started, 1);
            }
        }
    }
}

fn g12_who_finds_that_the_value_has_just_left_or_is_another_refreshes_nothing<F: Kind>() {
    let writes: [fn(&Of<F>); 3] = [|cache| assert!(!cache.invalidate(&KEY)), |cache| cache.insert(KEY, 7), Face::clear];
    for style in BOTH {
        for call in calls::<F>() {
            for write in writes {
                let runway = Runway::new(0);
                let (cache, _) = due::<F>(&runway, style, stale_while_revalidate(CacheBuilder::new()));
                assert_eq!(sourced(call(&cache, &|| write(&cache))).0, OLD, "it is what was held when it looked");
                assert_eq!((at_rest(&cache.sync()).loads_started, runway.begun()), (0, 0), "{style:?}");
            }
        }
    }
}

/// In the error window nothing is served before the claim, so that what was brought meanwhile is the answer.
fn g12_in_the_error_window_what_was_just_brought_is_the_answer<F: Kind>() {
    for style in BOTH {
        for call in calls::<F>() {
            let runway = Runway::new(0);
            let (cache, _) = due::<F>(&runway, style, stale_if_error(CacheBuilder::new()));
            let another = || assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&0));
            assert_eq!(sourced(call(&cache, &another)), (0, Source::Hit), "{style:?}");
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.loads_started, metrics.misses, metrics.hits), (1, 1, 1), "{style:?}");
        }
    }
}

/// A load that began meanwhile and is past its time already: the value in hand is what there is, not its error.
fn g12_in_the_error_window_a_load_that_has_just_timed_out_leaves_the_value_in_hand<F: Kind>() {
    let limit = Duration::from_secs(5);
    for call in calls::<F>() {
        let gate = Gate::new();
        let (cache, clock) = due_with::<F>(stale_if_error(CacheBuilder::new().loader_fn(|_: &u32| Loaded::ok(1))).load_timeout(limit));
        let slow = Cell::new(None);
        let another = || {
            let held = gate.clone();
            slow.set(Some(apart(&cache.sync(), move |cache| {
                cache.fetch_or_load(&KEY, || {
                    held.wait();
                    Loaded::ok(2)
                })
            })));
            gate.until_arrived(1);
            clock.advance(limit);
        };
        let fetched = call(&cache, &another);
        gate.open();
        drop(slow.take().map(|slow| slow.result()));
        assert_eq!(stale(fetched), Some((OLD, StaleReason::LoadFailed)));
        settled::<F>(&cache);
        at_rest(&cache.sync());
    }
}

on_every_face_in_time!(
    g12_who_finds_that_another_has_just_started_the_refresh_starts_none,
    g12_who_finds_that_the_refresh_has_just_been_made_makes_none,
    g12_who_finds_that_the_value_has_just_left_or_is_another_refreshes_nothing,
    g12_in_the_error_window_what_was_just_brought_is_the_answer,
    g12_in_the_error_window_a_load_that_has_just_timed_out_leaves_the_value_in_hand,
);
