//! A refusal in words: the sentence, and what would lift it.

use std::fmt;

use super::Refusal;
use crate::domain::{
    budget::BudgetScope,
    command::Role,
    gate::Standing,
    id::{AlertId, OrderId},
    order::Wait,
    ways,
};

impl Refusal {
    /// Returns what would lift it. What begins with `obeya ` is a command in the CLI's words; all else is a plain sentence.
    pub fn lift(&self) -> Vec<String> {
        match self {
            Refusal::NotFound { subject } => vec![ways::listing(subject).into()],
            Refusal::Closed { id, .. } => vec![format!("obeya work-order reopen {id}")],
            Refusal::NotClosed { .. } | Refusal::Invalid { .. } | Refusal::CommandReused { .. } => {
                vec![]
            }
            Refusal::NotStarted { id } => vec![format!("obeya work-order start {id}")],
            Refusal::AlreadyStarted { id, .. } | Refusal::NotHolder { id, .. } => {
                vec![format!("obeya work-order release {id} --force --reason …")]
            }
            Refusal::Epic { id } => vec![format!("obeya deps show {id}")],
            Refusal::WipLimit { scope, count, .. } => ways::room(scope, *count),
            Refusal::Blocked { id, waits_for } => waits_for
                .iter()
                .take(SHOWN)
                .map(|dependency| match dependency.state {
                    Wait::Cancelled => {
                        format!("obeya deps remove {id} --depends-on {}", dependency.on)
                    }
                    _ => format!("obeya work-order complete {}", dependency.on),
                })
                .collect(),
            Refusal::Held { alerts, .. } => resolve(alerts),
            // The last wait of the chain stands already; as a dependency or as a child, its page shows.
            Refusal::Cycle { path } => match path.as_slice() {
                [_, .., after, _] => vec![format!("obeya deps show {after}")],
                _ => vec![],
            },
            Refusal::ChildrenOpen { children, .. } => children
                .iter()
                .take(SHOWN)
                .map(|id| format!("obeya work-order complete {id}"))
                .collect(),
            Refusal::StaleEpoch { id, given, current } => match (given, current) {
                (_, None) => vec![format!("obeya work-order claim {id}")],
                (None, _) => vec![format!(
                    "pass --epoch N, or OBEYA_EPOCH={id}:N, with the claim's epoch"
                )],
                (Some(given), Some(current)) if given < current => {
                    vec!["nothing: a newer claim holds it".into()]
                }
                // No claim had this number yet: it is mistyped, or was kept from another ledger.
                (Some(_), _) => vec![format!("obeya work-order show {id}")],
            },
            Refusal::Changed { id } => vec![format!("obeya work-order show {id}")],
            Refusal::AlertChanged { id } => vec![format!("obeya andon show {id}")],
            Refusal::GateClosed { id, gates } => gates
                .iter()
                .take(SHOWN)
                .map(|closed| match (closed.approval, &closed.standing) {
                    (true, _) => format!("obeya quality-gate approve {id} {}", closed.gate),
                    (false, Standing::Running) => {
                        format!("try again once it has run: obeya quality-gate status {id}")
                    }
                    (false, _) => format!("obeya quality-gate run {id} {}", closed.gate),
                })
                .collect(),
            Refusal::Unmerged { id, branch } => vec![
                format!(
                    "an agent that a host runs says that it is done (result done): the host merges {branch}, and completes it"
                ),
                "any other agent gives it back, for one of those to bring home".into(),
                format!("obeya work-order release {id}"),
                "or a person merges it, and completes it".into(),
                format!("git merge {branch}"),
                format!("obeya work-order complete {id}"),
            ],
            Refusal::NotApprover { id, gate, .. } => vec![format!(
                "ask a person who did not work on it: obeya quality-gate approve {id} {gate}"
            )],
            Refusal::StaleTerm { .. } => vec!["nothing: another host took over".into()],
            Refusal::EngineOnly => vec!["change obeya.toml: the engine reads it".into()],
            Refusal::NothingReady { queued: 0, .. } => {
                vec!["obeya work-order create --title …".into()]
            }
            Refusal::NothingReady {
                alerts,
                full,
                full_buckets,
                shut_buckets,
                stage_full,
                spent,
                ..
            } => {
                let mut lift = resolve(alerts);
                let buckets = full_buckets.iter().filter(|_| *full > 0);
                lift.extend(buckets.map(|b| match shut_buckets.contains(b) {
                    true => format!("obeya bucket set {b} --wip 1"),
                    false => format!("complete or release an order in {b}"),
                }));
                lift.extend(
                    stage_full
                        .iter()
                        .map(|s| format!("move an order out of {s}")),
                );
                lift.extend((*spent > 0).then(|| "obeya report usage".into()));
                lift.push("obeya work-order list --status queued".into());
                lift
            }
            Refusal::BudgetSpent { scope, .. } => {
                let place = BudgetScope::of(scope).map(|scope| scope.place());
                let place = place.unwrap_or_else(|| "it".into());
                vec![
                    "obeya report usage".into(),
                    format!("raise {place} of obeya.toml: the host reads it"),
                ]
            }
            Refusal::AgentPaused { name } => vec![format!("obeya agent resume {name}")],
            Refusal::AgentHolds { orders, .. } => orders
                .iter()
                .take(SHOWN)
                .map(|id| format!("obeya work-order release {id} --force --reason …"))
                .collect(),
            Refusal::Role { needs, .. } => vec![format!("ask someone with the role {needs}")],
            Refusal::Limit { .. } => vec!["close or archive what is no longer needed".into()],
            Refusal::StageInUse { stage, .. } => {
                vec![format!("move the orders out of {stage} first")]
            }
            Refusal::NoReply { letter, .. } => {
                vec![format!("obeya bus dead-letters requeue {letter}")]
            }
            Refusal::NewerLedger { .. } => vec!["run the newer version of obeya".into()],
        }
    }
}

