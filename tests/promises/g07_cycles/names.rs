//! What the error says: the caches of the ring, in the order of waiting.

use crate::faces::{Face, Kind};
use crate::g07_cycles::{by_tasks, by_threads};
use crate::rest::at_rest;
use crate::runway::Style::{Async, Blocking};
use crate::web::{Web, assert_same_ring, names};
use bellwether::{CacheBuilder, LoadErrorKind};
use std::error::Error;

fn g7_the_error_names_the_caches_in_the_order_of_waiting<F: Kind>() {
    let settings = |cache: usize, builder: CacheBuilder<u32, u32>| builder.name(["users", "teams", "plans"][cache]);
    for styles in [[Blocking; 3], [Async; 3]] {
        let web = Web::<F>::with(&styles, settings, |(cache, key)| vec![((cache + 1) % 3, key)]);
        let error = web.fetch((1, 7)).expect_err("it is a ring");
        let names = names(&error);
        assert_same_ring(&names, &["users", "teams", "plans"].map(String::from));
        if styles == [Blocking; 3] {
            assert_eq!(names[0], "users", "the one that asked last comes first");
        }
        let told = names.join(" -> ");
        assert_eq!(error.to_string(), format!("load waits for itself, through {told}: a loader must not ask for the key that it loads"));
        assert!(!error.is_retryable(), "it would come to the same");
        assert!(error.source().is_none());
        web.at_rest();
    }
}

fn g7_a_cache_without_a_name_is_called_unnamed<F: Kind>() {
    let threads = by_threads::<F>(CacheBuilder::new(), |cache, key| cache.fetch_with(&(1 - key)).map(|value| *value));
    let tasks = by_tasks::<F, _>(CacheBuilder::new(), |cache, key| async move { cache.fetch_with(&(1 - key)).await.map(|value| *value) });
    for face in [threads, tasks] {
        let error = face.fetch_with(&0).expect_err("it is a ring");
        assert_eq!(error.kind(), LoadErrorKind::Cycle);
        assert_eq!(names(&error), ["unnamed", "unnamed"]);
        assert!(error.to_string().contains("through unnamed -> unnamed:"), "{error}");
        at_rest(&face.sync());
    }
}

crate::on_every_face_in_time!(g7_the_error_names_the_caches_in_the_order_of_waiting, g7_a_cache_without_a_name_is_called_unnamed);
