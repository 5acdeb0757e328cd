//! Files that are replaced whole: written under another name, brought to the disk, then renamed.

use super::error::SnapshotError;
use crate::ground::sync::serial;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasher;
use std::io::{self, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Names that are tried for a temporary file.
const TRIES: u32 = 16;
/// What lies there for so long without being written to was left by a process that was killed.
const ABANDONED: Duration = Duration::from_secs(3_600);
const TEMPORARY: &str = ".tmp";

/// Opens a file to be read.
pub(super) fn open(path: &Path) -> Result<BufReader<File>, SnapshotError> {
    let file = File::open(path).map_err(SnapshotError::io("open", path))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// Has `write` write what is to be the file at `path` from then on.
pub(super) fn replace<R>(path: &Path, write: impl FnOnce(&File) -> Result<R, SnapshotError>) -> Result<R, SnapshotError> {
    // Of a link the file that it leads to is replaced.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (temporary, file) = Temporary::create(path)?;
    let written = write(&file).map_err(|error| error.in_file(&temporary.path))?;
    if let Ok(held) = fs::metadata(path) {
        file.set_permissions(held.permissions()).map_err(SnapshotError::io("set the permissions of", &temporary.path))?;
    }
    file.sync_all().map_err(SnapshotError::io("bring to the disk", &temporary.path))?;
    drop(file);
    temporary.rename(path)?;
    sync_folder(folder(path))?;
    Ok(written)
}

/// Gives a file that can't be used a name that nothing else has, so that nothing is lost. Gives the name.
pub(super) fn put_aside(path: &Path) -> Result<PathBuf, SnapshotError> {
    let named = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(".broken");
        if number > 0 {
            name.push(format!("-{number}"));
        }
        PathBuf::from(name)
    };
    let free = (0..=u32::MAX).map(named).find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_else(|| named(0));
    fs::rename(path, &free).map_err(SnapshotError::io("rename", path))?;
    Ok(free)
}

/// Removes temporary files that were left beside `path` by processes that were killed, as far as that can be told.
pub(super) fn tidy(path: &Path) {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let Some(prefix) = path.file_name().map(prefix) else { return };
    let Ok(files) = fs::read_dir(folder(path)) else { return };
    for file in files.flatten() {
        let name = file.file_name();
        let is_ours =
            name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) && name.as_encoded_bytes().ends_with(TEMPORARY.as_bytes());
        if is_ours && is_abandoned(&file.path()) {
            // Somebody else may have been quicker.
            drop(fs::remove_file(file.path()));
        }
    }
}

fn is_abandoned(file: &Path) -> bool {
    let written = fs::symlink_metadata(file).and_then(|file| file.modified());
    written.is_ok_and(|written| written.elapsed().is_ok_and(|since| since > ABANDONED))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// How the names of the temporary files for a file of this name begin.
fn prefix(name: &OsStr) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(name);
    prefix.push(".");
    prefix
}

/// A file that goes if it isn't renamed.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    /// Creates a file for what is to be at `path`, in the same folder, under a name that nothing else has.
    fn create(path: &Path) -> Result<(Self, File), SnapshotError> {
        let is_nameless = || io::Error::new(ErrorKind::InvalidInput, "the path has no file name");
        let name = path.file_name().ok_or_else(is_nameless).map_err(SnapshotError::io("create", path))?;
        let mut tries = 0;
        loop {
            let mut unique = prefix(name);
            // Processes in containers may all have the same number.
            let chance = std::hash::RandomState::new().hash_one(tries);
            unique.push(format!("{}-{}-{chance:016x}{TEMPORARY}", std::process::id(), serial()));
            let temporary = folder(path).join(unique);
            match create(&temporary) {
                Ok(file) => return Ok((Self { path: temporary }, file)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists && tries < TRIES => tries += 1,
                Err(error) => return Err(SnapshotError::io("create", &temporary)(error)),
            }
        }
    }

    fn rename(self, path: &Path) -> Result<(), SnapshotError> {
        fs::rename(&self.path, path).map_err(SnapshotError::io("rename a file to", path))?;
        std::mem::forget(self);
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What failed before is what is told.
        drop(fs::remove_file(&self.path));
    }
}

/// What a cache holds may be nobody else's business.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Brings a new name to the disk, where folders can be opened.
fn sync_folder(folder: &Path) -> Result<(), SnapshotError> {
    if cfg!(unix) {
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        // Some file systems don't know this for folders, and need none.
        return synced
            .or_else(|error| if error.kind() == ErrorKind::InvalidInput { Ok(()) } else { Err(error) })
            .map_err(SnapshotError::io("bring to the disk", folder));
    }
    Ok(())
}
