//! The crowd's side of the wire: a few HTTP/2 connections that all requests share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bellwether::BoxError;

use crate::service::{NewPrice, Updated};
use crate::shop::db::Item;

/// Requests that share a connection. The server takes two hundred streams on
/// each, so that below this none of a burst waits in the client.
const STREAMS_PER_CONNECTION: u32 = 160;

/// Which of the service's two ways to an item a request takes.
#[derive(Clone, Copy)]
pub(crate) enum Route {
    /// Straight to the database.
    Uncached,
    /// Through the cache.
    Cached,
}

impl Route {
    fn path(self) -> &'static str {
        match self {
            Self::Uncached => "uncached/items",
            Self::Cached => "items",
        }
    }

    /// The word for this route in what people read.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Uncached => "no cache",
            Self::Cached => "bellwether",
        }
    }
}

/// An item as it came over the wire.
pub(crate) struct Reply {
    pub(crate) item: Item,
    /// From before the request was sent until its body had been read.
    pub(crate) latency: Duration,
}

/// A client that spreads requests over its connections. Clones share them.
#[derive(Clone)]
pub(crate) struct Client {
    /// One HTTP/2 connection each.
    connections: Arc<[reqwest::Client]>,
    /// Whose turn it is.
    turn: Arc<AtomicUsize>,
    address: SocketAddr,
}

impl Client {
    /// A client with connections enough for `at_once` requests in the air, all
    /// of them open, so that no measurement pays for that.
    pub(crate) async fn connect(address: SocketAddr, at_once: u32) -> Result<Self, BoxError> {
        let connections: Result<_, _> = (0..at_once.div_ceil(STREAMS_PER_CONNECTION))
            .map(|_| reqwest::Client::builder().http2_prior_knowledge().no_proxy().build())
            .collect();
        Ok(Self { connections: connections?, turn: Arc::default(), address })
    }

    /// Gets one item and times it.
    pub(crate) async fn get(&self, route: Route, id: i64) -> Result<Reply, BoxError> {
        let url = format!("http://{}/{}/{id}", self.address, route.path());
        let sent = Instant::now();
        let response = self.connection().get(url).send().await?;
        let body = response.error_for_status()?.bytes().await?;
        let latency = sent.elapsed();

        let item: Item = serde_json::from_slice(&body)?;
        if item.id != id {
            return Err(format!("asked for item {id}, was given item {}", item.id).into());
        }
        Ok(Reply { item, latency })
    }

    /// Changes an item's price and returns the version that this made.
    pub(crate) async fn put(&self, id: i64, price_cents: i64) -> Result<i64, BoxError> {
        let url = format!("http://{}/items/{id}", self.address);
        let change = NewPrice { price_cents };
        let response = self.connection().put(url).json(&change).send().await?;
        let updated: Updated = response.error_for_status()?.json().await?;
        Ok(updated.version)
    }

    fn connection(&self) -> &reqwest::Client {
        // Relaxed: any spread over the connections will do.
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &self.connections[turn % self.connections.len()]
    }
}