/// How many ids a sentence or a list of remedies names before it says "and n more".
const SHOWN: usize = 5;

fn resolve(alerts: &[AlertId]) -> Vec<String> {
    alerts
        .iter()
        .take(SHOWN)
        .map(|id| format!("obeya andon resolve {id} --resolution …"))
        .collect()
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    let mut text = items
        .iter()
        .take(SHOWN)
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if items.len() > SHOWN {
        text.push_str(&format!(" and {} more", items.len() - SHOWN));
    }
    text
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotFound { subject } => write!(f, "there is no {subject}"),
            Refusal::Closed { id, status } => write!(f, "{id} is {status}"),
            Refusal::NotClosed { id } => write!(f, "{id} is still open"),
            Refusal::NotStarted { id } => write!(f, "{id} is not in progress"),
            Refusal::AlreadyStarted { id, holder, stage } => {
                write!(f, "{holder} has {id} already, in {stage}")
            }
            Refusal::Epic { id } => {
                write!(
                    f,
                    "{id} is an epic: it is never pulled, and is done when its children are"
                )
            }
            Refusal::WipLimit {
                scope,
                limit,
                count,
            } => {
                write!(f, "{scope} is full: {count} of {limit} in progress")
            }
            Refusal::Blocked { id, waits_for } => {
                let waits: Vec<_> = waits_for
                    .iter()
                    .map(|d| format!("{} ({})", d.on, d.state))
                    .collect();
                write!(f, "{id} waits for {}", list(&waits))
            }
            Refusal::Held { id, alerts, scope } => {
                write!(f, "{id} is held by {} ({scope})", list(alerts))
            }
            Refusal::Cycle { path } => {
                let chain: Vec<_> = path.iter().map(OrderId::to_string).collect();
                write!(f, "it would wait for itself: {}", chain.join(" waits for "))
            }
            Refusal::ChildrenOpen { id, children } => {
                write!(f, "{id} has open children: {}", list(children))
            }
            Refusal::StaleEpoch { id, given, current } => {
                match given {
                    Some(given) => write!(f, "epoch {given} does not hold {id}")?,
                    None => write!(f, "{id} is leased, and no epoch was given")?,
                }
                match current {
                    Some(current) => write!(f, "; the claim that holds has epoch {current}"),
                    None => write!(f, "; nobody holds it now"),
                }
            }
            Refusal::NotHolder { id, holder } => write!(f, "{id} is held by {holder}"),
            Refusal::GateClosed { id, gates } => {
                let closed: Vec<_> = gates
                    .iter()
                    .map(|closed| {
                        format!(
                            "{} ({})",
                            closed.gate,
                            closed.standing.words(closed.approval)
                        )
                    })
                    .collect();
                let noun = if gates.len() == 1 { "gate" } else { "gates" };
                write!(f, "{id} is held by {noun} {}", list(&closed))
            }
            Refusal::Unmerged { id, branch } => {
                write!(
                    f,
                    "{id} was made on branch {branch}, which is not merged yet: the host completes that, or a person"
                )
            }
            Refusal::NotApprover { id, gate, actor } => {
                write!(
                    f,
                    "{actor} may not judge {id} at {gate}: that takes a person who did not work on it"
                )
            }
            Refusal::StaleTerm { given, current } => {
                write!(
                    f,
                    "it was done under term {given}; the host's term is {current}"
                )
            }
            Refusal::EngineOnly => write!(f, "only the engine does this, by itself"),
            Refusal::Changed { id } => write!(f, "{id} was changed meanwhile"),
            Refusal::AlertChanged { id } => write!(f, "something was done about {id} meanwhile"),
            Refusal::NothingReady { queued: 0, .. } => {
                write!(f, "nothing is queued that may be pulled")
            }
            Refusal::NothingReady {
                queued,
                blocked,
                held,
                full,
                alerts,
                stage_full,
                spent,
                ..
            } => {
                let mut reasons = vec![];
                if *blocked > 0 {
                    let verb = if *blocked == 1 { "waits" } else { "wait" };
                    reasons.push(format!("{blocked} {verb} for others"));
                }
                if *held > 0 {
                    reasons.push(format!("{held} held by {}", list(alerts)));
                }
                if *full > 0 {
                    reasons.push(format!("{full} in a full bucket"));
                }
                if *spent > 0 {
                    reasons.push(format!("{spent} under a spent budget"));
                }
                reasons.extend(stage_full.iter().map(|s| format!("stage {s} is full")));
                let reasons = reasons.join(", ");
                write!(f, "none of {queued} queued can start: {reasons}")
            }
            Refusal::BudgetSpent {
                scope,
                spent,
                limit,
                until,
            } => {
                write!(
                    f,
                    "the budget of {scope} is spent: {}",
                    limit.against(*spent)
                )?;
                match until {
                    Some(until) => write!(f, "; it is whole again at {until}"),
                    None => Ok(()),
                }
            }
            Refusal::AgentPaused { name } => write!(f, "agent {name} is paused"),
            Refusal::AgentHolds { name, orders } => {
                write!(f, "agent {name} holds {}", list(orders))
            }
            Refusal::Role { has, needs } => {
                let article = if *has == Role::Viewer { "a" } else { "an" };
                write!(f, "{article} {has} may not do this; it takes {needs}")
            }
            Refusal::Invalid { field, why } => write!(f, "{field}: {why}"),
            Refusal::Limit { what, limit } => write!(f, "no more than {limit} {what}"),
            Refusal::StageInUse { stage, orders } => {
                write!(f, "stage {stage} still holds {orders} order(s)")
            }
            Refusal::CommandReused { seq } => {
                write!(
                    f,
                    "this command id stands for another command, recorded at {seq}"
                )
            }
            Refusal::NoReply {
                address,
                waited,
                letter,
                nobody,
            } => {
                let seconds = *waited as f64 / 1_000.0;
                let why = match nobody {
                    true => "nobody takes messages there",
                    false => "nobody answered in time",
                };
                write!(
                    f,
                    "no answer from {address} within {seconds} s: {why}; the request is dead letter {letter}"
                )
            }
            Refusal::NewerLedger { kind, seq } => {
                write!(
                    f,
                    "record {seq} is a '{kind}', which a newer obeya wrote; this one only reads"
                )
            }
        }
    }
}
