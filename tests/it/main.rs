//! The integration tests, one binary.
mod ledger;
