//! The lazy window against lists, and the tuner at work.

use super::super::adaptive::{Adaptive, Tuner};
use super::super::ghost::Ghost;
use super::super::policy::{Arrival, Bounds, Choice, Gone, Policy as _, Verdict};
use super::super::random::Xorshift;
use super::super::sketch::Sketch;
use super::{Held, Nodes as _, Table, entries};
use crate::ground::slab::Slot;
use crate::ground::sync::Arc;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

const SLOTS: u32 = 40;

/// A shard whose tuner has nothing to go by, so that its setting stays.
fn untuned(slots: u32, capacity: u64) -> Held<Adaptive> {
    Held::new(Adaptive::new(entries(capacity), Arc::new(Tuner::new(u64::MAX, None))), slots, capacity)
}

fn tuned(slots: u32, capacity: u64) -> (Held<Adaptive>, Arc<Tuner>) {
    let tuner = Arc::new(Tuner::new(capacity, Some(capacity)));
    (Held::new(Adaptive::new(entries(capacity), Arc::clone(&tuner)), slots, capacity), tuner)
}

/// The policy's pseudo-code, over lists of slots and whether they are marked. Front: came last.
struct Lists {
    window: VecDeque<(Slot, bool)>,
    probation: VecDeque<(Slot, bool)>,
    protected: VecDeque<(Slot, bool)>,
    sketch: Sketch,
    ghost: Ghost,
    dice: Xorshift,
    capacity: usize,
    /// For its hashes.
    table: Table,
}

impl Lists {
    fn new(capacity: usize) -> Self {
        Self {
            window: VecDeque::new(),
            probation: VecDeque::new(),
            protected: VecDeque::new(),
            sketch: Sketch::new(Some(capacity as u64)),
            ghost: Ghost::new(Some(capacity as u64)),
            dice: Xorshift::new(),
            capacity,
            table: Table::new(SLOTS),
        }
    }

    fn request(&mut self, slot: Slot) -> Option<Slot> {
        let mut all = self.window.iter_mut().chain(&mut self.probation).chain(&mut self.protected);
        if let Some(held) = all.find(|held| held.0 == slot) {
            held.1 = true;
            return None;
        }
        let hash = self.table.hash(slot);
        let is_full = self.window.len() + self.probation.len() + self.protected.len() == self.capacity;
        let victim = is_full.then(|| self.evict(hash));
        self.sketch.add(hash);
        if self.ghost.take(hash) {
            self.protected.push_front((slot, false))
        } else {
            self.window.push_front((slot, false))
        }
        while !is_full && self.window.len() > self.share() {
            let last = self.candidate();
            self.window.pop_back();
            self.probation.push_front((last, false));
        }
        victim
    }

    fn share(&self) -> usize {
        (self.capacity / 10).max(1)
    }

    fn evict(&mut self, coming: u64) -> Slot {
        let rival = self.rival();
        let Some(rival) = rival else {
            let candidate = self.candidate();
            return self.turn_away(candidate);
        };
        if self.window.len() + usize::from(!self.ghost.knows(coming)) > self.share() {
            let candidate = self.candidate();
            let [worth, other] = [candidate, rival].map(|slot| self.sketch.estimate(self.table.hash(slot)));
            if worth <= other && !(worth >= 6 && self.dice.below(128) == 0) {
                return self.turn_away(candidate);
            }
            self.window.pop_back();
            self.probation.push_front((candidate, false));
        }
        self.probation.retain(|held| held.0 != rival);
        self.protected.retain(|held| held.0 != rival);
        rival
    }

    fn turn_away(&mut self, candidate: Slot) -> Slot {
        self.window.pop_back();
        self.ghost.add(self.table.hash(candidate));
        candidate
    }

    /// The window's last entry, after the marked ones have been round.
    fn candidate(&mut self) -> Slot {
        loop {
            match *self.window.back().expect("what came lately is in the window") {
                (slot, false) => return slot,
                (slot, true) => {
                    self.window.pop_back();
                    self.window.push_front((slot, false));
                    self.sketch.add(self.table.hash(slot));
                }
            }
        }
    }

    fn rival(&mut self) -> Option<Slot> {
        let main = self.capacity - self.share();
        loop {
            let is_over = self.protected.len() > main - main.div_ceil(5);
            let from = if is_over || self.probation.is_empty() { &mut self.protected } else { &mut self.probation };
            let (slot, is_marked) = *from.back()?;
            if !is_marked && !is_over {
                return Some(slot);
            }
            from.pop_back();
            if is_marked {
                self.sketch.add(self.table.hash(slot));
                self.protected.push_front((slot, false));
            } else {
                self.probation.push_front((slot, false));
            }
        }
    }
}

