//! What a policy is told, and when.

use crate::faces::{Face, Kind};
use crate::policies::{rules, set_capacity};
use crate::rest::at_rest;
use crate::together::together;
use bellwether::{BoxError, CacheBuilder, CustomPolicy, Loaded, MockClock, PolicyBounds, PolicyEntry, PolicySlot};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u64, u64>;

const SECOND: Duration = Duration::from_secs(1);

/// What one policy was told, in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    Admitted { slot: PolicySlot, key: u64, value: u64, weight: u64 },
    Touched(PolicySlot),
    Removed(PolicySlot),
    Asked(PolicySlot),
    Resized(u64, Option<u64>),
}

type Log = Arc<Mutex<Vec<Told>>>;

/// First in, first out, and all of it written down.
struct Writing {
    log: Log,
    order: BTreeMap<u64, PolicySlot>,
    now: u64,
}

impl Writing {
    fn note(&self, told: Told) {
        self.log.lock().expect("no holder panics").push(told);
    }
}

impl CustomPolicy<u64, u64> for Writing {
    fn admitted(&mut self, slot: PolicySlot, entry: &PolicyEntry<'_, u64, u64>) {
        self.note(Told::Admitted { slot, key: *entry.key, value: *entry.value, weight: entry.weight });
        self.now += 1;
        self.order.insert(self.now, slot);
    }
    fn touched(&mut self, slot: PolicySlot) {
        self.note(Told::Touched(slot));
    }
    fn removed(&mut self, slot: PolicySlot) {
        self.note(Told::Removed(slot));
        self.order.retain(|_, held| *held != slot);
    }
    fn victim(&mut self) -> Option<PolicySlot> {
        let victim = self.order.first_key_value().map(|(_, &slot)| slot)?;
        self.note(Told::Asked(victim));
        Some(victim)
    }
    fn resized(&mut self, bounds: &PolicyBounds) {
        self.note(Told::Resized(bounds.weight, bounds.entries));
    }
}

/// Gives a builder a policy that writes to a log of its own for each shard.
fn logged(builder: CacheBuilder<u64, u64>) -> (CacheBuilder<u64, u64>, Arc<Mutex<Vec<Log>>>) {
    let logs = Arc::<Mutex<Vec<Log>>>::default();
    let ours = Arc::clone(&logs);
    let builder = builder.custom_eviction(move |_| {
        let log = Log::default();
        ours.lock().expect("no holder panics").push(Arc::clone(&log));
        Writing { log, order: BTreeMap::new(), now: 0 }
    });
    (builder, logs)
}

/// What was told since the last look, by the one shard there is.
fn take(logs: &Mutex<Vec<Log>>) -> Vec<Told> {
    let logs = logs.lock().expect("no holder panics");
    std::mem::take(&mut *logs[0].lock().expect("no holder panics"))
}

/// Every entry that is told of comes before it is used, leaves once, and has its slot alone. Gives what is left.
fn check(log: &[Told]) -> HashMap<PolicySlot, (u64, u64)> {
    let mut held = HashMap::new();
    for &told in log {
        match told {
            Told::Admitted { slot, key, weight, .. } => {
                assert!(weight > 0, "what weighs nothing isn't told of");
                assert!(held.insert(slot, (key, weight)).is_none(), "slot {slot:?} is taken");
                assert!(slot.index() < 10_000, "slots are small numbers");
            }
            Told::Touched(slot) | Told::Asked(slot) => assert!(held.contains_key(&slot), "{told:?}"),
            Told::Removed(slot) => assert!(held.remove(&slot).is_some(), "{told:?}"),
            Told::Resized(..) => {}
        }
    }
    held
}

