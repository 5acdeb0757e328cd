//! Saving while others write: an entry that stays is saved once, and what is saved is what was held.

use super::world::{restored, saved};
use crate::faces::{Face, Kind};
use crate::watchdog::in_time;
use bellwether::{Cache, CacheBuilder, EvictionPolicy, Snapshot};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const STAYING: u32 = 5_000;
const MOVING: u32 = 20_000;

fn entries_that_stay_are_saved_once_while_others_come_and_go<F: Kind>() {
    let cache = <F::Of<u32, u64>>::build(CacheBuilder::new().shards(4).eviction(EvictionPolicy::Lru));
    (0..STAYING).for_each(|n| cache.insert(n, 0));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..2_u32 {
            let (cache, over) = (cache.clone(), &over);
            scope.spawn(move || {
                for turn in (0_u32..).take_while(|_| !over.load(Ordering::SeqCst)) {
                    let key = STAYING + (turn.wrapping_mul(2_654_435_761) ^ writer) % MOVING;
                    if turn % 3 == 0 {
                        drop(cache.remove(&key))
                    } else {
                        cache.insert(key, u64::from(key))
                    }
                    // Those that stay are read, and written anew.
                    drop(cache.fetch(&(turn % STAYING)));
                    cache.insert(turn * 7 % STAYING, 1);
                }
            });
        }
        for _ in 0..20 {
            let after = <F::Of<u32, u64>>::build(CacheBuilder::new());
            let result = restored(&after.sync(), &saved(&cache.sync())).expect("it is as it was saved");
            // One that went and came again is another entry, and may be saved as both.
            let stayed = (0..STAYING).filter(|key| after.contains_key(key)).count();
            assert_eq!(stayed, STAYING as usize, "all that stayed are there");
            for (key, value) in after.entries() {
                assert!(if key < STAYING { *value < 2 } else { *value == u64::from(key) }, "{key} never was {value}");
            }
            assert!(result.known <= u64::from(MOVING), "{result:?}");
        }
        over.store(true, Ordering::SeqCst);
    });
    cache.validate();
}

crate::on_every_face_in_time!(entries_that_stay_are_saved_once_while_others_come_and_go);

/// Each write of the sink calls the cache: it would hang if a lock were held.
#[test]
fn g6_no_lock_is_held_while_it_writes() {
    struct Calling<'a>(&'a Cache<u32, String>, u32);
    impl Write for Calling<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            for _ in 0..100 {
                self.1 += 1;
                self.0.insert(self.1 % 20_000, "another".to_owned());
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            self.0.run_maintenance();
            Ok(())
        }
    }
    in_time(|| {
        let cache = Cache::builder().shards(1).build().expect("the settings make sense");
        (0..20_000).for_each(|n| cache.insert(n, "x".repeat(100)));
        let mut calling = Calling(&cache, 0);
        let saved = Snapshot::new().save(&cache, &mut calling).expect("it can be saved");
        assert_eq!(saved.entries, 20_000);
        assert!(calling.1 >= 2_000, "it writes in pieces: {}", calling.1 / 100);
    });
}

/// Two restores and a writer at a time: no key is lost, and the writer's last word counts.
#[test]
fn restores_and_writers_at_a_time_agree() {
    in_time(|| {
        let before = Cache::<u32, u32>::builder().build().expect("the settings make sense");
        (0..2_000).for_each(|n| before.insert(n, n));
        let bytes = saved(&before);
        for round in 0..20 {
            let cache = Cache::<u32, u32>::builder().shards(4).build().expect("the settings make sense");
            thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| restored(&cache, &bytes).expect("it is as it was saved"));
                }
                scope.spawn(|| (0..2_000).filter(|n| n % 5 == round % 5).for_each(|n| cache.insert(n, n + 10_000)));
            });
            let held: BTreeMap<u32, u32> = cache.iter().map(|(key, value)| (key, *value)).collect();
            let wanted = |n: u32| if n % 5 == round % 5 { n + 10_000 } else { n };
            assert_eq!(held, (0..2_000).map(|n| (n, wanted(n))).collect());
            cache.validate();
        }
    });
}
