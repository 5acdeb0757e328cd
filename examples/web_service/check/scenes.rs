//! The scenes that are played against one service, each with items of its own.

use bellwether::{AbandonedLoads, BoxError};
use reqwest::Method;
use tokio::task::JoinSet;

use super::{Outcome, Stage, hold};
use crate::items::{NewPrice, Updated};
use crate::shop::db::Item;

const FIRST: i64 = 1;
const HERDED: i64 = 2;
const ABANDONED: i64 = 3;
const DELETED: i64 = 4;

/// Requests of the herd.
const HERD: usize = 32;

pub(super) async fn miss(stage: &Stage<'_>) -> Outcome {
    let answer = stage.client.item(FIRST).await?.with(200)?;
    hold(answer.origin == "loaded", || format!("x-cache is {:?}, not loaded", answer.origin))?;
    Ok("200, loaded".to_owned())
}

pub(super) async fn hit(stage: &Stage<'_>) -> Outcome {
    let queries = stage.db.queries();
    let answer = stage.client.item(FIRST).await?.with(200)?;
    hold(answer.origin == "hit", || format!("x-cache is {:?}, not hit", answer.origin))?;
    hold(stage.db.queries() == queries, || "the database was asked".to_owned())?;
    Ok("200, hit, no query".to_owned())
}

pub(super) async fn herd(stage: &Stage<'_>) -> Outcome {
    let queries = stage.db.queries();
    let mut requests = JoinSet::new();
    for _ in 0..HERD {
        let client = stage.client.clone();
        requests.spawn(async move { client.item(HERDED).await?.with(200) });
    }
    let (mut loaded, mut joined) = (0, 0);
    for answer in requests.join_all().await {
        match answer?.origin.as_str() {
            "loaded" => loaded += 1,
            "joined" => joined += 1,
            // Whoever comes late.
            "hit" => {}
            other => return Err(format!("x-cache is {other:?}").into()),
        }
    }
    let queries = stage.db.queries() - queries;
    hold(queries == 1, || format!("{HERD} requests cost {queries} queries, not one"))?;
    hold(loaded == 1, || format!("{loaded} requests say that they loaded"))?;
    hold(joined > 0, || "no request joined the load".to_owned())?;
    Ok(format!("{HERD} requests, 1 query, {joined} joined"))
}

pub(super) async fn write(stage: &Stage<'_>) -> Outcome {
    let before = item(&stage.client.item(FIRST).await?.with(200)?.body)?;
    let new = NewPrice { price_cents: before.price_cents + 1 };
    let put = stage.client.request(Method::PUT, "/items/1").json(&new);
    let updated: Updated = serde_json::from_str(&stage.client.send(put).await?.with(200)?.body)?;

    let after = item(&stage.client.item(FIRST).await?.with(200)?.body)?;
    hold(after.price_cents == new.price_cents && after.version == updated.version, || {
        format!("read version {} at {} cents after a write of version {}", after.version, after.price_cents, updated.version)
    })?;
    Ok(format!("version {} became {}", before.version, after.version))
}

pub(super) async fn give_up(stage: &Stage<'_>) -> Outcome {
    let answer = stage.client.item_within(ABANDONED, 0).await?;
    let body = answer.with(504)?.body;
    hold(body.contains("ask again"), || format!("a strange answer: {body}"))?;

    // The load ends as was asked, and then one more request.
    let at_rest = stage.client.until_rest().await?;
    let cancelled = at_rest.labelled("bellwether_loads_failed_total", "kind=\"cancelled\"")?;
    let next = stage.client.item(ABANDONED).await?.with(200)?.origin;
    let (holds, came) = match stage.settings.abandoned {
        AbandonedLoads::Cancel => (next == "loaded" && cancelled > 0.0, "504, its load was cancelled, the next one loads"),
        _ => (next == "hit" && cancelled <= 0.0, "504, its load went on, the next one hits"),
    };
    hold(holds, || format!("504, {cancelled} loads were cancelled, and the next request has x-cache: {next}"))?;
    Ok(came.to_owned())
}

pub(super) async fn absent(stage: &Stage<'_>) -> Outcome {
    for id in [0, -1, i64::MAX] {
        stage.client.item(id).await?.with(404)?;
    }
    // Held, so that it is the invalidation that makes it go.
    stage.client.item(DELETED).await?.with(200)?;
    stage.client.send(stage.client.request(Method::DELETE, "/items/4")).await?.with(204)?;
    stage.client.item(DELETED).await?.with(404)?;
    stage.client.send(stage.client.request(Method::DELETE, "/items/4")).await?.with(404)?;
    let put = stage.client.request(Method::PUT, "/items/4").json(&NewPrice { price_cents: 1 });
    stage.client.send(put).await?.with(404)?;
    Ok("404, and 404 after a DELETE".to_owned())
}

pub(super) async fn nonsense(stage: &Stage<'_>) -> Outcome {
    for path in ["/items/abc", "/items/1e3", "/items/9223372036854775808", "/items/%00", "/items/%ff"] {
        stage.client.send(stage.client.request(Method::GET, path)).await?.with(400)?;
    }
    let ask = |patience: &'static str| stage.client.request(Method::GET, "/items/1").header("request-timeout-ms", patience);
    stage.client.send(ask("soon")).await?.with(400)?;

    let put = |body: String| stage.client.request(Method::PUT, "/items/1").header("content-type", "application/json").body(body);
    stage.client.send(put("{".to_owned())).await?.with(400)?;
    stage.client.send(put("{}".to_owned())).await?.with(422)?;
    stage.client.send(put("{\"price_cents\": -1}".to_owned())).await?.with(422)?;
    stage.client.send(put(" ".repeat(1 << 16))).await?.with(413)?;
    stage.client.send(stage.client.request(Method::PUT, "/items/1").body("x")).await?.with(415)?;
    stage.client.send(stage.client.request(Method::POST, "/items/1")).await?.with(405)?;
    Ok("400, 405, 413, 415 and 422".to_owned())
}

pub(super) async fn metrics(stage: &Stage<'_>) -> Outcome {
    let scrape = stage.client.until_rest().await?;
    #[expect(clippy::cast_precision_loss, reason = "some hundred at most")]
    let asked = stage.client.asked() as f64;
    let lookups = scrape.sum("bellwether_lookups_total");
    let started = scrape.sample("bellwether_loads_started_total")?;
    let ended = scrape.sum("bellwether_loads_total") + scrape.sum("bellwether_loads_failed_total");
    let misses = scrape.labelled("bellwether_lookups_total", "result=\"miss\"")?;
    let off = |a: f64, b: f64| (a - b).abs() > 0.5;
    hold(!off(lookups, asked), || format!("{lookups} lookups for {asked} requests"))?;
    hold(!off(started, ended), || format!("{started} loads started, {ended} ended"))?;
    hold(!off(started, misses), || format!("{misses} misses started {started} loads"))?;
    hold(scrape.sample("bellwether_flights_peak")? >= 1.0, || "no load was ever in the air".to_owned())?;
    hold(scrape.sample("bellwether_waiters")? <= 0.0, || "somebody still waits".to_owned())?;
    Ok(format!("{} samples, {started} loads for {asked} requests", scrape.len()))
}

fn item(body: &str) -> Result<Item, BoxError> {
    Ok(serde_json::from_str(body)?)
}
