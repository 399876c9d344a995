//! The bus, for doors: messages lie in a file beside the ledger, so that no host is needed to reach them.

pub use crate::{
    engine::bus::{Bell, Broker, Bus, Caller, Heard, Listener, MAX_TIMEOUT, settings},
    ledger::messages::{Letters, Ruled, Start},
};
