//! The integration tests, one binary.

mod model;
mod rules;
mod support;
