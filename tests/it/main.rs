//! The integration tests, one binary.
mod ledger;

mod limits;
mod model;
mod refusals;
mod roles;
mod rules;
mod rules_andon;
mod rules_graph;
mod support;
mod term;
mod tidy;
