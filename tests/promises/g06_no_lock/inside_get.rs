//! The closure of `get` runs under a shard's lock: what calls any cache from there panics with a clear message, and nothing is broken.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, CustomPolicy, Loaded, PolicyEntry, PolicySlot};
use futures::FutureExt;
use futures::executor::block_on;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

type Call<C> = (&'static str, fn(&C));

fn calls<C: Face<u32, u32>>() -> Vec<Call<C>> {
    vec![
        ("get", |cache| assert!(cache.get(&1, |_| ()).is_some())),
        ("get of a key that isn't held", |cache| assert!(cache.get(&99, |_| ()).is_none())),
        ("fetch", |cache| drop(cache.fetch(&1))),
        ("peek", |cache| drop(cache.peek(&1))),
        ("contains_key", |cache| assert!(cache.contains_key(&1))),
        ("iter", |cache| drop(cache.entries())),
        ("fetch_with of a held key", |cache| drop(cache.fetch_with(&1))),
        ("fetch_with of another key", |cache| drop(cache.fetch_with(&2))),
        ("fetch_optional", |cache| drop(cache.fetch_optional(&2))),
        ("fetch_detailed", |cache| drop(cache.fetch_detailed(&2))),
        ("fetch_or_load", |cache| drop(cache.fetch_or_load(&2, || Loaded::ok(2)))),
        ("refresh", |cache| drop(cache.refresh(&1))),
        ("insert", |cache| cache.insert(1, 5)),
        ("insert_with", |cache| cache.insert_with(2, Loaded::value(5))),
        ("insert_with_ttl", |cache| cache.insert_with_ttl(2, 5, Duration::MAX)),
        ("insert of an absence", |cache| cache.insert_with(1, Loaded::absent())),
        ("remove", |cache| drop(cache.remove(&1))),
        ("invalidate", |cache| assert!(cache.invalidate(&2))),
        ("clear", |cache| cache.clear()),
    ]
}

/// The message of the panic that `call` ends in.
fn panic_of<R>(call: impl FnOnce() -> R) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(call)).err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}

fn is_clear(message: Option<String>) -> bool {
    message.is_some_and(|message| message.contains("inside the closure of `get`") && message.contains("use `fetch`"))
}

fn face<F: Kind>() -> F::Of<u32, u32> {
    let cache = F::Of::build(CacheBuilder::new().shards(1).loader_fn(|&key: &u32| Ok::<_, BoxError>(key * 10)));
    cache.insert(1, 10);
    cache
}

/// The cache holds what it held and does what it did, on this thread and on others.
fn works<F: Kind>(cache: &F::Of<u32, u32>, call: &str) {
    assert_eq!((cache.get(&1, |value| *value), cache.len()), (Some(10), 1), "after {call}");
    assert_eq!(*cache.fetch_with(&3).expect("the loader brings it"), 30, "after {call}");
    assert!(apart(cache, |cache| cache.invalidate(&3)).result(), "after {call}");
    at_rest(&cache.sync());
}

fn g6_a_call_of_the_same_cache_inside_get_panics_with_a_clear_message<F: Kind>() {
    let cache = face::<F>();
    for (name, call) in calls() {
        let message = panic_of(|| cache.get(&1, |_| call(&cache)));
        assert!(is_clear(message.clone()), "{name}: {message:?}");
        works::<F>(&cache, name);
    }
}

fn g6_a_call_of_another_cache_inside_get_panics_with_a_clear_message<F: Kind>() {
    let (cache, other) = (face::<F>(), face::<F>());
    for (name, call) in calls() {
        let message = panic_of(|| cache.get(&1, |_| call(&other)));
        assert!(is_clear(message.clone()), "{name}: {message:?}");
        works::<F>(&cache, name);
        works::<F>(&other, name);
    }
}

