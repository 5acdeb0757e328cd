//! `AbandonedLoads::Cancel`: a load ends when the last who waits for it has left, and no sooner.

use crate::apart::apart;
use crate::g04_leaving::{Alive, CHOICES, cancelled, cancelling, tracked};
use crate::gate::until;
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use crate::ways::Way;
use bellwether::{AbandonedLoads, CacheBuilder};
use futures::FutureExt;

in_every_way!(
    g4_an_abandoned_load_is_finished_and_stored_or_dropped_at_once_as_was_asked_for,
    g4_one_who_stays_keeps_the_load,
    g4_an_abandoned_blocking_load_is_left_to_finish_and_its_value_thrown_away,
    g4_an_abandoned_refresh_is_cancelled_and_the_value_stays,
    g4_an_abandoned_load_that_a_write_has_overtaken_is_cancelled,
    g4_an_abandoned_load_that_waits_for_its_turn_is_cancelled_before_it_begins,
    g4_an_abandoned_load_of_a_closure_is_cancelled,
);

fn g4_an_abandoned_load_is_finished_and_stored_or_dropped_at_once_as_was_asked_for(way: Way) {
    for choice in CHOICES {
        let (runway, alive) = (Runway::new(1), Alive::default());
        let cache = tracked(way, &runway, &alive, CacheBuilder::new().abandoned_loads(choice));
        let mut fetches: Vec<_> = way.within(|| (0..3).map(|_| cache.fetch_with(&1)).collect());
        runway.until_begun(0);
        assert!(fetches.iter_mut().all(|fetch| fetch.now_or_never().is_none()));
        // The leader first, and then the others.
        while !fetches.is_empty() {
            assert_eq!(alive.number(), 1, "somebody waits");
            drop(fetches.remove(0));
        }
        if choice == AbandonedLoads::Cancel {
            alive.until_none();
        }
        runway.open(0);
        let next = *way.fetch_with(&cache.to_sync(), &1).expect("the load brings it");
        let metrics = at_rest(&cache.to_sync());
        match choice {
            AbandonedLoads::Cancel => {
                assert_eq!((next, runway.begun(), metrics.loads_stored, cancelled(&cache.to_sync())), (1, 2, 1, 1));
                assert_eq!((metrics.misses, metrics.joined), (2, 2));
            }
            _ => assert_eq!((next, runway.begun(), metrics.loads_stored, metrics.loads_failed()), (0, 1, 1, 0)),
        }
    }
}

fn g4_one_who_stays_keeps_the_load(way: Way) {
    let (runway, alive) = (Runway::new(1), Alive::default());
    let cache = cancelling(way, &runway, &alive);
    let mut leaving: Vec<_> = way.within(|| (0..50).map(|_| Some(cache.fetch_with(&1))).collect());
    let stays = apart(&cache.to_sync(), move |cache| way.fetch_with(&cache, &1));
    until("all wait", || cache.metrics().waiters == 51);
    runway.until_begun(0);
    leaving.clear();
    assert_eq!((cache.metrics().waiters, alive.number()), (1, 1));
    runway.open(0);
    assert_eq!(*stays.result().expect("the load brings it"), 0);
    let metrics = at_rest(&cache.to_sync());
    assert_eq!((metrics.loads_stored, metrics.loads_failed(), runway.begun()), (1, 0, 1));
}

fn g4_an_abandoned_blocking_load_is_left_to_finish_and_its_value_thrown_away(way: Way) {
    let runway = Runway::new(1);
    let builder = runway.numbers(CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel), Style::Blocking);
    let cache = way.build(builder).to_async();
    let fetch = way.within(|| cache.fetch_with(&1));
    runway.until_begun(0);
    drop(fetch);
    assert_eq!(cancelled(&cache.to_sync()), 1);
    assert_eq!(*way.fetch_with(&cache.to_sync(), &1).expect("a new load brings it"), 1);
    runway.open(0);
    let metrics = at_rest(&cache.to_sync());
    assert_eq!((cache.fetch(&1).as_deref(), runway.begun()), (Some(&1), 2), "what comes too late replaces nothing");
    assert_eq!((metrics.loads_stored, metrics.loads_started), (1, 2));
}

fn g4_an_abandoned_refresh_is_cancelled_and_the_value_stays(way: Way) {
    let (runway, alive) = (Runway::new(1), Alive::default());
    let cache = cancelling(way, &runway, &alive);
    cache.insert(1, 70);
    let refresh = way.within(|| cache.refresh(&1));
    runway.until_begun(0);
    drop(refresh);
    alive.until_none();
    assert_eq!(cache.fetch(&1).as_deref(), Some(&70));
    assert_eq!(*way.refresh(&cache.to_sync(), &1).expect("the load brings it"), 1);
    let metrics = at_rest(&cache.to_sync());
    assert_eq!((cancelled(&cache.to_sync()), metrics.loads_stored), (1, 1));
}

