//! obeya: the big room where a team hangs its boards and stops the line together.

pub mod cli;
pub mod domain;
pub mod engine;
pub mod ledger;
pub mod link;
pub mod text;
