//! The stampede proper: everybody asks for the same cold item at the same instant.

use std::sync::Arc;

use bellwether::BoxError;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::client::{Client, Route};
use crate::figures::{Figures, Tally};
use crate::service::Service;
use crate::shop::progress;

/// The item that everybody wants. Nothing else in the program reads it before.
const WANTED: i64 = 1_234;

/// Sends `requests` at once and waits for them all.
pub(crate) async fn run(service: &Service, client: &Client, route: Route, requests: u32) -> Result<Figures, BoxError> {
    let bar = progress::phase(&format!("burst, {}", route.label()), requests.into());
    let queries_before = service.db.queries();
    let start = Arc::new(Barrier::new(usize::try_from(requests)?));

    let mut crowd = JoinSet::new();
    for _ in 0..requests {
        let (client, start, bar) = (client.clone(), Arc::clone(&start), bar.clone());
        crowd.spawn(async move {
            start.wait().await;
            let reply = client.get(route, WANTED).await;
            bar.inc(1);
            reply
        });
    }

    let mut tally = Tally::new()?;
    while let Some(reply) = crowd.join_next().await {
        tally.record(reply?.map(|reply| reply.latency));
    }
    Ok(tally.close(service.db.queries() - queries_before))
}
