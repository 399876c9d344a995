//! The integration tests, one binary.
mod ledger;

mod term;
mod tidy;
mod model;
mod refusals;
mod rules;
mod rules_andon;
mod rules_graph;
mod support;
