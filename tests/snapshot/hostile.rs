//! Whatever is read in place of a snapshot: a typed error, and the cache as it was.

use super::forge::{Forged, plain};
use super::world::{restored, saved};
use crate::watchdog::in_time;
use bellwether::{Cache, Loaded, SnapshotError};
use std::error::Error;
use std::time::Duration;

type Names = Cache<u32, String>;

fn names() -> Names {
    Names::builder().build().expect("the settings make sense")
}

/// A small one with something of everything.
fn bytes() -> Vec<u8> {
    let cache = names();
    cache.insert(1, "one".to_owned());
    cache.insert_with(300, Loaded::value("three hundred".to_owned()).time_to_live(Duration::from_secs(1_000)).weight(77));
    let own = Loaded::value(String::new()).time_to_idle(Duration::from_secs(9)).stale_if_error(Duration::from_secs(5));
    cache.insert_with(u32::MAX, own.stale_while_revalidate(Duration::from_secs(4)).refresh_after(Duration::from_secs(1)));
    saved(&cache)
}

/// It is refused, with an error that says what and where, and nothing has changed.
fn is_refused(bytes: &[u8], what: &str) -> SnapshotError {
    let cache = names();
    cache.insert(7, "held".to_owned());
    let error = match restored(&cache, bytes) {
        Err(error) => error,
        Ok(restored) => panic!("{what} is taken for a snapshot: {restored:?}"),
    };
    assert_eq!((cache.len(), cache.weight()), (1, 1), "{what}: the cache is as it was");
    assert_eq!(cache.peek(&7).as_deref().map(String::as_str), Some("held"));
    cache.validate();
    let text = error.to_string();
    assert!(text.starts_with(char::is_lowercase) && !text.ends_with('.'), "{text}");
    error
}

#[test]
fn g18_every_prefix_is_refused() {
    in_time(|| {
        let bytes = bytes();
        restored(&names(), &bytes).expect("the whole is one");
        for length in 0..bytes.len() {
            let error = is_refused(&bytes[..length], &format!("a prefix of {length} bytes"));
            let is_right = match error {
                SnapshotError::NotASnapshot => length < 16,
                SnapshotError::Cut { at, .. } => at == length as u64 && length >= 16,
                _ => false,
            };
            assert!(is_right, "a prefix of {length} bytes: {error:?}");
        }
    });
}

#[test]
fn g18_every_flipped_bit_is_noticed() {
    in_time(|| {
        let whole = bytes();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            is_refused(&bytes, &format!("one with bit {bit} flipped"));
        }
    });
}

#[test]
fn g18_every_byte_that_is_missing_or_twice_there_is_noticed() {
    in_time(|| {
        let whole = bytes();
        for at in 0..whole.len() {
            let mut missing = whole.clone();
            missing.remove(at);
            is_refused(&missing, &format!("one without byte {at}"));
            let mut twice = whole.clone();
            twice.insert(at, whole[at]);
            // The last byte, once more, comes after the end.
            if twice[..whole.len()] != whole[..] {
                is_refused(&twice, &format!("one with byte {at} twice"));
            }
        }
    });
}

/// The frames of entries, cut out of a snapshot of several.
#[test]
fn g18_entries_that_are_missing_twice_there_or_out_of_place_are_noticed() {
    in_time(|| {
        let entry = |n: u8| plain(&[n], &[1, b'a' + n]);
        let header = Forged::begun().bytes.len();
        let (one, two) = (Forged::begun().entry(&entry(1)).bytes.len(), Forged::begun().entry(&entry(1)).entry(&entry(2)).bytes.len());
        let whole = Forged::begun().entry(&entry(1)).entry(&entry(2)).end(2);
        assert_eq!(restored(&names(), &whole).expect("it is well forged").entries, 2);
        let (head, first, second, end) = (&whole[..header], &whole[header..one], &whole[one..two], &whole[two..]);
        for parts in
            [&[head, second, end][..], &[head, first, end], &[head, first, first, second, end], &[head, second, first, end], &[head, end]]
        {
            is_refused(&parts.concat(), "one in another order");
        }
        // What ends at the right place, but says another number.
        for said in [0, 1, 3, u64::MAX] {
            let error = is_refused(&Forged::begun().entry(&entry(1)).entry(&entry(2)).end(said), "one with another number of entries");
            assert!(matches!(error, SnapshotError::Damaged { what: "the number of entries", .. }), "{error:?}");
        }
    });
}

