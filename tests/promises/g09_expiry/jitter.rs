//! Jitter only shortens, and spreads; and early refresh by a part of the value's own time to live.

use crate::faces::{Face, Kind};
use crate::g09_expiry::scene::{BRINGS, Janitor, KEY, OLD, Of, ages_by, builder, state};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::{Rules, TICK, secs};
use crate::runway::Runway;
use crate::runway::Style;
use bellwether::{BoxError, Freshness, Loaded};
use std::time::Duration;

const KEYS: u32 = 2_000;
const LIVE: Duration = secs(1_000);

/// Asserts that so many times are spread evenly over what a jitter of `part` leaves of a thousand seconds.
fn is_spread(lefts: &[Duration], part: f64, what: &str) {
    let (least, most) = (LIVE.mul_f64(1.0 - part), LIVE);
    assert!(lefts.iter().all(|left| (least..=most).contains(left)), "{what}");
    // Each tenth of the span has its share: a tenth of 2,000, with six standard deviations of 13.4 to either side.
    let tenth = (most - least).as_secs_f64() / 10.0;
    for number in 0..10_u32 {
        let from = least.as_secs_f64() + f64::from(number) * tenth;
        let inside = lefts.iter().filter(|left| (from..from + tenth).contains(&left.as_secs_f64())).count();
        assert!((119..=281).contains(&inside), "{what}: {inside} of {} from {from}", lefts.len());
    }
}

fn left<F: Kind>(cache: &Of<F>, key: u32) -> Duration {
    cache.entry_info(&key).and_then(|info| info.time_left).unwrap_or(Duration::ZERO)
}

