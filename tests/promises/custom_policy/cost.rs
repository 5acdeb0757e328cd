//! What an entry cost reaches its policy: the measured time of its load, or what was said.

use crate::faces::{Face, Kind};
use crate::policies::Oldest;
use crate::rest::at_rest;
use bellwether::{BoxError, CacheBuilder, CustomPolicy, EvictionPolicy, Loaded, MockClock, PolicyEntry, PolicySlot};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Of<F> = <F as Kind>::Of<u64, u64>;

const MICROSECOND: Duration = Duration::from_micros(1);
const MOST: Duration = Duration::from_micros(u32::MAX as u64);

type Costs = Arc<Mutex<HashMap<u64, Duration>>>;

/// Writes down what each entry cost, as it comes in and as it may leave.
struct Asking {
    inner: Oldest,
    costs: Costs,
}

impl CustomPolicy<u64, u64> for Asking {
    fn admitted(&mut self, slot: PolicySlot, entry: &PolicyEntry<'_, u64, u64>) {
        self.inner.admitted(slot, entry);
        self.costs.lock().expect("no holder panics").insert(*entry.key, entry.cost);
    }
    fn removed(&mut self, slot: PolicySlot) {
        CustomPolicy::<u64, u64>::removed(&mut self.inner, slot);
    }
    fn victim(&mut self) -> Option<PolicySlot> {
        CustomPolicy::<u64, u64>::victim(&mut self.inner)
    }
    fn pinned(&self, entry: &PolicyEntry<'_, u64, u64>) -> bool {
        self.costs.lock().expect("no holder panics").insert(*entry.key, entry.cost);
        false
    }
}

fn costing<F: Kind>(builder: CacheBuilder<u64, u64>) -> (Of<F>, Costs) {
    let costs = Costs::default();
    let ours = Arc::clone(&costs);
    let builder = builder.shards(1).custom_eviction(move |_| Asking { inner: Oldest::default(), costs: Arc::clone(&ours) });
    (F::Of::build(builder), costs)
}

fn cost(costs: &Costs, key: u64) -> Duration {
    costs.lock().expect("no holder panics")[&key]
}

fn g14_a_policy_is_told_what_a_load_took<F: Kind>() {
    let clock = MockClock::new();
    let theirs = clock.clone();
    let load = move |&key: &u64| {
        theirs.advance(Duration::from_millis(key));
        Ok::<_, BoxError>(match key {
            50 => Loaded::value(key).cost(Duration::from_secs(9)),
            51 => Loaded::value(key).cost(Duration::ZERO),
            _ => Loaded::value(key),
        })
    };
    let (cache, costs) = costing::<F>(CacheBuilder::new().clock(clock.clone()).loader_fn(load));
    for key in [0, 5, 120, 50, 51] {
        drop(cache.fetch_with(&key).expect("the loader brings it"));
    }
    let expected = [(0, MICROSECOND), (5, Duration::from_millis(5)), (120, Duration::from_millis(120))];
    expected.into_iter().for_each(|(key, took)| assert_eq!(cost(&costs, key), took, "{key}"));
    assert_eq!((cost(&costs, 50), cost(&costs, 51)), (Duration::from_secs(9), MICROSECOND), "what was said counts");
    at_rest(&cache.sync());
}

fn g14_a_policy_is_told_what_a_write_says<F: Kind>() {
    let (cache, costs) = costing::<F>(CacheBuilder::new().capacity(3));
    cache.insert(1, 1);
    cache.insert_with(2, Loaded::value(2).cost(Duration::from_secs(3)));
    cache.insert_with(3, Loaded::value(3).cost(Duration::MAX));
    assert_eq!((cost(&costs, 1), cost(&costs, 2), cost(&costs, 3)), (MICROSECOND, Duration::from_secs(3), MOST));
    // What takes its place brings its own.
    cache.insert_with(1, Loaded::value(1).cost(Duration::from_secs(4)));
    cache.insert(4, 4);
    assert_eq!(cost(&costs, 1), Duration::from_secs(4), "as it leaves");
    at_rest(&cache.sync());
}

/// The crate's own policy by cost keeps what was dear, whoever measured it.
fn g14_what_took_long_stays_longer_under_the_policy_by_cost<F: Kind>() {
    let clock = MockClock::new();
    let theirs = clock.clone();
    let load = move |&key: &u64| {
        theirs.advance(if key < 20 { Duration::from_secs(5) } else { Duration::from_millis(1) });
        Ok::<_, BoxError>(key)
    };
    let builder = CacheBuilder::new().capacity(40).shards(1).eviction(EvictionPolicy::CostAware).clock(clock.clone()).loader_fn(load);
    let cache: Of<F> = F::Of::build(builder);
    (0..1_000).for_each(|key| drop(cache.fetch_with(&key).expect("the loader brings it")));
    assert!((0..20).all(|key| cache.contains_key(&key)), "they took long");
    at_rest(&cache.sync());
}

crate::on_every_face_in_time!(
    g14_a_policy_is_told_what_a_load_took,
    g14_a_policy_is_told_what_a_write_says,
    g14_what_took_long_stays_longer_under_the_policy_by_cost,
);