#[test]
fn g18_every_length_that_is_wrong_is_refused() {
    in_time(|| {
        let body = plain(&[1], &[1, b'a']);
        let right = u32::try_from(body.len()).expect("it is short");
        for length in [0, 1, right - 1, right + 1, 1 << 16, 1 << 30, u32::MAX - 1, u32::MAX] {
            is_refused(&Forged::begun().frame(b'+', length, &body).end(1), &format!("an entry of length {length}"));
            is_refused(
                &Forged::begun().entry(&body).frame(b'.', length, &1_u64.to_le_bytes()).bytes,
                &format!("an end of length {length}"),
            );
        }
        for length in [0, 1, 33, 35, u16::MAX] {
            let header = Forged::header(1, length, &[0; 34]);
            is_refused(&header.end(0), &format!("a header of length {length}"));
        }
        // The lengths inside of an entry: of the key, and of the value's text.
        for (at, named) in [(9, "key"), (11, "value")] {
            for wrong in [3, 4, 127, 255] {
                let mut body = body.clone();
                body[at] = wrong;
                is_refused(&Forged::begun().entry(&body).end(1), &format!("a {named} of length {wrong}"));
            }
            let mut huge = body[..at].to_vec();
            huge.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
            is_refused(&Forged::begun().entry(&huge).end(1), &format!("a {named} of the longest length"));
            huge.pop();
            huge.extend([0xff; 20]);
            is_refused(&Forged::begun().entry(&huge).end(1), &format!("a {named} of a length that never ends"));
        }
    });
}

/// An entry's own bytes may be anything, with a checksum that is right.
#[test]
fn g18_every_byte_of_an_entry_may_be_any_other() {
    in_time(|| {
        let body = plain(&[1], &[1, b'a']);
        for at in 0..body.len() {
            for byte in 0..=u8::MAX {
                let mut body = body.clone();
                body[at] = byte;
                let cache = names();
                // Many of these are entries all the same.
                if restored(&cache, &Forged::begun().entry(&body).end(1)).is_err() {
                    assert_eq!(cache.len(), 0);
                }
                cache.validate();
            }
        }
    });
}

#[test]
fn g18_tags_and_flags_that_make_no_sense_are_refused() {
    in_time(|| {
        let with = |flags: u8, rest: &[u8]| {
            let body = [&[flags, 0, 0, 0, 0, 1, 1, 0, 0], rest].concat();
            Forged::begun().entry(&body).end(1)
        };
        is_refused(&with(1 << 7, &[1, 1, 1, b'a']), "an unknown flag");
        is_refused(&with(1 << 6, &[0xff, 0xff, 0xff, 0xff, 0x0f]), "four billion tags");
        is_refused(&with(1 << 6, &[1, 2, 0xff, 0xff, 1, 1, 1, b'a']), "a tag that is no text");
        is_refused(&with(1, &[]), "an end of life that is missing");
    });
}

#[test]
fn a_snapshot_says_what_it_is() {
    let cache = names();
    let refused = |bytes: &[u8]| restored(&cache, bytes).expect_err("it is none");
    assert!(matches!(refused(b"bellwether cachf and so on"), SnapshotError::NotASnapshot));
    assert!(matches!(refused(&Forged::header(2, 0, &[]).bytes), SnapshotError::UnknownVersion { found: 2, .. }));
    let nanos = [&[0; 12][..], &1_000_000_000_u32.to_le_bytes(), &[0, 0]].concat();
    assert!(matches!(refused(&Forged::header(1, 18, &nanos).bytes), SnapshotError::Damaged { what: "its header", .. }));
    assert!(refused(b"").source().is_none());
}

/// What can be read to the end and then fails is an error of the reader's.
#[test]
fn a_reader_that_fails_is_an_error_with_its_source() {
    struct Failing<'a>(&'a [u8]);
    impl std::io::Read for Failing<'_> {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            match std::io::Read::read(&mut self.0, room)? {
                0 => Err(std::io::Error::other("the line is dead")),
                read => Ok(read),
            }
        }
    }
    let whole = bytes();
    for length in 0..whole.len() {
        let cache = names();
        let error = bellwether::Snapshot::new().load(&cache, Failing(&whole[..length])).expect_err("it fails");
        assert!(matches!(error, SnapshotError::Io { doing: "read", path: None, .. }), "{error:?}");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("the line is dead"));
        assert!(cache.is_empty());
    }
}
