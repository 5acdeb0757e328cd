//! The future of a fetch.

use crate::core::fetch::{Asked, Look, MayLead, Request};
use crate::core::lead::LoadGuard;
use crate::core::places::Caller;
use crate::core::shared::CacheShared;
use crate::core::waiting::Waiting;
use crate::ground::contain::contain;
use crate::ground::hash::RandomState;
use crate::ground::reentry;
use crate::mechanisms::flight::{Party, Turn};
use crate::shard::Rule;
use crate::vocabulary::error::{BoxError, LoadError};
use crate::vocabulary::fetched::{Fetched, Source};
use crate::vocabulary::keys::{Key, LoadKey, Value};
use crate::vocabulary::loaded::Loaded;
use std::fmt;
use std::future::Future;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A fetch under way: a future of `Result<O, LoadError>`, made by [`AsyncCache::fetch_with`](crate::AsyncCache::fetch_with) and its like.
///
/// The value was looked up, and the load started if there is one, before this was made. It borrows the cache, not the key.
///
/// # Cancel safety
/// Dropping it leaves the load, which goes on unless the cache was built with [`AbandonedLoads::Cancel`](crate::AbandonedLoads::Cancel) and
/// nobody else waits for it.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = bellwether::AsyncCache::<u32, u32>::builder()
///     .async_loader_fn(|n: u32| async move { Ok::<_, std::io::Error>(n) })
///     .build_async()?;
/// let both = futures::future::join(cache.fetch_with(&1), cache.fetch_with(&1)).await;
/// assert_eq!((*both.0?, *both.1?), (1, 1));
/// assert_eq!(cache.metrics().loads_started, 1);
/// # Ok(())
/// # }
/// ```
#[must_use = "a fetch whose result nobody awaits is only a way to warm the cache"]
pub struct Fetch<'a, K, V, S = RandomState, O = Arc<V>, M = ByLoader> {
    shared: &'a Arc<CacheShared<K, V, S>>,
    state: State<'a, K, V, S>,
    rule: Rule,
    /// Which look is the one that was taken last.
    look: Look,
    means: M,
    /// Makes the caller's result of what was fetched.
    finish: Finish<V, O>,
}

enum State<'a, K, V, S> {
    Ready(Result<Fetched<V>, LoadError>),
    Waiting(Waiting<'a, K, V, S>, Source),
    /// The result has been handed out.
    Done,
}

type Finish<V, O> = fn(Result<Fetched<V>, LoadError>) -> Result<O, LoadError>;

/// How a [`Fetch`] loads: by the cache's own loader.
///
/// # Examples
/// ```
/// use bellwether::{AsyncCache, ByLoader, Fetch, RandomState};
/// use std::sync::Arc;
///
/// let cache = AsyncCache::<u32, u32>::builder().build_async()?;
/// let fetch: Fetch<'_, u32, u32, RandomState, Arc<u32>, ByLoader> = cache.fetch_with(&1);
/// # drop(fetch);
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByLoader(());

/// How a [`Fetch`] loads: by the closure that was given to the call, kept until it is needed.
///
/// # Examples
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bellwether::{AsyncCache, ByClosure, Fetch, RandomState};
/// use std::sync::Arc;
///
/// let cache = AsyncCache::<u32, u32>::builder().build_async()?;
/// let fetch: Fetch<'_, u32, u32, RandomState, Arc<u32>, ByClosure<_>> = cache.fetch_or_load(&1, || async { bellwether::ok(7) });
/// assert_eq!(*fetch.await?, 7);
/// # Ok(())
/// # }
/// ```
pub struct ByClosure<F>(Option<F>);

impl<F> fmt::Debug for ByClosure<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByClosure").field("called", &self.0.is_none()).finish()
    }
}

/// A way to load.
pub(crate) trait Means<K: Key, V: Value, S: Send + Sync + 'static> {
    /// How it can lead now.
    fn may_lead(&self, shared: &CacheShared<K, V, S>) -> MayLead;

    /// Starts the load, away from the caller.
    fn launch(&mut self, shared: &Arc<CacheShared<K, V, S>>, guard: LoadGuard<K, V, S>, turn: Turn);
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Means<K, V, S> for ByLoader {
    fn may_lead(&self, shared: &CacheShared<K, V, S>) -> MayLead {
        shared.may_lead()
    }

    fn launch(&mut self, shared: &Arc<CacheShared<K, V, S>>, guard: LoadGuard<K, V, S>, turn: Turn) {
        shared.launch(guard, turn, Caller::Task);
    }
}

impl<K, V, S, F, L, T, E> Means<K, V, S> for ByClosure<F>
where
    K: Key,
    V: Value,
    S: Send + Sync + 'static,
    F: FnOnce() -> L,
    L: Future<Output = Result<T, E>> + Send + 'static,
    T: Into<Loaded<V>>,
    E: Into<BoxError>,
{
    fn may_lead(&self, _: &CacheShared<K, V, S>) -> MayLead {
        if self.0.is_some() { MayLead::Closure } else { MayLead::No }
    }

    fn launch(&mut self, shared: &Arc<CacheShared<K, V, S>>, guard: LoadGuard<K, V, S>, turn: Turn) {
        // Asked only where it may lead, which it may once.
        let Some(load) = self.0.take() else { return drop(guard) };
        match contain(|| guard.working(load)) {
            Ok(future) => {
                let work = async move { future.await.map(Into::into).map_err(LoadError::new) };
                shared.launch_async(guard, turn, |_| work, shared.place_for(Caller::Task));
            }
            Err(panic) => {
                let message = panic.message();
                panic.forget();
                guard.land(Err(LoadError::panicked(message)));
            }
        }
    }
}

