//! The integration tests, one binary.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod budgets;
mod cli;
mod driving;
mod ledger;

mod andon_record;
mod demo;
mod engine;
mod golden;
mod limits;
mod link;
mod main_job;
mod model;
mod pty;
mod pty_looks;
mod pty_shell;
mod readme;
mod recording;
mod refusals;
mod roles;
mod rules;
mod rules_andon;
mod rules_graph;
mod ssh;
mod support;
mod survival;
mod term;
mod tidy;
mod ui;
mod ui_andon;
mod ui_driving;
mod ui_flow;
mod ui_graph;
mod ui_guards;
mod ui_keys;
mod ui_looks;
mod ui_matrix;
mod ui_mouse;
mod ui_questions;
mod ui_storm;
mod ui_travel;
mod ui_undo;
mod ui_ways;
mod wall;
