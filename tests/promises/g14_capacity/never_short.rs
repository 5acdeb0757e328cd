//! Never short: a cache of capacity N holds N entries of weight one, for any N, any shard count and any keys.
//!
//! What is covered, each time with another hash function: every N in 1..=2,000 with the default shard count, a third of them on each face;
//! the same with a shard count that runs through 1..=64, another one for each face; and on each face each of
//! 1..=64 shards with every N of a grid, which holds the edges of pages (64), of victims to a lock hold (256) and of entries to a shard (512).

use crate::faces::{Face, Kind, OnTokio};
use crate::tally::tally;
use bellwether::{BoxError, Cache, CacheBuilder, EvictionPolicy, RemovalCause};
use std::any::TypeId;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

type Of<F> = <F as Kind>::Of<u64, u64>;

const MOST: u64 = 2_000;
const MOST_SHARDS: usize = 64;
/// Inserted beyond what fits.
const BEYOND: u64 = 40;
const GRID: [u64; 16] = [1, 2, 3, 5, 8, 31, 63, 64, 65, 100, 127, 129, 255, 257, 513, 1_001];

/// Different numbers for different `n`, far from each other for neighbours.
fn scattered(n: u64) -> u64 {
    n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn shards_of(n: u64, shift: u64) -> usize {
    usize::try_from(1 + (n + shift) % MOST_SHARDS as u64).expect("a small number")
}

/// A number for each face.
fn number<F: Kind>() -> u64 {
    match (F::IS_BLOCKING, TypeId::of::<F>() == TypeId::of::<OnTokio>()) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

/// Which of the shard counts falls to which face.
fn shift<F: Kind>() -> u64 {
    number::<F>() * 21
}

/// Fills a cache of capacity `n` with `n` keys and goes on beyond.
fn fill_exactly<C: Face<u64, u64>>(cache: &C, n: u64, key: impl Fn(u64) -> u64) {
    for i in 0..n {
        cache.insert(key(i), i);
    }
    assert_eq!((cache.len(), cache.weight()), (n, n), "{n} keys fit");
    assert_eq!(cache.metrics().removals(RemovalCause::Evicted), 0, "and none had to go, of {n}");
    assert!(cache.contains_key(&key(0)) && cache.contains_key(&key(n - 1)));
    for i in n..n + BEYOND {
        cache.insert(key(i), i);
        assert_eq!((cache.len(), cache.weight()), (n, n), "as many come as go, of {n}");
        assert!(cache.contains_key(&key(i)), "the new one is in, of {n}");
    }
    assert_eq!(cache.metrics().removals(RemovalCause::Evicted), BEYOND);
    // A recount takes as long as the filling.
    if n % 8 == 1 || n < 200 {
        cache.validate();
    }
}

fn unit(n: u64) -> CacheBuilder<u64, u64> {
    let policy = if n % 2 == 0 { EvictionPolicy::Lru } else { EvictionPolicy::Sieve };
    CacheBuilder::new().capacity(n).eviction(policy)
}

fn g14_n_keys_fit_in_n_with_the_default_shards_for_every_n_to_2000<F: Kind>() {
    for n in (1..=MOST).skip(usize::try_from(number::<F>()).expect("a small number")).step_by(3) {
        let cache: Of<F> = F::Of::build(unit(n));
        fill_exactly(&cache, n, |i| i);
    }
}

fn g14_n_keys_fit_in_n_with_any_shards_for_every_n_to_2000<F: Kind>() {
    for n in (1..=MOST).skip(usize::try_from(number::<F>()).expect("a small number")).step_by(3) {
        let cache: Of<F> = F::Of::build(unit(n).shards(shards_of(n, shift::<F>())));
        fill_exactly(&cache, n, |i| scattered(n + i));
    }
}

fn g14_n_keys_fit_in_n_with_each_of_64_shard_counts<F: Kind>() {
    for shards in 1..=MOST_SHARDS {
        for n in GRID {
            let cache: Of<F> = F::Of::build(unit(n + shards as u64).capacity(n).shards(shards));
            fill_exactly(&cache, n, scattered);
        }
    }
}

fn g14_n_loads_fit_in_n<F: Kind>() {
    let load = |key: &u64| Ok::<_, BoxError>(key + 1);
    for n in GRID {
        let cache: Of<F> = F::Of::build(unit(n).shards(shards_of(n, shift::<F>())).loader_fn(load));
        for key in 0..n + BEYOND {
            assert_eq!(*cache.fetch_with(&key).expect("the loader brings it"), key + 1);
            assert_eq!(cache.len(), n.min(key + 1));
        }
        tally(&cache.sync(), |metrics| (metrics.loads_stored, metrics.removals(RemovalCause::Evicted)), (n + BEYOND, BEYOND));
    }
}

/// A hasher whose result is the last number written, so that small numbers differ in their lowest bits alone.
#[derive(Clone, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = u64::from(byte);
        }
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

/// The same, in the highest bits alone.
#[derive(Clone, Default)]
struct Topmost;

impl BuildHasher for Topmost {
    type Hasher = Identity;
    fn build_hasher(&self) -> Identity {
        Identity::default()
    }
    fn hash_one<T: Hash>(&self, value: T) -> u64 {
        BuildHasherDefault::<Identity>::default().hash_one(value) << 48
    }
}

/// One hash for all.
#[derive(Clone, Default)]
struct Same;

impl BuildHasher for Same {
    type Hasher = Identity;
    fn build_hasher(&self) -> Identity {
        Identity::default()
    }
    fn hash_one<T: Hash>(&self, _value: T) -> u64 {
        0x5555_AAAA_0F0F_3333
    }
}

fn fits_with<S: BuildHasher + Clone + Send + Sync + 'static>(hasher: S) {
    for shards in [1, 2, 3, 7, 16, 64] {
        for n in [1, 2, 3, 10, 64, 65, 300] {
            let cache: Cache<u64, u64, S> = unit(n).shards(shards).hasher(hasher.clone()).build().expect("the settings make sense");
            let other_face = cache.to_async();
            for key in 0..n {
                if key % 2 == 0 { cache.insert(key, key) } else { other_face.insert(key, key) }
            }
            let keys: BTreeSet<u64> = cache.iter().map(|(key, _)| key).collect();
            assert!(keys.into_iter().eq(0..n), "all {n} are there, in {shards} shards");
            assert!((0..n).all(|key| cache.fetch(&key).as_deref() == Some(&key)), "and found by their keys");
            for key in n..2 * n {
                cache.insert(key, key);
                assert_eq!((cache.len(), cache.weight()), (n, n));
                assert_eq!(cache.fetch(&key).as_deref(), Some(&key));
            }
            for key in 0..2 * n {
                cache.remove(&key);
            }
            assert_eq!((cache.len(), cache.weight()), (0, 0), "each was found by its key");
            #[cfg(debug_assertions)]
            cache.validate();
        }
    }
}

#[test]
fn g14_n_keys_fit_in_n_when_all_their_hashes_are_equal() {
    fits_with(Same);
}

#[test]
fn g14_n_keys_fit_in_n_when_their_hashes_are_the_keys() {
    fits_with(BuildHasherDefault::<Identity>::default());
}

#[test]
fn g14_n_keys_fit_in_n_when_their_hashes_differ_in_the_highest_bits_alone() {
    fits_with(Topmost);
}

crate::on_every_face_in_time!(
    g14_n_keys_fit_in_n_with_the_default_shards_for_every_n_to_2000,
    g14_n_keys_fit_in_n_with_any_shards_for_every_n_to_2000,
    g14_n_keys_fit_in_n_with_each_of_64_shard_counts,
    g14_n_loads_fit_in_n,
);
