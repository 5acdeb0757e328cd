//! Entries inside loads, and fetches inside the making of an entry's value: what would wait for itself is told so.

use crate::g04_entry::refusal;
use crate::g04_entry::vacant;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::watchdog::in_time;
use crate::ways::Way;
use bellwether::{AsyncCache, BoxError, Cache, CacheBuilder, Entry, LoadError, LoadErrorKind};
use std::sync::{Arc, OnceLock};

in_every_way!(
    g7_an_entry_inside_its_own_keys_load_is_a_panic_that_says_so,
    g7_an_entry_inside_a_ring_of_loads_is_a_panic_that_says_so,
    g7_a_fetch_of_its_own_key_inside_the_making_of_a_value_is_a_cycle,
    g7_an_entry_of_its_own_key_inside_the_making_of_a_value_is_a_panic_that_says_so,
    g7_try_entry_inside_its_own_keys_load_finds_that_somebody_has_the_lead,
    g7_a_load_may_take_entries_of_other_keys,
);

/// A cache that its own loader can reach.
type Own = Arc<OnceLock<Cache<u32, usize>>>;

/// A cache whose loader calls `work`, as a thread or, in the other ways, as a task.
fn built(way: Way, work: impl Fn(Cache<u32, usize>, u32) -> Result<usize, LoadError> + Copy + Send + Sync + 'static) -> Cache<u32, usize> {
    let own: Own = Arc::default();
    let reached = Arc::clone(&own);
    let reach = move || reached.get().expect("it was built before the first load").clone();
    let builder = match way {
        Way::Blocking => CacheBuilder::new().loader_fn(move |key: &u32| work(reach(), *key)),
        Way::OnTokio | Way::WithoutRuntime => CacheBuilder::new().async_loader_fn(move |key: u32| {
            let cache = reach();
            async move { work(cache, key) }
        }),
    };
    own.get_or_init(|| way.build(builder)).clone()
}

/// What an entry waits for may be asked for as a thread or as a task.
fn entry_by(way: Way, cache: &Cache<u32, usize>, key: u32) -> Entry<u32, usize> {
    match way {
        Way::Blocking => cache.entry(key),
        Way::OnTokio | Way::WithoutRuntime => futures::executor::block_on(cache.to_async().entry(key)),
    }
}

fn says_so(error: &LoadError) {
    let LoadError::Panicked { message, .. } = error else { panic!("it was told by a panic of the loader: {error}") };
    assert!(message.contains("by the very load that it would wait for") && message.contains("try_entry"), "{message}");
}

fn g7_an_entry_inside_its_own_keys_load_is_a_panic_that_says_so(way: Way) {
    let blocking = |cache: Cache<u32, usize>, key: u32| Ok(*cache.entry(key).or_insert(1));
    let cache = built(way, blocking);
    says_so(&way.fetch_with(&cache, &1).expect_err("it would wait for itself"));
    let of_tasks = AsyncOwn::built(way);
    says_so(&way.fetch_with(&of_tasks, &1).expect_err("it would wait for itself"));
    assert_eq!(*way.entry(&cache, 1).or_insert(5), 5, "the key works the next time");
    assert_eq!(at_rest(&cache).loads_failed_by(LoadErrorKind::Panicked), 1);
    at_rest(&of_tasks);
}

/// A cache whose async loader awaits an entry of its own key.
struct AsyncOwn;

impl AsyncOwn {
    fn built(way: Way) -> Cache<u32, usize> {
        let own: Arc<OnceLock<AsyncCache<u32, usize>>> = Arc::default();
        let reached = Arc::clone(&own);
        let builder = CacheBuilder::new().async_loader_fn(move |key: u32| {
            let cache = reached.get().expect("it was built before the first load").clone();
            async move { Ok::<_, BoxError>(cache.entry(key).await.or_insert(1)) }
        });
        own.get_or_init(|| way.build(builder).to_async()).to_sync()
    }
}

