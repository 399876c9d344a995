//! The integration tests, one binary.

mod model;
mod refusals;
mod rules;
mod rules_andon;
mod rules_graph;
mod support;
