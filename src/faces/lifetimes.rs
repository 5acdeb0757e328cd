//! What both faces do alike about times: questions about an entry's lifetime, changes to it, and upkeep. Written once, given to each.

/// Gives a face the methods that have to do with times and neither load nor wait.
macro_rules! lifetime_methods {
    ($face:ident, $build:ident) => {
        impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> $face<K, V, S> {
            /// Ends the time to live of what is held for `key`, and says whether it was within it. To be called after the source has changed, where a
            /// stale value is better than waiting.
            ///
            /// The value stays as a stale one where [`stale_while_revalidate`](crate::CacheBuilder::stale_while_revalidate) or
            /// [`stale_if_error`](crate::CacheBuilder::stale_if_error) is set, for that long from now on; else it is removed, as by
            /// [`invalidate`](Self::invalidate). Supersedes a load of the key that is under way: but for the stale value, a fetch that starts after this
            /// returns never gets one whose load began before. The next load needn't wait for failures that went before.
            ///
            /// # Panics
            /// If the key's `Hash` or `Eq` panics; nothing is changed then.
            ///
            /// # Examples
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder()")]
            ///     .stale_while_revalidate(Duration::from_secs(60))
            #[doc = concat!("    .", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// assert!(cache.expire(&1));
            /// assert!(cache.fetch(&1).is_none() && cache.fetch_stale(&1).is_some());
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn expire<Q: Lookup<K> + ?Sized>(&self, key: &Q) -> bool {
                self.shared.expire(self.shared.place(key))
            }

            /// Has the value of `key` live for `time_to_live` from now on, and says whether one is held that is within its time to live.
            ///
            /// `Duration::MAX` is for ever, zero is over at once. Stale windows follow the new end; jitter has no part in it. Supersedes nothing, and isn't a
            /// use of the entry.
            ///
            /// # Examples
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// assert!(cache.set_ttl(&1, Duration::from_secs(60)));
            /// assert!(cache.entry_info(&1).is_some_and(|info| info.time_left.is_some()));
            /// assert!(!cache.set_ttl(&2, Duration::from_secs(60)));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn set_ttl<Q: Lookup<K> + ?Sized>(&self, key: &Q, time_to_live: Duration) -> bool {
                self.shared.set_ttl(self.shared.place(key), time_to_live)
            }

            /// Has the value of `key` live for ever, and says whether one is held that is within its time to live. An idle time still counts.
            ///
            /// Supersedes nothing, and isn't a use of the entry.
            ///
            /// # Examples
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder()")]
            ///     .time_to_live(Duration::from_secs(60))
            #[doc = concat!("    .", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// assert!(cache.persist(&1));
            /// assert!(cache.entry_info(&1).is_some_and(|info| info.time_left.is_none()));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn persist<Q: Lookup<K> + ?Sized>(&self, key: &Q) -> bool {
                self.set_ttl(key, Duration::MAX)
            }

            /// Never loads: the age, the time left and the state of what is held for `key`, or `None` where nothing of use is. Leaves no trace, as
            /// [`peek`](Self::peek).
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// let info = cache.entry_info(&1).expect("it is held");
            /// assert_eq!((info.state, info.time_left), (bellwether::Freshness::Fresh, None));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[must_use]
            pub fn entry_info<Q: Lookup<K> + ?Sized>(&self, key: &Q) -> Option<EntryInfo> {
                let place = self.shared.place(key);
                self.shared.shard(place.hashed).entry_info(place)
            }

            /// Never loads: the value held for `key`, also one past its time to live as long as it is within a stale window, with its age.
            ///
            /// Counts as a use of the entry, and as a hit, a stale hit or a miss.
            ///
            /// # Examples
            /// ```
            /// use bellwether::{MockClock, Source, StaleReason};
            /// use std::time::Duration;
            ///
            /// let (clock, minute) = (MockClock::new(), Duration::from_secs(60));
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder()")]
            ///     .time_to_live(minute)
            ///     .stale_if_error(minute)
            ///     .clock(clock.clone())
            #[doc = concat!("    .", stringify!($build), "()?;")]
            /// cache.insert(1, "one");
            /// clock.advance(minute);
            /// let stale = cache.fetch_stale(&1).expect("it is within its stale window");
            /// assert_eq!((*stale.value, stale.source), ("one", Source::Stale { age: minute, why: StaleReason::NotLoaded }));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn fetch_stale<Q: Lookup<K> + ?Sized>(&self, key: &Q) -> Option<Fetched<V>> {
                let place = self.shared.place(key);
                self.shared.counted_stale(self.shared.shard(place.hashed).fetch_stale(place))
            }

            /// Reclaims all that has expired by now, lets the eviction policy know of every use so far, and returns when the listener was told of all
            /// that has left before.
            ///
            /// Needed only by caches built with [`no_janitor`](crate::CacheBuilder::no_janitor), and by tests. Called from inside a listener, or on
            /// the only thread of a runtime, it doesn't wait for what somebody else is telling.
            ///
            /// # Blocking
            /// It calls the listener itself, or waits for whoever does.
            ///
            /// # Cost
            /// A constant time for each entry that has expired, in steps of at most 256 for each hold of a lock.
            ///
            /// # Examples
            /// ```
            /// use std::time::Duration;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().no_janitor().", stringify!($build), "()?;")]
            /// cache.insert_with_ttl(1, "one", Duration::ZERO);
            /// cache.run_maintenance();
            /// assert_eq!(cache.len(), 0);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn run_maintenance(&self) {
                self.shared.maintain();
            }
        }
    };
}
pub(super) use lifetime_methods;
