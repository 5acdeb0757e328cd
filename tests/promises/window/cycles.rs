//! Fetches inside loads that went out together: they aren't held back, and what waits for itself is told so.

use super::scene::{Home, Out, Scene, Source, of, put_all, wait};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{BoxError, LoadErrorKind, Loaded};

/// A loader whose call for key 1 fetches `needs` by the cache before it puts anything.
fn needing(home: &Home, needs: u32) -> Source {
    let home = home.clone();
    Source::new(move |keys: Vec<u32>, out: Out| {
        let home = home.clone();
        async move {
            if keys.contains(&1) {
                let needed = home.cache().to_async().fetch_with(&needs).await.map_err(BoxError::from)?;
                assert_eq!(*needed, of(needs));
            }
            put_all(&keys, &out);
            Ok(())
        }
    })
}

fn g7_window_fetches_inside_loads_are_not_held_back<F: Kind>() {
    for style in BOTH {
        for most in [None, Some(1)] {
            let home = Home::default();
            let scene = Scene::<F>::set(&needing(&home, 100), style, |builder| match most {
                Some(most) => builder.max_concurrent_loads(most),
                None => builder,
            });
            home.is(&scene.sync());
            let both = [1, 2].map(|key| scene.tasks.fetch_with(&key));
            scene.close();
            assert_eq!(both.map(wait), [Ok(10), Ok(20)], "{style:?}, {most:?}: the clock stands still");
            assert_eq!(scene.source.calls(), [[1, 2]], "{style:?}");
            assert_eq!(scene.source.singles(), [100], "{style:?}: at once, by itself");
            at_rest(&scene.sync());
        }
    }
}

fn g7_window_fetches_inside_closures_are_not_held_back<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        let (inner, held) = (scene.cache.clone(), scene.tasks.fetch_with(&7));
        if F::IS_BLOCKING {
            let sum = scene.cache.fetch_or_load(&1, move || Loaded::ok(*inner.fetch_with(&2)? + 1));
            assert_eq!(sum.as_deref().ok(), Some(&21), "{style:?}");
        } else {
            let inner = inner.sync().to_async();
            let sum = scene.tasks.fetch_or_load(&1, move || async move { Loaded::ok(*inner.fetch_with(&2).await? + 1) });
            assert_eq!(wait(sum), Ok(21), "{style:?}");
        }
        assert_eq!((scene.source.calls().len(), scene.source.singles()), (0, vec![2]), "{style:?}");
        scene.close();
        assert_eq!(wait(held), Ok(70), "{style:?}");
        at_rest(&scene.sync());
    }
}

/// What went out together is one load: it can't wait for one of its own.
fn g7_window_a_call_that_fetches_a_key_of_its_own_is_told_so<F: Kind>() {
    for style in BOTH {
        for own in [1, 2] {
            let home = Home::default();
            let scene = Scene::<F>::new(&needing(&home, own), style);
            home.is(&scene.sync());
            let both = [1, 2].map(|key| scene.tasks.fetch_with(&key));
            scene.close();
            for error in both.map(|fetch| futures::executor::block_on(fetch).expect_err("it waits for itself")) {
                let source = std::error::Error::source(&error).map(|source| format!("{source:?}")).unwrap_or_default();
                assert!(error.kind() == LoadErrorKind::Cycle || source.contains("Cycle"), "{style:?}: {error:?}");
            }
            let metrics = at_rest(&scene.sync());
            assert_eq!((metrics.loads_failed(), metrics.loads_failed_by(LoadErrorKind::TimedOut)), (2, 0), "{style:?}: {metrics:?}");
        }
    }
}

/// Two calls of which each fetches a key of the other's: a ring, though no key waits for itself.
fn g7_window_calls_that_wait_for_each_other_are_told_so<F: Kind>() {
    for style in BOTH {
        let (home, both_begun) = (Home::default(), Gate::new());
        let (inner, begun) = (home.clone(), both_begun.clone());
        let source = Source::new(move |keys: Vec<u32>, out: Out| {
            let (inner, begun) = (inner.clone(), begun.clone());
            async move {
                begun.pass().await;
                let other = if keys.contains(&1) { 3 } else { 1 };
                let found = inner.cache().to_async().fetch_with(&other).await;
                put_all(&keys[1..], &out);
                found.map(|_| put_all(&keys[..1], &out)).map_err(BoxError::from)
            }
        });
        let scene = Scene::<F>::new(&source, style);
        home.is(&scene.sync());
        let first = [1, 2].map(|key| scene.tasks.fetch_with(&key));
        scene.close();
        both_begun.until_arrived(1);
        let second = [3, 4].map(|key| scene.tasks.fetch_with(&key));
        scene.close();
        both_begun.until_arrived(2);
        both_begun.open();
        let found: Vec<_> = first.into_iter().chain(second).map(wait).collect();
        assert!(found.iter().any(Result::is_err), "{style:?}: {found:?}");
        assert!(!found.contains(&Err(LoadErrorKind::TimedOut)), "{style:?}: {found:?}");
        assert_eq!((found[1], found[3]), (Ok(20), Ok(40)), "{style:?}: what was put is there");
        at_rest(&scene.sync());
    }
}

