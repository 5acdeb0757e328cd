//! The leader leaves: before the load begins, while it runs, and just when it lands.

use crate::apart::apart;
use crate::g04_leaving::{Alive, CHOICES, cancelled, tracked};
use crate::gate::until;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::Runway;
use crate::watchdog::in_time;
use crate::ways::Way;
use bellwether::{AbandonedLoads, BoxFuture, CacheBuilder, LoadErrorKind, SpawnError, Spawner};
use futures::FutureExt;
use std::sync::{Arc, Mutex};

in_every_way!(
    g4_a_thousand_who_wait_are_served_by_one_load_though_its_leader_leaves_while_it_runs,
    g4_a_leader_that_leaves_just_when_the_load_lands_leaves_all_accounts_in_order,
);

fn g4_a_thousand_who_wait_are_served_by_one_load_though_its_leader_leaves_while_it_runs(way: Way) {
    for choice in CHOICES {
        let (runway, alive) = (Runway::new(1), Alive::default());
        let cache = tracked(way, &runway, &alive, CacheBuilder::new().abandoned_loads(choice));
        let leader = way.within(|| cache.fetch_with(&1));
        let tasks: Vec<_> = (0..999).map(|_| cache.fetch_with(&1)).collect();
        let thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
        until("all wait", || cache.metrics().waiters == 1_001);
        runway.until_begun(0);
        drop(leader);
        runway.open(0);
        let served = way.wait(futures::future::join_all(tasks)).into_iter().chain([thread.result()]);
        assert!(served.into_iter().all(|value| *value.expect("the load brings it") == 0));
        let metrics = at_rest(&cache.to_sync());
        assert_eq!((metrics.loads_started, metrics.loads_stored, metrics.misses, metrics.joined), (1, 1, 1, 1_000));
        alive.until_none();
    }
}

fn g4_a_leader_that_leaves_just_when_the_load_lands_leaves_all_accounts_in_order(way: Way) {
    const ROUNDS: u64 = 300;
    for choice in CHOICES {
        let (runway, alive) = (Runway::new(300), Alive::default());
        let cache = tracked(way, &runway, &alive, CacheBuilder::new().abandoned_loads(choice));
        for round in 0..300 {
            let leader = way.within(|| cache.fetch_with(&1));
            runway.until_begun(round);
            std::thread::scope(|scope| {
                scope.spawn(|| runway.open(round));
                scope.spawn(move || drop(leader));
            });
            at_rest(&cache.to_sync());
            assert!(choice == AbandonedLoads::Cancel || cache.contains_key(&1));
            cache.invalidate(&1);
        }
        let metrics = at_rest(&cache.to_sync());
        assert_eq!((metrics.loads_started, metrics.loads_stored + cancelled(&cache.to_sync())), (ROUNDS, ROUNDS));
        alive.until_none();
    }
}

/// Holds what it is given until it is told to run it.
#[derive(Clone, Default)]
struct Shelf(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Shelf {
    fn run_all(&self) -> usize {
        let held = std::mem::take(&mut *self.0.lock().expect("no holder panics"));
        let number = held.len();
        held.into_iter().for_each(futures::executor::block_on);
        number
    }
}

impl Spawner for Shelf {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        self.0.lock().expect("no holder panics").push(future);
        Ok(())
    }

    fn spawn_blocking(&self, _: Box<dyn FnOnce() + Send + 'static>) -> Result<(), SpawnError> {
        Err(SpawnError::new("futures only"))
    }
}

#[test]
fn g4_a_leader_that_leaves_before_the_load_begins_leaves_it_to_those_who_wait() {
    in_time(|| {
        for choice in CHOICES {
            let (runway, alive, shelf) = (Runway::new(0), Alive::default(), Shelf::default());
            let builder = CacheBuilder::new().abandoned_loads(choice).spawner(shelf.clone());
            let cache = tracked(Way::WithoutRuntime, &runway, &alive, builder);
            let (leader, waits) = (cache.fetch_with(&1), cache.fetch_with(&1));
            let thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
            until("all wait", || cache.metrics().waiters == 3);
            drop(leader);
            assert_eq!((shelf.run_all(), runway.begun()), (1, 1));
            assert_eq!(*waits.now_or_never().expect("it has landed").expect("the load brings it"), 0);
            assert_eq!(*thread.result().expect("the load brings it"), 0);
            assert_eq!(at_rest(&cache.to_sync()).loads_stored, 1);
        }
    });
}

/// A load that is cancelled before its first poll never calls the loader.
#[test]
fn g4_a_load_that_all_have_left_before_it_begins_is_finished_or_never_begins() {
    in_time(|| {
        for choice in CHOICES {
            let (runway, alive, shelf) = (Runway::new(0), Alive::default(), Shelf::default());
            let builder = CacheBuilder::new().abandoned_loads(choice).spawner(shelf.clone());
            let cache = tracked(Way::WithoutRuntime, &runway, &alive, builder);
            drop((cache.fetch_with(&1), cache.fetch_with(&1)));
            let cancels = choice == AbandonedLoads::Cancel;
            assert_eq!(cancelled(&cache.to_sync()), u64::from(cancels));
            shelf.run_all();
            assert_eq!((runway.begun(), cache.contains_key(&1)), (usize::from(!cancels), !cancels));
            let metrics = at_rest(&cache.to_sync());
            assert_eq!(metrics.loads_stored + metrics.loads_failed_by(LoadErrorKind::Cancelled), 1);
            alive.until_none();
        }
    });
}
