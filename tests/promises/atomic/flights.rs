//! G2: what supersedes a flight and what doesn't: a call that writes does, one that changes nothing leaves every flight alone.

use super::rows::{KEY, OLD, Row, rows};
use super::scene::Hands;
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::{Gate, until};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::rules::secs;
use crate::runway::{BOTH, Runway, Style};
use bellwether::{BoxError, CacheBuilder, Entry, Loaded, MockClock};

/// What every load brings.
const LOADED: u32 = 500;

fn scene<F: Kind>(style: Style, builder: CacheBuilder<u32, u32>) -> (F::Of<u32, u32>, Runway) {
    let runway = Runway::new(1);
    (F::Of::build(runway.loader(builder, style, |_| Loaded::ok(LOADED))), runway)
}

/// The load in the air lands, and is stored only if the call has written nothing.
fn lands<F: Kind>(cache: &F::Of<u32, u32>, writes: Option<u32>, what: &str) {
    assert_eq!(cache.peek(&KEY).as_deref().copied(), Some(writes.unwrap_or(LOADED)), "{what}");
    let metrics = at_rest(&cache.sync());
    assert_eq!((metrics.loads_superseded, metrics.flights), (u64::from(writes.is_some()), 0), "{what}");
}

fn g2_a_load_of_what_is_not_held_is_superseded_by_what_writes_alone<F: Kind>() {
    for style in BOTH {
        for row in rows() {
            let (cache, runway) = scene::<F>(style, CacheBuilder::new());
            let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
            runway.until_begun(0);
            assert_eq!((row.call)(&Hands::of::<F>(&cache)), row.none.gives, "{}", row.name);
            // A fetch from here on joins the load, or sees what was written.
            let after = apart(&cache, |cache| cache.fetch_with(&KEY));
            match row.none.writes {
                Some(value) => assert_eq!(after.result().ok().as_deref(), Some(&value), "{}", row.name),
                None => {
                    until("it joins", || cache.metrics().joined == 1);
                    runway.open(0);
                    assert_eq!(after.result().ok().as_deref(), Some(&LOADED), "{}", row.name);
                }
            }
            runway.open(0);
            assert_eq!(leader.result().ok().as_deref(), Some(&LOADED), "{}: it is delivered", row.name);
            lands::<F>(&cache, row.none.writes, row.name);
        }
    }
}

fn g2_a_refresh_is_superseded_by_what_writes_alone<F: Kind>() {
    for style in BOTH {
        for row in rows() {
            let (cache, runway) = scene::<F>(style, CacheBuilder::new());
            cache.insert(KEY, OLD);
            let refresher = apart(&cache, |cache| cache.refresh(&KEY));
            runway.until_begun(0);
            let given = (row.call)(&Hands::of::<F>(&cache));
            // The refresh was given the value, so that nobody can change it where it lies.
            let (gives, writes) = if row.is_in_place { ("Busy", None) } else { (row.held.gives, row.held.writes) };
            assert_eq!(given, gives, "{}", row.name);
            assert_eq!(cache.peek(&KEY).as_deref().copied(), Some(writes.unwrap_or(OLD)), "{}", row.name);
            runway.open(0);
            assert_eq!(refresher.result().ok().as_deref(), Some(&LOADED), "{}: it is delivered", row.name);
            lands::<F>(&cache, writes, row.name);
        }
    }
}

/// A refresh in the background, of a value that is stale: for these calls there is no value.
fn g2_a_refresh_of_what_is_stale_is_superseded_by_what_writes_alone<F: Kind>() {
    for style in BOTH {
        for row in rows() {
            let clock = MockClock::new();
            let builder = CacheBuilder::new().clock(clock.clone()).time_to_live(secs(10)).stale_while_revalidate(secs(100));
            let (cache, runway) = scene::<F>(style, builder);
            cache.insert(KEY, OLD);
            clock.advance(secs(20));
            assert_eq!(cache.fetch_with(&KEY).ok().as_deref(), Some(&OLD), "the stale one, while it is loaded anew");
            runway.until_begun(0);
            assert_eq!((row.call)(&Hands::of::<F>(&cache)), row.none.gives, "{}", row.name);
            runway.open(0);
            until("it has landed", || cache.metrics().flights == 0);
            lands::<F>(&cache, row.none.writes, row.name);
        }
    }
}

/// A vacant entry is the lead of a flight, too: what it brings goes to those who waited, and into the cache only if nobody has written.
fn g2_a_vacant_entry_is_overtaken_by_what_writes_alone<F: Kind>() {
    for row in rows() {
        let (cache, _runway) = scene::<F>(Style::Blocking, CacheBuilder::new());
        let Some(Entry::Vacant(entry)) = cache.sync().try_entry(KEY) else { panic!("nobody has it") };
        assert_eq!((row.call)(&Hands::of::<F>(&cache)), row.none.gives, "{}", row.name);
        let is_overtaken = cache.sync().try_entry(KEY).is_some();
        assert_eq!(is_overtaken, row.none.writes.is_some(), "{}: whether another sees the lead taken", row.name);
        assert_eq!(*entry.insert(LOADED), LOADED);
        assert_eq!(cache.peek(&KEY).as_deref().copied(), Some(row.none.writes.unwrap_or(LOADED)), "{}", row.name);
        at_rest(&cache.sync());
    }
}

