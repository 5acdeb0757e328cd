//! What the command line takes, and what it refuses.

use bellwether::BoxError;
use clap::Parser;

use super::{ensure, generated};
use crate::capacity::Capacity;
use crate::options::Options;
use crate::policy::Policy;

pub(super) fn wrong_ones_are_refused() -> Result<(), BoxError> {
    for (wrong, said) in [
        ("", "--trace"),
        ("--trace loop:9:9", "--capacity"),
        ("--trace loop:9:9 --capacity 0", "'0'"),
        ("--trace loop:9:9 --capacity 5,0%", "'0%'"),
        ("--trace loop:9:9 --capacity 101%", "'101%'"),
        ("--trace loop:9:9 --capacity nan%", "'nan%'"),
        ("--trace loop:9:9 --capacity -1", "-1"),
        ("--trace loop:9:9 --capacity many", "'many'"),
        ("--trace loop:9 --capacity 5", "'loop:9'"),
        ("--trace loop:9:9 --capacity 5 --policy lru,lur", "one of adaptive, lru"),
        ("--trace loop:9:9 --capacity 5 --shards 0", "'0'"),
        ("--trace loop:9:9 --capacity 5 --curve 0", "'0'"),
        ("--trace loop:9:9 --capacity 5 --jobs 0", "'0'"),
        ("--trace loop:9:9 --capacity 5 --plot a.png", ".svg"),
        ("--trace loop:9:9 --capacity 5 --plot /no/such/folder/a.svg", "/no/such/folder"),
        ("--trace loop:9:9 --capacity 5 --json --markdown", "--markdown"),
        ("--self-check --capacity 5", "--self-check"),
    ] {
        let Err(error) = parse(wrong) else { return Err(format!("`{wrong}` is taken").into()) };
        let error = error.to_string();
        ensure(error.contains(said), || format!("of `{wrong}` it is said: {error}"))?;
    }
    let options = parse("--trace loop:9:9 --trace loop:8:8,loop:7:7 --capacity 5,1% --policy opt,all,lru")?;
    let (traces, policies) = (options.trace.len(), options.policies());
    ensure(traces == 3 && options.capacity.len() == 2, || format!("{traces} traces and {:?}", options.capacity))?;
    ensure(policies[0] == Policy::Opt && policies.len() == Policy::all().count(), || format!("the policies are {policies:?}"))
}

fn parse(options: &str) -> Result<Options, clap::Error> {
    Options::try_parse_from(std::iter::once("hit_ratio").chain(options.split_whitespace()))
}

pub(super) fn shares_of_keys() -> Result<(), BoxError> {
    let trace = generated("loop:9999:20000")?;
    for (text, expected) in [("1%", 99), ("20%", 1999), ("100%", 9999), ("0.1%", 32), ("33.3%", 3329), ("5", 5)] {
        let entries = text.parse::<Capacity>()?.entries(&trace);
        ensure(entries == expected, || format!("{text} of 9999 keys are {entries} entries"))?;
    }
    Ok(())
}
