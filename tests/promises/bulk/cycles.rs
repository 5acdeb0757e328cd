//! Calls for many keys from inside loads: what waits for itself is told so, whatever else hangs together ends well.

use super::scene::{Home, of};
use crate::faces::{Face, Kind};
use crate::gate::Gate;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{BlockingLoader, BoxError, CacheBuilder, LoadErrorKind, LoadSink, Loaded};

type Of<F> = <F as Kind>::Of<u32, u32>;

/// A loader that works on threads, by calls of the blocking face. From 100 on a key is loaded by asking for others.
struct Threads {
    home: Home,
    /// Where the call that has put the first of its keys waits.
    gate: Gate,
}

impl Threads {
    fn load_of(&self, key: u32) -> Result<u32, BoxError> {
        match key {
            // The outer load asks for two keys at once.
            100 => {
                let found = self.home.cache().multi_fetch_with(&[1, 2]).found()?;
                Ok(*found[&1] + *found[&2])
            }
            // What the second of those needs, and what needs the outer load in turn.
            200 => Ok(*self.home.cache().fetch_with(&100)?),
            key => Ok(of(key)),
        }
    }
}

impl BlockingLoader<u32, u32> for Threads {
    type Error = BoxError;

    fn load(&self, key: &u32) -> Result<Loaded<u32>, BoxError> {
        if *key == 200 {
            self.gate.wait();
        }
        self.load_of(*key).map(Loaded::value)
    }

    fn load_many(&self, keys: &[u32], out: LoadSink<u32, u32>) -> Result<(), BoxError> {
        for key in keys {
            if *key == 2 {
                self.gate.open();
                // Here the ring is closed, if the load of 200 hasn't done so: the first key has landed, the call goes on.
                out.put_result(key, self.home.cache().fetch_with(&200).map(|value| *value));
            } else {
                out.put(key, of(*key));
            }
        }
        Ok(())
    }
}

/// 100 asks for 1 and 2 in one call; that has put 1 and waits for 200, which waits for 100.
fn g7_bulk_a_ring_through_a_call_that_has_put_some_of_its_keys_is_found<F: Kind>() {
    let scene = Threads { home: Home::default(), gate: Gate::new() };
    let home = scene.home.clone();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().blocking_loader(scene));
    home.is(&cache.sync());
    let error = cache.fetch_with(&100).expect_err("it waits for itself");
    assert!(std::error::Error::source(&error).is_some() || error.kind() == LoadErrorKind::Cycle, "{error:?}");
    assert_ne!(error.kind(), LoadErrorKind::TimedOut);
    at_rest(&cache.sync());
}

on_every_face_in_time!(g7_bulk_a_ring_through_a_call_that_has_put_some_of_its_keys_is_found);
