//! Keys that a call brings though nobody asked for them.

use super::scene::{Source, all, of, outcomes, put_all};
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::Gate;
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::BOTH;
use bellwether::{CacheBuilder, Loaded, MockClock};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u32, u32>;

/// The key that nobody asks for.
pub(super) const EXTRA: u32 = 7;
const LIFE: Duration = Duration::from_secs(10);

/// What the tests see of the extra key: whether it was said to serve, and what is held of it afterwards.
#[derive(Clone, Default)]
pub(super) struct Served(Arc<Mutex<Vec<bool>>>);

impl Served {
    fn note(&self, serves: bool) {
        self.0.lock().expect("no holder panics").push(serves);
    }

    pub(super) fn all(&self) -> Vec<bool> {
        self.0.lock().expect("no holder panics").clone()
    }
}

/// A call for key 1 that waits at the gate, and then brings the extra key, too.
pub(super) fn bringing(gate: &Gate, served: &Served, extra: impl Fn() -> Loaded<u32> + Clone + Send + Sync + 'static) -> Source {
    let (gate, served) = (gate.clone(), served.clone());
    Source::new(move |keys: Vec<u32>, out| {
        let (gate, served, extra) = (gate.clone(), served.clone(), extra.clone());
        async move {
            gate.pass().await;
            served.note(out.put(&EXTRA, extra()));
            put_all(&keys, &out);
            Ok(())
        }
    })
}

/// What happens to the extra key while the call is under way, and what is held of it in the end.
struct Case<C> {
    name: &'static str,
    before: fn(&C),
    meanwhile: fn(&C, &MockClock),
    stored: bool,
    left: Option<u32>,
}

impl<C: Face<u32, u32>> Case<C> {
    const fn of(name: &'static str, before: fn(&C), meanwhile: fn(&C, &MockClock), stored: bool, left: Option<u32>) -> Self {
        Self { name, before, meanwhile, stored, left }
    }
}

fn nothing<C>(_: &C) {}

fn cases<C: Face<u32, u32>>() -> Vec<Case<C>> {
    vec![
        Case::of("nothing happens", nothing, |_, _| (), true, Some(70)),
        Case::of("it is held", |c| c.insert(EXTRA, 5), |_, _| (), false, Some(5)),
        Case::of("it is held, but over", |c| c.insert(EXTRA, 5), |_, clock| clock.advance(LIFE), true, Some(70)),
        Case::of(
            "it was written and removed before",
            |c| {
                c.insert(EXTRA, 5);
                c.remove(&EXTRA);
            },
            |_, _| (),
            true,
            Some(70),
        ),
        Case::of("it is written", nothing, |c, _| c.insert(EXTRA, 6), false, Some(6)),
        Case::of(
            "it is written and is over",
            nothing,
            |c, clock| {
                c.insert(EXTRA, 6);
                clock.advance(LIFE);
            },
            false,
            None,
        ),
        Case::of(
            "it is written and removed",
            nothing,
            |c, _| {
                c.insert(EXTRA, 6);
                c.remove(&EXTRA);
            },
            false,
            None,
        ),
        Case::of(
            "it is invalidated",
            nothing,
            |c, _| {
                c.invalidate(&EXTRA);
            },
            false,
            None,
        ),
        Case::of("what is held is removed", |c| c.insert(EXTRA, 5), |c, _| drop(c.remove(&EXTRA)), false, None),
        Case::of(
            "what is held is expired",
            |c| c.insert(EXTRA, 5),
            |c, _| {
                c.expire(&EXTRA);
            },
            false,
            None,
        ),
        Case::of("all is cleared", nothing, |c, _| c.clear(), false, None),
        Case::of("its tag is struck", nothing, |c, _| c.sync().invalidate_tag("extra"), false, None),
        Case::of("its tag was struck before", |c| c.sync().invalidate_tag("extra"), |_, _| (), true, Some(70)),
        Case::of(
            "a predicate goes through",
            nothing,
            |c, _| {
                c.sync().invalidate_if(|_, _| false);
            },
            false,
            None,
        ),
        Case::of(
            "it is kept out",
            nothing,
            |c, _| {
                c.sync().invalidate_for(&EXTRA, LIFE);
            },
            false,
            None,
        ),
        Case::of(
            "it is kept out before",
            |c| {
                c.sync().invalidate_for(&EXTRA, LIFE);
            },
            |_, _| (),
            false,
            None,
        ),
        Case::of(
            "it was kept out when the call began",
            |c| {
                c.sync().invalidate_for(&EXTRA, LIFE);
            },
            |_, clock| clock.advance(LIFE),
            false,
            None,
        ),
        Case::of(
            "it was kept out for a while",
            nothing,
            |c, clock| {
                c.sync().invalidate_for(&EXTRA, LIFE);
                clock.advance(LIFE);
            },
            false,
            None,
        ),
        Case::of("it is replaced in vain", nothing, |c, _| drop(c.sync().replace(EXTRA, 6)), true, Some(70)),
        Case::of(
            "it is computed in vain",
            nothing,
            |c, _| {
                c.sync().compute(&EXTRA, |v| *v += 1);
            },
            true,
            Some(70),
        ),
        Case::of("it is inserted if absent", nothing, |c, _| drop(c.sync().insert_if_absent(EXTRA, 6)), false, Some(6)),
        Case::of(
            "it is computed",
            |c| c.insert(EXTRA, 5),
            |c, clock| {
                c.sync().compute(&EXTRA, |v| *v += 1);
                clock.advance(LIFE);
            },
            false,
            None,
        ),
        Case::of(
            "it is computed in place",
            |c| c.insert(EXTRA, 5),
            |c, clock| {
                c.sync().try_compute(&EXTRA, |v| *v += 1).done();
                clock.advance(LIFE);
            },
            false,
            None,
        ),
        Case::of("it is said to be absent", nothing, |c, _| c.insert_with(EXTRA, Loaded::absent()), false, None),
        Case::of(
            "its time to live is set in vain",
            nothing,
            |c, _| {
                c.set_ttl(&EXTRA, LIFE);
            },
            true,
            Some(70),
        ),
    ]
}

fn g2_bulk_an_unasked_key_is_stored_only_where_nothing_has_happened<F: Kind>() {
    for style in BOTH {
        for Case { name, before, meanwhile, stored, left } in cases::<Of<F>>() {
            let (gate, served, clock) = (Gate::new(), Served::default(), MockClock::new());
            let source = bringing(&gate, &served, || Loaded::value(of(EXTRA)).tags(["extra"]));
            let builder = CacheBuilder::new().shards(1).time_to_live(LIFE).load_timeout(Duration::MAX).clock(clock.clone());
            let cache: Of<F> = F::Of::build(source.given(builder, style));
            before(&cache);
            let fetcher = apart(&cache, |cache| outcomes(&cache.multi_fetch_with(&[1])));
            // One key alone is a call for many, too.
            gate.until_arrived(1);
            meanwhile(&cache, &clock);
            gate.open();
            assert_eq!(fetcher.result(), all(&[1]), "{style:?}, {name}");
            assert_eq!(served.all(), [stored], "{style:?}, {name}");
            assert_eq!(cache.peek(&EXTRA).as_deref().copied(), left, "{style:?}, {name}");
            cache.run_maintenance();
            at_rest(&cache.sync());
        }
    }
}

on_every_face_in_time!(g2_bulk_an_unasked_key_is_stored_only_where_nothing_has_happened);