/// A way for a key's value to come to be held.
type Store<F> = (&'static str, fn(&Of<F>, u32));

fn g09_jitter_only_shortens_and_spreads_over_all_of_its_part<F: Kind>() {
    for part in [0.1, 0.5, 1.0] {
        let (builder, _clock) = builder(Janitor::Off);
        let cache: Of<F> = F::Of::build(Runway::new(0).loader(builder, Style::Blocking, BRINGS).time_to_live(LIVE).ttl_jitter(part));
        let store: [Store<F>; 3] = [
            ("insert", |cache, key| cache.insert(key, OLD)),
            ("a load", |cache, key| assert!(cache.refresh(&key).is_ok())),
            ("a time of its own", |cache, key| cache.insert_with_ttl(key, OLD, LIVE)),
        ];
        for (what, store) in store {
            (0..KEYS).for_each(|key| store(&cache, key));
            let lefts: Vec<_> = (0..KEYS).map(|key| left::<F>(&cache, key)).collect();
            is_spread(&lefts, part, what);
        }
        at_rest(&cache.sync());
    }
}

fn g09_without_jitter_nothing_is_shortened_and_for_ever_stays_so<F: Kind>() {
    let (plain, clock) = builder(Janitor::On);
    let cache: Of<F> = F::Of::build(plain.time_to_live(LIVE).ttl_jitter(0.0));
    cache.insert(KEY, OLD);
    ages_by::<F>(&cache, &clock, &Rules { live: LIVE, ..Rules::FOR_EVER }, "no jitter");
    let (jittery, clock) = builder(Janitor::On);
    let cache: Of<F> = F::Of::build(jittery.ttl_jitter(1.0));
    for _ in 0..20 {
        cache.insert(KEY, OLD);
        cache.insert_with_ttl(KEY + 1, OLD, Duration::ZERO);
        assert_eq!((cache.entry_info(&KEY).and_then(|info| info.time_left), cache.peek(&(KEY + 1))), (None, None));
    }
    ages_by::<F>(&cache, &clock, &Rules::FOR_EVER, "for ever");
}

/// One throw shortens the time to live and the time to the refresh; windows and idle times are what they are.
fn g09_jitter_keeps_the_order_of_an_entry_s_times<F: Kind>() {
    let rules = Rules { live: LIVE, refresh: secs(900), while_revalidating: secs(20), if_error: secs(50), idle: Duration::MAX };
    let (builder, clock) = builder(Janitor::Off);
    let cache: Of<F> = F::Of::build(rules.apply(builder).ttl_jitter(0.6));
    for _ in 0..200 {
        cache.insert(KEY, OLD);
        let start = clock.elapsed();
        let live = left::<F>(&cache, KEY);
        assert_eq!(cache.entry_info(&KEY).and_then(|info| info.usable_for), Some(live + secs(50)));
        // To a microsecond: parts are reckoned in floating point.
        let due = live.mul_f64(0.9);
        let near = Duration::from_micros(1);
        let states = [due - near, due + near, live - TICK, live, live + secs(20), live + secs(50)].map(|age| {
            clock.set(start + age);
            state::<F>(&cache)
        });
        use Freshness::{ErrorFallback, Expired, Fresh, RefreshDue, Stale};
        assert_eq!(states, [Fresh, RefreshDue, RefreshDue, Stale, ErrorFallback, Expired], "{live:?}");
    }
    let idle = Rules { idle: secs(30), ..Rules::FOR_EVER };
    let (builder, clock) = crate::g09_expiry::scene::builder(Janitor::On);
    let cache: Of<F> = F::Of::build(idle.apply(builder).ttl_jitter(0.9));
    cache.insert(KEY, OLD);
    ages_by::<F>(&cache, &clock, &idle, "an idle time");
}

fn g09_refresh_ahead_is_a_part_of_the_entry_s_own_time_to_live<F: Kind>() {
    let (builder, clock) = builder(Janitor::Off);
    // Parts that floating point has exactly.
    let cache: Of<F> = F::Of::build(builder.time_to_live(secs(100)).refresh_ahead(0.75).stale_while_revalidate(secs(7)));
    let rules = |live, refresh| Rules { live, refresh, while_revalidating: secs(7), ..Rules::FOR_EVER };
    cache.insert(KEY, OLD);
    ages_by::<F>(&cache, &clock, &rules(secs(100), secs(75)), "the cache's");
    for seconds in [0, 4, 60, 40_000] {
        cache.insert_with_ttl(KEY, OLD, secs(seconds));
        ages_by::<F>(&cache, &clock, &rules(secs(seconds), secs(seconds * 3 / 4)), "its own");
    }
    cache.insert_with_ttl(KEY, OLD, Duration::MAX);
    ages_by::<F>(&cache, &clock, &rules(Duration::MAX, Duration::MAX), "for ever");
    cache.insert_with(KEY, Loaded::value(OLD).refresh_after(secs(5)));
    ages_by::<F>(&cache, &clock, &rules(secs(100), secs(5)), "a refresh of its own");

    // A new end, and what it makes of the whole.
    cache.insert(KEY, OLD);
    clock.advance(secs(10));
    assert!(cache.set_ttl(&KEY, secs(190)));
    let at = |age: Duration| {
        clock.set(clock.elapsed() - cache.entry_info(&KEY).expect("it is held").age + age);
        state::<F>(&cache)
    };
    assert_eq!([at(secs(150) - TICK), at(secs(150)), at(secs(200))], [Freshness::Fresh, Freshness::RefreshDue, Freshness::Stale]);
    at_rest(&cache.sync());
}

/// The last of the three settings that was given counts.
fn g09_of_the_settings_for_a_refresh_the_last_one_counts<F: Kind>() {
    let load = |_: &u32| Ok::<_, BoxError>(OLD);
    let early = bellwether::XFetch::new(1.0);
    let (first, clock) = builder(Janitor::Off);
    let cache: Of<F> =
        F::Of::build(first.loader_fn(load).time_to_live(secs(100)).refresh_early(early).refresh_ahead(0.5).refresh_after(secs(10)));
    cache.insert(KEY, OLD);
    ages_by::<F>(&cache, &clock, &Rules { live: secs(100), refresh: secs(10), ..Rules::FOR_EVER }, "refresh_after");
    let (second, clock) = builder(Janitor::Off);
    let cache: Of<F> =
        F::Of::build(second.loader_fn(load).time_to_live(secs(100)).refresh_after(secs(10)).refresh_early(early).refresh_ahead(0.5));
    cache.insert(KEY, OLD);
    ages_by::<F>(&cache, &clock, &Rules { live: secs(100), refresh: secs(50), ..Rules::FOR_EVER }, "refresh_ahead");
    let (third, clock) = builder(Janitor::Off);
    let cache: Of<F> =
        F::Of::build(third.loader_fn(load).time_to_live(secs(100)).refresh_after(secs(10)).refresh_ahead(0.5).refresh_early(early));
    cache.insert(KEY, OLD);
    ages_by::<F>(&cache, &clock, &Rules { live: secs(100), ..Rules::FOR_EVER }, "refresh_early, of a value that took no load");
}

on_every_face_in_time!(
    g09_jitter_only_shortens_and_spreads_over_all_of_its_part,
    g09_without_jitter_nothing_is_shortened_and_for_ever_stays_so,
    g09_jitter_keeps_the_order_of_an_entry_s_times,
    g09_refresh_ahead_is_a_part_of_the_entry_s_own_time_to_live,
    g09_of_the_settings_for_a_refresh_the_last_one_counts,
);
