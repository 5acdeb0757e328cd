//! Files: replaced whole or not at all, and nothing is left beside them.

use super::world::User;
use crate::watchdog::in_time;
use bellwether::{BoxError, Cache, Postcard, Snapshot, SnapshotCodec, SnapshotError};
use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::thread;

fn users(number: u32) -> Cache<u32, User> {
    let cache = Cache::builder().build().expect("the settings make sense");
    (0..number).for_each(|n| cache.insert(n, User::of(n)));
    cache
}

fn names(folder: &Path) -> Vec<String> {
    let files = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = files.map(|file| file.expect("it can be read").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Writes postcard, and fails at one value.
struct FailingAt(u32);

impl SnapshotCodec<u32> for FailingAt {
    fn name(&self) -> &str {
        "postcard"
    }
    fn encode(&self, key: &u32, out: &mut Vec<u8>) -> Result<(), BoxError> {
        if *key == self.0 { Err("not this one".into()) } else { Postcard.encode(key, out) }
    }
    fn decode(&self, bytes: &[u8]) -> Result<u32, BoxError> {
        Postcard.decode(bytes)
    }
}

impl SnapshotCodec<User> for FailingAt {
    fn name(&self) -> &str {
        "postcard"
    }
    fn encode(&self, value: &User, out: &mut Vec<u8>) -> Result<(), BoxError> {
        Postcard.encode(value, out)
    }
    fn decode(&self, bytes: &[u8]) -> Result<User, BoxError> {
        Postcard.decode(bytes)
    }
}

#[test]
fn a_file_is_saved_and_restored() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("users");
    let saved = Snapshot::new().save_file(&users(500), &path).expect("it can be saved");
    assert_eq!((saved.entries, saved.bytes), (500, fs::metadata(&path).expect("it is there").len()));
    let after = users(0);
    let restored = Snapshot::new().load_file(&after.to_async(), &path).expect("it is as it was saved");
    assert_eq!((restored.entries, after.len(), restored.bytes), (500, 500, saved.bytes));
    assert_eq!(names(folder.path()), ["users"]);
}

#[test]
fn a_save_that_fails_leaves_the_old_file_whole() {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("users");
    Snapshot::new().save_file(&users(5), &path).expect("it can be saved");
    let before = fs::read(&path).expect("it is there");
    for at in [0, 300, 599] {
        let error = Snapshot::new().codec(FailingAt(at)).save_file(&users(600), &path).expect_err("one can't be encoded");
        assert!(matches!(error, SnapshotError::NotEncoded { .. }), "{error:?}");
        assert_eq!(fs::read(&path).expect("it is there"), before, "the old file is whole");
        assert_eq!(names(folder.path()), ["users"], "nothing is left beside it");
    }
}

#[test]
fn what_the_system_refuses_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().expect("there is room");
    let of = |error: SnapshotError| match &error {
        SnapshotError::Io { path: Some(path), source, .. } => {
            assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
            assert!(error.source().is_some());
            source.kind()
        }
        other => panic!("{other:?}"),
    };
    let cache = users(1);
    assert_eq!(of(Snapshot::new().load_file(&cache, folder.path().join("none")).expect_err("it isn't there")), ErrorKind::NotFound);
    assert_eq!(of(Snapshot::new().save_file(&cache, folder.path().join("no/folder")).expect_err("it isn't there")), ErrorKind::NotFound);
    // Onto a folder nothing can be renamed, and out of it nothing can be read.
    fs::create_dir(folder.path().join("folder")).expect("there is room");
    fs::write(folder.path().join("folder/file"), "x").expect("there is room");
    let _kind = of(Snapshot::new().save_file(&cache, folder.path().join("folder")).expect_err("it is a folder"));
    let _kind = of(Snapshot::new().load_file(&cache, folder.path().join("folder")).expect_err("it is a folder"));
    assert_eq!(of(Snapshot::new().save_file(&cache, "no/folder/..").expect_err("it has no name")), ErrorKind::InvalidInput);
    assert_eq!(names(folder.path()), ["folder"], "nothing is left");
}

/// All of the disk is full: the writes fail, or what is left of them does.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("the system has it");
    let error = Snapshot::new().save(&users(10_000), full).expect_err("it is full");
    match error {
        SnapshotError::Io { doing: "write", source, .. } => assert_eq!(source.kind(), ErrorKind::StorageFull),
        other => panic!("{other:?}"),
    }
}

#[cfg(unix)]
#[test]
fn a_new_file_is_its_owners_and_another_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("users");
    let mode = || fs::metadata(&path).expect("it is there").permissions().mode() & 0o777;
    Snapshot::new().save_file(&users(1), &path).expect("it can be saved");
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("it is ours");
    Snapshot::new().save_file(&users(2), &path).expect("it can be saved");
    assert_eq!(mode(), 0o640);
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_file_before_and_after() {
    let folder = tempfile::tempdir().expect("there is room");
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    Snapshot::new().save_file(&users(1), &real).expect("it can be saved");
    std::os::unix::fs::symlink("real", &link).expect("there is room");
    Snapshot::new().save_file(&users(2), &link).expect("it can be saved");
    assert!(fs::symlink_metadata(&link).expect("it is there").is_symlink());
    assert_eq!(Snapshot::new().load_file(&users(0), &real).expect("it is as it was saved").entries, 2);
}

/// The last one counts, and each is whole.
#[test]
fn several_save_under_one_name_at_a_time() {
    in_time(|| {
        let folder = tempfile::tempdir().expect("there is room");
        let path = folder.path().join("users");
        Snapshot::new().save_file(&users(0), &path).expect("it can be saved");
        thread::scope(|scope| {
            for number in 1..5 {
                let (cache, path) = (users(number * 100), &path);
                scope.spawn(move || (0..20).for_each(|_| assert!(Snapshot::new().save_file(&cache, path).is_ok())));
            }
            for _ in 0..50 {
                let restored = Snapshot::new().load_file(&users(0), &path).expect("it is whole at every instant");
                assert_eq!(restored.entries % 100, 0);
            }
        });
        assert_eq!(names(folder.path()), ["users"]);
    });
}
