//! The writer of a process and the duties of a host.
//!
//! [`Writer`] is the one loop: take the turn, catch up, append what is due, decide, append, publish. A cold command
//! runs it once in place; [`Engine`] runs it on a thread, groups what waits, and tells its subscribers.

pub mod bus;
mod clock;
mod commit;
mod core;
pub mod gates;
mod git;
mod host;
mod load;
mod looking;
mod owned;
mod past;
pub(crate) mod process;
mod pulse;
mod reader;
pub mod receipts;
mod reply;
pub mod supervisor;
mod vitals;
mod working;
pub mod workspace;
mod writer;

pub use clock::{Clock, HeldClock, Reading, SystemClock, since_boot};
pub use core::{Engine, Handle, News, Subscription};
pub use host::{Election, Host, own_act};
pub use load::{load, take as take_record};
pub use past::Standing;
pub use reader::Reader;
pub use reply::{Failure, Outcome, Reply};
pub use vitals::{COMMIT_BOUNDS, Commits, Vitals};
pub use writer::{MAX_GROUP, Writer};
