//! Drives a cache by random calls of one key and records what came of them, for the oracle to judge.

#[path = "driver_changes.rs"]
mod changes;

use crate::oracle::history::{Op, Reply, Value, carries_tag};
use crate::oracle::recorder::{Clock, Recorder, ThreadLog};
use bellwether::{BoxError, BoxFuture, Cache, CacheBuilder, Fetched, LoadError, Loaded, Source};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The one key.
pub(crate) const KEY: u8 = 1;

/// The tag that some of its values carry.
const TAG: &str = "tag";

/// What one history is made with.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) recorder: Recorder,
    /// Whether values are expired and then served as stale ones, for as long as it takes.
    pub(crate) stale: bool,
    /// Whether calls are made that change what is held in dependence on it.
    pub(crate) changing: bool,
    /// Whether some values carry a tag, which is struck.
    pub(crate) tags: bool,
    /// Whether another key takes room in the cache.
    pub(crate) crowded: bool,
}

/// How the scheduler under test is told to let others go first, and asked for a number below another.
#[derive(Clone, Copy)]
pub(crate) struct Hands {
    pub(crate) pause: fn(),
    pub(crate) below: fn(usize) -> usize,
    pub(crate) block_on: fn(BoxFuture<'_, Reply>) -> Reply,
}

/// What the oracle is told of a fetch.
fn fetched(result: Result<Fetched<Value>, LoadError>) -> Reply {
    match result {
        Ok(Fetched { value, source: Source::Stale { .. }, .. }) => Reply::Stale(*value),
        Ok(Fetched { value, .. }) => Reply::Loaded(*value),
        Err(_) => Reply::Failed,
    }
}

fn loaded(result: Result<Arc<Value>, LoadError>) -> Reply {
    result.map_or(Reply::Failed, |value| Reply::Loaded(*value))
}

/// Which loader a history is made with.
#[derive(Clone, Copy)]
pub(crate) enum LoaderKind {
    Blocking,
    Async,
    /// Every third load fails.
    Failing,
}

impl World {
    /// A builder with a loader that stamps each of its loads at the start and takes its time.
    pub(crate) fn builder(self: &Arc<Self>, kind: LoaderKind, hands: Hands) -> CacheBuilder<u8, Value> {
        let world = Arc::clone(self);
        let load = move || world.bring(world.load(hands));
        let world = Arc::clone(self);
        let builder = CacheBuilder::new().stale_while_revalidate(if self.stale { Duration::MAX } else { Duration::ZERO });
        match kind {
            LoaderKind::Blocking => builder.loader_fn(move |_: &u8| Ok::<_, BoxError>(load())),
            LoaderKind::Failing => builder.loader_fn(move |_: &u8| {
                let value = world.load(hands);
                if value % 3 == 0 { Err(BoxError::from("this load fails")) } else { Ok(world.bring(value)) }
            }),
            LoaderKind::Async => builder.async_loader_fn(move |_: u8| {
                let load = load.clone();
                async move {
                    let value = load();
                    Once::default().await;
                    Ok::<_, BoxError>(value)
                }
            }),
        }
    }

    /// A load: it stamps its start, and takes its time.
    fn load(&self, hands: Hands) -> Value {
        let value = self.recorder.load(self.clock.tick());
        (hands.pause)();
        value
    }

    /// A value as a load or an insert brings it.
    fn bring(&self, value: Value) -> Loaded<Value> {
        let tags = (self.tags && carries_tag(value)).then_some(TAG);
        Loaded::value(value).tags(tags)
    }

    /// Makes at least `calls` random calls as one thread, and at most two more.
    pub(crate) fn play(&self, thread: usize, calls: usize, cache: &Cache<u8, Value>, hands: Hands) {
        let mut log = ThreadLog::new(thread);
        while log.len() < calls {
            if self.changing && (hands.below)(2) == 0 {
                self.change(&mut log, cache, hands);
            } else {
                self.call(&mut log, cache, hands);
            }
        }
        self.recorder.collect(log);
    }

