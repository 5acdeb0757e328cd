//! What the builder takes on eviction, and on what becomes of that which leaves.

use super::CacheBuilder;
use crate::mechanisms::eviction::{CustomPolicy, EvictionPolicy, MakePolicy, Plan, PolicyBounds, Sizing};
use crate::vocabulary::listener::{AnyListener, RemovalListener};
use crate::vocabulary::removal::RemovalCause;
use std::sync::Arc;

/// What was settled.
pub(super) struct Eviction<K, V> {
    pub(super) policy: EvictionPolicy,
    custom: Option<Arc<MakePolicy<K, V>>>,
    pub(super) listener: Option<Arc<AnyListener<K, V>>>,
}

impl<K, V> Eviction<K, V> {
    pub(super) fn new() -> Self {
        Self { policy: EvictionPolicy::default(), custom: None, listener: None }
    }

    /// The plan for a cache of so many shards.
    pub(super) fn plan(self, shards: usize, capacity: u64, sizing: Sizing) -> Plan<K, V> {
        Plan::new(self.policy, self.custom, shards, capacity, sizing)
    }
}

impl<K, V, S> CacheBuilder<K, V, S> {
    /// Sets the eviction policy; [`EvictionPolicy::Adaptive`] by default. Of several calls, those of `custom_eviction` included, the last one counts.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, EvictionPolicy};
    ///
    /// let cache = Cache::<u32, u32>::builder().capacity(100).eviction(EvictionPolicy::Lru).build()?;
    /// # let _ = cache;
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn eviction(mut self, policy: EvictionPolicy) -> Self {
        self.eviction.policy = policy;
        self.eviction.custom = None;
        self
    }

    /// Evicts by a policy of one's own: `make` makes one for each shard. See [`CustomPolicy`], with an example.
    ///
    /// It is called when the cache is built, and under a shard's lock when the cache is cleared; if it panics, that shard evicts what came first.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, CustomPolicy, PolicyEntry, PolicySlot};
    /// use std::collections::VecDeque;
    ///
    /// struct FirstIn(VecDeque<PolicySlot>);
    ///
    /// impl CustomPolicy<u32, u32> for FirstIn {
    ///     fn admitted(&mut self, slot: PolicySlot, _entry: &PolicyEntry<'_, u32, u32>) {
    ///         self.0.push_back(slot);
    ///     }
    ///     fn removed(&mut self, slot: PolicySlot) {
    ///         self.0.retain(|&held| held != slot);
    ///     }
    ///     fn victim(&mut self) -> Option<PolicySlot> {
    ///         self.0.front().copied()
    ///     }
    /// }
    ///
    /// let cache = Cache::builder().capacity(2).shards(1).custom_eviction(|_| FirstIn(VecDeque::new())).build()?;
    /// (1..=3).for_each(|n| cache.insert(n, n));
    /// assert!(!cache.contains_key(&1) && cache.contains_key(&3));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn custom_eviction<P: CustomPolicy<K, V> + 'static>(mut self, make: impl Fn(&PolicyBounds) -> P + Send + Sync + 'static) -> Self {
        self.eviction.custom = Some(Arc::new(move |bounds: &PolicyBounds| Box::new(make(bounds)) as Box<dyn CustomPolicy<K, V>>));
        self
    }

    /// Has every value that leaves the cache reported, with its key and why. See [`RemovalListener`].
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, RemovalCause, RemovalListener};
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// #[derive(Default)]
    /// struct Evictions(AtomicU32);
    ///
    /// impl RemovalListener<u32, u32> for Evictions {
    ///     fn on_removal(&self, _key: &u32, _value: &Arc<u32>, cause: RemovalCause) {
    ///         if cause == RemovalCause::Evicted {
    ///             self.0.fetch_add(1, Ordering::Relaxed);
    ///         }
    ///     }
    /// }
    ///
    /// let evictions = Arc::new(Evictions::default());
    /// let cache = Cache::builder().capacity(1).listener(Arc::clone(&evictions)).build()?;
    /// cache.insert(1, 10);
    /// cache.insert(2, 20);
    /// assert_eq!(evictions.0.load(Ordering::Relaxed), 1);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn listener(mut self, listener: impl RemovalListener<K, V> + 'static) -> Self {
        self.eviction.listener = Some(Arc::new(listener));
        self
    }

    /// Has every value that leaves the cache reported to a closure, with its key and why. See [`RemovalListener`]. A cache has one listener: of several
    /// calls of this and of `listener` the last one counts.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, RemovalCause};
    ///
    /// let cache = Cache::<u32, String>::builder()
    ///     .on_removal(|key, value, cause| println!("{key} left with {value}: {cause:?}"))
    ///     .build()?;
    /// cache.insert(1, "one".to_owned());
    /// cache.invalidate(&1);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn on_removal(self, listener: impl Fn(&K, &Arc<V>, RemovalCause) + Send + Sync + 'static) -> Self {
        self.listener(listener)
    }
}