/// What `init` and `change` are at work on isn't written yet: a load that lands meanwhile is what is changed then.
fn g2_what_lands_while_a_value_is_made_is_what_is_changed<F: Kind>() {
    for style in BOTH {
        let (cache, runway) = scene::<F>(style, CacheBuilder::new());
        let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
        runway.until_begun(0);
        let mut made = 0;
        let changed = Hands::of::<F>(&cache).upsert(
            KEY,
            || {
                made += 1;
                runway.open(0);
                until("it has landed", || cache.contains_key(&KEY));
                100
            },
            |value| {
                *value += 1;
                *value
            },
        );
        assert_eq!((changed, made), (LOADED + 1, 1));
        assert_eq!(cache.peek(&KEY).as_deref(), Some(&(LOADED + 1)));
        assert_eq!(leader.result().ok().as_deref(), Some(&LOADED));
        assert_eq!(at_rest(&cache.sync()).loads_superseded, 0);
    }
}

/// A load that was put off, as four of its key are running, has yet to begin: a write answers those who wait for it.
fn g2_what_writes_answers_a_load_that_was_put_off<F: Kind>() {
    for row in rows().into_iter().filter(|row| row.none.writes.is_some()) {
        let runway = Runway::new(4);
        let builder = runway.loader(CacheBuilder::new(), Style::Async, |_| Loaded::ok(LOADED));
        let cache: F::Of<u32, u32> = F::Of::build(builder);
        let mut callers = Vec::new();
        for load in 0..4 {
            callers.push(apart(&cache, |cache| cache.fetch_with(&KEY)));
            runway.until_begun(load);
            cache.invalidate(&KEY);
        }
        let fifth = apart(&cache, |cache| cache.fetch_with(&KEY));
        until("the fifth has claimed", || cache.metrics().loads_started == 5);
        assert_eq!((row.call)(&Hands::of::<F>(&cache)), row.none.gives, "{}", row.name);
        assert_eq!(fifth.result().ok().as_deref().copied(), row.none.writes, "{}", row.name);
        (0..4).for_each(|load| runway.open(load));
        callers.into_iter().for_each(|caller| drop(caller.result()));
        assert_eq!((runway.begun(), at_rest(&cache.sync()).loads_answered), (4, 1), "{}", row.name);
    }
}

/// A value that is refused is written all the same: nothing from before it may come after it.
fn g2_what_is_too_heavy_supersedes_as_an_insert_does<F: Kind>() {
    for row in rows().into_iter().filter(|row| row.none.writes.is_some()) {
        let gate = Gate::new();
        let (held, loads) = (gate.clone(), Runway::new(1));
        let begun = loads.clone();
        let load = move |_: &u32| {
            begun.load();
            held.wait();
            Ok::<_, BoxError>(LOADED)
        };
        let builder = CacheBuilder::new().capacity(1_000).weigher(|_, &value| if value == LOADED { 1 } else { 5_000 });
        let cache: F::Of<u32, u32> = F::Of::build(builder.loader_fn(load));
        let leader = apart(&cache, |cache| cache.fetch_with(&KEY));
        loads.until_begun(0);
        loads.open(0);
        assert_eq!((row.call)(&Hands::of::<F>(&cache)), row.none.gives, "{}", row.name);
        gate.open();
        assert_eq!(leader.result().ok().as_deref(), Some(&LOADED), "{}", row.name);
        assert_eq!(cache.peek(&KEY), None, "{}", row.name);
        assert_eq!(at_rest(&cache.sync()).loads_superseded, 1, "{}", row.name);
    }
}

/// Neither lookups nor loads nor removals.
fn g16_what_changes_nothing_counts_nothing<F: Kind>() {
    let changes_nothing: [fn(&Row) -> bool; 2] = [|row| row.held.writes.is_none(), |row| row.none.writes.is_none()];
    for (is_held, changes_nothing) in [true, false].into_iter().zip(changes_nothing) {
        // What is expected of the one swap is looked for by a call that counts.
        for row in rows().into_iter().filter(|row| changes_nothing(row) && row.name != "compare_and_swap") {
            let (cache, _runway) = scene::<F>(Style::Blocking, CacheBuilder::new());
            if is_held {
                cache.insert(KEY, OLD);
            }
            let before = format!("{:?}", at_rest(&cache.sync()));
            (row.call)(&Hands::of::<F>(&cache));
            assert_eq!(format!("{:?}", at_rest(&cache.sync())), before, "{}", row.name);
        }
    }
}

on_every_face_in_time!(
    g2_a_load_of_what_is_not_held_is_superseded_by_what_writes_alone,
    g2_a_refresh_is_superseded_by_what_writes_alone,
    g2_a_refresh_of_what_is_stale_is_superseded_by_what_writes_alone,
    g2_a_vacant_entry_is_overtaken_by_what_writes_alone,
    g2_what_lands_while_a_value_is_made_is_what_is_changed,
    g2_what_writes_answers_a_load_that_was_put_off,
    g2_what_is_too_heavy_supersedes_as_an_insert_does,
    g16_what_changes_nothing_counts_nothing,
);
