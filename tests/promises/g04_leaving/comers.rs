//! Callers that come while others leave: a flight that nobody can be served by can't be joined.

use crate::apart::{Apart, apart};
use crate::g04_leaving::{Alive, cancelled, cancelling};
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::Runway;
use crate::ways::Way;
use bellwether::{AbandonedLoads, CacheBuilder};
use futures::FutureExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

in_every_way!(g4_who_comes_just_when_the_last_one_leaves_is_served, g4_who_stays_is_served_however_many_come_and_go,);

fn g4_who_comes_just_when_the_last_one_leaves_is_served(way: Way) {
    let (runway, alive) = (Runway::new(0), Alive::default());
    let gate = crate::gate::Gate::new();
    let builder = {
        let (runway, alive, gate) = (runway.clone(), alive.clone(), gate.clone());
        CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel).async_loader_fn(move |key: u32| {
            let (runway, life, gate) = (runway.clone(), alive.begin(), gate.clone());
            async move {
                let number = runway.load_async().await;
                // The loads of odd keys are held.
                if key % 2 == 1 {
                    gate.pass().await;
                }
                drop(life);
                bellwether::ok(number)
            }
        })
    };
    let cache = way.build(builder).to_async();
    let mut comers = Vec::new();
    for key in (1..600).step_by(2) {
        let last = way.within(|| cache.fetch_with(&key));
        let (cache, arrives) = (&cache, &std::sync::Barrier::new(2));
        let mut came = std::thread::scope(|scope| {
            scope.spawn(move || {
                arrives.wait();
                drop(last);
            });
            let comer = scope.spawn(move || {
                arrives.wait();
                way.within(|| cache.fetch_with(&key))
            });
            comer.join().expect("it doesn't panic")
        });
        assert!((&mut came).now_or_never().is_none(), "its load is held, and is its own or one that it keeps");
        comers.push(came);
    }
    gate.open();
    for comer in comers {
        way.wait(comer).expect("the load brings it");
    }
    let metrics = at_rest(&cache.to_sync());
    assert_eq!((metrics.loads_stored, metrics.loads_started), (300, 300 + cancelled(&cache.to_sync())));
    alive.until_none();
}

fn g4_who_stays_is_served_however_many_come_and_go(way: Way) {
    let (runway, alive) = (Runway::new(0), Alive::default());
    let cache = cancelling(way, &runway, &alive);
    let over = Arc::new(AtomicBool::new(false));
    let leave = |n: u32| {
        let over = Arc::clone(&over);
        apart(&cache, move |cache| {
            while !over.load(Ordering::Relaxed) {
                way.within(|| {
                    let mut fetch = cache.fetch_with(&1);
                    if n == 0 {
                        let _ = (&mut fetch).now_or_never();
                    }
                    drop((fetch, cache.refresh(&1)));
                });
                cache.invalidate(&1);
            }
        })
    };
    let leavers: Vec<_> = (0..2).map(leave).collect();
    let stay = |n: u32| {
        apart(&cache.to_sync(), move |cache| {
            for _ in 0..500 {
                let served = match n {
                    0 => cache.fetch_with(&1),
                    1 => way.refresh(&cache, &1),
                    _ => way.fetch_with(&cache, &1),
                };
                served.expect("who stays is served");
            }
        })
    };
    (0..3).map(stay).collect::<Vec<_>>().into_iter().for_each(Apart::result);
    over.store(true, Ordering::Relaxed);
    leavers.into_iter().for_each(Apart::result);
    let metrics = at_rest(&cache.to_sync());
    assert_eq!(metrics.loads_failed(), cancelled(&cache.to_sync()), "no load fails in another way");
    alive.until_none();
}