proptest! {
    #[test]
    fn the_lazy_window_evicts_as_its_pseudo_code_does(steps in prop::collection::vec((0..SLOTS, 1..4_u32), 1..800), capacity in 2..24_usize) {
        let mut shard = untuned(SLOTS, capacity as u64);
        let mut model = Lists::new(capacity);
        // The lower of two numbers: some keys are asked for more often than others.
        for (slot, times) in steps {
            for _ in 0..times {
                prop_assert_eq!(shard.request(slot / times), model.request(slot / times));
            }
        }
        shard.audit();
    }
}

fn ask(shard: &mut Held<Adaptive>, slot: Slot, weight: u64) -> Option<Vec<Slot>> {
    let victims = shard.request_of(slot, weight, Duration::ZERO);
    shard.audit();
    victims
}

#[test]
fn a_heavy_arrival_must_be_worth_more_than_all_that_it_displaces() {
    let mut shard = untuned(11, 10);
    (0..10).for_each(|slot| assert_eq!(ask(&mut shard, slot, 1), Some(Vec::new())));
    let before = shard.held.clone();
    // Four that were asked for once each would go; each refusal is a request that counts.
    for _ in 0..4 {
        assert_eq!(ask(&mut shard, 10, 4), None);
        assert_eq!(shard.held, before, "what is refused displaces nothing");
    }
    assert_eq!(ask(&mut shard, 10, 4).map(|victims| victims.len()), Some(4));
    assert!(shard.held.contains(&10));
}

#[test]
fn g14_an_entry_as_heavy_as_the_whole_capacity_can_win() {
    let mut shard = untuned(11, 10);
    (0..10).for_each(|slot| assert_eq!(ask(&mut shard, slot, 1), Some(Vec::new())));
    let refused = (0..20).take_while(|_| ask(&mut shard, 10, 10).is_none()).count();
    assert!((9..12).contains(&refused), "refused {refused} times");
    assert_eq!((shard.weight, shard.held.len()), (10, 1));
}

#[test]
fn g14_an_entry_of_ordinary_weight_is_held_though_it_is_heavier_than_the_window() {
    let mut shard = untuned(200, 100);
    for slot in 0..200 {
        let victims = ask(&mut shard, slot, 12 + u64::from(slot % 5)).expect("it is as heavy as the others");
        assert!(victims.len() <= 2 && !victims.contains(&slot), "{slot}: {victims:?}");
        assert!(shard.held.contains(&slot));
    }
}

#[test]
fn another_shards_need_takes_every_entry_in_the_end() {
    let mut shard = untuned(100, 50);
    (0..100).chain(20..60).for_each(|slot| drop(ask(&mut shard, slot, 1)));
    for left in (0..50).rev() {
        let Choice::Evict(victim) = shard.policy.victim(&mut shard.table, None) else { panic!("{left} are held") };
        shard.remove(victim, Gone::Evicted);
        shard.audit();
        assert_eq!(shard.held.len(), left);
    }
    assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Nothing);
}

#[test]
fn without_a_bound_a_hit_costs_nothing() {
    let bounds = Bounds { weight: u64::MAX, entries: None };
    let mut shard = Held::new(Adaptive::new(bounds, Arc::new(Tuner::new(u64::MAX, None))), 100, u64::MAX);
    (0..100).for_each(|slot| drop(ask(&mut shard, slot, 1)));
    assert!((0..100).all(|slot| !shard.policy.hit(shard.table.node(slot), shard.table.hash(slot))));
    assert!((0..100).all(|slot| shard.table.node(slot).marks() == 0));
}

/// How many of the requests hit.
fn hits(shard: &mut Held<Adaptive>, keys: impl Iterator<Item = Slot>) -> u64 {
    let mut hits = 0;
    for key in keys {
        hits += u64::from(shard.held.contains(&key));
        shard.request(key);
    }
    hits
}

