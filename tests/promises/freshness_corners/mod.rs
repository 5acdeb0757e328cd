//! Corners of the time rules that were wrong once, each by the promise that it broke.

mod pressed;

use bellwether::{
    AbandonedLoads, BlockingLoader, Cache, CacheBuilder, Entry, ErrorBackoff, LoadErrorKind, Loaded, MockClock, Source, StaleReason,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}

fn absences(builder: CacheBuilder<u32, u32>) -> Cache<u32, u32> {
    let builder = builder.negative_ttl(seconds(1_000)).clock(MockClock::new());
    builder.loader_fn(|_: &u32| Loaded::ok(Loaded::absent())).build().expect("the settings make sense")
}

/// The seconds at which `keys` are loaded that are asked for once a second, by a loader that always fails.
fn tries(capacity: u64, shards: usize, keys: u32) -> Vec<usize> {
    let (clock, loads) = (MockClock::new(), Arc::new(AtomicU32::new(0)));
    let seen = Arc::clone(&loads);
    let cache = Cache::<u32, u32>::builder()
        .capacity(capacity)
        .shards(shards)
        .error_backoff(ErrorBackoff::new(SECOND).jitter(false))
        .clock(clock.clone())
        .loader_fn(move |_: &u32| {
            seen.fetch_add(1, Ordering::SeqCst);
            Err::<u32, _>("down")
        })
        .build()
        .expect("the settings make sense");
    let mut tried = Vec::new();
    for second in 0..20 {
        let before = loads.load(Ordering::SeqCst);
        (0..keys).for_each(|key| assert!(cache.fetch_with(&key).is_err()));
        tried.extend(std::iter::repeat_n(second, (loads.load(Ordering::SeqCst) - before) as usize));
        clock.advance(SECOND);
    }
    cache.validate();
    tried
}

#[test]
fn g12_the_wait_doubles_though_no_more_can_be_remembered() {
    assert_eq!(tries(8, 1, 1), [0, 1, 3, 7, 15]);
    let all: Vec<_> = [0, 1, 3, 7, 15].into_iter().flat_map(|second| [second; 10]).collect();
    assert_eq!(tries(80, 1, 10), all);
}

#[test]
fn g12_a_failure_of_the_weigher_is_remembered() {
    let loads = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&loads);
    let cache = Cache::<u32, u32>::builder()
        .error_backoff(ErrorBackoff::new(seconds(20)))
        .clock(MockClock::new())
        .weigher(|_: &u32, _: &u32| -> u64 { std::panic::resume_unwind(Box::new("the weigher fails")) })
        .loader_fn(move |&key: &u32| {
            seen.fetch_add(1, Ordering::SeqCst);
            bellwether::ok(key)
        })
        .build()
        .expect("the settings make sense");
    for _ in 0..3 {
        assert_eq!(cache.fetch_with(&1).map_err(|error| error.kind()), Err(LoadErrorKind::Panicked));
    }
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[test]
fn g13_the_failed_refresh_of_a_value_costs_no_answer() {
    let cache = Cache::<u32, u32>::builder()
        .capacity(16)
        .shards(1)
        .negative_ttl(seconds(1_000))
        .error_backoff(ErrorBackoff::default())
        .clock(MockClock::new())
        .loader_fn(|&key: &u32| if key < 10 { Loaded::ok(Loaded::absent()) } else { Err("down".into()) })
        .build()
        .expect("the settings make sense");
    cache.insert(10, 10);
    assert!(cache.fetch_with(&1).is_err() && cache.fetch_with(&2).is_err());
    assert!(cache.refresh(&10).is_err());
    assert_eq!((cache.metrics().negatives, cache.len()), (2, 1));
}

#[test]
fn g13_no_value_leaves_for_an_answer_that_finds_no_room_all_the_same() {
    let cache = absences(CacheBuilder::new().capacity(80_000).shards(1).negative_weight(1_000));
    (0..80_000).for_each(|key| cache.insert(key, key));
    (80_000..80_006).for_each(|key| assert!(cache.fetch_optional(&key).expect("the loader answers").is_none()));
    assert_eq!((cache.len(), cache.metrics().negatives), (80_000, 0));
    cache.validate();
}

#[test]
fn g13_no_value_leaves_while_there_are_answers_in_whatever_shard() {
    for shards in [1, 8] {
        let cache = absences(CacheBuilder::new().capacity(16_000).shards(shards));
        (100_000..102_000).for_each(|key| assert!(cache.fetch_optional(&key).expect("the loader answers").is_none()));
        let answers = cache.metrics().negatives;
        (0..u32::try_from(16_000 - answers).expect("it is small")).for_each(|key| cache.insert(key, key));
        assert_eq!((cache.weight(), cache.metrics().negatives), (16_000, answers));
        cache.insert_with(99_999, Loaded::value(1).weight(answers));
        assert_eq!((cache.len(), cache.metrics().negatives), (16_000 - answers + 1, 0), "{shards} shards");
        cache.validate();
    }
}

