//! What all handles of a cache share.

use super::counters::{Count, Counters, Holdings};
use super::delivery::Audience;
use super::handle::Handles;
use super::invalidation::Sweep;
use super::places::Places;
#[cfg(feature = "snapshot")]
use super::recurring::Recurring;
use super::window::Window;
use crate::ground::flat::Pile;
use crate::ground::hash::Hashed;
use crate::ground::process::Process;
use crate::ground::sync::Arc;
use crate::ground::sync::atomic::AtomicBool;
use crate::ground::tags::Tags;
use crate::ground::time::Clock;
use crate::mechanisms::eviction::Plan;
use crate::mechanisms::flight::{Flight, Traffic};
use crate::mechanisms::permits::Permits;
use crate::mechanisms::room::Room;
use crate::mechanisms::upkeep::{Keeper, Upkeep};
use crate::shard::{Common, Departures, Place, Shard, Terms};
use crate::vocabulary::abandoned::AbandonedLoads;
use crate::vocabulary::error::LoadError;
use crate::vocabulary::expiry::Rules;
use crate::vocabulary::expiry::backoff::ErrorBackoff;
use crate::vocabulary::expiry::hook::Hook;
use crate::vocabulary::fetched::{Fetched, Source};
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::listener::AnyListener;
use crate::vocabulary::loader::AnyLoader;
use crate::vocabulary::metrics::MetricsSnapshot;
use crate::vocabulary::weigher::Weigher;
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

/// One cache.
pub(crate) struct CacheShared<K, V, S> {
    pub(crate) hasher: S,
    /// Hashes a key, for those who don't know that the hasher can.
    pub(super) hash_key: fn(&S, &K) -> Hashed,
    pub(crate) shards: Box<[Shard<K, V>]>,
    pub(crate) room: Room,
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    pub(crate) loader: Option<AnyLoader<K, V>>,
    pub(super) settings: Settings<K, V>,
    pub(super) places: Places,
    pub(super) process: Arc<Process>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) permits: Arc<Permits<Arc<Flight<K, V>>>>,
    pub(super) plan: Arc<Plan<K, V>>,
    pub(super) upkeep: Arc<Upkeep>,
    pub(super) tags: Arc<Tags>,
    pub(super) sweep: Sweep,
    /// Holds single misses back for a while, where that was asked for.
    pub(super) window: Option<Window>,
    /// Whether the shards note the last writes, as a load of many keys has begun.
    pub(super) notes_writes: AtomicBool,
    /// Permits on their way to the next.
    permits_back: Pile,
    /// Whether it loads no more.
    pub(super) closed: AtomicBool,
    pub(super) handles: Handles<K, V, S>,
    /// Who is told of what leaves, if anybody is.
    pub(super) audience: Option<Audience<K, V>>,
}

/// What a builder settled, besides the parts that are built from it.
pub(crate) struct Settings<K, V> {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) weigher: Weigher<K, V>,
    pub(crate) rules: Rules,
    /// Asked how long a value lives.
    pub(crate) hook: Option<Hook<K, V>>,
    pub(crate) load_timeout: Duration,
    /// Keys that go out in one call of the loader, at most.
    pub(crate) max_batch: usize,
    /// How long one waits who could have a stale value; `Duration::MAX` for as long as it takes.
    pub(crate) soft_timeout: Duration,
    pub(crate) abandoned_loads: AbandonedLoads,
    pub(crate) answering: Answering,
    /// Tells a user's closure of a refresh that failed.
    pub(crate) refresh_failed: Option<Box<RefreshFailed<K, V>>>,
    pub(crate) janitor: WithJanitor,
    /// What is done at intervals, if anything is.
    #[cfg(feature = "snapshot")]
    pub(crate) recurring: Option<Recurring<K, V>>,
}

/// Called under no lock, and perhaps by the janitor.
pub(crate) type RefreshFailed<K, V> = dyn Fn(Arc<Flight<K, V>>, LoadError) + Send + Sync;

/// What is remembered of loads that bring no value.
#[derive(Clone, Copy)]
pub(crate) struct Answering {
    /// How long absence is remembered, where it is.
    pub(crate) negative_ttl: Option<Duration>,
    /// What an answer without a value weighs.
    pub(crate) weight: u64,
    /// How long the next try waits after failures.
    pub(crate) backoff: ErrorBackoff,
    /// Whether failures are remembered of keys that have no value, too.
    pub(crate) failures: bool,
}

