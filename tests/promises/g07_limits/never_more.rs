//! However loads end and whoever asks, never more of them run at once than there are permits.

use crate::faces::{Face, Kind};
use crate::g07_limits::Crowd;
use crate::hush::{ON_PURPOSE, hush};
use crate::rest::at_rest;
use crate::runway::BOTH;
use crate::runway::Style::{self, Async, Blocking};
use crate::together::together;
use bellwether::{AbandonedLoads, CacheBuilder, LoadError, Loaded};
use futures::FutureExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::task::Poll;
use std::time::Duration;

const CALLERS: usize = 8;
const CALLS: usize = 300;
const KEYS: u32 = 40;

/// Lets others run for a moment.
async fn linger(turns: u32) {
    for _ in 0..turns {
        let mut gone = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut gone, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

fn answer(key: u32) -> Result<Loaded<u32>, bellwether::BoxError> {
    match key % 8 {
        5 => Err("it fails".into()),
        6 => panic!("{ON_PURPOSE}"),
        7 => Ok(Loaded::absent()),
        _ => Loaded::ok(key),
    }
}

fn counted(builder: CacheBuilder<u32, u32>, style: Style, crowd: &Crowd) -> CacheBuilder<u32, u32> {
    let crowd = crowd.clone();
    match style {
        Blocking => builder.loader_fn(move |&key: &u32| {
            let _inside = crowd.enter();
            (0..key % 4).for_each(|_| std::thread::yield_now());
            answer(key)
        }),
        Async => builder.async_loader_fn(move |key: u32| {
            let crowd = crowd.clone();
            async move {
                let _inside = crowd.enter();
                linger(key % 4).await;
                answer(key)
            }
        }),
    }
}

/// All kinds of calls by threads and tasks, with writes that supersede loads, fetches that are dropped, and closures.
fn storm<F: Kind>(permits: u64, style: Style, seed: u64, settings: impl Fn(CacheBuilder<u32, u32>) -> CacheBuilder<u32, u32>) {
    let crowd = Crowd::default();
    let builder = settings(CacheBuilder::new().max_concurrent_loads(permits));
    let face = F::Of::build(counted(builder, style, &crowd));
    let (threads, tasks) = (face.sync(), face.sync().to_async());
    together(CALLERS, |caller| {
        let mut random = StdRng::seed_from_u64(seed << 8 | caller as u64);
        for _ in 0..CALLS {
            let key = random.random_range(0..KEYS);
            let ended: Result<_, LoadError> = match random.random_range(0..10) {
                0 | 1 => face.fetch_with(&key),
                2 => threads.fetch_with(&key),
                3 => face.refresh(&key),
                4 => tasks.fetch_with(&key).now_or_never().unwrap_or(Err(LoadError::new("it was dropped"))),
                5 => {
                    let crowd = crowd.clone();
                    let load = move || {
                        let _inside = crowd.enter();
                        answer(key)
                    };
                    face.fetch_or_load(&key, load)
                }
                6 => Ok(std::sync::Arc::new(u32::from(face.invalidate(&key)))),
                7 => face.remove(&key).ok_or_else(|| LoadError::new("nothing was held")),
                8 if key == 0 => {
                    face.clear();
                    continue;
                }
                _ => {
                    face.insert(key, key);
                    continue;
                }
            };
            drop(ended);
        }
    });
    let metrics = at_rest(&threads);
    let most = u64::try_from(crowd.most()).expect("it is small");
    assert!(most <= permits, "{most} loads at once on {permits} permits: {style:?}, seed {seed}");
    assert!(metrics.permits_peak <= permits, "{metrics:?}");
    assert_eq!(crowd.now(), 0);
}

fn g7_never_more_loads_run_at_once_than_there_are_permits<F: Kind>() {
    hush();
    for style in BOTH {
        for (seed, permits) in (0..).zip([1, 2, 4]) {
            storm::<F>(permits, style, seed, |builder| builder);
            storm::<F>(permits, style, seed + 100, |builder| builder.max_queued_loads(3));
            storm::<F>(permits, style, seed + 200, |builder| builder.abandoned_loads(AbandonedLoads::Cancel));
        }
    }
}

/// Time-outs in the midst of it, of loads that run and of those in the queue. A blocking load goes on unheard, on its permit.
fn g7_never_more_loads_run_at_once_than_there_are_permits_though_some_time_out<F: Kind>() {
    hush();
    for style in BOTH {
        for (seed, permits) in (300..).zip([1, 3]) {
            storm::<F>(permits, style, seed, |builder| builder.load_timeout(Duration::from_micros(100)));
        }
    }
}

crate::on_every_face_in_time!(
    g7_never_more_loads_run_at_once_than_there_are_permits,
    g7_never_more_loads_run_at_once_than_there_are_permits_though_some_time_out,
);
