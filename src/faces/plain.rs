//! What both faces do alike: reading and writing without loading, and watching. Written once, given to each.

/// Gives a face the methods that neither load nor wait.
macro_rules! plain_methods {
    ($face:ident, $build:ident) => {
        impl<K, V> $face<K, V> {
            /// Begins to build a cache.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, String>::builder().capacity(1_000).", stringify!($build), "()?;")]
            /// assert!(cache.is_empty());
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn builder() -> CacheBuilder<K, V> {
                CacheBuilder::new()
            }
        }

        impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> $face<K, V, S> {
            /// Never loads: what `read` makes of the value held for `key`, or `None` where no fresh one is held.
            ///
            /// The fastest way to read: the value isn't cloned and nothing shared is written. Counts as a use of the entry and as a hit or a miss.
            ///
            /// # Blocking
            /// `read` runs under the read lock of a part of the cache and should be short: writers to that part wait for it.
            ///
            /// # Panics
            /// If `read` calls this cache or any other; take the value out by [`fetch`](Self::fetch) for that.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, String>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one".to_owned());
            /// assert_eq!(cache.get(&1, |text| text.len()), Some(3));
            /// assert_eq!(cache.get(&2, |text| text.len()), None);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[inline]
            pub fn get<Q, R>(&self, key: &Q, read: impl FnOnce(&V) -> R) -> Option<R>
            where
                Q: Lookup<K> + ?Sized,
            {
                let place = self.shared.place(key);
                self.shared.counted(self.shared.shard(place.hashed).get(place, read))
            }

            /// Never loads: the value held for `key`, or `None` where no fresh one is held. [`fetch_with`](Self::fetch_with) loads.
            ///
            /// Counts as a use of the entry and as a hit or a miss.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// assert_eq!(cache.fetch(&1).as_deref(), Some(&"one"));
            /// assert!(cache.fetch(&2).is_none());
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[inline]
            #[doc(alias = "get_if_present")]
            pub fn fetch<Q: Lookup<K> + ?Sized>(&self, key: &Q) -> Option<Arc<V>> {
                let place = self.shared.place(key);
                self.shared.counted(self.shared.shard(place.hashed).fetch(place, Trace::Leave))
            }

            /// Looks at `key` and never waits: its value, or the lead of its flight, or `None` while somebody else is about to bring the value. Never loads.
            ///
            /// Counts as a use of the entry and as a hit or a miss.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, u32>::builder().", stringify!($build), "()?;")]
            /// let lead = cache.try_entry(1).expect("nobody has it");
            /// assert!(cache.try_entry(1).is_none());
            /// assert_eq!(*lead.or_insert(10), 10);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn try_entry(&self, key: K) -> Option<Entry<K, V, S>> {
                Taker(&self.shared).at_once(key)
            }

            /// Never loads: the value held for `key`, as [`fetch`](Self::fetch) gives it, but leaving no trace: it counts neither as a use of
            /// the entry nor in the metrics.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// assert!(cache.peek(&1).is_some());
            /// assert_eq!(cache.metrics().hits, 0);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn peek<Q: Lookup<K> + ?Sized>(&self, key: &Q) -> Option<Arc<V>> {
                let place = self.shared.place(key);
                self.shared.shard(place.hashed).fetch(place, Trace::None)
            }

            /// Never loads: whether a fresh value is held for `key`. Leaves no trace, as [`peek`](Self::peek).
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// assert!(cache.contains_key(&1) && !cache.contains_key(&2));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn contains_key<Q: Lookup<K> + ?Sized>(&self, key: &Q) -> bool {
                let place = self.shared.place(key);
                self.shared.shard(place.hashed).contains(place)
            }

            /// Stores `value` for `key`, in place of whatever is held.
            ///
            /// A load of the key that is under way is superseded: it can be joined no more, and what it brings is handed only to those who
            /// were waiting before. A value that weighs more than the whole capacity, or that the eviction policy refuses, is not
            /// stored (and what was held leaves all the same).
            ///
            /// # Blocking
            /// With a [listener](crate::CacheBuilder::listener) that is behind by 1,024 reports in the key's shard it waits until there are fewer, as every
            /// write does. Without one it waits for nothing but short locks.
            ///
            /// # Cost
            /// In a full cache it pays for its own room: as many evictions as its weight takes, in steps of at most 256 for each hold of a lock.
            ///
            /// # Panics
            /// If the weigher, or the key's `Hash` or `Eq`, panics. Nothing is stored or removed then, but for what had made room already.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// cache.insert(1, "uno");
            /// assert_eq!(cache.fetch(&1).as_deref(), Some(&"uno"));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn insert(&self, key: K, value: V) {
                self.insert_with(key, Loaded::value(value));
            }

            /// Stores a value with settings of its own, as [`insert`](Self::insert) does.
            ///
            /// [`Loaded::absent`] and an [uncached](Loaded::uncached) value remove what is held instead, and [`Loaded::unchanged`] does nothing.
            ///
            /// # Panics
            /// As [`insert`](Self::insert).
            ///
            /// # Examples
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert_with(1, bellwether::Loaded::value("one").weight(5).time_to_live(Duration::from_secs(60)));
            /// assert_eq!(cache.weight(), 5);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn insert_with(&self, key: K, value: impl Into<Loaded<V>>) {
                let hashed = self.shared.place(&key).hashed;
                let _held_or_not = self.shared.insert(hashed, key, value.into());
            }

            /// Stores a value that lives for `time_to_live` from now, as [`insert`](Self::insert) does. `Duration::MAX` is for ever.
            ///
            /// # Panics
            /// As [`insert`](Self::insert).
            ///
            /// # Examples
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert_with_ttl(1, "brief", Duration::ZERO);
            /// assert!(cache.fetch(&1).is_none());
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn insert_with_ttl(&self, key: K, value: V, time_to_live: Duration) {
                self.insert_with(key, Loaded::value(value).time_to_live(time_to_live));
            }

            /// Removes the value of `key` and gives it back, if a fresh one was held.
            ///
            /// Supersedes a load of the key that is under way, as [`insert`](Self::insert) does: a fetch that starts after this returns never gets
            /// a value whose load began before.
            ///
            /// # Panics
            /// If the key's `Hash` or `Eq` panics; nothing is changed then.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// assert_eq!(cache.remove(&1).as_deref(), Some(&"one"));
            /// assert_eq!(cache.remove(&1), None);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn remove<Q: Lookup<K> + ?Sized>(&self, key: &Q) -> Option<Arc<V>> {
                self.shared.remove(self.shared.place(key))
            }

            /// Removes the value of `key` and says whether a fresh one was held. To be called after the source has changed.
            ///
            /// Supersedes a load of the key that is under way: a fetch that starts after this returns never gets a value whose load
            /// began before. Those who were waiting already get what that load brings; it is not stored.
            ///
            /// # Panics
            /// If the key's `Hash` or `Eq` panics; nothing is changed then.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// assert!(cache.invalidate(&1));
            /// assert!(!cache.invalidate(&1));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn invalidate<Q: Lookup<K> + ?Sized>(&self, key: &Q) -> bool {
                let removed = self.remove(key);
                let was_held = removed.is_some();
                drop_contained(removed);
                was_held
            }

            /// Removes all values and supersedes all loads under way.
            ///
            /// It goes through the parts of the cache one after the other: for every single key it is atomic, for several keys it is not.
            ///
            /// # Cost
            /// A constant time under each part's lock; the values are dropped after it.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// cache.clear();
            /// assert!(cache.is_empty());
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[doc(alias = "invalidate_all")]
            pub fn clear(&self) {
                self.shared.clear();
            }
        }

        impl<K, V, S> $face<K, V, S> {
            /// How many entries are held, with those that have expired and not yet been reclaimed.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// assert_eq!(cache.len(), 1);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[must_use]
            pub fn len(&self) -> u64 {
                self.shared.room.entries()
            }

            /// Whether nothing is held.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// assert!(cache.is_empty());
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// The weight held, in the unit of the capacity, with room that is promised to an entry about to be stored. Never more than the
            /// capacity, at no instant.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, String>::builder()")]
            ///     .weigher(|_, text: &String| text.len() as u64)
            #[doc = concat!("    .", stringify!($build), "()?;")]
            /// cache.insert(1, "one".to_owned());
            /// assert_eq!(cache.weight(), 3);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[must_use]
            pub fn weight(&self) -> u64 {
                self.shared.room.held()
            }

            /// The most weight that can be held; `u64::MAX` for a cache without bounds.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().capacity(10).", stringify!($build), "()?;")]
            /// assert_eq!(cache.capacity(), 10);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[must_use]
            pub fn capacity(&self) -> u64 {
                self.shared.room.capacity()
            }

            /// A reading of the cache's counters.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.fetch(&1);
            /// assert_eq!(cache.metrics().misses, 1);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[must_use]
            pub fn metrics(&self) -> MetricsSnapshot {
                self.shared.metrics()
            }

            /// Checks that all the cache's accounts agree, while nothing is going on. In builds with debug assertions only.
            ///
            /// # Panics
            /// If they don't.
            #[cfg(any(test, debug_assertions))]
            #[doc(hidden)]
            pub fn validate(&self) {
                self.shared.validate();
            }
        }

        /// Another handle of the same cache.
        impl<K, V, S> Clone for $face<K, V, S> {
            fn clone(&self) -> Self {
                Self { shared: self.shared.clone() }
            }
        }

        /// Name and counts, never keys or values.
        impl<K, V, S> fmt::Debug for $face<K, V, S> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($face))
                    .field("name", &self.shared.name())
                    .field("len", &self.len())
                    .field("weight", &self.weight())
                    .field("capacity", &self.capacity())
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(super) use plain_methods;
