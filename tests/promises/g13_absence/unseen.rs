//! A remembered absence is no entry: nothing shows it but the answers to read-through calls, the weight and its gauge.

use crate::faces::{Face, Kind};
use crate::g13_absence::SECOND;
use crate::g13_absence::backend::Backend;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, Entry, MockClock, RemovalCause};

type Of<F> = <F as Kind>::Of<u32, u32>;

fn g13_nothing_shows_a_remembered_absence<F: Kind>() {
    for style in BOTH {
        let (clock, backend) = (MockClock::new(), Backend::new());
        backend.add(1);
        let builder = CacheBuilder::new().negative_ttl(SECOND).stale_if_error(SECOND).clock(clock.clone());
        let cache: Of<F> = F::Of::build(backend.behind(builder, style));
        assert!(cache.fetch_with(&1).is_ok());
        (10..20).for_each(|key| assert!(cache.fetch_with(&key).is_err()));
        for key in 10..20 {
            assert!(cache.get(&key, |_| ()).is_none() && cache.fetch(&key).is_none() && cache.peek(&key).is_none());
            assert!(!cache.contains_key(&key) && cache.entry_info(&key).is_none() && cache.fetch_stale(&key).is_none());
            let (threads, tasks) = (cache.sync(), cache.sync().to_async());
            assert!(matches!(threads.entry(key), Entry::Vacant(_)));
            assert!(matches!(threads.try_entry(key), Some(Entry::Vacant(_))));
            assert!(matches!(futures::executor::block_on(tasks.entry(key)), Entry::Vacant(_)));
        }
        assert_eq!(cache.entries().into_iter().map(|(key, _)| key).collect::<Vec<_>>(), [1]);
        let metrics = at_rest(&cache.sync());
        assert_eq!(
            (cache.len(), metrics.entries, metrics.negatives, cache.weight(), metrics.negative_hits),
            (1, 1, 10, 11, 0),
            "{style:?}"
        );
        // It leaves without an event.
        clock.advance(SECOND);
        (10..20).for_each(|key| assert!(cache.fetch_with(&key).is_err()));
        cache.clear();
        let metrics = at_rest(&cache.sync());
        let events: u64 = [
            RemovalCause::Evicted,
            RemovalCause::Expired,
            RemovalCause::Replaced,
            RemovalCause::Invalidated,
            RemovalCause::Rejected,
            RemovalCause::Superseded,
            RemovalCause::Absent,
        ]
        .into_iter()
        .map(|cause| metrics.removals(cause))
        .sum();
        assert_eq!((events, metrics.removals(RemovalCause::Cleared)), (0, 1), "{style:?}");
    }
}

on_every_face_in_time!(g13_nothing_shows_a_remembered_absence);
