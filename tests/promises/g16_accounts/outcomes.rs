//! Each load has one outcome.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::hush::{ON_PURPOSE, hush};
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{BoxError, BoxFuture, CacheBuilder, LoadErrorKind, Loaded, MetricsSnapshot, MockClock, SpawnError, Spawner};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, usize>;

const KEY: u32 = 1;
const KINDS: [LoadErrorKind; 7] = [
    LoadErrorKind::Failed,
    LoadErrorKind::Panicked,
    LoadErrorKind::TimedOut,
    LoadErrorKind::Absent,
    LoadErrorKind::Cancelled,
    LoadErrorKind::NoLoader,
    LoadErrorKind::Overloaded,
];

/// The counts of outcomes that are not zero, by name.
fn counted(metrics: &MetricsSnapshot) -> Vec<(String, u64)> {
    let named = [
        ("stored", metrics.loads_stored),
        ("absent", metrics.loads_absent),
        ("unchanged", metrics.loads_unchanged),
        ("uncached", metrics.loads_uncached),
        ("refused", metrics.loads_refused),
        ("superseded", metrics.loads_superseded),
        ("answered", metrics.loads_answered),
    ];
    let named = named.into_iter().map(|(name, count)| (name.to_owned(), count));
    let failed = KINDS.map(|kind| (format!("{kind:?}"), metrics.loads_failed_by(kind)));
    named.chain(failed).filter(|&(_, count)| count > 0).collect()
}

/// At rest so many loads have ended, all in one way.
fn ended<F: Kind>(cache: &Of<F>, way: &str, number: u64) {
    let metrics = at_rest(&cache.sync());
    assert_eq!(counted(&metrics), [(way.to_owned(), number)], "{metrics:?}");
    assert_eq!((metrics.loads_started, metrics.loads_ended()), (number, number));
}

fn g16_a_load_ends_in_the_way_that_its_loader_says<F: Kind>() {
    hush();
    type Way = (&'static str, fn(usize) -> Result<Loaded<usize>, BoxError>);
    let ways: [Way; 7] = [
        ("stored", Loaded::ok),
        ("absent", |_| Loaded::ok(Loaded::absent())),
        ("unchanged", |_| Loaded::ok(Loaded::unchanged())),
        ("uncached", |number| Loaded::ok(Loaded::value(number).uncached())),
        ("refused", |number| Loaded::ok(Loaded::value(number).weight(11))),
        ("Failed", |_| Err("not today".into())),
        ("Panicked", |number| panic!("load {number} fails {ON_PURPOSE}")),
    ];
    for style in BOTH {
        for (way, answer) in ways {
            let cache: Of<F> = F::Of::build(Runway::new(0).loader(CacheBuilder::new().capacity(10), style, answer));
            for key in 0..5 {
                cache.insert(key, 100);
                drop(cache.refresh(&key));
            }
            ended::<F>(&cache, way, 5);
        }
    }
}

fn g16_unchanged_without_a_value_is_a_failure<F: Kind>() {
    for style in BOTH {
        let cache: Of<F> = F::Of::build(Runway::new(0).loader(CacheBuilder::new(), style, |_| Loaded::ok(Loaded::unchanged())));
        assert_eq!(cache.fetch_with(&KEY).map_err(|error| error.kind()), Err(LoadErrorKind::Failed));
        ended::<F>(&cache, "Failed", 1);
    }
}

fn g16_a_load_that_a_write_overtook_is_superseded<F: Kind>() {
    type Write<F> = fn(&Of<F>);
    let writes: [Write<F>; 4] = [
        |cache| cache.insert(KEY, 100),
        |cache| drop(cache.remove(&KEY)),
        |cache| cache.clear(),
        |cache| cache.insert_with(KEY, Loaded::absent()),
    ];
    for style in BOTH {
        for write in writes {
            let runway = Runway::new(1);
            let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
            let caller = apart(&cache, |cache| cache.fetch_with(&KEY));
            runway.until_begun(0);
            write(&cache);
            runway.open(0);
            assert_eq!(*caller.result().expect("it is delivered all the same"), 0);
            ended::<F>(&cache, "superseded", 1);
        }
    }
}

fn g16_a_load_that_an_insert_made_needless_is_answered<F: Kind>() {
    const MOST_ALOFT: usize = 4;
    for style in BOTH {
        let runway = Runway::new(MOST_ALOFT);
        let cache: Of<F> = F::Of::build(runway.numbers(CacheBuilder::new(), style));
        let overtaken: Vec<_> = (0..MOST_ALOFT)
            .map(|number| {
                let caller = apart(&cache, |cache| cache.fetch_with(&KEY));
                runway.until_begun(number);
                cache.invalidate(&KEY);
                caller
            })
            .collect();
        let queued = apart(&cache, |cache| cache.fetch_with(&KEY));
        until("it waits for its turn", || cache.metrics().loads_started == 5);
        cache.insert(KEY, 100);
        assert_eq!(*queued.result().expect("the insert answers it"), 100);
        (0..MOST_ALOFT).for_each(|number| runway.open(number));
        overtaken.into_iter().for_each(|caller| assert!(caller.result().is_ok()));
        let metrics = at_rest(&cache.sync());
        assert_eq!(counted(&metrics), [("superseded".to_owned(), 4), ("answered".to_owned(), 1)]);
        assert_eq!(runway.begun(), MOST_ALOFT, "the fifth never began");
    }
}

fn g16_a_load_that_runs_out_of_time_is_counted_once<F: Kind>() {
    for style in BOTH {
        let (clock, runway) = (MockClock::new(), Runway::new(1));
        let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(Duration::from_secs(1));
        let cache: Of<F> = F::Of::build(runway.numbers(builder, style));
        let caller = apart(&cache, |cache| cache.fetch_with(&KEY));
        runway.until_begun(0);
        clock.advance(Duration::from_secs(1));
        // A leader on whose own thread the load runs comes back when its loader does.
        runway.open(0);
        assert_eq!(caller.result().map_err(|error| error.kind()), Err(LoadErrorKind::TimedOut));
        ended::<F>(&cache, "TimedOut", 1);
    }
}

/// Drops what it should run, or refuses it.
struct Broken;

impl Spawner for Broken {
    fn spawn(&self, future: BoxFuture<'static, ()>) -> Result<(), SpawnError> {
        drop(future);
        Ok(())
    }

    fn spawn_blocking(&self, _job: Box<dyn FnOnce() + Send>) -> Result<(), SpawnError> {
        Err(SpawnError::new("no thread today"))
    }
}

fn g16_a_load_that_finds_no_place_to_run_is_counted_once<F: Kind>() {
    for (style, way) in BOTH.into_iter().zip(["Overloaded", "Cancelled"]) {
        let cache: Of<F> = F::Of::build(Runway::new(0).numbers(CacheBuilder::new().spawner(Broken), style));
        let result = cache.fetch_with(&KEY);
        // The blocking face runs a blocking load on its caller's thread and needs no place.
        let way = if F::IS_BLOCKING && way == "Overloaded" { "stored" } else { way };
        assert_eq!(result.is_ok(), way == "stored");
        ended::<F>(&cache, way, 1);
    }
}

crate::on_every_face_in_time!(
    g16_a_load_ends_in_the_way_that_its_loader_says,
    g16_unchanged_without_a_value_is_a_failure,
    g16_a_load_that_a_write_overtook_is_superseded,
    g16_a_load_that_an_insert_made_needless_is_answered,
    g16_a_load_that_runs_out_of_time_is_counted_once,
    g16_a_load_that_finds_no_place_to_run_is_counted_once,
);
