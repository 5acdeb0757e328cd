//! What both faces do with the capacity: change it, ask what another would be worth, and insert only what is sure to be held.

/// Gives a face its methods of capacity.
macro_rules! capacity_methods {
    ($face:ident, $build:ident) => {
        impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> $face<K, V, S> {
            /// Stores `value` for `key`, as [`insert`](Self::insert) does, and says so if it isn't held because it weighs too much or the eviction policy
            /// refuses it.
            ///
            /// # Errors
            /// [`Refused`], with the weight and the capacity. What was held for the key has left all the same.
            ///
            /// # Panics
            /// As [`insert`](Self::insert).
            ///
            /// # Examples
            /// ```
            /// use bellwether::EvictionPolicy;
            ///
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, &str>::builder().capacity(1).eviction(EvictionPolicy::None).", stringify!($build), "()?;")]
            /// cache.try_insert(1, "one")?;
            /// let refused = cache.try_insert(2, "two").expect_err("it is full");
            /// assert_eq!(refused.to_string(), "the cache is full, and its eviction policy refuses another entry of weight 1; its capacity is 1");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn try_insert(&self, key: K, value: V) -> Result<(), Refused> {
                let hashed = self.shared.place(&key).hashed;
                self.shared.insert(hashed, key, Loaded::value(value))
            }

            /// Sets the most weight that is held, from now on.
            ///
            /// A larger one holds at once. For a smaller one, as much leaves as is too much, by the eviction policy and with the cause
            /// [`Evicted`](crate::RemovalCause::Evicted); [`capacity`](Self::capacity) shows it when that is done, and at no instant is more held than
            /// it shows. Of several calls at a time the last one counts. With zero nothing of weight is held, and loads are still shared. The number of shards stays.
            ///
            /// # Blocking
            /// It waits for a listener that is behind, as [`insert`](Self::insert) does, and for a step of another call that gathers room.
            ///
            /// # Panics
            /// Inside the closure of [`get`](Self::get), and inside a method of a [`CustomPolicy`](crate::CustomPolicy).
            ///
            /// # Cost
            /// The call pays for what leaves, in steps of at most 256 entries for each hold of a lock, between which other calls have their turn.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, u32>::builder().capacity(100).", stringify!($build), "()?;")]
            /// (0..100).for_each(|n| cache.insert(n, n));
            /// cache.set_capacity(10);
            /// assert_eq!((cache.len(), cache.capacity()), (10, 10));
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            pub fn set_capacity(&self, weight: u64) {
                self.shared.set_capacity(weight);
            }

            /// The hit ratio that the cache would have with a quarter, half, twice and four times its capacity, as far as can be told from a sample of its keys.
            ///
            /// By [`EvictionPolicy::Adaptive`](crate::EvictionPolicy::Adaptive) only, whose miniature simulations it extends; empty under any other policy, for a
            /// cache without bounds, and before there is enough to go by.
            ///
            /// # Examples
            /// ```
            #[doc = concat!("let cache = bellwether::", stringify!($face), "::<u32, u32>::builder().capacity(1_000).", stringify!($build), "()?;")]
            /// for what_if in cache.what_if() {
            ///     println!("{}: {:.1} %", what_if.capacity, 100.0 * what_if.hit_ratio);
            /// }
            /// # Ok::<(), bellwether::BuildError>(())
            /// ```
            #[must_use]
            pub fn what_if(&self) -> Vec<WhatIf> {
                self.shared.what_if()
            }
        }
    };
}
pub(super) use capacity_methods;