#[test]
fn a_phase_change_is_followed() {
    // Recency: each key is asked for twice, the second time 30 requests later. Loop: one and a half times the capacity.
    let recency = |from: u32| (from..from + 3_000).flat_map(|n| [n, n.wrapping_sub(15)]).map(|n| n % 20_000);
    let round = || (0..6_000).map(|n| 20_000 + n % 150);
    let (mut shard, _) = tuned(20_150, 100);
    let mut told = Vec::new();
    for start in [100, 8_000] {
        hits(&mut shard, recency(start));
        told.push(hits(&mut shard, recency(start + 3_000)));
        hits(&mut shard, round());
        told.push(hits(&mut shard, round()));
    }
    for phases in told.chunks(2) {
        assert!(phases[0] > 2_400, "of half of 6,000 requests of the phase of recency: {told:?}");
        assert!(phases[1] > 3_000, "of two thirds of 6,000 requests of the loop: {told:?}");
    }
}

/// Keys of which the first are asked for most.
fn skewed(number: usize) -> impl Iterator<Item = Slot> {
    let mut dice = Xorshift::new();
    (0..number).map(move |_| {
        let low = (0..3).map(|_| dice.below(6_000)).min().expect("there are three");
        Slot::try_from(low).expect("it is small")
    })
}

#[test]
fn what_if_tells_what_other_capacities_hit() {
    let ratio = |capacity| {
        let (mut shard, tuner) = tuned(6_000, capacity);
        (hits(&mut shard, skewed(60_000)), tuner)
    };
    let (own, tuner) = ratio(800);
    let whole = 60_000;
    let told = tuner.what_if(own, whole);
    assert_eq!(told.iter().map(|what| what.capacity).collect::<Vec<_>>(), [200, 400, 1_600, 3_200]);
    for what in told {
        let real = ratio(what.capacity).0 as f64 / whole as f64;
        assert!((what.hit_ratio - real).abs() < 0.03, "{what:?}, in fact {real}");
        assert!(what.error < 0.03, "{what:?}");
    }
}

#[test]
fn where_nobody_says_how_many_entries_there_are_a_full_shard_tells() {
    let tuner = Arc::new(Tuner::new(60_000, None));
    let bounds = Bounds { weight: 60_000, entries: None };
    let mut shard = Held::new(Adaptive::new(bounds, Arc::clone(&tuner)), 6_000, 60_000);
    assert!(tuner.what_if(1, 2).is_empty());
    for key in skewed(40_000) {
        shard.request_of(key, 20 + u64::from(key % 20), Duration::ZERO);
    }
    assert_eq!(tuner.what_if(1, 2).len(), 4);
    shard.audit();
}

#[test]
fn a_calm_trial_rests_and_goes_on_once_there_are_misses() {
    let (mut shard, _) = tuned(10_000, 100);
    let leaves_event = |shard: &Held<Adaptive>| shard.policy.hit(shard.table.node(0), shard.table.hash(0));
    hits(&mut shard, (0..100_000).map(|n| n % 90));
    assert!(!leaves_event(&shard), "there is nothing to be learnt");
    hits(&mut shard, 100..101);
    assert!(leaves_event(&shard));
}

/// Gives the shard another capacity, and lets the policy's victims go until it holds.
fn resize(shard: &mut Held<Adaptive>, bounds: Bounds) {
    shard.capacity = bounds.weight;
    shard.policy.resized(&mut shard.table, bounds);
    while shard.weight > shard.capacity {
        let Choice::Evict(victim) = shard.policy.victim(&mut shard.table, None) else { panic!("entries are held") };
        shard.remove(victim, Gone::Evicted);
    }
}

#[test]
fn g14_after_a_shrink_the_window_is_as_small_as_the_setting_says() {
    let unbounded = Bounds { weight: u64::MAX, entries: None };
    for before in [unbounded, entries(1 << 40), entries(1_000)] {
        let mut shard = Held::new(Adaptive::new(before, Arc::new(Tuner::new(u64::MAX, None))), 600, before.weight);
        (0..50).for_each(|slot| drop(ask(&mut shard, slot, 1)));
        resize(&mut shard, entries(50));
        (0..500).for_each(|n| drop(ask(&mut shard, n % 40, 1)));
        (100..600).for_each(|slot| drop(ask(&mut shard, slot, 1)));
        let stayed = (0..40).filter(|slot| shard.held.contains(slot)).count();
        assert!(stayed >= 36, "{stayed} of 40 that are asked for often stay through a scan, after {before:?}");
    }
}

