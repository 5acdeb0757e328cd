//! G2: a value that was struck comes back by no way round: found unchanged, not stored, or kept out.

use super::scene::{Hands, mocked, with_runway};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::secs;
use crate::runway::{BOTH, Runway};
use bellwether::{CacheBuilder, Loaded};

const KEY: u32 = 1;

/// Ways to strike.
const STRIKES: [fn(&Hands<u32, u32>); 2] = [|hands| hands.invalidate_tag("a"), |hands| hands.expire_tag("a")];

/// What each load brings that carries the tag.
fn tagged(number: u32) -> Loaded<u32> {
    Loaded::value(number).tags(["a"])
}

/// A value that was found to be unchanged is the one that was struck, though its entry has gone since.
fn g2_an_unchanged_value_that_was_struck_does_not_come_back<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            for is_swept in [false, true] {
                let (cache, hands, runway) = with_runway::<F>(1, style, CacheBuilder::new().no_janitor(), |_| Loaded::unchanged());
                cache.insert_with(KEY, tagged(100));
                let refresher = apart(&cache, |cache| cache.refresh(&KEY));
                runway.until_begun(0);
                strike(&hands);
                if is_swept {
                    cache.run_maintenance();
                }
                runway.open(0);
                assert_eq!(*refresher.result().expect("it came before the strike"), 100);
                assert_eq!(cache.fetch(&KEY), None, "swept: {is_swept}");
                cache.run_maintenance();
                at_rest(&cache.sync());
            }
        }
    }
}

/// Its entry has gone while it was looked for: what is stored of it carries its tags.
fn g2_an_unchanged_value_keeps_its_tags_though_its_entry_has_gone<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let (clock, builder) = mocked();
            let builder = builder.no_janitor().time_to_live(secs(10)).stale_if_error(secs(10));
            let (cache, hands, runway) = with_runway::<F>(1, style, builder, |_| Loaded::unchanged());
            cache.insert_with(KEY, tagged(100));
            clock.advance(secs(11));
            let fetcher = apart(&cache, |cache| cache.fetch_with(&KEY));
            runway.until_begun(0);
            clock.advance(secs(10));
            cache.run_maintenance();
            assert_eq!(cache.len(), 0);
            runway.open(0);
            assert_eq!(*fetcher.result().expect("it is unchanged"), 100);
            assert_eq!(cache.fetch(&KEY).as_deref(), Some(&100));
            strike(&hands);
            assert_eq!(cache.fetch(&KEY), None);
            cache.run_maintenance();
            at_rest(&cache.sync());
        }
    }
}

/// Other tags from now on don't make another value of it.
fn g2_an_unchanged_value_that_was_struck_does_not_come_back_by_other_tags<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let (cache, hands, runway) = with_runway::<F>(1, style, CacheBuilder::new().no_janitor(), |_| Loaded::unchanged().tags(["b"]));
            cache.insert_with(KEY, tagged(100));
            let refresher = apart(&cache, |cache| cache.refresh(&KEY));
            runway.until_begun(0);
            strike(&hands);
            runway.open(0);
            assert_eq!(*refresher.result().expect("it came before the strike"), 100);
            assert_eq!(cache.fetch(&KEY), None);
            cache.run_maintenance();
            at_rest(&cache.sync());
        }
    }
}

/// The first load is struck while it is in the air: who waited before gets what it brings, and who comes after what the next one does.
fn is_for_who_came_before<F: Kind>(cache: &F::Of<u32, u32>, runway: &Runway, strike: impl FnOnce()) {
    let leader = apart(cache, |cache| cache.fetch_with(&KEY));
    runway.until_begun(0);
    strike();
    let after = apart(cache, |cache| cache.fetch_with(&KEY));
    until("it joins", || cache.metrics().joined == 1);
    runway.open(0);
    assert_eq!(*leader.result().expect("it is loaded"), 0);
    assert_eq!(*after.result().expect("it is loaded"), 1);
}

/// What isn't stored at all is as old.
fn g2_what_a_struck_load_has_handed_out_uncached_is_not_for_who_came_after_it<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let (cache, hands, runway) = with_runway::<F>(1, style, CacheBuilder::new(), |number| tagged(number).uncached());
            is_for_who_came_before::<F>(&cache, &runway, || strike(&hands));
            at_rest(&cache.sync());
        }
    }
}

/// Nor is what is too heavy to be stored.
fn g2_what_a_struck_load_brings_that_is_refused_is_not_for_who_came_after_it<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let builder = CacheBuilder::new().capacity(5).weigher(|_, _| 10);
            let (cache, hands, runway) = with_runway::<F>(1, style, builder, tagged);
            is_for_who_came_before::<F>(&cache, &runway, || strike(&hands));
            at_rest(&cache.sync());
        }
    }
}

/// Nor what an embargo keeps out.
fn g2_what_a_struck_load_brings_under_an_embargo_is_not_for_who_came_after_it<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let (_clock, builder) = mocked();
            let (cache, hands, runway) = with_runway::<F>(1, style, builder, tagged);
            hands.invalidate_for(&KEY, secs(10));
            is_for_who_came_before::<F>(&cache, &runway, || strike(&hands));
            assert_eq!(cache.fetch(&KEY), None);
            at_rest(&cache.sync());
        }
    }
}

on_every_face_in_time!(
    g2_an_unchanged_value_that_was_struck_does_not_come_back,
    g2_an_unchanged_value_keeps_its_tags_though_its_entry_has_gone,
    g2_an_unchanged_value_that_was_struck_does_not_come_back_by_other_tags,
    g2_what_a_struck_load_has_handed_out_uncached_is_not_for_who_came_after_it,
    g2_what_a_struck_load_brings_that_is_refused_is_not_for_who_came_after_it,
    g2_what_a_struck_load_brings_under_an_embargo_is_not_for_who_came_after_it,
);
