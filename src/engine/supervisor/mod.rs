//! Agents as processes.

mod machine;
mod output;
pub mod runner;
