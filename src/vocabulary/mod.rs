//! Floor 1, the vocabulary: the words in which users and the cache talk to each other.

pub(crate) mod abandoned;
pub(crate) mod compute_result;
pub(crate) mod entry_info;
pub(crate) mod error;
pub(crate) mod expiry;
pub(crate) mod fetched;
pub(crate) mod keys;
pub(crate) mod listener;
pub(crate) mod loaded;
pub(crate) mod loader;
pub(crate) mod metrics;
pub(crate) mod refused;
pub(crate) mod removal;
pub(crate) mod removal_channel;
pub(crate) mod scope;
pub(crate) mod sink;
pub(crate) mod spawner;
pub(crate) mod weigher;
pub(crate) mod what_if;
