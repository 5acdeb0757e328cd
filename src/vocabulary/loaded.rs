//! What a load brings: a value with its own settings, the answer that there is none, or that nothing changed.

use super::error::BoxError;
use super::expiry::{Lifetime, OwnRules};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What a loader answers, and what [`insert_with`](crate::Cache::insert_with) takes: a value with settings of its own, or no value.
///
/// A plain value, an `Arc` of it or an `Option` of it converts into one; `None` says that there is no such key.
///
/// # Examples
/// ```
/// use bellwether::{Cache, Loaded};
/// use std::time::Duration;
///
/// let cache = Cache::<String, String>::builder()
///     .loader_fn(|name: &String| match name.as_str() {
///         "nobody" => Loaded::ok(Loaded::absent()),
///         name => Loaded::ok(Loaded::value(name.to_uppercase()).time_to_live(Duration::from_secs(30))),
///     })
///     .build()?;
/// assert_eq!(*cache.fetch_with("ann")?, "ANN");
/// assert!(cache.fetch_optional("nobody")?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "what was loaded does nothing until it is returned or inserted"]
pub struct Loaded<V> {
    pub(crate) answer: Answer<V>,
    pub(crate) own: Own,
}

/// An entry's own settings, where it brings any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    pub(crate) weight: Option<u64>,
    pub(crate) cost: Option<Duration>,
    pub(crate) rules: OwnRules,
    /// Names by which it can be invalidated together with others.
    pub(crate) tags: Vec<Arc<str>>,
    /// Whether it is for a value that was found to be unchanged.
    pub(crate) unchanged: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Answer<V> {
    Value(Arc<V>),
    /// Handed to those who wait, and not stored.
    Uncached(Arc<V>),
    Absent,
    Unchanged,
}

impl<V> Loaded<V> {
    fn answering(answer: Answer<V>) -> Self {
        Self { answer, own: Own::default() }
    }

