//! The project's `obeya.toml`, which lies beside the ledger's folder: what the line runs.
//!
//! Pure: text in, tables and problems out. No rule reads it: a host puts on the ledger what rules need, and keeps the
//! commands to itself, so that nobody who can write to the ledger may thereby run a program.

pub mod gates;

/// The file in the project's root.
pub const LINE_FILE: &str = "obeya.toml";
