//! What must be so before a host hands out new work. Where it is not, nothing is begun and one alert says why; it is
//! recovered when it is so again.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use super::context::Context;
use crate::{
    config::line::{AgentRule, Workspace},
    domain::{
        andon::Severity,
        command::{Command, Hold},
        state::State,
    },
    engine::{host::own_act, workspace},
    ledger::Home,
};

/// How often it is looked whether what stands in the way is gone: nothing tells.
pub(super) const LOOK: Duration = Duration::from_secs(10);

/// A mebibyte.
const MEBIBYTE: u64 = 1 << 20;

/// Something that must be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Condition {
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

    /// Returns why it is not so, if it is not. It may wait for git.
    fn fails(self, home: &Home, headroom: Option<u64>) -> Option<String> {
        match self {
            Condition::Room => match workspace::room(home, headroom) {
                Ok(room) if room.is_enough() => None,
                Ok(room) => Some(format!(
                    "no new work is begun: {} MiB of disk are free, and {} MiB have to be",
                    room.free / MEBIBYTE,
                    room.wanted / MEBIBYTE
                )),
                Err(fault) => Some(format!("no new work is begun: {fault}")),
            },
            Condition::Repository => workspace::check(home).err().map(|why| {
                format!("no worktrees can be made, so agents that need one wait: {why}")
            }),
        }
    }

    /// Looks at it, and says so where it is not so. Returns whether it is. While an alert says that it is not, nobody waits for
    /// the look: it is had beside, and news comes of it.
    async fn holds(self, context: &Context) -> bool {
        let (home, headroom) = (context.home.clone(), context.headroom());
        if self.is_told(&context.handle.state()) {
            self.look_beside(context, home, headroom);
            return false;
        }
        let look = move || self.fails(&home, headroom);
        let why = tokio::task::spawn_blocking(look).await.ok().flatten();
        let Some(why) = why else { return true };
        let fingerprint = self.fingerprint();
        let command = Command::TriggerAndon {
            reason: super::dispatch::sentence(&why),
            severity: Severity::High,
            hold: Some(Hold::Nothing),
            fingerprint: Some(fingerprint.into()),
            order: None,
        };
        if let Err(trouble) = context.own(command).await {
            tracing::error!(fingerprint, %trouble, "a condition could not be told");
        }
        false
    }

    /// Looks whether it is so again, at most every [`LOOK`], and takes its alert back if it is.
    fn look_beside(self, context: &Context, home: Home, headroom: Option<u64>) {
        let mut looks = context.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let last = looks.insert(self, now);
        if let Some(last) = last.filter(|last| now.duration_since(*last) < LOOK) {
            looks.insert(self, last);
            return;
        }
        let handle = context.handle.clone();
        tokio::task::spawn_blocking(move || {
            if self.fails(&home, headroom).is_none() {
                let fingerprint = self.fingerprint().into();
                // Where it is not written, the next look comes to the same.
                handle.submit_then(own_act(Command::RecoverAlert { fingerprint }), |_| ());
            }
        });
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
