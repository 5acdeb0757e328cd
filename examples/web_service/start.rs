//! What has to be there before the service can start: a port and a database. Each failure names what was given, and the remedy.

use std::io;
use std::net::Ipv4Addr;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bellwether::BoxError;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task;

use crate::options::Options;
use crate::shop::db::Db;
use crate::shop::error::{DbError, explain};
use crate::shop::progress::{self, say};
use crate::shop::schema::ITEMS;
use crate::stop::Stop;

/// The database, filled.
pub(crate) struct Database {
    pub(crate) db: Db,
    /// Where the file is, if it is to be gone at the end.
    _directory: Option<TempDir>,
}

/// Listens on the loopback port that was asked for.
pub(crate) async fn listen(options: &Options) -> Result<TcpListener, BoxError> {
    let port = if options.self_check { 0 } else { options.port };
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        let why = match error.kind() {
            io::ErrorKind::AddrInUse => "another program listens there".to_owned(),
            _ => error.to_string(),
        };
        format!("can't listen on 127.0.0.1:{port}: {why}; give another --port, or --port 0 for any that is free").into()
    })
}

/// Opens the database, and makes it where it isn't there yet.
pub(crate) async fn database(options: &Options, stop: &mut Stop) -> Result<Database, BoxError> {
    let (path, directory) = match &options.database {
        Some(path) => (path.clone(), None),
        None => {
            let directory = tempfile::tempdir().map_err(|error| format!("can't make a temporary directory: {error}; give a --database"))?;
            (directory.path().join("shop.db"), Some(directory))
        }
    };

    let stopping = Arc::new(AtomicBool::new(false));
    let mut opening = {
        let (path, rows, stopping) = (path.clone(), options.rows_to_fill(), Arc::clone(&stopping));
        task::spawn_blocking(move || open(&path, rows, &stopping))
    };
    let opened = tokio::select! {
        opened = &mut opening => opened?,
        () = stop.asked() => {
            stopping.store(true, Ordering::Relaxed);
            opening.await?
        }
    };
    let db = opened.map_err(|error| refused(&path, &error))?;

    let sales = sales(&db).await.map_err(|error| refused(&path, &error))?;
    if let Some(asked) = options.rows.filter(|&rows| i64::from(rows) != sales) {
        let path = path.display();
        return Err(format!("--rows is {asked}, but {path} has {sales} already; leave --rows out, or give another --database").into());
    }
    say(&format!("{}: {ITEMS} items, {sales} sales", path.display()));
    Ok(Database { db, _directory: directory })
}

/// What a query takes that reads through the whole ledger.
pub(crate) async fn cold_query(db: &Db) -> Result<Duration, DbError> {
    let mut shortest = Duration::MAX;
    // The first one also fetches the pages from the file.
    for _ in 0..3 {
        let began = Instant::now();
        db.item(1).await?;
        shortest = shortest.min(began.elapsed());
    }
    Ok(shortest)
}

fn open(path: &Path, rows: u32, stopping: &AtomicBool) -> Result<Db, DbError> {
    // Made when there is something to show: a file that is there needs no filling.
    let mut bar = None;
    Db::open(path, rows, |filled| {
        bar.get_or_insert_with(|| progress::phase("filling the database", rows.into())).set_position(filled.into());
        if stopping.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

async fn sales(db: &Db) -> Result<i64, DbError> {
    db.run(|connection| connection.query_row("SELECT count(*) FROM sales", [], |row| row.get(0))).await
}

fn refused(path: &Path, error: &DbError) -> BoxError {
    let remedy = match error {
        DbError::Stopped => "",
        _ => "; give a --database that is new or was made by this program, in a directory that can be written, or leave it out",
    };
    format!("can't use the database {}: {}{remedy}", path.display(), explain(error)).into()
}
