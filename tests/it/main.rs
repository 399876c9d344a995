//! The integration tests, one binary.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cli;
mod driving;
mod ledger;

mod demo;
mod engine;
mod gates;
mod golden;
mod limits;
mod link;
mod main_job;
mod model;
mod pty;
mod pty_looks;
mod readme;
mod refusals;
mod roles;
mod rules;
mod rules_andon;
mod rules_gates;
mod rules_graph;
mod support;
mod survival;
mod term;
mod tidy;
mod ui;
mod ui_andon;
mod ui_driving;
mod ui_flow;
mod ui_guards;
mod ui_keys;
mod ui_looks;
mod ui_matrix;
mod ui_mouse;
mod ui_questions;
mod ui_travel;
mod ui_undo;
mod ui_ways;
mod wall;
