//! A cache with much to reclaim doesn't keep those waiting that are due soon after it.

use crate::faces::{Face, Kind};
use crate::g20_bills::{SECOND, expired};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, MockClock};
use std::sync::{Arc, OnceLock};

/// The large cache, and how much was left in it when the first value of the small one went.
#[derive(Default)]
struct Noted {
    large: OnceLock<Cache<u32, u32>>,
    left: OnceLock<u64>,
}

/// Takes that down when it goes.
struct Note(Arc<Noted>);

impl Drop for Note {
    fn drop(&mut self) {
        let len = self.0.large.get().expect("set before any value goes").len();
        // The first one counts.
        let _ = self.0.left.set(len);
    }
}

fn g20_a_cache_with_much_to_reclaim_gives_others_their_turn<F: Kind>() {
    const ENTRIES: u32 = 100_000;
    let clock = MockClock::new();
    let large: F::Of<u32, u32> = F::Of::build(CacheBuilder::new().clock(clock.clone()));
    let small: F::Of<u32, Note> = F::Of::build(CacheBuilder::new().clock(clock.clone()));
    (0..ENTRIES).for_each(|key| large.insert_with_ttl(key, key, SECOND));
    let noted = Arc::<Noted>::default();
    let _ = noted.large.set(large.sync());
    small.insert_with_ttl(1, Note(Arc::clone(&noted)), SECOND + SECOND / 100);
    clock.advance(2 * SECOND);
    assert_eq!((large.len(), small.len()), (0, 0));
    let left = *noted.left.get().expect("its value has gone");
    assert!(left > 0, "the small cache waited until all of the large one was done");
    assert!(left < u64::from(ENTRIES), "the large one came first");
    assert_eq!(expired(&at_rest(&large.sync())), u64::from(ENTRIES));
}

on_every_face_in_time!(g20_a_cache_with_much_to_reclaim_gives_others_their_turn);
