//! G2, cell by cell: each write against each kind of flight that lands, fails or times out.
//!
//! Those who waited before the write get what the flight brought, or look again once if it came to nothing. Nobody who asks after the write sees a value whose
//! load began before it, and nothing of that is stored. What changes nothing supersedes nothing.

use super::cells::{BROUGHT, Cell, ENDINGS, Ending, FLIGHTS, Flight, LOAD_TIMEOUT, LOADED, Source};
use super::scene::{Hands, mocked};
use super::writes::{Effect, KEY, LONG, OLD, TAG, When, rows};
use crate::apart::{Apart, apart};
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::secs;
use crate::runway::{BOTH, Runway, Style};
use bellwether::{Entry, LoadError, Loaded, MockClock};

/// A cache with one flight in the air, and those who wait for it.
struct Scene<F: Kind> {
    cache: F::Of<u32, u32>,
    hands: Hands<u32, u32>,
    clock: MockClock,
    runway: Runway,
    /// Where the holder of an entry waits.
    holder: Gate,
    waiting: Vec<Apart<Result<u32, LoadError>>>,
    /// Who waits for nothing of the key's.
    others: Vec<Apart<()>>,
}

fn plain<T: Copy>(result: Result<std::sync::Arc<T>, LoadError>) -> Result<T, LoadError> {
    result.map(|value| *value)
}

impl<F: Kind> Scene<F> {
    fn new(cell: Cell<'_>) -> Self {
        let (clock, builder) = mocked();
        let gates = if cell.flight == Flight::EntryLead { 0 } else { 1 };
        // The loads that come after an entry was given up are as good as any.
        let ending = if cell.flight == Flight::EntryLead { Ending::Lands } else { cell.ending };
        let source = Source { runway: Runway::new(gates), ending, is_unasked: cell.flight.is_unasked() };
        let runway = source.runway.clone();
        let builder = builder.load_timeout(LOAD_TIMEOUT);
        let builder = match cell.style {
            Style::Blocking => builder.blocking_loader(source),
            Style::Async => builder.loader(source),
        };
        let builder = if cell.has_windows { builder.stale_while_revalidate(LONG).stale_if_error(LONG) } else { builder };
        let builder = if cell.flight == Flight::Background { builder.refresh_after(secs(1)) } else { builder };
        let (cache, hands) = Hands::build::<F>(builder);
        if cell.flight.is_over_held() {
            cache.insert_with(KEY, Loaded::value(OLD).tags([TAG]));
        }
        Self { cache, hands, clock, runway, holder: Gate::new(), waiting: Vec::new(), others: Vec::new() }
    }

    fn wait(&mut self, call: impl FnOnce(F::Of<u32, u32>) -> Result<u32, LoadError> + Send + 'static) {
        self.waiting.push(apart(&self.cache, call));
    }

    /// One more joins the flight.
    fn join(&mut self, call: impl FnOnce(F::Of<u32, u32>) -> Result<u32, LoadError> + Send + 'static) {
        let joined = self.cache.metrics().joined;
        self.wait(call);
        until("it joins", || self.cache.metrics().joined == joined + 1);
    }

    #[cfg(feature = "bulk")]
    fn begin_bulk(&mut self, keys: &'static [u32]) {
        let call = move |hands: Hands<u32, u32>| plain(hands.multi_fetch_with(keys));
        if keys.contains(&KEY) {
            self.waiting.push(apart(&self.hands, call));
        } else {
            self.others.push(apart(&self.hands, move |hands| drop(call(hands))));
        }
        self.runway.until_begun(0);
    }

