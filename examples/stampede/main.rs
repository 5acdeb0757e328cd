//! Stampede: a web service over SQLite that is hit by a thundering herd, once without a cache and once through `bellwether`.
//!
//! ```text
//! cargo run --release --example stampede
//! cargo run --release --example stampede -- --requests 5000 --json
//! ```
//!
//! The service, which is the part to copy from, is in `service.rs`, `loader.rs`,
//! `error.rs` and, with its database, in `../shop`. The rest is the crowd that
//! calls it and the counting.

mod burst;
mod client;
mod error;
mod figures;
mod loader;
mod mix;
mod report;
mod service;
#[path = "../shop/mod.rs"]
mod shop;
mod updates;

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use bellwether::BoxError;
use clap::Parser;

use crate::client::{Client, Route};
use crate::report::{Comparison, Report};
use crate::service::Service;
use crate::shop::db::Db;
use crate::shop::error::{DbError, explain};
use crate::shop::progress;

/// Rows in the sales ledger.
const SALES: u32 = 100_000;

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
            progress::say(&format!("stampede: {}", explain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

/// Runs every phase against one service, in the order of the report.
async fn run(args: &Args) -> Result<Report, BoxError> {
    let dir = tempfile::tempdir()?;
    let db = create(&dir.path().join("shop.db"))?;
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

/// Creates the database and shows the progress.
fn create(path: &Path) -> Result<Db, DbError> {
    let bar = progress::phase("filling the database", SALES.into());
    Db::open(path, SALES, |sales| {
        bar.set_position(sales.into());
        ControlFlow::Continue(())
    })
}

/// Prints the report on stdout.
fn show(report: &Report, args: &Args) -> Result<(), BoxError> {
    let text = if args.json { serde_json::to_string(report)? } else { report.to_string() };
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}
