//! G17: a clean end. The last handle may be dropped anywhere, and a cache may be closed at any time.

mod clears;
mod close;
mod closing_race;
mod idle;
mod in_flight;
mod in_time;
mod last_handle;
mod limit;
mod odd_places;
mod own_cache;
