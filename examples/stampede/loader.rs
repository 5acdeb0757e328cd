//! How the cache gets an item that it doesn't hold: it asks the database.

use bellwether::{AsyncCache, BuildError};

use crate::shop::db::{Db, Item};

/// The service's cache of product pages.
pub(crate) fn item_cache(db: Db) -> Result<AsyncCache<i64, Item>, BuildError> {
    AsyncCache::builder()
        .name("items")
        .capacity(10_000)
        .async_loader_fn(move |id| {
            let db = db.clone();
            // A `None` becomes "absent": an answer of its own, not a failure.
            async move { db.item(id).await }
        })
        .build_async()
}
