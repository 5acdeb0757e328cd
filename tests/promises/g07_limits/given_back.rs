//! Permits are given back however a load ends, and not before it does.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::rest::at_rest;
use crate::runway::Style::{self, Async, Blocking};
use crate::runway::{BOTH, Runway};
use crate::watchdog;
use bellwether::{AbandonedLoads, AsyncCache, BoxFuture, Cache, CacheBuilder, LoadErrorKind, Loaded, MockClock, SpawnError, Spawner};
use futures::FutureExt;
use futures::executor::block_on;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

fn on_one_permit() -> CacheBuilder<u32, usize> {
    CacheBuilder::new().max_concurrent_loads(1).max_queued_loads(0)
}

fn g7_errors_panics_and_absences_give_their_permit_back<F: Kind>() {
    hush();
    for style in BOTH {
        let answer = |number: usize| match number % 4 {
            0 => Err("it fails".into()),
            1 => panic!("{ON_PURPOSE}"),
            2 => Ok(Loaded::absent()),
            _ => Loaded::ok(number),
        };
        let runway = Runway::new(0);
        let face = F::Of::<u32, usize>::build(runway.loader(on_one_permit(), style, answer));
        for round in 0..5 {
            let kinds = [LoadErrorKind::Failed, LoadErrorKind::Panicked, LoadErrorKind::Absent];
            for kind in kinds {
                assert_eq!(face.fetch_with(&round).expect_err("it brings nothing").kind(), kind, "{style:?}");
                at_rest(&face.sync());
            }
            face.fetch_with(&round).expect("the fourth load brings it");
            at_rest(&face.sync());
        }
        assert_eq!((face.metrics().turned_away, face.metrics().permits_peak), (0, 1));
    }
}

/// A thread can't be stopped: its permit is taken until it ends. A task is dropped, and its permit is free.
fn g7_a_load_that_timed_out_keeps_its_permit_until_it_really_ends<F: Kind>() {
    for style in BOTH {
        let (clock, runway) = (MockClock::new(), Runway::new(1));
        let face = F::Of::build(runway.numbers(on_one_permit().clock(clock.clone()).load_timeout(LIMIT), style));
        let overrun = apart(&face, |face| face.fetch_with(&0));
        runway.until_begun(0);
        // One who waits without running the load notices when its time is over.
        let waiting = apart(&face, |face| face.fetch_with(&0));
        until("it has joined", || face.metrics().joined == 1);
        clock.advance(LIMIT);
        assert_eq!(waiting.result().expect_err("it took too long").kind(), LoadErrorKind::TimedOut);
        if style == Blocking {
            assert_eq!(face.metrics().permits, 1, "its loader still runs");
            assert_eq!(face.fetch_with(&1).expect_err("the permit is taken").kind(), LoadErrorKind::Overloaded);
            runway.open(0);
        }
        assert_eq!(overrun.result().expect_err("it took too long").kind(), LoadErrorKind::TimedOut);
        until("its permit is free", || face.metrics().permits == 0);
        assert_eq!(*face.fetch_with(&1).expect("the permit is free"), 1, "{style:?}");
        at_rest(&face.sync());
    }
}

/// Held by a loader: when it is dropped, it notes how many permits are taken.
struct Notes(Arc<OnceLock<Cache<u32, usize>>>, Arc<AtomicU64>);

impl Drop for Notes {
    fn drop(&mut self) {
        self.1.store(self.0.get().expect("it is built").metrics().permits, Ordering::SeqCst);
    }
}

/// What a loader holds, say a connection, is in use until it has been dropped.
fn g7_a_cancelled_task_s_permit_is_taken_until_its_loader_has_been_dropped<F: Kind>() {
    let (own, noted) = (Arc::new(OnceLock::new()), Arc::new(AtomicU64::new(u64::MAX)));
    let (runway, notes) = (Runway::new(1), (Arc::clone(&own), Arc::clone(&noted)));
    let load = runway.clone();
    let builder = on_one_permit().abandoned_loads(AbandonedLoads::Cancel).async_loader_fn(move |_: u32| {
        let (load, notes) = (load.clone(), Notes(Arc::clone(&notes.0), Arc::clone(&notes.1)));
        async move {
            let number = load.load_async().await;
            drop(notes);
            bellwether::ok(number)
        }
    });
    let face = F::Of::build(builder);
    assert!(own.set(face.sync()).is_ok(), "it is set once");
    let tasks = face.sync().to_async();
    let fetch = tasks.fetch_with(&0);
    runway.until_begun(0);
    drop(fetch);
    until("the loader has been dropped", || noted.load(Ordering::SeqCst) != u64::MAX);
    assert_eq!(noted.load(Ordering::SeqCst), 1, "its permit is taken while it is being dropped");
    at_rest(&face.sync());
}

