//! The console: pure functions from a model to cells, and from keys to actions.

pub mod filter;
pub mod keymap;
pub mod layout;
pub mod pen;
pub mod standing;
pub mod theme;
pub mod widget;
pub mod words;
