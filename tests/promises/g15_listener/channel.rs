//! The removal channel: what leaves is received once, in order, and a receiver that is slow, or gone, or late does what is promised.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::together::together;
use bellwether::{CacheBuilder, MockClock, Removal, RemovalCause, RemovalListener, removal_channel};
use futures::executor::block_on;
use futures::{FutureExt, StreamExt};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

const LIFE: Duration = Duration::from_secs(10);

fn shown<V: Copy>(removal: Option<Removal<u32, V>>) -> Option<(u32, V, RemovalCause)> {
    removal.map(|removal| (removal.key, *removal.value, removal.cause))
}

fn g15_a_channel_gives_what_left_in_order_and_then_ends<F: Kind>() {
    let (sender, mut receiver) = removal_channel(100);
    let clock = MockClock::new();
    let cache: Of<F> = F::Of::build(CacheBuilder::new().clock(clock.clone()).capacity(10).shards(1).listener(sender));
    assert!(receiver.try_recv().is_none() && receiver.recv().now_or_never().is_none(), "nothing has left");
    cache.insert(1, 10);
    let value = cache.peek(&1).expect("it was inserted");
    cache.insert(1, 11);
    cache.insert_with_ttl(1, 12, LIFE);
    clock.advance(LIFE);
    cache.insert(2, 20);
    cache.clear();
    cache.insert(3, 30);
    let first = receiver.try_recv().expect("it has left");
    assert!((first.key, first.cause) == (1, RemovalCause::Replaced) && Arc::ptr_eq(&first.value, &value), "{first:?}");
    assert_eq!(shown(block_on(receiver.next())), Some((1, 11, RemovalCause::Replaced)));
    assert_eq!(shown(block_on(receiver.recv())), Some((1, 12, RemovalCause::Expired)));
    cache.invalidate(&3);
    drop(cache);
    let rest: Vec<_> = block_on(receiver.by_ref().map(|removal| shown(Some(removal))).collect());
    assert_eq!(rest, [Some((2, 20, RemovalCause::Cleared)), Some((3, 30, RemovalCause::Invalidated))]);
    assert!(receiver.try_recv().is_none() && block_on(receiver.recv()).is_none(), "it stays over");
}

/// A waker that counts.
#[derive(Default)]
struct Bell(AtomicU32);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn g15_a_receiver_is_woken_by_its_latest_waker_and_only_by_what_it_waits_for<F: Kind>() {
    let (sender, mut receiver) = removal_channel(100);
    let cache: Of<F> = F::Of::build(CacheBuilder::new().listener(sender));
    let bells: [Arc<Bell>; 2] = Default::default();
    let rung = |bell: usize| bells[bell].0.load(Ordering::SeqCst);
    for bell in &bells {
        let waker = Waker::from(Arc::clone(bell));
        // A wait that is given up loses nothing.
        assert!(receiver.recv().poll_once(&waker).is_none());
    }
    assert_eq!(Arc::strong_count(&bells[0]), 1, "it was replaced, and let go of");
    for key in 0..3 {
        cache.insert(key, 0);
        cache.invalidate(&key);
    }
    assert_eq!((rung(0), rung(1)), (0, 1), "once for all that came since it last looked");
    (0..3).for_each(|key| assert_eq!(receiver.try_recv().map(|removal| removal.key), Some(key)));
    let waker = Waker::from(Arc::clone(&bells[0]));
    assert!(receiver.recv().poll_once(&waker).is_none());
    drop(cache);
    until("the end wakes it, too", || rung(0) == 1);
    assert!(receiver.recv().poll_once(&waker).is_some_and(|end| end.is_none()));
}

trait PollOnce: Future + Sized {
    fn poll_once(self, waker: &Waker) -> Option<Self::Output> {
        let mut future = std::pin::pin!(self);
        match future.as_mut().poll(&mut Context::from_waker(waker)) {
            std::task::Poll::Ready(done) => Some(done),
            std::task::Poll::Pending => None,
        }
    }
}

impl<F: Future> PollOnce for F {}

/// The writer of a full channel stops; so do others of the same cache, but nobody who reads.
fn g15_a_full_channel_holds_its_sender_back<F: Kind>() {
    const MOST: usize = 5;
    let (sender, mut receiver) = removal_channel(MOST);
    let cache: Of<F> = F::Of::build(CacheBuilder::new().shards(1).listener(sender));
    let left = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&left);
    let writer = apart(&cache.sync(), move |cache| {
        for value in 0..1_000 {
            cache.insert(1, value);
            count.store(value, Ordering::SeqCst);
        }
    });
    until("it has stopped", || cache.metrics().removals(RemovalCause::Replaced) == 6);
    // One is in its hands.
    assert_eq!((left.load(Ordering::SeqCst), cache.metrics().unreported), (5, 1));
    assert!(!writer.is_over() && cache.peek(&1).is_some() && cache.get(&1, |value| *value) == Some(6));
    for value in 0..999 {
        let removal = block_on(receiver.recv());
        assert_eq!(shown(removal), Some((1, value, RemovalCause::Replaced)));
        assert!(left.load(Ordering::SeqCst) <= value + 7, "it stays ahead by what may wait");
    }
    writer.result();
    assert!(receiver.try_recv().is_none());
    assert_eq!(at_rest(&cache.sync()).unreported, 0);
}

