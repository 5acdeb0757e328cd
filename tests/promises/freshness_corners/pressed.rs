//! Refreshes that are pressed: by a key that can't be compared, for the only permit, for room, and on the only thread.

use super::{SECOND, seconds};
use bellwether::{Cache, LoadErrorKind, MockClock};
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

/// A key whose next comparison panics once its fuse is lit.
#[derive(Clone)]
struct Touchy {
    number: u32,
    fuse: Arc<AtomicBool>,
}

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        if self.fuse.swap(false, Ordering::SeqCst) {
            std::panic::resume_unwind(Box::new("the comparison fails"));
        }
        self.number == other.number
    }
}

impl Eq for Touchy {}

#[test]
fn g5_a_refresh_whose_key_fails_to_compare_fails_and_the_next_one_lands() {
    let (clock, loads) = (MockClock::new(), AtomicU32::new(0));
    let load = move |key: &Touchy| {
        let before = loads.fetch_add(1, Ordering::SeqCst);
        key.fuse.store(before == 0, Ordering::SeqCst);
        bellwether::ok(before + 1)
    };
    let builder = Cache::builder().time_to_live(SECOND).stale_while_revalidate(seconds(100)).clock(clock.clone());
    let cache = builder.loader_fn(load).build().expect("the settings make sense");
    let key = Touchy { number: 1, fuse: Arc::default() };
    cache.insert(key.clone(), 0);
    clock.advance(seconds(2));
    // The load has lit it, and the landing compares.
    assert_eq!(cache.refresh(&key).map_err(|error| error.kind()), Err(LoadErrorKind::Panicked));
    assert!(!key.fuse.load(Ordering::SeqCst));
    cache.wait_idle();
    assert_eq!(cache.refresh(&key).ok().as_deref(), Some(&2));
    cache.wait_idle();
    cache.validate();
}

#[test]
fn g7_a_hook_that_loads_finds_the_only_permit_free() {
    let (own, (tell, told)) = (Arc::new(OnceLock::<Cache<u32, u32>>::new()), mpsc::channel());
    let (clock, there) = (MockClock::new(), Arc::clone(&own));
    let builder = Cache::builder().max_concurrent_loads(1).time_to_live(SECOND).stale_while_revalidate(seconds(100)).clock(clock.clone());
    let builder = builder.on_refresh_failure(move |&key: &u32, _| {
        let another = there.get().map(|cache| cache.fetch_with(&(key + 1)).ok().as_deref().copied());
        tell.send(another.flatten()).expect("somebody listens");
    });
    let cache = builder.loader_fn(|&key: &u32| if key == 1 { Err("down") } else { Ok(key) }).build().expect("the settings make sense");
    assert!(own.set(cache.clone()).is_ok());
    cache.insert(1, 0);
    clock.advance(seconds(2));
    assert_eq!(cache.fetch_with(&1).ok().as_deref(), Some(&0), "it is served stale");
    assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok(Some(2)));
}

#[test]
fn g14_a_refresh_that_needs_room_from_everywhere_lands_whole() {
    for round in 0..50 {
        let builder = Cache::<u32, u32>::builder().capacity(64).shards(8).weigher(|_, &value| u64::from(value));
        let cache = builder.loader_fn(|_: &u32| bellwether::ok(60)).build().expect("the settings make sense");
        (0..64).for_each(|key| cache.insert(key + 1_000 * round, 1));
        let key = 5 + 1_000 * round;
        assert_eq!(cache.refresh(&key).ok().as_deref(), Some(&60));
        assert_eq!((cache.peek(&key).as_deref(), cache.weight() <= 64), (Some(&60), true));
        cache.wait_idle();
        cache.validate();
    }
}

/// The value at hand, or the one that the backend brings: not a panic for want of a second thread.
#[test]
fn g12_in_the_error_window_the_only_thread_of_a_runtime_is_answered() {
    for (is_up, expected) in [(true, 1), (false, 7)] {
        let clock = MockClock::new();
        let builder = Cache::builder().time_to_live(SECOND).stale_if_error(seconds(100)).clock(clock.clone());
        let cache =
            builder.loader_fn(move |&key: &u32| if is_up { Ok(key) } else { Err("down") }).build().expect("the settings make sense");
        cache.insert(1, 7);
        clock.advance(seconds(2));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
        assert_eq!(runtime.block_on(async { cache.fetch_with(&1) }).ok().as_deref(), Some(&expected));
    }
}
