//! Invalidation of many: by tags, by predicates and for a while, and every write against every flight.

mod cells;
mod embargo;
mod embargo_flights;
mod matrix;
mod predicates;
mod scene;
mod tag_cost;
mod tag_flights;
mod tag_kept;
mod tag_renewals;
mod tag_seen;
mod tag_sweep;
mod tag_troubles;
mod tag_windows;
mod writes;