fn g15_many_senders_of_a_full_channel_lose_nothing<F: Kind>() {
    const WRITERS: u32 = 8;
    const ROUNDS: u32 = 2_000;
    for capacity in [0, 1, 3, 64, usize::MAX] {
        let (sender, mut receiver) = removal_channel(capacity);
        let caches: [Of<F>; 2] = [sender.clone(), sender].map(|sender| F::Of::build(CacheBuilder::new().shards(8).listener(sender)));
        let syncs = [caches[0].sync(), caches[1].sync()];
        drop(caches);
        let received = std::thread::spawn(move || {
            let mut last: HashMap<u32, u32> = HashMap::new();
            let mut received = 0;
            while let Some(removal) = block_on(receiver.recv()) {
                assert_eq!(removal.cause, RemovalCause::Replaced);
                let before = last.insert(removal.key, *removal.value);
                assert!(before.is_none_or(|before| before < *removal.value), "in order per key");
                received += 1;
            }
            received
        });
        let syncs = std::sync::Mutex::new(Some(syncs));
        together(WRITERS as usize, |n| {
            let syncs = syncs.lock().expect("nobody panics").as_ref().expect("they are there").clone();
            let n = u32::try_from(n).expect("few");
            // Each key is one writer's, of one of the two caches.
            (0..ROUNDS).for_each(|round| syncs[(n % 2) as usize].insert(n * 4 + round % 4, round));
        });
        drop(syncs.lock().expect("nobody panics").take());
        assert_eq!(received.join().expect("no assertion failed"), WRITERS * (ROUNDS - 4), "capacity {capacity}");
    }
}

fn g15_when_the_receiver_goes_nobody_waits_and_nothing_is_kept<F: Kind>() {
    let (sender, receiver) = removal_channel(1);
    let cache: F::Of<u32, Arc<()>> = F::Of::build(CacheBuilder::new().shards(1).listener(sender));
    let token = Arc::new(());
    let own = Arc::clone(&token);
    let writer = apart(&cache.sync(), move |cache| (0..100).for_each(|_| cache.insert(1, Arc::clone(&own))));
    until("it has stopped", || cache.metrics().removals(RemovalCause::Replaced) == 2);
    drop(receiver);
    writer.result();
    cache.clear();
    assert_eq!(Arc::strong_count(&token), 1, "all values are gone");
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.unreported, metrics.listener_panics), (0, 0));
}

/// Panics when it goes, if it is to.
struct Loud(Arc<AtomicU32>);

impl Drop for Loud {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("{ON_PURPOSE}");
    }
}

fn g15_values_that_panic_as_a_channel_lets_go_of_them_keep_no_other_from_going<F: Kind>() {
    hush();
    let gone = Arc::new(AtomicU32::new(0));
    for receives in [true, false] {
        gone.store(0, Ordering::SeqCst);
        let (sender, receiver) = removal_channel(1_000);
        let cache: F::Of<u32, Loud> = F::Of::build(CacheBuilder::new().shards(1).listener(sender));
        let mut receiver = Some(receiver);
        (0..20).for_each(|_| cache.insert(1, Loud(Arc::clone(&gone))));
        if receives {
            let removal = receiver.as_mut().and_then(|receiver| receiver.try_recv()).expect("it has left");
            drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(removal))));
        }
        drop(receiver.take());
        assert_eq!(gone.load(Ordering::SeqCst), 19);
        cache.clear();
        assert_eq!(gone.load(Ordering::SeqCst), 20);
        assert_eq!(at_rest(&cache.sync()).listener_panics, 0, "the values' panics aren't the listener's");
    }
}

/// Its clone panics while that is switched on.
#[derive(PartialEq, Eq, Hash)]
struct Key(u32);

static IS_LOUD: AtomicBool = AtomicBool::new(false);

impl Clone for Key {
    fn clone(&self) -> Self {
        assert!(!IS_LOUD.load(Ordering::SeqCst), "{ON_PURPOSE}");
        Self(self.0)
    }
}

#[test]
fn g15_a_key_whose_clone_panics_costs_its_own_removal() {
    hush();
    let (sender, mut receiver) = removal_channel(10);
    sender.on_removal(&Key(1), &Arc::new(10), RemovalCause::Evicted);
    IS_LOUD.store(true, Ordering::SeqCst);
    let cut = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sender.on_removal(&Key(2), &Arc::new(20), RemovalCause::Evicted)));
    assert!(cut.is_err());
    IS_LOUD.store(false, Ordering::SeqCst);
    sender.on_removal(&Key(3), &Arc::new(30), RemovalCause::Evicted);
    drop(sender);
    let keys = std::iter::from_fn(|| block_on(receiver.recv())).map(|removal| removal.key.0).collect::<Vec<_>>();
    assert_eq!(keys, [1, 3]);
}

on_every_face_in_time!(
    g15_a_channel_gives_what_left_in_order_and_then_ends,
    g15_a_receiver_is_woken_by_its_latest_waker_and_only_by_what_it_waits_for,
    g15_a_full_channel_holds_its_sender_back,
    g15_many_senders_of_a_full_channel_lose_nothing,
    g15_when_the_receiver_goes_nobody_waits_and_nothing_is_kept,
    g15_values_that_panic_as_a_channel_lets_go_of_them_keep_no_other_from_going,
);
