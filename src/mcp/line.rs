//! What lasts from one call to the next: who acts, the epochs of the claims, and the gates that run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    domain::{command::Role, id::OrderId, order::Actor, record::ActorKind},
    link::Connection,
    text,
};

/// How long the end waits for gates that were told to end.
const GRACE: Duration = Duration::from_secs(3);
/// How often it looks whether they have.
const GLANCE: Duration = Duration::from_millis(10);
/// The longest name that is taken from a client, in characters: half of what the rules allow.
const CLIENT_NAME: usize = 40;

/// How a server is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which ledger.
    pub connection: Connection,
    /// Who acts; None takes the client's own name as an agent's.
    pub actor: Option<Actor>,
    /// What the caller may do, if it was said.
    pub role: Option<Role>,
    /// Show what would happen, and write nothing.
    pub dry_run: bool,
    /// The claim that the caller already has: its order and its epoch.
    pub epoch: Option<(OrderId, u32)>,
    /// What the agent does: it is registered with that before its first pull.
    pub work: Option<String>,
}

/// A run of a gate, by its order and the gate's name.
pub(super) type Run = (OrderId, String);

/// What one server knows.
pub(super) struct Line {
    pub(super) options: Options,
    claims: Mutex<BTreeMap<OrderId, u32>>,
    runs: Mutex<BTreeSet<Run>>,
    ended: Arc<AtomicBool>,
}

impl Line {
    /// Returns what a new server knows.
    pub(super) fn new(options: Options) -> Self {
        let claims = options.epoch.into_iter().collect();
        Line {
            options,
            claims: Mutex::new(claims),
            runs: Mutex::default(),
            ended: Arc::default(),
        }
    }

    /// Returns who acts for a client of this name, and what they may do.
    pub(super) fn acting(&self, client: Option<&str>) -> (Actor, Role) {
        let actor = match &self.options.actor {
            Some(actor) => actor.clone(),
            None => Actor::agent(agent_name(client.unwrap_or_default())),
        };
        let usual = match actor.kind {
            ActorKind::Agent => Role::Agent,
            _ => Role::Admin,
        };
        let role = self.options.role.unwrap_or(usual);
        (actor, role)
    }

    /// Returns whether nothing can be changed here.
    pub(super) fn is_read_only(&self) -> bool {
        self.options.role == Some(Role::Viewer)
    }

    /// Returns the epoch of the claim that was made here.
    pub(super) fn epoch(&self, order: OrderId) -> Option<u32> {
        self.claims().get(&order).copied()
    }

    /// Keeps the epoch of a claim.
    pub(super) fn keep(&self, order: OrderId, epoch: u32) {
        self.claims().insert(order, epoch);
    }

    /// Forgets a claim that has ended.
    pub(super) fn forget(&self, order: OrderId) {
        self.claims().remove(&order);
    }

    fn claims(&self) -> MutexGuard<'_, BTreeMap<OrderId, u32>> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn runs(&self) -> MutexGuard<'_, BTreeSet<Run>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a run of a gate; false if it is under way already, or `most` others are.
    pub(super) fn begin(&self, run: &Run, most: usize) -> bool {
        let mut runs = self.runs();
        runs.len() < most && runs.insert(run.clone())
    }

    /// Notes that a run is over.
    pub(super) fn finish(&self, run: &Run) {
        self.runs().remove(run);
    }

    /// Returns whether a run is under way.
    pub(super) fn is_running(&self, run: &Run) -> bool {
        self.runs().contains(run)
    }

    /// Returns the switch that is on once the server ends.
    pub(super) fn ended(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.ended)
    }

    /// Tells what still runs to end, and waits a while for it.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        let patience = Instant::now() + GRACE;
        while !self.runs().is_empty() && Instant::now() < patience {
            thread::sleep(GLANCE);
        }
    }
}

/// Returns the name under which a client acts that nobody named: its own, in letters that every door shows.
fn agent_name(client: &str) -> String {
    let plain = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') => c,
        _ => '-',
    };
    let name: String = text::clean(client)
        .chars()
        .take(CLIENT_NAME)
        .map(plain)
        .collect();
    match name.trim_matches(['-', '.']) {
        "" => "mcp".into(),
        name => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::agent_name;

    #[test]
    fn a_client_s_own_name_is_made_one_that_every_door_shows() {
        assert_eq!(agent_name("claude-code"), "claude-code");
        assert_eq!(agent_name("Visual Studio Code"), "visual-studio-code");
        assert_eq!(agent_name("\u{202e}x\u{1b}[31my"), "xy");
        assert_eq!(agent_name(" ../ "), "mcp");
        assert_eq!(agent_name(&"a".repeat(500)).len(), 40);
    }
}
