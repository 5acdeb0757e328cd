//! Calls for many keys one of which needs another: in a later chunk, or after all have been put.

use super::scene::{Home, Source, all, of, outcomes, put_all};
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{BlockingLoader, BoxError, CacheBuilder, LoadSink, Loaded};

type Of<F> = <F as Kind>::Of<u32, u32>;

fn g7_bulk_a_chunk_may_wait_for_a_later_one<F: Kind>() {
    for style in BOTH {
        for most in [None, Some(1), Some(2)] {
            let home = Home::default();
            let other = home.clone();
            let source = Source::new(move |keys: Vec<u32>, out| {
                let other = other.clone();
                async move {
                    if keys == [1] {
                        let two = other.cache().to_async().fetch_with(&2).await.expect("it is no ring");
                        assert_eq!(*two, of(2));
                    }
                    put_all(&keys, &out);
                    Ok(())
                }
            });
            let builder = CacheBuilder::new().max_batch(1);
            let builder = match most {
                Some(most) => builder.max_concurrent_loads(most),
                None => builder,
            };
            let cache: Of<F> = F::Of::build(source.given(builder, style));
            home.is(&cache.sync());
            assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2])), all(&[1, 2]), "{style:?}, {most:?}");
            assert_eq!(source.calls().len(), 2, "{style:?}, {most:?}");
            at_rest(&cache.sync());
        }
    }
}

/// As threads do it, without a task anywhere.
struct Needy(Home);

impl BlockingLoader<u32, u32> for Needy {
    type Error = BoxError;

    fn load(&self, key: &u32) -> Result<Loaded<u32>, BoxError> {
        Loaded::ok(of(*key))
    }

    fn load_many(&self, keys: &[u32], out: LoadSink<u32, u32>) -> Result<(), BoxError> {
        for key in keys {
            if *key % 2 == 1 {
                assert_eq!(*self.0.cache().fetch_with(&(key + 1))?, of(key + 1));
            }
            out.put(key, of(*key));
        }
        Ok(())
    }
}

fn g7_bulk_a_chunk_may_wait_for_a_later_one_as_a_thread<F: Kind>() {
    let home = Home::default();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().blocking_loader(Needy(home.clone())).max_batch(1));
    home.is(&cache.sync());
    assert_eq!(outcomes(&cache.multi_fetch_with(&[1, 2, 3, 4])), all(&[1, 2, 3, 4]));
    at_rest(&cache.sync());
}

/// A call that has put all its keys, and then asks for one more, as threads do it: what waits for it has the permit.
struct Greedy(Home);

impl BlockingLoader<u32, u32> for Greedy {
    type Error = BoxError;

    fn load(&self, key: &u32) -> Result<Loaded<u32>, BoxError> {
        if *key == 100 {
            let found = self.0.cache().multi_fetch_with(&[1, 2]).found()?;
            return Loaded::ok(*found[&1] + *found[&2]);
        }
        Loaded::ok(of(*key))
    }

    fn load_many(&self, keys: &[u32], out: LoadSink<u32, u32>) -> Result<(), BoxError> {
        put_all(keys, &out);
        assert_eq!(*self.0.cache().fetch_with(&3)?, 30);
        self.0.cache().fetch_with(&4)?;
        Ok(())
    }
}

fn g7_bulk_a_call_that_has_put_all_still_needs_no_permit_of_its_own<F: Kind>() {
    let home = Home::default();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().blocking_loader(Greedy(home.clone())).max_concurrent_loads(1));
    home.is(&cache.sync());
    assert_eq!(cache.fetch_with(&100).ok().as_deref(), Some(&30));
    until("what it asks for in the end is there", || cache.peek(&4).is_some());
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g7_bulk_a_chunk_may_wait_for_a_later_one,
    g7_bulk_a_chunk_may_wait_for_a_later_one_as_a_thread,
    g7_bulk_a_call_that_has_put_all_still_needs_no_permit_of_its_own,
);
