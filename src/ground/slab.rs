//! A slab keeps things in numbered slots that never move. It grows by pages and gives empty pages back.

use std::ops::{Index, IndexMut};

/// A slot's number.
pub(crate) type Slot = u32;

/// Slots on a page: one word of occupancy bits.
const PAGE: u32 = 64;
/// Not in the list of pages with room.
const UNLISTED: u32 = u32::MAX;

/// A slot together with the stay of what was in it: stale once that has left, even if the slot is taken again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Handle {
    pub(crate) slot: Slot,
    pub(crate) generation: u32,
}

/// Things in numbered slots.
pub(crate) struct Slab<T> {
    pages: Vec<Option<Page<T>>>,
    /// Numbers of pages that exist and have a free slot.
    roomy: Vec<u32>,
    /// Numbers of pages that were given back.
    absent: Vec<u32>,
    len: usize,
    /// The generation of the next stay. Shared by all slots, so that it outlives pages; it never comes again.
    generation: u64,
}

struct Page<T> {
    occupied: u64,
    /// Where this page stands in `roomy`.
    listed_at: u32,
    cells: Box<[Option<Cell<T>>]>,
}

struct Cell<T> {
    generation: u64,
    item: T,
}

/// What a search for the next thing came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Search {
    Found(Slot),
    /// Out of steps: to be gone on with from this slot on.
    Paused(Slot),
    End,
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { pages: Vec::new(), roomy: Vec::new(), absent: Vec::new(), len: 0, generation: 0 }
    }

    /// An empty slab after this one: whose stays are later than all of this one's, so that no handle matches in both.
    pub(crate) fn successor(&self) -> Self {
        Self { generation: self.generation, ..Self::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The generation of the next stay: all stays so far are of lower ones.
    pub(crate) fn now(&self) -> u64 {
        self.generation
    }

    /// The generation of the present stay in `slot`.
    pub(crate) fn since(&self, slot: Slot) -> Option<u64> {
        self.cell(slot).map(|cell| cell.generation)
    }

    /// Whether one more thing fits: slots are numbered with 32 bits.
    pub(crate) fn has_room(&self) -> bool {
        !self.roomy.is_empty() || !self.absent.is_empty() || self.pages.len() < (u32::MAX / PAGE) as usize
    }

    /// # Panics
    /// If there is no room.
    pub(crate) fn insert(&mut self, item: T) -> Slot {
        let number = match self.roomy.last() {
            Some(&number) => number,
            None => self.add_page(),
        };
        let generation = self.generation;
        self.generation = generation + 1;
        let page = page_mut(&mut self.pages, number);
        let offset = page.occupied.trailing_ones();
        page.occupied |= 1 << offset;
        page.cells[offset as usize] = Some(Cell { generation, item });
        if page.occupied == u64::MAX {
            self.unlist(number);
        }
        self.len += 1;
        number * PAGE + offset
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<T> {
        let (number, offset) = split(slot);
        let page = self.pages.get_mut(number as usize)?.as_mut()?;
        let cell = page.cells[offset as usize].take()?;
        let was_full = page.occupied == u64::MAX;
        page.occupied &= !(1 << offset);
        let is_empty = page.occupied == 0;
        if was_full {
            page.listed_at = position(self.roomy.len());
            self.roomy.push(number);
        }
        // The last page with room stays: a slab that sways round a page's edge doesn't allocate each time.
        if is_empty && self.roomy.len() > 1 {
            self.unlist(number);
            self.pages[number as usize] = None;
            self.absent.push(number);
        }
        self.len -= 1;
        if self.len == 0 && self.pages.len() > 1 {
            // Even the list of pages is worth giving back after a crowd has gone. Generations go on.
            *self = self.successor();
        }
        Some(cell.item)
    }

    #[inline]
    pub(crate) fn get(&self, slot: Slot) -> Option<&T> {
        self.cell(slot).map(|cell| &cell.item)
    }

    /// The handle of the present stay in `slot`.
    #[inline]
    pub(crate) fn handle(&self, slot: Slot) -> Option<Handle> {
        self.cell(slot).map(|cell| Handle { slot, generation: low_bits(cell.generation) })
    }

    /// The first occupied slot at or after `slot`.
    pub(crate) fn next_occupied(&self, slot: Slot) -> Option<Slot> {
        let mut steps = u32::MAX;
        match self.search(slot, &mut steps) {
            Search::Found(found) => Some(found),
            Search::Paused(_) | Search::End => None,
        }
    }

    /// The first occupied slot at or after `slot`. Spends one of `steps` for each page on which it finds nothing, whether or not the page is still there.
    pub(crate) fn search(&self, slot: Slot, steps: &mut u32) -> Search {
        let (mut number, offset) = split(slot);
        let mut mask = u64::MAX << offset;
        while let Some(page) = self.pages.get(number as usize) {
            let found = page.as_ref().map_or(0, |page| page.occupied & mask);
            if found != 0 {
                return Search::Found(number * PAGE + found.trailing_zeros());
            }
            if *steps == 0 {
                return Search::Paused(number * PAGE + mask.trailing_zeros());
            }
            *steps -= 1;
            mask = u64::MAX;
            number += 1;
        }
        Search::End
    }

    #[inline]
    fn cell(&self, slot: Slot) -> Option<&Cell<T>> {
        let (number, offset) = split(slot);
        self.pages.get(number as usize)?.as_ref()?.cells[offset as usize].as_ref()
    }

    fn add_page(&mut self) -> u32 {
        let page = Page {
            occupied: 0,
            listed_at: position(self.roomy.len()),
            cells: std::iter::repeat_with(|| None).take(PAGE as usize).collect(),
        };
        let number = if let Some(number) = self.absent.pop() {
            self.pages[number as usize] = Some(page);
            number
        } else {
            assert!(self.has_room(), "a slab holds at most 2^32 things");
            self.pages.push(Some(page));
            position(self.pages.len() - 1)
        };
        self.roomy.push(number);
        number
    }

    fn unlist(&mut self, number: u32) {
        let page = page_mut(&mut self.pages, number);
        let at = std::mem::replace(&mut page.listed_at, UNLISTED);
        self.roomy.swap_remove(at as usize);
        if let Some(&moved) = self.roomy.get(at as usize) {
            page_mut(&mut self.pages, moved).listed_at = at;
        }
    }
}

impl<T> Index<Slot> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, slot: Slot) -> &T {
        self.get(slot).expect("the slot is occupied")
    }
}

