//! Types and pure rules of the line. Nothing here reads a clock, a file or a random number.

pub mod agent;
pub mod andon;
pub mod command;
pub mod event;
pub mod archive;
pub mod id;
pub mod order;
pub mod record;
pub mod refusal;
pub mod settings;
pub mod slabs;
pub mod time;
