//! With room for everything, cache and model hold the same after every call.

use crate::cases::cases;
use crate::faces::{Face, Kind};
use crate::g14_model::pair::{Pair, settings};
use crate::g14_model::steps::steps;
use proptest::prelude::*;

/// More than all values of a case weigh, less than the heaviest that are tried.
const ROOM: u64 = u64::MAX / 2;

fn agree<C: Face<u64, u64>>(pair: &Pair<C>) -> Result<(), TestCaseError> {
    let fresh = pair.model.all_fresh();
    prop_assert_eq!(&pair.walk()?, &fresh);
    let (len, weight) = (pair.cache.len(), pair.cache.weight());
    prop_assert_eq!((len, weight), (pair.model.len(), pair.model.weight()));
    Ok(())
}

fn g14_a_cache_with_room_for_all_is_a_map_with_a_loader<F: Kind>() {
    cases(400, &(settings(Just(ROOM)), steps()), |(setting, steps)| {
        let mut pair = Pair::<F::Of<u64, u64>>::new(setting, F::Of::build);
        for step in steps {
            pair.make(step)?;
            agree(&pair)?;
        }
        pair.close();
        Ok(())
    });
}

crate::on_every_face_in_time!(g14_a_cache_with_room_for_all_is_a_map_with_a_loader);
