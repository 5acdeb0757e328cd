//! A policy that calls a cache: a panic with a clear message, contained like any other, and never a deadlock.

use crate::faces::{Face, Kind};
use crate::policies::{Oldest, set_capacity};
use crate::rest::at_rest;
use bellwether::{Cache, CacheBuilder, CustomPolicy, PolicyBounds, PolicyEntry, PolicySlot};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Mutex, Once, OnceLock};

type Of<F> = <F as Kind>::Of<u64, u64>;

const MESSAGE: &str = "from inside a method of a custom policy";

/// Keeps just these panics out of the output.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            let text = info.payload().downcast_ref::<&str>().copied().unwrap_or_default();
            if !text.contains(MESSAGE) {
                usual(info);
            }
        }));
    });
}

/// What is called, and what came of it.
#[derive(Default)]
struct Calls {
    caches: OnceLock<[Cache<u64, u64>; 2]>,
    texts: Mutex<Vec<String>>,
}

impl Calls {
    /// Makes every kind of call on each cache, its own and another.
    fn make(&self) {
        let Some(caches) = self.caches.get() else { return };
        for cache in caches {
            let calls: [fn(&Cache<u64, u64>); 8] = [
                |cache| drop(cache.fetch(&1)),
                |cache| assert_eq!(cache.get(&1, |&value| value), None),
                |cache| cache.insert(1, 1),
                |cache| drop(cache.remove(&1)),
                |cache| drop(cache.fetch_or_load(&77, || Ok::<_, bellwether::BoxError>(1))),
                Cache::clear,
                Cache::run_maintenance,
                |cache| cache.set_capacity(5),
            ];
            for call in calls {
                let text = match catch_unwind(AssertUnwindSafe(|| call(cache))) {
                    Ok(()) => "it went through".to_owned(),
                    Err(panic) => panic.downcast_ref::<&str>().map_or_else(|| "another panic".to_owned(), |text| (*text).to_owned()),
                };
                self.texts.lock().expect("no holder panics").push(text);
            }
        }
        // And once without catching it.
        caches[0].insert(1, 1);
    }
}

/// In which method it calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum From {
    Admitted,
    Touched,
    Removed,
    Victim,
    Pinned,
    Resized,
}

struct Calling {
    inner: Oldest,
    from: From,
    calls: Arc<Calls>,
}

impl Calling {
    fn at(&self, from: From) {
        if self.from == from {
            self.calls.make();
        }
    }
}

impl CustomPolicy<u64, u64> for Calling {
    fn admitted(&mut self, slot: PolicySlot, entry: &PolicyEntry<'_, u64, u64>) {
        self.inner.admitted(slot, entry);
        self.at(From::Admitted);
    }
    fn touched(&mut self, slot: PolicySlot) {
        CustomPolicy::<u64, u64>::touched(&mut self.inner, slot);
        self.at(From::Touched);
    }
    fn removed(&mut self, slot: PolicySlot) {
        CustomPolicy::<u64, u64>::removed(&mut self.inner, slot);
        self.at(From::Removed);
    }
    fn victim(&mut self) -> Option<PolicySlot> {
        self.at(From::Victim);
        CustomPolicy::<u64, u64>::victim(&mut self.inner)
    }
    fn pinned(&self, _entry: &PolicyEntry<'_, u64, u64>) -> bool {
        self.at(From::Pinned);
        false
    }
    fn resized(&mut self, _bounds: &PolicyBounds) {
        self.at(From::Resized);
    }
}

fn g6_a_policy_that_calls_a_cache_gets_a_clear_panic<F: Kind>() {
    hush();
    for from in [From::Admitted, From::Touched, From::Removed, From::Victim, From::Pinned, From::Resized] {
        let calls = Arc::new(Calls::default());
        let theirs = Arc::clone(&calls);
        let policy = move |_: &PolicyBounds| Calling { inner: Oldest::default(), from, calls: Arc::clone(&theirs) };
        let cache: Of<F> = F::Of::build(CacheBuilder::new().capacity(10).shards(2).custom_eviction(policy));
        let other: Of<F> = F::Of::build(CacheBuilder::new());
        (0..10).for_each(|key| cache.insert(key, key));
        assert!(calls.caches.set([cache.sync(), other.sync()]).is_ok());
        drop(cache.fetch(&3));
        cache.insert(3, 4);
        cache.insert(20, 20);
        cache.insert(21, 21);
        set_capacity::<F, _, _>(&cache, 9);
        assert!(cache.weight() <= 9);
        let texts = calls.texts.lock().expect("no holder panics").clone();
        assert!(texts.len() >= 16, "{from:?}: it called");
        assert!(texts.iter().all(|text| text.contains(MESSAGE)), "{from:?}: {texts:?}");
        let metrics = at_rest(&cache.sync());
        assert!(metrics.policy_faults > 0, "{from:?}: it is counted");
        assert!(other.is_untouched(), "{from:?}: nothing came through");
    }
}

/// A cache that nobody has called.
trait Untouched {
    fn is_untouched(&self) -> bool;
}

impl<C: Face<u64, u64>> Untouched for C {
    fn is_untouched(&self) -> bool {
        (self.len(), self.metrics().loads_started) == (0, 0)
    }
}

crate::on_every_face_in_time!(g6_a_policy_that_calls_a_cache_gets_a_clear_panic);
