//! `on_refresh_failure` is told of each refresh that fails, once, where nothing is held up by it.

use crate::faces::{Face, Kind};
use crate::g12_refresh::scene::{DUE, KEY, OLD, Of, due_with, info, settled, stale_while_revalidate};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use bellwether::{BoxError, Cache, CacheBuilder, LoadErrorKind, Loaded};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(10);

/// What the hook was told, and on which thread.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Report>>>);

/// A key, how its refresh failed, and the name of the thread that told of it.
type Report = (u32, LoadErrorKind, Option<String>);

impl Told {
    fn listening(&self, builder: CacheBuilder<u32, usize>) -> CacheBuilder<u32, usize> {
        let told = self.clone();
        builder.on_refresh_failure(move |key, error| {
            let name = thread::current().name().map(str::to_owned);
            told.0.lock().expect("no holder panics").push((*key, error.kind(), name));
        })
    }

    /// Which keys' refreshes failed, and how.
    fn failures(&self) -> Vec<(u32, LoadErrorKind)> {
        self.0.lock().expect("no holder panics").iter().map(|(key, kind, _)| (*key, *kind)).collect()
    }

    fn threads(&self) -> Vec<Option<String>> {
        self.0.lock().expect("no holder panics").iter().map(|(_, _, name)| name.clone()).collect()
    }
}

fn g12_the_hook_hears_of_each_failure_once<F: Kind>() {
    hush();
    for style in BOTH {
        let told = Told::default();
        let answer = |number| match number {
            0 => Err::<Loaded<usize>, BoxError>("down".into()),
            _ => panic!("{ON_PURPOSE}"),
        };
        let builder = told.listening(stale_while_revalidate(CacheBuilder::new()));
        let (cache, clock) = due_with::<F>(Runway::new(0).loader(builder, style, answer));
        let mut expected = vec![(KEY, LoadErrorKind::Failed)];
        (0..20).for_each(|_| assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD)));
        until("it is told", || told.failures() == expected);
        settled::<F>(&cache);
        clock.advance(info::<F>(&cache).next_try.expect("it failed"));
        (0..20).for_each(|_| assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD)));
        expected.push((KEY, LoadErrorKind::Panicked));
        until("it is told", || told.failures() == expected);
        settled::<F>(&cache);
        at_rest(&cache.sync());
        assert_eq!(told.failures(), expected, "{style:?}");
    }
}

/// Whose error somebody gets is no business of the hook, and neither is what is no failure.
fn g12_the_hook_hears_of_nothing_else<F: Kind>() {
    for style in BOTH {
        let told = Told::default();
        let answer = |number| match number {
            0 => Loaded::ok(OLD),
            1 => Loaded::ok(Loaded::value(OLD).uncached()),
            2 => Loaded::ok(Loaded::absent()),
            _ => Err("down".into()),
        };
        let builder = told.listening(stale_while_revalidate(CacheBuilder::new()));
        let (cache, clock) = due_with::<F>(Runway::new(0).loader(builder, style, answer));
        for _ in 0..3 {
            assert!(cache.fetch_with(&KEY).is_ok());
            settled::<F>(&cache);
            cache.insert(KEY, OLD);
            clock.advance(DUE);
        }
        assert!(cache.refresh(&KEY).is_err() && cache.fetch_with(&2).is_err());
        at_rest(&cache.sync());
        assert_eq!(told.failures(), [], "{style:?}");
    }
}

fn g12_a_hook_that_panics_is_contained<F: Kind>() {
    hush();
    for style in BOTH {
        for times_out in [false, true] {
            let runway = Runway::new(usize::from(times_out));
            let builder = stale_while_revalidate(CacheBuilder::new()).load_timeout(LIMIT);
            let builder = builder.on_refresh_failure(|_, _| panic!("{ON_PURPOSE}"));
            let answer = move |number| if number == 0 { Err("down".into()) } else { Loaded::ok(number) };
            let (cache, clock) = due_with::<F>(runway.loader(builder, style, answer));
            assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
            if times_out {
                runway.until_begun(0);
                clock.advance(LIMIT);
                until("it has timed out", || cache.metrics().loads_failed_by(LoadErrorKind::TimedOut) == 1);
                runway.open(0);
            }
            settled::<F>(&cache);
            clock.advance(info::<F>(&cache).next_try.expect("it failed"));
            assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
            settled::<F>(&cache);
            assert_eq!(cache.fetch(&KEY).as_deref(), Some(&1), "{style:?}: all goes on");
            assert_eq!(at_rest(&cache.sync()).refreshes_failed, 1);
        }
    }
}

/// It may call the cache: no lock is held. Here it takes the value away whose loader says that it must not be used any more.
fn g12_the_hook_may_call_the_cache<F: Kind>() {
    for style in BOTH {
        let cell: Arc<OnceLock<Cache<u32, usize>>> = Arc::default();
        let own = Arc::clone(&cell);
        let builder = stale_while_revalidate(CacheBuilder::new()).on_refresh_failure(move |key, _| {
            let cache = own.get().expect("it was built before the first load");
            cache.invalidate(key);
            cache.insert(2, 2);
        });
        let (cache, _) = due_with::<F>(Runway::new(0).loader(builder, style, |_| Err("forbidden".into())));
        cell.set(cache.sync()).unwrap_or_else(|_| unreachable!("it is set once"));
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
        until("it has done so", || cache.contains_key(&2));
        assert!(cache.fetch_stale(&KEY).is_none(), "{style:?}");
        at_rest(&cache.sync());
    }
}

/// A load that times out by the real clock is ended by a thread that keeps everybody's time, and is not to be held up.
fn g12_the_hook_is_not_called_on_the_thread_that_keeps_everybodys_time<F: Kind>() {
    for style in BOTH {
        let (runway, told) = (Runway::new(1), Told::default());
        let builder = CacheBuilder::new().stale_while_revalidate(Duration::MAX).load_timeout(Duration::from_millis(30));
        let cache: Of<F> = F::Of::build(runway.numbers(told.listening(builder), style));
        cache.insert_with_ttl(KEY, OLD, Duration::ZERO);
        assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD));
        until("it is told", || told.failures() == [(KEY, LoadErrorKind::TimedOut)]);
        assert!(told.threads().iter().flatten().all(|name| name != "bellwether-janitor"), "{style:?}: {:?}", told.threads());
        runway.open(0);
        at_rest(&cache.sync());
    }
}

/// One who waits gets the error, and the hook hears of it all the same: it was a refresh.
fn g12_the_hook_hears_of_a_refresh_that_somebody_has_joined<F: Kind>() {
    let (runway, told) = (Runway::new(1), Told::default());
    let builder = told.listening(stale_while_revalidate(CacheBuilder::new()));
    let (cache, _) = due_with::<F>(runway.loader(builder, Style::Async, |_| Err("down".into())));
    assert!(cache.fetch_with(&KEY).is_ok());
    runway.until_begun(0);
    let tasks = cache.sync().to_async();
    let joined = tasks.refresh(&KEY);
    runway.open(0);
    assert!(futures::executor::block_on(joined).is_err());
    until("it is told", || told.failures() == [(KEY, LoadErrorKind::Failed)]);
    settled::<F>(&cache);
    at_rest(&cache.sync());
}

on_every_face_in_time!(
    g12_the_hook_hears_of_each_failure_once,
    g12_the_hook_hears_of_nothing_else,
    g12_a_hook_that_panics_is_contained,
    g12_the_hook_may_call_the_cache,
    g12_the_hook_is_not_called_on_the_thread_that_keeps_everybodys_time,
    g12_the_hook_hears_of_a_refresh_that_somebody_has_joined,
);
