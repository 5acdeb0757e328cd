//! Keys that panic while a load is in the air, and while it lands.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g18_hostile::fuse::{DEEDS, Deed};
use crate::g18_hostile::scene::{Call, Done, HELD, LOADED, NEW, Scene, settings, stored, writes};
use crate::gate::until;
use crate::hush::caught;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{LoadError, LoadErrorKind};
use std::sync::Arc;

/// More deeds than any call does.
const MOST: u32 = 60;

/// Lets the load go on and gives what its leader got: its result, or the panic that came out of its call.
type Led = Result<Result<Arc<usize>, LoadError>, String>;

fn clear<F: Kind>() -> Call<F> {
    ("clear", |cache, _| {
        cache.clear();
        Done::Load(Ok(()))
    })
}

/// A load of the very key, or of another with the same hash, is in the air when the call panics.
fn g18_a_key_that_panics_in_a_write_leaves_the_load_in_the_air_alone<F: Kind>() {
    for setting in BOTH.into_iter().flat_map(settings) {
        for call in writes::<F>().into_iter().take(5).chain([clear::<F>()]) {
            for (deed, id) in [(Deed::Hash, NEW), (Deed::Eq, NEW), (Deed::Eq, 1), (Deed::Drop, NEW), (Deed::Drop, 1)] {
                for pass in 0.. {
                    assert!(pass < MOST, "{} does {deed:?} without end", call.0);
                    let scene = Scene::<F>::new(setting, 1);
                    let (flown, key) = (scene.keys.key(NEW), scene.keys.key(id));
                    let leader = apart(&scene.cache, move |cache| cache.fetch_with(&flown));
                    scene.runway.until_begun(0);
                    scene.keys.fuse.light(deed, pass);
                    let result = caught(|| call.1(&scene.cache, &key));
                    let blew = scene.keys.fuse.put_out();
                    let what = format!("{} of {id}, {setting:?}, {deed:?} {pass}", call.0);
                    assert!(!blew || result.is_err() || deed == Deed::Drop, "{what}: the panic is the caller's");
                    scene.runway.open(0);
                    assert_eq!(*leader.result().expect("the load knows nothing of it"), LOADED, "{what}");
                    if result.is_err() && deed != Deed::Drop {
                        let metrics = at_rest(&scene.cache.sync());
                        assert_eq!((metrics.loads_stored, metrics.loads_superseded), (1, 0), "{what}: the write came to nothing");
                    }
                    scene.is_sound(&what, stored(call, &result));
                    if !blew {
                        break;
                    }
                }
            }
        }
    }
}

fn g18_a_key_that_panics_while_its_load_lands_ends_the_load<F: Kind>() {
    let mut blown = 0;
    for setting in BOTH.into_iter().flat_map(settings) {
        for deed in DEEDS {
            for id in [NEW, HELD - 1] {
                for pass in 0.. {
                    assert!(pass < MOST, "landing does {deed:?} without end");
                    let scene = Scene::<F>::new(setting, 1);
                    let flown = scene.keys.key(id);
                    let leader = apart(&scene.cache, move |cache| {
                        let led: Led = caught(|| cache.refresh(&flown));
                        (led, flown)
                    });
                    scene.runway.until_begun(0);
                    let joined = scene.keys.key(id);
                    let joiner = apart(&scene.cache, move |cache| {
                        let led: Led = caught(|| cache.refresh(&joined));
                        (led, joined)
                    });
                    until("it has joined", || scene.cache.metrics().joined == 1);
                    scene.keys.fuse.light(deed, pass);
                    scene.runway.open(0);
                    let ends = [leader.result(), joiner.result()];
                    let blew = scene.keys.fuse.put_out();
                    let what = format!("{deed:?} {pass} of {id} while it lands, {setting:?}");
                    for (led, _key) in ends {
                        match led {
                            Ok(Ok(value)) => assert_eq!(*value, LOADED, "{what}"),
                            Ok(Err(error)) => {
                                assert_eq!(error.kind(), LoadErrorKind::Panicked, "{what}");
                                assert!(error.to_string().contains(&format!("{deed:?}")), "{what}: {error}");
                            }
                            Err(text) => assert!(text.contains(&format!("{deed:?}")), "{what}: {text}"),
                        }
                    }
                    scene.is_sound(&what, 0);
                    if !blew {
                        break;
                    }
                    blown += 1;
                }
            }
        }
    }
    assert!(blown > 30, "many moments have been tried: {blown}");
}

crate::on_every_face_in_time!(
    g18_a_key_that_panics_in_a_write_leaves_the_load_in_the_air_alone,
    g18_a_key_that_panics_while_its_load_lands_ends_the_load,
);
