//! The scenes that are the end of a service: one that has too much to do, and those that stop.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::TcpListener;

use super::client::Client;
use super::{Outcome, PATIENCE, Stage, hold};
use crate::options::Settings;
use crate::service::Service;

/// What stands in the way of the service that has too much to do, longer than its few requests can take.
const SLOW: Duration = Duration::from_secs(2);

/// A service that loads one item at a time and queues none.
pub(super) async fn overloaded(stage: &Stage<'_>) -> Outcome {
    let settings =
        Settings { load_time: SLOW, load_timeout: PATIENCE, max_concurrent_loads: 1, max_queued_loads: 0, ..stage.settings.clone() };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let service = Service::start(listener, stage.db.clone(), &settings, PATIENCE)?;
    let client = Client::new(service.address)?;

    let waiting = client.begin(5).await?;
    let turned_away = client.item(6).await?.with(503)?;
    hold(turned_away.has_retry_after, || "503 without Retry-After".to_owned())?;
    waiting.await??.with(200)?;

    // Stopped in the middle of a load, with no time for it: whoever waits is answered.
    let waiting = client.begin(7).await?;
    let ended = service.stop(Duration::ZERO).await;
    let closed = waiting.await??.with(503)?;
    hold(closed.has_retry_after, || "503 without Retry-After".to_owned())?;
    hold(ended.loads_given_up == 1, || format!("{} loads were given up, not one", ended.loads_given_up))?;
    hold(ended.all_answered, || "a connection was cut".to_owned())?;
    Ok("503 with Retry-After, and again when it stops".to_owned())
}

/// The service stops with all the time that it needs.
pub(super) async fn stop(stage: &Stage<'_>, service: Service) -> Outcome {
    let waiting = stage.client.begin(8).await?;
    let ended = service.stop(PATIENCE).await;
    waiting.await??.with(200)?;
    hold(ended.loads_given_up == 0, || format!("{} loads were given up", ended.loads_given_up))?;
    hold(ended.all_answered, || "a connection was cut".to_owned())?;
    hold(stage.client.item(8).await.is_err(), || "it still answers".to_owned())?;
    Ok("the last request is answered, nothing is given up".to_owned())
}
