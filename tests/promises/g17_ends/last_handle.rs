//! The last handle, of whichever kind, takes the values and the memory with it, wherever it is dropped.

use crate::apart::apart;
use crate::census::{Census, Counted, Memory, watched};
use crate::faces::{Face, Kind};
use crate::on_every_face_in_time;
use crate::watchdog::in_time;
use bellwether::{AsyncCache, Cache, CacheBuilder, Entry, Loaded};

type Of<F> = <F as Kind>::Of<u32, Counted>;

const ENTRIES: usize = 100;

/// A cache that holds a hundred values.
fn full<F: Kind>() -> (Of<F>, Census, Memory) {
    let census = Census::new();
    let values = census.clone();
    let (builder, memory) = watched(CacheBuilder::new().loader_fn(move |_: &u32| Loaded::ok(values.value())));
    let cache: Of<F> = F::Of::build(builder);
    (0..100).for_each(|key| cache.insert(key, census.value()));
    assert_eq!(census.alive(), ENTRIES);
    (cache, census, memory)
}

/// Nothing is left, and nobody had to wait for it.
fn gone(census: &Census, memory: &Memory) {
    assert_eq!(census.alive(), 0, "no value is left");
    assert!(memory.is_gone(), "the cache's memory is given back");
}

fn g17_handles_of_both_faces_keep_the_cache_and_the_last_one_ends_it<F: Kind>() {
    let (cache, census, memory) = full::<F>();
    let sync: Cache<u32, Counted> = cache.sync();
    let tasks: AsyncCache<u32, Counted> = sync.to_async();
    let turned: AsyncCache<u32, Counted> = sync.clone().into();
    let back: Cache<u32, Counted> = turned.clone().into();
    let again = tasks.to_sync();
    let clones = (tasks.clone(), back.clone(), cache.clone());
    let stay = || assert!(census.alive() == ENTRIES && !memory.is_gone());
    drop(cache);
    stay();
    drop(sync);
    stay();
    drop((tasks, turned));
    stay();
    drop(clones);
    stay();
    drop(back);
    stay();
    assert!(again.contains_key(&1), "it works by the last handle");
    // Turned into the other face it is still the one handle.
    let last = AsyncCache::from(again);
    stay();
    drop(Cache::from(last));
    gone(&census, &memory);
}

fn g17_the_last_handle_may_go_on_another_thread<F: Kind>() {
    let (cache, census, memory) = full::<F>();
    let other = apart(&cache, drop);
    drop(cache);
    other.result();
    gone(&census, &memory);
}

fn g17_of_many_threads_that_drop_handles_at_once_one_ends_the_cache<F: Kind>() {
    for _ in 0..50 {
        let (cache, census, memory) = full::<F>();
        let others: Vec<_> = (0..4).map(|_| apart(&cache, drop)).collect();
        drop(cache);
        others.into_iter().for_each(crate::apart::Apart::result);
        gone(&census, &memory);
    }
}

fn g17_the_last_handle_may_go_in_a_load_of_another_cache<F: Kind>() {
    let (cache, census, memory) = full::<F>();
    let (other, _, _) = full::<F>();
    let values = Census::new();
    let brought = other.fetch_or_load(&1_000, move || {
        drop(cache);
        Loaded::ok(values.value())
    });
    assert!(brought.is_ok());
    gone(&census, &memory);
}

fn g17_an_entry_that_outlives_all_handles_keeps_the_cache<F: Kind>() {
    // Occupied.
    let (cache, census, memory) = full::<F>();
    let Entry::Occupied(mut entry) = cache.sync().entry(1) else { panic!("it is held") };
    drop(cache);
    assert_eq!(census.alive(), ENTRIES);
    let old = entry.replace(census.value()).map_err(drop).expect("the value is still held");
    drop(old);
    assert!(census.alive() == ENTRIES && !memory.is_gone());
    drop(entry);
    gone(&census, &memory);

    // Vacant, and dropped.
    let (cache, census, memory) = full::<F>();
    let entry = cache.sync().entry(1_000);
    assert!(matches!(entry, Entry::Vacant(_)));
    drop(cache);
    assert!(census.alive() == ENTRIES && !memory.is_gone());
    drop(entry);
    gone(&census, &memory);

    // Vacant, and filled: the holder gets what it brought.
    let (cache, census, memory) = full::<F>();
    let Entry::Vacant(entry) = cache.sync().entry(1_000) else { panic!("it isn't held") };
    drop(cache);
    let value = entry.insert(census.value());
    assert!(census.alive() == 1 && memory.is_gone(), "all is gone but what is in the caller's hands");
    drop(value);
    gone(&census, &memory);
}

on_every_face_in_time!(
    g17_handles_of_both_faces_keep_the_cache_and_the_last_one_ends_it,
    g17_the_last_handle_may_go_on_another_thread,
    g17_of_many_threads_that_drop_handles_at_once_one_ends_the_cache,
    g17_the_last_handle_may_go_in_a_load_of_another_cache,
    g17_an_entry_that_outlives_all_handles_keeps_the_cache,
);

#[test]
fn g17_the_last_handle_may_go_in_a_task() {
    in_time(|| {
        let many = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime can be had");
        let one = tokio::runtime::Builder::new_current_thread().build().expect("a runtime can be had");
        for runtime in [&many, &one] {
            for aborted in [false, true] {
                let (cache, census, memory) = full::<crate::faces::OnTokio>();
                let tasks = cache.sync().to_async();
                drop(cache);
                let task = runtime.spawn(async move {
                    assert!(tasks.fetch_with(&1).await.is_ok());
                    if aborted {
                        std::future::pending::<()>().await;
                    }
                    drop(tasks);
                });
                if aborted {
                    runtime.block_on(async {
                        tokio::task::yield_now().await;
                        task.abort();
                        assert!(task.await.expect_err("it was aborted").is_cancelled());
                    });
                } else {
                    runtime.block_on(task).expect("the task doesn't panic");
                }
                gone(&census, &memory);
            }
        }
    });
}
