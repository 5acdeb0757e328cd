//! Settings that make no sense, and what the numbers say of those that do.

use crate::apart::apart;
use crate::faces::{Face, Kind};
use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use bellwether::{Cache, CacheBuilder, LoadErrorKind};

#[test]
fn g7_zero_permits_are_a_build_error() {
    let error = Cache::<u32, u32>::builder().max_concurrent_loads(0).build().expect_err("no load could begin");
    assert!(error.to_string().starts_with("max_concurrent_loads is 0: "), "{error}");
    assert!(Cache::<u32, u32>::builder().max_concurrent_loads(0).build_async().is_err());
}

#[test]
fn g7_a_queue_without_permits_is_a_build_error() {
    for most in [0, 1, u64::MAX] {
        let error = Cache::<u32, u32>::builder().max_queued_loads(most).build().expect_err("nothing is ever queued");
        assert!(error.to_string().starts_with(&format!("max_queued_loads is {most}, ")), "{error}");
    }
    Cache::<u32, u32>::builder().max_queued_loads(0).max_concurrent_loads(u64::MAX).build().expect("both make sense");
}

fn g7_the_numbers_tell_permits_and_queue_now_and_at_their_peak<F: Kind>() {
    for style in BOTH {
        let runway = Runway::new(5);
        let face = F::Of::<u32, usize>::build(runway.numbers(CacheBuilder::new().max_concurrent_loads(2), style));
        let calls: Vec<_> = (0..5_u32)
            .map(|key| {
                let call = apart(&face, move |face| face.fetch_with(&key));
                until("it runs or waits", || face.metrics().loads_started == u64::from(key) + 1);
                call
            })
            .collect();
        runway.until_begun(0);
        runway.until_begun(1);
        let metrics = face.metrics();
        assert_eq!((metrics.permits, metrics.permits_peak, metrics.queued, metrics.queued_peak), (2, 2, 3, 3), "{style:?}");
        assert_eq!((metrics.flights, runway.begun()), (5, 2));
        // Each that ends passes its permit on.
        for (number, queued) in [(0, 2), (1, 1), (2, 0)] {
            runway.open(number);
            runway.until_begun(number + 2);
            until("the next has begun", || face.metrics().queued == queued);
            assert_eq!(face.metrics().permits, 2);
        }
        runway.open(3);
        until("one permit is free", || face.metrics().permits == 1);
        runway.open(4);
        for call in calls {
            call.result().expect("all are loaded");
        }
        let metrics = at_rest(&face.sync());
        assert_eq!((metrics.permits, metrics.permits_peak, metrics.queued, metrics.queued_peak), (0, 2, 0, 3));
        assert_eq!((metrics.turned_away, metrics.loads_stored), (0, 5));
    }
}

fn g7_without_a_limit_no_permit_is_counted<F: Kind>() {
    for style in BOTH {
        let face = F::Of::<u32, usize>::build(Runway::new(0).numbers(CacheBuilder::new(), style));
        (0..10).for_each(|key| drop(face.fetch_with(&key).expect("it is loaded")));
        let metrics = at_rest(&face.sync());
        assert_eq!((metrics.permits_peak, metrics.queued_peak, metrics.loads_failed_by(LoadErrorKind::Overloaded)), (0, 0, 0));
    }
}

crate::on_every_face_in_time!(g7_the_numbers_tell_permits_and_queue_now_and_at_their_peak, g7_without_a_limit_no_permit_is_counted);
