//! Fetches in the hands of combinators, and fetches that go in odd places.

use crate::apart::apart;
use crate::g04_leaving::{Alive, CHOICES, cancelled, cancelling, tracked};
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::Runway;
use crate::ways::Way;
use bellwether::CacheBuilder;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt, select_biased};

in_every_way!(
    g4_the_loser_of_a_select_leaves_its_load_to_those_who_stay,
    g4_join_and_unordered_fetches_of_one_key_cost_one_load,
    g4_a_fetch_that_was_polled_once_and_never_again_holds_nobody_up,
    g6_a_fetch_that_is_dropped_inside_get_is_no_deadlock,
);

fn g4_the_loser_of_a_select_leaves_its_load_to_those_who_stay(way: Way) {
    for choice in CHOICES {
        let (runway, alive) = (Runway::new(1), Alive::default());
        let cache = tracked(way, &runway, &alive, CacheBuilder::new().abandoned_loads(choice));
        cache.insert(2, 20);
        let stays = apart(&cache.to_sync(), move |cache| way.fetch_with(&cache, &1));
        runway.until_begun(0);
        let first = way.wait(async {
            select_biased! {
                value = cache.fetch_with(&1).fuse() => value,
                value = cache.fetch_with(&2).fuse() => value,
            }
        });
        assert_eq!(*first.expect("it is held"), 20);
        runway.open(0);
        assert_eq!(*stays.result().expect("the load brings it"), 0);
        assert_eq!((at_rest(&cache.to_sync()).loads_stored, runway.begun()), (1, 1));
    }
}

fn g4_join_and_unordered_fetches_of_one_key_cost_one_load(way: Way) {
    for choice in CHOICES {
        let (runway, alive) = (Runway::new(1), Alive::default());
        let cache = tracked(way, &runway, &alive, CacheBuilder::new().abandoned_loads(choice));
        let tasks = async {
            let mut unordered: FuturesUnordered<_> = (0..100).map(|_| cache.fetch_with(&1)).collect();
            assert!(unordered.next().now_or_never().is_none(), "the load is held");
            let open = async { runway.open(0) };
            let (joined, refreshed, ()) = futures::join!(cache.fetch_with(&1), cache.refresh(&1), open);
            assert_eq!((*joined.expect("the load brings it"), *refreshed.expect("the load brings it")), (0, 0));
            // Some are taken, and the others dropped with what holds them.
            for _ in 0..10 {
                let value = unordered.next().await.expect("there are a hundred");
                assert_eq!(*value.expect("the load brings it"), 0);
            }
        };
        way.wait(tasks);
        let metrics = at_rest(&cache.to_sync());
        assert_eq!((metrics.loads_stored, metrics.joined, runway.begun()), (1, 101, 1));
    }
}

fn g4_a_fetch_that_was_polled_once_and_never_again_holds_nobody_up(way: Way) {
    for choice in CHOICES {
        let (runway, alive) = (Runway::new(1), Alive::default());
        let cache = tracked(way, &runway, &alive, CacheBuilder::new().abandoned_loads(choice));
        let mut idle = way.within(|| cache.fetch_with(&1));
        assert!((&mut idle).now_or_never().is_none(), "the load is held");
        let mut idle_too = cache.fetch_with(&1);
        assert!((&mut idle_too).now_or_never().is_none());
        let thread = apart(&cache.to_sync(), move |cache| way.fetch_with(&cache, &1));
        crate::gate::until("the thread waits", || cache.metrics().waiters == 3);
        drop(idle_too);
        runway.open(0);
        assert_eq!(*thread.result().expect("the load brings it"), 0);
        // Nor does it where it is overtaken, and others load anew.
        cache.invalidate(&1);
        assert_eq!(*way.fetch_with(&cache.to_sync(), &1).expect("the load brings it"), 1);
        assert_eq!(*way.wait(idle).expect("its load brought it"), 0);
        at_rest(&cache.to_sync());
    }
}

/// Inside the closure of `get` no load can be cancelled: it goes on.
fn g6_a_fetch_that_is_dropped_inside_get_is_no_deadlock(way: Way) {
    let (runway, alive) = (Runway::new(1), Alive::default());
    let cache = tracked(way, &runway, &alive, CacheBuilder::new().shards(1).abandoned_loads(bellwether::AbandonedLoads::Cancel));
    cache.insert(2, 20);
    let mut fetch = way.within(|| cache.fetch_with(&1));
    assert!((&mut fetch).now_or_never().is_none(), "the load is held");
    runway.until_begun(0);
    assert_eq!(cache.get(&2, |value| (drop(fetch), *value).1), Some(20));
    runway.open(0);
    assert_eq!(*way.fetch_with(&cache.to_sync(), &1).expect("a load brings it"), 0);
    assert_eq!((at_rest(&cache.to_sync()).loads_stored, cancelled(&cache.to_sync())), (1, 0));
    // It is cancelled as ever where the fetch goes elsewhere.
    let other = cancelling(way, &Runway::new(1), &alive);
    drop(way.within(|| other.fetch_with(&1)));
    alive.until_none();
    at_rest(&other.to_sync());
}
