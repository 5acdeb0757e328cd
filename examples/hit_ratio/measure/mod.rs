//! Runs traces and counts the hits.

pub(crate) mod cache;
pub(crate) mod lru_model;
pub(crate) mod opt;
pub(crate) mod parallel;
pub(crate) mod plan;
pub(crate) mod point;
pub(crate) mod replay;
