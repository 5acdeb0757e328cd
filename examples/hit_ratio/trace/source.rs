//! Where a trace comes from, as the command line says it.

use std::path::PathBuf;
use std::str::FromStr;

use bellwether::BoxError;

use super::Trace;
use super::file;
use super::generator::Generator;

/// The forms of a trace, for `--help`.
pub(crate) const FORMS: &str = "\
Files, by the ends of their names (with a further .zst: compressed, and unpacked while reading):
  NAME.u64   keys of eight bytes each, little-endian
  NAME.lis   the ARC paper's form: lines \"start count ...\", each a run of requests for start, start + 1, ...
  any other  text with one key a line: a whole number below 2^64 is itself, anything else stands for a hash of it;
             empty lines and the \"*\" of the LIRS form are left out
A name with a comma in it can't be given.

Generators, which make the same requests each time:
  zipf:KEYS:REQUESTS[:EXPONENT[:SEED]]
             keys of Zipf's law: key n is wanted 1/n^EXPONENT as often as key 1; exponent 1 unless given
  loop:KEYS:REQUESTS
             all keys in turn, again and again
  scan:REQUESTS
             no key twice
  scan:KEYS:REQUESTS[:LENGTH[:SEED]]
             LENGTH requests by Zipf's law with exponent 0.9, then LENGTH for keys that never come again, and so on;
             LENGTH is KEYS unless given
  phase:KEYS:REQUESTS[:CYCLES[:SEED]]
             recency, loop, recency, loop, ..., recency: CYCLES loops (two unless given), all phases of one length. In a
             recency phase half of the requests are for new keys, half for one of the last KEYS/4 new keys; a loop is
             over KEYS keys. LRU with fewer than KEYS entries wins the first and loses the second";

/// A file or a generator.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    File(PathBuf),
    Generator(Generator),
}

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("give a file or a generator, such as zipf:10000:1000000".to_owned());
        }
        if Generator::is_meant_by(text) { text.parse().map(Self::Generator) } else { Ok(Self::File(PathBuf::from(text))) }
    }
}

impl Source {
    /// What the trace is called: its file's name without what it ends in, or the generator as it was given.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::File(path) => file::name(path),
            Self::Generator(generator) => generator.to_string(),
        }
    }

    /// Fails where a file can't be opened, so that this shows before hours of work for the traces before it.
    pub(crate) fn probe(&self) -> Result<(), BoxError> {
        match self {
            Self::File(path) => file::open(path).map(drop),
            Self::Generator(_) => Ok(()),
        }
    }

    /// Reads or makes all requests.
    pub(crate) fn load(&self) -> Result<Trace, BoxError> {
        let requests = match self {
            Self::File(path) => file::read(path)?,
            Self::Generator(generator) => generator.requests()?,
        };
        Trace::new(self.name(), requests)
    }
}
