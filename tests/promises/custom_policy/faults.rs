//! Policies that panic or are wrong: contained, counted, and the cache stays sound.

use crate::custom_policy::keys;
use crate::faces::{Face, Kind};
use crate::hush::{ON_PURPOSE, hush};
use crate::policies::{Oldest, set_capacity, try_insert};
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, CustomPolicy, Loaded, PolicyBounds, PolicyEntry, PolicySlot, RemovalCause};

type Of<F> = <F as Kind>::Of<u64, u64>;

const SIZE: u64 = 30;

/// What a policy does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wrong {
    Admitted,
    Touched,
    Removed,
    Victim,
    Pinned,
    Resized,
    Dropped,
    /// It names an entry that has left.
    Gone,
    /// It never names any.
    Nobody,
}

const ALL: [Wrong; 9] = [
    Wrong::Admitted,
    Wrong::Touched,
    Wrong::Removed,
    Wrong::Victim,
    Wrong::Pinned,
    Wrong::Resized,
    Wrong::Dropped,
    Wrong::Gone,
    Wrong::Nobody,
];

struct Faulty {
    inner: Oldest,
    wrong: Wrong,
    gone: Option<PolicySlot>,
}

impl Faulty {
    fn may_panic(&self, at: Wrong) {
        assert!(self.wrong != at, "{at:?} {ON_PURPOSE}");
    }
}

impl CustomPolicy<u64, u64> for Faulty {
    fn admitted(&mut self, slot: PolicySlot, entry: &PolicyEntry<'_, u64, u64>) {
        self.may_panic(Wrong::Admitted);
        self.inner.admitted(slot, entry);
    }
    fn touched(&mut self, slot: PolicySlot) {
        self.may_panic(Wrong::Touched);
        CustomPolicy::<u64, u64>::touched(&mut self.inner, slot);
    }
    fn removed(&mut self, slot: PolicySlot) {
        self.gone = self.gone.or(Some(slot));
        self.may_panic(Wrong::Removed);
        CustomPolicy::<u64, u64>::removed(&mut self.inner, slot);
    }
    fn victim(&mut self) -> Option<PolicySlot> {
        self.may_panic(Wrong::Victim);
        match self.wrong {
            Wrong::Nobody => None,
            Wrong::Gone if self.gone.is_some() => self.gone,
            _ => CustomPolicy::<u64, u64>::victim(&mut self.inner),
        }
    }
    fn pinned(&self, _entry: &PolicyEntry<'_, u64, u64>) -> bool {
        self.may_panic(Wrong::Pinned);
        false
    }
    fn resized(&mut self, _bounds: &PolicyBounds) {
        self.may_panic(Wrong::Resized);
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.may_panic(Wrong::Dropped);
    }
}

fn built<F: Kind>(wrong: Wrong, shards: usize) -> Of<F> {
    hush();
    let load = |&key: &u64| Ok::<_, BoxError>(Loaded::value(key).weight(1 + key % 3));
    let builder = CacheBuilder::new().capacity(SIZE).shards(shards).loader_fn(load);
    F::Of::build(builder.custom_eviction(move |_| Faulty { inner: Oldest::default(), wrong, gone: None }))
}

fn g18_a_cache_stays_sound_whatever_its_policy_does_wrong<F: Kind>() {
    for wrong in ALL {
        for shards in [1, 3] {
            let cache = built::<F>(wrong, shards);
            for key in 0..300 {
                match key % 5 {
                    0 => drop(cache.fetch_with(&(key % 60)).expect("the loader brings it")),
                    1 => drop(cache.remove(&(key % 60))),
                    2 => cache.insert_with(key % 60, Loaded::value(key).weight(key % 9)),
                    _ => cache.insert(key, key),
                }
                drop(cache.fetch(&(key / 2)));
                assert!(cache.weight() <= SIZE, "{wrong:?}");
            }
            set_capacity::<F, _, _>(&cache, SIZE / 2);
            assert!(cache.weight() <= SIZE / 2, "{wrong:?}");
            set_capacity::<F, _, _>(&cache, 2 * SIZE);
            cache.insert(1_000, 1);
            assert!(cache.contains_key(&1_000), "{wrong:?}: there is room");
            let metrics = at_rest(&cache.sync());
            let is_told = !matches!(wrong, Wrong::Nobody | Wrong::Dropped | Wrong::Gone);
            assert!(metrics.policy_faults > 0 || !is_told, "{wrong:?}: it is counted");
            assert!(metrics.policy_faults == 0 || wrong != Wrong::Nobody, "{wrong:?}: that isn't wrong");
            cache.clear();
            assert_eq!((cache.len(), cache.weight()), (0, 0), "{wrong:?}");
            (0..2 * SIZE).for_each(|key| cache.insert(key, key));
            assert!(keys(&cache).into_iter().eq(0..2 * SIZE), "{wrong:?}: and all fit");
            at_rest(&cache.sync());
        }
    }
}

