//! The HTTP API over a real server: what people and programs may have of it, and what nobody gets.

mod audited;
mod document;
mod health;
mod hostile;
mod ledger;
mod once;
mod orders;
mod page;
mod stream;
mod support;
mod timely;
