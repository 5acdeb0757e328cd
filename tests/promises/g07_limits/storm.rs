//! G2: writes far more often than a load takes make no herd, and the key is stored soon after the last of them.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::g07_limits::Crowd;
use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::BOTH;
use crate::runway::Style::{self, Async, Blocking};
use bellwether::CacheBuilder;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

const LOAD: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(10);

/// Three seconds, or ten in a soak.
fn time() -> Duration {
    let soak = std::env::var("BELLWETHER_SOAK_SECONDS").ok().and_then(|seconds| seconds.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_secs(if soak >= 10 { 10 } else { 3 })
}

fn slow(builder: CacheBuilder<u32, u32>, style: Style, source: &Arc<AtomicU32>, crowd: &Crowd) -> CacheBuilder<u32, u32> {
    let (source, crowd) = (Arc::clone(source), crowd.clone());
    match style {
        Blocking => builder.loader_fn(move |_: &u32| {
            let _inside = crowd.enter();
            let value = source.load(Ordering::SeqCst);
            sleep(LOAD);
            bellwether::ok(value)
        }),
        Async => builder.async_loader_fn(move |_: u32| {
            let (source, crowd) = (Arc::clone(&source), crowd.clone());
            async move {
                let _inside = crowd.enter();
                let value = source.load(Ordering::SeqCst);
                slept().await;
                bellwether::ok(value)
            }
        }),
    }
}

/// A sleep without a runtime.
async fn slept() {
    let (send, receive) = futures::channel::oneshot::channel();
    std::thread::spawn(move || {
        sleep(LOAD);
        send.send(()).expect("the load is never dropped");
    });
    receive.await.expect("the thread doesn't panic");
}

fn writes_in_a_storm<F: Kind>(style: Style, settings: fn(CacheBuilder<u32, u32>) -> CacheBuilder<u32, u32>) {
    let (source, crowd, over) = (Arc::new(AtomicU32::new(0)), Crowd::default(), Arc::new(AtomicBool::new(false)));
    let face = F::Of::build(settings(slow(CacheBuilder::new(), style, &source, &crowd)));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let over = Arc::clone(&over);
            apart(&face, move |face| {
                while !over.load(Ordering::SeqCst) {
                    face.fetch_with(&1).expect("no load fails");
                }
            })
        })
        .collect();
    let start = Instant::now();
    let (mut written, mut started) = (0, 0);
    while start.elapsed() < time() {
        written += 1;
        source.store(written, Ordering::SeqCst);
        face.invalidate(&1);
        started = face.metrics().loads_started;
        // New callers come all the time: a fetch that begins after a write waits for a load that does, too.
        drop(face.sync().to_async().fetch_with(&1));
        sleep(PAUSE);
    }
    until("something is stored after the last write", || face.peek(&1).is_some());
    let since = face.metrics().loads_started - started;
    // One, and perhaps one that was claimed before and counted late.
    assert!(since <= 2, "{since} loads were started after the last write: {style:?}");
    assert_eq!(face.peek(&1).as_deref(), Some(&written), "it is what the last write left behind");
    over.store(true, Ordering::SeqCst);
    callers.into_iter().for_each(crate::apart::Apart::result);
    at_rest(&face.sync());
    assert!(crowd.most() <= 4, "{} loads of one key at once: {style:?}", crowd.most());
    assert!(crowd.most() >= 2, "the writes did overtake loads");
}

fn g2_writes_every_ten_milliseconds_make_no_herd_and_the_key_is_stored_soon_after<F: Kind>() {
    for style in BOTH {
        writes_in_a_storm::<F>(style, |builder| builder);
    }
}

fn g2_the_same_holds_with_permits<F: Kind>() {
    for style in BOTH {
        writes_in_a_storm::<F>(style, |builder| builder.max_concurrent_loads(3));
    }
}

crate::on_every_face_in_time!(
    g2_writes_every_ten_milliseconds_make_no_herd_and_the_key_is_stored_soon_after,
    g2_the_same_holds_with_permits,
);