/// A load may wait for a key that stands in the window; that goes out when the window closes.
fn g7_window_a_load_may_wait_for_what_stands_in_it<F: Kind>() {
    for style in BOTH {
        let scene = Scene::<F>::new(&Source::plain(), style);
        let five = scene.tasks.fetch_with(&5);
        let outer = apart(&scene.sync(), |cache| {
            let inner = cache.clone();
            cache.fetch_or_load(&9, move || Loaded::ok(*inner.fetch_with(&5)? + 1))
        });
        until("it waits for 5", || scene.cache.metrics().joined == 1);
        scene.close();
        assert_eq!((wait(five), outer.result().as_deref().ok()), (Ok(50), Some(&51)), "{style:?}");
        assert_eq!(scene.source.calls(), [[5]], "{style:?}");
        at_rest(&scene.sync());
    }
}

/// A load waits for a key that stands in the window, and what goes out with that key waits for the load.
fn g7_window_a_ring_through_what_stood_in_it_is_found<F: Kind>() {
    for style in BOTH {
        let home = Home::default();
        let inner = home.clone();
        let source = Source::new(move |keys: Vec<u32>, out: Out| {
            let inner = inner.clone();
            async move {
                let error = inner.cache().to_async().fetch_with(&9).await.expect_err("9 waits for 5, which is loaded here");
                assert_ne!(error.kind(), LoadErrorKind::TimedOut);
                put_all(&keys, &out);
                Ok(())
            }
        });
        let scene = Scene::<F>::new(&source, style);
        home.is(&scene.sync());
        let both = [5, 6].map(|key| scene.tasks.fetch_with(&key));
        let outer = apart(&scene.sync(), |cache| {
            let inner = cache.clone();
            cache.fetch_or_load(&9, move || Loaded::ok(*inner.fetch_with(&5)? + 1))
        });
        until("it waits for 5", || scene.cache.metrics().joined == 1);
        scene.close();
        assert_eq!(both.map(wait), [Ok(50), Ok(60)], "{style:?}");
        // Whichever of the two closed the ring was told so.
        assert!(outer.result().map_or_else(|error| error.kind() != LoadErrorKind::TimedOut, |value| *value == 51), "{style:?}");
        at_rest(&scene.sync());
    }
}

/// The load that waits has the only permit: what it waits for goes at once, and those that stand in the window with it.
fn g7_window_what_a_load_with_the_permit_waits_for_goes_at_once<F: Kind>() {
    for style in BOTH {
        let (home, gate) = (Home::default(), Gate::new());
        let (inner, held) = (home.clone(), gate.clone());
        let source = Source::new(move |keys: Vec<u32>, out: Out| {
            let (inner, held) = (inner.clone(), held.clone());
            async move {
                if keys.contains(&1) {
                    held.pass().await;
                    inner.cache().to_async().fetch_with(&5).await?;
                }
                put_all(&keys, &out);
                Ok(())
            }
        });
        let scene = Scene::<F>::set(&source, style, |builder| builder.max_concurrent_loads(1));
        home.is(&scene.sync());
        let one = scene.tasks.fetch_with(&1);
        scene.close();
        gate.until_arrived(1);
        let others = [4, 5, 6].map(|key| scene.tasks.fetch_with(&key));
        gate.open();
        assert_eq!(wait(one), Ok(10), "{style:?}: the clock stands still");
        assert_eq!(others.map(wait), [Ok(40), Ok(50), Ok(60)], "{style:?}");
        assert_eq!(scene.source.calls(), [vec![1], vec![4, 5, 6]], "{style:?}");
        assert_eq!(at_rest(&scene.sync()).permits_peak, 1, "{style:?}");
    }
}

on_every_face_in_time!(
    g7_window_fetches_inside_loads_are_not_held_back,
    g7_window_fetches_inside_closures_are_not_held_back,
    g7_window_a_call_that_fetches_a_key_of_its_own_is_told_so,
    g7_window_calls_that_wait_for_each_other_are_told_so,
    g7_window_a_load_may_wait_for_what_stands_in_it,
    g7_window_a_ring_through_what_stood_in_it_is_found,
    g7_window_what_a_load_with_the_permit_waits_for_goes_at_once,
);