impl<'a, K: Key, V: Value, S: BuildHasher + Send + Sync + 'static, O> Fetch<'a, K, V, S, O> {
    /// Fetches by the cache's own loader.
    pub(super) fn by_loader<Q>(shared: &'a Arc<CacheShared<K, V, S>>, key: &Q, rule: Rule, finish: Finish<V, O>) -> Self
    where
        Q: LoadKey<K> + ?Sized,
    {
        Self::begin(shared, key, rule, ByLoader(()), finish)
    }
}

impl<'a, K: Key, V: Value, S: BuildHasher + Send + Sync + 'static> Fetch<'a, K, V, S> {
    /// Goes on with one of many keys that were asked for by the cache's own loader, where nothing is left to be launched.
    #[cfg(feature = "bulk")]
    pub(crate) fn of_many(shared: &'a Arc<CacheShared<K, V, S>>, asked: Asked<'a, K, V, S>) -> Self {
        let finish: Finish<V, Arc<V>> = |result| result.map(|fetched| fetched.value);
        let mut fetch = Self { shared, state: State::Done, rule: Rule::Served, look: Look::First, means: ByLoader(()), finish };
        fetch.state = fetch.begun(asked, None);
        fetch
    }
}

impl<'a, K: Key, V: Value, S: BuildHasher + Send + Sync + 'static, O, F> Fetch<'a, K, V, S, O, ByClosure<F>> {
    /// Fetches by a closure.
    pub(super) fn by_closure<Q>(shared: &'a Arc<CacheShared<K, V, S>>, key: &Q, load: F, finish: Finish<V, O>) -> Self
    where
        Q: LoadKey<K> + ?Sized,
        ByClosure<F>: Means<K, V, S>,
    {
        Self::begin(shared, key, Rule::Served, ByClosure(Some(load)), finish)
    }
}

#[expect(private_bounds, reason = "the ways to load are the crate's own")]
impl<'a, K: Key, V: Value, S: BuildHasher + Send + Sync + 'static, O, M: Means<K, V, S>> Fetch<'a, K, V, S, O, M> {
    fn begin<Q: LoadKey<K> + ?Sized>(shared: &'a Arc<CacheShared<K, V, S>>, key: &Q, rule: Rule, means: M, finish: Finish<V, O>) -> Self {
        let mut fetch = Self { shared, state: State::Done, rule, look: Look::First, means, finish };
        fetch.state = fetch.ask(key, None);
        fetch
    }

    /// Looks, and starts the load if there is one to start. Where it can't, what was `overtaken` before comes first.
    fn ask<Q: LoadKey<K> + ?Sized>(&mut self, key: &Q, overtaken: Option<LoadError>) -> State<'a, K, V, S> {
        let request =
            Request { rule: self.rule, lead: self.means.may_lead(self.shared), look: self.look, caller: Caller::Task, party: Party::Alone };
        let asked = self.shared.ask(key, request);
        self.begun(asked, overtaken)
    }

    fn begun(&mut self, asked: Asked<'a, K, V, S>, overtaken: Option<LoadError>) -> State<'a, K, V, S> {
        match asked {
            Asked::Hit(value) => State::Ready(Ok(Fetched { value, source: Source::Hit })),
            Asked::Held(fetched, refresh) => {
                if let Some((guard, turn)) = refresh {
                    self.means.launch(self.shared, guard, turn);
                }
                State::Ready(Ok(fetched))
            }
            Asked::Joined(waiting) => State::Waiting(waiting, Source::Joined),
            Asked::Begun(waiting) => State::Waiting(waiting, Source::Loaded),
            Asked::Led(lead) => {
                self.means.launch(self.shared, lead.guard, lead.turn);
                State::Waiting(lead.waiting, Source::Loaded)
            }
            Asked::Remembered(error) => State::Ready(Err(error)),
            Asked::Refused(error) => State::Ready(Err(overtaken.unwrap_or(error))),
        }
    }
}

/// Nothing in it is pinned: the load is a task of its own.
impl<K, V, S, O, M> Unpin for Fetch<'_, K, V, S, O, M> {}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static, O, M: Means<K, V, S>> Future for Fetch<'_, K, V, S, O, M> {
    type Output = Result<O, LoadError>;

    /// # Panics
    /// If it is polled again after it was ready, or awaited inside the closure of `get`.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Ready(result) => return Poll::Ready((self.finish)(result)),
                State::Waiting(mut waiting, source) => {
                    // The load that is waited for needs the lock that such a closure runs under.
                    reentry::check();
                    let Poll::Ready(landing) = waiting.poll(cx) else {
                        self.state = State::Waiting(waiting, source);
                        return Poll::Pending;
                    };
                    self.state = match landing.next_look(self.look) {
                        Some(next) => {
                            self.look = next;
                            // The wait ends once the next has begun: those on their way to a load keep it from being cancelled.
                            self.ask(waiting.flight().key(), landing.overtaken())
                        }
                        None => State::Ready(waiting.fetched(landing, source)),
                    };
                }
                State::Done => panic!("a fetch was polled after it had given its result"),
            }
        }
    }
}

impl<K, V, S, O, M> fmt::Debug for Fetch<'_, K, V, S, O, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Ready(_) => "ready",
            State::Waiting(..) => "waiting",
            State::Done => "done",
        };
        f.debug_struct("Fetch").field("state", &state).finish_non_exhaustive()
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn g19_a_fetch_can_be_sent_and_shared_between_threads() {
        fn is_both<T: Send + Sync>() {}
        is_both::<Fetch<'_, u32, u32>>();
        is_both::<crate::core::ends::Idle<'_, u32, u32, RandomState>>();
    }
}
