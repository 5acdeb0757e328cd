//! A batch: several flights that one call of the loader is to land. Each lands as soon as its key is answered.

use super::launch::poll_timer;
use super::lead::{Brought, LoadGuard, panicked};
use super::places::Chosen;
use super::shared::CacheShared;
use super::waiting::Nested;
use crate::ground::contain::{Panic, contain, drop_contained};
use crate::ground::hash::RandomState;
use crate::ground::pool::BoxFuture;
use crate::ground::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::ground::sync::{Mutex, Weak, serial};
use crate::ground::time::{Appointment, Deadline};
use crate::ground::waits::{Awaited, InLoad, Load, Queue};
use crate::mechanisms::flight::Flight;
use crate::vocabulary::error::{BoxError, LoadError};
use crate::vocabulary::keys::{Key, Value};
use crate::vocabulary::loaded::Loaded;
use crate::vocabulary::loader::{AnyLoader, BlockingWork, DynLoader};
use crate::vocabulary::sink::{Form, LoadSink, Sink};
use futures::FutureExt;
use hashbrown::HashTable;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasher, Hasher};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// A guard that is taken by whoever lands its flight.
type Held<K, V, S> = Mutex<Option<LoadGuard<K, V, S>>>;

/// The flights of one call. Those that are still to be landed when it goes are given up, as a load's is whose task is dropped.
pub(super) struct Batch<K: Key, V: Value, S: Send + Sync + 'static> {
    crew: Arc<Crew<K, V>>,
    /// The guards of flights that have yet to be landed, in the crew's order.
    guards: Box<[Held<K, V, S>]>,
    /// Places in that order, by a hash of the key of its own: the caller's form of a key is hashed by way of a trait object.
    places: HashTable<usize>,
    hasher: RandomState,
    /// Writes that came later have a number that is as high.
    number: u64,
    /// The number of the last strike of a tag before it.
    stamp: u64,
    /// What ends them at their time.
    alarm: Mutex<Option<Appointment>>,
    shared: Arc<CacheShared<K, V, S>>,
    /// The permit that it runs on, until it is over.
    permit: Mutex<Option<Permit<K, V, S>>>,
}

/// The flights of a batch, as the one load that they are to others: what it waits for, they all wait for.
struct Crew<K, V> {
    serial: u64,
    flights: Box<[Arc<Flight<K, V>>]>,
    on_permit: bool,
    /// Whether somebody waits for it who has a permit, from then on until it is over.
    urgent: AtomicBool,
    over: AtomicBool,
    /// How many of its flights the call itself has landed.
    answered: AtomicUsize,
    lateness: Mutex<Lateness>,
}

/// Whether a call has had its time, though nobody may wait for it any more.
#[derive(Default)]
struct Lateness {
    is_late: bool,
    /// Wakes the call's task then.
    task: Option<Waker>,
}

/// A permit that a batch has taken over from the flight that was granted it.
struct Permit<K: Key, V: Value, S: Send + Sync + 'static>(Arc<CacheShared<K, V, S>>);

impl<K: Key, V: Value, S: Send + Sync + 'static> Drop for Permit<K, V, S> {
    fn drop(&mut self) {
        self.0.pass_permit_on();
    }
}

impl<K: Send + Sync, V: Send + Sync> Awaited for Crew<K, V> {
    fn serial(&self) -> u64 {
        self.serial
    }

    fn node(&self) -> u64 {
        self.serial
    }

    fn berths(&self, takes: &mut dyn FnMut(u64)) {
        self.flights.iter().for_each(|flight| flight.berths(takes));
    }

    fn is_privileged(&self) -> bool {
        // Its flights may all have landed, and the call goes on.
        (self.on_permit || self.urgent.load(Ordering::Relaxed) || self.flights.iter().any(|flight| flight.is_privileged()))
            && !self.is_over()
    }

