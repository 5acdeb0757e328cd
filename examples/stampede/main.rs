//! Stampede: a web service over SQLite that is hit by a thundering herd, once without a cache and once through `bellwether`.
//!
//! ```text
//! cargo run --release --example stampede
//! cargo run --release --example stampede -- --requests 5000 --json
//! ```
//!
//! The service, which is the part to copy from, is in `service.rs`, `loader.rs`,
//! `db.rs` and `error.rs`. The rest is the crowd that calls it and the counting.

mod burst;
mod client;
mod db;
mod error;
mod figures;
mod loader;
mod mix;
mod progress;
mod report;
mod schema;
mod service;
mod updates;

use std::io::{self, Write};
use std::process::ExitCode;

use bellwether::BoxError;
use clap::Parser;

use crate::client::{Client, Route};
use crate::db::Db;
use crate::report::{Comparison, Report};
use crate::service::Service;

/// Shows what a stampede costs a database, with and without a cache.
#[derive(Parser)]
struct Args {
    /// Requests sent at once for one cold key
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    requests: u32,

    /// Print one JSON object instead of the table
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let outcome = match run(&args).await {
        Ok(report) => show(&report, &args).and_then(|()| report.verdict()),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            progress::say(&format!("stampede: {}", report::explain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

/// Runs every phase against one service, in the order of the report.
async fn run(args: &Args) -> Result<Report, BoxError> {
    let dir = tempfile::tempdir()?;
    let db = Db::create(&dir.path().join("shop.db"))?;
    let service = Service::start(db).await?;
    let client = Client::connect(service.address, args.requests.max(mix::AT_ONCE.into())).await?;

    let burst = Comparison {
        uncached: burst::run(&service, &client, Route::Uncached, args.requests).await?,
        cached: burst::run(&service, &client, Route::Cached, args.requests).await?,
    };

    let plan = mix::Plan::everyday(mix::time_per_query(&client).await?)?;
    // The mix, too, begins with nothing in the cache.
    service.cache.clear();
    let mix = Comparison {
        uncached: mix::run(&service, &client, Route::Uncached, &plan).await?,
        cached: mix::run(&service, &client, Route::Cached, &plan).await?,
    };

    let updates = updates::run(&service, &client).await?;
    Ok(Report { burst, mix, updates })
}

/// Prints the report on stdout.
fn show(report: &Report, args: &Args) -> Result<(), BoxError> {
    let text = if args.json { serde_json::to_string(report)? } else { report.to_string() };
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}
