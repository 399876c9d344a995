//! The console: pure functions from a model to cells, and from keys to actions.
//!
//! One way round: a [`msg::Msg`] goes into [`update::update`], which changes the [`model::Model`] and returns
//! [`effect::Effect`]s; before a frame [`update::settle`] rebuilds what is derived and asks for what the screen lacks;
//! [`view::draw`] borrows the model and writes cells. Nothing here knows a clock, a terminal or the engine.

pub mod action;
pub mod addresses;
pub mod arrange;
pub mod asks;
pub mod board;
pub mod complete;
pub mod effect;
pub mod errand;
pub mod filter;
pub mod flow;
pub mod graph;
pub mod jumps;
pub mod keymap;
pub mod layout;
pub mod line;
pub mod log;
pub mod look;
pub mod mail;
pub mod model;
pub mod msg;
pub mod overlay;
pub mod pane;
pub mod parts;
pub mod pen;
pub mod plan;
pub mod pointer;
pub mod queue;
pub mod recorder;
pub mod recording;
pub mod runs;
mod selection;
pub mod theme;
pub mod travel;
pub mod update;
pub mod view;
pub mod wall;
pub mod widget;
pub mod words;