impl<T> IndexMut<Slot> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, slot: Slot) -> &mut T {
        let (number, offset) = split(slot);
        let cell = page_mut(&mut self.pages, number).cells[offset as usize].as_mut();
        &mut cell.expect("the slot is occupied").item
    }
}

fn page_mut<T>(pages: &mut [Option<Page<T>>], number: u32) -> &mut Page<T> {
    pages[number as usize].as_mut().expect("the page exists")
}

#[inline]
fn split(slot: Slot) -> (u32, u32) {
    (slot / PAGE, slot % PAGE)
}

/// What a handle keeps of a generation: it comes again after 2^32 stays, by when nobody has the handle any more.
fn low_bits(generation: u64) -> u32 {
    u32::try_from(generation & u64::from(u32::MAX)).expect("the rest is masked out")
}

fn position(index: usize) -> u32 {
    u32::try_from(index).expect("there are at most 2^26 pages")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_stale_handle_never_matches_the_next_stay() {
        let mut slab = Slab::new();
        let slot = slab.insert('a');
        let handle = slab.handle(slot);
        slab.remove(slot);
        assert_eq!(slab.insert('b'), slot);
        assert_ne!(slab.handle(slot), handle);
    }

    #[test]
    fn no_stay_is_as_late_as_one_of_its_successors() {
        let mut slab = Slab::new();
        let slot = slab.insert('a');
        let mut next = slab.successor();
        assert_eq!(next.insert('b'), slot);
        assert!(slab.since(slot) < next.since(slot));
        assert_ne!(slab.handle(slot), next.handle(slot));
    }

    #[test]
    fn a_search_over_pages_that_were_given_back_can_be_gone_on_with() {
        let mut slab = Slab::new();
        let slots: Vec<_> = (0..64 * 100).map(|n| slab.insert(n)).collect();
        let (&last, others) = slots.split_last().expect("there are some");
        assert!(others.iter().all(|&slot| slab.remove(slot).is_some()));
        assert!(slab.pages.iter().flatten().count() <= 2, "nearly all pages are gone");
        let (mut from, mut searches, mut spent) = (1, 0, 0);
        let found = loop {
            let mut steps = 10;
            searches += 1;
            let found = slab.search(from, &mut steps);
            spent += 10 - steps;
            match found {
                Search::Paused(next) => from = next,
                Search::Found(slot) => break slot,
                Search::End => panic!("one is left"),
            }
        };
        assert_eq!((found, spent), (last, 99), "each page is looked at once");
        assert_eq!(searches, 10, "in searches of ten steps");
        assert_eq!(slab.search(last + 1, &mut 10), Search::End);
        assert_eq!(slab.search(u32::MAX, &mut 0), Search::End);
    }

    #[test]
    fn empty_pages_are_given_back() {
        let mut slab = Slab::new();
        let slots: Vec<_> = (0..6_400).map(|n| slab.insert(n)).collect();
        for slot in slots {
            slab.remove(slot);
        }
        assert_eq!((slab.len(), slab.pages.capacity()), (0, 0));
        let slots: Vec<_> = (0..6_400).map(|n| slab.insert(n)).collect();
        for &slot in &slots[1..] {
            slab.remove(slot);
        }
        assert_eq!(slab.pages.iter().flatten().count(), 1);
        for n in 1..6_400 {
            slab.insert(n);
        }
        assert_eq!(slab.pages.len(), 100, "the numbers of pages that were given back are taken again");
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_map(steps in prop::collection::vec((any::<bool>(), any::<u16>()), 1..2_000)) {
            let mut slab = Slab::new();
            let mut model = BTreeMap::new();
            for (add, number) in steps {
                if add || model.is_empty() {
                    let slot = slab.insert(number);
                    prop_assert_eq!(model.insert(slot, number), None);
                } else {
                    let slot = *model.keys().nth(usize::from(number) % model.len()).expect("not empty");
                    prop_assert_eq!(slab.remove(slot), model.remove(&slot));
                    prop_assert_eq!(slab.remove(slot), None);
                }
                prop_assert_eq!(slab.len(), model.len());
            }
            let mut walked = Vec::new();
            let mut next = slab.next_occupied(0);
            while let Some(slot) = next {
                walked.push((slot, slab[slot]));
                next = slab.next_occupied(slot + 1);
            }
            prop_assert_eq!(walked, model.into_iter().collect::<Vec<_>>());
        }
    }
}
