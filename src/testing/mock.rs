//! Agents that do what a test wants of them.

use std::time::Duration;

use crate::domain::id::OrderId;

/// How long a mock agent's hold lasts where the test does not say.
const LEASE: Duration = Duration::from_secs(60);

/// What an agent does with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// It does it, and says so.
    Succeeds,
    /// It says that it did not work out, and gives it back.
    Fails,
    /// It takes it, and is never heard of again.
    Hangs,
    /// It dies in the middle.
    Crashes,
    /// It says that it is done, and has not held it or has nothing to show: as a process it exits 0 without a result.
    Lies,
}

impl Conduct {
    /// Every conduct.
    pub const ALL: [Conduct; 5] = [
        Conduct::Succeeds,
        Conduct::Fails,
        Conduct::Hangs,
        Conduct::Crashes,
        Conduct::Lies,
    ];

    /// Returns what a process does that behaves like this, for `sh`.
    fn script(self) -> &'static str {
        match self {
            Conduct::Succeeds => r#"echo '{"result":"done","note":"by a mock agent"}'"#,
            Conduct::Fails => r#"echo '{"result":"failed","note":"as it was told to"}'"#,
            Conduct::Hangs => "exec sleep 86400",
            Conduct::Crashes => "kill -9 $$",
            Conduct::Lies => "exit 0",
        }
    }
}

/// An agent of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mock {
    pub(super) name: String,
    pub(super) conduct: Conduct,
    pub(super) lease: Duration,
}

impl Mock {
    /// Returns an agent of this name and conduct.
    pub fn new(name: impl Into<String>, conduct: Conduct) -> Mock {
        Mock {
            name: name.into(),
            conduct,
            lease: LEASE,
        }
    }

    /// Returns it with holds of this length, in whole seconds, of which the rules want five at least.
    pub fn lease(mut self, lease: Duration) -> Mock {
        self.lease = lease;
        self
    }

    /// Returns the length of its holds as a command carries it.
    pub(super) fn lease_seconds(&self) -> u32 {
        u32::try_from(self.lease.as_secs()).unwrap_or(u32::MAX)
    }

    /// Returns the agent as a table of `obeya.toml`.
    pub(super) fn table(&self) -> String {
        let (name, seconds) = (toml::Value::from(self.name.as_str()), self.lease_seconds());
        let script = toml::Value::from(self.conduct.script());
        format!(
            "[agents.{name}]\ncommand = [\"sh\", \"-c\", {script}]\nlease = {seconds}\ngrace = 1\n\n"
        )
    }
}

/// What an agent had in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whose.
    pub agent: String,
    /// Which order.
    pub order: OrderId,
    /// The claim's fencing number.
    pub epoch: u32,
}
