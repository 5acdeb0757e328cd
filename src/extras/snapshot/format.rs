//! The format: a header, then frames, each with its length and two checksums, the last of which says how many entries there are.
//!
//! All numbers are in little-endian order. Each checksum goes on from the one before, so that a frame that is missing, out of place or there twice is
//! noticed as one that is damaged.
//!
//! | header | bytes |
//! |--|--|
//! | `bellwether cache` | 16 |
//! | version | 2 |
//! | length of the rest, without the checksum | 2 |
//! | schema number | 4 |
//! | when it was saved: seconds and nanoseconds since 1970 | 8 + 4 |
//! | names of the keys' and the values' codec: length and UTF-8 | 1 + n, twice |
//! | CRC-32 of all that | 4 |
//!
//! | frame | bytes |
//! |--|--|
//! | kind: `+` an entry, `.` the end | 1 |
//! | length of the body | 4 |
//! | CRC-32 of the two | 4 |
//! | body: an entry, or the number of entries in 8 bytes | length |
//! | CRC-32 of the body | 4 |

use super::error::SnapshotError;
use crc32fast::Hasher;
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, SystemTime};

const MAGIC: [u8; 16] = *b"bellwether cache";
const VERSION: u16 = 1;
/// Written in one go, or nearly.
const FLUSH: usize = 1 << 16;
/// The first bytes of a body are read in so large a piece; then as many as were read before.
const PIECE: usize = 1 << 12;

/// What a snapshot says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) schema: u32,
    pub(super) saved_at: SystemTime,
    /// Of the keys and of the values.
    pub(super) codecs: [String; 2],
}

/// What a frame holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Entry,
    End,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Entry => b'+',
            Self::End => b'.',
        }
    }
}

/// Goes on from a checksum.
fn checksum(before: u32, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(before);
    hasher.update(bytes);
    hasher.finalize()
}

/// Writes a snapshot.
pub(super) struct Sink<W> {
    to: W,
    /// What is yet to be written.
    waiting: Vec<u8>,
    checksum: u32,
    bytes: u64,
}

impl<W: Write> Sink<W> {
    /// Begins a snapshot.
    pub(super) fn begin(to: W, header: &Header) -> Result<Self, SnapshotError> {
        let mut sink = Self { to, waiting: Vec::with_capacity(2 * FLUSH), checksum: 0, bytes: 0 };
        let since = header.saved_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let mut rest = Vec::new();
        rest.extend(header.schema.to_le_bytes());
        rest.extend(since.as_secs().to_le_bytes());
        rest.extend(since.subsec_nanos().to_le_bytes());
        for name in &header.codecs {
            rest.push(u8::try_from(name.len()).expect("names are as long as they may be"));
            rest.extend(name.as_bytes());
        }
        sink.waiting.extend(MAGIC);
        sink.waiting.extend(VERSION.to_le_bytes());
        let length = u16::try_from(rest.len()).expect("numbers and two names of at most 255 bytes");
        sink.waiting.extend(length.to_le_bytes());
        sink.waiting.extend(rest);
        sink.checksum = checksum(0, &sink.waiting);
        sink.waiting.extend(sink.checksum.to_le_bytes());
        Ok(sink)
    }

    /// Writes an entry; so many were written before it.
    pub(super) fn entry(&mut self, body: &[u8], written: u64) -> Result<(), SnapshotError> {
        let length = u32::try_from(body.len()).map_err(|_| SnapshotError::TooLong { written })?;
        self.frame(Kind::Entry, length, body)
    }

    /// Writes the end, after so many entries, and gives the snapshot's length in bytes.
    pub(super) fn end(mut self, written: u64) -> Result<u64, SnapshotError> {
        self.frame(Kind::End, 8, &written.to_le_bytes())?;
        self.write()?;
        self.to.flush().map_err(|source| SnapshotError::Io { doing: "write", path: None, source })?;
        Ok(self.bytes)
    }

