//! The program checks itself and the cache, on generated traces and files of its own.

mod files;
mod generators;
mod options;
mod policies;
mod yardsticks;

use std::io::Write;
use std::time::Instant;

use bellwether::BoxError;
use indicatif::ProgressBar;

use crate::measure::replay::Replay;
use crate::trace::{Source, Trace};

type Check = fn() -> Result<(), BoxError>;

/// What is checked, in the order of what builds on what.
const CHECKS: [(&str, Check); 15] = [
    ("files of every form are read as they were written", files::every_form_is_read),
    ("broken files are refused, with the place and the remedy", files::broken_files_are_refused),
    ("a generator makes the same requests each time, and others for another seed", generators::repeat_themselves),
    ("generated traces have the shapes that they are named after", generators::have_their_shapes),
    ("wrong generators are refused by name", generators::wrong_ones_are_refused),
    ("wrong options are refused by name", options::wrong_ones_are_refused),
    ("a share of the keys is rounded down and is at least 32 entries", options::shares_of_keys),
    ("opt hits as often as a search for the furthest request does", yardsticks::opt_agrees_with_a_search),
    ("opt and lru-model hit as they must on a loop", yardsticks::loops_are_as_they_must_be),
    ("LRU in one shard is the model, window by window, by get and by fetch_with", policies::lru_is_the_model),
    ("a run can be repeated", policies::runs_repeat_themselves),
    ("no policy beats opt, in one shard or more", policies::opt_is_not_beaten),
    ("points come in order, and their figures add up", policies::figures_add_up),
    ("a phase change shows in the curve", policies::phases_show),
    ("what is told of other capacities stands beside runs with these", policies::what_if_is_held_against_runs),
];

/// Runs all checks and ends with the first that fails.
pub(crate) fn run(out: &mut impl Write) -> Result<(), BoxError> {
    for (promise, check) in CHECKS {
        let began = Instant::now();
        check().map_err(|error| format!("self-check failed: {promise}: {error}"))?;
        writeln!(out, "ok {:>5} ms  {promise}", began.elapsed().as_millis())?;
    }
    Ok(())
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

/// The trace of a generator.
fn generated(spec: &str) -> Result<Trace, BoxError> {
    spec.parse::<Source>()?.load()
}

/// Counts the hits of each of ten windows.
fn counted(trace: &Trace, count: impl FnOnce(&Replay<'_>) -> Result<Vec<u64>, BoxError>) -> Result<Vec<u64>, BoxError> {
    count(&Replay { trace, windows: 10, bar: &ProgressBar::hidden() })
}
