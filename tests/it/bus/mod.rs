//! The bus: delivery against a model, processes that die, requests, listeners.

mod model;
mod processes;
mod threads;
