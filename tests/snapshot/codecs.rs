//! Codecs and types that fail, panic or don't fit: an error that says for which entry, and nothing has changed.

use super::world::{User, restored, saved};
use crate::hush::{ON_PURPOSE, hush};
use crate::watchdog::in_time;
use bellwether::{BoxError, Cache, Snapshot, SnapshotCodec, SnapshotError, SnapshotPart};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::error::Error;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a codec does at its `at`-th call, counted over all its keys or values.
struct Tripping {
    part: SnapshotPart,
    way: Way,
    at: u32,
    encoded: [AtomicU32; 2],
    decoded: [AtomicU32; 2],
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Way {
    Fail,
    Panic,
}

/// Whether a type is that of keys or of values.
trait Part: Serialize + DeserializeOwned {
    const PART: SnapshotPart;
}

impl Part for u32 {
    const PART: SnapshotPart = SnapshotPart::Key;
}

impl Part for String {
    const PART: SnapshotPart = SnapshotPart::Value;
}

fn index(part: SnapshotPart) -> usize {
    usize::from(part == SnapshotPart::Value)
}

impl Tripping {
    fn new(part: SnapshotPart, way: Way, at: u32) -> Self {
        Self { part, way, at, encoded: Default::default(), decoded: Default::default() }
    }

    fn trip<T: Part>(&self, calls: &[AtomicU32; 2]) -> Result<(), BoxError> {
        let call = calls[index(T::PART)].fetch_add(1, Ordering::Relaxed);
        match self.way {
            _ if call != self.at || T::PART != self.part => Ok(()),
            Way::Fail => Err("it fails on purpose".into()),
            Way::Panic => panic!("a codec panics {ON_PURPOSE}"),
        }
    }
}

impl<T: Part> SnapshotCodec<T> for Tripping {
    fn name(&self) -> &str {
        "postcard"
    }

    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), BoxError> {
        self.trip::<T>(&self.encoded)?;
        bellwether::Postcard.encode(value, out)
    }

    fn decode(&self, bytes: &[u8]) -> Result<T, BoxError> {
        self.trip::<T>(&self.decoded)?;
        bellwether::Postcard.decode(bytes)
    }
}

fn cache_of(entries: u32) -> Cache<u32, String> {
    let cache = Cache::builder().build().expect("the settings make sense");
    (0..entries).for_each(|n| cache.insert(n, n.to_string()));
    cache
}

/// Each entry may be the one.
fn each_case(mut case: impl FnMut(SnapshotPart, Way, u32)) {
    hush();
    for part in [SnapshotPart::Key, SnapshotPart::Value] {
        for way in [Way::Fail, Way::Panic] {
            [0, 1, 255, 256, 257, 599].into_iter().for_each(|at| case(part, way, at));
        }
    }
}

fn told(error: &SnapshotError, way: Way) {
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    let wanted = if way == Way::Fail { "it fails on purpose" } else { "it panicked: a codec panics on purpose" };
    assert_eq!(source, wanted);
}

#[test]
fn g18_a_codec_that_fails_or_panics_at_one_entry_fails_the_save() {
    in_time(|| {
        each_case(|part, way, at| {
            let cache = cache_of(600);
            let error = Snapshot::new().codec(Tripping::new(part, way, at)).save(&cache, std::io::sink()).expect_err("it trips");
            let said = match &error {
                SnapshotError::NotEncoded { part, written, .. } => Some((*part, *written)),
                _ => None,
            };
            assert_eq!(said, Some((part, u64::from(at))), "{error:?}");
            told(&error, way);
            assert_eq!(cache.len(), 600);
            cache.validate();
        });
    });
}

#[test]
fn g18_a_codec_that_fails_or_panics_at_one_entry_leaves_the_cache_as_it_was() {
    in_time(|| {
        let bytes = saved(&cache_of(600));
        each_case(|part, way, at| {
            let cache = cache_of(0);
            let error = Snapshot::new().codec(Tripping::new(part, way, at)).load(&cache, &bytes[..]).expect_err("it trips");
            let said = match &error {
                SnapshotError::NotDecoded { part, read, .. } => Some((*part, *read)),
                _ => None,
            };
            assert_eq!(said, Some((part, u64::from(at))), "{error:?}");
            told(&error, way);
            assert!(cache.is_empty());
            cache.validate();
        });
    });
}

