//! What both faces do with a value in dependence on what is held: conditional writes and changes. Written once, given to each.

/// Gives a face its atomic updates.
macro_rules! atomic_methods {
    ($face:ident, $build:ident) => {
        impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> $face<K, V, S> {
            /// Never loads: stores `value` for `key` if no fresh value is held; else gives the one that is, which stays.
            ///
            /// Nothing is told of the `value` that isn't wanted. A value past its time to live counts as none, and so does a remembered absence.
            /// Where it stores, it does as [`insert`](Self::insert): a load of the key that is under way is superseded, a vacant [entry](Self::entry)
            /// that somebody has taken is overtaken, and a value that is too heavy or that the eviction policy refuses isn't held, though `None` is
            /// returned. Where it doesn't, loads go on. Counts neither as a use of the entry nor as a hit or a miss.
            ///
            /// # Blocking
            /// As [`insert`](Self::insert).
            ///
            /// # Cost
            /// A lookup where a value is held, else a lookup and an insert.
            ///
            /// # Panics
            /// If the weigher, or the key's `Hash` or `Eq`, panics: what was held stays then.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// assert!(cache.insert_if_absent(1, "one").is_none());
            /// assert_eq!(cache.insert_if_absent(1, "uno").as_deref(), Some(&"one"));
            /// assert_eq!(cache.fetch(&1).as_deref(), Some(&"one"));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[doc(alias = "add")]
            #[doc(alias = "set_nx")]
            pub fn insert_if_absent(&self, key: K, value: V) -> Option<Arc<V>> {
                self.shared.insert_if_absent(key, value)
            }

            /// Never loads: stores `value` in the place of the fresh value that is held for `key`, and gives that; where none is held, does nothing.
            ///
            /// Where it stores, it does as [`insert`](Self::insert), but that the entry keeps its tags; where it doesn't, loads of the key go on, and
            /// nothing is told of `value`. Counts neither as a hit nor as a miss.
            ///
            /// # Blocking
            /// As [`insert`](Self::insert).
            ///
            /// # Cost
            /// A lookup; and if a value is held a clone of the key and an insert, once more for every other write to the key that comes between.
            ///
            /// # Panics
            /// If the weigher, or the key's `Hash`, `Eq` or `Clone`, panics: what was held stays then.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().", stringify!($build), "()?;")]
            /// assert!(cache.replace(1, "uno").is_none() && cache.is_empty());
            /// cache.insert(1, "one");
            /// assert_eq!(cache.replace(1, "uno").as_deref(), Some(&"one"));
            /// assert_eq!(cache.fetch(&1).as_deref(), Some(&"uno"));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn replace(&self, key: K, value: V) -> Option<Arc<V>> {
                self.shared.replace(key, value)
            }

            /// Never loads: stores `value` for `key` if the `expected` one is held: that very [`Arc`](std::sync::Arc), not one that is equal to it.
            ///
            /// Where it stores, it does as [`insert`](Self::insert), but that the entry keeps its tags; where it doesn't, loads of the key go on. As
            /// long as somebody has an `Arc` in hand no other is the same, so that a value that was changed and changed back isn't taken for the one
            /// expected. Counts neither as a hit nor as a miss.
            ///
            /// # Errors
            /// If that very value isn't held, or is past its time to live: `value` comes back.
            ///
            /// # Blocking
            /// As [`insert`](Self::insert).
            ///
            /// # Cost
            /// An insert, and a key made of the borrowed one. The weigher runs in any case.
            ///
            /// # Panics
            /// If the weigher, or the key's `Hash`, `Eq` or `Clone`, panics: what was held stays then.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<String, u32>::builder().", stringify!($build), "()?;")]
            /// cache.insert("level".to_owned(), 1);
            /// let seen = cache.fetch("level").expect("it is held");
            /// assert_eq!(cache.compare_and_swap("level", &seen, 2), Ok(()));
            /// assert_eq!(cache.compare_and_swap("level", &seen, 3), Err(3));
            /// assert_eq!(cache.fetch("level").as_deref(), Some(&2));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn compare_and_swap<Q: LoadKey<K> + ?Sized>(&self, key: &Q, expected: &Arc<V>, value: V) -> Result<(), V> {
                self.shared.compare_and_swap(key, expected, value)
            }

            /// Never loads: changes the fresh value that is held for `key` and says whether there was one.
            ///
            /// `change` works on a copy, under no lock, and may call this cache and any other. The copy takes the value's place, as if by
            /// [`insert`](Self::insert), if just that value is still held; if another write was faster, `change` is called again on a copy of what is
            /// held by then, so that no update is lost. The entry keeps its tags. Whoever merely has the value's `Arc` in hand is in nobody's way, and
            /// goes on seeing the value as it was. If nothing is held any more, nothing is changed. A `change` that itself writes to the key each time
            /// it runs never comes to an end. Counts neither as a hit nor as a miss.
            ///
            /// # Blocking
            /// As [`insert`](Self::insert).
            ///
            /// # Cost
            /// A lookup, a clone of the value, a key made of the borrowed one, and an insert; once more for every other write to the key that comes
            /// between. [`try_compute`](Self::try_compute) needs no clone of the value.
            ///
            /// # Panics
            /// If `change`, the value's `Clone`, the weigher, or the key's `Hash`, `Eq` or `Clone`, panics: the value stays whole, as it was, and
            /// loads of the key go on.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<String, u32>::builder().", stringify!($build), "()?;")]
            /// assert!(!cache.compute("visits", |visits| *visits += 1), "nothing is held");
            /// cache.insert("visits".to_owned(), 1);
            /// assert!(cache.compute("visits", |visits| *visits += 1));
            /// assert_eq!(cache.fetch("visits").as_deref(), Some(&2));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[doc(alias = "compute_if_present")]
            pub fn compute<Q: LoadKey<K> + ?Sized>(&self, key: &Q, change: impl FnMut(&mut V)) -> bool
            where
                V: Clone,
            {
                self.shared.compute(key, change).is_some()
            }

            /// Never loads: changes the fresh value that is held for `key`, as [`compute`](Self::compute) does, and gives what `change` returned, or
            /// `None` if none is held.
            ///
            /// # Blocking
            /// As [`insert`](Self::insert).
            ///
            /// # Cost
            /// As [`compute`](Self::compute).
            ///
            /// # Panics
            /// As [`compute`](Self::compute).
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, Vec<&str>>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, vec!["a", "b"]);
            /// assert_eq!(cache.compute_val(&1, |jobs| jobs.pop()), Some(Some("b")));
            /// assert_eq!(cache.compute_val(&2, |jobs| jobs.pop()), None);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn compute_val<Q: LoadKey<K> + ?Sized, R>(&self, key: &Q, change: impl FnMut(&mut V) -> R) -> Option<R>
            where
                V: Clone,
            {
                self.shared.compute(key, change)
            }

            /// Never loads: changes the fresh value that is held for `key`, as [`compute`](Self::compute) does, or stores what `init` makes once it
            /// is changed likewise; gives what `change` returned.
            ///
            /// Both closures run under no lock and may call any cache. `init` is called once at most, and what it makes is given up if somebody
            /// else's value was faster. It neither waits for a load of the key that is under way nor lets it win: by storing it supersedes that, as
            /// [`insert`](Self::insert) does. Where the value is to come from a loader, or is too dear to be made by two at once, use
            /// [`entry`](Self::entry).
            ///
            /// # Blocking
            /// As [`insert`](Self::insert).
            ///
            /// # Cost
            /// A lookup, a clone of the value if there is one, a clone of the key, and an insert; once more for every other write to the key that
            /// comes between.
            ///
            /// # Panics
            /// If `init`, `change`, the value's `Clone`, the weigher, or the key's `Hash`, `Eq` or `Clone`, panics: what was held stays whole, as it
            /// was, and loads of the key go on.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<&str, u32>::builder().", stringify!($build), "()?;")]
            /// for word in ["a", "b", "a"] {
            ///     cache.upsert(word, || 0, |count| *count += 1);
            /// }
            /// assert_eq!((cache.get(&"a", |&count| count), cache.get(&"b", |&count| count)), (Some(2), Some(1)));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[doc(alias = "insert_or_update")]
            pub fn upsert<R>(&self, key: K, init: impl FnOnce() -> V, change: impl FnMut(&mut V) -> R) -> R
            where
                V: Clone,
            {
                self.shared.upsert(key, init, change)
            }

            /// Never loads: changes the fresh value that is held for `key` in place, without a copy, if nobody else has it in hand.
            ///
            /// It is [`Busy`](ComputeResult::Busy) as long as anybody holds the value's `Arc` or a `Weak` of it: who has fetched it, an occupied
            /// entry, a refresh that was given it, and for a moment another call of this. Right after `change` the value is weighed anew, and lives
            /// anew by the cache's rules; if it has become too heavy it leaves as [`Replaced`](crate::RemovalCause::Replaced), though `Done` is
            /// returned. The listener is told nothing of a change in place. It is a write, and supersedes a load of the key that is under way; `Busy`
            /// and `Absent` change nothing. Counts neither as a hit nor as a miss.
            ///
            /// # Blocking
            /// `change` runs under the write lock of a part of the cache and must be short and wait for nothing: readers and writers of that part
            /// wait for it. Otherwise as [`insert`](Self::insert).
            ///
            /// # Cost
            /// Two writes and a key made of the borrowed one. Without contention it is the cheapest change of a large value.
            ///
            /// # Panics
            /// If `change` panics, or it calls this cache or any other, which panics with a message: the value is removed, as it may be half changed,
            /// with the cause [`Invalidated`](crate::RemovalCause::Invalidated), and then the panic goes on. So it is if the weigher, the [expiry
            /// hook](crate::Expiry) or the key's `Clone` panics, since nobody knows then what the value weighs. If the key's `Hash` or `Eq` panics,
            /// the value stays, with or without the whole of the change.
            ///
            /// # Examples
            /// ```
            /// use bellwether::ComputeResult;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, Vec<u64>>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, vec![0; 10_000]);
            /// assert_eq!(cache.try_compute(&1, |samples| samples[7] = 1), ComputeResult::Done(()));
            /// let in_hand = cache.fetch(&1);
            /// assert_eq!(cache.try_compute(&1, |samples| samples[7] = 2), ComputeResult::Busy);
            /// # drop(in_hand);
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn try_compute<Q: LoadKey<K> + ?Sized>(&self, key: &Q, change: impl FnOnce(&mut V)) -> ComputeResult<()> {
                self.shared.try_compute(key, change)
            }

            /// Never loads: changes the fresh value that is held for `key` in place, as [`try_compute`](Self::try_compute) does, and gives what
            /// `change` returned.
            ///
            /// # Blocking
            /// As [`try_compute`](Self::try_compute).
            ///
            /// # Cost
            /// As [`try_compute`](Self::try_compute).
            ///
            /// # Panics
            /// As [`try_compute`](Self::try_compute).
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, Vec<&str>>::builder().", stringify!($build), "()?;")]
            /// cache.insert(1, vec!["a", "b"]);
            /// assert_eq!(cache.try_compute_val(&1, |jobs| jobs.pop()).done(), Some(Some("b")));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn try_compute_val<Q: LoadKey<K> + ?Sized, R>(&self, key: &Q, change: impl FnOnce(&mut V) -> R) -> ComputeResult<R> {
                self.shared.try_compute(key, change)
            }
        }
    };
}
pub(super) use atomic_methods;
