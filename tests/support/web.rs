//! A web of caches whose loaders fetch each other's keys: rings, chains, trees, or whatever a test draws.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use crate::faces::{Face, Kind};
use crate::rest::at_rest;
use crate::runway::Style;
use bellwether::{AsyncCache, Cache, CacheBuilder, LoadError, LoadErrorKind};
use futures::future::try_join_all;
use std::sync::{Arc, OnceLock};

/// A cache's number and a key of it.
pub type Node = (usize, u32);

/// Caches on one kind of face. The value of a key is one more than the greatest among those of the keys that its loader fetches.
pub struct Web<F: Kind>(Arc<Inner<F>>);

struct Inner<F: Kind> {
    faces: OnceLock<Vec<F::Of<u32, u32>>>,
    /// What the loader of a key fetches.
    next: Box<dyn Fn(Node) -> Vec<Node> + Send + Sync>,
}

impl<F: Kind> Clone for Web<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: Kind> Web<F> {
    /// One cache for each of the `styles`, named by their numbers.
    pub fn new(styles: &[Style], next: impl Fn(Node) -> Vec<Node> + Send + Sync + 'static) -> Self {
        Self::with(styles, |_, builder| builder, next)
    }

    /// As [`new`](Self::new), with settings of each cache's own.
    pub fn with(
        styles: &[Style],
        settings: impl Fn(usize, CacheBuilder<u32, u32>) -> CacheBuilder<u32, u32>,
        next: impl Fn(Node) -> Vec<Node> + Send + Sync + 'static,
    ) -> Self {
        let web = Self(Arc::new(Inner { faces: OnceLock::new(), next: Box::new(next) }));
        let build = |(cache, &style): (usize, &Style)| {
            let own = web.clone();
            let builder = settings(cache, CacheBuilder::new().name(name(cache)));
            F::Of::build(match style {
                Style::Blocking => builder.loader_fn(move |&key: &u32| own.load((cache, key))),
                Style::Async => builder.async_loader_fn(move |key: u32| {
                    let own = own.clone();
                    async move { own.load_async((cache, key)).await }
                }),
            })
        };
        let faces = styles.iter().enumerate().map(build).collect();
        assert!(web.0.faces.set(faces).is_ok(), "it is set once");
        web
    }

    fn face(&self, cache: usize) -> &F::Of<u32, u32> {
        &self.0.faces.get().expect("no load begins before all caches are there")[cache]
    }

    /// One of the caches, for threads.
    pub fn sync(&self, cache: usize) -> Cache<u32, u32> {
        self.face(cache).sync()
    }

    /// One of the caches, for tasks.
    pub fn tasks(&self, cache: usize) -> AsyncCache<u32, u32> {
        self.sync(cache).to_async()
    }

    /// Fetches by this kind of face.
    pub fn fetch(&self, (cache, key): Node) -> Result<u32, LoadError> {
        self.face(cache).fetch_with(&key).map(|value| *value)
    }

    /// Checks that a fetch gets an error for a ring, and gives the names in it.
    pub fn cycle(&self, node: Node) -> Vec<String> {
        names(&self.fetch(node).expect_err("a ring has no end"))
    }

    /// How many loads have begun, all caches together.
    pub fn loads(&self) -> u64 {
        (0..self.caches()).map(|cache| self.sync(cache).metrics().loads_started).sum()
    }

    fn caches(&self) -> usize {
        self.0.faces.get().map_or(0, Vec::len)
    }

    /// Checks that every cache is at rest.
    pub fn at_rest(&self) {
        for cache in 0..self.caches() {
            at_rest(&self.sync(cache));
        }
    }

    /// A load by a thread: one key after the other.
    pub fn load(&self, node: Node) -> Result<u32, LoadError> {
        let mut most = 0;
        for (cache, key) in (self.0.next)(node) {
            most = most.max(*self.sync(cache).fetch_with(&key)?);
        }
        Ok(most + 1)
    }

    /// A load by a task: all keys at once.
    pub async fn load_async(&self, node: Node) -> Result<u32, LoadError> {
        let next: Vec<_> = (self.0.next)(node).into_iter().map(|(cache, key)| (self.tasks(cache), key)).collect();
        let fetched = try_join_all(next.iter().map(|(cache, key)| cache.fetch_with(key))).await?;
        Ok(fetched.iter().map(|value| **value).max().unwrap_or(0) + 1)
    }
}

/// The name of a cache.
pub fn name(cache: usize) -> String {
    format!("cache {cache}")
}

/// The names in an error for a ring.
pub fn names(error: &LoadError) -> Vec<String> {
    match error {
        LoadError::Cycle { caches, .. } => caches.iter().map(ToString::to_string).collect(),
        other => panic!("it is an error of another kind ({:?}, not {:?}): {other}", other.kind(), LoadErrorKind::Cycle),
    }
}

/// Checks that the names go the same way round, wherever they begin.
pub fn assert_same_ring(names: &[String], expected: &[String]) {
    let turned = |by: usize| expected.iter().cycle().skip(by).take(expected.len());
    assert!(names.len() == expected.len() && (0..names.len()).any(|by| turned(by).eq(names)), "{names:?} is not {expected:?}");
}
