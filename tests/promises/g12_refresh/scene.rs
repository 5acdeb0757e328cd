//! What these tests share: a key whose value is due, a loader that is asked for newer ones, and ways to look at what came of it.

use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::runway::{Runway, Style};
use bellwether::{
    BlockingLoader, BoxError, CacheBuilder, EntryInfo, Fetched, LoadError, LoadErrorKind, Loaded, MockClock, Source, StaleReason,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) type Of<F> = <F as Kind>::Of<u32, usize>;

pub(crate) const KEY: u32 = 1;
/// The value that a test begins with; loads bring their numbers, which are small.
pub(crate) const OLD: usize = 1_000;
/// After so long the value that a test begins with is due.
pub(crate) const DUE: Duration = Duration::from_secs(64);
/// A time in which a stale value is still good for something.
pub(crate) const WINDOW: Duration = Duration::from_secs(600);
pub(crate) const TICK: Duration = Duration::from_nanos(1);

/// A setting by which a value is due after [`DUE`], and whether it is stale then.
pub(crate) type Setting = (fn(CacheBuilder<u32, usize>) -> CacheBuilder<u32, usize>, bool);

/// The ways to have values loaded anew in the background.
pub(crate) const SETTINGS: [Setting; 3] = [
    (stale_while_revalidate, true),
    (|builder| builder.time_to_live(DUE + WINDOW).refresh_after(DUE), false),
    // An exact part of the time to live.
    (|builder| builder.time_to_live(DUE * 8).refresh_ahead(0.125), false),
];

pub(crate) fn stale_while_revalidate(builder: CacheBuilder<u32, usize>) -> CacheBuilder<u32, usize> {
    builder.time_to_live(DUE).stale_while_revalidate(WINDOW).load_timeout(Duration::MAX)
}

pub(crate) fn stale_if_error(builder: CacheBuilder<u32, usize>) -> CacheBuilder<u32, usize> {
    builder.time_to_live(DUE).stale_if_error(WINDOW).load_timeout(Duration::MAX)
}

/// A cache whose loads come down `runway` and bring their numbers; it holds [`OLD`], which is due.
pub(crate) fn due<F: Kind>(runway: &Runway, style: Style, builder: CacheBuilder<u32, usize>) -> (Of<F>, MockClock) {
    due_with::<F>(runway.numbers(builder, style))
}

/// A cache that holds [`OLD`], which is due.
pub(crate) fn due_with<F: Kind>(builder: CacheBuilder<u32, usize>) -> (Of<F>, MockClock) {
    let clock = MockClock::new();
    let cache: Of<F> = F::Of::build(builder.clock(clock.clone()));
    cache.insert(KEY, OLD);
    clock.advance(DUE);
    (cache, clock)
}

/// Gives `builder` a loader that never brings anything; says how often it was asked.
pub(crate) fn down(builder: CacheBuilder<u32, usize>, style: Style) -> (CacheBuilder<u32, usize>, Runway) {
    let runway = Runway::new(0);
    (runway.loader(builder, style, |_| Err("down".into())), runway)
}

/// Waits until no refresh is under way and all that came of them is counted.
pub(crate) fn settled<F: Kind>(cache: &Of<F>) {
    until("no refresh is under way, and each load has an outcome", || {
        let metrics = cache.metrics();
        metrics.refreshes == 0 && metrics.flights == 0 && metrics.loads_started == metrics.loads_ended()
    });
}

/// A stale value and why it was shown; nothing if it was fresh.
pub(crate) fn stale(fetched: Result<Fetched<usize>, LoadError>) -> Option<(usize, StaleReason)> {
    match fetched.expect("a value can be had") {
        Fetched { value, source: Source::Stale { why, .. }, .. } => Some((*value, why)),
        _ => None,
    }
}

/// A value and where it came from.
pub(crate) fn sourced(fetched: Result<Fetched<usize>, LoadError>) -> (usize, Source) {
    let fetched = fetched.expect("a value can be had");
    (*fetched.value, fetched.source)
}

pub(crate) fn kind<T>(result: Result<T, LoadError>) -> Option<LoadErrorKind> {
    result.err().map(|error| error.kind())
}

pub(crate) fn info<F: Kind>(cache: &Of<F>) -> EntryInfo {
    cache.entry_info(&KEY).expect("it is held")
}

/// What loads were given: nothing, or the value that they were to renew.
#[derive(Clone, Default)]
pub(crate) struct Given(Arc<Mutex<Vec<Option<Arc<usize>>>>>);

impl Given {
    /// All of it so far, in order.
    pub(crate) fn values(&self) -> Vec<Option<usize>> {
        self.0.lock().expect("no holder panics").iter().map(|given| given.as_deref().copied()).collect()
    }

    fn note(&self, given: Option<Arc<usize>>) {
        self.0.lock().expect("no holder panics").push(given);
    }

    /// Gives `builder` a loader down `runway` that tells a first load from a renewal; `answer` makes what either brings from its number.
    pub(crate) fn loader(
        &self,
        runway: &Runway,
        builder: CacheBuilder<u32, usize>,
        style: Style,
        answer: fn(usize) -> Result<Loaded<usize>, BoxError>,
    ) -> CacheBuilder<u32, usize> {
        let noting = Noting { given: self.clone(), runway: runway.clone(), answer };
        let again = noting.clone();
        match style {
            Style::Blocking => builder.blocking_loader(noting),
            Style::Async => builder
                .async_loader_fn(move |_| noting.clone().work(None))
                .async_reload_fn(move |_, current| again.clone().work(Some(current))),
        }
    }
}

#[derive(Clone)]
struct Noting {
    given: Given,
    runway: Runway,
    answer: fn(usize) -> Result<Loaded<usize>, BoxError>,
}

impl Noting {
    async fn work(self, current: Option<Arc<usize>>) -> Result<Loaded<usize>, BoxError> {
        self.given.note(current);
        (self.answer)(self.runway.load_async().await)
    }
}

impl BlockingLoader<u32, usize> for Noting {
    type Error = BoxError;

    fn load(&self, _: &u32) -> Result<Loaded<usize>, BoxError> {
        self.given.note(None);
        (self.answer)(self.runway.load())
    }

    fn reload(&self, _: &u32, current: Arc<usize>) -> Result<Loaded<usize>, BoxError> {
        self.given.note(Some(current));
        (self.answer)(self.runway.load())
    }
}
