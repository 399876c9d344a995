//! The integration tests, one binary.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod ledger;
mod support;
mod ui;