    fn privilege(&self) {
        self.urgent.store(true, Ordering::Relaxed);
        self.flights.iter().for_each(|flight| flight.privilege());
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    fn queue(&self) -> Option<Queue> {
        None
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Batch<K, V, S> {
    /// Makes one of flights that begin now. What they have of permits is the batch's from now on.
    ///
    /// # Errors
    /// If a key's `Hash` panics, which is user code: all are landed with that.
    fn new(shared: &Arc<CacheShared<K, V, S>>, guards: Vec<LoadGuard<K, V, S>>) -> Option<Arc<Self>> {
        let hasher = RandomState::new();
        let hashes = contain(|| guards.iter().map(|guard| hash_of(&hasher, &Own(guard.flight.key()))).collect::<Vec<_>>());
        let hashes = match hashes {
            Ok(hashes) => hashes,
            Err(panic) => {
                let error = panicked(panic);
                guards.into_iter().for_each(|guard| guard.land(Err(error.clone())));
                return None;
            }
        };
        let mut permits = 0_usize;
        for guard in &guards {
            permits += usize::from(shared.shard(guard.flight.hashed()).take_permit(&guard.flight));
        }
        // One is enough for all.
        (1..permits).for_each(|_| shared.pass_permit_on());
        let permit = (permits > 0).then(|| Permit(Arc::clone(shared)));
        let flights: Box<[_]> = guards.iter().map(|guard| Arc::clone(&guard.flight)).collect();
        let urgent = AtomicBool::new(flights.iter().any(|flight| flight.is_privileged()));
        let crew = Arc::new(Crew {
            urgent,
            serial: serial(),
            flights,
            on_permit: permit.is_some(),
            over: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            lateness: Mutex::new(Lateness::default()),
        });
        crew.flights.iter().for_each(|flight| flight.joins(crew.serial));
        let mut places = HashTable::with_capacity(guards.len());
        for (place, &hash) in hashes.iter().enumerate() {
            places.insert_unique(hash, place, |&other| hashes[other]);
        }
        let guards: Box<[_]> = guards.into_iter().map(|guard| Mutex::new(Some(guard))).collect();
        shared.note_writes();
        let number = shared.tags.next_load();
        let (alarm, permit, stamp) = (Mutex::new(None), Mutex::new(permit), shared.tags.now());
        Some(Arc::new(Self { crew, guards, places, hasher, number, stamp, alarm, shared: Arc::clone(shared), permit }))
    }

    /// Sees to it that its flights end at their time: one alarm does for all.
    fn watch(&self) {
        let last = self.crew.last_deadline();
        if last.is_never() {
            return;
        }
        let waker = Waker::from(Arc::new(AtDeadline { shared: Arc::downgrade(&self.shared), crew: Arc::downgrade(&self.crew) }));
        let Some(alarm) = self.shared.set_alarm(last, waker) else { return };
        self.crew.flights.iter().for_each(|flight| flight.keeps_time(true));
        *self.alarm.lock() = Some(alarm);
        // A mock clock wakes only when it is moved, which may have been just before.
        if self.shared.clock.mock().is_some() && self.shared.clock.has_passed(last) {
            self.crew.time_out(&self.shared);
        }
    }

    /// The loads begin: their time runs. Gives them as the one who waits.
    fn begins(&self) -> Arc<Load> {
        for guard in &self.guards {
            guard.lock().as_ref().into_iter().for_each(|guard| drop(guard.begins()));
        }
        Arc::new(Load { flight: Arc::clone(&self.crew) as _, cache: self.shared.settings.name.clone() })
    }

    /// Its keys, as the loader gets them.
    fn keys(&self) -> Vec<K> {
        self.crew.flights.iter().map(|flight| flight.key().clone()).collect()
    }

    /// The call is over: what it has left unanswered gets this.
    fn end(&self, brought: &Result<(), LoadError>) {
        self.crew.over.store(true, Ordering::Release);
        for guard in &self.guards {
            let guard = guard.lock().take();
            guard.into_iter().for_each(|guard| guard.land(brought.clone().map(|()| Loaded::absent())));
        }
        self.give_permit_back();
    }

    /// The call is over, whoever still has its sink.
    fn give_permit_back(&self) {
        let permit = self.permit.lock().take();
        drop(permit);
    }

    /// Changes what flights land with if this goes without having run.
    fn otherwise(&self, error: &LoadError) {
        for guard in &self.guards {
            guard.lock().as_mut().into_iter().for_each(|guard| guard.otherwise(error.clone()));
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Drop for Batch<K, V, S> {
    fn drop(&mut self) {
        if let Some(alarm) = self.alarm.lock().take() {
            self.shared.cancel_alarm(alarm);
        }
    }
}

impl<K: Key, V: Value> Crew<K, V> {
    /// They were claimed at about the same time, and all are over with the last.
    fn last_deadline(&self) -> Deadline {
        self.flights.iter().map(|flight| flight.deadline()).max().unwrap_or(Deadline::NEVER)
    }

    fn time_out<S: Send + Sync + 'static>(&self, shared: &Arc<CacheShared<K, V, S>>) {
        self.flights.iter().filter(|flight| !flight.has_landed()).for_each(|flight| shared.time_out(flight));
        let task = {
            let mut lateness = self.lateness.lock();
            lateness.is_late = true;
            lateness.task.take()
        };
        if let Some(task) = task {
            if let Err(panic) = contain(|| task.wake()) {
                panic.forget();
            }
        }
    }

    /// Whether anybody wants the call to go on: a flight has yet to land, or all were landed by the call itself, which may have more to do. Its task
    /// is woken when that changes. Those before the `front` have landed.
    fn is_wanted(&self, front: &mut usize, cx: &Context<'_>) -> bool {
        while let Some(flight) = self.flights.get(*front) {
            if flight.poll_stop(cx).is_pending() {
                return true;
            }
            *front += 1;
        }
        if self.answered.load(Ordering::Acquire) < self.flights.len() {
            return false;
        }
        let waker = cx.waker().clone();
        let mut lateness = self.lateness.lock();
        let needless = lateness.task.replace(waker);
        let is_late = lateness.is_late;
        drop(lateness);
        drop_contained(needless);
        !is_late
    }
}

/// An alarm that ends the flights of a batch.
struct AtDeadline<K, V, S> {
    shared: Weak<CacheShared<K, V, S>>,
    crew: Weak<Crew<K, V>>,
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Wake for AtDeadline<K, V, S> {
    fn wake(self: Arc<Self>) {
        if let (Some(shared), Some(crew)) = (self.shared.upgrade(), self.crew.upgrade()) {
            crew.time_out(&shared);
        }
    }
}

/// A key of the cache's own, as one that is looked for.
struct Own<'a, K>(&'a K);

impl<K: Key> Form<K> for Own<'_, K> {
    fn hash_into(&self, mut hasher: &mut dyn Hasher) {
        self.0.hash(&mut hasher);
    }

    fn is(&self, key: &K) -> bool {
        self.0 == key
    }

    fn to_key(&self) -> K {
        self.0.clone()
    }
}

fn hash_of<K>(hasher: &RandomState, key: &dyn Form<K>) -> u64 {
    let mut hasher = hasher.build_hasher();
    key.hash_into(&mut hasher);
    hasher.finish()
}

impl<K: Key, V: Value, S: Send + Sync + 'static> Sink<K, V> for Batch<K, V, S> {
    fn take(&self, key: &dyn Form<K>, brought: Brought<V>) -> bool {
        // What a landing leads to is no part of this load.
        let _no_load = InLoad::enter(None);
        let is_it = |&place: &usize| key.is(self.crew.flights[place].key());
        match (self.places.find(hash_of(&self.hasher, key), is_it), brought) {
            (Some(&place), brought) => {
                let guard = self.guards[place].lock().take();
                let serves = guard.as_ref().is_some_and(|guard| !guard.flight.has_landed());
                match guard {
                    Some(guard) => {
                        // Counted first: whoever sees that all have landed sees by whom.
                        self.crew.answered.fetch_add(usize::from(serves), Ordering::AcqRel);
                        guard.land(brought);
                    }
                    None => drop_contained(brought),
                }
                serves
            }
            (None, Ok(loaded)) => !self.crew.is_over() && self.shared.insert_unasked(key.to_key(), loaded, self.number, self.stamp),
            (None, Err(_)) => false,
        }
    }
}

impl<K: Key, V: Value, S: Send + Sync + 'static> CacheShared<K, V, S> {
    /// Has the loader load what `guards` are to land, in one call, away from the caller. All of them begin now.
    pub(super) fn launch_batch(self: &Arc<Self>, mut guards: Vec<LoadGuard<K, V, S>>, chosen: Chosen) {
        // Some may have timed out, or been cancelled, while they waited for the others.
        guards.retain(|guard| !guard.flight.has_landed());
        if guards.is_empty() {
            return;
        }
        let Some(batch) = Batch::new(self, guards) else { return };
        // Perhaps nobody else keeps their time: not their place, if that never polls them, nor callers that have gone.
        batch.watch();
        match self.loader.clone() {
            Some(AnyLoader::Async(loader)) => {
                let timer = self.time_left_until(batch.crew.last_deadline()).and_then(|left| chosen.sleep(left));
                chosen.drive(Box::pin(fly(batch, loader, timer)));
            }
            Some(AnyLoader::Blocking(loader)) => {
                batch.otherwise(&LoadError::Overloaded);
                let job = move || {
                    batch.otherwise(&LoadError::Cancelled);
                    run_here(&batch, &*loader);
                };
                self.places.for_blocking(&self.process).run(Box::new(job));
            }
            None => batch.end(&Err(LoadError::NoLoader)),
        }
    }

    /// Loads in one call on this thread what `guards` are to land.
    pub(super) fn run_batch_here(self: &Arc<Self>, guards: Vec<LoadGuard<K, V, S>>, loader: &dyn BlockingWork<K, V>) {
        let Some(batch) = Batch::new(self, guards) else { return };
        // While this thread runs the load, whatever load it was working for waits.
        let nested = match Nested::on(&self.process, Arc::clone(&batch.crew) as _, Arc::new(|| {})) {
            Ok(nested) => nested,
            Err(cycle) => return batch.end(&Err(cycle)),
        };
        if self.traffic.is_idle_awaited() {
            batch.watch();
        }
        run_here(&batch, loader);
        drop(nested);
    }
}

fn run_here<K: Key, V: Value, S: Send + Sync + 'static>(batch: &Arc<Batch<K, V, S>>, loader: &dyn BlockingWork<K, V>) {
    if batch.crew.flights.iter().all(|flight| flight.has_landed()) {
        return; // They timed out or were cancelled before there was a thread: nobody would hear what it brings.
    }
    let load = batch.begins();
    let brought = contain(|| {
        let _in_load = InLoad::enter(Some(load));
        loader.work_many(&batch.keys(), LoadSink::new(Arc::clone(batch) as _)).map_err(LoadError::new)
    });
    batch.end(&brought.unwrap_or_else(|panic| Err(panicked(panic))));
}

/// A batch as a task: polls its call until that is done, or nobody wants anything of it any more.
async fn fly<K, V, S>(batch: Arc<Batch<K, V, S>>, loader: Arc<DynLoader<K, V>>, mut timer: Option<BoxFuture<'static, ()>>)
where
    K: Key,
    V: Value,
    S: Send + Sync + 'static,
{
    let batch = Ending(batch);
    let scope = batch.0.begins();
    let sink = LoadSink::new(Arc::clone(&batch.0) as _);
    let work = contain(|| batch.0.keys()).map(|keys| AssertUnwindSafe(call(loader, keys, sink)).catch_unwind());
    let mut work = pin!(match work {
        Ok(work) => Some(work),
        Err(panic) => return batch.0.end(&Err(panicked(panic))),
    });
    let mut front = 0;
    let brought = poll_fn(|cx| {
        if let Err(panic) = keep_time(&batch.0, &mut timer, cx) {
            return Poll::Ready(Some(Err(panic.0)));
        }
        if !batch.0.crew.is_wanted(&mut front, cx) {
            return Poll::Ready(None);
        }
        let _in_load = InLoad::enter(Some(Arc::clone(&scope)));
        work.as_mut().as_pin_mut().map_or(Poll::Pending, |work| work.poll(cx)).map(Some)
    });
    let brought = brought.await;
    // Before the load is over for the others: what it holds is let go while it has its permit.
    let dropped = contain(|| {
        let _in_load = InLoad::enter(Some(Arc::clone(&scope)));
        work.set(None);
    });
    if let Err(panic) = dropped {
        panic.forget();
    }
    match brought {
        Some(Ok(brought)) => batch.0.end(&brought.map_err(LoadError::new)),
        Some(Err(payload)) => batch.0.end(&Err(panicked(Panic(payload)))),
        None => {} // Whoever stopped it has landed the flights.
    }
}

/// However its task ends, what it has not landed is given up then, though the loader may have kept the sink.
struct Ending<K: Key, V: Value, S: Send + Sync + 'static>(Arc<Batch<K, V, S>>);

impl<K: Key, V: Value, S: Send + Sync + 'static> Drop for Ending<K, V, S> {
    fn drop(&mut self) {
        self.0.crew.over.store(true, Ordering::Release);
        for guard in &self.0.guards {
            let guard = guard.lock().take();
            drop(guard);
        }
        self.0.give_permit_back();
    }
}

async fn call<K: Key, V: Value>(loader: Arc<DynLoader<K, V>>, keys: Vec<K>, sink: LoadSink<K, V>) -> Result<(), BoxError> {
    loader.load_many(&keys, sink).await
}

/// Ends what its place's own timer says is over.
fn keep_time<K: Key, V: Value, S: Send + Sync + 'static>(
    batch: &Batch<K, V, S>,
    timer: &mut Option<BoxFuture<'static, ()>>,
    cx: &mut Context<'_>,
) -> Result<(), Panic> {
    if poll_timer(timer, cx)?.is_ready() {
        batch.crew.time_out(&batch.shared);
    }
    Ok(())
}
