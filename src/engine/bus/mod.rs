//! The bus of a process: a thread that sends in groups, and listeners that hear at once.
//!
//! [`Broker`] is the bus as one caller sees it, and all that a cold command needs. A [`Bus`] is for a process that stays:
//! what waits is committed together, and who listens in this process is told without a look into the file.

mod broker;
mod relay;
mod request;
mod thread;

pub use broker::{Bell, Broker, Caller};
pub use relay::MAX_BACK;
pub use request::MAX_TIMEOUT;
pub use thread::{Bus, Heard, Listener, MAX_GROUP};
