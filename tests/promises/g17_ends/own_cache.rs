//! The last handle dropped by the cache's own values and loads.

use crate::census::{Census, Counted, watched};
use crate::gate::{Gate, until};
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, Cache, CacheBuilder, Loaded};
use std::sync::{Arc, Mutex};

/// A value that owns a handle of the cache that it was in.
struct Selfish {
    _value: Counted,
    _own: Cache<u32, Selfish>,
}

#[test]
fn g17_the_last_handle_may_go_in_the_drop_of_its_own_caches_value() {
    in_time(|| {
        let census = Census::new();
        let (builder, memory) = watched(CacheBuilder::new());
        let cache: Cache<u32, Selfish> = builder.build().expect("the settings make sense");
        cache.insert(1, Selfish { _value: census.value(), _own: cache.clone() });
        let value = cache.remove(&1).expect("it was held");
        drop(cache);
        assert!(!memory.is_gone());
        drop(value);
        assert!(census.alive() == 0 && memory.is_gone());
    });
}

/// The load replaces the value that owns the last handle, which so goes while the load lands.
#[test]
fn g17_the_last_handle_may_go_while_a_load_of_its_cache_lands() {
    in_time(|| {
        for style in BOTH {
            let (census, runway) = (Census::new(), Runway::new(1));
            // What a load brings owns no handle.
            let lazy = census.clone();
            let (builder, memory) = watched(CacheBuilder::new());
            let answer = move |_: usize| Loaded::ok((lazy.value(), None));
            let cache: AsyncCache<u32, (Counted, Option<Handle>)> =
                runway.loader(builder, style, answer).build_async().expect("the settings make sense");
            cache.insert(1, (census.value(), Some(Handle(cache.clone()))));
            drop(cache.refresh(&1));
            runway.until_begun(0);
            drop(cache);
            assert!(census.alive() == 1 && !memory.is_gone(), "the value's handle keeps the cache");
            runway.open(0);
            until("all is gone", || census.alive() == 0 && memory.is_gone());
        }
    });
}

/// A handle of the cache that the value is in.
struct Handle(#[expect(dead_code, reason = "it is there to be dropped")] AsyncCache<u32, (Counted, Option<Handle>)>);

/// A handle that a load takes and drops.
type Slot = Arc<Mutex<Option<AsyncCache<u32, Counted>>>>;

#[test]
fn g17_the_last_handle_may_go_in_a_load_of_its_own_cache() {
    in_time(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().expect("a runtime can be had");
        for inside in [false, true] {
            let _inside = inside.then(|| runtime.enter());
            for style in BOTH {
                let (census, gate, slot) = (Census::new(), Gate::new(), Slot::default());
                let (values, held, taken) = (census.clone(), gate.clone(), Arc::clone(&slot));
                let take = move || {
                    drop(taken.lock().expect("no holder panics").take());
                    values.value()
                };
                let (builder, memory) = watched(CacheBuilder::new());
                let builder = match style {
                    Style::Blocking => builder.loader_fn(move |_: &u32| {
                        held.wait();
                        Loaded::ok(take())
                    }),
                    Style::Async => builder.async_loader_fn(move |_: u32| {
                        let (held, take) = (held.clone(), take.clone());
                        async move {
                            held.pass().await;
                            Loaded::ok(take())
                        }
                    }),
                };
                let cache = builder.build_async().expect("the settings make sense");
                cache.insert(1, census.value());
                drop(cache.fetch_with(&2));
                gate.until_arrived(1);
                *slot.lock().expect("no holder panics") = Some(cache);
                gate.open();
                until("all is gone", || census.alive() == 0 && memory.is_gone());
            }
        }
    });
}
