//! What can go wrong in the database.

use std::error::Error;
use std::fmt;
use std::iter;

use tokio::task::JoinError;

/// The database didn't answer.
#[derive(Debug)]
pub(crate) enum DbError {
    /// No connection came free in time.
    Pool(r2d2::Error),
    /// SQLite refused a statement, or the file.
    Sqlite(rusqlite::Error),
    /// The thread that asked SQLite panicked.
    Task(JoinError),
    /// The file holds tables that aren't the shop's.
    Foreign,
    /// Whoever was told of the progress didn't want the file to be filled any further.
    Stopped,
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pool(_) => f.write_str("no database connection came free"),
            Self::Sqlite(_) => f.write_str("SQLite failed"),
            Self::Task(_) => f.write_str("the database's thread panicked"),
            Self::Foreign => f.write_str("the file is another program's database"),
            Self::Stopped => f.write_str("stopped before the database was filled"),
        }
    }
}

impl Error for DbError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Pool(source) => Some(source),
            Self::Sqlite(source) => Some(source),
            Self::Task(source) => Some(source),
            Self::Foreign | Self::Stopped => None,
        }
    }
}

impl From<r2d2::Error> for DbError {
    fn from(source: r2d2::Error) -> Self {
        Self::Pool(source)
    }
}

impl From<rusqlite::Error> for DbError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Sqlite(source)
    }
}

impl From<JoinError> for DbError {
    fn from(source: JoinError) -> Self {
        Self::Task(source)
    }
}

/// An error with all its causes, on one line.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
