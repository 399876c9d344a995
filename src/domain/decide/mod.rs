//! The rules of the line: a command becomes events, or a refusal that says why.
//!
//! One room per noun. Every rule reads the state, never a clock, a file or a random number; what it needs beyond the
//! state is in [`Cold`].

pub(super) mod andon;
mod deps;
pub mod flow;
mod gates;
mod guard;
pub mod import;
mod orders;
mod reopen;
mod settings;
mod usage;
mod validate;
mod workspace;

pub use gates::needs_tree;

use std::collections::BTreeMap;

use super::{
    cold::{Cold, Needs},
    command::{Command, Role},
    event::Event,
    id::OrderId,
    order::Actor,
    record::Door,
    refusal::Refusal,
    state::State,
    time::Timestamp,
    usage::Usage,
};

/// Who asks, when, and with what right.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// The time, read under the write lock.
    pub now: Timestamp,
    /// Who wants it.
    pub actor: &'a Actor,
    /// What the caller may do.
    pub role: Role,
    /// The door it came in by.
    pub door: Door,
    /// The fencing number of the caller's claim, if it has one.
    pub epoch: Option<u32>,
    /// When the order that the command writes to had last changed, if the caller's wish depends on it.
    pub as_of: Option<Timestamp>,
}

/// An event that is not yet on the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What is to be recorded.
    pub event: Event,
    /// When it happened in the world, where that is not now.
    pub occurred_at: Option<Timestamp>,
}

impl From<Event> for Draft {
    fn from(event: Event) -> Self {
        Draft {
            event,
            occurred_at: None,
        }
    }
}

/// What a decision comes to: events, none if nothing would change.
pub type Decision = Result<Vec<Draft>, Refusal>;

/// The newest renewal of each lease, kept beside the ledger: its epoch and until when it holds.
pub type Renewals = BTreeMap<OrderId, (u32, Timestamp)>;

/// Returns what `command` needs that neither the state nor `cold` holds.
pub fn needs(state: &State, cold: &Cold, command: &Command) -> Needs {
    match command {
        Command::Import { source, items } => import::needs(state, cold, source, items),
        _ => guard::needs(state, cold, command),
    }
}

/// Decides one command. A refusal changes nothing; an empty decision has nothing to change.
pub fn decide(state: &State, cold: &Cold, command: &Command, context: &Context<'_>) -> Decision {
    guard::role(command, context)?;
    guard::readable(state)?;
    guard::actor(context)?;
    guard::epoch(state, cold, command, context)?;
    guard::unchanged(state, cold, command, context)?;
    match command {
        Command::CreateOrder { order } => orders::create(state, cold, order, context),
        Command::EditOrder {
            id,
            changes,
            add_labels,
            remove_labels,
        } => orders::edit(state, cold, *id, changes, add_labels, remove_labels),
        Command::CommentOrder { id, text } => orders::comment(state, cold, *id, text),
        Command::RecordUsage {
            id,
            agent,
            run,
            tokens,
            cost,
        } => {
            let said = usage::Said {
                agent: agent.as_deref(),
                run: run.as_deref(),
                more: Usage {
                    tokens: *tokens,
                    cost: *cost,
                },
            };
            usage::record(state, cold, *id, said, context)
        }
        Command::AddLink { id, link } => orders::link(state, cold, *id, link, true),
        Command::RemoveLink { id, link } => orders::link(state, cold, *id, link, false),
        Command::StartOrder { id } => flow::start(state, cold, *id, None, context),
        Command::ClaimOrder { id, lease_seconds } => {
            flow::claim(state, cold, *id, *lease_seconds, context)
        }
        Command::PullNext {
            filter,
            lease_seconds,
        } => flow::next(state, filter, *lease_seconds, context),
        Command::MoveOrder { id, to } => flow::relocate(state, cold, *id, to),
        Command::CompleteOrder { id, sku, note } => {
            flow::complete(state, cold, *id, sku.as_deref(), note.as_deref(), context)
        }
        Command::CancelOrder { id, reason } => flow::cancel(state, cold, *id, reason),
        Command::ReopenOrder { id, reason } => reopen::reopen(state, cold, *id, reason.as_deref()),
        Command::ReleaseOrder { id, force, reason } => {
            flow::release(state, cold, *id, *force, reason.as_deref(), context)
        }
        Command::AddDependency { id, on } => deps::add(state, cold, *id, *on),
        Command::RemoveDependency { id, on } => deps::remove(state, cold, *id, *on),
        Command::TriggerAndon {
            reason,
            severity,
            hold,
            fingerprint,
            order,
        } => {
            let cord = andon::Cord {
                reason,
                severity: *severity,
                hold,
                fingerprint,
                order: *order,
            };
            andon::trigger(state, cold, cord)
        }
        Command::AcknowledgeAlert { id } => andon::acknowledge(state, *id),
        Command::SnoozeAlert { id, seconds } => andon::snooze(state, *id, *seconds, context),
        Command::EscalateAlert { id, to, reason } => {
            andon::escalate(state, *id, *to, reason.as_deref())
        }
        Command::RecoverAlert { fingerprint } => andon::recover(state, fingerprint),
        Command::ResolveAlert { id, resolution } => andon::resolve(state, *id, resolution),
        Command::LinkCorrective { id, order } => andon::correct(state, cold, *id, *order),
        Command::SetBucket {
            bucket,
            wip_limit,
            sla,
        } => settings::bucket(state, *bucket, *wip_limit, *sla),
        Command::SetStage { name, change } => settings::stage(state, name, *change),
        Command::SetGate { name, rule } => gates::set(state, name, rule, context),
        Command::RemoveGate { name } => gates::remove(state, name, context),
        Command::RecordWorkspace {
            id,
            workspace,
            term,
        } => workspace::record(state, cold, *id, workspace, *term, context),
        Command::RecordGate { id, gate, run } => {
            gates::record(state, cold, *id, gate, run, context)
        }
        Command::ApproveGate { id, gate, note } => {
            gates::judge(state, cold, *id, gate, Some(note.as_deref()), context)
        }
        Command::RejectGate { id, gate, note } => {
            gates::reject(state, cold, *id, gate, note, context)
        }
        Command::SetBudget { scope, budget } => usage::set(state, scope, *budget, context),
        Command::RemoveBudget { scope } => usage::remove(state, scope, context),
        Command::RegisterAgent {
            name,
            role,
            capabilities,
        } => settings::register(state, name, role.as_deref(), capabilities),
        Command::PauseAgent { name, reason } => settings::pause(state, name, reason.as_deref()),
        Command::ResumeAgent { name } => settings::resume(state, name),
        Command::UnregisterAgent { name } => settings::unregister(state, name),
        Command::Import { source, items } => import::import(state, cold, source, items, context),
        Command::Genesis { uuid } => settings::genesis(state, *uuid),
        Command::ElectHost { pid } => settings::elect(state, *pid),
        Command::NoteRestore { incarnation } => settings::restored(state, *incarnation),
    }
}
