//! Hit ratio: runs traces through the cache, by its public interface, and says how many requests were hits under each policy.
//!
//! ```text
//! cargo run --release --example hit_ratio -- --trace OLTP.lis --capacity 1000,1%,5%,20% --policy all --shards 1
//! cargo run --release --example hit_ratio -- --trace zipf:100000:2000000:0.9 --capacity 1000 --policy adaptive,lru,opt --json
//! cargo run --release --example hit_ratio -- --trace phase:2000:400000:2 --capacity 1000 --curve 50 --plot phases.svg
//! cargo run --release --example hit_ratio -- --trace a.u64.zst,b.txt --capacity 1% --policy adaptive --what-if
//! ```
//!
//! Each request is a lookup that inserts what it doesn't find, every entry weighs one, and the cache is empty at the start. The output is
//! a table of hit ratios in per cent (with `--markdown` one for documents, with `--json` a line for each point, ratios between 0 and 1), in
//! the order of what was asked for. Two yardsticks stand beside the cache's policies: `lru-model`, a list that has nothing to do with the
//! cache, and `opt`, which knows the future. Hits are counted by what callers see, and the program fails if the cache's own metrics say
//! something else. Several runs go on at a time, which slows each down: for their speed give `--jobs 1`.
//!
//! # Traces
//!
//! A trace is a file or a generator. A name's end tells what a file holds; with a further `.zst` it is compressed.
//!
//! | trace | what it is |
//! |---|---|
//! | `NAME.u64` | keys of eight bytes, little-endian |
//! | `NAME.lis` | lines `start count …` of the ARC paper's traces: a run of requests each |
//! | any other file | one key a line: a whole number below 2^64, or a text, for which its hash stands; lines `*` are left out |
//! | `zipf:KEYS:REQUESTS[:EXPONENT[:SEED]]` | keys by Zipf's law, exponent 1 unless given |
//! | `loop:KEYS:REQUESTS` | all keys in turn |
//! | `scan:REQUESTS` | no key twice |
//! | `scan:KEYS:REQUESTS[:LENGTH[:SEED]]` | `LENGTH` requests by Zipf's law, then a scan as long, and so on |
//! | `phase:KEYS:REQUESTS[:CYCLES[:SEED]]` | recency → loop → recency → …, with `CYCLES` loops, two unless given |
//!
//! # Where what is
//!
//! `trace` reads and makes requests, `measure` counts hits (`measure/cache.rs` is what asks the cache), `show` prints and draws, and
//! `check` is what `--self-check` runs: this program and the cache, held against each other on generated traces.

mod capacity;
mod check;
mod measure;
mod options;
mod policy;
#[path = "../shop/progress.rs"]
mod progress;
mod show;
mod trace;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use bellwether::BoxError;
use clap::Parser;

use crate::measure::plan::Plan;
use crate::options::Options;
use crate::show::plot;
use crate::show::report::Report;

fn main() -> ExitCode {
    let options = Options::parse();
    let mut out = io::stdout();
    let outcome = if options.self_check { check::run(&mut out) } else { run(&options, &mut out) };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has seen enough.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            progress::say(&format!("hit_ratio: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs all traces, one after the other, so that only one at a time is held.
fn run(options: &Options, out: &mut impl Write) -> Result<(), BoxError> {
    for source in &options.trace {
        source.probe()?;
    }
    let (plan, report) = (Plan::of(options), Report::of(options));
    let mut points = Vec::new();
    report.begin(out)?;
    for source in &options.trace {
        let trace = source.load()?;
        let measured = plan.run(&trace)?;
        report.trace(out, &measured)?;
        points.extend(measured);
    }
    report.end(out, &points)?;
    match &options.plot {
        Some(path) => plot::draw(&points, &plan.policies, path),
        None => Ok(()),
    }
}
