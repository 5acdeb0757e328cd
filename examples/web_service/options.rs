//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use bellwether::AbandonedLoads;
use clap::{Parser, ValueEnum};

/// Rows of the sales ledger: enough for a query that takes tens of milliseconds.
const ROWS: u32 = 1_000_000;
/// Rows where nobody waits for the query but the program itself.
const ROWS_FOR_CHECK: u32 = 20_000;
/// What a load takes on top of its query where the program checks itself.
const LOAD_TIME_FOR_CHECK: u64 = 250;

/// Serves the items of a shop over HTTP, read through a cache.
#[derive(Parser)]
pub(crate) struct Options {
    /// Loopback port to listen on; 0 for any that is free
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,

    /// Rows in the sales ledger, which a cold item's query reads through [default: 1000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20_000_000))]
    pub(crate) rows: Option<u32>,

    /// Database file, made and filled if it isn't there [default: a temporary one]
    #[arg(long, value_name = "PATH")]
    pub(crate) database: Option<PathBuf>,

    /// Milliseconds that a load takes on top of its query, as over a slow network [default: 0]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    load_time_ms: Option<u64>,

    /// Milliseconds that a load may take
    #[arg(long, value_name = "MS", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    load_timeout_ms: u64,

    /// Milliseconds that a request waits for its item, unless it has a header `request-timeout-ms` [default: half of what a load takes]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    request_timeout_ms: Option<u64>,

    /// Seconds that an item is held
    #[arg(long, value_name = "SECONDS", default_value = "60", allow_negative_numbers = true, value_parser = seconds)]
    ttl: Duration,

    /// Loads that run at a time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    max_concurrent_loads: u64,

    /// Loads that may wait for their turn; who would start one beyond that gets 503
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_queued_loads: u64,

    /// What becomes of a load when all who waited for it have gone
    #[arg(long, value_enum, default_value_t = Abandoned::Finish)]
    abandoned: Abandoned,

    /// Milliseconds that requests and loads have to end when the service stops
    #[arg(long, value_name = "MS", default_value_t = 5000, value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    grace_ms: u64,

    /// Call the service over HTTP, print what came of it, and fail if anything is off
    #[arg(long, conflicts_with_all = ["port", "database", "request_timeout_ms"])]
    pub(crate) self_check: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Abandoned {
    /// It goes on and is stored
    Finish,
    /// It is dropped
    Cancel,
}

/// What the cache is built with.
#[derive(Clone)]
pub(crate) struct Settings {
    /// What a load takes on top of its query.
    pub(crate) load_time: Duration,
    pub(crate) load_timeout: Duration,
    pub(crate) time_to_live: Duration,
    pub(crate) max_concurrent_loads: u64,
    pub(crate) max_queued_loads: u64,
    pub(crate) abandoned: AbandonedLoads,
}

impl Options {
    /// Rows for a database that has to be filled.
    pub(crate) fn rows_to_fill(&self) -> u32 {
        self.rows.unwrap_or(if self.self_check { ROWS_FOR_CHECK } else { ROWS })
    }

    pub(crate) fn request_timeout(&self) -> Option<Duration> {
        self.request_timeout_ms.map(Duration::from_millis)
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }

    pub(crate) fn settings(&self) -> Settings {
        let load_time = self.load_time_ms.unwrap_or(if self.self_check { LOAD_TIME_FOR_CHECK } else { 0 });
        Settings {
            load_time: Duration::from_millis(load_time),
            load_timeout: Duration::from_millis(self.load_timeout_ms),
            time_to_live: self.ttl,
            max_concurrent_loads: self.max_concurrent_loads,
            max_queued_loads: self.max_queued_loads,
            abandoned: match self.abandoned {
                Abandoned::Finish => AbandonedLoads::Finish,
                Abandoned::Cancel => AbandonedLoads::Cancel,
            },
        }
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "give a number of seconds, such as 60 or 0.5".to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|_| "give a number of seconds from 0 to 18446744073709551615".to_owned())
}
