//! Calls for many keys, and what is invalidated by tags, predicates and for a while.
#![cfg(not(any(bellwether_loom, bellwether_shuttle)))]

#[path = "../support/faces.rs"]
mod faces;
#[path = "../support/gate.rs"]
mod gate;
#[path = "../support/rest.rs"]
mod rest;
#[path = "../support/watchdog.rs"]
mod watchdog;

use bellwether::{AsyncCache, BoxError, Cache, CacheLoader, LoadErrorKind, LoadSink, Loaded, async_trait};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[derive(Clone, Default)]
struct Source(Arc<Mutex<Vec<Vec<u32>>>>);

#[async_trait]
impl CacheLoader<u32, u32> for Source {
    type Error = BoxError;
    async fn load(&self, key: &u32) -> Result<Loaded<u32>, BoxError> {
        self.0.lock().unwrap().push(vec![*key]);
        Ok(Loaded::value(key * 10))
    }
    async fn load_many(&self, keys: &[u32], out: LoadSink<u32, u32>) -> Result<(), BoxError> {
        self.0.lock().unwrap().push(keys.to_vec());
        tokio::time::sleep(Duration::from_millis(20)).await;
        for key in keys {
            match key % 10 {
                9 => drop(out.fail(key, "nine")),
                8 => {}
                7 => {
                    out.put(key, Loaded::value(key * 10).tags(["seven"]));
                }
                _ => {
                    out.put(key, key * 10);
                }
            }
        }
        out.put(&1000, 10_000);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smoke() {
    let source = Source::default();
    let cache = AsyncCache::<u32, u32>::builder().loader(source.clone()).build_async().unwrap();
    cache.insert(3, 33);
    let (a, b) = tokio::join!(cache.multi_fetch_with(&[1, 2, 3, 7, 8, 9]), cache.multi_fetch_with(&[9, 2, 4, 4]));
    assert_eq!(**a.get(&3).unwrap().as_ref().unwrap(), 33);
    assert_eq!(**a.get(&2).unwrap().as_ref().unwrap(), 20);
    assert_eq!(a.get(&8).unwrap().as_ref().unwrap_err().kind(), LoadErrorKind::Absent);
    assert_eq!(a.get(&9).unwrap().as_ref().unwrap_err().kind(), LoadErrorKind::Failed);
    assert_eq!(b.len(), 4);
    assert_eq!(source.0.lock().unwrap().concat().len(), 6);
    assert_eq!(cache.fetch(&1000).as_deref(), Some(&10_000));
    cache.invalidate_tag("seven");
    assert!(cache.fetch(&7).is_none());
    cache.run_maintenance();
    assert_eq!(cache.len(), 5);
    cache.wait_idle().await;
    println!("{:?}", cache.metrics());
    cache.to_sync().validate();
}

#[test]
fn million_tags() {
    let cache = Cache::<u32, u32>::builder().build().unwrap();
    for n in 0..1_000_000u32 {
        cache.insert_with(n, Loaded::value(n).tags(["all"]));
    }
    let before = Instant::now();
    cache.invalidate_tag("all");
    println!("{:?}", before.elapsed());
    assert!(cache.fetch(&77).is_none());
    let before = Instant::now();
    cache.run_maintenance();
    println!("sweep {:?}", before.elapsed());
    assert_eq!(cache.len(), 0);
}
