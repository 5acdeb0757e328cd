//! Random webs of keys over several caches, loaded by many callers at once: without rings nobody gets an error, with rings nobody hangs.

use crate::faces::Kind;
use crate::runway::Style::{Async, Blocking};
use crate::together::together;
use crate::web::{Node, Web};
use bellwether::LoadErrorKind;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

const CACHES: u32 = 3;
const KEYS: u32 = 24;
const WEBS: u64 = 12;
const CALLERS: usize = 6;

fn at(key: u32) -> Node {
    ((key % CACHES) as usize, key)
}

/// What each key asks for: up to three keys, only lower ones where there is to be no ring.
fn draw(random: &mut StdRng, rings: bool) -> Vec<Vec<u32>> {
    let children = |key: u32, random: &mut StdRng| {
        let below = if rings { KEYS } else { key };
        let number = if below == 0 { 0 } else { random.random_range(0..=3) };
        (0..number).map(|_| random.random_range(0..below)).collect()
    };
    (0..KEYS).map(|key| children(key, random)).collect()
}

fn web<F: Kind>(seed: u64, children: &Arc<Vec<Vec<u32>>>) -> Web<F> {
    let children = Arc::clone(children);
    let styles = [0, 1, 2].map(|cache: u64| if (seed >> cache) & 1 == 0 { Async } else { Blocking });
    Web::new(&styles, move |(_, key)| children[key as usize].iter().copied().map(at).collect())
}

/// The keys that some way leads from `key` back to a ring: their loads may fail.
fn leads_to_a_ring(children: &[Vec<u32>], key: u32) -> bool {
    // A walk of so many steps has met some key twice.
    let mut reached = vec![key];
    for _ in 0..KEYS {
        reached = reached.iter().flat_map(|&from| children[from as usize].iter().copied()).collect();
        reached.sort_unstable();
        reached.dedup();
    }
    !reached.is_empty()
}

fn depth(children: &[Vec<u32>], key: u32) -> u32 {
    1 + children[key as usize].iter().map(|&child| depth(children, child)).max().unwrap_or(0)
}

fn webs<F: Kind>(rings: bool) {
    for seed in 0..WEBS {
        let children = Arc::new(draw(&mut StdRng::seed_from_u64(seed), rings));
        let web = web::<F>(seed, &children);
        for round in 0..3 {
            together(CALLERS, |caller| {
                let mut random = StdRng::seed_from_u64(seed << 16 | round << 8 | caller as u64);
                for _ in 0..KEYS {
                    let key = random.random_range(0..KEYS);
                    match web.fetch(at(key)) {
                        Ok(value) if !leads_to_a_ring(&children, key) => assert_eq!(value, depth(&children, key), "seed {seed}, key {key}"),
                        Ok(value) => panic!("a key that leads to a ring has no value: seed {seed}, key {key}: {value}"),
                        Err(error) => {
                            assert_eq!(error.kind(), LoadErrorKind::Cycle, "seed {seed}, key {key}: {error}");
                            assert!(leads_to_a_ring(&children, key), "there is no ring: seed {seed}, key {key}: {error}");
                        }
                    }
                }
            });
            web.at_rest();
            (0..3).for_each(|cache| web.sync(cache).clear());
        }
    }
}

fn g7_random_webs_without_rings_bring_every_value<F: Kind>() {
    webs::<F>(false);
}

fn g7_random_webs_with_rings_end_every_fetch<F: Kind>() {
    webs::<F>(true);
}

crate::on_every_face_in_time!(g7_random_webs_without_rings_bring_every_value, g7_random_webs_with_rings_end_every_fetch);