/// Whether a thread may keep the cache's time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WithJanitor {
    Yes,
    No,
}

/// The parts that a cache is put together from.
pub(crate) struct Parts<K, V, S> {
    pub(crate) hasher: S,
    pub(crate) hash_key: fn(&S, &K) -> Hashed,
    pub(crate) shards: usize,
    pub(crate) capacity: u64,
    pub(crate) plan: Plan<K, V>,
    pub(crate) listener: Option<Arc<AnyListener<K, V>>>,
    pub(crate) clock: Clock,
    pub(crate) loader: Option<AnyLoader<K, V>>,
    pub(crate) settings: Settings<K, V>,
    pub(crate) places: Places,
    pub(crate) most_loads: Option<u64>,
    pub(crate) most_queued: u64,
    pub(crate) most_refreshes: u64,
    /// How long single misses are held back, where they are.
    pub(crate) window: Option<Duration>,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    pub(crate) fn new(parts: Parts<K, V, S>) -> Arc<Self> {
        let process = Process::current();
        let traffic = Arc::new(Traffic::new(parts.most_refreshes));
        let permits = Arc::new(Permits::new(parts.most_loads, parts.most_queued));
        let upkeep = Arc::new(Upkeep::new(match (parts.settings.janitor, parts.clock.mock()) {
            (WithJanitor::No, _) => Keeper::Nobody,
            (WithJanitor::Yes, Some(mock)) => Keeper::Mock(mock.clone()),
            (WithJanitor::Yes, None) => Keeper::Janitor(Arc::clone(&process.janitor)),
        }));
        // Where nobody would close it, or nobody else could come, it is never opened.
        let closes = (parts.settings.janitor == WithJanitor::Yes || parts.clock.mock().is_some()) && parts.settings.max_batch > 1;
        let window = parts.window.filter(|_| closes).map(Window::new);
        let plan = Arc::new(parts.plan);
        let tags = Tags::new();
        let common = Common {
            plan: Arc::clone(&plan),
            traffic: Arc::clone(&traffic),
            permits: Arc::clone(&permits),
            reads: parts.settings.hook.as_ref().and_then(Hook::on_read),
            upkeep: Arc::clone(&upkeep),
            tags: Arc::clone(&tags),
            is_heard: parts.listener.is_some(),
        };
        let shared = Arc::new(Self {
            hasher: parts.hasher,
            hash_key: parts.hash_key,
            shards: (0..parts.shards).map(|_| Shard::new(&common)).collect(),
            room: Room::new(parts.capacity),
            clock: parts.clock,
            counters: Counters::new(),
            loader: parts.loader,
            settings: parts.settings,
            places: parts.places,
            process,
            traffic,
            permits,
            plan,
            upkeep,
            tags,
            sweep: Sweep::new(),
            window,
            notes_writes: AtomicBool::new(false),
            permits_back: Pile::new(),
            closed: AtomicBool::new(false),
            handles: Handles::new(),
            audience: parts.listener.map(Audience::new),
        });
        shared.upkeep.visit_by(shared.visit());
        shared.prepare_delivery();
        shared
    }
}

impl<K, V, S> CacheShared<K, V, S> {
    pub(crate) fn name(&self) -> Option<&str> {
        self.settings.name.as_deref()
    }

    #[inline]
    pub(crate) fn shard(&self, hashed: Hashed) -> &Shard<K, V> {
        &self.shards[hashed.shard(self.shards.len())]
    }

    /// Where to look for `key`. The one place where a caller's key is hashed.
    #[inline]
    pub(crate) fn place<'a, Q>(&'a self, key: &'a Q) -> Place<'a, Q>
    where
        Q: Hash + ?Sized,
        S: BuildHasher,
    {
        Place { hashed: Hashed::of(key, &self.hasher), key, clock: &self.clock }
    }

    /// Counts a lookup that doesn't load.
    #[inline]
    pub(crate) fn counted<T>(&self, found: Option<T>) -> Option<T> {
        self.counters.count(if found.is_some() { Count::Hit } else { Count::Miss });
        found
    }

