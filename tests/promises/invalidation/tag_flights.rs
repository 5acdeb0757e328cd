//! G2: a tag that is struck while a load is under way counts for what the load brings.

use super::scene::{Hands, with_runway};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use bellwether::{CacheBuilder, Entry, Loaded, RemovalCause};

const KEY: u32 = 1;

/// Ways to strike.
const STRIKES: [fn(&Hands<u32, u32>); 2] = [|hands| hands.invalidate_tag("a"), |hands| hands.expire_tag("a")];

/// What each load brings that carries the tag.
fn tagged(number: u32) -> Loaded<u32> {
    Loaded::value(number).tags(["a"])
}

/// Loads whose caller is the cache itself, a closure, or one who wants a newer value.
fn g2_who_waited_before_the_strike_gets_the_value_and_who_came_after_it_looks_again<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let (cache, hands, runway) = with_runway::<F>(1, style, CacheBuilder::new(), tagged);
            let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
            runway.until_begun(0);
            let before = apart(&cache, |cache| cache.fetch_with(&KEY));
            until("it joins", || cache.metrics().joined == 1);
            strike(&hands);
            let after = apart(&cache, |cache| cache.fetch_with(&KEY));
            until("it joins", || cache.metrics().joined == 2);
            runway.open(0);
            assert_eq!((*leader.result().expect("it is loaded"), *before.result().expect("it is loaded")), (0, 0));
            assert_eq!(*after.result().expect("it is loaded"), 1, "it came after the strike");
            assert_eq!(cache.fetch(&KEY).as_deref(), Some(&1));
            let metrics = at_rest(&cache.sync());
            assert_eq!((metrics.loads_started, metrics.loads_superseded, metrics.removals(RemovalCause::Superseded)), (2, 1, 1));
        }
    }
}

fn g2_what_a_struck_load_brings_is_not_stored<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let (cache, hands, runway) = with_runway::<F>(1, style, CacheBuilder::new(), tagged);
            let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
            runway.until_begun(0);
            strike(&hands);
            runway.open(0);
            assert_eq!(*leader.result().expect("it is loaded"), 0, "it came before the strike");
            assert_eq!((cache.fetch(&KEY), cache.fetch_stale(&KEY).map(|fetched| fetched.value), cache.len()), (None, None, 0));
            at_rest(&cache.sync());
        }
    }
}

fn g2_a_strike_before_the_load_counts_for_nothing<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let (cache, hands, _) = with_runway::<F>(0, style, CacheBuilder::new(), tagged);
            strike(&hands);
            assert_eq!(*cache.fetch_with(&KEY).expect("it is loaded"), 0);
            assert_eq!(cache.fetch(&KEY).as_deref(), Some(&0));
            strike(&hands);
            assert_eq!(*cache.fetch_with(&KEY).expect("it is loaded"), 1);
            assert_eq!(cache.fetch(&KEY).as_deref(), Some(&1));
            cache.run_maintenance();
            at_rest(&cache.sync());
        }
    }
}

/// The value that is held doesn't carry the tag, and stays.
fn g2_a_struck_refresh_leaves_what_is_held<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let (cache, hands, runway) = with_runway::<F>(1, style, CacheBuilder::new(), tagged);
            cache.insert(KEY, 100);
            let refresher = apart(&cache, |cache| cache.refresh(&KEY));
            runway.until_begun(0);
            strike(&hands);
            let after = apart(&cache, |cache| cache.refresh(&KEY));
            until("it joins", || cache.metrics().joined == 1);
            runway.open(0);
            assert_eq!(*refresher.result().expect("it is loaded"), 0);
            assert_eq!(*after.result().expect("it is loaded"), 1);
            assert_eq!(cache.fetch(&KEY).as_deref(), Some(&1));
            at_rest(&cache.sync());
        }
    }
}

fn g2_what_a_struck_closure_brings_is_not_stored<F: Kind>() {
    for strike in STRIKES {
        let (cache, hands) = Hands::<u32, u32>::build::<F>(CacheBuilder::new());
        let striking = hands.clone();
        let got = cache.fetch_or_load(&KEY, move || {
            strike(&striking);
            Ok(tagged(7))
        });
        assert_eq!((got.ok().as_deref(), cache.fetch(&KEY)), (Some(&7), None));
        at_rest(&cache.sync());
    }
}

