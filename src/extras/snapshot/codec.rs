//! Codecs: how keys and values are written.

use super::error::{SnapshotError, SnapshotPart};
use crate::ground::contain::contain;
use crate::vocabulary::error::BoxError;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How keys or values of type `T` are written in a snapshot, and read.
///
/// [`Postcard`] is the default. A codec of one's own is for other needs: a format that older types can be read from, compression, encryption, or types
/// that don't know `serde`. It runs under no lock. An error or a panic in it fails the save or the restore, and nothing else.
///
/// # Examples
/// ```
/// use bellwether::{BoxError, Cache, Snapshot, SnapshotCodec};
/// use serde::{Serialize, de::DeserializeOwned};
///
/// struct Json;
///
/// impl<T: Serialize + DeserializeOwned> SnapshotCodec<T> for Json {
///     fn name(&self) -> &str {
///         "json"
///     }
///     fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), BoxError> {
///         Ok(serde_json::to_writer(out, value)?)
///     }
///     fn decode(&self, bytes: &[u8]) -> Result<T, BoxError> {
///         Ok(serde_json::from_slice(bytes)?)
///     }
/// }
///
/// let cache = Cache::<String, Vec<u32>>::builder().build()?;
/// cache.insert("primes".to_owned(), vec![2, 3, 5]);
/// let mut bytes = Vec::new();
/// Snapshot::new().codec(Json).save(&cache, &mut bytes)?;
/// assert!(String::from_utf8_lossy(&bytes).contains("[2,3,5]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait SnapshotCodec<T>: Send + Sync + 'static {
    /// What it is called, at most 255 bytes of it: a snapshot that was written by a codec of another name isn't read. It should change where the codec
    /// changes so that it can't read any more what it wrote.
    fn name(&self) -> &str;

    /// Appends `value` to `out`.
    ///
    /// # Errors
    /// If the value can't be written. Then nothing is saved.
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), BoxError>;

    /// Reads a value from `bytes`, which are all that [`encode`](Self::encode) has appended.
    ///
    /// # Errors
    /// If these bytes don't make a value. Then nothing is restored.
    fn decode(&self, bytes: &[u8]) -> Result<T, BoxError>;
}

/// The default codec: [postcard](https://docs.rs/postcard), a compact format that is the same from release to release. It knows no field names, so that
/// a change of a type needs another [schema number](crate::Snapshot::schema).
///
/// # Examples
/// ```
/// use bellwether::{Postcard, SnapshotCodec};
///
/// let mut bytes = Vec::new();
/// Postcard.encode(&("two".to_owned(), 2_u8), &mut bytes)?;
/// assert_eq!(bytes, [3, b't', b'w', b'o', 2]);
/// let pair: (String, u8) = Postcard.decode(&bytes)?;
/// assert_eq!(pair, ("two".to_owned(), 2));
/// # Ok::<(), bellwether::BoxError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Postcard;

impl<T: Serialize + DeserializeOwned> SnapshotCodec<T> for Postcard {
    fn name(&self) -> &str {
        "postcard"
    }

    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), BoxError> {
        Ok(postcard::serialize_with_flavor(value, Append(out))?)
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, BoxError> {
        match postcard::take_from_bytes(bytes)? {
            (value, []) => Ok(value),
            (_, rest) => Err(format!("{} bytes are left over", rest.len()).into()),
        }
    }
}

/// Writes to the end of what is there.
struct Append<'a>(&'a mut Vec<u8>);

impl Flavor for Append<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Runs a user's code for the entry that comes after so many were written.
pub(super) fn encoding<R>(part: SnapshotPart, written: u64, work: impl FnOnce() -> Result<R, BoxError>) -> Result<R, SnapshotError> {
    contained(work).map_err(|source| SnapshotError::NotEncoded { part, written, source })
}

/// As [`encoding`], for the entry that comes after so many were read.
pub(super) fn decoding<R>(part: SnapshotPart, read: u64, work: impl FnOnce() -> Result<R, BoxError>) -> Result<R, SnapshotError> {
    contained(work).map_err(|source| SnapshotError::NotDecoded { part, read, source })
}

fn contained<R>(work: impl FnOnce() -> Result<R, BoxError>) -> Result<R, BoxError> {
    contain(work).unwrap_or_else(|panic| {
        let message = format!("it panicked: {}", panic.message());
        panic.forget();
        Err(message.into())
    })
}
