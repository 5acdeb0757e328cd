//! What an entry is worth just before, at and just after each of its deadlines, under every combination of windows.

use crate::faces::{Face, Kind};
use crate::g09_expiry::scene::{BRINGS, JANITORS, Janitor, KEY, aged, ages_by, state};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, combinations, secs};
use crate::runway::Style;
use bellwether::{Freshness, RemovalCause};
use std::time::Duration;

fn g09_an_entry_ages_by_its_cache_s_rules_to_the_tick<F: Kind>() {
    for rules in combinations() {
        for janitor in JANITORS {
            let (cache, clock) = aged::<F>(&rules, Duration::ZERO, janitor, Style::Blocking, BRINGS);
            ages_by::<F>(&cache, &clock, &rules, "an insert");
            cache.run_maintenance();
            let metrics = at_rest(&cache.sync());
            assert_eq!((cache.len(), metrics.loads_started), (u64::from(state::<F>(&cache) != Freshness::Expired), 0));
        }
    }
}

fn g09_a_value_that_was_loaded_ages_as_one_that_was_inserted<F: Kind>() {
    for rules in combinations() {
        let (cache, clock) = aged::<F>(&rules, rules.last(), Janitor::Off, Style::Async, BRINGS);
        assert!(cache.fetch_with(&KEY).is_ok());
        ages_by::<F>(&cache, &clock, &rules, "a load");
        at_rest(&cache.sync());
    }
}

fn g09_each_setting_is_off_until_asked_for<F: Kind>() {
    for janitor in JANITORS {
        let (builder, clock) = crate::g09_expiry::scene::builder(janitor);
        let cache: crate::g09_expiry::scene::Of<F> = F::Of::build(builder);
        cache.insert(KEY, 1);
        for years in [0, 1, 100, 500] {
            clock.set(secs(years * 31_536_000 + 5));
            let info = cache.entry_info(&KEY).expect("nothing ends");
            assert_eq!((info.state, info.time_left, info.usable_for), (Freshness::Fresh, None, None));
        }
        assert_eq!(at_rest(&cache.sync()).removals(RemovalCause::Expired), 0);
    }
}

fn g18_windows_without_end_and_times_of_nothing<F: Kind>() {
    let base = Rules { live: secs(10), ..Rules::FOR_EVER };
    let rules = [
        Rules { while_revalidating: Duration::MAX, ..base },
        Rules { if_error: Duration::MAX, ..base },
        Rules { while_revalidating: Duration::MAX, if_error: Duration::MAX, ..base },
        Rules { while_revalidating: secs(1), if_error: Duration::MAX, idle: secs(50), ..base },
        Rules { live: Duration::ZERO, ..base },
        Rules { live: Duration::ZERO, refresh: Duration::ZERO, while_revalidating: secs(1), if_error: secs(2), ..base },
        Rules { refresh: Duration::ZERO, ..base },
        Rules { idle: Duration::ZERO, while_revalidating: secs(1), ..base },
        Rules { live: Duration::MAX, refresh: secs(3), while_revalidating: secs(1), if_error: secs(2), ..base },
        Rules { live: Duration::MAX, idle: Duration::MAX - Duration::from_nanos(1), ..base },
        Rules { live: base.live, refresh: base.live, ..base },
    ];
    for rules in rules {
        for janitor in JANITORS {
            let (cache, clock) = aged::<F>(&rules, Duration::ZERO, janitor, Style::Blocking, BRINGS);
            if rules.idle.as_secs() < u64::MAX / 2 || rules.idle == Duration::MAX {
                ages_by::<F>(&cache, &clock, &rules, "an insert");
            } else {
                clock.set(Duration::MAX);
                assert_eq!(state::<F>(&cache), Freshness::Fresh, "what ends later than the clock can tell never ends");
            }
            at_rest(&cache.sync());
        }
    }
}

on_every_face_in_time!(
    g09_an_entry_ages_by_its_cache_s_rules_to_the_tick,
    g09_a_value_that_was_loaded_ages_as_one_that_was_inserted,
    g09_each_setting_is_off_until_asked_for,
    g18_windows_without_end_and_times_of_nothing,
);
