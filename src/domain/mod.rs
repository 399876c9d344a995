//! Types and pure rules of the line. Nothing here reads a clock, a file or a random number.

pub mod archive;
pub mod id;
pub mod record;
pub mod time;
