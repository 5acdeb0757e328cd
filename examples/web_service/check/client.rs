//! The checks' side of the wire: HTTP/1.1, as curl speaks it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bellwether::BoxError;
use reqwest::header::RETRY_AFTER;
use reqwest::{Method, RequestBuilder, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::check::scrape::Scrape;
use crate::items::{ORIGIN, PATIENCE};

/// How long the service has to come to rest.
const REST_LIMIT: Duration = Duration::from_secs(30);

/// A client of one service. Clones share their connections.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    /// Items asked for so far.
    asked: Arc<AtomicU64>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Where the item came from, where the answer is one.
    pub(super) origin: String,
    pub(super) has_retry_after: bool,
    pub(super) body: String,
}

impl Answer {
    /// The answer, if it has this status.
    pub(super) fn with(self, status: u16) -> Result<Self, BoxError> {
        if self.status.as_u16() != status {
            return Err(format!("{} instead of {status}: {}", self.status, self.body.trim()).into());
        }
        Ok(self)
    }
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Result<Self, BoxError> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()?;
        Ok(Self { http, address, asked: Arc::default() })
    }

    /// Gets an item with the service's own patience.
    pub(super) async fn item(&self, id: i64) -> Result<Answer, BoxError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.send(self.request(Method::GET, &format!("/items/{id}"))).await
    }

    /// Gets an item with this much patience.
    pub(super) async fn item_within(&self, id: i64, millis: u64) -> Result<Answer, BoxError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.send(self.request(Method::GET, &format!("/items/{id}")).header(PATIENCE, millis)).await
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Answer, BoxError> {
        let response = request.send().await?;
        let status = response.status();
        let origin = response.headers().get(ORIGIN).map(|value| value.to_str()).transpose()?;
        let origin = origin.unwrap_or_default().to_owned();
        let has_retry_after = response.headers().contains_key(RETRY_AFTER);
        let body = response.text().await?;
        Ok(Answer { status, origin, has_retry_after, body })
    }

    pub(super) async fn scrape(&self) -> Result<Scrape, BoxError> {
        let page = self.send(self.request(Method::GET, "/metrics")).await?.with(200)?;
        Scrape::parse(&page.body)
    }

    /// Waits until no load is in the air.
    pub(super) async fn until_rest(&self) -> Result<Scrape, BoxError> {
        self.until("at rest", |scrape| Ok(scrape.sample("bellwether_flights")? == 0.0)).await
    }

    /// Asks for an item that is to be loaded, and waits until its load has begun.
    pub(super) async fn begin(&self, id: i64) -> Result<JoinHandle<Result<Answer, BoxError>>, BoxError> {
        let begun = |scrape: &Scrape| scrape.sample("bellwether_loads_started_total");
        let before = begun(&self.scrape().await?)?;
        let client = self.clone();
        let asked = tokio::spawn(async move { client.item(id).await });
        self.until("begun to load", |scrape| Ok(begun(scrape)? > before)).await?;
        Ok(asked)
    }

    async fn until(&self, what: &str, holds: impl Fn(&Scrape) -> Result<bool, BoxError>) -> Result<Scrape, BoxError> {
        let began = Instant::now();
        loop {
            let scrape = self.scrape().await?;
            if holds(&scrape)? {
                return Ok(scrape);
            }
            if began.elapsed() > REST_LIMIT {
                return Err(format!("not {what} after {REST_LIMIT:?}").into());
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Items asked for so far, however that ended.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}
