//! A coordination system for tests: a real engine and a real ledger in a folder of its own, under a clock that stands
//! until it is moved.
//!
//! [`System::start`] makes one in which nobody works but the test; [`Setup`] makes one whose agents are real processes
//! under the real supervisor. [`Mock`] is an agent that succeeds, fails, hangs, crashes or lies, in either way. Nothing
//! here waits by sleeping: what is waited for is looked for again whenever the ledger has news, until
//! [`PATIENCE`] is over.
//!
//! An order that is done:
//!
//! ```
//! use obeya::{
//!     domain::event::Event,
//!     testing::{Conduct, Mock, System},
//! };
//!
//! # fn main() -> Result<(), obeya::testing::Trouble> {
//! let system = System::start()?;
//! let order = system.create_order("write the report")?;
//! system.work(&Mock::new("worker", Conduct::Succeeds))?;
//! let done = system.wait_for("the report", |event| {
//!     matches!(event, Event::OrderCompleted { id, .. } if *id == order)
//! })?;
//! assert_eq!(done.actor, "worker");
//! system.stop();
//! # Ok(())
//! # }
//! ```
//!
//! An agent that hangs loses its order when its lease is over, and whatever it says later is refused:
//!
//! ```
//! use std::time::Duration;
//!
//! use obeya::{
//!     domain::{event::Event, refusal::Refusal},
//!     testing::{Conduct, Mock, System, Trouble},
//! };
//!
//! # fn main() -> Result<(), Trouble> {
//! let system = System::start()?;
//! let order = system.create_order("write the report")?;
//! let sleeper = Mock::new("sleeper", Conduct::Hangs).lease(Duration::from_secs(30));
//! let turn = system.work(&sleeper)?.expect("it is the only order");
//! system.advance(Duration::from_secs(31))?;
//! system.wait_for("the end of the lease", |event| matches!(event, Event::LeaseLapsed { .. }))?;
//! let late = system.complete(&turn);
//! assert!(matches!(late, Err(Trouble::Refused(Refusal::StaleEpoch { .. }))));
//! # assert_eq!(turn.order, order);
//! # Ok(())
//! # }
//! ```
//!
//! Agents that are processes need to be told which program is obeya, since a test is another one:
//!
//! ```no_run
//! use obeya::testing::{Conduct, Mock, Setup};
//!
//! # fn main() -> Result<(), obeya::testing::Trouble> {
//! let system = Setup::new()
//!     .program("/usr/local/bin/obeya")
//!     .agent(Mock::new("liar", Conduct::Lies))
//!     .start()?;
//! system.create_order("write the report")?;
//! system.wait_until("somebody has to look", |state| !state.alerts.is_empty())?;
//! # Ok(())
//! # }
//! ```

mod folder;
mod heard;
mod mock;
mod system;

pub use self::{
    heard::{NotSeen, PATIENCE},
    mock::{Conduct, Mock, Turn},
    system::{Setup, System, Trouble, submission},
};
