//! The service calls itself over HTTP and holds every answer to what it should be.

mod client;
mod ends;
mod scenes;
mod scrape;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use bellwether::BoxError;
use tokio::net::TcpListener;

use crate::check::client::Client;
use crate::options::Settings;
use crate::service::Service;
use crate::shop::db::Db;
use crate::shop::error::explain;
use crate::shop::progress;

/// How long a request waits that doesn't say: longer than any load.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one scene came to: a few words, or what was off.
type Outcome = Result<String, BoxError>;

/// What every scene needs.
struct Stage<'a> {
    client: Client,
    db: &'a Db,
    settings: &'a Settings,
}

/// Plays every scene and prints the table. Fails if anything is off.
pub(crate) async fn run(listener: TcpListener, db: &Db, settings: &Settings) -> Result<ExitCode, BoxError> {
    let service = Service::start(listener, db.clone(), settings, PATIENCE)?;
    let stage = Stage { client: Client::new(service.address)?, db, settings };

    let bar = progress::phase("checking", 10);
    let mut table = Vec::new();
    let mut note = |what, outcome: Outcome| {
        bar.inc(1);
        table.push((what, outcome));
    };
    note("a miss loads", scenes::miss(&stage).await);
    note("a hit doesn't", scenes::hit(&stage).await);
    note("a herd shares one load", scenes::herd(&stage).await);
    note("a read after a PUT sees the new price", scenes::write(&stage).await);
    note("a request that gives up", scenes::give_up(&stage).await);
    note("what isn't there", scenes::absent(&stage).await);
    note("what makes no sense", scenes::nonsense(&stage).await);
    note("the metrics", scenes::metrics(&stage).await);
    note("too many loads", ends::overloaded(&stage).await);
    note("the end", ends::stop(&stage, service).await);
    drop(bar);

    let failed = table.iter().filter(|(_, outcome)| outcome.is_err()).count();
    print(&table)?;
    if failed > 0 {
        return Err(format!("{failed} of {} checks failed", table.len()).into());
    }
    Ok(ExitCode::SUCCESS)
}

fn print(table: &[(&str, Outcome)]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (what, outcome) in table {
        match outcome {
            Ok(came) => writeln!(out, "ok     {what:<38} {came}")?,
            Err(error) => writeln!(out, "FAILS  {what:<38} {}", explain(error.as_ref()))?,
        }
    }
    Ok(())
}

/// An error unless it holds.
fn hold(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), BoxError> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}
