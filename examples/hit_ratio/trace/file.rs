//! Reads traces from files: little-endian keys, the ARC paper's form, and text; compressed or not.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::Path;

use super::MOST_REQUESTS;
use super::unpack::Unpacked;
use bellwether::BoxError;

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 16;

/// How the keys are written down.
#[derive(Clone, Copy)]
enum Form {
    /// Eight bytes each, little-endian.
    Words,
    /// Lines "start count ...": a run of keys each.
    Runs,
    /// One key a line.
    Lines,
}

/// What a name says of the content: the form, whether it is compressed, and the name without these ends.
fn told_by_name(path: &Path) -> (Form, bool, String) {
    let ends_in = |path: &Path, end: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(end));
    let compressed = ends_in(path, "zst");
    let inner = if compressed { path.with_extension("") } else { path.to_owned() };
    let form = match &inner {
        name if ends_in(name, "u64") => Form::Words,
        name if ends_in(name, "lis") => Form::Runs,
        _ => Form::Lines,
    };
    let bare = inner.file_stem().or(path.file_name()).unwrap_or(OsStr::new("trace"));
    (form, compressed, bare.to_string_lossy().into_owned())
}

/// What the trace of a file is called.
pub(super) fn name(path: &Path) -> String {
    told_by_name(path).2
}

/// Opens a file, and makes sure that it is one.
pub(super) fn open(path: &Path) -> Result<File, BoxError> {
    let file = File::open(path).map_err(|error| {
        format!("can't open {}: {error}; give a file, or a generator such as zipf:10000:1000000 (--help lists them)", path.display())
    })?;
    let is_directory = file.metadata().is_ok_and(|metadata| metadata.is_dir());
    if is_directory { Err(format!("{} is a directory: give the files in it", path.display()).into()) } else { Ok(file) }
}

/// Reads all keys of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u64>, BoxError> {
    let (form, compressed, _) = told_by_name(path);
    let file = BufReader::with_capacity(BUFFER, open(path)?);
    let keys = if compressed { keys(BufReader::with_capacity(BUFFER, Unpacked::new(file)), form) } else { keys(file, form) };
    keys.map_err(|error| format!("{}: {error}", path.display()).into())
}

fn keys(content: impl BufRead, form: Form) -> Result<Vec<u64>, BoxError> {
    match form {
        Form::Words => words(content),
        Form::Runs => runs(content),
        Form::Lines => lines(content),
    }
}

fn words(mut content: impl BufRead) -> Result<Vec<u64>, BoxError> {
    let mut keys = Vec::new();
    let mut word = [0; 8];
    loop {
        let filled = fill(&mut content, &mut word)?;
        match filled {
            0 => return Ok(keys),
            8 => push_run(&mut keys, u64::from_le_bytes(word), 1)?,
            left => {
                let whole = keys.len();
                return Err(format!(
                    "{left} bytes are left over after {whole} keys of eight bytes: the file is cut, or isn't of this form"
                )
                .into());
            }
        }
    }
}

/// Fills a word, or as much of it as there is.
fn fill(content: &mut impl Read, word: &mut [u8; 8]) -> Result<usize, BoxError> {
    let mut filled = 0;
    while filled < word.len() {
        match content.read(&mut word[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}

fn runs(content: impl BufRead) -> Result<Vec<u64>, BoxError> {
    let mut keys = Vec::new();
    each_line(content, |line| {
        let text = std::str::from_utf8(line).map_err(|_| "isn't text".to_owned())?;
        let mut fields = text.split_ascii_whitespace();
        let mut field = |what: &str| match fields.next().map(str::parse::<u64>) {
            Some(Ok(number)) => Ok(number),
            Some(Err(_)) | None => Err(format!("`{text}` has no whole number for the {what}; the form is \"start count ...\"")),
        };
        let (start, count) = (field("start")?, field("count")?);
        if count == 0 {
            return Err(format!("`{text}` has a count of 0; a line is at least one request"));
        }
        push_run(&mut keys, start, count)
    })?;
    Ok(keys)
}

fn lines(content: impl BufRead) -> Result<Vec<u64>, BoxError> {
    let mut keys = Vec::new();
    each_line(content, |line| match line {
        b"*" => Ok(()),
        line if line.contains(&0) => {
            Err("holds a zero byte, so it isn't text; let the name of a file of 64-bit keys end in .u64".to_owned())
        }
        line => push_run(&mut keys, text_key(line), 1),
    })?;
    Ok(keys)
}

/// Hands on each line that isn't empty, without the white space around it, and names the line in the error.
fn each_line(mut content: impl BufRead, mut take: impl FnMut(&[u8]) -> Result<(), String>) -> Result<(), BoxError> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if content.read_until(b'\n', &mut line).map_err(|error| format!("line {number}: {error}"))? == 0 {
            break;
        }
        let text = line.trim_ascii();
        if !text.is_empty() {
            take(text).map_err(|error| format!("line {number}: {error}"))?;
        }
    }
    Ok(())
}

/// A whole number is itself, any other text its FNV-1a hash, which is the same everywhere.
fn text_key(text: &[u8]) -> u64 {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}

/// Adds requests for `start`, `start + 1` and so on, `count` in all, which is at least one.
fn push_run(keys: &mut Vec<u64>, start: u64, count: u64) -> Result<(), String> {
    if count > MOST_REQUESTS - keys.len() as u64 {
        return Err(format!("there are more than {MOST_REQUESTS} requests; cut the trace"));
    }
    let last = start.checked_add(count - 1).ok_or_else(|| format!("{count} keys from {start} on go beyond 2^64"))?;
    keys.extend(start..=last);
    Ok(())
}
