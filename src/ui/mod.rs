//! The console: pure functions from a model to cells, and from keys to actions.

pub mod keymap;
pub mod theme;