fn g2_a_tag_that_is_struck_while_an_entry_is_held_counts<F: Kind>() {
    for strike in STRIKES {
        let (cache, hands) = Hands::<u32, u32>::build::<F>(CacheBuilder::new());
        let Entry::Vacant(entry) = hands.entry(KEY) else { panic!("nothing is held") };
        let before = apart(&hands, |hands| match hands.entry(KEY) {
            Entry::Occupied(entry) => Some(**entry.get()),
            Entry::Vacant(_) => None,
        });
        until("it joins", || cache.metrics().joined == 1);
        strike(&hands);
        let after = apart(&hands, |hands| match hands.entry(KEY) {
            Entry::Occupied(entry) => Some(**entry.get()),
            Entry::Vacant(_) => None,
        });
        until("it joins", || cache.metrics().joined == 2);
        assert_eq!(*entry.insert(tagged(7)), 7);
        assert_eq!(before.result(), Some(7), "it came before the strike");
        assert_eq!(after.result(), None, "it came after the strike");
        assert_eq!(cache.fetch(&KEY), None);
        at_rest(&cache.sync());
    }
}

/// Another tag is no reason.
fn g2_a_load_that_brings_another_tag_is_stored<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let (cache, hands, runway) =
                with_runway::<F>(1, style, CacheBuilder::new().no_janitor(), |number| Loaded::value(number).tags(["b", "c"]));
            // While somebody carries a name, no other is taken for it.
            cache.insert_with(2, Loaded::value(2).tags(["a", "b"]));
            let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
            runway.until_begun(0);
            strike(&hands);
            runway.open(0);
            assert_eq!(*leader.result().expect("it is loaded"), 0);
            assert_eq!((cache.fetch(&KEY).as_deref(), cache.fetch(&2)), (Some(&0), None));
            cache.run_maintenance();
            at_rest(&cache.sync());
        }
    }
}

/// The load hasn't begun when the tag is struck.
fn g2_a_strike_counts_for_nothing_to_a_load_that_waits_for_its_turn<F: Kind>() {
    for strike in STRIKES {
        let builder = CacheBuilder::new().max_concurrent_loads(1);
        let (cache, hands, runway) = with_runway::<F>(1, Style::Async, builder, tagged);
        let first = apart(&cache, |cache| cache.fetch_with(&2));
        runway.until_begun(0);
        let queued = apart(&cache, |cache| cache.fetch_with(&KEY));
        until("it waits", || cache.metrics().flights == 2);
        strike(&hands);
        runway.open(0);
        assert_eq!(*first.result().expect("it is loaded"), 0);
        assert_eq!(*queued.result().expect("it is loaded"), 1);
        assert_eq!((cache.fetch(&2), cache.fetch(&KEY).as_deref()), (None, Some(&1)));
        at_rest(&cache.sync());
    }
}

/// Other strikes, and loads of many keys, that come before him are nothing to one who joins.
fn g2_who_joined_before_the_strike_gets_the_value_whatever_was_struck_before<F: Kind>() {
    for style in BOTH {
        for strike in STRIKES {
            let (cache, hands, runway) = with_runway::<F>(1, style, CacheBuilder::new().no_janitor(), tagged);
            // Of a name that nobody carries less is known.
            cache.insert_with(2, tagged(200));
            let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
            runway.until_begun(0);
            hands.invalidate_tag("another");
            let before = apart(&cache, |cache| cache.fetch_with(&KEY));
            until("it joins", || cache.metrics().joined == 1);
            strike(&hands);
            runway.open(0);
            assert_eq!((*leader.result().expect("it is loaded"), *before.result().expect("it is loaded")), (0, 0));
            assert_eq!((cache.fetch(&KEY), at_rest(&cache.sync()).loads_started), (None, 1));
        }
    }
}

on_every_face_in_time!(
    g2_who_waited_before_the_strike_gets_the_value_and_who_came_after_it_looks_again,
    g2_who_joined_before_the_strike_gets_the_value_whatever_was_struck_before,
    g2_what_a_struck_load_brings_is_not_stored,
    g2_a_strike_before_the_load_counts_for_nothing,
    g2_a_struck_refresh_leaves_what_is_held,
    g2_what_a_struck_closure_brings_is_not_stored,
    g2_a_tag_that_is_struck_while_an_entry_is_held_counts,
    g2_a_load_that_brings_another_tag_is_stored,
    g2_a_strike_counts_for_nothing_to_a_load_that_waits_for_its_turn,
);
