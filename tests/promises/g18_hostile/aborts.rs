//! Several panicking drops at once: one panic must not meet another on its way out, which would end the process. Each case runs in a
//! process of its own.

use crate::faces::{Blocking, Face, Kind, NoRuntime, OnTokio};
use crate::g18_hostile::bomb::{Arsenal, Bomb, Make};
use crate::hush::{ON_PURPOSE, caught, hush};
use bellwether::{CacheBuilder, EvictionPolicy, Loaded};
use std::hash::{Hash, Hasher};
use std::process::Command;

/// Names the case that a process is to try.
const CASE: &str = "BELLWETHER_CASE";
const SURVIVED: &str = "the process lives on";

/// Runs `case`, this test's, in a process of its own.
fn survives(test: &str, case: fn()) {
    if std::env::var(CASE).as_deref() == Ok(test) {
        case();
        println!("{SURVIVED}");
        return;
    }
    let own = std::env::current_exe().expect("tests are files");
    let path = format!("{}::{test}", module_path!().split_once("::").expect("inside the test's crate").1);
    let output = Command::new(own).args([&path, "--exact", "--nocapture"]).env(CASE, test).output().expect("it can be run again");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains(SURVIVED), "{}: {complained}", output.status);
}

fn on_each_face(blocking: fn(), on_tokio: fn(), without_runtime: fn()) {
    blocking();
    on_tokio();
    without_runtime();
}

/// A cache of bombs that don't mind whether their thread is panicking already.
fn full<F: Kind>(shards: usize) -> (Arsenal, F::Of<u32, Bomb>) {
    let arsenal = Arsenal::default();
    let cache = <F::Of<u32, Bomb>>::build(CacheBuilder::new().eviction(EvictionPolicy::Lru).capacity(10).shards(shards));
    (0..10).for_each(|key| cache.insert(key, arsenal.make(Make::Doomsday)));
    arsenal.arm();
    (arsenal, cache)
}

fn clears<F: Kind>() {
    for shards in [1, 4] {
        let (arsenal, cache) = full::<F>(shards);
        cache.clear();
        assert_eq!((arsenal.alive(), cache.len()), (0, 0), "all are gone");
        cache.validate();
    }
}

fn evicts<F: Kind>() {
    let (arsenal, cache) = full::<F>(4);
    cache.insert_with(99, Loaded::value(arsenal.make(Make::Dud)).weight(10));
    assert_eq!((arsenal.alive(), cache.len()), (1, 1), "all but the heavy one are gone");
    cache.validate();
}

fn ends<F: Kind>() {
    for shards in [1, 4] {
        let (arsenal, cache) = full::<F>(shards);
        let _ = caught(|| drop(cache));
        assert_eq!(arsenal.alive(), 0, "all are gone");
    }
}

/// A key whose drop panics, unless its thread is panicking already.
#[derive(Clone, PartialEq, Eq)]
struct Brittle(u32);

impl Hash for Brittle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Drop for Brittle {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "a drop of a key fails {ON_PURPOSE}");
    }
}

fn removes_both<F: Kind>() {
    hush();
    let arsenal = Arsenal::default();
    let cache = <F::Of<Brittle, Bomb>>::build(CacheBuilder::new());
    let key = std::mem::ManuallyDrop::new(Brittle(1));
    cache.insert(Brittle(1), arsenal.make(Make::Doomsday));
    arsenal.arm();
    cache.insert_with(Brittle(1), Loaded::value(arsenal.make(Make::Dud)));
    assert_eq!((arsenal.alive(), cache.len()), (1, 1), "key and value of old are gone");
    drop(cache.remove(&*key));
    assert_eq!((arsenal.alive(), cache.len()), (0, 0));
}

#[test]
fn g18_several_values_whose_drop_panics_are_cleared() {
    survives("g18_several_values_whose_drop_panics_are_cleared", || {
        on_each_face(clears::<Blocking>, clears::<OnTokio>, clears::<NoRuntime>);
    });
}

#[test]
fn g18_several_values_whose_drop_panics_are_evicted() {
    survives("g18_several_values_whose_drop_panics_are_evicted", || {
        on_each_face(evicts::<Blocking>, evicts::<OnTokio>, evicts::<NoRuntime>);
    });
}

#[test]
fn g18_several_values_whose_drop_panics_go_with_the_last_handle() {
    survives("g18_several_values_whose_drop_panics_go_with_the_last_handle", || {
        on_each_face(ends::<Blocking>, ends::<OnTokio>, ends::<NoRuntime>);
    });
}

#[test]
fn g18_a_key_and_a_value_whose_drops_both_panic_leave_together() {
    survives("g18_a_key_and_a_value_whose_drops_both_panic_leave_together", || {
        on_each_face(removes_both::<Blocking>, removes_both::<OnTokio>, removes_both::<NoRuntime>);
    });
}