#[test]
fn g14_after_a_shrink_it_gives_its_memory_back() {
    let bounds = |weight, is_known| Bounds { weight, entries: Some(weight).filter(|_| is_known) };
    for is_known in [true, false] {
        for step in [2, 100] {
            let mut shard = Held::new(Adaptive::new(bounds(20_000, is_known), Arc::new(Tuner::new(u64::MAX, None))), 50_000, 20_000);
            let full = (0..50_000).map(|slot| (shard.request(slot), shard.policy.memory()).1).max().expect("there are some");
            let mut capacity = 20_000;
            while capacity > 100 {
                capacity /= step;
                resize(&mut shard, bounds(capacity, is_known));
                for slot in 0..100 {
                    shard.request(slot);
                }
            }
            let memory = shard.policy.memory();
            assert!(memory < full / 8, "{memory} bytes for {capacity} entries, {full} for 20,000; {is_known}, {step}");
        }
        let mut shard = Held::new(Adaptive::new(bounds(20_000, is_known), Arc::new(Tuner::new(u64::MAX, None))), 50_000, 20_000);
        hits(&mut shard, 0..50_000);
        resize(&mut shard, Bounds { weight: u64::MAX, entries: None });
        assert_eq!(shard.policy.memory(), 0, "what never evicts needs to know nothing");
    }
}

#[test]
fn g14_simulations_of_entries_as_heavy_as_can_be_count_right() {
    let capacity = u64::MAX - 1;
    let tuner = Arc::new(Tuner::new(capacity, Some(4)));
    let bounds = Bounds { weight: capacity, entries: Some(4) };
    let mut shard = Held::new(Adaptive::new(bounds, Arc::clone(&tuner)), 40, capacity);
    for n in 0..2_000_u32 {
        let slot = n * 7 % 40;
        ask(&mut shard, slot, [u64::MAX / 2, u64::MAX / 4, capacity, 1][slot as usize % 4]);
    }
    assert_eq!(tuner.what_if(1, 2).last().map(|what| what.capacity), Some(u64::MAX));
}

#[test]
fn g14_where_far_more_entries_come_than_were_expected_few_hits_are_told() {
    const ENTRIES: u32 = 20_000;
    let tuner = Arc::new(Tuner::new(ENTRIES.into(), Some(10)));
    let bounds = Bounds { weight: ENTRIES.into(), entries: Some(10) };
    let mut shard = Held::new(Adaptive::new(bounds, tuner), 2 * ENTRIES, ENTRIES.into());
    hits(&mut shard, 0..2 * ENTRIES);
    let told = shard.held.iter().filter(|&&slot| shard.policy.hit(shard.table.node(slot), shard.table.hash(slot))).count();
    assert!(told < 2_000, "{told} of {ENTRIES}");
}

/// A shard of ten light entries, of which a heavy one has displaced four.
fn after_a_heavy_one_has_won() -> Held<Adaptive> {
    let mut shard = untuned(20, 10);
    (0..10).for_each(|slot| assert_eq!(ask(&mut shard, slot, 1), Some(Vec::new())));
    while ask(&mut shard, 10, 4).is_none() {}
    shard
}

fn in_window(shard: &Held<Adaptive>) -> Vec<Slot> {
    shard.held.iter().copied().filter(|&slot| shard.table.node(slot).region == 0).collect()
}

#[test]
fn what_is_heavy_passes_by_the_window_and_makes_it_no_larger() {
    let mut shard = after_a_heavy_one_has_won();
    assert_eq!(shard.table.node(10).region, 1);
    let last = in_window(&shard);
    assert_eq!(last.len(), 1);
    assert_eq!(ask(&mut shard, 11, 1), Some(last), "a tie is lost by what has outgrown the window");
    assert_eq!(in_window(&shard), [11]);
}

#[test]
fn the_window_has_room_for_the_newest_though_its_share_is_smaller() {
    let mut shard = untuned(8, 100);
    (0..8).for_each(|slot| assert_eq!(ask(&mut shard, slot, 12), Some(Vec::new())));
    assert_eq!(in_window(&shard), [7]);
    assert_eq!(shard.policy.victim(&mut shard.table, None), Choice::Evict(0));
}

#[test]
fn only_what_was_evicted_from_the_window_comes_back_to_a_better_place() {
    let mut shard = untuned(20, 10);
    (0..10).for_each(|slot| assert_eq!(ask(&mut shard, slot, 1), Some(Vec::new())));
    for (gone, region) in [(Gone::Left, 0), (Gone::Evicted, 2)] {
        shard.remove(9, gone);
        assert_eq!(ask(&mut shard, 9, 1), Some(Vec::new()));
        assert_eq!(shard.table.node(9).region, region);
    }
}

