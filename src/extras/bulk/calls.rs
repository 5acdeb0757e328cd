//! The calls, on both faces.

use super::fetch_many::FetchMany;
use super::found::MultiFetch;
use super::held::MultiGet;
use crate::faces::async_cache::AsyncCache;
use crate::faces::cache::Cache;
use crate::ground::contain::drop_contained;
use crate::vocabulary::keys::{Key, LoadKey, Lookup, Value};
use std::hash::BuildHasher;
use std::sync::Arc;

/// Gives a face the calls that neither load nor wait.
macro_rules! bulk_methods {
    ($face:ident, $build:ident) => {
        #[cfg_attr(docsrs, doc(cfg(feature = "bulk")))]
        impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> $face<K, V, S> {
            /// Never loads: the values held for those of `keys` that have a fresh one. [`multi_fetch_with`](Self::multi_fetch_with) loads the others.
            ///
            /// As [`fetch`](Self::fetch) of each: uses of the entries, and hits and misses. A key that is given twice is looked for twice.
            ///
            /// # Cost
            /// The keys are sorted by the parts of the cache that they live in, whose locks are taken once for up to 256 keys. From 4,096 keys on they are
            /// divided among the threads of rayon's pool, whose first use starts one for each core; this thread waits for them, and may do other work of that
            /// pool meanwhile.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<String, u32>::builder().", stringify!($build), "()?;")]
            /// cache.insert("one".to_owned(), 1);
            /// let held = cache.multiget(["one", "two"]);
            /// assert_eq!((held.len(), *held["one"]), (1, 1));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn multiget<'q, Q>(&self, keys: impl IntoIterator<Item = &'q Q>) -> MultiGet<'q, K, V, Q>
            where
                Q: Lookup<K> + Sync + ?Sized + 'q,
            {
                let keys: Vec<&Q> = keys.into_iter().collect();
                let values = self.shared.get_many(&keys);
                MultiGet::new(keys, values)
            }

            /// Stores each of `items` as [`insert`](Self::insert) does, in their order where a key is given twice. Never loads.
            ///
            /// # Blocking
            /// As [`insert`](Self::insert).
            ///
            /// # Cost
            /// The items are sorted by the parts of the cache that their keys live in, whose locks are taken once for several of them.
            ///
            /// # Panics
            /// As [`insert`](Self::insert): of the items some are stored then, and some are not.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, u32>::builder().", stringify!($build), "()?;")]
            /// cache.multi_insert((0..100).map(|n| (n, n * n)));
            /// assert_eq!(cache.len(), 100);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn multi_insert(&self, items: impl IntoIterator<Item = (K, V)>) {
                self.shared.insert_many(items.into_iter().collect());
            }

            /// Removes the values of `keys` as [`invalidate`](Self::invalidate) does, and says of how many a fresh one was held. Never loads.
            ///
            /// Loads of these keys that are under way are superseded, loads of many keys included.
            ///
            /// # Cost
            /// The locks are taken once for up to 64 keys that live in the same part of the cache.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, u32>::builder().", stringify!($build), "()?;")]
            /// cache.multi_insert((0..100).map(|n| (n, n * n)));
            /// assert_eq!(cache.multi_invalidate(&[1, 2, 1_000]), 2);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn multi_invalidate<'q, Q: Lookup<K> + ?Sized + 'q>(&self, keys: impl IntoIterator<Item = &'q Q>) -> u64 {
                let keys: Vec<&Q> = keys.into_iter().collect();
                let removed = self.shared.remove_many(&keys);
                let held = removed.iter().filter(|value| value.is_some()).count();
                removed.into_iter().for_each(drop_contained);
                held as u64
            }

            /// Removes the values of `keys` as [`remove`](Self::remove) does, and gives back those that were fresh, in the order of the keys. Never loads.
            ///
            /// # Cost
            /// As [`multi_invalidate`](Self::multi_invalidate).
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<String, u32>::builder().", stringify!($build), "()?;")]
            /// cache.insert("one".to_owned(), 1);
            /// let removed = cache.multi_remove(["one", "two"]);
            /// assert_eq!((removed.len(), removed[0].0.as_str(), *removed[0].1), (1, "one", 1));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn multi_remove<'q, Q>(&self, keys: impl IntoIterator<Item = &'q Q>) -> Vec<(K, Arc<V>)>
            where
                Q: LoadKey<K> + ?Sized + 'q,
            {
                let keys: Vec<&Q> = keys.into_iter().collect();
                let removed = self.shared.remove_many(&keys);
                keys.into_iter().zip(removed).filter_map(|(key, value)| Some((key.to_key(), value?))).collect()
            }
        }
    };
}

