//! G14, G10 and G16 by a naive model: random calls, one after the other, on a cache and on a plain map beside it.
//!
//! With room for everything the two agree after every single call. In a small cache what is held is a part of what the map holds, never too
//! heavy, and whatever is returned is what was stored last.

mod bounded;
mod model;
mod pair;
mod script;
mod steps;
mod unbounded;
