//! The cache: its settings, and how it gets an item that it doesn't hold.

use bellwether::{AsyncCache, BuildError};
use tokio::time::sleep;

use crate::options::Settings;
use crate::shop::db::{Db, Item};

/// The service's cache of items.
pub(crate) fn item_cache(db: Db, settings: &Settings) -> Result<AsyncCache<i64, Item>, BuildError> {
    let load_time = settings.load_time;
    AsyncCache::builder()
        .name("items")
        .capacity(10_000)
        .time_to_live(settings.time_to_live)
        .load_timeout(settings.load_timeout)
        .max_concurrent_loads(settings.max_concurrent_loads)
        .max_queued_loads(settings.max_queued_loads)
        .abandoned_loads(settings.abandoned)
        .async_loader_fn(move |id| {
            let db = db.clone();
            async move {
                sleep(load_time).await;
                // A `None` becomes "absent": an answer of its own, not a failure.
                db.item(id).await
            }
        })
        .build_async()
}
