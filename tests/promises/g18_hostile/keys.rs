//! Keys whose `Hash`, `Eq`, `Clone` or `Drop` panics: at each single moment of each single call.

use crate::faces::{Face, Kind};
use crate::g18_hostile::fuse::{DEEDS, Deed};
use crate::g18_hostile::scene::{Call, Done, HELD, NEW, Scene, Setting, others, settings, stored, writes};
use crate::hush::caught;
use crate::runway::{BOTH, Style};
use bellwether::LoadErrorKind;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// More deeds than any call does.
const MOST: u32 = 60;

/// Makes `call` again and again, each time with the next deed of its kind panicking, until it gets by without. Gives how often one panicked.
fn at_each_moment<F: Kind>(call: Call<F>, id: u32, deed: Deed, setting: Setting, check: impl Fn(&Scene<F>, Result<Done, String>)) -> u32 {
    for pass in 0..MOST {
        let scene = Scene::<F>::new(setting, 0);
        let key = scene.keys.key(id);
        scene.keys.fuse.light(deed, pass);
        let result = caught(|| call.1(&scene.cache, &key));
        let blew = scene.keys.fuse.put_out();
        if !blew {
            assert!(!matches!(result, Err(_) | Ok(Done::Load(Err(_)))), "{} fails for nothing", call.0);
            scene.is_sound(call.0, stored(call, &result));
            return pass;
        }
        check(&scene, result);
    }
    panic!("{} does {deed:?} without end", call.0);
}

/// The panic came out of the call, or is the load's error.
fn reached_the_caller(what: &str, deed: Deed, result: &Result<Done, String>) {
    let text = match result {
        Err(text) => text.clone(),
        Ok(Done::Load(Err(error))) => {
            assert_eq!(error.kind(), LoadErrorKind::Panicked, "{what}, {deed:?}");
            error.to_string()
        }
        Ok(Done::Load(Ok(())) | Done::Plain(_)) => panic!("{what}: the panic of {deed:?} got lost"),
    };
    assert!(text.contains(&format!("{deed:?}")), "{what}, {deed:?}: {text}");
}

fn g18_a_key_that_panics_at_any_moment_leaves_a_sound_cache<F: Kind>() {
    let mut blown = [0; 4];
    for setting in BOTH.into_iter().flat_map(settings) {
        for (n, deed) in DEEDS.into_iter().enumerate() {
            for id in [1, HELD - 1, NEW] {
                for call in writes::<F>().into_iter().take(5).chain(others::<F>()) {
                    blown[n] += at_each_moment::<F>(call, id, deed, setting, |scene, result| {
                        let what = format!("{} of {id}, {setting:?}, {deed:?}", call.0);
                        if deed != Deed::Drop {
                            reached_the_caller(&what, deed, &result);
                        }
                        scene.is_sound(&what, stored(call, &result));
                    });
                }
            }
        }
    }
    assert!(blown.iter().all(|&n| n > 30), "each deed has been done at many moments: {blown:?}");
}

fn changes_nothing<F: Kind>(calls: impl Iterator<Item = Call<F>>) {
    for call in calls {
        for setting in settings(BOTH[0]) {
            for deed in [Deed::Hash, Deed::Eq] {
                for id in [1, HELD - 1, NEW] {
                    at_each_moment::<F>(call, id, deed, setting, |scene, result| {
                        assert!(result.is_err(), "the panic is the caller's");
                        let held = (0..HELD).map(|id| (id, id as usize)).collect();
                        assert_eq!(scene.content(), held, "{} of {id}, {setting:?}, {deed:?}", call.0);
                        scene.is_sound(call.0, 0);
                    });
                }
            }
        }
    }
}

fn g18_a_write_whose_key_panics_changes_nothing<F: Kind>() {
    changes_nothing::<F>(writes::<F>().into_iter().take(5));
}

