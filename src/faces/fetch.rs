//! The future of a fetch.

use crate::core::fetch::{Asked, Lead, Look, MayLead, Request};
use crate::core::places::Caller;
use crate::core::shared::CacheShared;
use crate::ground::contain::contain;
use crate::ground::hash::RandomState;
use crate::ground::reentry;
use crate::mechanisms::flight::Waiter;
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
/// Dropping it leaves the load, which goes on.
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
pub struct Fetch<'a, K, V, S = RandomState, O = Arc<V>> {
    shared: &'a Arc<CacheShared<K, V, S>>,
    state: State<K, V>,
    /// What this fetch asked for, in case that it has to look again.
    request: Request,
    /// Makes the caller's result of what was fetched.
    finish: fn(Result<Fetched<V>, LoadError>) -> Result<O, LoadError>,
}

enum State<K, V> {
    Ready(Result<Fetched<V>, LoadError>),
    Waiting(Waiter<K, V>, Source),
    /// The result has been handed out.
    Done,
}

type Finish<V, O> = fn(Result<Fetched<V>, LoadError>) -> Result<O, LoadError>;

impl<'a, K: Key, V: Value, S: BuildHasher + Send + Sync + 'static, O> Fetch<'a, K, V, S, O> {
    /// Fetches by the cache's own loader.
    pub(super) fn by_loader<Q>(shared: &'a Arc<CacheShared<K, V, S>>, key: &Q, rule: Rule, finish: Finish<V, O>) -> Self
    where
        Q: LoadKey<K> + ?Sized,
    {
        let request = Request { rule, lead: shared.may_lead(), look: Look::First };
        let state = ask(shared, key, request, LoadError::NoLoader, |lead| shared.launch(lead, Caller::Task));
        Self { shared, state, request, finish }
    }

    /// Fetches by a closure.
    pub(super) fn by_closure<Q, F, T, E>(
        shared: &'a Arc<CacheShared<K, V, S>>,
        key: &Q,
        load: impl FnOnce() -> F,
        finish: Finish<V, O>,
    ) -> Self
    where
        Q: LoadKey<K> + ?Sized,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Loaded<V>>,
        E: Into<BoxError>,
    {
        let request = Request { rule: Rule::IfMissing, lead: MayLead::Yes, look: Look::First };
        let state = ask(shared, key, request, LoadError::NoLoader, |lead| match contain(load) {
            Ok(future) => {
                let work = async move { future.await.map(Into::into).map_err(LoadError::new) };
                shared.launch_async(lead, work, Caller::Task)
            }
            Err(panic) => {
                let message = panic.message();
                panic.forget();
                lead.guard.land(Err(LoadError::panicked(message)));
                lead.waiter
            }
        });
        // The closure is gone by the time of another look, which can then only find what others brought.
        Self { shared, state, request: Request { lead: MayLead::No, ..request }, finish }
    }

    /// The load failed, but a write had overtaken it: looks once more.
    fn look_again(&self, waiter: &Waiter<K, V>, overtaken: LoadError) -> State<K, V> {
        let request = Request { look: Look::Again, ..self.request };
        let key = waiter.flight().key();
        ask(self.shared, key, request, overtaken, |lead| self.shared.launch(lead, Caller::Task))
    }
}

/// Asks the cache; has `lead` start the load if there is one to start.
fn ask<K, V, S, Q>(
    shared: &Arc<CacheShared<K, V, S>>,
    key: &Q,
    request: Request,
    otherwise: LoadError,
    lead: impl FnOnce(Lead<K, V, S>) -> Waiter<K, V>,
) -> State<K, V>
where
    K: Key,
    V: Value,
    S: BuildHasher + Send + Sync + 'static,
    Q: LoadKey<K> + ?Sized,
{
    match shared.ask(key, request) {
        Asked::Hit(value) => State::Ready(Ok(Fetched { value, source: Source::Hit })),
        Asked::Joined(waiter) => State::Waiting(waiter, Source::Joined),
        Asked::Led(led) => State::Waiting(lead(led), Source::Loaded),
        Asked::Nothing => State::Ready(Err(otherwise)),
    }
}

impl<K: Key, V: Value, S: BuildHasher + Send + Sync + 'static, O> Future for Fetch<'_, K, V, S, O> {
    type Output = Result<O, LoadError>;

    /// # Panics
    /// If it is polled again after it was ready, or awaited inside the closure of `get`.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Ready(result) => return Poll::Ready((self.finish)(result)),
                State::Waiting(mut waiter, source) => {
                    // The load that is waited for needs the lock that such a closure runs under.
                    reentry::check();
                    let Poll::Ready(landing) = waiter.poll(cx) else {
                        self.shared.watch(waiter.flight());
                        self.state = State::Waiting(waiter, source);
                        return Poll::Pending;
                    };
                    let again = self.request.look == Look::First && landing.asks_for_another_look();
                    self.state = match landing.result {
                        Err(overtaken) if again => self.look_again(&waiter, overtaken),
                        result => State::Ready(result.map(|value| Fetched { value, source })),
                    };
                    self.request.look = Look::Again;
                }
                State::Done => panic!("a fetch was polled after it had given its result"),
            }
        }
    }
}

impl<K, V, S, O> fmt::Debug for Fetch<'_, K, V, S, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Ready(_) => "ready",
            State::Waiting(..) => "waiting",
            State::Done => "done",
        };
        f.debug_struct("Fetch").field("state", &state).finish_non_exhaustive()
    }
}
