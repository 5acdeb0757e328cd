//! What every policy must hold, and each policy against a plain model of its paper.

use super::{Eviction, EvictionPolicy, Node, Nodes};
use crate::ground::chain::{Link, Links};
use crate::ground::slab::Slot;
use proptest::prelude::*;
use std::collections::{BTreeSet, VecDeque};

const POLICIES: [EvictionPolicy; 2] = [EvictionPolicy::Lru, EvictionPolicy::Sieve];
const SLOTS: u32 = 16;

struct Table(Vec<Node>);

impl Table {
    fn new() -> Self {
        Self((0..SLOTS).map(|_| Node::new()).collect())
    }
}

impl Links for Table {
    fn link(&self, slot: Slot) -> Link {
        self.0[slot as usize].link
    }
    fn link_mut(&mut self, slot: Slot) -> &mut Link {
        &mut self.0[slot as usize].link
    }
}

impl Nodes for Table {
    fn node_mut(&mut self, slot: Slot) -> &mut Node {
        &mut self.0[slot as usize]
    }
}

/// One access of a trace: touches what is held, else admits it, evicting first where `capacity` are held.
fn access(eviction: &mut Eviction, table: &mut Table, held: &mut BTreeSet<Slot>, slot: Slot, capacity: usize) -> Option<Slot> {
    if held.contains(&slot) {
        eviction.touched(table, slot);
        return None;
    }
    let mut gone = None;
    if held.len() == capacity {
        let victim = eviction.victim(table).expect("entries are held");
        eviction.removed(table, victim);
        assert!(held.remove(&victim), "the victim {victim} is held");
        gone = Some(victim);
    }
    table.0[slot as usize] = Node::new();
    eviction.admitted(table, slot);
    held.insert(slot);
    gone
}

proptest! {
    #[test]
    fn every_victim_is_held_and_every_entry_can_be_had(
        steps in prop::collection::vec((0..SLOTS, any::<bool>()), 1..300),
        capacity in 1..10_usize,
    ) {
        for policy in POLICIES {
            let (mut eviction, mut table, mut held) = (Eviction::new(policy), Table::new(), BTreeSet::new());
            for &(slot, remove) in &steps {
                if remove && held.remove(&slot) {
                    eviction.removed(&mut table, slot);
                } else {
                    access(&mut eviction, &mut table, &mut held, slot, capacity);
                }
                prop_assert!(held.len() <= capacity);
            }
            while let Some(victim) = eviction.victim(&mut table) {
                eviction.removed(&mut table, victim);
                prop_assert!(held.remove(&victim), "{policy:?}");
            }
            prop_assert!(held.is_empty(), "{policy:?} lost {held:?}");
        }
    }

    #[test]
    fn lru_evicts_as_a_list_by_recency_does(steps in prop::collection::vec(0..SLOTS, 1..300), capacity in 1..10_usize) {
        let (mut eviction, mut table, mut held) = (Eviction::new(EvictionPolicy::Lru), Table::new(), BTreeSet::new());
        let mut model = VecDeque::new();
        for slot in steps {
            let known = model.iter().position(|&s| s == slot).map(|at| model.remove(at)).is_some();
            let expected = if !known && model.len() == capacity { model.pop_back() } else { None };
            model.push_front(slot);
            prop_assert_eq!(access(&mut eviction, &mut table, &mut held, slot, capacity), expected);
        }
    }

    #[test]
    fn sieve_evicts_as_the_paper_does(steps in prop::collection::vec(0..SLOTS, 1..300), capacity in 1..10_usize) {
        let (mut eviction, mut table, mut held) = (Eviction::new(EvictionPolicy::Sieve), Table::new(), BTreeSet::new());
        // Newest first: the slot and whether it was visited; the hand is the slot that it points to.
        let mut queue: Vec<(Slot, bool)> = Vec::new();
        let mut hand: Option<Slot> = None;
        for slot in steps {
            let mut expected = None;
            if let Some(entry) = queue.iter_mut().find(|entry| entry.0 == slot) {
                entry.1 = true;
            } else {
                if queue.len() == capacity {
                    let mut at = hand.and_then(|h| queue.iter().position(|entry| entry.0 == h)).unwrap_or(queue.len() - 1);
                    while queue[at].1 {
                        queue[at].1 = false;
                        at = if at == 0 { queue.len() - 1 } else { at - 1 };
                    }
                    hand = if at == 0 { None } else { Some(queue[at - 1].0) };
                    expected = Some(queue.remove(at).0);
                }
                queue.insert(0, (slot, false));
            }
            prop_assert_eq!(access(&mut eviction, &mut table, &mut held, slot, capacity), expected);
        }
    }
}
