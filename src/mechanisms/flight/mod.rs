//! A flight is one load in the air: the first caller starts it, the rest wait.
//!
//! It knows who it is (a berth in the map of flights), who waits for it, and, once landed, what it brought. Whether it may still be
//! joined or stored isn't its own affair: the map says so, under the shard's lock.

mod awaited;
mod map;
mod name;
mod seats;
mod traffic;
mod waiter;

pub(crate) use map::{Claimed, Ended, FlightMap, Overtaken, Party, Turn, Wanted};
pub(crate) use traffic::{IdleWait, Traffic};
pub(crate) use waiter::Waiter;

use crate::ground::contain::{contain, drop_contained};
use crate::ground::hash::Hashed;
use crate::ground::seeded::{self, Bug};
use crate::ground::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use crate::ground::sync::{Mutex, serial};
use crate::ground::time::{Appointment, Deadline};
use crate::mechanisms::permits::{Permit, Permits, Queueing};
use crate::vocabulary::error::LoadError;
use name::Name;
use seats::Seats;
use std::any::Any;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

/// One load of one key, or one vacant entry: somebody is expected to bring the key's value.
pub(crate) struct Flight<K, V> {
    /// Whose flight it is: its key and the place of that in the map of flights.
    name: Arc<Name<K>>,
    /// Its own number.
    serial: u64,
    kind: Kind,
    /// When it is over, landed or not.
    deadline: Deadline,
    /// Whether its load has begun. Written under the lock of the shard.
    begun: AtomicU8,
    /// Whether it is to begin without a permit, as a load that has one waits for it, directly or not.
    urgent: AtomicBool,
    /// Whether it has landed, for those who ask without the lock.
    over: AtomicBool,
    /// Whether its load keeps its own time.
    timed: AtomicBool,
    /// Whether it is one of the refreshes that are counted as under way.
    refreshing: AtomicBool,
    /// The number of the call that lands it with others; zero if none does.
    crew: AtomicU64,
    /// Whether it is to begin with others, and so not because a load of its key has ended. Written under the lock of the shard.
    gathered: AtomicBool,
    /// Whether it goes on though nobody waits.
    wanted: AtomicBool,
    /// Whether what it brings is not to be stored, whatever the map says.
    kept_out: AtomicBool,
    /// How many of those who wait would have the cache's own loader load. Written under the flight's lock.
    wishes: AtomicU64,
    /// How many are on their way here from the flight that this one takes the place of.
    expected: AtomicU64,
    /// The flight that takes this one's place, if it was an entry that was given up.
    successor: OnceLock<Arc<Self>>,
    traffic: Arc<Traffic>,
    air: Mutex<Air<V>>,
}

/// Who is to land a flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A load, which the cache runs.
    Load,
    /// A load that the cache runs in the background, while those who ask are served the value that is held.
    Refresh,
    /// The holder of a vacant entry.
    Entry,
}

impl Kind {
    /// Whether the cache runs a load for it.
    pub(crate) fn is_load(self) -> bool {
        match self {
            Self::Load | Self::Refresh => true,
            Self::Entry => false,
        }
    }
}

/// What one who waits would have done if nobody brought a value.
#[derive(Clone, Copy)]
pub(crate) enum Wish<'a> {
    /// The cache's own loader is to load, in this place, whether or not the one who waits is ever polled again.
    Load(&'a dyn Fn() -> Offer),
    /// It looks after itself.
    Own,
    /// It doesn't wait: it only asks whether it could.
    Glance,
}

/// A place to load in, as one who waits offers it. What it is, is the core's affair.
pub(crate) type Offer = Box<dyn Any + Send + Sync>;

/// Whether and how a load has begun.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    No = 0,
    Free = 1,
    /// With a permit, to be given back.
    OnPermit = 2,
    /// It has ended since.
    Ended = 3,
}

/// Whether a load may begin.
enum Permission {
    Begin(Begun),
    Wait,
    Refused,
}

/// What changes about a flight.
struct Air<V> {
    stage: Stage<V>,
    /// Starts the load of a flight that has to wait for its turn.
    launch: Option<Launch>,
    /// Wakes the load's own task when nobody needs its result any more.
    stop: Option<Waker>,
    /// The alarm that ends it at its deadline.
    alarm: Option<Appointment>,
    /// Where the cache's own loader may load if the holder of an entry doesn't bring the value.
    offer: Option<Offer>,
}

