//! What both faces do alike about invalidating many entries: by tags, by predicates, and for a while. Written once, given to each.

/// Gives a face the methods that invalidate more than what is held for one key now.
macro_rules! invalidation_methods {
    ($face:ident, $build:ident) => {
        impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> $face<K, V, S> {
            /// Removes every entry for which `is_doomed` says so, stale ones included, and says how many. Never loads.
            ///
            /// Supersedes **all** loads under way, as nobody knows what they will bring: they still serve those who wait for them, but what they bring is not
            /// stored. A fetch that starts after this returns never gets a doomed value whose load, or insert, came before the call. A value that comes while
            /// this goes on may be asked about or not. What is remembered of keys without a value isn't asked about and stays.
            ///
            /// # Blocking
            /// `is_doomed` runs under no lock and may call the cache. As every write it waits for a [listener](crate::CacheBuilder::listener) that is far behind.
            ///
            /// # Cost
            /// A visit to every entry, 64 in each hold of a lock, under which keys are cloned.
            ///
            /// # Panics
            /// If `is_doomed` does; what it was asked about in earlier batches has gone then. If the key's `Clone` or `Eq` does.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, u32>::builder().", stringify!($build), "()?;")]
            /// (0..10).for_each(|n| cache.insert(n, n * n));
            /// assert_eq!(cache.invalidate_if(|_, square| *square > 50), 2);
            /// assert_eq!(cache.len(), 8);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[doc(alias = "invalidate_entries_if")]
            pub fn invalidate_if(&self, is_doomed: impl FnMut(&K, &V) -> bool) -> u64 {
                self.shared.invalidate_if(is_doomed)
            }

            /// Keeps the entries for which `stays` says so and removes all others, as [`invalidate_if`](Self::invalidate_if) does. Never loads.
            ///
            /// # Panics
            /// As [`invalidate_if`](Self::invalidate_if).
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, u32>::builder().", stringify!($build), "()?;")]
            /// (0..10).for_each(|n| cache.insert(n, n * n));
            /// cache.retain(|n, _| n % 2 == 0);
            /// assert_eq!(cache.len(), 5);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn retain(&self, mut stays: impl FnMut(&K, &V) -> bool) {
                self.shared.invalidate_if(|key, value| !stays(key, value));
            }

            /// Invalidates every entry that carries `tag` (see [`Loaded::tags`]). Never loads.
            ///
            /// From now on nobody sees them. They leave by and by, and count in [`len`](Self::len) and [`weight`](Self::weight) until then: within about a
            /// tenth of a second where the cache has its janitor, else with [`run_maintenance`](Self::run_maintenance) or as room is needed. The
            /// [listener](crate::CacheBuilder::listener) is told of each as it leaves, with the cause `Invalidated`.
            ///
            /// A load under way that turns out to bring a value with this tag is superseded: who was waiting for it before this call gets the value, who came
            /// after it looks again, and the value isn't stored.
            ///
            /// # Cost
            /// A constant time, however many carry the tag: a short lock, and a wake-up of the janitor if nothing with a tag was stored just before. Carrying it
            /// out is a visit to every entry of the parts of the cache that hold any tagged entry, 256 in each hold of a lock, for all tags together that were
            /// struck since the last one.
            /// A cache in which a tag was invalidated holds 24 KiB more from then on.
            ///
            /// # Examples
            /// ```
            /// use bellwether::Loaded;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert_with(1, Loaded::value("a page of tenant 7").tags(["tenant:7"]));
            /// cache.insert_with(2, Loaded::value("a page of tenant 8").tags(["tenant:8"]));
            /// cache.invalidate_tag("tenant:7");
            /// assert!(cache.fetch(&1).is_none() && cache.fetch(&2).is_some());
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn invalidate_tag(&self, tag: &str) {
                self.shared.strike(tag, Strike::Invalidate);
            }

            /// Ends the time to live of every entry that carries `tag`, as [`expire`](Self::expire) does for one key: they stay as stale values where a stale
            /// window is set, else it is [`invalidate_tag`](Self::invalidate_tag). Never loads.
            ///
            /// The stale windows count from this call; where the tag was expired before and that has yet to be carried out, from the first of those calls.
            ///
            /// # Cost
            /// As [`invalidate_tag`](Self::invalidate_tag).
            ///
            /// # Examples
            /// ```
            /// use bellwether::Loaded;
            /// use std::time::Duration;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder()")]
            ///     .stale_while_revalidate(Duration::from_secs(60))
            #[doc = concat!("    .", stringify!($build), "()?;")]
            /// cache.insert_with(1, Loaded::value("a page of tenant 7").tags(["tenant:7"]));
            /// cache.expire_tag("tenant:7");
            /// assert!(cache.fetch(&1).is_none() && cache.fetch_stale(&1).is_some());
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn expire_tag(&self, tag: &str) {
                self.shared.strike(tag, Strike::Expire(self.shared.clock.now()));
            }

            /// Removes the value of `key`, as [`invalidate`](Self::invalidate) does, and for `time` stores nothing that is loaded for it. Says whether a fresh
            /// value was held. Never loads.
            ///
            /// For sources that are read from replicas: until those have caught up with a write, what loads bring may be what it has overwritten. Such loads
            /// serve those who wait for them, one at a time as ever, and leave nothing behind: no value, and no remembered absence. Values that callers
            /// bring (by [`insert`](Self::insert), entries and the like) are stored. A value that is held isn't refreshed meanwhile. `Duration::MAX` is for ever;
            /// of several calls the longest counts.
            ///
            /// # Cost
            /// As [`invalidate`](Self::invalidate), and some 50 bytes until the time is over.
            ///
            /// # Panics
            /// If the key's `Hash` or `Eq` panics; nothing is removed then.
            ///
            /// # Examples
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().loader_fn(|_: &u32| bellwether::ok(\"perhaps outdated\")).", stringify!($build), "()?;")]
            /// cache.invalidate_for(&1, Duration::from_secs(2));
            /// assert_eq!(*bellwether::Cache::from(cache.clone()).fetch_with(&1)?, "perhaps outdated");
            /// assert!(cache.is_empty());
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn invalidate_for<Q: Lookup<K> + ?Sized>(&self, key: &Q, time: Duration) -> bool {
                self.shared.invalidate_for(self.shared.place(key), time)
            }
        }
    };
}
pub(super) use invalidation_methods;
