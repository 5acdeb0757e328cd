//! The service: its routes, its start and its end.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use bellwether::{AsyncCache, BoxError, LoadErrorKind};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{self, JoinHandle};
use tokio::time::{Instant, timeout, timeout_at};

use crate::loader::item_cache;
use crate::options::Settings;
use crate::shop::db::{Db, Item};
use crate::{exposition, items};

/// The most that a body may be long, in bytes: a price needs some thirty.
const BODY_LIMIT: usize = 1_024;

/// How long answers have to get out once the cache is closed.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What every handler gets. Cloning it clones handles, not data.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) cache: AsyncCache<i64, Item>,
    /// Where the service listens.
    address: SocketAddr,
    /// How long a request waits that doesn't say.
    pub(crate) patience: Duration,
}

/// The service, running.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    cache: AsyncCache<i64, Item>,
    server: JoinHandle<io::Result<()>>,
    /// Dropped to stop accepting.
    accepting: oneshot::Sender<()>,
}

/// How the service ended.
pub(crate) struct Ended {
    /// Whether every connection came to its end.
    pub(crate) all_answered: bool,
    pub(crate) loads_given_up: u64,
}

impl Service {
    /// Starts serving.
    pub(crate) fn start(listener: TcpListener, db: Db, settings: &Settings, patience: Duration) -> Result<Self, BoxError> {
        let address = listener.local_addr()?;
        let cache = item_cache(db.clone(), settings)?;
        let router = Router::new()
            .route("/", get(usage))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/metrics", get(metrics))
            .route("/items/{id}", get(items::show).put(items::update).delete(items::delete))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(App { db, cache: cache.clone(), address, patience });

        let (accepting, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move {
            // An error is what a dropped sender makes of it.
            let _ = stopped.await;
        });
        Ok(Self { address, cache, server: task::spawn(server.into_future()), accepting })
    }

    /// Accepts no more, lets requests and loads end for up to `grace`, and gives up those that don't.
    pub(crate) async fn stop(self, grace: Duration) -> Ended {
        let Self { cache, mut server, accepting, .. } = self;
        let until = Instant::now() + grace;
        drop(accepting);
        let mut all_answered = timeout_at(until, &mut server).await.is_ok();

        // Loads that no request waits for any more, and those of requests that are still there: these get 503 at the end of it.
        cache.close_within(until.saturating_duration_since(Instant::now())).await;
        if !all_answered {
            all_answered = timeout(LAST_WORDS, &mut server).await.is_ok();
        }
        Ended { all_answered, loads_given_up: cache.metrics().loads_failed_by(LoadErrorKind::Closed) }
    }
}

/// All counters and gauges, as Prometheus reads them.
async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let text = exposition::page(&app.cache.metrics(), app.db.queries());
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// What to try.
async fn usage(State(app): State<App>) -> String {
    let (patience, address) = (app.patience.as_millis(), app.address);
    format!(
        "\
A shop's items, read through a bellwether cache. Requests wait at most {patience} ms.

The first request may get 504. Its load goes on, so that the next one hits, as x-cache says:
  curl -i http://{address}/items/7
A patient one is answered; x-cache says loaded, joined or hit:
  curl -i http://{address}/items/8 -H 'request-timeout-ms: 60000'
Twenty requests, one query:
  for i in $(seq 20); do curl -si http://{address}/items/9 -H 'request-timeout-ms: 60000' | grep x-cache & done; wait
After a write the next read loads:
  curl -i http://{address}/items/8 -X PUT --json '{{\"price_cents\": 4200}}'
  curl -i http://{address}/items/7 -X DELETE
What the cache counts, for Prometheus:
  curl http://{address}/metrics
"
    )
}