/// Begins a load. Called or dropped under no lock.
pub(crate) type Launch = Box<dyn FnOnce() + Send>;

enum Stage<V> {
    /// Being loaded.
    Aloft(Seats),
    /// Somebody is about to land it: nobody else does.
    Sealed(Seats),
    Landed(Landing<V>),
}

/// How a flight ended.
pub(crate) struct Landing<V> {
    pub(crate) result: Result<Arc<V>, LoadError>,
    pub(crate) standing: Standing,
}

/// How a flight stood when it landed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    Held,
    /// A write had overtaken it.
    Superseded,
    /// One of the tags of what it brought was struck while it was being loaded, first by the strike of this number.
    Struck {
        by: u64,
    },
    /// Nobody will bring a value: those who wait look again.
    Vacated,
    /// It hasn't: one who waited for it does so no longer.
    Slow,
}

impl<V> Clone for Landing<V> {
    fn clone(&self) -> Self {
        Self { result: self.result.clone(), standing: self.standing }
    }
}

impl<K, V> Flight<K, V> {
    fn new(name: Arc<Name<K>>, wanted: Wanted, traffic: Arc<Traffic>) -> Self {
        let Wanted { deadline, kind, urgent, .. } = wanted;
        let air = Air { stage: Stage::Aloft(Seats::default()), launch: None, stop: None, alarm: None, offer: None };
        Self {
            name,
            serial: serial(),
            kind,
            deadline,
            begun: AtomicU8::new(Begun::No as u8),
            urgent: AtomicBool::new(urgent),
            over: AtomicBool::new(false),
            timed: AtomicBool::new(false),
            refreshing: AtomicBool::new(kind == Kind::Refresh),
            crew: AtomicU64::new(0),
            gathered: AtomicBool::new(false),
            wanted: AtomicBool::new(false),
            kept_out: AtomicBool::new(false),
            wishes: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            successor: OnceLock::new(),
            traffic,
            air: Mutex::new(air),
        }
    }

    pub(crate) fn key(&self) -> &K {
        self.name.key()
    }

