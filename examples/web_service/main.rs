//! A web service over SQLite to play with: every item is read through a `bellwether` cache.
//!
//! ```text
//! cargo run --release --example web_service
//! cargo run --release --example web_service -- --load-time-ms 2000 --abandoned cancel
//! curl -i http://127.0.0.1:8080/
//! ```
//!
//! `items.rs` has the handlers, `answer.rs` the HTTP answer to each failure,
//! `service.rs` the start and the end, `exposition.rs` the page of metrics. The
//! database is the one of the example `stampede`. With `--self-check` the
//! program is its own client and says whether all is as it should be.

mod answer;
mod check;
mod exposition;
mod items;
mod loader;
mod options;
mod service;
#[path = "../shop/mod.rs"]
mod shop;
mod start;
mod stop;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use bellwether::BoxError;
use clap::Parser;

use crate::options::Options;
use crate::service::{Ended, Service};
use crate::shop::error::explain;
use crate::shop::progress::say;
use crate::stop::Stop;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("web_service: {}", explain(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

/// Serves until it is told to stop, or checks itself.
async fn run(options: &Options) -> Result<ExitCode, BoxError> {
    let mut stop = Stop::listen()?;
    // Before the database, which takes longer.
    let listener = start::listen(options).await?;
    let database = start::database(options, &mut stop).await?;
    let settings = options.settings();
    if options.self_check {
        return check::run(listener, &database.db, &settings).await;
    }

    let patience = match options.request_timeout() {
        Some(patience) => patience,
        None => half_a_load(start::cold_query(&database.db).await? + settings.load_time),
    };
    let service = Service::start(listener, database.db.clone(), &settings, patience)?;
    // Whoever reads the address from a pipe may have gone by now.
    let _ = writeln!(io::stdout(), "listening on http://{}", service.address);
    say(&format!("requests wait at most {patience:?} for an item; `curl http://{}/` says what to try", service.address));

    stop.asked().await;
    say("stopping: no new requests; once more to stop at once");
    tokio::select! {
        ended = service.stop(options.grace()) => {
            say(&last_line(&ended, options.grace()));
            Ok(ExitCode::SUCCESS)
        }
        () = stop.asked() => {
            say("stopped at once: requests and loads under way were cut");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A time-out that the first request of an item can't keep, to show what becomes of its load.
fn half_a_load(load: Duration) -> Duration {
    let millis = u64::try_from(load.as_millis() / 2).unwrap_or(u64::MAX);
    Duration::from_millis(millis.max(1))
}

fn last_line(ended: &Ended, grace: Duration) -> String {
    let loads = match ended.loads_given_up {
        0 => "no load was given up".to_owned(),
        1 => format!("1 load was given up after {grace:?}"),
        loads => format!("{loads} loads were given up after {grace:?}"),
    };
    let requests = if ended.all_answered { "every request was answered" } else { "some connections were cut" };
    format!("stopped: {requests}, {loads}")
}