/// What made room by then is gone, as if it had been evicted for another; nothing else is changed.
fn g18_a_write_that_gathers_its_room_stores_nothing_if_its_key_panics<F: Kind>() {
    // Whether a key's own shard has the room is a matter of the hash function, which is another one for each cache.
    for call in writes::<F>().into_iter().skip(5).cycle().take(10) {
        for setting in settings(BOTH[0]) {
            for (deed, id) in [Deed::Hash, Deed::Eq].into_iter().flat_map(|deed| [1, HELD - 1, NEW].map(|id| (deed, id))) {
                at_each_moment::<F>(call, id, deed, setting, |scene, result| {
                    assert!(result.is_err(), "the panic is the caller's");
                    let content = scene.content();
                    assert!(content.iter().all(|(id, value)| *id as usize == *value && *id < HELD), "{}: {content:?}", call.0);
                    assert!(deed == Deed::Eq || content.len() == HELD as usize, "{}: {content:?}", call.0);
                    scene.is_sound(call.0, 0);
                });
            }
        }
    }
}

fn g18_what_made_room_for_a_write_whose_key_panics_is_counted<F: Kind>() {
    for (call, setting) in writes::<F>().into_iter().skip(5).cycle().take(10).flat_map(|call| settings(BOTH[0]).map(move |s| (call, s))) {
        for id in [1, HELD - 1, NEW] {
            at_each_moment::<F>(call, id, Deed::Eq, setting, |scene, _| scene.is_sound(&format!("{} of {id}, {setting:?}", call.0), 0));
        }
    }
}

/// Keys that leave are dropped one by one, and so are those that the cache made for itself; a panic of one is no affair of the caller.
fn g18_the_drop_of_a_key_of_the_caches_own_stops_no_call<F: Kind>() {
    // An insert of absence drops the caller's own key.
    let calls = || writes::<F>().into_iter().filter(|(name, _)| *name != "insert of absence").chain(others::<F>());
    let (mut blown, stopped) = (0, RefCell::new(BTreeSet::new()));
    for setting in BOTH.into_iter().flat_map(settings) {
        for call in calls() {
            for id in [1, HELD - 1, NEW] {
                blown += at_each_moment::<F>(call, id, Deed::Drop, setting, |scene, result| {
                    // An async closure is given a key of its own: what dropping that one does is the load's affair.
                    let fine = match &result {
                        Ok(Done::Plain(_) | Done::Load(Ok(()))) => true,
                        Ok(Done::Load(Err(error))) => matches!(setting.style, Style::Async) && error.kind() == LoadErrorKind::Panicked,
                        Err(_) => false,
                    };
                    if !fine {
                        stopped.borrow_mut().insert(format!("{} ({:?} loader)", call.0, setting.style));
                    }
                    scene.is_sound(call.0, stored(call, &result));
                });
            }
        }
    }
    assert_eq!(stopped.into_inner(), BTreeSet::new(), "these calls were stopped by a key's `Drop`");
    assert!(blown > 30, "many moments have been tried: {blown}");
}

/// A walk whose caller goes on after a panic.
fn g18_a_walk_that_a_key_stopped_goes_on_where_it_was<F: Kind>() {
    for setting in settings(BOTH[0]) {
        for pass in 0..HELD {
            let scene = Scene::<F>::new(setting, 0);
            let cache = scene.cache.sync();
            let (mut walk, mut seen, mut stopped) = (cache.iter(), Vec::new(), 0);
            scene.keys.fuse.light(Deed::Clone, pass);
            loop {
                match caught(|| walk.next()) {
                    Ok(Some((key, _))) => seen.push(key.id),
                    Ok(None) => break,
                    Err(_) => stopped += 1,
                }
            }
            assert!(scene.keys.fuse.put_out());
            seen.sort_unstable();
            assert_eq!((seen, stopped), ((0..HELD).collect(), 1), "each is seen once, {setting:?}, {pass}");
        }
    }
}

crate::on_every_face_in_time!(
    g18_a_key_that_panics_at_any_moment_leaves_a_sound_cache,
    g18_a_write_whose_key_panics_changes_nothing,
    g18_a_write_that_gathers_its_room_stores_nothing_if_its_key_panics,
    g18_what_made_room_for_a_write_whose_key_panics_is_counted,
    g18_the_drop_of_a_key_of_the_caches_own_stops_no_call,
    g18_a_walk_that_a_key_stopped_goes_on_where_it_was,
);