    /// Looks once more, when all threads are done. What was lost is missed now.
    pub(crate) fn look_back(&self, cache: &Cache<u8, Value>) {
        let mut log = ThreadLog::new(usize::MAX);
        self.note(&mut log, Op::Get, || Reply::Value(cache.peek(&KEY).map(|value| *value)));
        self.recorder.collect(log);
    }

    fn call(&self, log: &mut ThreadLog, cache: &Cache<u8, Value>, hands: Hands) {
        let tasks = cache.to_async();
        let seen = |value: Option<Arc<Value>>| Reply::Value(value.map(|value| *value));
        let load = || self.bring(self.load(hands));
        match (hands.below)(if self.stale { 23 } else { 18 }) {
            0 => self.note(log, Op::Fetch, || fetched(cache.fetch_detailed(&KEY))),
            1 if !self.stale => self.note(log, Op::Fetch, || loaded(cache.fetch_with(&KEY))),
            1 | 2 => self.note(log, Op::Fetch, || (hands.block_on)(Box::pin(async { fetched(tasks.fetch_detailed(&KEY).await) }))),
            3 if !self.stale => self.note(log, Op::Fetch, || (hands.block_on)(Box::pin(async { loaded(tasks.fetch_with(&KEY).await) }))),
            3 => self.note(log, Op::Fetch, || fetched(cache.fetch_detailed(&KEY))),
            4 => self.note(log, Op::Refresh, || loaded(cache.refresh(&KEY))),
            5 => self.note(log, Op::Refresh, || (hands.block_on)(Box::pin(async { loaded(tasks.refresh(&KEY).await) }))),
            6 => {
                let _called = log.call(self.clock.tick(), Op::Fetch);
                poll_once(tasks.fetch_with(&KEY));
            }
            7 => self.note(log, Op::Get, || seen(cache.fetch(&KEY))),
            8 => self.note(log, Op::Get, || Reply::Value(cache.get(&KEY, |value| *value))),
            9 => self.note(log, Op::Contains, || Reply::Present(cache.contains_key(&KEY))),
            10 => self.note(log, Op::Remove, || seen(cache.remove(&KEY))),
            11 => self.note(log, Op::Invalidate, || {
                cache.invalidate(&KEY);
                Reply::Done
            }),
            12 => self.note(log, Op::Invalidate, || {
                cache.clear();
                Reply::Done
            }),
            // Who brings the value of a vacant entry loads it.
            13 => self.note(log, Op::Entry, || loaded(Ok(cache.entry(KEY).or_insert_with(load)))),
            14 => {
                self.note(log, Op::Entry, || (hands.block_on)(Box::pin(async { loaded(Ok(tasks.entry(KEY).await.or_insert_with(load))) })))
            }
            // Who gives a vacant entry up may leave a load behind, by those who waited for him.
            15 => {
                let _called = log.call(self.clock.tick(), Op::Entry);
                let entry = cache.try_entry(KEY);
                (hands.pause)();
                drop(entry);
            }
            16..=19 if self.stale => self.note(log, Op::Expire, || Reply::Present(cache.expire(&KEY))),
            20 => self.note(log, Op::FetchStale, || match cache.fetch_stale(&KEY) {
                Some(Fetched { value, source: Source::Stale { .. }, .. }) => Reply::Stale(*value),
                other => Reply::Value(other.map(|fetched| *fetched.value)),
            }),
            _ => {
                let value = self.recorder.fresh();
                self.note(log, Op::Insert(value), || {
                    cache.insert_with(KEY, self.bring(value));
                    Reply::Done
                });
            }
        }
    }

    fn note(&self, log: &mut ThreadLog, op: Op, call: impl FnOnce() -> Reply) {
        let ticket = log.call(self.clock.tick(), op);
        let reply = call();
        log.ret(ticket, self.clock.tick(), reply);
    }
}

/// A caller that looks once and goes away.
fn poll_once<F: Future>(future: F) {
    let mut cx = Context::from_waker(Waker::noop());
    let _ = pin!(future).poll(&mut cx);
}

/// Pending once, woken at once.
#[derive(Default)]
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