    fn begin(&mut self, flight: Flight, ending: Ending) {
        match flight {
            Flight::Miss => {
                self.wait(|cache| plain(cache.fetch_with(&KEY)));
                self.runway.until_begun(0);
                self.join(|cache| plain(cache.fetch_with(&KEY)));
            }
            Flight::Refresh => {
                self.wait(|cache| plain(cache.refresh(&KEY)));
                self.runway.until_begun(0);
                self.join(|cache| plain(cache.refresh(&KEY)));
            }
            Flight::Background => {
                self.clock.advance(secs(1));
                assert_eq!(plain(self.cache.fetch_with(&KEY)).ok(), Some(OLD));
                self.runway.until_begun(0);
            }
            #[cfg(feature = "bulk")]
            Flight::BulkAsked => {
                self.begin_bulk(&[KEY, super::cells::OTHER]);
                self.join(|cache| plain(cache.fetch_with(&KEY)));
            }
            #[cfg(feature = "bulk")]
            Flight::BulkUnasked | Flight::BulkUnaskedOverHeld => self.begin_bulk(&[super::cells::OTHER]),
            Flight::EntryLead => {
                let Entry::Vacant(entry) = self.hands.entry(KEY) else { panic!("nothing is held") };
                let holder = self.holder.clone();
                self.others.push(apart(&(), move |()| {
                    holder.wait();
                    // Late, it would be an insert like any other.
                    if ending == Ending::Lands {
                        entry.insert(Loaded::value(BROUGHT).tags([TAG]));
                    }
                }));
                self.join(|cache| plain(cache.fetch_with(&KEY)));
            }
        }
    }

    /// Ends the flight. Gives what those got who waited for it.
    fn end(&mut self, flight: Flight, ending: Ending) -> Vec<Result<u32, LoadError>> {
        let mut got = Vec::new();
        if ending == Ending::TimesOut {
            self.clock.advance(LOAD_TIMEOUT);
            if flight == Flight::EntryLead {
                // Whatever its holder does.
                got.extend(self.waiting.drain(..).map(Apart::result));
            }
        }
        self.holder.open();
        // What comes late has timed out, wherever it is loaded.
        if flight != Flight::EntryLead {
            self.runway.open(0);
        }
        got.extend(self.waiting.drain(..).map(Apart::result));
        self.others.drain(..).for_each(Apart::result);
        got
    }
}

/// Somebody has looked, and waits, or has what he looked for.
fn lookups<F: Kind>(cache: &F::Of<u32, u32>) -> u64 {
    let metrics = cache.metrics();
    metrics.hits + metrics.stale_hits + metrics.negative_hits + metrics.joined + metrics.misses
}

/// Plays a cell. Says whether what was loaded is held in the end, where nobody has asked meanwhile.
fn play<F: Kind>(cell: Cell<'_>) -> bool {
    let name = cell.name();
    let mut scene = Scene::<F>::new(cell);
    scene.begin(cell.flight, cell.ending);
    (cell.row.call)(&scene.hands);
    assert_eq!(scene.cache.peek(&KEY).as_deref().copied(), cell.leaves(), "what is held after {name}");
    let mut meanwhile = None;
    if cell.is_asked_meanwhile {
        let before = lookups::<F>(&scene.cache);
        let asked = apart(&scene.cache, |cache| plain(cache.fetch_with(&KEY)));
        if cell.is_joinable() {
            until("it looks", || lookups::<F>(&scene.cache) > before);
            meanwhile = Some(asked);
        } else {
            // The flight is nothing to it.
            after_the_write(cell, asked.result(), &name);
        }
    }
    for got in scene.end(cell.flight, cell.ending) {
        before_the_write(cell, got, &name);
    }
    if let Some(asked) = meanwhile {
        after_the_write(cell, asked.result(), &name);
    }
    at_rest(&scene.cache.sync());
    let held = scene.cache.peek(&KEY).as_deref().copied();
    let held_stale = scene.cache.fetch_stale(&KEY).map(|fetched| *fetched.value);
    if cell.supersedes() {
        assert!(held != Some(cell.flight.brings()) && held_stale != Some(cell.flight.brings()), "{held:?}, {held_stale:?} after {name}");
    }
    if !cell.is_asked_meanwhile && cell.ending == Ending::Lands {
        let is_dropped = cell.may_be_mistaken() && held.is_none();
        assert!(held == cell.ends_with() || is_dropped, "{held:?} is held in the end after {name}");
    }
    if cell.effect() == Effect::Bars {
        assert_eq!((held, held_stale), (None, None), "nothing is stored that is loaded after {name}");
    }
    after_the_write(cell, plain(scene.cache.fetch_with(&KEY)), &name);
    scene.cache.run_maintenance();
    at_rest(&scene.cache.sync());
    held == Some(cell.flight.brings())
}