fn g14_a_policy_is_told_of_each_call_in_order<F: Kind>() {
    let clock = MockClock::new();
    let load = |&key: &u64| Ok::<_, BoxError>(Loaded::value(key).weight(1));
    let (builder, logs) = logged(CacheBuilder::new().capacity(3).shards(1).clock(clock.clone()).loader_fn(load));
    let cache: Of<F> = F::Of::build(builder);
    let admitted = |slot, key, value, weight| Told::Admitted { slot, key, value, weight };

    cache.insert_with(1, Loaded::value(10).weight(2));
    let told = take(&logs);
    let [Told::Admitted { slot: first, .. }] = told[..] else { panic!("{told:?}") };
    assert_eq!(told, [admitted(first, 1, 10, 2)]);

    // A load that lands is told as it comes in, and isn't a use of what it takes the place of.
    drop(cache.fetch_with(&2).expect("the loader brings it"));
    let told = take(&logs);
    let [Told::Admitted { slot: second, .. }] = told[..] else { panic!("{told:?}") };
    assert_eq!(told, [admitted(second, 2, 2, 1)]);
    drop(cache.refresh(&2).expect("the loader brings it"));
    assert_eq!(take(&logs), []);

    // Hits are told before the next decision; looks that aren't uses aren't told at all.
    assert!(cache.fetch(&1).is_some() && cache.get(&2, |_| ()).is_some());
    assert!(cache.peek(&1).is_some() && cache.contains_key(&2) && cache.entry_info(&1).is_some() && cache.fetch(&9).is_none());
    cache.insert(3, 30);
    let told = take(&logs);
    let [.., Told::Admitted { slot: third, .. }] = told[..] else { panic!("{told:?}") };
    let expected = [Told::Touched(first), Told::Touched(second), Told::Asked(first), Told::Removed(first), admitted(third, 3, 30, 1)];
    assert_eq!(told, expected);

    // A caller's write over what is held is a use of it, and it keeps its slot.
    cache.insert(2, 21);
    assert_eq!(take(&logs), [Told::Touched(second)]);
    // To weigh nothing is to leave, and to weigh something again is to come.
    cache.insert_with(2, Loaded::value(22).weight(0));
    assert_eq!(take(&logs), [Told::Removed(second)]);
    drop(cache.fetch(&2));
    cache.insert_with(2, Loaded::value(23).weight(1));
    let told = take(&logs);
    let Some(Told::Admitted { key: 2, value: 23, weight: 1, .. }) = told.first() else { panic!("{told:?}") };

    assert!(cache.invalidate(&3));
    assert_eq!(take(&logs).last(), Some(&Told::Removed(third)));
    cache.insert_with_ttl(4, 40, SECOND);
    let told = take(&logs);
    let Some(&Told::Admitted { slot: fourth, .. }) = told.last() else { panic!("{told:?}") };
    clock.advance(SECOND);
    cache.run_maintenance();
    assert_eq!(take(&logs), [Told::Removed(fourth)], "it has expired");

    set_capacity::<F, _, _>(&cache, 2);
    assert_eq!(take(&logs), [Told::Resized(2, Some(2))]);
    set_capacity::<F, _, _>(&cache, u64::MAX);
    assert_eq!(take(&logs), [Told::Resized(u64::MAX, None)], "without bounds");
    at_rest(&cache.sync());
}

fn call<C: Face<u64, u64>>(cache: &C, random: &mut StdRng) {
    let key = random.random_range(0..300);
    match random.random_range(0..20) {
        0..8 => cache.insert_with(key, Loaded::value(key).weight(random.random_range(0..6))),
        8..11 => drop(cache.fetch_with(&key).expect("the loader brings it")),
        11 => drop(cache.remove(&key)),
        12 => cache.insert_with_ttl(key, key, Duration::ZERO),
        13 => cache.insert_with(key, Loaded::value(key).weight(random.random_range(0..200))),
        14 => drop(cache.refresh(&key).expect("the loader brings it")),
        _ => drop(cache.fetch(&key)),
    }
}

