//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::capacity::Capacity;
use crate::policy::{Choice, Policy};
use crate::trace::{FORMS, Source};

/// Measures the hit ratios of eviction policies by running traces through the cache
#[derive(Parser)]
#[command(after_help = FORMS)]
pub(crate) struct Options {
    /// Files or generators, whose forms are listed below
    #[arg(long, value_name = "TRACE", value_delimiter = ',', required_unless_present = "self_check")]
    pub(crate) trace: Vec<Source>,

    /// Numbers of entries, or shares of a trace's different keys, such as 1% (rounded down, at least 32 entries)
    #[arg(long, value_name = "N", value_delimiter = ',', required_unless_present = "self_check")]
    pub(crate) capacity: Vec<Capacity>,

    /// Policies of the cache by their names; `lru-model`, a plain LRU that isn't the cache's; `opt`, Belady's optimum; or `all`
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "adaptive,lru,opt")]
    policy: Vec<Choice>,

    /// Shards of the cache [default: what the cache chooses]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=65_536))]
    shards: Option<u64>,

    /// How requests go to the cache
    #[arg(long, value_enum, default_value_t = Through::Get)]
    pub(crate) through: Through,

    /// Number that the cache's hasher is keyed by, so that a run can be repeated
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Cut each trace into N equal windows and give the hit ratio of each
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub(crate) curve: Option<u16>,

    /// Show what each cache says it would hit with other capacities, beside runs with these
    #[arg(long)]
    pub(crate) what_if: bool,

    /// Print JSON lines, one for each trace, capacity and policy
    #[arg(long, conflicts_with = "markdown")]
    pub(crate) json: bool,

    /// Print the table as Markdown
    #[arg(long)]
    pub(crate) markdown: bool,

    /// Draw the hit ratios over the capacities, or with --curve over the windows, into an SVG file
    #[arg(long, value_name = "FILE.svg", value_parser = drawing)]
    pub(crate) plot: Option<PathBuf>,

    /// Runs at a time [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,

    /// Check this program and the cache on generated traces, and fail if anything is off
    #[arg(long, exclusive = true)]
    pub(crate) self_check: bool,
}

/// How a request goes to the cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Through {
    /// `get`, and `insert` where that finds nothing
    Get,
    /// `fetch_with`, and a loader
    FetchWith,
}

impl Options {
    /// The policies that were asked for, each once.
    pub(crate) fn policies(&self) -> Vec<Policy> {
        let mut policies = Vec::new();
        for &policy in self.policy.iter().flat_map(|choice| &choice.0) {
            if !policies.contains(&policy) {
                policies.push(policy);
            }
        }
        policies
    }

    pub(crate) fn shards(&self) -> Option<usize> {
        self.shards.map(|shards| usize::try_from(shards).unwrap_or(usize::MAX))
    }

    pub(crate) fn jobs(&self) -> usize {
        match self.jobs {
            Some(jobs) => jobs.into(),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// A name that says what the file will hold, in a folder that is there: found out before the work, not after it.
fn drawing(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg")) {
        return Err("give a name that ends in .svg".to_owned());
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(format!("there is no folder {}: make it first", folder.display()))
        }
        _ => Ok(path),
    }
}