/// Where a policy fails to name one, or names one that isn't held, what came first leaves.
fn g18_what_came_first_leaves_where_the_policy_is_wrong<F: Kind>() {
    for wrong in [Wrong::Victim, Wrong::Gone] {
        let cache = built::<F>(wrong, 1);
        // The slot of what has gone isn't taken again as long as others are held.
        (0..SIZE).for_each(|key| cache.insert(key, key));
        set_capacity::<F, _, _>(&cache, SIZE - 1);
        let before = cache.metrics().policy_faults;
        for key in 1..SIZE {
            assert!(wrong == Wrong::Gone || cache.contains_key(&key), "{wrong:?}: {key} came first of those that are left");
            cache.insert(1_000 + key, key);
            assert_eq!((cache.len(), cache.contains_key(&(1_000 + key))), (SIZE - 1, true), "{wrong:?}: it has just come");
            assert!(wrong == Wrong::Gone || !cache.contains_key(&key), "{wrong:?}: {key} came first");
        }
        let metrics = at_rest(&cache.sync());
        assert!(metrics.policy_faults > before, "{wrong:?}: it is counted");
        assert_eq!(metrics.removals(RemovalCause::Rejected), 0, "{wrong:?}");
    }
}

fn g18_a_policy_that_names_nobody_refuses<F: Kind>() {
    for shards in [1, 3] {
        let cache = built::<F>(Wrong::Nobody, shards);
        (0..SIZE).for_each(|key| cache.insert(key, key));
        for key in SIZE..SIZE + 5 {
            assert!(!try_insert::<F, _, _>(&cache, key, key).expect_err("nobody leaves").is_too_heavy());
            assert_eq!(*cache.fetch_with(&key).expect("it is delivered all the same"), key);
        }
        assert!(keys(&cache).into_iter().eq(0..SIZE), "with {shards} shards");
        set_capacity::<F, _, _>(&cache, 3);
        assert_eq!(cache.len(), 3, "with {shards} shards: a smaller capacity takes no refusal");
        at_rest(&cache.sync());
    }
}

/// With many shards, and with a listener: the second of two panics would abort the process.
fn g18_policies_whose_drop_panics_are_let_go_one_by_one<F: Kind>() {
    for shards in [1, 2, 16] {
        let cache = built::<F>(Wrong::Dropped, shards);
        (0..SIZE).for_each(|key| cache.insert(key, key));
        cache.clear();
        (0..SIZE).for_each(|key| cache.insert(key, key));
        drop(cache);
        hush();
        let builder = CacheBuilder::new().capacity(SIZE).shards(shards).on_removal(|_, _, _| {});
        let cache: Of<F> =
            F::Of::build(builder.custom_eviction(move |_| Faulty { inner: Oldest::default(), wrong: Wrong::Dropped, gone: None }));
        (0..SIZE).for_each(|key| cache.insert(key, key));
        cache.clear();
        cache.insert(1, 1);
        cache.run_maintenance();
        drop(cache);
    }
}

crate::on_every_face_in_time!(
    g18_a_cache_stays_sound_whatever_its_policy_does_wrong,
    g18_what_came_first_leaves_where_the_policy_is_wrong,
    g18_a_policy_that_names_nobody_refuses,
    g18_policies_whose_drop_panics_are_let_go_one_by_one,
);