fn g7_an_entry_inside_a_ring_of_loads_is_a_panic_that_says_so(way: Way) {
    let cache = built(way, |cache, key| match key {
        1 => cache.fetch_with(&2).map(|value| *value),
        _ => Ok(*cache.entry(1).or_insert(1)),
    });
    // Whichever of the two waits second is told: the entry by a panic, the fetch by an error.
    match way.fetch_with(&cache, &1).expect_err("2 would wait for 1, which waits for 2") {
        LoadError::Cycle { .. } => assert_ne!(way, Way::Blocking, "on one thread the fetch comes first"),
        other => says_so(&other),
    }
    at_rest(&cache);
}

fn g7_a_fetch_of_its_own_key_inside_the_making_of_a_value_is_a_cycle(way: Way) {
    let cache: Cache<u32, usize> = built(way, |cache, key| match key {
        // Key 1 by a detour.
        2 => cache.fetch_with(&1).map(|value| *value),
        _ => Ok(9),
    });
    let kind = |result: Result<Arc<usize>, LoadError>| result.expect_err("it would wait for itself").kind();
    for key in [1, 2] {
        let brought = way.entry(&cache, 1).or_insert_with(|| {
            assert_eq!(kind(cache.fetch_with(&key)), LoadErrorKind::Cycle, "as a thread");
            assert_eq!(kind(futures::executor::block_on(cache.to_async().fetch_with(&key))), LoadErrorKind::Cycle, "as a task");
            7_usize
        });
        assert_eq!(*brought, 7);
        cache.clear();
        let tasks = cache.to_async();
        let brought = way.wait(async {
            let entry = tasks.entry(1).await;
            entry
                .or_insert_with_async(|| async {
                    assert_eq!(kind(tasks.fetch_with(&key).await), LoadErrorKind::Cycle, "in a future");
                    8_usize
                })
                .await
        });
        assert_eq!(*brought, 8);
        cache.clear();
    }
    at_rest(&cache);
}

fn g7_an_entry_of_its_own_key_inside_the_making_of_a_value_is_a_panic_that_says_so(way: Way) {
    let cache: Cache<u32, usize> = way.build(CacheBuilder::new());
    let text = refusal(|| way.entry(&cache, 1).or_insert_with(|| *entry_by(way, &cache, 1).or_insert(1)));
    assert!(text.contains("by the very load that it would wait for"), "{text}");
    drop(vacant(way.entry(&cache, 1)));
    at_rest(&cache);
}

fn g7_try_entry_inside_its_own_keys_load_finds_that_somebody_has_the_lead(way: Way) {
    let cache = built(way, |cache, key| Ok(if cache.try_entry(key).is_none() { 7 } else { 8 }));
    assert_eq!(*way.fetch_with(&cache, &1).expect("the load brings it"), 7);
    at_rest(&cache);
}

fn g7_a_load_may_take_entries_of_other_keys(way: Way) {
    let cache = built(way, |cache, key| match key {
        0 => Ok(0),
        key => Ok(*cache.entry(key - 1).or_insert_with(|| key as usize) + 1),
    });
    assert_eq!(*way.fetch_with(&cache, &3).expect("the load brings it"), 4);
    assert_eq!((cache.fetch(&2).as_deref(), at_rest(&cache).loads_started), (Some(&3), 1));
}

/// Two caches whose loads take entries of each other.
#[test]
fn g7_a_ring_through_two_caches_by_entries_is_found() {
    in_time(|| {
        let other: Own = Arc::default();
        let reached = Arc::clone(&other);
        let one: Cache<u32, usize> = Cache::builder()
            .name("one")
            .loader_fn(move |key: &u32| {
                let other = reached.get().expect("it was built before the first load");
                Ok::<_, LoadError>(*other.entry(*key).or_insert_with(|| {
                    *other.fetch_with(key).expect_err("a ring").to_string().as_bytes().first().expect("it says something") as usize
                }))
            })
            .build()
            .expect("the settings make sense");
        let back = one.clone();
        let two = Cache::builder().name("two").loader_fn(move |key: &u32| back.fetch_with(key)).build().expect("the settings make sense");
        let two = other.get_or_init(|| two);
        // The entry of `two` is held by the load of `one`; a load of `two` inside it would wait for that entry.
        assert_eq!(*one.fetch_with(&1).expect("the load brings it"), usize::from(b'l'));
        at_rest(&one);
        at_rest(two);
    });
}
