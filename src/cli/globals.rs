//! What stands before and beside every command: who acts, on which line, and how.

use std::env;

use clap::ArgMatches;
use uuid::Uuid;

use super::{
    error::CliError,
    output::{Colour, Style},
    user::user_name,
};
use crate::{
    domain::{command::Role, id::OrderId, order::Actor, record::ActorKind},
    link::Choice,
};

/// The variable that names the acting agent.
pub(super) const AGENT_VARIABLE: &str = "OBEYA_AGENT";
/// The variable that names the actor.
pub(super) const ACTOR_VARIABLE: &str = "OBEYA_ACTOR";
/// The variable with the fencing number of the caller's claim: `WO-001:3`.
pub(super) const EPOCH_VARIABLE: &str = "OBEYA_EPOCH";

/// The fencing number of a claim, as the caller gave it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch {
    /// The order that was claimed; none where it was given for this very call.
    pub(super) order: Option<OrderId>,
    pub(super) number: u32,
}

/// What stands before and beside every command.
#[derive(Clone, Debug)]
pub(super) struct Globals {
    /// Show the events and write nothing.
    pub(super) dry_run: bool,
    /// Who acts, if it was said; a call that only looks need not know.
    pub(super) actor: Option<Actor>,
    pub(super) role: Option<Role>,
    pub(super) epoch: Option<Epoch>,
    /// Which line, as far as it was said.
    pub(super) choice: Choice,
    pub(super) command_id: Option<Uuid>,
}

impl Globals {
    /// Returns what was typed, and what the environment says where nothing was. The flags are those of the innermost
    /// command: clap hands them down.
    pub(super) fn read(matches: &ArgMatches) -> Result<Self, CliError> {
        let epoch = match matches.get_one::<u32>("epoch") {
            Some(number) => Some(Epoch {
                order: None,
                number: *number,
            }),
            None => epoch_of_environment()?,
        };
        Ok(Globals {
            dry_run: matches.get_flag("dry-run"),
            actor: matches.get_one::<String>("actor").map(|name| actor(name)),
            role: match matches.get_flag("read-only") {
                true => Some(Role::Viewer),
                false => matches.get_one("as").copied(),
            },
            epoch,
            choice: Choice {
                ledger: matches.get_one("ledger").cloned(),
                attach: matches.get_one("attach").cloned(),
                context: matches.get_one("context").cloned(),
                token_file: matches.get_one("token-file").cloned(),
                ca: matches.get_one("ca").cloned(),
            },
            command_id: matches.get_one("command-id").copied(),
        })
    }

    /// Returns the same with what the session of this line was opened with, where the line says nothing.
    pub(super) fn or_session(mut self, session: &Globals) -> Self {
        self.dry_run |= session.dry_run;
        self.actor = self.actor.or_else(|| session.actor.clone());
        self.choice = session.choice.clone();
        // Nobody rises above the role that the session was opened with.
        self.role = match (self.role, session.role) {
            (Some(own), Some(most)) => Some(own.min(most)),
            (own, most) => own.or(most),
        };
        self
    }

    /// Returns whether something was given that belongs to a single command.
    pub(super) fn is_of_one_command(&self) -> bool {
        let typed = self.epoch.is_some_and(|epoch| epoch.order.is_none());
        self.command_id.is_some() || typed
    }

    /// Returns the style that was asked for.
    pub(super) fn style(matches: &ArgMatches) -> Style {
        Style::stdout(matches.get_flag("json"), Globals::colour(matches))
    }

    /// Returns when there is to be colour.
    pub(super) fn colour(matches: &ArgMatches) -> Colour {
        matches.get_one("color").copied().unwrap_or(Colour::Auto)
    }

    /// Returns who acts.
    pub(super) fn actor(&self) -> Actor {
        self.actor.clone().unwrap_or_else(actor_of_environment)
    }

    /// Returns what the caller may do: what was typed, or what somebody of the actor's sort does.
    pub(super) fn role(&self, actor: &Actor) -> Role {
        self.role.unwrap_or(match actor.kind {
            ActorKind::Agent => Role::Agent,
            _ => Role::Admin,
        })
    }

    /// Returns the fencing number for a write on an order. One that stays in the environment belongs to the order that
    /// was claimed, and says nothing about any other.
    pub(super) fn epoch(&self, order: OrderId) -> Option<u32> {
        let given = self.epoch?;
        given
            .order
            .is_none_or(|claimed| claimed == order)
            .then_some(given.number)
    }

    /// Returns the same with somebody who acts where nobody was named.
    pub(super) fn or_actor(mut self, actor: &Actor, role: Role) -> Self {
        if self.actor.is_none() {
            self.actor = Some(actor.clone());
        }
        // Nobody rises by naming somebody else.
        self.role = Some(self.role.map_or(role, |named| named.min(role)));
        self
    }
}

fn epoch_of_environment() -> Result<Option<Epoch>, CliError> {
    let Some(text) = variable(EPOCH_VARIABLE) else {
        return Ok(None);
    };
    let claimed = text.trim().split_once(':').and_then(|(order, number)| {
        Some(Epoch {
            order: Some(order.parse().ok()?),
            number: number.parse().ok()?,
        })
    });
    claimed.map(Some).ok_or_else(|| {
        CliError::Usage(format!(
            "{EPOCH_VARIABLE} is '{text}'; it takes the claimed order and its epoch, like WO-001:3"
        ))
    })
}

pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Returns who a name stands for: `agent:NAME`, `person:NAME` or a person's name.
fn actor(name: &str) -> Actor {
    match name.split_once(':') {
        Some(("agent", name)) => Actor::agent(name),
        Some(("person", name)) => Actor::person(name),
        _ => Actor::person(name),
    }
}

/// Returns who acts where nothing was typed.
pub(super) fn actor_of_environment() -> Actor {
    if let Some(name) = variable(AGENT_VARIABLE) {
        return Actor::agent(name);
    }
    variable(ACTOR_VARIABLE).map_or_else(|| Actor::person(user_name()), |name| actor(&name))
}
