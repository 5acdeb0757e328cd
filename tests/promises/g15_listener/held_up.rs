//! A listener that is held up: what waits for it still ends by its time, leaves threads to others, and takes bounded room.

use crate::apart::{Apart, apart};
use crate::gate::{Gate, until};
use crate::watchdog;
use bellwether::{
    BoxError, Cache, CacheBuilder, EvictionPolicy, LoadErrorKind, Loaded, MockClock, RemovalCause, RemovalListener, removal_channel,
};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;

/// As many events as may wait in a shard.
const MOST: u64 = 1_024;
const SOON: Duration = Duration::from_millis(300);

/// One shard, whose listener waits at a gate.
fn held_up() -> (CacheBuilder<u32, u32>, Gate) {
    let gate = Gate::new();
    let own = gate.clone();
    (CacheBuilder::new().shards(1).on_removal(move |_, _, _| own.wait()), gate)
}

/// Has the listener called, and as many events wait as may.
fn fill(cache: &Cache<u32, u32>, gate: &Gate) -> Apart<()> {
    cache.insert(0, 0);
    let teller = apart(cache, |cache| cache.insert(0, 0));
    gate.until_arrived(1);
    (0..MOST).for_each(|_| cache.insert(0, 0));
    assert_eq!(cache.metrics().unreported, MOST + 1);
    teller
}

#[test]
fn g5_a_load_that_lands_where_as_many_wait_as_may_ends_by_its_time_out() {
    watchdog::in_time(|| {
        let (builder, gate) = held_up();
        let cache = builder.load_timeout(SOON).loader_fn(|key: &u32| Ok::<_, BoxError>(*key)).build().expect("the settings make sense");
        let teller = fill(&cache, &gate);
        let leader = apart(&cache, |cache| cache.fetch_with(&7).map(|value| *value));
        until("the load is under way", || cache.metrics().loads_started == 1);
        let waited = apart(&cache, |cache| cache.fetch_with(&7).map(|value| *value)).result();
        assert!(waited.is_err_and(|error| error.kind() == LoadErrorKind::TimedOut), "before the gate is open");
        gate.open();
        teller.result();
        assert!(leader.result().is_err_and(|error| error.kind() == LoadErrorKind::TimedOut));
    });
}

#[test]
fn g15_a_listener_that_waits_for_a_load_goes_on_by_its_time_out() {
    watchdog::in_time(|| {
        let (gate, clock, here) = (Gate::new(), MockClock::new(), Arc::new(OnceLock::<Cache<u32, u32>>::new()));
        let (own, me) = (gate.clone(), Arc::clone(&here));
        let (send, heard) = mpsc::channel();
        let send = Mutex::new(Some(send));
        let builder = Cache::<u32, u32>::builder().shards(1).clock(clock.clone()).load_timeout(SOON);
        let listened = builder.loader_fn(|key: &u32| Ok::<_, BoxError>(*key)).on_removal(move |_, _, _| {
            own.wait();
            if let Some(send) = send.lock().expect("nobody panics").take() {
                let fetched = me.get().expect("it is there").fetch_with(&7).map(|value| *value);
                send.send(fetched).expect("the test listens");
            }
        });
        let cache = listened.build().expect("the settings make sense");
        assert!(here.set(cache.clone()).is_ok());
        let teller = fill(&cache, &gate);
        let leader = apart(&cache, |cache| drop(cache.fetch_with(&7)));
        until("the load is under way", || cache.metrics().loads_started == 1);
        gate.open();
        // The one who loads waits for room, and so for the listener, which waits for the load.
        until("the listener waits", || cache.metrics().waiters == 2);
        clock.advance(SOON);
        assert!(heard.recv().expect("the listener goes on").is_err_and(|error| error.kind() == LoadErrorKind::TimedOut));
        teller.result();
        leader.result();
    });
}

#[test]
fn g15_landings_that_wait_for_a_listener_leave_threads_to_other_caches() {
    watchdog::in_time(|| {
        let (builder, gate) = held_up();
        let cache = builder.async_loader_fn(|key: u32| async move { Ok::<_, BoxError>(key) }).build().expect("the settings make sense");
        let teller = fill(&cache, &gate);
        // More than the pool has threads that are busy.
        let loads = 8 + 8 * u32::try_from(thread::available_parallelism().map_or(8, usize::from).max(8)).expect("it is small");
        let callers: Vec<_> = (1..=loads).map(|key| apart(&cache, move |cache| drop(cache.fetch_with(&key)))).collect();
        until("all loads are under way", || cache.metrics().loads_started == u64::from(loads));
        let other = Cache::<u32, u32>::builder().async_loader_fn(|key: u32| async move { Ok::<_, BoxError>(key) });
        let other = other.build().expect("the settings make sense");
        assert_eq!(apart(&other, |other| other.fetch_with(&1).map(|value| *value).ok()).result(), Some(1));
        gate.open();
        callers.into_iter().chain([teller]).for_each(Apart::result);
    });
}

#[test]
fn g15_clears_do_not_pile_up_what_they_have_cleared() {
    watchdog::in_time(|| {
        const HELD: u64 = 1_000;
        let (builder, gate) = held_up();
        let cache = builder.capacity(HELD).build().expect("the settings make sense");
        let clearing = |_| {
            apart(&cache, |cache| {
                for _ in 0..50 {
                    (0..1_000).for_each(|key| cache.insert(key, key));
                    cache.clear();
                }
            })
        };
        let writers: Vec<_> = (0..2).map(clearing).collect();
        let mut before = u64::MAX;
        while cache.metrics().unreported != before {
            before = cache.metrics().unreported;
            thread::sleep(Duration::from_millis(100));
        }
        // Two bundles at most, one of which is being told, and single ones.
        assert!(before <= 3 * HELD + MOST, "{before} wait, of a cache that holds {HELD}");
        gate.open();
        writers.into_iter().for_each(Apart::result);
        cache.run_maintenance();
        assert_eq!(cache.metrics().unreported, 0);
    });
}

