//! Types and pure rules of the line. Nothing here reads a clock, a file or a random number.

pub mod agent;
pub mod andon;
pub mod archive;
pub mod books;
pub mod cold;
pub mod command;
pub mod days;
pub mod decide;
pub mod due;
pub mod event;
pub mod evolve;
pub mod graph;
pub mod id;
pub mod import_report;
pub mod message;
pub mod moment;
pub mod order;
pub mod query;
pub mod receipt;
pub mod record;
pub mod refusal;
pub mod settings;
pub mod slabs;
pub mod snapshot;
pub mod state;
pub mod time;
mod ways;
