//! What lookups of many resident keys cost, by what each library has for that, side by side in one run:
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- --entries 10000`.

mod contestants;
mod rounds;

use clap::Parser;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};

/// Looks resident keys up, many at once, in each of several caches by turns, and prints what a call costs in nanoseconds.
#[derive(Parser)]
struct Settings {
    /// How many entries each cache holds, in twice the room.
    #[arg(long, default_value = "10000")]
    entries: NonZeroU64,
    /// How many keys a call looks up.
    #[arg(long, default_value = "100")]
    keys: NonZeroUsize,
    /// How many calls in a row look up the same keys. With one, each contestant has keys of its own, which nobody has just had.
    #[arg(long, default_value = "10")]
    repeat: NonZeroU32,
    /// How often each contestant has its turn.
    #[arg(long, default_value = "4000")]
    rounds: NonZeroUsize,
    /// Which keys are looked up.
    #[arg(long, default_value = "7")]
    seed: u64,
}

fn main() {
    let settings = Settings::parse();
    let contestants = contestants::all(settings.entries.get());
    println!("{:<36} {:>9} {:>9} {:>9} {:>9}", "nanoseconds for a call", "10 %", "median", "90 %", "least");
    for (name, times) in rounds::play(&contestants, &settings) {
        let [low, median, high, least] = [0.1, 0.5, 0.9, 0.0].map(|share| times.at(share));
        println!("{name:<36} {low:>9.0} {median:>9.0} {high:>9.0} {least:>9.0}");
    }
}
