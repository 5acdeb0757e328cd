//! Calls for many keys at once.

mod calls;
pub(crate) mod fetch_many;
pub(crate) mod found;
pub(crate) mod held;
mod places;

use crate::vocabulary::keys::LoadKey;

/// The keys that a caller gave, in a list that can be gone through more than once.
fn listed<'q, K, Q: LoadKey<K> + ?Sized + 'q>(keys: impl IntoIterator<Item = &'q Q>) -> (Vec<&'q Q>, Vec<K>) {
    let keys: Vec<&Q> = keys.into_iter().collect();
    let owned = keys.iter().map(|key| key.to_key()).collect();
    (keys, owned)
}
