//! A restore overwrites nothing, and overtakes no load.

use super::world::{restored, saved};
use crate::faces::{Face, Kind};
use crate::gate::Gate;
use bellwether::{BlockingLoader, CacheBuilder, Loaded, MockClock};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn saved_from<F: Kind>(keys: std::ops::Range<u32>) -> Vec<u8> {
    let before = <F::Of<u32, u32>>::build(CacheBuilder::new());
    keys.for_each(|n| before.insert(n, n));
    saved(&before.sync())
}

fn what_is_held_stays<F: Kind>() {
    let clock = MockClock::new();
    let builder = CacheBuilder::new().clock(clock.clone()).time_to_live(SECOND * 10).stale_while_revalidate(SECOND * 10);
    let cache = <F::Of<u32, u32>>::build(builder);
    cache.insert(1, 100);
    clock.advance(SECOND * 10);
    cache.insert(2, 200);
    cache.insert_with(3, Loaded::value(300).time_to_live(Duration::ZERO).stale_while_revalidate(Duration::ZERO));
    let result = restored(&cache.sync(), &saved_from::<F>(0..4)).expect("it is as it was saved");
    assert_eq!((result.entries, result.known), (2, 2), "one is stale, one is fresh, and one is over");
    let held = |key| cache.fetch_stale(&key).map(|fetched| *fetched.value);
    assert_eq!((held(0), held(1), held(2), held(3)), (Some(0), Some(100), Some(200), Some(3)));
    cache.validate();
}

fn g13_what_is_known_to_be_absent_stays_so<F: Kind>() {
    let clock = MockClock::new();
    let builder = CacheBuilder::new().clock(clock.clone()).negative_ttl(SECOND);
    let cache = <F::Of<u32, u32>>::build(builder.loader_fn(|_: &u32| Loaded::ok(Loaded::absent())));
    assert!(cache.fetch_optional(&1).expect("it is an answer").is_none());
    let bytes = saved_from::<F>(1..2);
    assert_eq!(restored(&cache.sync(), &bytes).expect("it is as it was saved").known, 1);
    assert!(!cache.contains_key(&1));
    clock.advance(SECOND);
    assert_eq!(restored(&cache.sync(), &bytes).expect("it is as it was saved").entries, 1);
    cache.sync().wait_idle();
    cache.validate();
}

/// A load that waits at a gate.
struct Gated(Gate);

impl BlockingLoader<u32, u32> for Gated {
    type Error = std::io::Error;

    fn load(&self, key: &u32) -> Result<Loaded<u32>, Self::Error> {
        self.0.wait();
        Ok(Loaded::value(key + 1_000))
    }
}

fn g2_a_load_under_way_is_not_overtaken<F: Kind>() {
    let gate = Gate::new();
    let cache = <F::Of<u32, u32>>::build(CacheBuilder::new().blocking_loader(Gated(gate.clone())));
    let fetching = thread::spawn({
        let cache = cache.clone();
        move || cache.fetch_with(&1)
    });
    gate.until_arrived(1);
    let result = restored(&cache.sync(), &saved_from::<F>(0..3)).expect("it is as it was saved");
    assert_eq!((result.entries, result.known), (2, 1));
    assert!(!cache.contains_key(&1), "its load brings it");
    gate.open();
    assert_eq!(fetching.join().expect("it doesn't panic").as_deref().ok(), Some(&1_001));
    assert_eq!(cache.peek(&1).as_deref(), Some(&1_001), "what the load brought is stored");
    let metrics = cache.metrics();
    assert_eq!((metrics.loads_stored, metrics.loads_superseded), (1, 0));
    // It is answered a moment before it counts as landed.
    cache.sync().wait_idle();
    cache.validate();
}

/// A sink for what is read, which acts once all has been.
struct Acting<'a, A>(&'a [u8], Option<A>);

impl<A: FnOnce()> std::io::Read for Acting<'_, A> {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        let read = std::io::Read::read(&mut self.0, room)?;
        if self.0.is_empty() {
            self.1.take().into_iter().for_each(|act| act());
        }
        Ok(read)
    }
}