/// What one may get who waited for the flight when the write came.
fn before_the_write(cell: Cell<'_>, got: Result<u32, LoadError>, name: &str) {
    let brings = cell.flight.brings();
    // Nobody gets the error of the holder of an entry, and a write that can't know of the flight lets everybody have its error.
    let looks_again = cell.flight == Flight::EntryLead || (cell.supersedes() && cell.row.when == When::AtOnce);
    match cell.ending {
        Ending::Lands => assert_eq!(got.ok(), Some(brings), "who waited before {name}"),
        Ending::Fails | Ending::TimesOut if looks_again => assert!(got.as_ref().is_ok_and(|&got| got != brings), "{got:?} before {name}"),
        // The value in hand is served in the place of an error.
        Ending::Fails | Ending::TimesOut => assert!(got.as_ref().map_or(true, |&got| got == OLD), "{got:?} before {name}"),
    }
}

/// What one may get who asks after the write.
fn after_the_write(cell: Cell<'_>, got: Result<u32, LoadError>, name: &str) {
    let brings = cell.flight.brings();
    match cell.effect() {
        Effect::Writes(value) => assert!(got.as_ref().is_ok_and(|&got| got == value || got > LOADED), "{got:?} after {name}"),
        Effect::Nothing => {
            let is_error = cell.ending != Ending::Lands && got.is_err();
            let first = if cell.flight.is_over_held() { OLD } else { LOADED };
            assert!(is_error || got.as_ref().is_ok_and(|&got| got == first || got >= LOADED), "{got:?} after {name}");
        }
        Effect::Expires | Effect::Spares if cell.flight.is_over_held() && got.as_ref().is_ok_and(|&got| got == OLD) => {}
        _ => {
            let shared = cell.row.when == When::Landing && cell.ending != Ending::Lands && got.is_err();
            assert!(shared || got.as_ref().is_ok_and(|&got| got != brings && got >= LOADED), "{got:?} after {name}");
        }
    }
}

/// Every cell of one kind of flight.
fn cells<F: Kind>(flights: impl Fn(Flight) -> bool) {
    let rows = rows();
    let mut played = 0;
    for &flight in FLIGHTS.iter().filter(|&&flight| flights(flight)) {
        for row in &rows {
            for ending in ENDINGS {
                for style in BOTH {
                    for (has_windows, is_asked_meanwhile) in [(false, false), (false, true), (true, false), (true, true)] {
                        let cell = Cell { row, flight, ending, style, has_windows, is_asked_meanwhile };
                        if cell.effect() != Effect::Senseless {
                            played += 1;
                            let is_stored = play::<F>(cell);
                            let is_expected = cell.ends_with() == Some(flight.brings()) && !is_asked_meanwhile && ending == Ending::Lands;
                            // Taken for another's once in a thousand times: not thrice.
                            let is_stored = is_stored || (is_expected && (0..2).any(|_| play::<F>(cell)));
                            assert!(is_stored || !is_expected, "it is never stored after {}", cell.name());
                        }
                    }
                }
            }
        }
    }
    assert!(played >= 25 * ENDINGS.len() * 8, "only {played} cells were played");
}

fn g2_every_write_against_a_miss<F: Kind>() {
    cells::<F>(|flight| flight == Flight::Miss);
}

fn g2_every_write_against_a_refresh<F: Kind>() {
    cells::<F>(|flight| flight == Flight::Refresh);
}

fn g2_every_write_against_a_refresh_in_the_background<F: Kind>() {
    cells::<F>(|flight| flight == Flight::Background);
}

fn g2_every_write_against_the_lead_of_an_entry<F: Kind>() {
    cells::<F>(|flight| flight == Flight::EntryLead);
}

on_every_face_in_time!(
    g2_every_write_against_a_miss,
    g2_every_write_against_a_refresh,
    g2_every_write_against_a_refresh_in_the_background,
    g2_every_write_against_the_lead_of_an_entry,
);

#[cfg(feature = "bulk")]
mod bulk {
    use super::{Flight, Kind, cells};
    use crate::on_every_face_in_time;

    fn g2_bulk_every_write_against_a_key_that_is_loaded_with_others<F: Kind>() {
        cells::<F>(|flight| flight == Flight::BulkAsked);
    }

    fn g2_bulk_every_write_against_a_key_that_a_load_brings_unasked<F: Kind>() {
        cells::<F>(Flight::is_unasked);
    }

    on_every_face_in_time!(
        g2_bulk_every_write_against_a_key_that_is_loaded_with_others,
        g2_bulk_every_write_against_a_key_that_a_load_brings_unasked,
    );
}