bulk_methods!(Cache, build);
bulk_methods!(AsyncCache, build_async);

#[cfg_attr(docsrs, doc(cfg(feature = "bulk")))]
impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> Cache<K, V, S> {
    /// Read through for many keys: gives what is held, and loads what isn't, by one call of the loader's
    /// [`load_many`](crate::CacheLoader::load_many) (or one for each [`max_batch`](crate::CacheBuilder::max_batch) keys).
    ///
    /// Each key is treated as [`fetch_with`](Self::fetch_with) does, and has a result of its own: what is stale is served, what is remembered to be absent is
    /// absent, and what somebody else is loading, by whatever call, is waited for. The keys that this call loads can be joined by others in turn, and each is
    /// theirs as soon as it is known. The loader is called before anything is waited for, so that calls for the same keys in another order don't wait
    /// for each other. Of a key that is given twice the second joins the first. Fresh values whose refresh is due are refreshed in the background, together.
    ///
    /// # Blocking
    /// Until every key has its result. A blocking loader runs on this thread, unless a soft timeout or a stale value could end the wait earlier. As
    /// [`fetch_with`](Self::fetch_with) it panics where it would have to wait on the only thread of a tokio runtime.
    ///
    /// # Cost
    /// Hits as [`multiget`](Self::multiget); a lock for each key that is missing. A call takes one of the
    /// [`max_concurrent_loads`](crate::CacheBuilder::max_concurrent_loads).
    ///
    /// # Examples
    /// ```
    /// use bellwether::Cache;
    ///
    /// let cache = Cache::<u32, String>::builder()
    ///     .bulk_loader_fn(|ids: &[u32]| bellwether::ok(ids.iter().map(|&id| (id, format!("user {id}"))).collect::<Vec<_>>()))
    ///     .build()?;
    /// cache.insert(1, "somebody".to_owned());
    /// let users = cache.multi_fetch_with(&[1, 2, 3]).found()?; // loads 2 and 3
    /// assert_eq!((users[&1].as_str(), users[&3].as_str()), ("somebody", "user 3"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn multi_fetch_with<'q, Q>(&self, keys: impl IntoIterator<Item = &'q Q>) -> MultiFetch<K, V>
    where
        Q: LoadKey<K> + ?Sized + 'q,
    {
        let (keys, owned) = super::listed(keys);
        MultiFetch::new(owned.into_iter().zip(self.shared.fetch_many_blocking(&keys)).collect())
    }
}

#[cfg_attr(docsrs, doc(cfg(feature = "bulk")))]
impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> AsyncCache<K, V, S> {
    /// Read through for many keys: gives what is held, and loads what isn't, by one call of the loader's
    /// [`load_many`](crate::CacheLoader::load_many) (or one for each [`max_batch`](crate::CacheBuilder::max_batch) keys).
    ///
    /// Each key is treated as [`fetch_with`](Self::fetch_with) does, and has a result of its own: what is stale is served, what is remembered to be absent is
    /// absent, and what somebody else is loading, by whatever call, is waited for. The keys that this call loads can be joined by others in turn, and each is
    /// theirs as soon as it is known. The loader is called before anything is waited for, so that calls for the same keys in another order don't wait
    /// for each other. Of a key that is given twice the second joins the first. Fresh values whose refresh is due are refreshed in the background, together.
    ///
    /// The lookups are made, and the loads begun, by this call and not when its future is first polled.
    ///
    /// # Cancel safety
    /// The load goes on when the future is dropped, as that of a [`Fetch`](crate::Fetch) does; others who wait for its keys notice nothing.
    ///
    /// # Cost
    /// Hits as [`multiget`](Self::multiget); a lock for each key that is missing. A call takes one of the
    /// [`max_concurrent_loads`](crate::CacheBuilder::max_concurrent_loads).
    ///
    /// # Examples
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use bellwether::AsyncCache;
    ///
    /// let cache = AsyncCache::<u32, String>::builder()
    ///     .async_bulk_loader_fn(|ids: Vec<u32>| async move { bellwether::ok(ids.into_iter().map(|id| (id, format!("user {id}")))) })
    ///     .build_async()?;
    /// cache.insert(1, "somebody".to_owned());
    /// let users = cache.multi_fetch_with(&[1, 2, 3]).await.found()?; // loads 2 and 3
    /// assert_eq!((users[&1].as_str(), users[&3].as_str()), ("somebody", "user 3"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn multi_fetch_with<'q, Q>(&self, keys: impl IntoIterator<Item = &'q Q>) -> FetchMany<'_, K, V, S>
    where
        Q: LoadKey<K> + ?Sized + 'q,
    {
        FetchMany::begin(&self.shared, keys)
    }
}
