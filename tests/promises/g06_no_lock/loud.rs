//! User code of every kind that calls back into the cache: keys, values, errors, hashers, weighers, loaders, spawners and wakers.

use bellwether::{AsyncCache, BoxError, BoxFuture, Cache, CacheBuilder, Loaded, RandomHasher, RandomState, SpawnError, Spawner};
use futures::FutureExt;
use futures::executor::block_on;
use std::cell::Cell;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Wake;
use std::thread;

use crate::runway::Style;

/// Which piece of user code calls back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Hook {
    HashKey,
    BuildHasher,
    CloneKey,
    DropKey,
    DropValue,
    DropError,
    Weigh,
    Load,
    DropLoad,
    Spawn,
    Wake,
    DropWaker,
}

pub(crate) type LoudCache = Cache<Name, Thing, State>;

/// Calls back at most so many times: what it calls may have it called again, on other threads.
const MOST: u32 = 200;
/// Keys from here on are made by what calls back.
const OTHER: u32 = 1_000_000;

/// The way back into the cache, for one kind of user code.
pub(crate) struct Back {
    hook: Hook,
    cache: OnceLock<LoudCache>,
    calls: AtomicU32,
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, nothing calls back from this thread.
pub(crate) struct Quiet(bool);

impl Quiet {
    pub(crate) fn new() -> Self {
        Self(INSIDE.replace(true))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        INSIDE.set(self.0);
    }
}

impl Back {
    pub(crate) fn new(hook: Hook) -> Arc<Self> {
        Arc::new(Self { hook, cache: OnceLock::new(), calls: AtomicU32::new(0) })
    }

    /// How often user code has called back.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn name(self: &Arc<Self>, number: u32) -> Name {
        Name { number, back: Arc::clone(self) }
    }

    pub(crate) fn thing(self: &Arc<Self>, number: u32) -> Thing {
        Thing { number, back: Arc::clone(self) }
    }

    /// Calls back if this is the code that does, about the key that it is called for.
    fn here(self: &Arc<Self>, hook: Hook, number: u32) {
        if hook != self.hook || INSIDE.get() {
            return;
        }
        let Some(cache) = self.cache.get() else { return };
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if call < MOST {
            let _quiet = Quiet::new();
            self.call_everything(cache, number, call);
        }
    }

    /// Reads, writes and loads the same key and others, in the same shard and elsewhere.
    fn call_everything(self: &Arc<Self>, cache: &LoudCache, number: u32, call: u32) {
        let awaiting = cache.to_async();
        for number in [number, OTHER] {
            let name = self.name(number);
            drop((cache.fetch(&name), cache.peek(&name), cache.contains_key(&name), cache.get(&name, |_| ())));
            // Joins the key's flight or starts one, and leaves it.
            drop(awaiting.fetch_with(&name).now_or_never());
            cache.insert(self.name(number), self.thing(number));
            cache.insert(self.name(number), self.thing(number));
            cache.insert_with(self.name(number), Loaded::value(self.thing(number)).weight(1_000));
            drop(cache.remove(&name));
        }
        // A key that nobody else loads, so that this waits for nobody.
        let alone = self.name(OTHER + 1 + call);
        drop(cache.fetch_or_load(&alone, || bellwether::ok(self.thing(alone.number))));
        assert!(cache.iter().count() < 1_000 && cache.len() < 1_000 && cache.weight() < 1_000);
        cache.clear();
        assert!(cache.metrics().loads_started > 0);
        cache.insert(self.name(number), self.thing(number));
    }

    /// A loader's answer: for most keys a thing, for some absence, an error, or more than the cache can hold.
    fn answer(self: &Arc<Self>, number: u32) -> Result<Loaded<Thing>, BoxError> {
        self.here(Hook::Load, number);
        match number % 10 {
            9 => Err(Sore(self.name(number)).into()),
            8 => Ok(Loaded::absent()),
            7 => Ok(Loaded::value(self.thing(number)).weight(1_000)),
            _ => Loaded::ok(self.thing(number)),
        }
    }

    /// A cache all of whose user code is loud. `settings` go on top.
    pub(crate) fn cache(
        self: &Arc<Self>,
        style: Style,
        settings: impl FnOnce(CacheBuilder<Name, Thing>) -> CacheBuilder<Name, Thing>,
    ) -> LoudCache {
        let back = Arc::clone(self);
        let weigher = Arc::clone(self);
        let builder = AsyncCache::builder().weigher(move |name: &Name, _| {
            weigher.here(Hook::Weigh, name.number);
            1
        });
        let builder = match style {
            Style::Blocking => builder.loader_fn(move |name: &Name| back.answer(name.number)),
            Style::Async => builder.async_loader_fn(move |name: Name| {
                let back = Arc::clone(&back);
                async move {
                    let answer = back.answer(name.number);
                    drop(name);
                    answer
                }
            }),
        };
        let builder = if self.hook == Hook::Spawn { builder.spawner(Threads(Arc::clone(self))) } else { builder };
        let state = State(RandomState::new(), Arc::clone(self));
        let cache = settings(builder).hasher(state).build().expect("the settings make sense");
        assert!(self.cache.set(cache.clone()).is_ok(), "one cache for each way back");
        cache
    }
}

/// A loud key.
pub(crate) struct Name {
    pub(crate) number: u32,
    back: Arc<Back>,
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.back.here(Hook::HashKey, self.number);
        self.number.hash(state);
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Name {}

impl Clone for Name {
    fn clone(&self) -> Self {
        self.back.here(Hook::CloneKey, self.number);
        self.back.name(self.number)
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        self.back.here(Hook::DropKey, self.number);
    }
}

/// A loud value.
pub(crate) struct Thing {
    pub(crate) number: u32,
    back: Arc<Back>,
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.back.here(Hook::DropValue, self.number);
    }
}

impl fmt::Debug for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thing {}", self.number)
    }
}

/// A loud error.
struct Sore(Name);

impl fmt::Debug for Sore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sore about {}", self.0.number)
    }
}

impl fmt::Display for Sore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Sore {}

impl Drop for Sore {
    fn drop(&mut self) {
        self.0.back.here(Hook::DropError, self.0.number);
    }
}

/// A loud hash builder.
#[derive(Clone)]
pub(crate) struct State(RandomState, Arc<Back>);

impl BuildHasher for State {
    type Hasher = RandomHasher;
    fn build_hasher(&self) -> RandomHasher {
        self.1.here(Hook::BuildHasher, 1);
        self.0.build_hasher()
    }
}

/// A loud spawner: a thread for each load.
struct Threads(Arc<Back>);

impl Spawner for Threads {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.spawn_blocking(Box::new(move || block_on(future)))
    }
    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        self.0.here(Hook::Spawn, 1);
        thread::spawn(job);
        Ok(())
    }
}

/// A loud waker. Its clones share it, so that its `Drop` runs with the last one.
pub(crate) struct Bell(pub(crate) Arc<Back>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.here(Hook::Wake, 11);
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.0.here(Hook::DropWaker, 11);
    }
}

/// Owned by a load, and loud when it is dropped with it.
pub(crate) struct Cargo(pub(crate) Arc<Back>);

impl Drop for Cargo {
    fn drop(&mut self) {
        self.0.here(Hook::DropLoad, 12);
    }
}
