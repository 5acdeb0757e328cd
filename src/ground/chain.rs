//! A chain is a doubly linked list of slot numbers. The links lie with the things that are linked.

use super::slab::Slot;

const NONE: u32 = u32::MAX;

/// A thing's place in the chain that it is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Towards the front.
    before: u32,
    /// Towards the back.
    after: u32,
}

impl Link {
    pub(crate) const LOOSE: Self = Self { before: NONE, after: NONE };
}

/// Where the links of slots lie.
pub(crate) trait Links {
    fn link(&self, slot: Slot) -> Link;
    fn link_mut(&mut self, slot: Slot) -> &mut Link;
}

/// The ends of a list; all its steps take constant time.
#[derive(Debug)]
pub(crate) struct Chain {
    front: u32,
    back: u32,
}

impl Chain {
    pub(crate) const fn new() -> Self {
        Self { front: NONE, back: NONE }
    }

    pub(crate) fn back(&self) -> Option<Slot> {
        some(self.back)
    }

    /// The neighbour of `slot` on the side of the front.
    pub(crate) fn before(&self, links: &impl Links, slot: Slot) -> Option<Slot> {
        some(links.link(slot).before)
    }

    pub(crate) fn push_front(&mut self, links: &mut impl Links, slot: Slot) {
        *links.link_mut(slot) = Link { before: NONE, after: self.front };
        match some(self.front) {
            Some(front) => links.link_mut(front).before = slot,
            None => self.back = slot,
        }
        self.front = slot;
    }

    /// Takes out `slot`, which must be in this chain.
    pub(crate) fn remove(&mut self, links: &mut impl Links, slot: Slot) {
        let Link { before, after } = std::mem::replace(links.link_mut(slot), Link::LOOSE);
        match some(before) {
            Some(before) => links.link_mut(before).after = after,
            None => self.front = after,
        }
        match some(after) {
            Some(after) => links.link_mut(after).before = before,
            None => self.back = before,
        }
    }
}

fn some(slot: u32) -> Option<Slot> {
    (slot != NONE).then_some(slot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    impl Links for Vec<Link> {
        fn link(&self, slot: Slot) -> Link {
            self[slot as usize]
        }
        fn link_mut(&mut self, slot: Slot) -> &mut Link {
            &mut self[slot as usize]
        }
    }

    fn back_to_front(chain: &Chain, links: &Vec<Link>) -> Vec<Slot> {
        std::iter::successors(chain.back(), |&slot| chain.before(links, slot)).collect()
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_deque(steps in prop::collection::vec(0..20_u32, 1..300)) {
            let mut links = vec![Link::LOOSE; 20];
            let mut chain = Chain::new();
            let mut model = VecDeque::new();
            for slot in steps {
                if let Some(at) = model.iter().position(|&s| s == slot) {
                    model.remove(at);
                    chain.remove(&mut links, slot);
                } else {
                    model.push_front(slot);
                    chain.push_front(&mut links, slot);
                }
                let expected: Vec<_> = model.iter().rev().copied().collect();
                prop_assert_eq!(back_to_front(&chain, &links), expected);
            }
        }
    }
}
