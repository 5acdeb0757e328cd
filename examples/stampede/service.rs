//! The web service: its state, its routes and its three handlers.

use std::net::{Ipv4Addr, SocketAddr};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bellwether::{AsyncCache, BoxError};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task;

use crate::error::ApiError;
use crate::loader::item_cache;
use crate::shop::db::{Db, Item};

/// The service, running.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// The database behind it, for its count of queries.
    pub(crate) db: Db,
    /// The cache in front of that, for its counters.
    pub(crate) cache: AsyncCache<i64, Item>,
}

/// What every handler gets. Cloning it clones handles, not data.
#[derive(Clone)]
struct App {
    db: Db,
    cache: AsyncCache<i64, Item>,
}

/// The body of a `PUT`.
#[derive(Serialize, Deserialize)]
pub(crate) struct NewPrice {
    pub(crate) price_cents: i64,
}

/// The answer to a `PUT`: readers from now on see this version or a later one.
#[derive(Serialize, Deserialize)]
pub(crate) struct Updated {
    pub(crate) version: i64,
}

impl Service {
    /// Starts serving on a free loopback port.
    pub(crate) async fn start(db: Db) -> Result<Self, BoxError> {
        let cache = item_cache(db.clone())?;
        let app = App { db: db.clone(), cache: cache.clone() };
        let router = Router::new()
            .route("/items/{id}", get(show_item).put(update_item))
            .route("/uncached/items/{id}", get(show_item_uncached))
            .with_state(app);

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, db, cache })
    }
}

/// Reads through the cache: however many ask at once, the database is asked
/// once.
async fn show_item(State(app): State<App>, Path(id): Path<i64>) -> Result<Response, ApiError> {
    let item = app.cache.fetch_optional(&id).await?;
    let item = item.ok_or(ApiError::NotFound)?;
    Ok(Json(&*item).into_response())
}

/// The same page with no cache, for comparison.
async fn show_item_uncached(State(app): State<App>, Path(id): Path<i64>) -> Result<Json<Item>, ApiError> {
    let item = app.db.item(id).await?;
    item.map(Json).ok_or(ApiError::NotFound)
}

/// Writes to the database, then invalidates.
async fn update_item(State(app): State<App>, Path(id): Path<i64>, Json(change): Json<NewPrice>) -> Result<Json<Updated>, ApiError> {
    // Both in a task of their own, which runs to its end even if the client
    // hangs up and this handler is dropped halfway.
    let write = task::spawn(async move {
        let version = app.db.set_price(id, change.price_cents).await;
        // After the commit, so that a load that begins from here on reads the
        // new row; on an error too, since a commit may fail after the fact.
        app.cache.invalidate(&id);
        version
    });
    let version = write.await??.ok_or(ApiError::NotFound)?;
    Ok(Json(Updated { version }))
}
