//! A small cache holds a part of what the model holds, never too heavy, and returns nothing but the latest.

use crate::cases::cases;
use crate::faces::{Face, Kind};
use crate::g14_model::pair::{Pair, settings};
use crate::g14_model::steps::steps;
use proptest::prelude::*;

fn sound<C: Face<u64, u64>>(pair: &Pair<C>, capacity: u64) -> Result<(), TestCaseError> {
    let mut weight = 0;
    for (key, value) in pair.walk()? {
        let latest = pair.model.fresh(key);
        prop_assert_eq!(latest.map(|held| held.value), Some(value), "what is held for {} is the latest", key);
        weight += latest.map_or(0, |held| held.weight);
    }
    let held = pair.cache.weight();
    prop_assert!(weight <= held && held <= capacity, "{} by the entries, {} by the books, {} at most", weight, held, capacity);
    Ok(())
}

fn g14_a_small_cache_holds_a_part_of_what_was_stored_last<F: Kind>() {
    cases(400, &(settings(0..40_u64), steps()), |(setting, steps)| {
        let mut pair = Pair::<F::Of<u64, u64>>::new(setting, F::Of::build);
        for step in steps {
            pair.forget_what_is_gone();
            pair.make(step)?;
            sound(&pair, setting.capacity)?;
        }
        pair.close();
        Ok(())
    });
}

crate::on_every_face_in_time!(g14_a_small_cache_holds_a_part_of_what_was_stored_last);
