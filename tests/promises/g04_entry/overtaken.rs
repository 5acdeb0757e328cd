//! A write overtakes a vacant entry: what it brings goes to those who waited before, and isn't stored.

use crate::apart::apart;
use crate::g04_entry::{until_waiting, vacant};
use crate::in_every_way;
use crate::rest::at_rest;
use crate::runway::{Runway, Style};
use crate::ways::{WAYS, Way};
use bellwether::{Cache, CacheBuilder};

in_every_way!(
    g2_what_an_overtaken_entry_brings_goes_to_those_who_waited_before_the_write_and_is_not_stored,
    g2_who_waited_for_an_overtaken_entry_that_is_given_up_looks_again,
);

type Write = fn(&Cache<u32, usize>);

/// What overtakes an entry of key 1, and what it leaves behind.
const WRITES: [(&str, Write, Option<usize>); 4] = [
    ("insert", |cache| cache.insert(1, 50), Some(50)),
    ("invalidate", |cache| assert!(!cache.invalidate(&1)), None),
    ("remove", |cache| drop(cache.remove(&1)), None),
    ("clear", Cache::clear, None),
];

fn g2_what_an_overtaken_entry_brings_goes_to_those_who_waited_before_the_write_and_is_not_stored(way: Way) {
    for (name, write, left) in WRITES {
        let runway = Runway::new(0);
        let cache = way.build(runway.numbers(CacheBuilder::new(), Style::Async));
        let lead = vacant(way.entry(&cache, 1));
        let of_a_way = |way: Way| {
            [
                apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 9)),
                apart(&cache, move |cache| way.fetch_with(&cache, &1).expect("the entry brings it")),
                apart(&cache, move |cache| way.fetch_or_load(&cache, &1, || Ok(9)).expect("the entry brings it")),
            ]
        };
        let earlier: Vec<_> = WAYS.into_iter().flat_map(of_a_way).collect();
        until_waiting(&cache, 9);
        write(&cache);
        // Who comes after the write doesn't wait for the entry.
        let next = cache.try_entry(1).expect("nobody is about to bring what holds after the write");
        assert_eq!(*lead.insert(10), 10);
        assert!(earlier.into_iter().all(|waiting| *waiting.result() == 10), "{name}");
        assert_eq!(cache.fetch(&1).as_deref().copied(), left, "{name}: it isn't stored");
        assert_eq!(*way.make(next, || 20), left.unwrap_or(20), "{name}");
        assert_eq!(cache.fetch(&1).as_deref().copied(), Some(left.unwrap_or(20)), "{name}");
        assert_eq!((at_rest(&cache).loads_started, runway.begun()), (0, 0), "{name}");
    }
}

fn g2_who_waited_for_an_overtaken_entry_that_is_given_up_looks_again(way: Way) {
    for (name, write, left) in WRITES {
        let runway = Runway::new(0);
        let cache = way.build(runway.numbers(CacheBuilder::new(), Style::Async));
        let lead = vacant(way.entry(&cache, 1));
        let fetch = apart(&cache, move |cache| way.fetch_with(&cache, &1).expect("it is held or loaded"));
        let entry = apart(&cache, move |cache| way.make(way.entry(&cache, 1), || 20));
        until_waiting(&cache, 2);
        write(&cache);
        drop(lead);
        let (fetched, entered) = (*fetch.result(), *entry.result());
        assert_eq!(fetched, entered, "{name}: one value for both");
        match left {
            Some(left) => assert_eq!((fetched, runway.begun()), (left, 0), "{name}"),
            None => assert!(fetched == 20 || (fetched, runway.begun()) == (0, 1), "{name}: {fetched}"),
        }
        at_rest(&cache);
    }
}
