//! What each library has for a lookup of many keys, of caches that hold the same entries.

use ahash::RandomState;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;

/// A way to look keys up: its name, and itself.
pub type Contestant = (&'static str, Box<dyn Fn(&[u64])>);

/// All ways, of caches that hold the numbers below `entries`, each as its own value, in twice the room.
///
/// # Panics
/// If one of the caches doesn't hold them.
pub fn all(entries: u64) -> Vec<Contestant> {
    [bellwether(entries), quick_cache(entries), moka(entries), fibre_cache(entries)].into_iter().flatten().collect()
}

fn values<V>(keys: &[u64], get: impl Fn(&u64) -> Option<V>) {
    black_box(keys.iter().map(get).collect::<Vec<_>>());
}

fn map<V>(keys: &[u64], get: impl Fn(&u64) -> Option<V>) {
    let mut found = HashMap::with_capacity_and_hasher(keys.len(), RandomState::new());
    found.extend(keys.iter().filter_map(|key| Some((*key, get(key)?))));
    black_box(found);
}

fn bellwether(entries: u64) -> Vec<Contestant> {
    let cache = bellwether::Cache::<u64, u64>::builder().capacity(2 * entries).build().expect("the settings make sense");
    (0..entries).for_each(|key| cache.insert(key, key));
    assert_eq!(cache.len(), entries, "all are held");
    let (one, other) = (cache.clone(), cache.clone());
    vec![
        ("bellwether, multiget", Box::new(move |keys| _ = black_box(cache.multiget(keys)))),
        ("bellwether, fetch, to a list", Box::new(move |keys| values(keys, |key| one.fetch(key)))),
        ("bellwether, fetch, to a map", Box::new(move |keys| map(keys, |key| other.fetch(key)))),
    ]
}

fn quick_cache(entries: u64) -> Vec<Contestant> {
    let room = usize::try_from(2 * entries).expect("it fits into memory");
    let cache = quick_cache::sync::Cache::<u64, Arc<u64>, _, RandomState>::with(
        room,
        2 * entries,
        quick_cache::UnitWeighter,
        RandomState::new(),
        quick_cache::sync::DefaultLifecycle::default(),
    );
    (0..entries).for_each(|key| cache.insert(key, Arc::new(key)));
    assert_eq!(cache.len() as u64, entries, "all are held");
    let cache = Arc::new(cache);
    let one = Arc::clone(&cache);
    vec![
        ("quick_cache, get, to a list", Box::new(move |keys| values(keys, |key| cache.get(key)))),
        ("quick_cache, get, to a map", Box::new(move |keys| map(keys, |key| one.get(key)))),
    ]
}

fn moka(entries: u64) -> Vec<Contestant> {
    let cache = moka::sync::Cache::<u64, Arc<u64>>::builder().max_capacity(2 * entries).build_with_hasher(RandomState::new());
    (0..entries).for_each(|key| cache.insert(key, Arc::new(key)));
    cache.run_pending_tasks();
    assert_eq!(cache.entry_count(), entries, "all are held");
    vec![("moka, get, to a list", Box::new(move |keys| values(keys, |key| cache.get(key))))]
}

fn fibre_cache(entries: u64) -> Vec<Contestant> {
    let cache = fibre_cache::CacheBuilder::<u64, u64, RandomState>::new().capacity(2 * entries).build().expect("the settings make sense");
    (0..entries).for_each(|key| cache.insert(key, key, 1));
    assert!((0..entries).all(|key| cache.fetch(&key).is_some()), "all are held");
    vec![("fibre_cache, multiget", Box::new(move |keys| _ = black_box(cache.multiget::<_, u64>(keys.to_vec()))))]
}
