//! obeya: the big room where a team hangs its boards and stops the line together.

pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod ledger;
pub mod link;
pub mod mcp;
pub mod server;
pub mod term;
pub mod testing;
pub mod text;
pub mod ui;
