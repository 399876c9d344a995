//! The integration tests, one binary.
mod ledger;

mod model;
mod refusals;
mod rules;
mod rules_andon;
mod rules_graph;
mod support;
mod term;
mod tidy;