#[test]
fn g20_a_write_that_delivers_returns_though_others_go_on() {
    watchdog::in_time(|| {
        let (told, first) = (Arc::new(AtomicU64::new(0)), Arc::new(OnceLock::new()));
        let (ask, asked) = mpsc::sync_channel::<()>(0);
        let (did, done) = mpsc::sync_channel::<()>(0);
        let (mine, teller, done) = (Arc::clone(&told), Arc::clone(&first), Mutex::new(done));
        let builder = Cache::<u32, u32>::builder().shards(1).on_removal(move |_, _, _| {
            // Only while the first teller tells do others write, one value each time.
            let is_first = teller.get_or_init(|| thread::current().id()) == &thread::current().id();
            if is_first && mine.fetch_add(1, Ordering::SeqCst) < 20_000 && ask.send(()).is_ok() {
                done.lock().expect("nobody panics").recv().expect("the other writes");
            }
        });
        let cache = builder.build().expect("the settings make sense");
        cache.insert(0, 0);
        let other = apart(&cache, move |cache| {
            while asked.recv().is_ok() {
                cache.insert(0, 1);
                did.send(()).expect("the listener waits");
            }
        });
        cache.insert(0, 2);
        let told = told.load(Ordering::SeqCst);
        assert!(told <= MOST, "one insert told of {told} values, all but one of others");
        until("the others are told all the same", || cache.metrics().unreported == 0);
        drop(cache);
        drop(other);
    });
}

/// The drop of a load on its way waits for nobody: the runtime that ends holds what the listener waits for.
#[test]
fn g17_a_runtime_that_ends_does_not_wait_for_a_listener() {
    watchdog::in_time(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("there are threads");
        let (sender, receiver) = removal_channel(1);
        let load = |_: u32| std::future::pending::<Result<u32, BoxError>>();
        let calls = Arc::new(AtomicU64::new(0));
        let called = Arc::clone(&calls);
        let builder = Cache::<u32, u32>::builder().shards(1).on_removal(move |key, value, cause| {
            called.fetch_add(1, Ordering::SeqCst);
            sender.on_removal(key, value, cause);
        });
        let cache = builder.async_loader_fn(load).build().expect("the settings make sense");
        let tasks = cache.to_async();
        runtime.spawn(async move { drop(tasks.fetch_with(&7).await) });
        until("the load is under way", || cache.metrics().loads_started == 1);
        let (ready, is_ready) = mpsc::channel();
        runtime.spawn(async move {
            let _receiver = receiver;
            ready.send(()).expect("the test waits");
            std::future::pending::<()>().await;
        });
        is_ready.recv().expect("the task begins");
        // The second fills the channel.
        (0..2).for_each(|value| cache.insert(0, value));
        let teller = apart(&cache, |cache| cache.insert(0, 2));
        until("the listener waits", || calls.load(Ordering::SeqCst) == 2);
        (0..MOST).for_each(|_| cache.insert(0, 3));
        drop(runtime);
        teller.result();
    });
}

/// A value that is found unchanged hasn't left, though its own entry made room for what it weighs now.
#[test]
fn g15_of_a_value_that_stays_nothing_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&told);
    let builder = CacheBuilder::new().shards(1).capacity(10).eviction(EvictionPolicy::Lru);
    let builder = builder.weigher(|&key, _| if key == 1 { 2 } else { 1 }).async_loader_fn(|key: u32| async move { Ok::<_, BoxError>(key) });
    let builder = builder.async_reload_fn(|_: u32, _| async { Ok::<_, BoxError>(Loaded::<u32>::unchanged().weight(9)) });
    let cache: Cache<u32, u32> = builder
        .on_removal(move |&key, _, cause| ear.lock().expect("nobody panics").push((key, cause)))
        .build()
        .expect("the settings make sense");
    cache.insert(1, 1);
    (2..10).for_each(|key| cache.insert(key, key));
    // All others are used later than the one that grows.
    (2..10).for_each(|key| drop(cache.fetch(&key)));
    drop(cache.refresh(&1));
    until("it is refreshed", || cache.weight() == 10 && cache.metrics().loads_unchanged == 1);
    cache.run_maintenance();
    let mut told = told.lock().expect("nobody panics").clone();
    told.sort_unstable_by_key(|event| event.0);
    assert_eq!(told, (2..9).map(|key| (key, RemovalCause::Evicted)).collect::<Vec<_>>());
    assert!(cache.contains_key(&1));
}

/// Wakes nobody; how often it is kept is counted.
struct Kept;

impl Wake for Kept {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn g15_a_settle_that_is_polled_often_is_kept_once() {
    watchdog::in_time(|| {
        let (builder, gate) = held_up();
        let cache = builder.build().expect("the settings make sense");
        cache.insert(0, 0);
        let teller = apart(&cache, |cache| cache.insert(0, 1));
        gate.until_arrived(1);
        let (tasks, kept) = (cache.to_async(), Arc::new(Kept));
        let waker = Waker::from(Arc::clone(&kept));
        let mut settle = Box::pin(tasks.settle());
        for _ in 0..1_000 {
            assert!(settle.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        assert!(Arc::strong_count(&kept) <= 3, "{} are kept", Arc::strong_count(&kept) - 2);
        gate.open();
        teller.result();
    });
}
