//! What both faces give of all their entries: iterators, pages, and the coldest and hottest. Written once, given to each.

/// Gives a face the methods that walk over its entries.
macro_rules! walking_methods {
    ($face:ident, $build:ident) => {
        impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> $face<K, V, S> {
            /// Never loads: an iterator over all fresh entries, in no order. It leaves no trace, neither in the metrics nor as a use of the entries.
            ///
            /// An entry that stays while the walk goes on is met exactly once, with the value that it has then, whatever other entries come and go.
            /// One that comes or goes meanwhile is met once or not at all, and no key is met twice. What is stale is not shown.
            ///
            /// # Cost
            /// Linear in what is held, plus a step for each 64 entries that were ever held at a time.
            ///
            /// # Blocking
            /// It takes the read lock of a part of the cache for at most 64 entries and 256 steps at a time, in which keys are cloned, and no lock between.
            ///
            /// # Panics
            /// Walking it panics where a key's `Clone` does, and may be gone on with; inside the closure of [`get`](Self::get); and inside a method of a custom policy.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// cache.insert(2, "two");
            /// let mut keys: Vec<u32> = cache.iter().map(|(key, _)| key).collect();
            /// keys.sort();
            /// assert_eq!(keys, [1, 2]);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn iter(&self) -> Iter<'_, K, V, S> {
                Iter::new(&self.shared)
            }

            /// Never loads: as [`iter`](Self::iter), but with so many entries taken in one hold of a lock.
            ///
            /// Few are kind to writers where keys are dear to clone; many are quicker, and hold more keys and values at a time. It counts as at least 1, and
            /// as at most 256.
            ///
            /// # Cost
            /// As that of [`iter`](Self::iter).
            ///
            /// # Blocking
            /// As [`iter`](Self::iter), with `most` entries in place of 64.
            ///
            /// # Panics
            /// As [`iter`](Self::iter).
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, u32>::builder().", stringify!($build), "()?;")]
            /// (0..100).for_each(|key| cache.insert(key, key));
            /// assert_eq!(cache.iter_with_batch_size(256).count(), 100);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn iter_with_batch_size(&self, most: usize) -> Iter<'_, K, V, S> {
                Iter::in_batches(&self.shared, most)
            }

            /// Never loads: a copy of all fresh entries, taken before this returns, in no order. It knows how many they are, borrows nothing, and leaves no
            /// trace, as [`iter`](Self::iter).
            ///
            /// It takes what one hold of a lock may, 256 entries at a time, so that writers never wait for long: it is *not* the state of one instant.
            /// Each entry that stays while it is taken is in it exactly once, and each is as it was at some instant of the call.
            ///
            /// # Cost
            /// That of [`iter`](Self::iter), at once, and the memory for all keys and for an `Arc` of each value.
            ///
            /// # Panics
            /// If a key's `Clone` panics; inside the closure of [`get`](Self::get); and inside a method of a custom policy.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// let snapshot = cache.iter_snapshot();
            /// cache.clear();
            /// assert_eq!(snapshot.len(), 1);
            /// for (key, value) in snapshot {
            ///     assert_eq!((key, *value), (1, "one"));
            /// }
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn iter_snapshot(&self) -> IterSnapshot<K, V> {
                IterSnapshot::new(self.shared.all_entries())
            }

            /// Never loads: a page of fresh entries, and the cursor of the next page. For listings that go on with a later request.
            ///
            /// The cursor 0 begins, and when 0 is given back the listing is at its end. The cache keeps nothing for a cursor, so that any number of
            /// listings may be under way, or given up. Any number is safe as a cursor: one that this cache has never given names some place, too.
            ///
            /// An entry that stays from the first page to the last is on exactly one of them. One that comes, goes or changes meanwhile may be or not, and
            /// a key that is removed and stored anew may be on two. A page has at most `count` entries, but may have fewer, and even none, before
            /// the end. With a `count` of 0 it gives the cursor back as it was.
            ///
            /// # Cost
            /// Linear in `count`, and a constant beside: at most 1,024 places that hold nothing to show are passed over.
            ///
            /// # Blocking
            /// It takes the read lock of a part of the cache for at most 256 steps at a time, in which keys are cloned.
            ///
            /// # Panics
            /// As [`iter_snapshot`](Self::iter_snapshot).
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, u32>::builder().", stringify!($build), "()?;")]
            /// (0..100).for_each(|key| cache.insert(key, key));
            ///
            /// let (mut cursor, mut seen) = (0, 0);
            /// loop {
            ///     let (next, page) = cache.scan(cursor, 10);
            ///     assert!(page.len() <= 10);
            ///     seen += page.len();
            ///     cursor = next;
            ///     if cursor == 0 {
            ///         break;
            ///     }
            /// }
            /// assert_eq!(seen, 100);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[must_use]
            pub fn scan(&self, cursor: u64, count: usize) -> (u64, Vec<(K, Arc<V>)>) {
                self.shared.scan(cursor, count)
            }

            /// Never loads: up to `most` fresh entries that the eviction policy would keep longest, the hottest first. It leaves no trace, as
            /// [`iter`](Self::iter).
            ///
            /// It is the order of [`coldest`](Self::coldest), from its other end.
            ///
            /// # Cost
            /// It looks at all entries twice, and for a moment takes eight bytes, or 40 under
            /// [`CostAware`](crate::EvictionPolicy::CostAware), for each entry of a part of the cache.
            ///
            /// # Blocking
            /// It takes the lock of a part of the cache for at most 256 steps at a time.
            ///
            /// # Panics
            /// As [`iter_snapshot`](Self::iter_snapshot).
            ///
            /// # Examples
            /// ```
            /// use bellwether::EvictionPolicy;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().eviction(EvictionPolicy::Lru).shards(1).", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// cache.insert(2, "two");
            /// cache.fetch(&1);
            /// let keys: Vec<u32> = cache.hottest(10).into_iter().map(|(key, _)| key).collect();
            /// assert_eq!(keys, [1, 2]);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[must_use]
            pub fn hottest(&self, most: usize) -> Vec<(K, Arc<V>)> {
                self.shared.hottest(most)
            }

            /// Never loads: up to `most` fresh entries that the eviction policy would part with first, the coldest first. It leaves no trace, as
            /// [`iter`](Self::iter).
            ///
            /// The order is what the policy knows now of those that it holds:
            /// - It is exact under [`Lru`](crate::EvictionPolicy::Lru), [`Slru`](crate::EvictionPolicy::Slru), [`Fifo`](crate::EvictionPolicy::Fifo),
            ///   [`Lfu`](crate::EvictionPolicy::Lfu), [`CostAware`](crate::EvictionPolicy::CostAware) and [`None`](crate::EvictionPolicy::None), as long as nothing
            ///   else is used; and under [`Clock`](crate::EvictionPolicy::Clock) and [`Sieve`](crate::EvictionPolicy::Sieve), as long as besides none has to
            ///   look at more than 256 entries for a victim.
            /// - Under [`S3Fifo`](crate::EvictionPolicy::S3Fifo), [`AdaptiveReplacement`](crate::EvictionPolicy::AdaptiveReplacement),
            ///   [`Lirs`](crate::EvictionPolicy::Lirs), [`TinyLfu`](crate::EvictionPolicy::TinyLfu) and [`Adaptive`](crate::EvictionPolicy::Adaptive) it goes queue by queue,
            ///   each in its exact order. What passes from one to another on its way out, because it was used, returns or wins a contest, moves the borders.
            /// - [`Random`](crate::EvictionPolicy::Random) has no order, and one of your own tells none: then it is any order.
            ///
            /// Entries that weigh nothing come last, as no room is made with them. The parts of the cache, each of which has an order of its own, are merged
            /// by how much of each is colder. While others use the cache, entries that move during the call count as hot, and fewer may be given where
            /// some leave.
            ///
            /// # Cost
            /// It looks at few more entries than `most` in each part of the cache where the policy knows its first victims, and at most at all of them twice.
            ///
            /// # Blocking
            /// As [`hottest`](Self::hottest).
            ///
            /// # Panics
            /// As [`iter_snapshot`](Self::iter_snapshot).
            ///
            /// # Examples
            /// ```
            /// use bellwether::EvictionPolicy;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().capacity(2).eviction(EvictionPolicy::Lru).shards(1).", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// cache.insert(2, "two");
            /// cache.fetch(&1);
            /// assert_eq!(cache.coldest(1)[0].0, 2);
            /// cache.insert(3, "three");
            /// assert!(!cache.contains_key(&2));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[must_use]
            pub fn coldest(&self, most: usize) -> Vec<(K, Arc<V>)> {
                self.shared.coldest(most)
            }
        }

        impl<'a, K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> IntoIterator for &'a $face<K, V, S> {
            type Item = (K, Arc<V>);
            type IntoIter = Iter<'a, K, V, S>;

            fn into_iter(self) -> Iter<'a, K, V, S> {
                self.iter()
            }
        }
    };
}
pub(super) use walking_methods;
