//! Forms and numbers of keys: none, very many, borrowed ones, and keys that are much alike.

use super::scene::{Source, all, of, outcomes};
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{Cache, CacheBuilder, Expiry, LoadErrorKind, Loaded};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

fn g16_bulk_no_keys_are_no_call<F: Kind>() {
    for style in BOTH {
        let source = Source::plain();
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new(), style));
        assert!(cache.multi_fetch_with(&[]).is_empty());
        assert!(cache.multiget(&[]).is_empty() && cache.multi_remove(&[]).is_empty());
        assert_eq!((cache.multi_invalidate(&[]), cache.warm(&[])), (0, 0));
        cache.multi_insert(Vec::new());
        assert_eq!((source.calls().len(), at_rest(&cache.sync()).loads_started), (0, 0), "{style:?}");
    }
}

fn g1_bulk_ten_thousand_keys_are_one_call_or_so_many_chunks<F: Kind>() {
    const MANY: u32 = 10_000;
    let keys: Vec<u32> = (0..MANY).collect();
    for style in BOTH {
        for (most, calls) in [(usize::MAX, 1), (10_000, 1), (9_999, 2), (1_000, 10)] {
            let source = Source::plain();
            let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().max_batch(most), style));
            assert_eq!(outcomes(&cache.multi_fetch_with(&keys)), all(&keys), "{style:?}, {most}");
            let made = source.calls();
            assert_eq!((made.len(), source.asked() == keys), (calls, true), "{style:?}, {most}");
            assert!(made.iter().all(|call| call.len() <= most), "{style:?}, {most}");
            let held = cache.multiget(&keys);
            assert!(held.len() == keys.len() && held.iter().zip(&keys).all(|((key, _), asked)| key == asked), "{style:?}, {most}");
            assert_eq!(cache.multi_remove(&keys).len(), keys.len(), "{style:?}, {most}");
            let metrics = at_rest(&cache.sync());
            let (many, counted) = (u64::from(MANY), (metrics.misses, metrics.hits, metrics.loads_stored));
            assert_eq!(counted, (many, many, many), "{style:?}, {most}");
        }
    }
}

