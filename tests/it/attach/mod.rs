//! One engine, many consoles: what is attached by a websocket sees the line and works on it as if it stood beside the ledger.

mod door;
mod doors;
mod faults;
mod follows;
mod proxy;
mod raw;
mod rights;
mod support;
mod versions;
