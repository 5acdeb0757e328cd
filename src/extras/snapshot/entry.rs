//! An entry's bytes: what the cache knows of it, then its key and its value as the codecs write them.
//!
//! One byte of flags, four of heat, then numbers of one to ten bytes, the lowest seven bits first: weight, what it cost in microseconds, and times in
//! nanoseconds. Times that an entry doesn't have are not there.

use crate::ground::time::nanos;
use crate::shard::Exported;
use crate::vocabulary::expiry::{Life, OwnRules, SavedTimes};
use std::sync::Arc;
use std::time::Duration;

const HAS_END: u8 = 1;
const IS_STALE: u8 = 1 << 1;
const HAS_IDLE: u8 = 1 << 2;
const HAS_REFRESH: u8 = 1 << 3;
const HAS_REVALIDATE: u8 = 1 << 4;
const HAS_IF_ERROR: u8 = 1 << 5;
const HAS_TAGS: u8 = 1 << 6;
const UNKNOWN: u8 = 1 << 7;

/// Writes all but key and value.
pub(super) fn write<K, V>(entry: &Exported<K, V>, out: &mut Vec<u8>) {
    let SavedTimes { age, life, unused, own } = entry.times;
    let life = match life {
        Life::Endless => None,
        Life::Left(left) => Some((HAS_END, left)),
        Life::Over(over) => Some((HAS_END | IS_STALE, over)),
    };
    let flagged = |flag, time: Option<Duration>| time.map(|time| (flag, time));
    let times = [
        life,
        flagged(HAS_IDLE, own.time_to_idle),
        flagged(HAS_REFRESH, own.refresh_after),
        flagged(HAS_REVALIDATE, own.stale_while_revalidate),
        flagged(HAS_IF_ERROR, own.stale_if_error),
    ];
    let tagged = if entry.tags.is_empty() { 0 } else { HAS_TAGS };
    out.push(times.iter().flatten().fold(tagged, |flags, (flag, _)| flags | flag));
    out.extend(entry.heat.to_le_bytes());
    write_number(entry.weight, out);
    write_number(u64::from(entry.cost), out);
    write_number(nanos(age), out);
    write_number(nanos(unused), out);
    times.iter().flatten().for_each(|(_, time)| write_number(nanos(*time), out));
    if tagged != 0 {
        write_number(entry.tags.len() as u64, out);
        for tag in &entry.tags {
            write_number(tag.len() as u64, out);
            out.extend(tag.as_bytes());
        }
    }
}

/// The bytes of a key, with their number before them.
pub(super) fn write_key(key: &[u8], out: &mut Vec<u8>) {
    write_number(key.len() as u64, out);
    out.extend(key);
}

/// An entry whose key is yet to be read from its bytes, and the bytes of its value.
pub(super) type Unread<'a> = (Exported<&'a [u8], ()>, &'a [u8]);

/// An entry, or nothing if that isn't how one is written.
pub(super) fn read(mut bytes: &[u8]) -> Option<Unread<'_>> {
    let from = &mut bytes;
    let (&flags, rest) = from.split_first()?;
    let (heat, rest) = rest.split_first_chunk()?;
    *from = rest;
    if flags & UNKNOWN != 0 {
        return None;
    }
    let weight = read_number(from)?;
    let cost = u32::try_from(read_number(from)?).ok()?;
    let (age, unused) = (read_time(from)?, read_time(from)?);
    let mut time_of = |flag: u8| if flags & flag == 0 { Some(None) } else { read_time(from).map(Some) };
    let life = match (time_of(HAS_END)?, flags & IS_STALE != 0) {
        (None, _) => Life::Endless,
        (Some(left), false) => Life::Left(left),
        (Some(over), true) => Life::Over(over),
    };
    let own = OwnRules {
        lifetime: None,
        time_to_idle: time_of(HAS_IDLE)?,
        refresh_after: time_of(HAS_REFRESH)?,
        stale_while_revalidate: time_of(HAS_REVALIDATE)?,
        stale_if_error: time_of(HAS_IF_ERROR)?,
    };
    let mut tags = Vec::new();
    if flags & HAS_TAGS != 0 {
        for _ in 0..read_number(from)? {
            tags.push(Arc::from(std::str::from_utf8(read_bytes(from)?).ok()?));
        }
    }
    let key = read_bytes(from)?;
    let times = SavedTimes { age, life, unused, own };
    let entry = Exported { key, value: Arc::new(()), weight, cost, times, tags, heat: u32::from_le_bytes(*heat) };
    Some((entry, bytes))
}

fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).expect("seven bits"));
}

fn read_number(from: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = from.split_first()?;
        *from = rest;
        let bits = u64::from(byte & 0x7f);
        let placed = bits << shift;
        if placed >> shift != bits {
            return None;
        }
        number |= placed;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn read_time(from: &mut &[u8]) -> Option<Duration> {
    let nanos = read_number(from)?;
    Some(if nanos == u64::MAX { Duration::MAX } else { Duration::from_nanos(nanos) })
}

fn read_bytes<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(read_number(from)?).ok()?;
    let (bytes, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(bytes)
}