/// Which chunk a refusal or a hit falls into doesn't matter: each goes out full.
fn g1_bulk_chunks_are_filled_by_what_is_missing<F: Kind>() {
    for style in BOTH {
        let source = Source::plain();
        let cache: Of<F> = F::Of::build(source.given(CacheBuilder::new().max_batch(3), style));
        cache.multi_insert((0..10).step_by(2).map(|key| (key, of(key))).collect());
        let keys: Vec<u32> = (0..14).collect();
        assert_eq!(outcomes(&cache.multi_fetch_with(&keys)), all(&keys), "{style:?}");
        let mut calls = source.calls();
        calls.sort();
        assert_eq!(calls, [[1, 3, 5], [7, 9, 10], [11, 12, 13]], "{style:?}");
        at_rest(&cache.sync());
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Same(u32);

impl Hash for Same {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(1);
    }
}

fn g18_bulk_keys_that_all_collide_are_told_apart<F: Kind>() {
    let load = |keys: &[Same]| bellwether::ok(keys.iter().filter(|key| key.0 != 7).map(|key| (*key, key.0)).collect::<Vec<_>>());
    let cache: F::Of<Same, u32> = F::Of::build(CacheBuilder::new().bulk_loader_fn(load).capacity(50));
    let keys: Vec<Same> = (0..100).map(Same).collect();
    let found = cache.multi_fetch_with(&keys);
    for (key, result) in found.iter() {
        match key.0 {
            7 => assert_eq!(result.as_ref().map_err(|error| error.kind()).err(), Some(LoadErrorKind::Absent)),
            number => assert_eq!(result.as_ref().ok().map(|value| **value), Some(number)),
        }
    }
    assert_eq!(found.get(&Same(50)).and_then(|result| result.as_ref().ok()).map(|value| **value), Some(50));
    assert!(found.get(&Same(100)).is_none());
    let held = cache.multiget(&keys);
    assert_eq!(held.len() as u64, cache.len());
    assert!(held.iter().all(|(key, value)| key.0 == **value));
    cache.multi_insert(keys.iter().map(|key| (*key, key.0 + 1_000)).collect());
    assert!(cache.multi_remove(&keys).iter().all(|(key, value)| key.0 + 1_000 == **value));
    assert_eq!(cache.len(), 0);
    at_rest(&cache.sync());
}

/// Anything that borrows as the key will do, in any kind of list.
#[test]
fn g1_bulk_keys_may_be_given_in_any_form() {
    let load = |keys: &[String]| bellwether::ok(keys.iter().map(|key| (key.clone(), key.len())).collect::<Vec<_>>());
    let cache = Cache::<String, usize>::builder().bulk_loader_fn(load).build().expect("the settings make sense");
    let owned = vec!["one".to_owned(), "three".to_owned()];
    let by_reference = cache.multi_fetch_with(&owned).found().expect("both are loaded");
    assert_eq!((*by_reference["one"], *by_reference["three"]), (3, 5));
    let by_text: HashMap<_, _> = cache.multi_fetch_with(["one", "sixteen", "one"]).found().expect("all are loaded");
    assert_eq!((by_text.len(), *by_text["sixteen"]), (2, 7));
    let lazily = cache.multi_fetch_with((0..3).map(|number| ["one", "three", "sixteen"][number]));
    assert_eq!(lazily.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["one", "three", "sixteen"]);
    assert_eq!(lazily.get("three").and_then(|result| result.as_ref().ok()).map(|value| **value), Some(5));
    let held = cache.multiget(owned.iter().map(String::as_str));
    assert_eq!((held.len(), *held["one"]), (2, 3));
    let held = cache.multiget(&owned);
    // By other forms than those that were asked for, too.
    assert_eq!((*held["three"], held.get("four"), held.contains_key(&owned[0])), (5, None, true));
    assert!(held.iter().all(|(key, _)| owned.iter().any(|own| std::ptr::eq(own, key))), "they are the caller's own");
    assert_eq!(held.into_map()["three"], cache.fetch("three").expect("it is held"));
    assert_eq!(cache.multi_invalidate(["one", "none"]), 1);
    let removed = cache.multi_remove(["three", "one", "sixteen", "three"]);
    assert_eq!(removed.iter().map(|(key, value)| (key.as_str(), **value)).collect::<Vec<_>>(), [("three", 5), ("sixteen", 7)]);
    assert_eq!(cache.warm(["four", "four"]), 1);
    cache.wait_idle();
    assert_eq!(cache.multi_fetch_with(["four"]).into_iter().map(|(_, result)| result.is_ok()).collect::<Vec<_>>(), [true]);
    at_rest(&cache);
}

/// Of a key that is stored twice the hook is asked as by two inserts.
fn g9_bulk_a_hook_hears_of_each_insert_what_the_one_before_has_left<F: Kind>() {
    struct Told(Arc<Mutex<Vec<Option<u32>>>>);
    impl Expiry<u32, u32> for Told {
        fn on_create(&self, _: &u32, _: &u32) -> Option<Duration> {
            self.0.lock().expect("nobody panics under it").push(None);
            Some(Duration::from_secs(60))
        }

        fn on_update(&self, _: &u32, &value: &u32, _: Option<Duration>) -> Option<Duration> {
            self.0.lock().expect("nobody panics under it").push(Some(value));
            None
        }
    }
    let told = Arc::<Mutex<Vec<_>>>::default();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().expiry(Told(Arc::clone(&told))));
    cache.multi_insert(vec![(1, 10), (1, 11), (1, 12)]);
    assert_eq!(*told.lock().expect("nobody panics under it"), [None, Some(11), Some(12)]);
}

/// A form of the key that isn't the key's own finds what was asked for.
fn g8_bulk_what_is_put_by_another_form_of_the_key_is_that_key_s<F: Kind>() {
    struct Lengths;
    impl bellwether::BlockingLoader<String, usize> for Lengths {
        type Error = bellwether::BoxError;

        fn load(&self, key: &String) -> Result<Loaded<usize>, Self::Error> {
            Loaded::ok(key.len())
        }

        fn load_many(&self, keys: &[String], out: bellwether::LoadSink<String, usize>) -> Result<(), Self::Error> {
            for key in keys {
                let (head, tail) = key.split_at(1);
                assert!(out.put(&*format!("{head}{tail}"), key.len()));
            }
            assert!(out.put("unasked", 7_usize));
            Ok(())
        }
    }
    let cache: F::Of<String, usize> = F::Of::build(CacheBuilder::new().blocking_loader(Lengths));
    let keys = ["one".to_owned(), "three".to_owned()];
    let found = cache.multi_fetch_with(&keys).found().expect("both are loaded");
    assert_eq!((*found["one"], *found["three"]), (3, 5));
    until("the call ends", || cache.peek(&"unasked".to_owned()).as_deref() == Some(&7));
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g16_bulk_no_keys_are_no_call,
    g1_bulk_ten_thousand_keys_are_one_call_or_so_many_chunks,
    g1_bulk_chunks_are_filled_by_what_is_missing,
    g18_bulk_keys_that_all_collide_are_told_apart,
    g8_bulk_what_is_put_by_another_form_of_the_key_is_that_key_s,
    g9_bulk_a_hook_hears_of_each_insert_what_the_one_before_has_left,
);
