//! One engine, many consoles: what is attached by a websocket sees the line and works on it as if it stood beside the ledger.

mod cli;
mod cli_contexts;
mod cli_faults;
mod cli_trust;
mod cli_ways;
mod console;
mod door;
mod doors;
mod engine_faults;
mod faults;
mod follows;
mod proxy;
mod raw;
mod rights;
mod served;
mod support;
mod versions;
