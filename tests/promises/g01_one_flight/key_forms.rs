//! Borrowed forms of a key share its flight.

use crate::gate::until;
use crate::rest::at_rest;
use crate::runway::{BOTH, Runway};
use crate::watchdog::in_time;
use bellwether::{AsyncCache, Cache, Equivalent, Key, LoadKey, Source};
use futures::executor::block_on;
use std::sync::Arc;
use std::thread;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct User {
    tenant: u32,
    name: String,
}

#[derive(Hash)]
struct UserRef<'a> {
    tenant: u32,
    name: &'a str,
}

impl Equivalent<User> for UserRef<'_> {
    fn equivalent(&self, user: &User) -> bool {
        (self.tenant, self.name) == (user.tenant, user.name.as_str())
    }
}

impl LoadKey<User> for UserRef<'_> {
    fn to_key(&self) -> User {
        User { tenant: self.tenant, name: self.name.to_owned() }
    }
}

/// A task that asks by `first` leads; a thread and a task that ask by `second` join it; then both find the value.
fn share_a_flight<K: Key, A, B>(first: &A, second: &B)
where
    A: LoadKey<K> + Sync + ?Sized,
    B: LoadKey<K> + Sync + ?Sized,
{
    for style in BOTH {
        let runway = Runway::new(1);
        let cache: AsyncCache<K, usize> = runway.numbers(AsyncCache::builder(), style).build_async().expect("the settings make sense");
        let leader = cache.fetch_detailed(first);
        runway.until_begun(0);
        let joiner = cache.fetch_detailed(second);
        let sources = thread::scope(|scope| {
            let threads = cache.to_sync();
            let thread = scope.spawn(move || threads.fetch_detailed(second).map(|fetched| fetched.source));
            until("the thread joins", || cache.metrics().joined == 2);
            runway.open(0);
            [
                block_on(leader).map(|fetched| fetched.source),
                block_on(joiner).map(|fetched| fetched.source),
                thread.join().expect("no panic"),
            ]
        });
        let sources = sources.map(|source| source.expect("the load brings it"));
        assert_eq!(sources, [Source::Loaded, Source::Joined, Source::Joined]);
        assert!(cache.fetch(first).is_some() && cache.fetch(second).is_some());
        assert_eq!((runway.begun(), cache.len()), (1, 1));
        assert!(cache.invalidate(second) && cache.is_empty());
        at_rest(&cache.to_sync());
    }
}

#[test]
fn g1_a_borrowed_form_joins_the_flight_of_the_owned_key_and_the_other_way_round() {
    in_time(|| {
        let owned = "a name".to_owned();
        share_a_flight::<String, _, _>(&owned, "a name");
        share_a_flight::<String, _, _>("a name", &owned);
        share_a_flight::<Arc<str>, _, _>("a name", &Arc::<str>::from("a name"));
        share_a_flight::<Vec<u8>, _, _>([1, 2, 3].as_slice(), &vec![1, 2, 3]);
    });
}

#[test]
fn g1_a_borrowed_form_of_ones_own_joins_the_flight_of_the_owned_key_and_the_other_way_round() {
    in_time(|| {
        let (owned, borrowed) = (User { tenant: 7, name: "ann".to_owned() }, UserRef { tenant: 7, name: "ann" });
        share_a_flight::<User, _, _>(&owned, &borrowed);
        share_a_flight::<User, _, _>(&borrowed, &owned);
    });
}

#[test]
fn g1_forms_of_different_keys_share_nothing() {
    in_time(|| {
        let cache: Cache<User, String> = Cache::builder()
            .loader_fn(|user: &User| bellwether::ok(format!("{}/{}", user.tenant, user.name)))
            .build()
            .expect("the settings make sense");
        for (tenant, name) in [(1, "ann"), (2, "ann"), (1, "bob")] {
            let value = cache.fetch_with(&UserRef { tenant, name }).expect("the loader brings it");
            assert_eq!(*value, format!("{tenant}/{name}"));
        }
        assert_eq!(at_rest(&cache).loads_started, 3);
    });
}
