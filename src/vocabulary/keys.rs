//! What keys, values and borrowed forms of keys must be able to do.

use equivalent::Equivalent;
use std::hash::Hash;

/// What a key can do: be hashed, compared, cloned and sent between threads.
///
/// Implemented for every type that fits. A load clones its key once to store the value; a hit never does.
///
/// # Examples
/// ```
/// fn takes_a_key<K: bellwether::Key>(_key: K) {}
/// takes_a_key(String::from("a"));
/// takes_a_key((1_u32, "b"));
/// ```
pub trait Key: Hash + Eq + Clone + Send + Sync + 'static {}
impl<T: Hash + Eq + Clone + Send + Sync + 'static> Key for T {}

/// What a value can do: be sent and shared between threads. Values are kept behind [`Arc`](std::sync::Arc)s and never cloned.
///
/// Implemented for every type that fits.
///
/// # Examples
/// ```
/// fn takes_a_value<V: bellwether::Value>(_value: V) {}
/// takes_a_value(vec![1, 2, 3]);
/// ```
pub trait Value: Send + Sync + 'static {}
impl<T: Send + Sync + 'static> Value for T {}

/// A form of the key `K` that suffices to look it up, as `&str` does for `String`.
///
/// Implemented for every type that hashes as `K` does and can be compared with it.
///
/// # Examples
/// ```
/// let cache = bellwether::Cache::<String, u32>::builder().build()?;
/// cache.insert("a".to_owned(), 1);
/// assert_eq!(cache.fetch("a").as_deref(), Some(&1));
/// # Ok::<(), bellwether::BuildError>(())
/// ```
pub trait Lookup<K>: Hash + Equivalent<K> {}
impl<K, Q: Hash + Equivalent<K> + ?Sized> Lookup<K> for Q {}

/// A form of the key `K` that suffices to load it: it can be looked up, and made into a `K` when nothing is found.
///
/// Implemented for every type whose owned form converts into `K`: `&str` for `String`, `Arc<str>` or `Box<str>`; `&[T]` for `Vec<T>`;
/// and `&K` itself. Implement it for your own borrowed keys.
///
/// # Examples
/// ```
/// use bellwether::{Cache, Equivalent, LoadKey};
///
/// #[derive(Clone, PartialEq, Eq, Hash)]
/// struct User { tenant: u32, name: String }
/// #[derive(Hash)]
/// struct UserRef<'a> { tenant: u32, name: &'a str }
///
/// impl Equivalent<User> for UserRef<'_> {
///     fn equivalent(&self, user: &User) -> bool {
///         (self.tenant, self.name) == (user.tenant, user.name.as_str())
///     }
/// }
/// impl LoadKey<User> for UserRef<'_> {
///     fn to_key(&self) -> User {
///         User { tenant: self.tenant, name: self.name.to_owned() }
///     }
/// }
///
/// let cache = Cache::builder().loader_fn(|user: &User| Ok::<_, std::io::Error>(user.name.len())).build()?;
/// assert_eq!(*cache.fetch_with(&UserRef { tenant: 1, name: "ann" })?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait LoadKey<K>: Hash + Equivalent<K> {
    /// The owned key. Called only when nothing usable was found; `self` and the result hash alike and are equivalent.
    fn to_key(&self) -> K;
}

impl<K, Q> LoadKey<K> for Q
where
    Q: Hash + Equivalent<K> + ToOwned<Owned: Into<K>> + ?Sized,
{
    fn to_key(&self) -> K {
        self.to_owned().into()
    }
}
