//! Reports over time, read from the ledger's rows by day; every day of the span has a line, also those without work.

pub mod flow;
pub mod lead_time;
pub mod progress;
pub mod sla;
pub mod velocity;
