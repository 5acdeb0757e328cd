//! G4: callers come and go. What becomes of a load that nobody waits for any more, and what callers leave behind.

mod cancel;
mod combined;
mod comers;
mod leader;
mod patience;
mod permits;
mod time_keepers;
mod wakers;

use crate::gate::until;
use crate::runway::Runway;
use crate::ways::Way;
use bellwether::{AbandonedLoads, AsyncCache, Cache, CacheBuilder, LoadErrorKind, Loaded};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const CHOICES: [AbandonedLoads; 2] = [AbandonedLoads::Finish, AbandonedLoads::Cancel];

/// How many futures of loaders are there.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

struct Life(Alive);

impl Alive {
    fn begin(&self) -> Life {
        self.0.fetch_add(1, Ordering::AcqRel);
        Life(self.clone())
    }

    fn number(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }

    fn until_none(&self) {
        until("every loader's future is dropped", || self.number() == 0);
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A cache whose async loader comes by `runway`, and whose loaders' futures are counted.
fn tracked(way: Way, runway: &Runway, alive: &Alive, builder: CacheBuilder<u32, usize>) -> AsyncCache<u32, usize> {
    let (runway, alive) = (runway.clone(), alive.clone());
    let builder = builder.async_loader_fn(move |_: u32| {
        let (runway, life) = (runway.clone(), alive.begin());
        async move {
            let number = runway.load_async().await;
            drop(life);
            Loaded::<usize>::ok(number)
        }
    });
    way.build(builder).to_async()
}

/// A cache whose abandoned loads are cancelled.
fn cancelling(way: Way, runway: &Runway, alive: &Alive) -> AsyncCache<u32, usize> {
    tracked(way, runway, alive, CacheBuilder::new().abandoned_loads(AbandonedLoads::Cancel))
}

fn cancelled(cache: &Cache<u32, usize>) -> u64 {
    cache.metrics().loads_failed_by(LoadErrorKind::Cancelled)
}