#[test]
fn g14_a_value_that_is_replaced_by_a_heavier_one_is_never_lost_on_the_way() {
    let builder = || Cache::<u32, u32>::builder().capacity(64).shards(8).weigher(|_, &value| u64::from(value));
    for round in 0..200 {
        let cache = builder().build().expect("the settings make sense");
        (0..64).for_each(|key| cache.insert(key + 1_000 * round, 1));
        let Entry::Occupied(mut entry) = cache.entry(5 + 1_000 * round) else { panic!("it is held") };
        let replaced = entry.replace(60);
        assert!(replaced.is_ok(), "nobody else has written");
        assert_eq!(cache.peek(entry.key()).as_deref(), Some(&60));
        assert!(cache.weight() <= 64);
        cache.validate();
    }
}

#[test]
fn g20_a_write_does_not_pay_for_the_whole_wheel() {
    let clock = MockClock::new();
    let builder = Cache::<u32, u32>::builder().capacity(20_000).shards(1).time_to_idle(seconds(10)).no_janitor().clock(clock.clone());
    let cache = builder.build().expect("the settings make sense");
    (0..20_000).for_each(|key| cache.insert(key, key));
    clock.advance(seconds(9));
    (0..20_000).for_each(|key| assert!(cache.fetch(&key).is_some()));
    clock.advance(seconds(9));
    // All timers have rung, and nothing is over: one victim goes, and the wheel is left to others.
    cache.insert(20_000, 1);
    assert_eq!((cache.len(), cache.metrics().removals(bellwether::RemovalCause::Evicted)), (20_000, 1));
    cache.run_maintenance();
    assert_eq!(cache.len(), 20_000);
    cache.validate();
}

#[test]
fn g17_close_keeps_its_limit_without_a_janitor() {
    let (begun, tell) = mpsc::channel();
    let (open, gate) = mpsc::channel::<()>();
    let parts = std::sync::Mutex::new((begun, gate));
    let builder = Cache::<u32, u32>::builder().no_janitor().loader_fn(move |&key: &u32| {
        let parts = parts.lock().expect("no holder panics");
        parts.0.send(()).expect("the test listens");
        let _ = parts.1.recv();
        bellwether::ok(key)
    });
    let cache = builder.build().expect("the settings make sense");
    std::thread::scope(|scope| {
        let load = scope.spawn(|| cache.fetch_with(&1).map(|value| *value).map_err(|error| error.kind()));
        tell.recv().expect("the load begins");
        let start = Instant::now();
        assert!(!cache.close_within(Duration::from_millis(50)), "it hasn't ended");
        assert!(start.elapsed() >= Duration::from_millis(50));
        drop(open);
        assert_eq!(load.join().expect("it doesn't panic"), Err(LoadErrorKind::Closed));
    });
}

/// Loads that go on only when they are told to.
struct Gated(std::sync::Mutex<mpsc::Receiver<()>>);

impl BlockingLoader<u32, u32> for Gated {
    type Error = std::convert::Infallible;

    fn load(&self, _: &u32) -> Result<Loaded<u32>, Self::Error> {
        let _ = self.0.lock().expect("no holder panics").recv();
        Ok(Loaded::value(2))
    }
}

#[test]
fn g04_who_settles_for_an_older_value_leaves_the_load_to_go_on() {
    let (open, gate) = mpsc::channel();
    let cache = Cache::<u32, u32>::builder()
        .abandoned_loads(AbandonedLoads::Cancel)
        .stale_if_error(seconds(600))
        .soft_timeout(Duration::from_millis(20))
        .blocking_loader(Gated(gate.into()))
        .build()
        .expect("the settings make sense");
    cache.insert(1, 1);
    assert!(cache.expire(&1));
    let fetched = cache.fetch_detailed(&1).expect("a value is at hand");
    assert!(matches!(fetched.source, Source::Stale { why: StaleReason::LoadSlow, .. }), "{:?}", fetched.source);
    open.send(()).expect("the load waits");
    cache.wait_idle();
    assert_eq!((cache.fetch(&1).as_deref(), cache.metrics().loads_stored), (Some(&2), 1));
}

/// Finds all unchanged, the second key with a time to live of its own.
struct Unchanged;

impl BlockingLoader<u32, u32> for Unchanged {
    type Error = std::convert::Infallible;

    fn load(&self, &key: &u32) -> Result<Loaded<u32>, Self::Error> {
        Ok(Loaded::value(key))
    }

    fn reload(&self, &key: &u32, _: Arc<u32>) -> Result<Loaded<u32>, Self::Error> {
        Ok(if key == 2 { Loaded::unchanged().time_to_live(seconds(5)) } else { Loaded::unchanged() })
    }
}

#[test]
fn g09_what_is_unchanged_keeps_the_settings_that_it_came_with() {
    for hook in [false, true] {
        let clock = MockClock::new();
        let mut builder = Cache::<u32, u32>::builder().time_to_live(seconds(10)).clock(clock.clone()).blocking_loader(Unchanged);
        if hook {
            builder = builder.expire_with(|_, _| None);
        }
        let cache = builder.build().expect("the settings make sense");
        for (key, left) in [(1, 100), (2, 5)] {
            cache.insert_with(key, Loaded::value(key).time_to_live(seconds(100)).stale_if_error(seconds(50)).weight(7));
            clock.advance(seconds(20));
            assert_eq!(*cache.refresh(&key).expect("the loader answers"), key);
            let info = cache.entry_info(&key).expect("it is held");
            let expected = (Duration::ZERO, Some(seconds(left)), Some(seconds(left + 50)), 7);
            assert_eq!((info.age, info.time_left, info.usable_for, info.weight), expected, "hook {hook}, key {key}");
        }
    }
}
