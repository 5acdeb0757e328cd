//! Closing against calls that come at the same instant: once it has returned `true`, no load begins any more.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g17_ends::close::EITHER;
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Style};
use crate::together::together;
use bellwether::{CacheBuilder, LoadError, LoadErrorKind, Loaded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, usize>;

/// Knows whether a cache has been closed, and counts loads that begin all the same.
#[derive(Clone, Default)]
struct Bell(Arc<(AtomicBool, AtomicUsize)>);

impl Bell {
    fn ring(&self) {
        self.0.0.store(true, Ordering::SeqCst);
    }

    fn load(&self) -> usize {
        if self.0.0.load(Ordering::SeqCst) {
            self.0.1.fetch_add(1, Ordering::SeqCst);
        }
        0
    }

    fn late(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }

    fn loader(&self, builder: CacheBuilder<u32, usize>, style: Style) -> CacheBuilder<u32, usize> {
        let bell = self.clone();
        match style {
            Style::Blocking => builder.loader_fn(move |_: &u32| Loaded::ok(bell.load())),
            Style::Async => builder.async_loader_fn(move |_: u32| {
                let bell = bell.clone();
                async move { Loaded::ok(bell.load()) }
            }),
        }
    }
}

/// One closes, two fetch by all means, one gives up vacant entries for which others wait.
fn g17_no_load_begins_once_closing_has_returned_true<F: Kind>() {
    for style in BOTH {
        for round in 0..150_u32 {
            let bell = Bell::default();
            let permits = if round % 3 == 0 { 1 } else { u64::MAX };
            let cache: Of<F> = F::Of::build(bell.loader(CacheBuilder::new().shards(1).max_concurrent_loads(permits), style));
            together(4, |thread| match thread {
                0 => {
                    (0..round % 50).for_each(|_| std::hint::spin_loop());
                    if EITHER[round as usize % 2].close_within(&cache.sync(), Duration::MAX) {
                        bell.ring();
                    }
                }
                1 => (0..20).for_each(|key| drop(cache.sync().entry(key))),
                _ => {
                    for key in 0..20 {
                        let mine = bell.clone();
                        assert!(cache.fetch_with(&key).map_or_else(is_closed, |value| *value == 0));
                        drop(cache.refresh(&key));
                        drop(cache.fetch_or_load(&(key + 100), move || Loaded::ok(mine.load())));
                    }
                }
            });
            assert_eq!(bell.late(), 0, "a load began after the cache was closed, round {round}, {style:?}");
            at_rest(&cache.sync());
        }
    }
}

fn is_closed(error: LoadError) -> bool {
    error.kind() == LoadErrorKind::Closed
}

/// The closure of `get` keeps the shard's lock while the cache is closed, and with it a call that has looked whether it is.
fn g17_a_call_that_waits_for_a_lock_while_the_cache_closes_begins_no_load<F: Kind>() {
    type Call<F> = (&'static str, fn(&Of<F>) -> bool);
    let calls: [Call<F>; 3] = [
        ("fetch_with", |cache| cache.fetch_with(&1).is_err_and(is_closed)),
        ("refresh", |cache| cache.refresh(&1).is_err_and(is_closed)),
        ("fetch_or_load", |cache| cache.fetch_or_load(&1, || Loaded::ok(1)).is_err_and(is_closed)),
    ];
    for style in BOTH {
        for (name, call) in calls {
            let (bell, gate) = (Bell::default(), Gate::new());
            let cache: Of<F> = F::Of::build(bell.loader(CacheBuilder::new().shards(1), style));
            cache.insert(9, 9);
            let held = gate.clone();
            let reader = apart(&cache, move |cache| cache.get(&9, |_| held.wait()));
            gate.until_arrived(1);
            let caller = apart(&cache, move |cache| call(&cache));
            // Long enough for the call to come to the lock, most of the time.
            std::thread::sleep(Duration::from_millis(5));
            assert!(cache.sync().close(), "no load is under way");
            bell.ring();
            gate.open();
            assert!(caller.result(), "{name} says that the cache is closed");
            assert_eq!((reader.result(), bell.late()), (Some(()), 0), "{name}, {style:?}");
            at_rest(&cache.sync());
        }
    }
}

/// As above, for the load that the cache starts in place of a vacant entry that is given up.
fn g17_an_entry_that_is_given_up_while_the_cache_closes_begins_no_load<F: Kind>() {
    for style in BOTH {
        for _ in 0..10 {
            let (bell, gate) = (Bell::default(), Gate::new());
            let cache: Of<F> = F::Of::build(bell.loader(CacheBuilder::new().shards(1), style));
            cache.insert(9, 9);
            let entry = cache.sync().entry(1);
            let waiter = apart(&cache, |cache| cache.fetch_with(&1));
            until("it waits for the entry", || cache.metrics().waiters == 1);
            let held = gate.clone();
            let reader = apart(&cache, move |cache| cache.get(&9, |_| held.wait()));
            gate.until_arrived(1);
            let giver = std::thread::spawn(move || drop(entry));
            // Long enough for the entry to come to the lock, most of the time.
            std::thread::sleep(Duration::from_millis(5));
            assert!(cache.sync().close(), "no load is under way");
            bell.ring();
            gate.open();
            giver.join().expect("giving up doesn't panic");
            let result = waiter.result().map_err(|error| error.kind());
            assert_eq!((reader.result(), bell.late(), result), (Some(()), 0, Err(LoadErrorKind::Closed)), "{style:?}");
            at_rest(&cache.sync());
        }
    }
}

on_every_face_in_time!(
    g17_no_load_begins_once_closing_has_returned_true,
    g17_a_call_that_waits_for_a_lock_while_the_cache_closes_begins_no_load,
    g17_an_entry_that_is_given_up_while_the_cache_closes_begins_no_load,
);