/// Threads call at random; afterwards each policy's account is that of its shard.
fn g14_what_comes_and_what_leaves_is_told_in_pairs<F: Kind>() {
    for shards in [1, 4] {
        let load = |&key: &u64| Ok::<_, BoxError>(Loaded::value(key).weight(1 + key % 4));
        let (builder, logs) = logged(CacheBuilder::new().capacity(150).shards(shards).loader_fn(load));
        let cache: Of<F> = F::Of::build(builder);
        together(3, |thread| {
            let mut random = StdRng::seed_from_u64(thread as u64);
            (0..3_000).for_each(|_| call(&cache, &mut random));
        });
        at_rest(&cache.sync());
        cache.run_maintenance();
        let held = || {
            let logs = logs.lock().expect("no holder panics");
            assert_eq!(logs.len(), shards, "one for each shard");
            logs.iter().map(|log| check(&log.lock().expect("no holder panics"))).collect::<Vec<_>>()
        };
        let (number, weight) =
            held().iter().flat_map(HashMap::values).fold((0, 0), |(number, sum), (_, weight)| (number + 1, sum + weight));
        assert!(number <= cache.len() && weight > 0);
        // Weights may have changed since they came in, but keys haven't.
        let mut told: Vec<_> = held().iter().flat_map(HashMap::values).map(|&(key, _)| key).collect();
        told.sort_unstable();
        let left: Vec<_> = told.iter().copied().filter(|key| cache.contains_key(key)).collect();
        assert_eq!(told, left, "each entry that is told of is held");
        assert_eq!(cache.metrics().policy_faults, 0);
    }
}

/// What the factory is told: each shard's share.
fn g14_each_shard_is_told_its_share<F: Kind>() {
    let shares = |builder: CacheBuilder<u64, u64>| {
        let told = Arc::<Mutex<Vec<PolicyBounds>>>::default();
        let ours = Arc::clone(&told);
        let cache: Of<F> = F::Of::build(builder.custom_eviction(move |bounds| {
            ours.lock().expect("no holder panics").push(*bounds);
            crate::policies::Oldest::default()
        }));
        drop(cache);
        let bounds = told.lock().expect("no holder panics").clone();
        bounds.iter().take(3).map(|bounds| (bounds.weight, bounds.entries)).collect::<Vec<_>>()
    };
    let of = || CacheBuilder::new().capacity(300).shards(3);
    assert_eq!(shares(of()), [(100, Some(100)); 3]);
    assert_eq!(shares(of().weigher(|_, _| 1)), [(100, None); 3]);
    assert_eq!(shares(of().weigher(|_, _| 1).expected_entries(30)), [(100, Some(10)); 3]);
    assert_eq!(shares(of().capacity(u64::MAX)), [(u64::MAX, None); 3]);
    assert_eq!(rules().count(), bellwether::EvictionPolicy::ALL.len() + 1);
}

/// A cleared shard begins with a policy of its own, and the one before is told no more.
fn g14_a_cleared_shard_has_a_new_policy<F: Kind>() {
    let (builder, logs) = logged(CacheBuilder::new().capacity(5).shards(1));
    let cache: Of<F> = F::Of::build(builder);
    (0..5).for_each(|key| cache.insert(key, key));
    cache.clear();
    (10..17).for_each(|key| cache.insert(key, key));
    let logs = logs.lock().expect("no holder panics");
    assert_eq!(logs.len(), 2);
    assert_eq!(logs[0].lock().expect("no holder panics").len(), 5, "nothing after it was cleared");
    assert_eq!(check(&logs[1].lock().expect("no holder panics")).len(), 5);
    assert_eq!(cache.len(), 5);
}

crate::on_every_face_in_time!(
    g14_a_policy_is_told_of_each_call_in_order,
    g14_what_comes_and_what_leaves_is_told_in_pairs,
    g14_each_shard_is_told_its_share,
    g14_a_cleared_shard_has_a_new_policy,
);