    /// A value, to be stored.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, &str>::builder().build()?;
    /// cache.insert_with(1, bellwether::Loaded::value("a").weight(3));
    /// assert_eq!(cache.weight(), 3);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn value(value: V) -> Self {
        Self::answering(Answer::Value(Arc::new(value)))
    }

    /// There is no such key. Fetches get [`LoadError::Absent`](crate::LoadError::Absent), or `None` from `fetch_optional`; a value held
    /// until now is removed.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Loaded};
    ///
    /// let cache = Cache::<u32, u32>::builder().loader_fn(|_: &u32| Loaded::ok(Loaded::absent())).build()?;
    /// assert!(cache.fetch_optional(&1)?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn absent() -> Self {
        Self::answering(Answer::Absent)
    }

    /// The value that `reload` was given is still right (an HTTP 304, say): it is kept, and its times begin anew. It keeps the weight and the settings
    /// that it came with, unless the answer brings others.
    ///
    /// From a load that was given no value it is a failure.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{BlockingLoader, Cache, Loaded};
    /// use std::sync::Arc;
    ///
    /// struct Pages;
    /// impl BlockingLoader<String, String> for Pages {
    ///     type Error = std::io::Error;
    ///     fn load(&self, _: &String) -> Result<Loaded<String>, Self::Error> {
    ///         Ok(Loaded::value("page".to_owned()))
    ///     }
    ///     fn reload(&self, _: &String, _current: Arc<String>) -> Result<Loaded<String>, Self::Error> {
    ///         Ok(Loaded::unchanged())
    ///     }
    /// }
    /// let cache = Cache::builder().blocking_loader(Pages).build()?;
    /// let first = cache.fetch_with("/")?;
    /// assert!(Arc::ptr_eq(&first, &cache.refresh("/")?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unchanged() -> Self {
        Self::answering(Answer::Unchanged)
    }

    /// `Ok` of whatever converts into a `Loaded`, with the error type settled: closures that use `?` end in it, as they would in `anyhow::Ok`.
    ///
    /// # Errors
    /// None: it is always `Ok`.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Loaded};
    ///
    /// let cache = Cache::<String, u32>::builder()
    ///     .loader_fn(|text: &String| {
    ///         let number: u32 = text.parse()?;
    ///         Loaded::ok(number)
    ///     })
    ///     .build()?;
    /// assert_eq!(*cache.fetch_with("17")?, 17);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ok(value: impl Into<Self>) -> Result<Self, BoxError> {
        Ok(value.into())
    }

    /// Sets what the value cost, where that isn't the time that its load took: [`EvictionPolicy::CostAware`](crate::EvictionPolicy::CostAware) keeps
    /// longer what costs more. To the microsecond; by default a load's own time, and one microsecond for what a caller inserts.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, EvictionPolicy, Loaded};
    /// use std::time::Duration;
    ///
    /// let cache = Cache::<u32, &str>::builder().capacity(2).shards(1).eviction(EvictionPolicy::CostAware).build()?;
    /// cache.insert_with(1, Loaded::value("dear").cost(Duration::from_secs(2)));
    /// cache.insert(2, "cheap");
    /// cache.insert(3, "cheap, too");
    /// assert!(cache.contains_key(&1));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn cost(mut self, cost: Duration) -> Self {
        self.own.cost = Some(cost);
        self
    }

    /// Sets the weight, in the unit of the cache's capacity; by default the cache's weigher tells it. Without effect where no value is stored.
    ///
    /// # Examples
    /// ```
    /// let cache = bellwether::Cache::<u32, &str>::builder().capacity(10).build()?;
    /// cache.insert_with(1, bellwether::Loaded::value("heavy").weight(10));
    /// assert_eq!(cache.weight(), 10);
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn weight(mut self, weight: u64) -> Self {
        self.own.weight = Some(weight);
        self
    }

    /// Sets how long the value is fresh from when it is stored; by default the cache's own time to live. `Duration::MAX` is for ever, zero is over at
    /// once. Of an [absent](Self::absent) answer it is the time for which that is remembered.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Loaded};
    /// use std::time::Duration;
    ///
    /// let cache = Cache::<u32, &str>::builder().build()?;
    /// cache.insert_with(1, Loaded::value("gone").time_to_live(Duration::ZERO));
    /// assert!(cache.fetch(&1).is_none());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn time_to_live(mut self, time_to_live: Duration) -> Self {
        self.own.rules.lifetime = Some(Lifetime::For(time_to_live));
        self
    }

    /// Sets until when the value is fresh, by the system's wall clock as it stands when the value is stored (an HTTP `Expires`, say). In place of
    /// [`time_to_live`](Self::time_to_live): the last one set counts. An instant that has passed is over at once.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Loaded};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let cache = Cache::<u32, &str>::builder().build()?;
    /// cache.insert_with(1, Loaded::value("tomorrow's").expires_at(SystemTime::now() + Duration::from_secs(86_400)));
    /// cache.insert_with(2, Loaded::value("yesterday's").expires_at(SystemTime::UNIX_EPOCH));
    /// assert!(cache.contains_key(&1) && !cache.contains_key(&2));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn expires_at(mut self, end: SystemTime) -> Self {
        self.own.rules.lifetime = Some(Lifetime::Until(end));
        self
    }

    /// Sets how long the value stays without being used; by default the cache's own [`time_to_idle`](crate::CacheBuilder::time_to_idle).
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Loaded, MockClock};
    /// use std::time::Duration;
    ///
    /// let clock = MockClock::new();
    /// let cache = Cache::<u32, &str>::builder().clock(clock.clone()).build()?;
    /// cache.insert_with(1, Loaded::value("one").time_to_idle(Duration::from_secs(5)));
    /// clock.advance(Duration::from_secs(5));
    /// assert!(cache.fetch(&1).is_none());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn time_to_idle(mut self, time_to_idle: Duration) -> Self {
        self.own.rules.time_to_idle = Some(time_to_idle);
        self
    }

    /// Sets how long after it is stored the value is to be loaded anew; by default as the cache's own settings say.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Freshness, Loaded, MockClock};
    /// use std::time::Duration;
    ///
    /// let clock = MockClock::new();
    /// let cache = Cache::<u32, &str>::builder().clock(clock.clone()).build()?;
    /// cache.insert_with(1, Loaded::value("one").refresh_after(Duration::from_secs(5)));
    /// clock.advance(Duration::from_secs(5));
    /// assert_eq!(cache.entry_info(&1).map(|info| info.state), Some(Freshness::RefreshDue));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn refresh_after(mut self, after: Duration) -> Self {
        self.own.rules.refresh_after = Some(after);
        self
    }

    /// Sets how long after its time to live the value is served while it is loaded anew in the background; by default the cache's own
    /// [`stale_while_revalidate`](crate::CacheBuilder::stale_while_revalidate).
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Freshness, Loaded, MockClock};
    /// use std::time::Duration;
    ///
    /// let (clock, second) = (MockClock::new(), Duration::from_secs(1));
    /// let cache = Cache::<u32, &str>::builder().clock(clock.clone()).build()?;
    /// cache.insert_with(1, Loaded::value("one").time_to_live(second).stale_while_revalidate(second));
    /// clock.advance(second);
    /// assert_eq!(cache.entry_info(&1).map(|info| info.state), Some(Freshness::Stale));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn stale_while_revalidate(mut self, window: Duration) -> Self {
        self.own.rules.stale_while_revalidate = Some(window);
        self
    }

    /// Sets how long after its time to live the value is served where loading it anew fails; by default the cache's own
    /// [`stale_if_error`](crate::CacheBuilder::stale_if_error).
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Freshness, Loaded, MockClock};
    /// use std::time::Duration;
    ///
    /// let (clock, second) = (MockClock::new(), Duration::from_secs(1));
    /// let cache = Cache::<u32, &str>::builder().clock(clock.clone()).build()?;
    /// cache.insert_with(1, Loaded::value("one").time_to_live(second).stale_if_error(second));
    /// clock.advance(second);
    /// assert_eq!(cache.entry_info(&1).map(|info| info.state), Some(Freshness::ErrorFallback));
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn stale_if_error(mut self, window: Duration) -> Self {
        self.own.rules.stale_if_error = Some(window);
        self
    }

    /// Gives the entry tags: [`invalidate_tag`](crate::Cache::invalidate_tag) and [`expire_tag`](crate::Cache::expire_tag) strike all entries at once
    /// that carry one. By default it has none. With [`unchanged`](Self::unchanged) they are added to those that it had.
    ///
    /// Called again it adds to them. A tag costs a pointer for each entry that carries it, and its name is held once for all of them. A hit of an
    /// entry with tags takes a look at each.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Loaded};
    ///
    /// let cache = Cache::<u32, &str>::builder().build()?;
    /// cache.insert_with(1, Loaded::value("page").tags(["tenant:7", "layout:blue"]));
    /// cache.invalidate_tag("layout:blue");
    /// assert!(cache.fetch(&1).is_none());
    /// # Ok::<(), bellwether::BuildError>(())
    /// ```
    pub fn tags<T: Into<Arc<str>>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.own.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Hands the value to those who wait for it, and doesn't store it; what was held until now leaves.
    ///
    /// # Examples
    /// ```
    /// use bellwether::{Cache, Loaded};
    ///
    /// let cache = Cache::<u32, u32>::builder().loader_fn(|n: &u32| Loaded::ok(Loaded::value(*n).uncached())).build()?;
    /// assert_eq!(*cache.fetch_with(&5)?, 5);
    /// assert!(cache.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn uncached(mut self) -> Self {
        self.answer = match self.answer {
            Answer::Value(value) => Answer::Uncached(value),
            other @ (Answer::Uncached(_) | Answer::Absent | Answer::Unchanged) => other,
        };
        self
    }
}

impl<V> From<V> for Loaded<V> {
    fn from(value: V) -> Self {
        Self::value(value)
    }
}

impl<V> From<Option<V>> for Loaded<V> {
    fn from(value: Option<V>) -> Self {
        value.map_or_else(Self::absent, Self::value)
    }
}

impl<V> From<Arc<V>> for Loaded<V> {
    fn from(value: Arc<V>) -> Self {
        Self::answering(Answer::Value(value))
    }
}

/// `Ok` with the error type settled, for the last line of an async closure that uses `?`. The same as [`Loaded::ok`], without the conversion.
///
/// # Errors
/// None: it is always `Ok`.
///
/// # Examples
/// ```
/// use bellwether::AsyncCache;
///
/// let cache = AsyncCache::<String, u32>::builder()
///     .async_loader_fn(|text: String| async move {
///         let number: u32 = text.parse()?;
///         bellwether::ok(number)
///     })
///     .build_async()?;
/// # let _ = cache;
/// # Ok::<(), bellwether::BuildError>(())
/// ```
pub fn ok<T>(value: T) -> Result<T, BoxError> {
    Ok(value)
}
