//! Everyday traffic: a few items that many want, many that few want, and more of it than the database alone can carry.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bellwether::BoxError;
use indicatif::ProgressBar;
use rand::SeedableRng;
use rand::distr::Distribution;
use rand::rngs::StdRng;
use rand_distr::Zipf;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::client::{Client, Route};
use crate::figures::{Figures, Tally};
use crate::service::Service;
use crate::shop::progress;
use crate::shop::schema::ITEMS;

/// Requests in the mix.
const REQUESTS: usize = 3_000;

/// Requests in the air at most.
pub(crate) const AT_ONCE: u16 = 1_000;

/// How uneven the demand is. Web traffic is near one, at which the second most
/// wanted item is wanted half as much as the first, the third a third.
const ZIPF_EXPONENT: f64 = 1.2;

/// How many times what the database alone can answer is asked for.
const OVERLOAD: f64 = 2.2;

/// Who asks for what, and when. One plan serves both routes.
pub(crate) struct Plan {
    /// The items asked for, in order of arrival.
    ids: Vec<i64>,
    /// Time between two arrivals.
    gap: Duration,
    /// Requests in the air at most. One that comes beyond that waits its turn
    /// before it is sent, and before its clock starts.
    at_once: u16,
}

impl Plan {
    /// Everyday traffic, too fast for a database that needs `per_query` for
    /// each answer.
    pub(crate) fn everyday(per_query: Duration) -> Result<Self, BoxError> {
        let demand = Zipf::new(f64::from(ITEMS), ZIPF_EXPONENT)?;
        let ids = demand.sample_iter(StdRng::seed_from_u64(42)).take(REQUESTS).map(item_id).collect();
        Ok(Self { ids, gap: per_query.div_f64(OVERLOAD), at_once: AT_ONCE })
    }

    /// As much as the database takes: a few requests at all times.
    fn trial() -> Self {
        Self { ids: (1..=400).collect(), gap: Duration::ZERO, at_once: 32 }
    }

    fn length(&self) -> u64 {
        u64::try_from(self.ids.len()).unwrap_or(u64::MAX)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "Zipf draws whole numbers from one to the number of items")]
fn item_id(rank: f64) -> i64 {
    rank as i64
}

/// How long the database alone needs per query, all its connections at work.
pub(crate) async fn time_per_query(client: &Client) -> Result<Duration, BoxError> {
    let plan = Plan::trial();
    let bar = progress::phase("how fast is the database", plan.length());
    let begun = Instant::now();
    let figures = drive(client, Route::Uncached, &plan, &bar).await?.close(0);
    match figures.first_error {
        Some(error) => Err(error),
        None => Ok(begun.elapsed() / u32::try_from(plan.ids.len())?),
    }
}

/// Sends the plan's requests by one route.
pub(crate) async fn run(service: &Service, client: &Client, route: Route, plan: &Plan) -> Result<Figures, BoxError> {
    let bar = progress::phase(&format!("mix, {}", route.label()), plan.length());
    let queries_before = service.db.queries();
    let tally = drive(client, route, plan, &bar).await?;
    Ok(tally.close(service.db.queries() - queries_before))
}

/// Sends every request at its time, or as soon after as there is room in the
/// air.
async fn drive(client: &Client, route: Route, plan: &Plan, bar: &ProgressBar) -> Result<Tally, BoxError> {
    let room = Arc::new(Semaphore::new(plan.at_once.into()));
    let mut requests = JoinSet::new();
    let mut due = Instant::now();
    for &id in &plan.ids {
        sleep_until(due.into()).await;
        due += plan.gap;
        let place = Arc::clone(&room).acquire_owned().await?;
        let (client, bar) = (client.clone(), bar.clone());
        requests.spawn(async move {
            let reply = client.get(route, id).await;
            drop(place);
            bar.inc(1);
            reply
        });
    }

    let mut tally = Tally::new()?;
    while let Some(reply) = requests.join_next().await {
        tally.record(reply?.map(|reply| reply.latency));
    }
    Ok(tally)
}
