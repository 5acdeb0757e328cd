//! Generators of traces: the same requests each time, for one spec.

use std::fmt;
use std::str::{FromStr, Split};

use bellwether::BoxError;
use rand::distr::Distribution;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::Zipf;

use super::MOST_REQUESTS;

/// The most keys of a generator.
const MOST_KEYS: u64 = 1 << 32;
/// The exponent of the law by which the keys are wanted that scans come between.
const HOT_EXPONENT: f64 = 0.9;

/// What to make, and the text that asked for it.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    text: String,
    kind: Kind,
    requests: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    Zipf {
        keys: u64,
        exponent: f64,
        seed: u64,
    },
    Loop {
        keys: u64,
    },
    /// No key twice.
    Scan,
    /// Stretches of keys by Zipf's law, and scans between them.
    HotAndScan {
        keys: u64,
        length: u64,
        seed: u64,
    },
    Phase {
        keys: u64,
        cycles: u64,
        seed: u64,
    },
}

impl Generator {
    /// Whether a text begins like a generator, so that it isn't a file's name.
    pub(super) fn is_meant_by(text: &str) -> bool {
        ["zipf:", "loop:", "scan:", "phase:"].iter().any(|name| text.starts_with(name))
    }

    /// All requests.
    pub(super) fn requests(&self) -> Result<Vec<u64>, BoxError> {
        let requests = self.requests;
        match self.kind {
            Kind::Zipf { keys, exponent, seed } => {
                Ok(ranks(keys, exponent)?.sample_iter(StdRng::seed_from_u64(seed)).zip(0..requests).map(|(rank, _)| whole(rank)).collect())
            }
            Kind::Loop { keys } => Ok((0..requests).map(|n| n % keys).collect()),
            Kind::Scan => Ok((0..requests).collect()),
            Kind::HotAndScan { keys, length, seed } => hot_and_scan(requests, keys, length, seed),
            Kind::Phase { keys, cycles, seed } => Ok(phases(requests, keys, cycles, seed)),
        }
    }
}

/// How keys are wanted by Zipf's law.
fn ranks(keys: u64, exponent: f64) -> Result<Zipf<f64>, BoxError> {
    #[expect(clippy::cast_precision_loss, reason = "a number of keys is below 2^53")]
    Ok(Zipf::new(keys as f64, exponent)?)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "Zipf draws whole numbers from one to the number of keys")]
fn whole(rank: f64) -> u64 {
    rank as u64
}

/// Stretches of `length` requests each: by Zipf's law, then for keys that are never asked for again, and so on.
fn hot_and_scan(requests: u64, keys: u64, length: u64, seed: u64) -> Result<Vec<u64>, BoxError> {
    let (hot, mut dice) = (ranks(keys, HOT_EXPONENT)?, StdRng::seed_from_u64(seed));
    // Above all keys of the hot set.
    let mut once = keys + 1..;
    let draw = |n| if (n / length) % 2 == 0 { Some(whole(hot.sample(&mut dice))) } else { once.next() };
    Ok((0..requests).map_while(draw).collect())
}

/// Recency, loop, recency, ..., recency: `cycles` loops, all phases of one length.
fn phases(requests: u64, keys: u64, cycles: u64, seed: u64) -> Vec<u64> {
    let phases = 2 * cycles + 1;
    let mut dice = StdRng::seed_from_u64(seed);
    let mut in_turn = (0..keys).cycle();
    // New keys, above those of the loop; how many there were so far.
    let mut new = 0;
    let mut draw = |n: u64| {
        if (n * phases / requests) % 2 == 1 {
            return in_turn.next();
        }
        if new == 0 || dice.random() {
            new += 1;
            return Some(keys + new);
        }
        Some(keys + new - dice.random_range(0..(keys / 4).clamp(1, new)))
    };
    (0..requests).map_while(&mut draw).collect()
}

impl fmt::Display for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Generator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once(':').ok_or_else(|| format!("`{text}` isn't a generator"))?;
        let form = match name {
            "zipf" => "zipf:KEYS:REQUESTS[:EXPONENT[:SEED]]",
            "loop" => "loop:KEYS:REQUESTS",
            "scan" if !rest.contains(':') => "scan:REQUESTS or scan:KEYS:REQUESTS[:LENGTH[:SEED]]",
            "scan" => "scan:KEYS:REQUESTS[:LENGTH[:SEED]]",
            _ => "phase:KEYS:REQUESTS[:CYCLES[:SEED]]",
        };
        let mut fields = Fields { text, form, rest: rest.split(':') };
        if name == "scan" && !rest.contains(':') {
            let requests = fields.number("REQUESTS", 1, MOST_REQUESTS, None)?;
            return Ok(Self { text: text.to_owned(), kind: Kind::Scan, requests });
        }
        let keys = fields.number("KEYS", 1, MOST_KEYS, None)?;
        let requests = fields.number("REQUESTS", 1, MOST_REQUESTS, None)?;
        let kind = match name {
            "zipf" => Kind::Zipf { keys, exponent: fields.exponent()?, seed: fields.seed()? },
            "loop" => Kind::Loop { keys },
            "scan" => Kind::HotAndScan { keys, length: fields.number("LENGTH", 1, MOST_REQUESTS, Some(keys))?, seed: fields.seed()? },
            // Each phase has at least one request.
            _ => Kind::Phase { keys, cycles: fields.number("CYCLES", 1, requests.saturating_sub(1) / 2, Some(2))?, seed: fields.seed()? },
        };
        fields.end()?;
        Ok(Self { text: text.to_owned(), kind, requests })
    }
}

/// The numbers of a generator, one after the other.
struct Fields<'a> {
    text: &'a str,
    form: &'static str,
    rest: Split<'a, char>,
}

impl Fields<'_> {
    fn number(&mut self, what: &str, least: u64, most: u64, default: Option<u64>) -> Result<u64, String> {
        let number = match (self.rest.next(), default) {
            (Some(field), _) => field.parse().ok(),
            (None, Some(default)) => Some(default),
            (None, None) => None,
        };
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| self.wrong(&format!("{what} has to be a whole number from {least} to {most}")))
    }

    fn exponent(&mut self) -> Result<f64, String> {
        let exponent = self.rest.next().map_or(Some(1.0), |field| field.parse().ok());
        exponent.filter(|exponent| (0.0..=10.0).contains(exponent)).ok_or_else(|| self.wrong("EXPONENT has to be a number from 0 to 10"))
    }

    fn seed(&mut self) -> Result<u64, String> {
        self.number("SEED", 0, u64::MAX, Some(1))
    }

    fn end(&mut self) -> Result<(), String> {
        match self.rest.next() {
            None => Ok(()),
            Some(field) => Err(self.wrong(&format!("`:{field}` is too much"))),
        }
    }

    fn wrong(&self, what: &str) -> String {
        format!("`{}`: {what}; the form is {}", self.text, self.form)
    }
}