fn g4_an_abandoned_load_that_a_write_has_overtaken_is_cancelled(way: Way) {
    let (runway, alive) = (Runway::new(2), Alive::default());
    let cache = cancelling(way, &runway, &alive);
    let overtaken = way.within(|| cache.fetch_with(&1));
    runway.until_begun(0);
    cache.invalidate(&1);
    let mut current = way.within(|| cache.fetch_with(&1));
    runway.until_begun(1);
    drop(overtaken);
    until("the overtaken one is dropped", || alive.number() == 1);
    assert!((&mut current).now_or_never().is_none(), "the other goes on");
    runway.open(1);
    assert_eq!(*way.wait(current).expect("the load brings it"), 1);
    let metrics = at_rest(&cache.to_sync());
    assert_eq!((cancelled(&cache.to_sync()), metrics.loads_stored, cache.fetch(&1).as_deref()), (1, 1, Some(&1)));
}

/// At most four loads of a key run at a time: the fifth waits for its turn.
fn g4_an_abandoned_load_that_waits_for_its_turn_is_cancelled_before_it_begins(way: Way) {
    for style in BOTH {
        let runway = Runway::new(5);
        let builder = runway.numbers::<u32>(CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel), style);
        let cache = way.build(builder).to_async();
        let mut running = Vec::new();
        for number in 0..4 {
            running.push(way.within(|| cache.fetch_with(&1)));
            runway.until_begun(number);
            cache.invalidate(&1);
        }
        drop(way.within(|| cache.fetch_with(&1)));
        assert_eq!(cancelled(&cache.to_sync()), 1, "{style:?}: with who led it it is gone");
        let next = way.within(|| cache.fetch_with(&1));
        assert_eq!(runway.begun(), 4);
        runway.open(0);
        runway.until_begun(4);
        (1..5).for_each(|number| runway.open(number));
        assert_eq!(*way.wait(next).expect("the load brings it"), 4, "{style:?}");
        for (number, fetch) in running.into_iter().enumerate() {
            assert_eq!(*way.wait(fetch).expect("its own load brings it"), number, "{style:?}");
        }
        assert_eq!((at_rest(&cache.to_sync()).loads_superseded, runway.begun()), (4, 5), "{style:?}");
    }
}

fn g4_an_abandoned_load_of_a_closure_is_cancelled(way: Way) {
    let (runway, own, alive) = (Runway::new(0), Runway::new(1), Alive::default());
    let cache = cancelling(way, &runway, &Alive::default());
    let (load, life) = (own.clone(), alive.begin());
    let fetch = way.within(|| {
        cache.fetch_or_load(&1, || async move {
            let _life = life;
            bellwether::ok(load.load_async().await)
        })
    });
    own.until_begun(0);
    drop(fetch);
    alive.until_none();
    assert_eq!(*way.fetch_with(&cache.to_sync(), &1).expect("the load brings it"), 0);
    at_rest(&cache.to_sync());
    assert_eq!(cancelled(&cache.to_sync()), 1);
}

/// A blocking caller can't be dropped: it keeps the load of those who leave, as who joined it and as its leader.
#[test]
fn g4_a_blocking_caller_keeps_the_load_of_tasks_that_leave() {
    in_time(|| {
        for style in BOTH {
            for leads in [false, true] {
                let runway = Runway::new(1);
                let builder = runway.numbers::<u32>(CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel), style);
                let cache = Way::WithoutRuntime.build(builder).to_async();
                let first = (!leads).then(|| cache.fetch_with(&1));
                let thread = apart(&cache.to_sync(), |cache| cache.fetch_with(&1));
                runway.until_begun(0);
                until("the thread waits", || cache.metrics().waiters == 1 + u64::from(!leads));
                drop((first, cache.fetch_with(&1), cache.fetch_with(&1)));
                runway.open(0);
                assert_eq!(*thread.result().expect("the load brings it"), 0, "{style:?}");
                assert_eq!((at_rest(&cache.to_sync()).loads_stored, runway.begun()), (1, 1), "{style:?}");
            }
        }
    });
}

/// Who waits for an entry waits for the load, too; who merely tries doesn't.
#[test]
fn g4_an_entry_that_is_waited_for_keeps_the_load_and_one_that_is_tried_does_not() {
    in_time(|| {
        let (runway, alive) = (Runway::new(2), Alive::default());
        let cache = cancelling(Way::WithoutRuntime, &runway, &alive);
        let fetch = cache.fetch_with(&1);
        let entry = apart(&cache.to_sync(), |cache| *cache.entry(1).or_insert(9));
        until("both wait", || cache.metrics().waiters == 2);
        runway.until_begun(0);
        drop(fetch);
        runway.open(0);
        assert_eq!(entry.result(), 0);
        cache.invalidate(&1);
        let fetch = cache.fetch_with(&1);
        runway.until_begun(1);
        assert!(cache.try_entry(1).is_none());
        drop(fetch);
        alive.until_none();
        at_rest(&cache.to_sync());
    });
}
