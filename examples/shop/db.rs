//! The repository: a pool of SQLite connections, the two things asked of it, and a count of the queries.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::task;

use super::error::DbError;
use super::schema;

/// Connections in the pool, which all requests share.
const CONNECTIONS: u8 = 4;

/// Sales written between two words on the progress.
const STEP: u32 = 20_000;

/// What a product page shows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) price_cents: i64,
    /// Grows by one with every update, so that a reader can tell old from new.
    pub(crate) version: i64,
    pub(crate) sales: i64,
    pub(crate) units_sold: i64,
}

/// A handle to the database. Clones share the pool and the count.
#[derive(Clone)]
pub(crate) struct Db {
    pool: Pool<SqliteConnectionManager>,
    /// One permit for each connection. Tasks wait for it in line, first come,
    /// first served, where threads would crowd round the pool in no order.
    turns: Arc<Semaphore>,
    /// Product pages asked of the database.
    queries: Arc<AtomicU64>,
}

impl Db {
    /// Opens the file at `path`. Where it is new, the tables are made, with `sales` rows in the ledger: all or nothing of it, and `filled` is
    /// told how many there are so far and whether to go on. Where it is the shop's, it is taken as it is. Blocks.
    pub(crate) fn open(path: &Path, sales: u32, filled: impl FnMut(u32) -> ControlFlow<()>) -> Result<Self, DbError> {
        // By itself first: the pool would try again for half a minute.
        let mut connection = Connection::open(path)?;
        prepare(&mut connection, sales, filled)?;
        drop(connection);

        let manager = SqliteConnectionManager::file(path).with_init(|connection| connection.execute_batch(schema::CONNECTION));
        let pool = Pool::builder().max_size(CONNECTIONS.into()).build(manager)?;
        Ok(Self { pool, turns: Arc::new(Semaphore::new(CONNECTIONS.into())), queries: Arc::default() })
    }

    /// The product page of one item, or `None` where there is no such item.
    pub(crate) async fn item(&self, id: i64) -> Result<Option<Item>, DbError> {
        let queries = Arc::clone(&self.queries);
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(schema::ITEM_PAGE)?;
            // Relaxed: a count that nothing else hangs on.
            queries.fetch_add(1, Ordering::Relaxed);
            statement.query_row([id], Item::from_row).optional()
        })
        .await
    }

    /// Changes an item's price. Returns the row's new version once it is
    /// committed, or `None` where there is no such item.
    pub(crate) async fn set_price(&self, id: i64, cents: i64) -> Result<Option<i64>, DbError> {
        self.run(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(schema::SET_PRICE, [id, cents])?;
            let version = transaction.query_row(schema::VERSION, [id], |row| row.get(0)).optional()?;
            transaction.commit()?;
            Ok(version)
        })
        .await
    }

    /// Product pages asked of the database so far.
    pub(crate) fn queries(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }

    /// Does `work` with a connection, on a thread that may block.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DbError> {
        let turns = Arc::clone(&self.turns);
        let turn = turns.acquire_owned().await.expect("nothing closes it");
        let pool = self.pool.clone();
        let done = task::spawn_blocking(move || {
            // Kept until the work is done, whether or not the caller still waits.
            let _turn = turn;
            let mut connection = pool.get()?;
            Ok(work(&mut connection)?)
        });
        done.await?
    }
}

/// Makes the tables and fills them, unless that has been done.
fn prepare(connection: &mut Connection, sales: u32, mut filled: impl FnMut(u32) -> ControlFlow<()>) -> Result<(), DbError> {
    // Before anything is changed: the file may be another program's.
    let done = is_filled(connection)?;
    connection.execute_batch(schema::CONNECTION)?;
    if done {
        return Ok(());
    }

    // One transaction: a program that is killed meanwhile leaves an empty file, not half a shop.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Again: another process may have been faster.
    if is_filled(&transaction)? {
        return Ok(());
    }
    transaction.execute_batch(&schema::create())?;
    let mut last = 0;
    while last < sales {
        let first = last + 1;
        last = sales.min(last.saturating_add(STEP));
        transaction.execute_batch(&schema::add_sales(first, last))?;
        if filled(last).is_break() {
            return Err(DbError::Stopped);
        }
    }
    transaction.execute_batch("ANALYZE")?;
    transaction.pragma_update(None, "application_id", schema::APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

/// Whether the file is the shop's and filled, rather than new.
fn is_filled(connection: &Connection) -> Result<bool, DbError> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (id, tables) {
        (schema::APPLICATION_ID, _) => Ok(true),
        (0, 0) => Ok(false),
        _ => Err(DbError::Foreign),
    }
}

impl Item {
    /// Reads a row of [`schema::ITEM_PAGE`].
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            category: row.get(2)?,
            price_cents: row.get(3)?,
            version: row.get(4)?,
            sales: row.get(5)?,
            units_sold: row.get(6)?,
        })
    }
}
