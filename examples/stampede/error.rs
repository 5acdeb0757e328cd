//! What a handler can fail with, and the HTTP answer to each.

use std::error::Error;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bellwether::LoadError;
use tokio::task::JoinError;

use crate::shop::error::DbError;

/// What a handler fails with. A type of the service's own is needed in any
/// case: axum's `IntoResponse` can't be implemented for another crate's error.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// There is no such item.
    NotFound,
    /// The cache couldn't load the item.
    Load(LoadError),
    /// The database failed a request that went past the cache.
    Db(DbError),
    /// The task that a request was handed to panicked.
    Task(JoinError),
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, error): (_, &dyn Error) = match &self {
            Self::NotFound => return StatusCode::NOT_FOUND.into_response(),
            Self::Load(error) if error.is_retryable() => (StatusCode::SERVICE_UNAVAILABLE, error),
            Self::Load(error) => (StatusCode::INTERNAL_SERVER_ERROR, error),
            Self::Db(error) => (StatusCode::SERVICE_UNAVAILABLE, error),
            Self::Task(error) => (StatusCode::INTERNAL_SERVER_ERROR, error),
        };
        (status, error.to_string()).into_response()
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
