//! G18: user code that panics at any moment of a conditional write: what is held stays whole, nothing stays in the air, and all accounts agree.

use super::scene::Hands;
use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::hush::{ON_PURPOSE, caught};
use crate::on_every_face_in_time;
use crate::rest::at_rest;
use crate::runway::Runway;
use bellwether::{BoxError, CacheBuilder};
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What can be made to panic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Deed {
    Hash,
    Eq,
    KeyClone,
    ValueClone,
    Weigh,
    Init,
    Change,
}

const DEEDS: [Deed; 7] = [Deed::Hash, Deed::Eq, Deed::KeyClone, Deed::ValueClone, Deed::Weigh, Deed::Init, Deed::Change];

thread_local! {
    /// The deed of this thread that is to panic, and how many to let pass.
    static TRAP: Cell<Option<(Deed, u32)>> = const { Cell::new(None) };
}

/// Has a deed of this thread panic. It is off once it has gone off.
fn does(deed: Deed) {
    match TRAP.get() {
        Some((armed, 0)) if armed == deed => {
            TRAP.set(None);
            panic!("{deed:?} fails {ON_PURPOSE}");
        }
        Some((armed, pass)) if armed == deed => TRAP.set(Some((armed, pass - 1))),
        Some(_) | None => {}
    }
}

/// All keys have the same hash, so that they are compared with each other.
#[derive(Debug)]
struct Key(u32);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        does(Deed::Hash);
        0_u32.hash(state);
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        does(Deed::Eq);
        self.0 == other.0
    }
}

impl Eq for Key {}

impl Clone for Key {
    fn clone(&self) -> Self {
        does(Deed::KeyClone);
        Self(self.0)
    }
}

/// Whole if both halves are the same.
#[derive(Debug, PartialEq)]
struct Pair(u64, u64);

impl Pair {
    fn of(number: u64) -> Self {
        Self(number, number)
    }
}

impl Clone for Pair {
    fn clone(&self) -> Self {
        does(Deed::ValueClone);
        Self(self.0, self.1)
    }
}

/// Changes one half, and perhaps never the other.
fn change(pair: &mut Pair) {
    pair.0 += 100;
    does(Deed::Change);
    pair.1 += 100;
}