/// What was saved is older than any write since the restore began, though there is no trace of it in the cache.
fn g2_a_write_while_it_is_read_wins<F: Kind>() {
    let bytes = saved_from::<F>(0..100);
    let restored_while = |act: &dyn Fn(&F::Of<u32, u32>)| {
        let cache = <F::Of<u32, u32>>::build(CacheBuilder::new().shards(2));
        let reader = Acting(&bytes, Some(|| act(&cache)));
        let result = bellwether::Snapshot::new().load(&cache.sync(), reader).expect("it is as it was saved");
        assert_eq!(result.entries + result.known, 100);
        cache.validate();
        cache
    };
    let cache = restored_while(&|cache| {
        cache.insert(7, 700);
        cache.insert(8, 800);
        cache.invalidate(&8);
        cache.invalidate(&9);
        cache.expire(&10);
    });
    assert_eq!(cache.peek(&7).as_deref(), Some(&700));
    assert_eq!((8..=10).filter(|key| cache.contains_key(key)).count(), 0, "they were invalidated since");
    assert_eq!(cache.len(), 97);
    let cache = restored_while(&|cache| cache.clear());
    assert_eq!(cache.len(), 0, "all was cleared since");
    // And the next one knows nothing of that.
    assert_eq!(restored(&cache.sync(), &bytes).expect("it is as it was saved").entries, 100);
}

fn g2_tags_come_back_and_strikes_while_it_is_read_count<F: Kind>() {
    let before = <F::Of<u32, u32>>::build(CacheBuilder::new());
    (0..10).for_each(|n| before.insert_with(n, Loaded::value(n).tags([format!("mod {}", n % 3), "all".to_owned()])));
    before.insert(10, 10);
    let bytes = saved(&before.sync());
    let cache = <F::Of<u32, u32>>::build(CacheBuilder::new());
    let (sync, reader) = (cache.sync(), cache.sync());
    let reader = Acting(&bytes, Some(move || reader.invalidate_tag("mod 0")));
    let result = bellwether::Snapshot::new().load(&sync, reader).expect("it is as it was saved");
    assert_eq!((result.entries, result.known), (7, 4));
    let held = || (0..=10).filter(|key| cache.contains_key(key)).collect::<Vec<u32>>();
    assert_eq!(held(), [1, 2, 4, 5, 7, 8, 10], "the others were struck since");
    sync.invalidate_tag("mod 1");
    assert_eq!(held(), [2, 5, 8, 10]);
    sync.invalidate_tag("all");
    assert_eq!(held(), [10]);
    // A tag that was struck before says nothing of what is restored now; and tags go round twice.
    bellwether::Snapshot::new().load(&sync, &bytes[..]).expect("it is as it was saved");
    let twice = <F::Of<u32, u32>>::build(CacheBuilder::new());
    restored(&twice.sync(), &saved(&sync)).expect("it is as it was saved");
    assert_eq!(twice.len(), 11);
    twice.sync().invalidate_tag("all");
    assert_eq!((0..=10).filter(|key| twice.contains_key(key)).count(), 1);
}

fn a_struck_entry_is_not_saved<F: Kind>() {
    let before = <F::Of<u32, u32>>::build(CacheBuilder::new().no_janitor());
    (0..10).for_each(|n| before.insert_with(n, Loaded::value(n).tags(["all"])));
    before.insert(10, 10);
    before.sync().invalidate_tag("all");
    let after = <F::Of<u32, u32>>::build(CacheBuilder::new());
    assert_eq!(restored(&after.sync(), &saved(&before.sync())).expect("it is as it was saved").entries, 1);
}

/// Neither lookups nor loads nor removals.
fn g16_a_restore_counts_nothing<F: Kind>() {
    let cache = <F::Of<u32, u32>>::build(CacheBuilder::new().capacity(50));
    let before = cache.metrics();
    restored(&cache.sync(), &saved_from::<F>(0..100)).expect("it is as it was saved");
    let _bytes = saved(&cache.sync());
    let mut after = cache.metrics();
    assert_eq!((after.entries, after.weight), (50, 50));
    (after.entries, after.weight) = (before.entries, before.weight);
    assert_eq!(after, before);
}

crate::on_every_face_in_time!(
    what_is_held_stays,
    g13_what_is_known_to_be_absent_stays_so,
    g2_a_load_under_way_is_not_overtaken,
    g2_a_write_while_it_is_read_wins,
    g2_tags_come_back_and_strikes_while_it_is_read_count,
    a_struck_entry_is_not_saved,
    g16_a_restore_counts_nothing,
);
