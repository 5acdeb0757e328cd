//! A table of the methods: what each gives and leaves where a value is held that everybody may see, and where none is.

use super::scene::Hands;
use std::sync::Arc;

pub(super) const KEY: u32 = 7;
/// The value that a test begins with.
pub(super) const OLD: u32 = 1;
/// The value that calls bring, where they bring one.
pub(super) const NEW: u32 = 2;

/// What a call gives and leaves.
#[derive(Clone, Copy)]
pub(super) struct Outcome {
    pub(super) gives: &'static str,
    /// What it leaves in the place of what it found, where it writes.
    pub(super) writes: Option<u32>,
}

pub(super) struct Row {
    pub(super) name: &'static str,
    /// Calls, and says what it gave.
    pub(super) call: fn(&Hands<u32, u32>) -> String,
    /// Where the old value is held.
    pub(super) held: Outcome,
    /// Where none is.
    pub(super) none: Outcome,
    /// Whether it works on the value itself.
    pub(super) is_in_place: bool,
}

/// What is held, stale or not.
fn any(cache: &Hands<u32, u32>) -> Arc<u32> {
    cache.sync().fetch_stale(&KEY).map_or_else(|| Arc::new(OLD), |fetched| fetched.value)
}

fn tenth(value: &mut u32) -> u32 {
    *value += 10;
    *value
}

const fn row(name: &'static str, call: fn(&Hands<u32, u32>) -> String, held: Outcome, none: Outcome) -> Row {
    Row { name, call, held, none, is_in_place: false }
}

const fn gives(gives: &'static str) -> Outcome {
    Outcome { gives, writes: None }
}

const fn writes(gives: &'static str, value: u32) -> Outcome {
    Outcome { gives, writes: Some(value) }
}

/// Each method once, and `compare_and_swap` twice.
pub(super) fn rows() -> [Row; 9] {
    [
        row("insert_if_absent", |cache| format!("{:?}", cache.insert_if_absent(KEY, NEW)), gives("Some(1)"), writes("None", NEW)),
        row("replace", |cache| format!("{:?}", cache.replace(KEY, NEW)), writes("Some(1)", NEW), gives("None")),
        row(
            "compare_and_swap",
            |cache| format!("{:?}", cache.compare_and_swap(&KEY, &any(cache), NEW)),
            writes("Ok(())", NEW),
            gives("Err(2)"),
        ),
        row(
            "compare_and_swap of another",
            |cache| format!("{:?}", cache.compare_and_swap(&KEY, &Arc::new(OLD), NEW)),
            gives("Err(2)"),
            gives("Err(2)"),
        ),
        row("compute", |cache| format!("{:?}", cache.compute(&KEY, |value| *value += 10)), writes("true", OLD + 10), gives("false")),
        row("compute_val", |cache| format!("{:?}", cache.compute_val(&KEY, tenth)), writes("Some(11)", OLD + 10), gives("None")),
        row("upsert", |cache| format!("{:?}", cache.upsert(KEY, || 100, tenth)), writes("11", OLD + 10), writes("110", 110)),
        Row {
            is_in_place: true,
            ..row(
                "try_compute",
                |cache| format!("{:?}", cache.try_compute(&KEY, |value| *value += 10)),
                writes("Done(())", OLD + 10),
                gives("Absent"),
            )
        },
        Row {
            is_in_place: true,
            ..row(
                "try_compute_val",
                |cache| format!("{:?}", cache.try_compute_val(&KEY, tenth)),
                writes("Done(11)", OLD + 10),
                gives("Absent"),
            )
        },
    ]
}
