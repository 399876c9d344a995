//! One engine, many consoles: what is attached by a websocket sees the line and works on it as if it stood beside the ledger.

mod faults;
mod follows;
mod proxy;
mod support;