fn init() -> Pair {
    does(Deed::Init);
    Pair::of(50)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Call {
    InsertIfAbsent,
    Replace,
    CompareAndSwap,
    Compute,
    Upsert,
    TryCompute,
}

const CALLS: [Call; 6] = [Call::InsertIfAbsent, Call::Replace, Call::CompareAndSwap, Call::Compute, Call::Upsert, Call::TryCompute];

impl Call {
    fn make(self, cache: &Hands<Key, Pair>, key: u32, expected: &Arc<Pair>) {
        let key = Key(key);
        match self {
            Self::InsertIfAbsent => drop(cache.insert_if_absent(key, Pair::of(50))),
            Self::Replace => drop(cache.replace(key, Pair::of(50))),
            Self::CompareAndSwap => drop(cache.compare_and_swap(&key, expected, Pair::of(50))),
            Self::Compute => drop(cache.compute(&key, change)),
            Self::Upsert => cache.upsert(key, init, change),
            Self::TryCompute => drop(cache.try_compute(&key, change)),
        }
    }
}

/// Keys 1 and 2 are held. What is loaded is 1,000.
fn scene<F: Kind>(capacity: u64, runway: &Runway) -> F::Of<Key, Pair> {
    let runway = runway.clone();
    let builder = CacheBuilder::new().capacity(capacity).shards(1).weigher(|_, _| {
        does(Deed::Weigh);
        1
    });
    let cache: F::Of<Key, Pair> = F::Of::build(builder.loader_fn(move |_: &Key| {
        runway.load();
        Ok::<_, BoxError>(Pair::of(1_000))
    }));
    [1, 2].into_iter().for_each(|key| cache.insert(Key(key), Pair::of(key.into())));
    cache
}

/// Whether a panic of this deed leaves a value that is changed in place in doubt: then it goes.
fn spoils(call: Call, deed: Deed) -> bool {
    call == Call::TryCompute && matches!(deed, Deed::Change | Deed::Weigh | Deed::KeyClone)
}

/// Makes one call on `key` in which a deed panics after so many have passed. Says whether it came to that.
fn trapped<F: Kind>(cache: &F::Of<Key, Pair>, call: Call, key: u32, (deed, pass): (Deed, u32)) -> bool {
    let expected = if call == Call::CompareAndSwap { cache.peek(&Key(key)) } else { None };
    let expected = expected.unwrap_or_else(|| Arc::new(Pair::of(0)));
    let hands = Hands::of::<F>(cache);
    TRAP.set(Some((deed, pass)));
    let panicked = caught(|| call.make(&hands, key, &expected)).is_err();
    TRAP.set(None);
    panicked
}

fn g18_a_panic_at_any_moment_leaves_what_was_held_whole<F: Kind>() {
    let mut panics = 0;
    for capacity in [2, 100] {
        for call in CALLS {
            for deed in DEEDS {
                for (key, pass) in (0..12).flat_map(|pass| [(1, pass), (9, pass)]) {
                    let what = format!("{call:?} of {key}, {deed:?} after {pass}, capacity {capacity}");
                    let cache = scene::<F>(capacity, &Runway::new(0));
                    let before = cache.peek(&Key(key)).map(|pair| Pair(pair.0, pair.1));
                    if !trapped::<F>(&cache, call, key, (deed, pass)) {
                        continue;
                    }
                    panics += 1;
                    at_rest(&cache.sync());
                    let after = cache.peek(&Key(key)).map(|pair| Pair(pair.0, pair.1));
                    assert!(cache.entries().iter().all(|(_, pair)| pair.0 == pair.1), "{what}: a value is in halves");
                    match before {
                        Some(_) if spoils(call, deed) => assert_eq!(after, None, "{what}"),
                        // The whole of the change is in it, or nothing.
                        Some(_) if call == Call::TryCompute => {
                            assert!([Some(Pair::of(1)), Some(Pair::of(101))].contains(&after), "{what}: {after:?}");
                        }
                        before => assert_eq!(after, before, "{what}"),
                    }
                    assert_eq!(cache.peek(&Key(2)).as_deref(), Some(&Pair::of(2)), "{what}: another key's");
                    // It goes on working, for this key and for others.
                    Hands::of::<F>(&cache).upsert(Key(key), init, change);
                    assert_eq!(cache.fetch_with(&Key(77)).ok().as_deref(), Some(&Pair::of(1_000)), "{what}");
                    at_rest(&cache.sync());
                }
            }
        }
    }
    assert!(panics > 100, "only {panics} calls came to panic");
}

/// What has written nothing has overtaken nobody: the load in the air lands.
fn g18_a_call_that_panics_leaves_loads_in_the_air_alone<F: Kind>() {
    let mut panics = 0;
    for call in CALLS {
        for deed in DEEDS {
            for pass in 0..6 {
                let what = format!("{call:?}, {deed:?} after {pass}");
                let runway = Runway::new(1);
                let cache = scene::<F>(100, &runway);
                let leader = apart(&cache, |cache| cache.fetch_with(&Key(9)));
                runway.until_begun(0);
                let panicked = trapped::<F>(&cache, call, 9, (deed, pass));
                runway.open(0);
                assert_eq!(leader.result().ok().as_deref(), Some(&Pair::of(1_000)), "{what}");
                if panicked {
                    panics += 1;
                    assert_eq!(cache.peek(&Key(9)).as_deref(), Some(&Pair::of(1_000)), "{what}");
                    assert_eq!(at_rest(&cache.sync()).loads_superseded, 0, "{what}");
                }
                at_rest(&cache.sync());
            }
        }
    }
    assert!(panics > 10, "only {panics} calls came to panic");
}

on_every_face_in_time!(g18_a_panic_at_any_moment_leaves_what_was_held_whole, g18_a_call_that_panics_leaves_loads_in_the_air_alone,);
