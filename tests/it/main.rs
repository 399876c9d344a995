//! The integration tests, one binary.

mod term;
