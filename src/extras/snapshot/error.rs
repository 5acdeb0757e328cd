//! What can go wrong with a snapshot.

use crate::vocabulary::error::BoxError;
use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a snapshot could not be saved or restored.
///
/// A save that fails leaves the file that was there whole, and a restore that fails leaves the cache as it was.
///
/// # Examples
/// ```
/// use bellwether::{Cache, Snapshot, SnapshotError};
///
/// let cache = Cache::<u32, String>::builder().build()?;
/// let error = Snapshot::new().load(&cache, &b"something else"[..]).expect_err("it is none");
/// assert!(matches!(error, SnapshotError::NotASnapshot));
/// assert_eq!(error.to_string(), "this is not a snapshot: it doesn't begin as one");
/// # Ok::<(), bellwether::BuildError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum SnapshotError {
    /// A file, or what was given to write to or to read from, has failed.
    #[non_exhaustive]
    Io {
        /// What was being done: `"write"`, `"read"`, `"create"`, `"rename"` and the like.
        doing: &'static str,
        /// The file that it was done to, where there is one.
        path: Option<PathBuf>,
        /// What the system says.
        source: io::Error,
    },
    /// What was read doesn't begin as a snapshot does.
    NotASnapshot,
    /// The snapshot is written in a version of the format that this release can't read.
    #[non_exhaustive]
    UnknownVersion {
        /// The version that it says it has.
        found: u16,
    },
    /// The snapshot has another [schema number](crate::Snapshot::schema).
    #[non_exhaustive]
    WrongSchema {
        /// The snapshot's number.
        found: u32,
        /// The number asked for.
        expected: u32,
    },
    /// The snapshot was written by another [codec](crate::SnapshotCodec).
    #[non_exhaustive]
    WrongCodec {
        /// The name of the snapshot's.
        found: String,
        /// The name of the one asked for.
        expected: String,
    },
    /// The snapshot ends before its end.
    #[non_exhaustive]
    Cut {
        /// How many bytes there are.
        at: u64,
    },
    /// What was read isn't what was written.
    #[non_exhaustive]
    Damaged {
        /// The bytes before what is damaged.
        at: u64,
        /// What is damaged.
        what: &'static str,
    },
    /// The codec could not write a key or a value, or a key's `Clone` panicked.
    #[non_exhaustive]
    NotEncoded {
        /// What it could not write.
        part: SnapshotPart,
        /// How many entries were written before.
        written: u64,
        /// What the codec says; for a panic, its message.
        source: BoxError,
    },
    /// The codec could not read a key or a value, though it is as it was written: the types don't fit, say; or a key's `Hash` panicked.
    #[non_exhaustive]
    NotDecoded {
        /// What it could not read.
        part: SnapshotPart,
        /// How many entries were read before.
        read: u64,
        /// What the codec says; for a panic, its message.
        source: BoxError,
    },
    /// An entry is longer than four gigabytes.
    #[non_exhaustive]
    TooLong {
        /// How many entries were written before.
        written: u64,
    },
    /// The cache has ended meanwhile, and was emptied.
    Ended,
}

/// A part of an entry.
///
/// # Examples
/// ```
/// assert_eq!(bellwether::SnapshotPart::Key.to_string(), "key");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum SnapshotPart {
    /// Its key.
    Key,
    /// Its value.
    Value,
}

impl fmt::Display for SnapshotPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Value => "value",
        })
    }
}

impl SnapshotError {
    /// The same error, with the file that it happened to where it isn't known yet.
    pub(super) fn in_file(mut self, file: &Path) -> Self {
        if let Self::Io { path, .. } = &mut self {
            path.get_or_insert_with(|| file.to_owned());
        }
        self
    }

    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = Some(path.to_owned());
        move |source| Self::Io { doing, path, source }
    }

    /// Whether there is no such file.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { doing, path: Some(path), .. } => write!(f, "could not {doing} {}", path.display()),
            Self::Io { doing, path: None, .. } => write!(f, "could not {doing} a snapshot"),
            Self::NotASnapshot => f.write_str("this is not a snapshot: it doesn't begin as one"),
            Self::UnknownVersion { found } => write!(f, "the snapshot has version {found} of the format, which is not known here"),
            Self::WrongSchema { found, expected } => write!(f, "the snapshot has schema {found}, and {expected} was asked for"),
            Self::WrongCodec { found, expected } => {
                write!(f, "the snapshot was written by the codec {found}, and {expected} was asked for")
            }
            Self::Cut { at } => write!(f, "the snapshot is cut off after {at} bytes"),
            Self::Damaged { at, what } => write!(f, "the snapshot is damaged at byte {at}: {what} is not as it was written"),
            Self::NotEncoded { part, written, .. } => {
                write!(f, "could not encode the {part} of entry {written}, after as many were written")
            }
            Self::NotDecoded { part, read, .. } => write!(f, "could not decode the {part} of entry {read}, after as many were read"),
            Self::TooLong { written } => write!(f, "entry {written} is longer than four gigabytes"),
            Self::Ended => f.write_str("the cache has ended while it was saved"),
        }
    }
}

impl Error for SnapshotError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::NotEncoded { source, .. } | Self::NotDecoded { source, .. } => Some(&**source),
            Self::NotASnapshot
            | Self::UnknownVersion { .. }
            | Self::WrongSchema { .. }
            | Self::WrongCodec { .. }
            | Self::Cut { .. }
            | Self::Damaged { .. }
            | Self::TooLong { .. }
            | Self::Ended => None,
        }
    }
}
