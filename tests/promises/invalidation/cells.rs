//! The cells of the table: a write, a flight that is under way by then, and how that ends.

use super::writes::{Effect, KEY, OLD, Row, TAG, When};
use crate::rules::secs;
use crate::runway::{Runway, Style};
use bellwether::{BlockingLoader, BoxError, CacheLoader, LoadSink, Loaded, async_trait};
use std::time::Duration;

/// A key that is loaded with the other.
pub(super) const OTHER: u32 = 2;
/// What the first load brings; the next ones bring the numbers after it.
pub(super) const LOADED: u32 = 100;
/// What the holder of an entry brings.
pub(super) const BROUGHT: u32 = 1_000;
pub(super) const LOAD_TIMEOUT: Duration = secs(50);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flight {
    Miss,
    /// Asked for while a fresh value is held.
    Refresh,
    /// In the background, while a fresh value is held.
    Background,
    #[cfg(feature = "bulk")]
    BulkAsked,
    #[cfg(feature = "bulk")]
    BulkUnasked,
    /// While a fresh value is held.
    #[cfg(feature = "bulk")]
    BulkUnaskedOverHeld,
    EntryLead,
}

pub(super) const FLIGHTS: &[Flight] = &[
    Flight::Miss,
    Flight::Refresh,
    Flight::Background,
    #[cfg(feature = "bulk")]
    Flight::BulkAsked,
    #[cfg(feature = "bulk")]
    Flight::BulkUnasked,
    #[cfg(feature = "bulk")]
    Flight::BulkUnaskedOverHeld,
    Flight::EntryLead,
];

impl Flight {
    pub(super) fn is_over_held(self) -> bool {
        match self {
            Self::Refresh | Self::Background => true,
            #[cfg(feature = "bulk")]
            Self::BulkUnaskedOverHeld => true,
            _ => false,
        }
    }

    #[cfg(feature = "bulk")]
    pub(super) fn is_unasked(self) -> bool {
        matches!(self, Self::BulkUnasked | Self::BulkUnaskedOverHeld)
    }

    #[cfg(not(feature = "bulk"))]
    pub(super) fn is_unasked(self) -> bool {
        false
    }

    /// The value that it brings.
    pub(super) fn brings(self) -> u32 {
        if self == Self::EntryLead { BROUGHT } else { LOADED }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    Lands,
    Fails,
    TimesOut,
}

pub(super) const ENDINGS: [Ending; 3] = [Ending::Lands, Ending::Fails, Ending::TimesOut];

/// Loads everything. The first load comes to this end.
#[derive(Clone)]
pub(super) struct Source {
    pub(super) runway: Runway,
    pub(super) ending: Ending,
    pub(super) is_unasked: bool,
}

impl Source {
    fn answer(&self, number: usize) -> Result<Loaded<u32>, BoxError> {
        if number == 0 && self.ending == Ending::Fails {
            return Err("this load fails".into());
        }
        let number = u32::try_from(number).expect("there are few loads");
        Ok(Loaded::value(LOADED + number).tags([TAG]))
    }

    fn answer_many(&self, number: usize, keys: &[u32], out: &LoadSink<u32, u32>) -> Result<(), BoxError> {
        let loaded = self.answer(number)?;
        // First: who asked goes on as soon as the others are there.
        if self.is_unasked && number == 0 {
            out.put(&KEY, loaded.clone());
        }
        for key in keys {
            out.put(key, loaded.clone());
        }
        Ok(())
    }
}

impl BlockingLoader<u32, u32> for Source {
    type Error = BoxError;

    fn load(&self, _: &u32) -> Result<Loaded<u32>, BoxError> {
        self.answer(self.runway.load())
    }

    fn load_many(&self, keys: &[u32], out: LoadSink<u32, u32>) -> Result<(), BoxError> {
        self.answer_many(self.runway.load(), keys, &out)
    }
}

#[async_trait]
impl CacheLoader<u32, u32> for Source {
    type Error = BoxError;

    async fn load(&self, _: &u32) -> Result<Loaded<u32>, BoxError> {
        self.answer(self.runway.load_async().await)
    }

    async fn load_many(&self, keys: &[u32], out: LoadSink<u32, u32>) -> Result<(), BoxError> {
        self.answer_many(self.runway.load_async().await, keys, &out)
    }
}

/// One cell.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) row: &'a Row,
    pub(super) flight: Flight,
    pub(super) ending: Ending,
    pub(super) style: Style,
    /// Whether stale windows are set.
    pub(super) has_windows: bool,
    /// Whether somebody asks between the write and the flight's end.
    pub(super) is_asked_meanwhile: bool,
}

impl Cell<'_> {
    pub(super) fn name(&self) -> String {
        let Self { row, flight, ending, style, has_windows, is_asked_meanwhile } = self;
        let name = row.name;
        format!("{name} × {flight:?} × {ending:?}, {style:?} loader, windows: {has_windows}, asked meanwhile: {is_asked_meanwhile}")
    }

    /// What the write does here.
    pub(super) fn effect(&self) -> Effect {
        let effect = if self.flight.is_over_held() { self.row.held } else { self.row.none };
        // A refresh was given the value, which is changed where it lies by nobody then.
        let is_in_hand = matches!(self.flight, Flight::Refresh | Flight::Background);
        match effect {
            Effect::Expires if !self.has_windows => Effect::Removes,
            _ if self.row.is_in_place && is_in_hand => Effect::Nothing,
            effect => effect,
        }
    }

    /// What everybody sees after the write, before anything is loaded.
    pub(super) fn leaves(&self) -> Option<u32> {
        match self.effect() {
            Effect::Writes(value) => Some(value),
            Effect::Nothing | Effect::Spares => self.flight.is_over_held().then_some(OLD),
            Effect::Removes | Effect::Expires | Effect::Bars | Effect::Senseless => None,
        }
    }

    pub(super) fn supersedes(&self) -> bool {
        self.effect() != Effect::Nothing
    }

    /// Whether a change of something else may be taken for one of what the flight brings, which is then not stored: as changes of keys, for what is
    /// brought unasked, and strikes of names that nobody carries are kept by buckets of their hash.
    pub(super) fn may_be_mistaken(&self) -> bool {
        self.flight.is_unasked() || self.row.name.ends_with("_tag of another")
    }

    /// Whether the flight can be joined after the write.
    pub(super) fn is_joinable(&self) -> bool {
        !self.flight.is_unasked() && (!self.supersedes() || self.row.when == When::Landing)
    }

    /// What everybody sees when the flight has ended and nobody has asked meanwhile.
    pub(super) fn ends_with(&self) -> Option<u32> {
        let is_stored = !self.supersedes() && self.ending == Ending::Lands && !(self.flight.is_unasked() && self.flight.is_over_held());
        if is_stored { Some(self.flight.brings()) } else { self.leaves() }
    }
}