    /// As [`counted`](Self::counted), for one that may give what is stale.
    pub(crate) fn counted_stale(&self, found: Option<Fetched<V>>) -> Option<Fetched<V>> {
        self.counters.count(match &found {
            Some(Fetched { source: Source::Stale { .. }, .. }) => Count::StaleHit,
            Some(_) => Count::Hit,
            None => Count::Miss,
        });
        found
    }

    /// The terms on which a shard makes room in itself.
    pub(super) fn terms(&self) -> Terms<'_> {
        let share = self.room.limit() / self.shards.len() as u64;
        Terms { room: &self.room, clock: &self.clock, share: Some(share) }
    }

    /// A reading of all counters.
    pub(crate) fn metrics(&self) -> MetricsSnapshot {
        let negatives = self.room.answers() / self.settings.answering.weight;
        let held = Holdings {
            room: &self.room,
            negatives,
            traffic: &self.traffic,
            permits: self.permits.usage(),
            unreported: self.undelivered(),
            listener_panics: self.audience.as_ref().map_or(0, Audience::panics),
            policy_faults: self.plan.faults(),
            autosaves: self.autosaves(),
        };
        self.counters.snapshot(&held, self.janitor())
    }

    /// How often what the cache holds was saved at its time, and how often that failed.
    fn autosaves(&self) -> [u64; 2] {
        #[cfg(feature = "snapshot")]
        return self.settings.recurring.as_ref().map_or([0; 2], Recurring::counts);
        #[cfg(not(feature = "snapshot"))]
        [0; 2]
    }

    /// Counts what left, and has what came reclaimed at its time: before anybody is told of a landing, who then finds it so.
    pub(super) fn book(&self, departures: &mut Departures<K, V>) {
        self.counters.removed(&departures.take_counts());
        self.upkeep.want(departures.take_due());
    }

    /// The last step of every call that changes something, under no lock: counts what left, begins the flights whose turn has come, tells the listener, and
    /// lets go.
    pub(super) fn let_go(&self, mut departures: Departures<K, V>) {
        self.book(&mut departures);
        if departures.take_permit() {
            self.pass_permit_on();
        }
        if let Some(next) = departures.take_next() {
            next.begin();
        }
        self.deliver(&mut departures);
    }

    /// Gives a permit back, to the first of those who wait for one and still need it.
    ///
    /// A load that begins may end at once and give its permit back in turn, so that is kept off the stack.
    pub(super) fn pass_permit_on(&self) {
        self.permits_back.add(|| {
            while let Some(next) = self.permits.pass_on() {
                if self.shard(next.hashed()).begin_queued(&next) {
                    return next.begin();
                }
            }
        });
    }

    /// Checks that all accounts agree, while nothing is going on.
    ///
    /// # Panics
    /// If they don't.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn validate(&self) {
        let (mut entries, mut weight, mut answers, mut labelled) = (0, 0, 0, 0);
        for shard in &self.shards {
            let recount = shard.recount();
            entries += recount.entries;
            weight += recount.weight;
            answers += recount.answers;
            labelled += recount.labelled;
            assert_eq!(recount.berths, 0, "no load is in the air, and none is wanted");
        }
        assert!(labelled > 0 || self.tags.carried() == 0, "no name of a tag is held that no entry carries");
        assert_eq!(entries, self.room.entries(), "the entries booked are those held");
        assert_eq!(answers, self.room.answers(), "the answers booked are those remembered");
        assert!(answers <= self.room.capacity() / 8, "answers without a value are an eighth at most");
        assert_eq!(weight, self.room.held(), "the weight booked is that held, and no room is promised");
        assert!(weight <= self.room.capacity(), "weight {weight} is within the capacity");
        let metrics = self.metrics();
        assert_eq!((metrics.flights, metrics.waiters, metrics.refreshes), (0, 0, 0), "no flight, no waiter and no refresh is left");
        assert_eq!((metrics.permits, metrics.queued), (0, 0), "every permit is back and nobody waits for one");
        assert_eq!(metrics.loads_started, metrics.loads_ended(), "each load has one outcome: {metrics:?}");
    }
}
