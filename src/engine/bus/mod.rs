//! The bus of a process: a thread that sends in groups, and listeners that hear at once.
//!
//! [`Broker`] is the bus as one caller sees it, and all that a cold command needs. A [`Bus`] is for a process that stays:
//! what waits is committed together, and who listens in this process is told without a look into the file.

mod broker;
mod listener;
mod relay;
mod request;
mod settings;
mod thread;

pub use broker::{Bell, Broker, Caller};
pub use listener::{Heard, Listener, Wake};
pub use relay::MAX_BACK;
pub use request::{Asked, MAX_TIMEOUT};
pub use settings::settings;
pub use thread::{Bus, MAX_GROUP};
