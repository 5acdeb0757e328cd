//! Files of every form, written here and read back.

use std::fs;
use std::path::Path;

use bellwether::BoxError;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use tempfile::tempdir;

use super::ensure;
use crate::trace::{Source, Trace};

fn load(path: &Path) -> Result<Trace, BoxError> {
    path.display().to_string().parse::<Source>()?.load()
}

pub(super) fn every_form_is_read() -> Result<(), BoxError> {
    let folder = tempdir()?;
    let words: Vec<u8> = [7_u64, u64::MAX, 7, 1 << 40].iter().flat_map(|key| key.to_le_bytes()).collect();
    let long: Vec<u8> = (0..100_000_u64).flat_map(u64::to_le_bytes).collect();
    let in_long: Vec<u64> = (0..100_000).collect();
    // Of FNV-1a, from its description.
    let hash_of_a = 0xaf63_dc4c_8601_ec8c;
    let forms: [(&str, &[u8], &[u64]); 6] = [
        ("words.u64", &words, &[7, u64::MAX, 7, 1 << 40]),
        ("long.u64", &long, &in_long),
        ("runs.lis", b"5 3 0 0\n\n1 1 0 1\r\n18446744073709551614 1 0 2", &[5, 6, 7, 1, u64::MAX - 1]),
        ("lines.txt", b"5\n*\n18446744073709551615\r\na\n\n 5 \n", &[5, u64::MAX, hash_of_a, 5]),
        ("lines.trace", b"3\n3", &[3, 3]),
        ("lines", b"3\n4\n", &[3, 4]),
    ];
    for (name, content, expected) in forms {
        let compressed = compress_to_vec(content, CompressionLevel::Fastest);
        for (name, content) in [(name.to_owned(), content), (format!("{name}.zst"), &compressed)] {
            let path = folder.path().join(&name);
            fs::write(&path, content)?;
            let trace = load(&path)?;
            ensure(trace.requests == expected, || format!("{name} is read as {:?}", trace.requests.get(..9).unwrap_or(&trace.requests)))?;
            ensure(name.starts_with(&trace.name) && !trace.name.contains('.'), || format!("{name} is called {}", trace.name))?;
        }
    }
    frames_follow_each_other(folder.path())?;
    let trace = load(&folder.path().join("runs.lis"))?;
    ensure((trace.unique, trace.numbers.as_slice()) == (5, &[0, 1, 2, 3, 4]), || format!("keys are numbered {:?}", trace.numbers))?;
    let trace = load(&folder.path().join("words.u64"))?;
    ensure((trace.unique, trace.numbers.as_slice()) == (3, &[0, 1, 0, 2]), || format!("keys are numbered {:?}", trace.numbers))
}

/// Compressed files may have several frames, and frames to skip between them.
fn frames_follow_each_other(folder: &Path) -> Result<(), BoxError> {
    let frame = |key: u64| compress_to_vec(key.to_le_bytes().as_slice(), CompressionLevel::Fastest);
    let skipped = [[0x50, 0x2a, 0x4d, 0x18], [3, 0, 0, 0]].concat();
    let path = folder.join("frames.u64.zst");
    fs::write(&path, [skipped.clone(), b"abc".to_vec(), frame(8), frame(9), skipped, b"abc".to_vec(), frame(7)].concat())?;
    let requests = load(&path)?.requests;
    ensure(requests == [8, 9, 7], || format!("the frames are read as {requests:?}"))
}

pub(super) fn broken_files_are_refused() -> Result<(), BoxError> {
    let folder = tempdir()?;
    let mut cut = compress_to_vec([1_u8; 800].as_slice(), CompressionLevel::Uncompressed);
    cut.truncate(500);
    let mut wrong = compress_to_vec([1_u8; 800].as_slice(), CompressionLevel::Uncompressed);
    wrong[400] = 2;
    let broken: [(&str, &[u8], &[&str]); 12] = [
        ("empty.u64", b"", &["empty", "no requests"]),
        ("stars.txt", b"*\n\n*\n", &["stars", "no requests"]),
        ("odd.u64", &[0; 13], &["odd.u64", "5 bytes", "1 keys"]),
        ("word.lis", b"1 2 0 0\n3 x 0 0\n", &["word.lis", "line 2", "`3 x 0 0`", "count"]),
        ("short.lis", b"7\n", &["line 1", "`7`", "count"]),
        ("none.lis", b"7 0 0 0\n", &["line 1", "count of 0"]),
        ("over.lis", b"18446744073709551615 2 0 0\n", &["line 1", "2^64"]),
        ("huge.lis", b"1 5 0 0\n\n0 18446744073709551615 0 0\n", &["line 3", "more than"]),
        ("binary.txt", b"1\n\x00\x02\n", &["binary.txt", "line 2", ".u64"]),
        ("plain.u64.zst", b"12345678", &["plain.u64.zst", "zstd"]),
        ("cut.u64.zst", &cut, &["cut.u64.zst", "whole file"]),
        ("wrong.u64.zst", &wrong, &["wrong.u64.zst", "check sum"]),
    ];
    for (name, content, said) in broken {
        let path = folder.path().join(name);
        fs::write(&path, content)?;
        refused(&path, said)?;
    }
    refused(&folder.path().join("missing.u64"), &["missing.u64", "can't open"])?;
    refused(folder.path(), &["is a directory"])
}

/// Fails unless a file is refused with a message that says all of that.
fn refused(path: &Path, said: &[&str]) -> Result<(), BoxError> {
    let Err(error) = load(path) else { return Err(format!("{} is read", path.display()).into()) };
    let error = error.to_string();
    ensure(said.iter().all(|part| error.contains(part)), || format!("`{error}` doesn't say {said:?}"))
}
