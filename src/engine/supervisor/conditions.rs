//! What must be so before a host hands out new work. Where it is not, nothing is begun and one alert says why; it is
//! recovered when it is so again.

use std::time::Duration;

use super::context::Context;
use crate::{
    config::line::{AgentRule, Workspace},
    domain::{
        andon::Severity,
        command::{Command, Hold},
        state::State,
    },
    engine::workspace,
};

/// How often it is looked whether what stands in the way is gone: nothing tells.
pub(super) const LOOK: Duration = Duration::from_secs(10);

/// A mebibyte.
const MEBIBYTE: u64 = 1 << 20;

/// Something that must be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// The disk has room.
    Room,
    /// The project is one that worktrees can be made of.
    Repository,
}

impl Condition {
    const ALL: [Condition; 2] = [Condition::Room, Condition::Repository];

    const fn fingerprint(self) -> &'static str {
        match self {
            Condition::Room => "disk:headroom",
            Condition::Repository => "workspace:repository",
        }
    }

    /// Returns why it is not so, if it is not.
    async fn fails(self, context: &Context) -> Option<String> {
        let (home, headroom) = (context.home.clone(), context.headroom());
        let look = move || match self {
            Condition::Room => match workspace::room(&home, headroom) {
                Ok(room) if room.is_enough() => None,
                Ok(room) => Some(format!(
                    "no new work is begun: {} MiB of disk are free, and {} MiB have to be",
                    room.free / MEBIBYTE,
                    room.wanted / MEBIBYTE
                )),
                Err(fault) => Some(format!("no new work is begun: {fault}")),
            },
            Condition::Repository => workspace::check(&home).err().map(|why| {
                format!("no worktrees can be made, so agents that need one wait: {why}")
            }),
        };
        tokio::task::spawn_blocking(look).await.ok().flatten()
    }

    /// Looks at it, and says so where it has changed. Returns whether it is so.
    async fn holds(self, context: &Context) -> bool {
        let why = self.fails(context).await;
        let (fingerprint, standing) = (self.fingerprint(), self.is_told(&context.handle.state()));
        let command = match &why {
            Some(_) if standing => return false,
            Some(why) => Command::TriggerAndon {
                reason: super::dispatch::sentence(why),
                severity: Severity::High,
                hold: Some(Hold::Nothing),
                fingerprint: Some(fingerprint.into()),
                order: None,
            },
            None if standing => Command::RecoverAlert {
                fingerprint: fingerprint.into(),
            },
            None => return true,
        };
        if let Err(trouble) = context.own(command).await {
            tracing::error!(fingerprint, %trouble, "a condition could not be told");
        }
        why.is_none()
    }

    /// Returns whether an alert says that it is not so.
    fn is_told(self, state: &State) -> bool {
        state.alerts.values().any(|alert| {
            alert.fingerprint.as_deref() == Some(self.fingerprint()) && alert.recovered.is_none()
        })
    }
}

/// Returns whether an agent may be given new work now.
pub(super) async fn hold(context: &Context, rule: &AgentRule) -> bool {
    Condition::Room.holds(context).await
        && (rule.workspace == Workspace::Shared || Condition::Repository.holds(context).await)
}

/// Looks again at what was not so. Returns whether anything still is not.
pub(super) async fn look_again(context: &Context) -> bool {
    let mut left = false;
    for condition in Condition::ALL {
        if condition.is_told(&context.handle.state()) {
            left |= !condition.holds(context).await;
        }
    }
    left
}
