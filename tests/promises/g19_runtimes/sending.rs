//! Futures that a runtime with several threads may take: those of all async methods may move between threads.

use bellwether::{AsyncCache, BoxError, Entry};
use std::marker::PhantomData;

/// Tells of a type whether it may move between threads, without a demand that it may.
struct Probe<T>(PhantomData<T>);

impl<T: Send> Probe<T> {
    fn may_move(&self) -> bool {
        true
    }
}

/// What is asked where the answer above isn't to be had.
trait Otherwise {
    fn may_move(&self) -> bool {
        false
    }
}

impl<T> Otherwise for &Probe<T> {}

fn probe<T>(_: &T) -> Probe<T> {
    Probe(PhantomData)
}

/// Whether the type of a value may move between threads.
macro_rules! may_move {
    ($value:expr) => {
        (&probe(&$value)).may_move()
    };
}

#[test]
fn g19_the_futures_of_a_cache_may_be_spawned_on_any_runtime() {
    let cache: AsyncCache<u32, u32> = AsyncCache::builder().build_async().expect("the settings make sense");
    assert!(!may_move!(std::rc::Rc::new(1)), "it tells what may not");
    assert!(may_move!(cache.fetch_with(&1)));
    assert!(may_move!(cache.fetch_or_load(&1, || async { bellwether::ok(1) })));
    assert!(may_move!(cache.entry(1)));
    assert!(may_move!(cache.wait_idle()) && may_move!(cache.settle()) && may_move!(cache.close()));
    let take = || -> Entry<u32, u32> { cache.to_sync().entry(1) };
    assert!(may_move!(take()), "an entry may be kept across an await");
    assert!(may_move!(take().or_insert_with_async(|| async { 1 })), "`or_insert_with_async`");
    assert!(may_move!(take().or_try_insert_with_async(|| async { Ok::<_, BoxError>(1) })), "`or_try_insert_with_async`");
}