/// A load that was overtaken goes on, on its permit.
fn g7_a_superseded_load_keeps_its_permit_until_it_ends<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let face = F::Of::build(runway.numbers(on_one_permit(), style));
        let overtaken = apart(&face, |face| face.fetch_with(&0));
        runway.until_begun(0);
        for _ in 0..2 {
            face.invalidate(&0);
            face.clear();
            assert_eq!(face.fetch_with(&0).expect_err("the permit is taken").kind(), LoadErrorKind::Overloaded, "{style:?}");
        }
        runway.open(0);
        assert_eq!(*overtaken.result().expect("it is delivered"), 0);
        at_rest(&face.sync());
        assert_eq!(*face.fetch_with(&0).expect("the permit is free"), 1);
        at_rest(&face.sync());
    }
}

/// As a time-out: a task's permit is free at once, a thread's when it ends.
fn g7_a_cancelled_load_gives_its_permit_back_when_it_ends<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(1);
        let face = F::Of::build(runway.numbers(on_one_permit().abandoned_loads(AbandonedLoads::Cancel), style));
        let tasks = face.sync().to_async();
        let fetch = tasks.fetch_with(&0);
        runway.until_begun(0);
        drop(fetch);
        if style == Blocking {
            assert_eq!(face.metrics().permits, 1, "its loader still runs");
            runway.open(0);
        }
        until("its permit is free", || face.metrics().permits == 0);
        assert_eq!(*face.fetch_with(&1).expect("the permit is free"), 1, "{style:?}");
        at_rest(&face.sync());
    }
}

/// Takes nothing.
struct Refuses;

impl Spawner for Refuses {
    fn spawn(&self, _: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        Err(SpawnError::new("not today"))
    }
    fn spawn_blocking(&self, _: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        Err(SpawnError::new("not today"))
    }
}

#[test]
fn g7_a_load_that_its_spawner_refuses_gives_its_permit_back() {
    watchdog::in_time(|| {
        for style in BOTH {
            let runway = Runway::new(0);
            let cache: AsyncCache<u32, usize> =
                runway.numbers(on_one_permit().spawner(Refuses), style).build_async().expect("the settings make sense");
            for key in 0..5 {
                let kind = if style == Async { LoadErrorKind::Cancelled } else { LoadErrorKind::Overloaded };
                assert_eq!(block_on(cache.fetch_with(&key)).expect_err("it is refused").kind(), kind);
                assert_eq!(cache.metrics().permits, 0, "{style:?}");
            }
            let metrics = at_rest(&cache.to_sync());
            assert_eq!((metrics.turned_away, metrics.permits_peak, runway.begun()), (0, 1, 0));
        }
    });
}

/// Takes what it is given, and runs none of it.
struct Drops;

impl Spawner for Drops {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        assert!(future.now_or_never().is_none(), "the load is held");
        Ok(())
    }
    fn spawn_blocking(&self, job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        drop(job);
        Ok(())
    }
}

#[test]
fn g7_a_load_that_its_spawner_drops_half_way_gives_its_permit_back() {
    watchdog::in_time(|| {
        let runway = Runway::new(3);
        let builder = runway.numbers(on_one_permit().spawner(Drops), Style::Async);
        let cache: AsyncCache<u32, usize> = builder.build_async().expect("the settings make sense");
        for key in 0..3 {
            assert_eq!(block_on(cache.fetch_with(&key)).expect_err("it is dropped").kind(), LoadErrorKind::Cancelled);
        }
        assert_eq!((at_rest(&cache.to_sync()).turned_away, runway.begun()), (0, 3));
    });
}

crate::on_every_face_in_time!(
    g7_errors_panics_and_absences_give_their_permit_back,
    g7_a_load_that_timed_out_keeps_its_permit_until_it_really_ends,
    g7_a_superseded_load_keeps_its_permit_until_it_ends,
    g7_a_cancelled_task_s_permit_is_taken_until_its_loader_has_been_dropped,
    g7_a_cancelled_load_gives_its_permit_back_when_it_ends,
);
