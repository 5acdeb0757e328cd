//! Values whose `Drop` panics, whichever way they leave.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g18_hostile::bomb::{Arsenal, Bomb, Make};
use crate::gate::until;
use crate::hush::caught;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway, Style};
use bellwether::{CacheBuilder, EvictionPolicy, LoadErrorKind, Loaded, MockClock};
use std::collections::BTreeSet;
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, Bomb>;

/// The key of the bomb. Keys 1 and 2 have duds.
const BOMB: u32 = 0;
const TTL: Duration = Duration::from_secs(10);

struct Scene<F: Kind> {
    arsenal: Arsenal,
    cache: Of<F>,
    clock: MockClock,
}

/// How the bomb leaves, and what the loader brings, if it is asked.
type Way<F> = (&'static str, fn(&Scene<F>), fn(&Arsenal) -> Loaded<Bomb>);

impl<F: Kind> Scene<F> {
    fn new(style: Style, answer: fn(&Arsenal) -> Loaded<Bomb>) -> Self {
        let (arsenal, clock) = (Arsenal::default(), MockClock::new());
        let builder = CacheBuilder::new().capacity(3).shards(1).eviction(EvictionPolicy::Lru);
        let builder = builder.time_to_live(TTL).clock(clock.clone());
        let ours = arsenal.clone();
        let cache: Of<F> = F::Of::build(Runway::new(0).loader(builder, style, move |_| Loaded::ok(answer(&ours))));
        cache.insert(BOMB, arsenal.make(Make::Bomb));
        (1..3).for_each(|key| cache.insert(key, arsenal.make(Make::Dud)));
        Self { arsenal, cache, clock }
    }

    fn dud(&self) -> Loaded<Bomb> {
        dud(&self.arsenal)
    }

    /// The bomb is gone, all else is as it should be.
    fn is_sound(&self, what: &str) {
        self.arsenal.disarm();
        at_rest(&self.cache.sync());
        let held = i64::try_from(self.cache.len()).expect("a small number");
        until(&format!("{what}: all that left is gone"), || self.arsenal.alive() == held);
        for key in [BOMB, 1, 9] {
            self.cache.insert_with(key, self.dud());
            assert!(self.cache.remove(&key).is_some(), "{what}");
        }
        at_rest(&self.cache.sync());
    }
}

fn dud(arsenal: &Arsenal) -> Loaded<Bomb> {
    Loaded::value(arsenal.make(Make::Dud))
}

fn ways<F: Kind>() -> [Way<F>; 13] {
    [
        ("evicted by an insert", |scene| scene.cache.insert_with(9, scene.dud()), dud),
        ("evicted by a heavy one", |scene| scene.cache.insert_with(9, scene.dud().weight(3)), dud),
        ("evicted by a load", |scene| drop(scene.cache.fetch_with(&9)), dud),
        ("replaced", |scene| scene.cache.insert_with(BOMB, scene.dud()), dud),
        ("replaced by a heavy one", |scene| scene.cache.insert_with(BOMB, scene.dud().weight(3)), dud),
        ("taken along by one too heavy", |scene| scene.cache.insert_with(BOMB, scene.dud().weight(4)), dud),
        ("removed by absence", |scene| scene.cache.insert_with(BOMB, Loaded::absent()), dud),
        ("invalidated", |scene| assert!(scene.cache.invalidate(&BOMB)), dud),
        ("cleared", |scene| scene.cache.clear(), dud),
        ("replaced by a load", |scene| drop(scene.cache.refresh(&BOMB)), dud),
        ("removed by a load of absence", |scene| drop(scene.cache.refresh(&BOMB)), |_| Loaded::absent()),
        (
            "expired, found by a fetch",
            |scene| {
                scene.clock.advance(TTL);
                drop(scene.cache.fetch_with(&BOMB));
            },
            dud,
        ),
        (
            "expired, written over",
            |scene| {
                scene.clock.advance(TTL);
                scene.cache.insert_with(BOMB, scene.dud());
            },
            dud,
        ),
    ]
}

fn g18_a_value_whose_drop_panics_stops_no_call_that_lets_it_go<F: Kind>() {
    let mut stopped = BTreeSet::new();
    for style in BOTH {
        for (way, leave, answer) in ways::<F>() {
            let scene = Scene::<F>::new(style, answer);
            scene.arsenal.arm();
            if caught(|| leave(&scene)).is_err() {
                stopped.insert(format!("{way} ({style:?} loader)"));
            }
            scene.is_sound(way);
        }
    }
    assert_eq!(stopped, BTreeSet::new(), "these calls were stopped by a value's `Drop`");
}

fn g18_a_value_that_was_never_held_and_whose_drop_panics_stops_no_insert<F: Kind>() {
    let scene = Scene::<F>::new(BOTH[0], dud);
    scene.arsenal.arm();
    let (arsenal, cache) = (&scene.arsenal, &scene.cache);
    let refused = caught(|| cache.insert_with(9, Loaded::value(arsenal.make(Make::Bomb)).weight(4)));
    assert!(refused.is_ok(), "refused");
    assert_eq!(cache.len(), 3, "the others are all there");
    cache.clear();
    scene.is_sound("refused");
}

fn g18_a_value_that_its_last_owner_drops_panics_there<F: Kind>() {
    let scene = Scene::<F>::new(BOTH[0], dud);
    let removed = scene.cache.remove(&BOMB).expect("it is held");
    scene.arsenal.arm();
    assert!(caught(|| drop(removed)).is_err(), "it is the caller's by now");
    scene.is_sound("removed");
}

fn g18_a_value_that_comes_too_late_and_whose_drop_panics_harms_nobody<F: Kind>() {
    for style in BOTH {
        let (arsenal, clock, runway) = (Arsenal::default(), MockClock::new(), Runway::new(1));
        let builder = CacheBuilder::new().clock(clock.clone()).load_timeout(TTL);
        let ours = arsenal.clone();
        let builder = runway.loader(builder, style, move |number| Loaded::ok(ours.make(if number == 0 { Make::Bomb } else { Make::Dud })));
        let cache: Of<F> = F::Of::build(builder);
        arsenal.arm();
        let caller = apart(&cache, |cache| caught(|| cache.fetch_with(&BOMB).map(drop)));
        runway.until_begun(0);
        clock.advance(TTL);
        runway.open(0);
        let result = caller.result().expect("the panic is not the caller's");
        assert_eq!(result.map_err(|error| error.kind()), Err(LoadErrorKind::TimedOut));
        at_rest(&cache.sync());
        until("the value is gone", || arsenal.alive() == 0);
        assert!(cache.fetch_with(&BOMB).is_ok(), "the next load is heard");
        at_rest(&cache.sync());
    }
}

fn g18_values_whose_drop_panics_go_with_the_last_handle<F: Kind>() {
    let scene = Scene::<F>::new(BOTH[0], dud);
    let Scene { arsenal, cache, .. } = scene;
    arsenal.arm();
    // It may panic or not: all values are dropped all the same.
    let _ = caught(|| drop(cache));
    assert_eq!(arsenal.alive(), 0);
}

crate::on_every_face_in_time!(
    g18_a_value_whose_drop_panics_stops_no_call_that_lets_it_go,
    g18_a_value_that_was_never_held_and_whose_drop_panics_stops_no_insert,
    g18_a_value_that_its_last_owner_drops_panics_there,
    g18_a_value_that_comes_too_late_and_whose_drop_panics_harms_nobody,
    g18_values_whose_drop_panics_go_with_the_last_handle,
);
