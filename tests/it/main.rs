//! The integration tests, one binary.
mod ledger;

mod term;
mod tidy;
