//! The last handle goes at the strangest moments: loads in the air, inside a loader, inside a value's `Drop`, under another cache's lock.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::runway::{BOTH, Runway, Style};
use crate::watchdog;
use bellwether::{AsyncCache, Cache, CacheBuilder, Loaded};
use futures::FutureExt;
use std::sync::{Arc, Mutex};

/// Kept by a loader: gone when its cache is.
type Token = Arc<()>;

fn until_gone(token: &Token) {
    until("the cache is gone with all that it kept", || Arc::strong_count(token) == 1);
}

fn loading(runway: &Runway, style: Style, token: &Token) -> CacheBuilder<u32, Token> {
    let ours = Arc::clone(token);
    runway.loader(CacheBuilder::new().capacity(2), style, move |_| Loaded::ok(Loaded::value(Arc::clone(&ours))))
}

/// Runs `test` where tokio is and where it isn't.
fn here_and_there(test: impl Fn()) {
    test();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime can be had");
    let inside = runtime.enter();
    test();
    drop(inside);
}

#[test]
fn g18_a_cache_whose_callers_have_all_gone_ends_with_its_loads() {
    watchdog::in_time(|| {
        here_and_there(|| {
            for style in BOTH {
                let (token, runway) = (Token::default(), Runway::new(3));
                let cache = loading(&runway, style, &token).build_async().expect("the settings make sense");
                for key in 0..3 {
                    assert!(cache.fetch_with(&key).now_or_never().is_none(), "held at the gate");
                }
                (0..3).for_each(|number| runway.until_begun(number));
                drop(cache);
                (0..3).for_each(|number| runway.open(number));
                until_gone(&token);
            }
        });
    });
}

#[test]
fn g18_the_last_handle_may_be_dropped_inside_a_loader() {
    watchdog::in_time(|| {
        here_and_there(|| {
            for style in BOTH {
                let (token, gate) = (Token::default(), Gate::new());
                let last: Arc<Mutex<Option<AsyncCache<u32, u32>>>> = Arc::default();
                let (ours, held, taken) = (Arc::clone(&token), gate.clone(), Arc::clone(&last));
                let load = move || {
                    let _kept = &ours;
                    held.wait();
                    drop(taken.lock().expect("no holder panics").take());
                };
                let builder = CacheBuilder::new();
                let builder = match style {
                    Style::Blocking => builder.loader_fn(move |key: &u32| {
                        load();
                        bellwether::ok(*key)
                    }),
                    Style::Async => builder.async_loader_fn(move |key: u32| {
                        // On a thread of its own, so that the gate holds no runtime's thread for long.
                        load();
                        async move { bellwether::ok(key) }
                    }),
                };
                let cache = builder.build_async().expect("the settings make sense");
                let caller = apart(&cache, |cache| drop(cache.fetch_with(&1).now_or_never()));
                gate.until_arrived(1);
                *last.lock().expect("no holder panics") = Some(cache);
                gate.open();
                caller.result();
                until_gone(&token);
                until("the loader has dropped it", || last.lock().expect("no holder panics").is_none());
            }
        });
    });
}

/// A value that keeps a cache, perhaps its own.
struct Keeper {
    kept: Mutex<Option<Cache<u32, Keeper>>>,
    _token: Token,
}

impl Keeper {
    fn of(token: &Token, kept: Option<Cache<u32, Self>>) -> Self {
        Self { kept: Mutex::new(kept), _token: Arc::clone(token) }
    }
}

fn g18_the_last_handle_may_be_dropped_by_a_value_of_the_cache<F: Kind>() {
    let token = Token::default();
    let cache: <F as Kind>::Of<u32, Keeper> = F::Of::build(CacheBuilder::new());
    cache.insert(1, Keeper::of(&token, None));
    cache.insert(2, Keeper::of(&token, Some(cache.sync())));
    let keeper = cache.remove(&2).expect("it is held");
    drop(cache);
    assert_eq!(Arc::strong_count(&token), 3, "the cache lives on in the value");
    drop(keeper);
    assert_eq!(Arc::strong_count(&token), 1, "the cache ended inside the value's drop");
}

fn g18_the_last_handle_may_be_dropped_by_a_value_that_leaves_another_cache<F: Kind>() {
    type Leave<F> = fn(&<F as Kind>::Of<u32, Keeper>, Keeper);
    let ways: [Leave<F>; 6] = [
        |cache, other| cache.insert(1, other),
        |cache, other| cache.insert(2, other),
        |cache, other| cache.insert_with(1, Loaded::value(other).weight(2)),
        |cache, _| cache.clear(),
        |cache, _| assert!(cache.invalidate(&1)),
        |cache, other| drop(cache.fetch_or_load(&2, move || Loaded::ok(other))),
    ];
    for leave in ways {
        let token = Token::default();
        let chain = (0..3).fold(Keeper::of(&token, None), |inner, _| {
            let cache = Cache::builder().build().expect("the settings make sense");
            cache.insert(1, inner);
            Keeper::of(&token, Some(cache))
        });
        let cache: <F as Kind>::Of<u32, Keeper> = F::Of::build(CacheBuilder::new().capacity(1));
        cache.insert(1, chain);
        assert_eq!(Arc::strong_count(&token), 5);
        let other = Token::default();
        leave(&cache, Keeper::of(&other, None));
        until("four caches' values have gone", || Arc::strong_count(&token) == 1);
        cache.validate();
    }
}

fn g18_the_last_handle_may_be_dropped_inside_the_closure_of_get<F: Kind>() {
    let token = Token::default();
    let inner: <F as Kind>::Of<u32, Keeper> = F::Of::build(CacheBuilder::new());
    inner.insert(1, Keeper::of(&token, None));
    let cache: <F as Kind>::Of<u32, Keeper> = F::Of::build(CacheBuilder::new());
    cache.insert(1, Keeper::of(&token, Some(inner.sync())));
    drop(inner);
    let kept = cache.get(&1, |keeper| drop(keeper.kept.lock().expect("no holder panics").take()));
    assert_eq!(kept, Some(()));
    assert_eq!(Arc::strong_count(&token), 2, "the inner cache has ended");
    cache.insert(2, Keeper::of(&token, None));
    assert_eq!(cache.len(), 2);
    cache.validate();
}

crate::on_every_face_in_time!(
    g18_the_last_handle_may_be_dropped_by_a_value_of_the_cache,
    g18_the_last_handle_may_be_dropped_by_a_value_that_leaves_another_cache,
    g18_the_last_handle_may_be_dropped_inside_the_closure_of_get,
);