    pub(crate) fn hashed(&self) -> Hashed {
        self.name.hashed
    }

    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }

    pub(crate) fn has_landed(&self) -> bool {
        // Acquire: whoever goes by it finds what was done before.
        self.over.load(Ordering::Acquire)
    }

    pub(crate) fn has_begun(&self) -> bool {
        // Relaxed: the flag announces nothing but itself.
        self.begun.load(Ordering::Relaxed) != Begun::No as u8
    }

    /// What it brings is not to be stored. Written, and read, under the lock of the shard, or for what is about to be read there.
    pub(crate) fn keep_out(&self) {
        self.kept_out.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_kept_out(&self) -> bool {
        self.kept_out.load(Ordering::Relaxed)
    }

    fn is_on_permit(&self) -> bool {
        self.begun.load(Ordering::Relaxed) == Begun::OnPermit as u8
    }

    /// Gives up the permit, which is somebody else's to pass on from now on. `false` if it has none.
    pub(crate) fn give_permit(&self) -> bool {
        let on_permit = self.is_on_permit();
        if on_permit {
            self.set_begun(Begun::Free);
        }
        on_permit
    }

    /// It is landed by one call with others: what that waits for, it waits for.
    pub(crate) fn joins(&self, crew: u64) {
        self.crew.store(crew, Ordering::Relaxed);
    }

    /// Somebody wants it besides those who wait: that the last of these leaves is no reason to cancel it.
    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Asks for a permit to begin, if one is needed.
    fn permission(self: &Arc<Self>, permits: &Permits<Arc<Self>>, queueing: Queueing) -> Permission {
        if self.urgent.load(Ordering::Relaxed) {
            return Permission::Begin(Begun::Free);
        }
        match permits.ask(self.serial, queueing, || Arc::clone(self)) {
            Permit::Needless => Permission::Begin(Begun::Free),
            Permit::Granted => Permission::Begin(Begun::OnPermit),
            Permit::Queued => Permission::Wait,
            Permit::Refused => Permission::Refused,
        }
    }

    fn set_begun(&self, begun: Begun) {
        self.begun.store(begun as u8, Ordering::Relaxed);
    }

    /// Says whether the load keeps its own time, so that nobody else need.
    pub(crate) fn keeps_time(&self, keeps: bool) {
        self.timed.store(keeps, Ordering::Relaxed);
    }

    /// Takes a seat among those who wait.
    pub(crate) fn join(self: &Arc<Self>, wish: Wish<'_>) -> Waiter<K, V> {
        if matches!(wish, Wish::Glance) {
            return Waiter::new(Arc::clone(self), None, false);
        }
        let mut air = self.air.lock();
        let wishes = matches!(wish, Wish::Load(_));
        let Air { stage, offer, .. } = &mut *air;
        let seat = match stage {
            Stage::Aloft(seats) | Stage::Sealed(seats) => {
                self.traffic.waiters.add(1);
                self.wishes.fetch_add(u64::from(wishes), Ordering::Relaxed);
                if let (Wish::Load(place), Kind::Entry, None) = (wish, self.kind, &offer) {
                    *offer = Some(place());
                }
                Some(seats.take())
            }
            Stage::Landed(_) => None,
        };
        drop(air);
        Waiter::new(Arc::clone(self), seat, wishes)
    }

    /// One leaves before the landing. Called under the flight's lock.
    fn left(&self, wished: bool) {
        self.traffic.waiters.sub(1);
        self.wishes.fetch_sub(u64::from(wished), Ordering::Relaxed);
    }

    /// The place that was offered for a load in place of what the holder of an entry brings.
    pub(crate) fn take_offer(&self) -> Option<Offer> {
        self.air.lock().offer.take()
    }

    /// Names the flight that takes the place of this one, to which those who wait are on their way from its landing on. Whoever names it is
    /// expected there, too, until he [`arrive`](Self::arrive)s.
    pub(crate) fn succeed_by(&self, successor: &Arc<Self>) {
        successor.expected.store(1, Ordering::Relaxed);
        // A flight is vacated once.
        drop(self.successor.set(Arc::clone(successor)));
    }

    /// The flight that one who waited for this one went on to, who is expected there no more.
    pub(crate) fn arrive(&self) -> Option<&Arc<Self>> {
        let successor = self.successor.get()?;
        successor.expected.fetch_sub(1, Ordering::AcqRel);
        Some(successor)
    }

    /// Whether anybody waits who would have the cache's own loader load.
    pub(crate) fn has_wishes(&self) -> bool {
        self.wishes.load(Ordering::Relaxed) > 0
    }

    /// Whether nobody waits for a load that isn't over.
    pub(crate) fn is_deserted(&self) -> bool {
        matches!(&self.air.lock().stage, Stage::Aloft(seats) if self.is_empty(seats))
    }

    /// Whether anybody waits for it, landing or not.
    pub(crate) fn is_awaited(&self) -> bool {
        match &self.air.lock().stage {
            Stage::Aloft(seats) | Stage::Sealed(seats) => !self.is_empty(seats),
            Stage::Landed(_) => false,
        }
    }

    fn is_empty(&self, seats: &Seats) -> bool {
        seats.taken() == 0 && self.expected.load(Ordering::Acquire) == 0
    }

    /// Runs `launch` at once if the flight's turn has come, else keeps it until then. A flight that has landed needs none.
    pub(crate) fn when_begun(&self, launch: Launch) {
        let now = {
            let mut air = self.air.lock();
            match (&air.stage, self.has_begun()) {
                (Stage::Landed(_), _) => return drop_after(air, launch),
                (Stage::Aloft(_) | Stage::Sealed(_), true) => launch,
                (Stage::Aloft(_) | Stage::Sealed(_), false) => {
                    // One that was kept before may have a drop of its own.
                    let before = air.launch.replace(launch);
                    drop(air);
                    return drop_contained(before);
                }
            }
        };
        now();
    }

    /// As [`when_begun`](Self::when_begun), unless something else is kept for then already.
    pub(crate) fn when_begun_with_others(&self, launch: Launch) {
        let is_kept = self.air.lock().launch.is_some();
        if is_kept { drop_contained(launch) } else { self.when_begun(launch) }
    }

    /// Begins the load of a flight whose turn has come; the map has marked it as begun.
    pub(crate) fn begin(&self) {
        let launch = self.air.lock().launch.take();
        if let Some(launch) = launch {
            launch();
        }
    }

    /// Takes on to land the flight, by a result or a time-out. `true` for the first who asks, who then publishes.
    pub(crate) fn seal(&self) -> bool {
        self.seal_if(|_| true)
    }

    /// As [`seal`](Self::seal), if nobody waits.
    pub(crate) fn seal_deserted(&self) -> bool {
        self.seal_if(|seats| self.is_empty(seats))
    }

    fn seal_if(&self, allowed: impl FnOnce(&Seats) -> bool) -> bool {
        let mut air = self.air.lock();
        let Stage::Aloft(seats) = &mut air.stage else { return false };
        if !allowed(seats) {
            return false;
        }
        let seats = std::mem::take(seats);
        air.stage = Stage::Sealed(seats);
        true
    }

    /// Lands the flight that the caller has sealed, and wakes all who wait. Gives the alarm that is to be switched off.
    pub(crate) fn publish(&self, landing: Landing<V>) -> Option<Appointment> {
        if seeded::on(Bug::WakeBeforePublish) {
            self.air.lock().stage.take_seats().wake_all();
        }
        let (seats, launch, stop, alarm, was_last) = {
            let mut air = self.air.lock();
            let seats = air.stage.take_seats();
            air.stage = Stage::Landed(landing);
            // First: who has the result finds neither itself nor the load counted any more.
            self.traffic.waiters.sub(seats.taken() as u64);
            let was_last = self.kind.is_load() && self.traffic.landed();
            self.over.store(true, Ordering::Release);
            if let Some(successor) = self.successor.get() {
                successor.expected.fetch_add(seats.taken() as u64, Ordering::AcqRel);
            }
            (seats, air.launch.take(), air.stop.take(), air.alarm.take(), was_last)
        };
        if was_last {
            self.traffic.wake_idle();
        }
        // Published before anybody is woken: who wakes finds the result.
        if !seeded::on(Bug::WakeBeforePublish) {
            seats.wake_all();
        }
        if let Some(stop) = stop {
            wake(stop);
        }
        drop_contained(launch);
        alarm
    }

    /// For the load's own task: ready once the flight has landed without it, so that the loader can be dropped.
    pub(crate) fn poll_stop(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let (poll, unneeded) = {
            let mut air = self.air.lock();
            match air.stage {
                Stage::Landed(_) => (Poll::Ready(()), Some(waker)),
                Stage::Aloft(_) | Stage::Sealed(_) => (Poll::Pending, air.stop.replace(waker)),
            }
        };
        drop(unneeded);
        poll
    }

    /// Whether somebody should set the alarm that ends this flight at its deadline.
    pub(crate) fn wants_alarm(&self) -> bool {
        if self.timed.load(Ordering::Relaxed) && self.has_begun() {
            return false;
        }
        let air = self.air.lock();
        air.alarm.is_none() && matches!(air.stage, Stage::Aloft(_))
    }

    /// Keeps the alarm that was set, or gives it back to be switched off where it isn't needed any more.
    pub(crate) fn keep_alarm(&self, alarm: Appointment) -> Option<Appointment> {
        let mut air = self.air.lock();
        if matches!(air.stage, Stage::Landed(_)) { Some(alarm) } else { air.alarm.replace(alarm) }
    }

    /// How many wait.
    #[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
    pub(crate) fn waiters(&self) -> usize {
        match &self.air.lock().stage {
            Stage::Aloft(seats) | Stage::Sealed(seats) => seats.taken(),
            Stage::Landed(_) => 0,
        }
    }
}

impl<V> Stage<V> {
    fn take_seats(&mut self) -> Seats {
        match self {
            Self::Aloft(seats) | Self::Sealed(seats) => std::mem::take(seats),
            Self::Landed(_) => Seats::default(),
        }
    }
}

/// Wakes one; a waker is user code, and one that panics doesn't keep the others asleep.
fn wake(waker: Waker) {
    if let Err(panic) = contain(|| waker.wake()) {
        panic.forget();
    }
}

/// Releases `lock`, then drops `value`.
fn drop_after<L, T>(lock: L, value: T) {
    drop(lock);
    drop_contained(value);
}

/// The value's `Drop` is user code, and whoever lets go last is not to be stopped by it.
impl<K, V> Drop for Flight<K, V> {
    fn drop(&mut self) {
        let (stage, offer) = {
            let mut air = self.air.lock();
            (std::mem::replace(&mut air.stage, Stage::Sealed(Seats::default())), air.offer.take())
        };
        drop_contained(stage);
        drop_contained(offer);
    }
}

#[cfg(all(test, not(any(bellwether_loom, bellwether_shuttle))))]
mod tests;

#[cfg(all(test, bellwether_loom))]
mod loom;
