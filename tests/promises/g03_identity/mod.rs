//! G3: a flight lands only while the map still holds that very flight, and a write to one key never disturbs the flight of another.

mod collisions;
mod successor;
mod time_out;
