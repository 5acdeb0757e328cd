//! What the generators make, and what they refuse.

use std::collections::HashSet;

use bellwether::BoxError;

use super::{ensure, generated};
use crate::trace::Source;

pub(super) fn repeat_themselves() -> Result<(), BoxError> {
    for (spec, seeded) in [
        ("zipf:1000:5000:0.8:7", "zipf:1000:5000:0.8:8"),
        ("scan:300:5000:100:7", "scan:300:5000:100:8"),
        ("phase:400:5000:2:7", "phase:400:5000:2:8"),
    ] {
        let (once, again, other) = (generated(spec)?, generated(spec)?, generated(seeded)?);
        ensure(once.requests == again.requests, || format!("{spec} differs from itself"))?;
        ensure(once.requests != other.requests, || format!("{spec} makes what {seeded} makes"))?;
        ensure(once.requests.len() == 5000 && once.name == spec, || format!("{spec} makes {} requests", once.requests.len()))?;
    }
    for (short, long) in [("zipf:50:100", "zipf:50:100:1:1"), ("scan:50:300", "scan:50:300:50:1"), ("phase:50:100", "phase:50:100:2:1")] {
        ensure(generated(short)?.requests == generated(long)?.requests, || format!("{short} isn't {long}"))?;
    }
    Ok(())
}

pub(super) fn have_their_shapes() -> Result<(), BoxError> {
    let in_turn = generated("loop:3:7")?.requests;
    ensure(in_turn == [0, 1, 2, 0, 1, 2, 0], || format!("a loop is {in_turn:?}"))?;
    ensure(generated("scan:1000")?.unique == 1000, || "a scan repeats keys".to_owned())?;

    let zipf = generated("zipf:1000:100000:1")?.requests;
    let wanted = |key| zipf.iter().filter(|&&other| other == key).count();
    let (first, second) = (wanted(1), wanted(2));
    // Of 100,000 draws 1 in 7.49 is the first key, and half as many are the second, within five standard deviations.
    ensure(first.abs_diff(13_359) < 540 && second.abs_diff(6_680) < 395, || {
        format!("the first keys are wanted {first} and {second} times")
    })?;
    ensure(zipf.iter().all(|key| (1..=1000).contains(key)), || "there are more keys than asked for".to_owned())?;

    let scan = generated("scan:50:1000:100")?.requests;
    let once = |part: &[u64]| part.iter().all(|&key| key > 50) && part.iter().collect::<HashSet<_>>().len() == part.len();
    let as_told =
        scan.chunks(100).enumerate().all(|(number, part)| if number % 2 == 0 { part.iter().all(|&key| key <= 50) } else { once(part) });
    ensure(as_told, || "hot keys and scans don't take turns".to_owned())?;

    let phases = generated("phase:100:5000:2")?.requests;
    let in_loop = |number| number == 1 || number == 3;
    let as_told = phases.chunks(1000).enumerate().all(|(number, part)| part.iter().all(|&key| (key < 100) == in_loop(number)));
    ensure(as_told, || "recency and loops don't take turns".to_owned())
}

pub(super) fn wrong_ones_are_refused() -> Result<(), BoxError> {
    for (spec, said) in [
        ("zipf:", "KEYS"),
        ("zipf:10", "REQUESTS"),
        ("zipf:0:10", "KEYS has to be a whole number from 1"),
        ("zipf:10:1e6", "REQUESTS"),
        ("zipf:10:10:-1", "EXPONENT"),
        ("zipf:10:10:nan", "EXPONENT"),
        ("zipf:10:10:1:x", "SEED"),
        ("zipf:10:10:1:1:1", "`:1` is too much"),
        ("loop:10", "loop:KEYS:REQUESTS"),
        ("loop:10:10:10", "too much"),
        ("scan:0", "REQUESTS"),
        ("scan:10:0", "REQUESTS"),
        ("scan:10:10:0", "LENGTH"),
        ("phase:10:4", "CYCLES"),
        ("phase:10:100:50", "from 1 to 49"),
        ("phase:10:99999999999", "REQUESTS"),
        ("", "give a file"),
    ] {
        let Err(error) = spec.parse::<Source>() else { return Err(format!("`{spec}` is taken").into()) };
        ensure(error.contains(said) && error.contains(spec), || format!("`{error}` doesn't say `{said}` of `{spec}`"))?;
    }
    Ok(())
}
