//! The handlers of `/items/{id}`: read through the cache, write, delete.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bellwether::Source;
use serde::{Deserialize, Serialize};
use tokio::task;
use tokio::time::timeout;

use crate::answer::ApiError;
use crate::service::App;

/// The header by which a request says how long it waits, in milliseconds.
pub(crate) const PATIENCE: &str = "request-timeout-ms";
/// The header by which an answer says where the item came from.
pub(crate) const ORIGIN: &str = "x-cache";

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

/// Reads through the cache, for as long as the request has time.
pub(crate) async fn show(State(app): State<App>, Path(id): Path<i64>, headers: HeaderMap) -> Result<Response, ApiError> {
    let patience = patience(&headers)?.unwrap_or(app.patience);
    // The load isn't this request's: when the time is over, only the request has gone.
    let fetched = timeout(patience, app.cache.fetch_detailed(&id)).await;
    let fetched = fetched.map_err(|_| ApiError::GaveUp(patience))??;
    Ok(([(ORIGIN, origin(fetched.source))], Json(&*fetched.value)).into_response())
}

/// Writes to the database, then invalidates.
pub(crate) async fn update(State(app): State<App>, Path(id): Path<i64>, Json(new): Json<NewPrice>) -> Result<Json<Updated>, ApiError> {
    if new.price_cents < 0 {
        return Err(ApiError::Price(new.price_cents));
    }
    // Both in a task of their own, which runs to its end even if the client
    // hangs up and this handler is dropped halfway.
    let write = task::spawn(async move {
        let version = app.db.set_price(id, new.price_cents).await;
        // After the commit, so that a load that begins from here on reads the
        // new row; on an error too, since a commit may fail after the fact.
        app.cache.invalidate(&id);
        version
    });
    let version = write.await??.ok_or(ApiError::NotFound)?;
    Ok(Json(Updated { version }))
}

/// Deletes from the database, then invalidates.
pub(crate) async fn delete(State(app): State<App>, Path(id): Path<i64>) -> Result<StatusCode, ApiError> {
    let write = task::spawn(async move {
        let rows = app.db.run(move |connection| connection.execute("DELETE FROM items WHERE id = ?1", [id])).await;
        app.cache.invalidate(&id);
        rows
    });
    match write.await?? {
        0 => Err(ApiError::NotFound),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// How long the request waits, if it says so.
fn patience(headers: &HeaderMap) -> Result<Option<Duration>, ApiError> {
    let Some(value) = headers.get(PATIENCE) else { return Ok(None) };
    let millis = value.to_str().ok().and_then(|text| text.parse().ok());
    millis.map(|millis| Some(Duration::from_millis(millis))).ok_or(ApiError::Patience)
}

fn origin(source: Source) -> &'static str {
    match source {
        Source::Hit => "hit",
        Source::Loaded => "loaded",
        Source::Joined => "joined",
        _ => "other",
    }
}