    fn frame(&mut self, kind: Kind, length: u32, body: &[u8]) -> Result<(), SnapshotError> {
        let head = head(kind.byte(), length);
        let head_sum = checksum(self.checksum, &head);
        self.checksum = checksum(head_sum, body);
        self.waiting.extend(head);
        self.waiting.extend(head_sum.to_le_bytes());
        self.waiting.extend(body);
        self.waiting.extend(self.checksum.to_le_bytes());
        if self.waiting.len() < FLUSH { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> Result<(), SnapshotError> {
        self.to.write_all(&self.waiting).map_err(|source| SnapshotError::Io { doing: "write", path: None, source })?;
        self.bytes += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}

fn head(kind: u8, length: u32) -> [u8; 5] {
    let [a, b, c, d] = length.to_le_bytes();
    [kind, a, b, c, d]
}

/// Reads a snapshot, and not a byte beyond its end. Nothing that it reads is believed before its checksum has been.
pub(super) struct Source<R> {
    from: R,
    /// Bytes read so far.
    at: u64,
    checksum: u32,
    body: Vec<u8>,
}

impl<R: Read> Source<R> {
    /// Reads the header.
    pub(super) fn begin(from: R) -> Result<(Self, Header), SnapshotError> {
        let mut source = Self { from, at: 0, checksum: 0, body: Vec::new() };
        let mut fixed = [0; 20];
        let (magic, rest) = fixed.split_at_mut(MAGIC.len());
        source.fill(magic).map_err(|error| match error {
            SnapshotError::Cut { .. } => SnapshotError::NotASnapshot,
            error => error,
        })?;
        if magic != MAGIC {
            return Err(SnapshotError::NotASnapshot);
        }
        source.fill(rest)?;
        let version = u16::from_le_bytes([rest[0], rest[1]]);
        if version != VERSION {
            return Err(SnapshotError::UnknownVersion { found: version });
        }
        let length = u16::from_le_bytes([rest[2], rest[3]]);
        source.read_body(u32::from(length))?;
        let sum = checksum(checksum(0, &fixed), &source.body);
        source.check(sum, "its header")?;
        let header = Header::read(&source.body).ok_or(SnapshotError::Damaged { at: MAGIC.len() as u64, what: "its header" })?;
        Ok((source, header))
    }

    /// How many bytes were read.
    pub(super) fn bytes(&self) -> u64 {
        self.at
    }

    /// The next frame's kind and body.
    pub(super) fn frame(&mut self) -> Result<(Kind, &[u8]), SnapshotError> {
        let at = self.at;
        let mut head = [0; 5];
        self.fill(&mut head)?;
        let sum = checksum(self.checksum, &head);
        self.check(sum, "the length of an entry")?;
        let kind = [Kind::Entry, Kind::End].into_iter().find(|kind| kind.byte() == head[0]);
        let kind = kind.ok_or(SnapshotError::Damaged { at, what: "the kind of an entry" })?;
        self.read_body(u32::from_le_bytes([head[1], head[2], head[3], head[4]]))?;
        let sum = checksum(self.checksum, &self.body);
        self.check(sum, "an entry")?;
        Ok((kind, &self.body))
    }

    /// Reads so many bytes in place of the last. Room is made for no more than twice what has been read.
    fn read_body(&mut self, length: u32) -> Result<(), SnapshotError> {
        let length = usize::try_from(length).map_err(|_| SnapshotError::Damaged { at: self.at, what: "the length of an entry" })?;
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        while body.len() < length {
            let from = body.len();
            body.resize(length.min(from + from.max(PIECE)), 0);
            self.fill(&mut body[from..])?;
        }
        self.body = body;
        Ok(())
    }

    /// Reads the checksum of what was read, which should be `sum`.
    fn check(&mut self, sum: u32, what: &'static str) -> Result<(), SnapshotError> {
        let at = self.at;
        let mut written = [0; 4];
        self.fill(&mut written)?;
        if u32::from_le_bytes(written) != sum {
            return Err(SnapshotError::Damaged { at, what });
        }
        self.checksum = sum;
        Ok(())
    }

    fn fill(&mut self, mut room: &mut [u8]) -> Result<(), SnapshotError> {
        while !room.is_empty() {
            match self.from.read(room) {
                Ok(0) => return Err(SnapshotError::Cut { at: self.at }),
                Ok(read) => {
                    self.at += read as u64;
                    room = room.get_mut(read..).unwrap_or_default();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => return Err(SnapshotError::Io { doing: "read", path: None, source }),
            }
        }
        Ok(())
    }
}

/// A codec's name as it is saved: at most as long as one byte can tell.
pub(super) fn name_of_codec(name: &str) -> String {
    let mut length = name.len().min(usize::from(u8::MAX));
    while !name.is_char_boundary(length) {
        length -= 1;
    }
    name[..length].to_owned()
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (schema, rest) = bytes.split_first_chunk()?;
        let (secs, rest) = rest.split_first_chunk()?;
        let (nanos, mut rest) = rest.split_first_chunk()?;
        let nanos = Some(u32::from_le_bytes(*nanos)).filter(|&nanos| nanos < 1_000_000_000)?;
        let saved_at = SystemTime::UNIX_EPOCH.checked_add(Duration::new(u64::from_le_bytes(*secs), nanos))?;
        let mut codecs = [String::new(), String::new()];
        for codec in &mut codecs {
            let (&length, more) = rest.split_first()?;
            let (name, more) = more.split_at_checked(usize::from(length))?;
            *codec = String::from_utf8_lossy(name).into_owned();
            rest = more;
        }
        rest.is_empty().then_some(Self { schema: u32::from_le_bytes(*schema), saved_at, codecs })
    }
}