#[test]
fn g18_types_that_do_not_fit_are_refused() {
    let cache = cache_of(600);
    let bytes = saved(&cache);
    let other = Cache::<String, u32>::builder().build().expect("the settings make sense");
    assert!(matches!(restored(&other, &bytes), Err(SnapshotError::NotDecoded { .. })));
    let other = Cache::<u32, User>::builder().build().expect("the settings make sense");
    assert!(matches!(restored(&other, &bytes), Err(SnapshotError::NotDecoded { part: SnapshotPart::Value, .. })));
    // A value of less than is there is no value.
    let other = Cache::<u32, u8>::builder().build().expect("the settings make sense");
    let error = restored(&other, &bytes).expect_err("it doesn't fit");
    assert!(matches!(error, SnapshotError::NotDecoded { part: SnapshotPart::Value, .. }));
    assert!(error.source().is_some_and(|source| source.to_string().contains("left over")), "{error:?}");
}

#[test]
fn what_was_saved_by_another_schema_or_codec_is_refused() {
    struct Named(&'static str);
    impl<T: Serialize + DeserializeOwned> SnapshotCodec<T> for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), BoxError> {
            bellwether::Postcard.encode(value, out)
        }
        fn decode(&self, bytes: &[u8]) -> Result<T, BoxError> {
            bellwether::Postcard.decode(bytes)
        }
    }
    let cache = cache_of(3);
    let mut bytes = Vec::new();
    Snapshot::new().schema(7).codec(Named("mine 1")).save(&cache, &mut bytes).expect("it can be saved");
    let after = cache_of(0);
    let error = Snapshot::new().schema(8).codec(Named("mine 1")).load(&after, &bytes[..]).expect_err("it is another schema");
    assert!(matches!(error, SnapshotError::WrongSchema { found: 7, expected: 8, .. }));
    let error = Snapshot::new().schema(7).codec(Named("mine 2")).load(&after, &bytes[..]).expect_err("it is another codec");
    assert_eq!(error.to_string(), "the snapshot was written by the codec mine 1, and mine 2 was asked for");
    assert!(after.is_empty());
    assert_eq!(Snapshot::new().schema(7).codec(Named("mine 1")).load(&after, &bytes[..]).expect("it is right").entries, 3);
    // Names that are too long are cut, between letters.
    let long: &'static str = "ä".repeat(400).leak();
    let mut bytes = Vec::new();
    Snapshot::new().codec(Named(long)).save(&cache, &mut bytes).expect("it can be saved");
    assert!(Snapshot::new().codec(Named(long)).load(&after, &bytes[..]).is_ok());
}

/// A key whose methods panic where its number says so.
#[derive(PartialEq, Eq, Debug)]
struct Brittle(u32);

const CLONE: u32 = 1_000;
const HASH: u32 = 2_000;
const ENCODE: u32 = 3_000;

/// Set once the key is in.
static ARMED: AtomicU32 = AtomicU32::new(0);

fn trip(number: u32, at: u32) {
    assert!(number != at || ARMED.load(Ordering::SeqCst) == 0, "a key panics {ON_PURPOSE}");
}

impl Clone for Brittle {
    fn clone(&self) -> Self {
        trip(self.0, CLONE);
        Self(self.0)
    }
}

impl Hash for Brittle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        trip(self.0, HASH);
        self.0.hash(state);
    }
}

impl Serialize for Brittle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        trip(self.0, ENCODE);
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Brittle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u32::deserialize(deserializer).map(Self)
    }
}

#[test]
fn g18_a_key_that_panics_is_an_error() {
    hush();
    in_time(|| {
        let cache = || Cache::<Brittle, u32>::builder().shards(1).build().expect("the settings make sense");
        for way in [CLONE, HASH, ENCODE] {
            ARMED.store(0, Ordering::SeqCst);
            let before = cache();
            (0..10).for_each(|n| before.insert(Brittle(n), n));
            before.insert(Brittle(way), way);
            let mut bytes = Vec::new();
            Snapshot::new().save(&before, &mut bytes).expect("nothing panics yet");
            ARMED.store(1, Ordering::SeqCst);
            let after = cache();
            let (saved, loaded) = (Snapshot::new().save(&before, std::io::sink()), Snapshot::new().load(&after, &bytes[..]));
            let source = match (way, &saved, &loaded) {
                (HASH, Ok(_), Err(error @ SnapshotError::NotDecoded { part: SnapshotPart::Key, .. })) => error.source(),
                (CLONE | ENCODE, Err(error @ SnapshotError::NotEncoded { part: SnapshotPart::Key, .. }), Ok(_)) => error.source(),
                other => panic!("{other:?}"),
            };
            assert!(source.is_some_and(|source| source.to_string().contains(ON_PURPOSE)));
            assert_eq!(after.len(), if way == HASH { 0 } else { 11 });
            ARMED.store(0, Ordering::SeqCst);
            before.validate();
            after.validate();
        }
    });
}
