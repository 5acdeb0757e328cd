//! What both faces do alike about loading ahead of need. Written once, given to each.

/// Gives a face the calls that begin loads and wait for none.
macro_rules! warm_methods {
    ($face:ident, $build:ident) => {
        impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> $face<K, V, S> {
            /// Loads those of `keys` that nothing usable is held for, in the background, and says how many loads it began. It returns at once:
            /// [`wait_idle`](Self::wait_idle) waits for them.
            ///
            /// Keys that somebody is loading already are left to him, and what is remembered to be absent isn't asked for again. All others go out in one
            /// call of the loader's [`load_many`](crate::CacheLoader::load_many), or one for each [`max_batch`](crate::CacheBuilder::max_batch) keys. The loads go
            /// on whether or not anybody waits for them, and count neither as hits nor as misses. Without a loader nothing is begun.
            ///
            /// # Blocking
            /// A blocking loader runs on a thread of its own.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, u32>::builder().loader_fn(|n: &u32| bellwether::ok(n * n)).", stringify!($build), "()?;")]
            /// cache.insert(1, 1);
            /// assert_eq!(cache.warm(&[1, 2, 3]), 2);
            /// bellwether::Cache::from(cache.clone()).wait_idle();
            /// assert_eq!(cache.len(), 3);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn warm<'q, Q>(&self, keys: impl IntoIterator<Item = &'q Q>) -> usize
            where
                Q: LoadKey<K> + ?Sized + 'q,
            {
                self.shared.warm(&keys.into_iter().collect::<Vec<_>>())
            }
        }
    };
}
pub(super) use warm_methods;
