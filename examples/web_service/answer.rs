//! What a request can fail with, and the HTTP answer to each.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use bellwether::{LoadError, LoadErrorKind};
use tokio::task::JoinError;

use crate::items::PATIENCE;
use crate::shop::error::{DbError, explain};

/// What a handler fails with.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// There is no such item.
    NotFound,
    /// The header that says how long a request waits isn't a number.
    Patience,
    /// The price is below zero.
    Price(i64),
    /// The request's own time was over before the load's.
    GaveUp(Duration),
    /// The cache couldn't load the item.
    Load(LoadError),
    /// The database failed a write.
    Db(DbError),
    /// The task that does the writing panicked.
    Task(JoinError),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, text) = match &self {
            Self::NotFound | Self::Load(LoadError::Absent) => (StatusCode::NOT_FOUND, "there is no such item".to_owned()),
            Self::Patience => (StatusCode::BAD_REQUEST, format!("{PATIENCE} must be a number of milliseconds")),
            Self::Price(cents) => (StatusCode::UNPROCESSABLE_ENTITY, format!("price_cents is {cents}: it must not be below zero")),
            Self::GaveUp(after) => (StatusCode::GATEWAY_TIMEOUT, format!("not loaded within {after:?}; ask again")),
            // Too much to do, or about to stop: later, or another process, will do.
            Self::Load(error) if error.is_retryable() || error.kind() == LoadErrorKind::Closed => {
                (StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
            Self::Load(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
            Self::Db(error) => (StatusCode::SERVICE_UNAVAILABLE, explain(error)),
            Self::Task(error) => (StatusCode::INTERNAL_SERVER_ERROR, explain(error)),
        };
        let text = text + "\n";
        if status == StatusCode::SERVICE_UNAVAILABLE {
            return (status, [(RETRY_AFTER, "1")], text).into_response();
        }
        (status, text).into_response()
    }
}

impl From<LoadError> for ApiError {
    fn from(error: LoadError) -> Self {
        Self::Load(error)
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<JoinError> for ApiError {
    fn from(error: JoinError) -> Self {
        Self::Task(error)
    }
}