/// Who catches the panic inside the closure is still inside it.
fn g6_inside_get_each_call_panics_and_behind_it_none_does<F: Kind>() {
    let cache = face::<F>();
    let panics = cache.get(&1, |_| (0..3).filter(|_| is_clear(panic_of(|| cache.fetch(&1)))).count());
    assert_eq!(panics, Some(3));
    works::<F>(&cache, "panics that were caught inside");
}

fn g6_a_closure_of_get_that_panics_of_itself_leaves_the_cache_working<F: Kind>() {
    let cache = face::<F>();
    let message = panic_of(|| cache.get(&1, |_| -> u32 { panic!("the reader blew up") }));
    assert_eq!(message.as_deref(), Some("the reader blew up"));
    works::<F>(&cache, "a panic of the closure");
}

/// Only the thread that is inside is refused.
fn g6_while_one_thread_is_inside_get_others_call_as_ever<F: Kind>() {
    let (cache, other) = (face::<F>(), face::<F>());
    let read = cache.get(&1, |&value| {
        let (reader, writer) = (cache.clone(), other.clone());
        apart(&(), move |()| writer.insert(5, 50)).result();
        value + *apart(&(), move |()| reader.fetch(&1)).result().expect("it is held")
    });
    assert_eq!((read, other.fetch(&5).as_deref()), (Some(20), Some(&50)));
    works::<F>(&cache, "calls of other threads");
}

/// The policy of the cache that is built runs its own code under the guard, and leaves the guard of `get` as it was.
fn g6_inside_get_calls_panic_though_a_cache_with_a_policy_was_built_there<F: Kind>() {
    let cache: F::Of<u32, u32> = F::Of::build(CacheBuilder::new().shards(1));
    cache.insert(1, 1);
    let inside = cache.sync();
    cache.get(&1, |_| {
        let other = Cache::<u32, u32>::builder().shards(1).custom_eviction(|_| Idle).build().expect("the settings make sense");
        catch_unwind(AssertUnwindSafe(|| inside.insert(2, 2))).expect_err("a call inside `get` panics");
        std::mem::forget(other);
    });
    cache.insert(2, 2);
    at_rest(&cache.sync());
}

/// Knows no victim.
struct Idle;

impl CustomPolicy<u32, u32> for Idle {
    fn admitted(&mut self, _: PolicySlot, _: &PolicyEntry<'_, u32, u32>) {}
    fn removed(&mut self, _: PolicySlot) {}
    fn victim(&mut self) -> Option<PolicySlot> {
        None
    }
}

on_every_face_in_time!(
    g6_inside_get_calls_panic_though_a_cache_with_a_policy_was_built_there,
    g6_a_call_of_the_same_cache_inside_get_panics_with_a_clear_message,
    g6_a_call_of_another_cache_inside_get_panics_with_a_clear_message,
    g6_inside_get_each_call_panics_and_behind_it_none_does,
    g6_a_closure_of_get_that_panics_of_itself_leaves_the_cache_working,
    g6_while_one_thread_is_inside_get_others_call_as_ever,
);

/// A load can't land while a closure of `get` holds its shard: who awaited it from there would wait for ever.
#[test]
fn g6_awaiting_a_fetch_inside_get_panics_with_a_clear_message() {
    in_time(|| {
        let runway = Runway::new(1);
        let builder = runway.numbers::<u32>(CacheBuilder::new().shards(1), Style::Async);
        let cache: AsyncCache<u32, usize> = builder.build_async().expect("the settings make sense");
        cache.insert(1, 10);
        let mut fetch = cache.fetch_with(&2);
        // One poll, not `block_on`, so that this test comes to an end where nothing stops it.
        let message = panic_of(|| cache.get(&1, |_| (&mut fetch).now_or_never()));
        runway.open(0);
        assert!(is_clear(message.clone()), "{message:?}");
        drop(fetch);
        assert_eq!(*block_on(cache.fetch_with(&2)).expect("the load brings it"), 0);
        at_rest(&cache.to_sync());
    });
}