#[test]
fn as_many_are_displaced_as_make_up_the_weight() {
    let mut shard = untuned(6, 10);
    (0..5).for_each(|slot| assert_eq!(ask(&mut shard, slot, 2), Some(Vec::new())));
    let refused = (0..20).take_while(|_| ask(&mut shard, 5, 8).is_none()).count();
    assert_eq!(refused, 4, "four have to go that were asked for once each");
}

#[test]
fn what_needs_more_than_a_shard_holds_must_be_worth_as_much_more() {
    let mut shard = untuned(10, 10);
    (0..3).for_each(|slot| assert_eq!(ask(&mut shard, slot, 1), Some(Vec::new())));
    let arrival = Arrival { hash: shard.table.hash(9), weight: 30, missing: 30 };
    assert!((0..20).all(|_| shard.policy.arrives(&mut shard.table, &arrival) == Verdict::Refused));
}

#[test]
fn what_the_window_has_room_for_is_not_heavy() {
    let mut shard = untuned(20, 1_000);
    (0..10).for_each(|slot| assert_eq!(ask(&mut shard, slot, 1), Some(Vec::new())));
    assert_eq!(ask(&mut shard, 10, 50), Some(Vec::new()));
    assert_eq!(shard.table.node(10).region, 0);
}

#[test]
fn g14_what_comes_in_during_a_shrink_takes_no_memory_for_what_is_to_go() {
    let mut shard = untuned(50_000, 20_000);
    hits(&mut shard, 0..20_000);
    let full = shard.policy.memory();
    shard.policy.resized(&mut shard.table, entries(100));
    hits(&mut shard, 20_000..20_200);
    assert!(shard.policy.memory() < full / 8);
}

/// Of how many of so many keys a hit is told.
fn told(shard: &Held<Adaptive>, keys: Slot) -> usize {
    (0..keys).filter(|&slot| shard.policy.hit(shard.table.node(slot), shard.table.hash(slot))).count()
}

#[test]
fn where_far_fewer_entries_come_than_were_expected_more_hits_are_told() {
    let mut shard = Held::new(Adaptive::new(entries(20_000), Arc::new(Tuner::new(20_000, Some(20_000)))), 1_000, 20_000);
    assert!(told(&shard, 1_000) < 50);
    (0..300).for_each(|slot| drop(ask(&mut shard, slot, 100)));
    assert!((500..800).contains(&told(&shard, 1_000)), "of the keys for simulations of 128 entries of 200");
}

#[test]
fn a_shard_that_holds_little_says_nothing_of_the_number_of_entries() {
    let bounds = Bounds { weight: 1_000_000, entries: Some(1_000) };
    let mut shard = Held::new(Adaptive::new(bounds, Arc::new(Tuner::new(1_000_000, Some(1_000)))), 1_000, 1_000_000);
    (0..20).for_each(|slot| drop(ask(&mut shard, slot, 1)));
    let before = told(&shard, 1_000);
    ask(&mut shard, 20, 999_999);
    ask(&mut shard, 21, 1);
    assert_eq!(told(&shard, 1_000), before);
}

#[test]
fn what_is_refused_is_a_miss_to_the_trial() {
    let (mut shard, _) = tuned(200, 100);
    hits(&mut shard, (0..100_000).map(|n| n % 90));
    assert_eq!(told(&shard, 90), 0);
    assert_eq!(ask(&mut shard, 100, 60), None);
    assert_eq!(told(&shard, 90), 90);
}

#[test]
fn what_is_written_over_counts_as_used() {
    let mut shard = untuned(10, 10);
    shard.request(0);
    shard.policy.touched(&mut shard.table, 0);
    assert_eq!(shard.table.node(0).marks(), 1);
}

#[test]
fn a_rest_lasts_for_so_many_misses_whatever_hits_are_told() {
    let (mut shard, tuner) = tuned(200, 100);
    let mut other = Held::new(Adaptive::new(entries(100), tuner), 100, 100);
    other.request(0);
    hits(&mut shard, (0..100_000).map(|n| n % 90));
    for shard in [&mut other, &mut shard] {
        shard.policy.touched(&mut shard.table, 0);
        assert_eq!(told(shard, 100), 0);
    }
}

#[test]
fn a_small_cache_rests_though_there_are_misses() {
    let (mut shard, _) = tuned(3_000, 100);
    let calm = |n: Slot| if n % 50 == 0 { 100 + n / 50 } else { n % 90 };
    let resting = (0..100).filter(|&part| {
        hits(&mut shard, (part * 1_000..(part + 1) * 1_000).map(calm));
        told(&shard, 90) == 0
    });
    assert!(resting.count() > 30);
}
