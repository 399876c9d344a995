//! Why not, as data: the rule, the ids in the way, and what would lift it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    andon::Scope,
    command::Role,
    id::{AlertId, OrderId},
    order::{Actor, Bucket, Dependency, Status, Wait},
    ways,
};

/// A command that a rule does not allow. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Refusal {
    /// There is no such thing.
    NotFound {
        /// What was named.
        subject: String,
    },
    /// The order is closed, and this needs an open one.
    Closed {
        /// Which.
        id: OrderId,
        /// How it ended.
        status: Status,
    },
    /// The order is open, and this needs a closed one.
    NotClosed {
        /// Which.
        id: OrderId,
    },
    /// The order is not in progress.
    NotStarted {
        /// Which.
        id: OrderId,
    },
    /// Somebody has it already.
    AlreadyStarted {
        /// Which.
        id: OrderId,
        /// Who.
        holder: Actor,
        /// Where it stands.
        stage: String,
    },
    /// Epics are never pulled: they are done when their children are.
    Epic {
        /// Which.
        id: OrderId,
    },
    /// One more would be above the limit.
    WipLimit {
        /// The bucket or stage that is full.
        scope: Scope,
        /// Its limit.
        limit: u32,
        /// How many are in it.
        count: u32,
    },
    /// It waits for others.
    Blocked {
        /// Which.
        id: OrderId,
        /// For what.
        waits_for: Vec<Dependency>,
    },
    /// An alert holds it.
    Held {
        /// What was to be done.
        id: OrderId,
        /// The alerts that hold it.
        alerts: Vec<AlertId>,
        /// What the first of them holds.
        scope: Scope,
    },
    /// It would wait for itself.
    Cycle {
        /// The chain of waits that would close, from an order back to itself.
        path: Vec<OrderId>,
    },
    /// Children are still open.
    ChildrenOpen {
        /// Which.
        id: OrderId,
        /// Its open children.
        children: Vec<OrderId>,
    },
    /// The write does not carry the claim's epoch.
    StaleEpoch {
        /// Which.
        id: OrderId,
        /// What was given.
        given: Option<u32>,
        /// The epoch that holds now, if there is a hold.
        current: Option<u32>,
    },
    /// Somebody else holds it.
    NotHolder {
        /// Which.
        id: OrderId,
        /// Who holds it.
        holder: Actor,
    },
    /// It changed since the caller looked, and what the caller wants depends on how it was.
    Changed {
        /// Which.
        id: OrderId,
    },
    /// Somebody did something about the alert since the caller looked, and what the caller wants depends on how it was.
    AlertChanged {
        /// Which.
        id: AlertId,
    },
    /// There is nothing to pull. An order that is in more than one difficulty counts in each.
    NothingReady {
        /// Queued orders that passed the filter.
        queued: u32,
        /// Of them, how many wait for others.
        blocked: u32,
        /// Of them, how many an alert holds.
        held: u32,
        /// Of them, how many are in a bucket that is full.
        full: u32,
        /// The buckets that are full.
        full_buckets: Vec<Bucket>,
        /// Of those, the ones that are full with nothing in them: their limit is zero.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shut_buckets: Vec<Bucket>,
        /// The alerts that hold.
        alerts: Vec<AlertId>,
        /// Whether the first stage is full.
        stage_full: Option<String>,
    },
    /// The agent is paused.
    AgentPaused {
        /// Which.
        name: String,
    },
    /// The agent holds orders, and this needs one that holds none.
    AgentHolds {
        /// Which.
        name: String,
        /// What it holds.
        orders: Vec<OrderId>,
    },
    /// The role may not do this.
    Role {
        /// What the caller has.
        has: Role,
        /// What it takes.
        needs: Role,
    },
    /// A field is not what it should be.
    Invalid {
        /// Which field.
        field: String,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// A limit of the ledger itself.
    Limit {
        /// Of what.
        what: String,
        /// How many there may be.
        limit: u64,
    },
    /// Orders stand in the stage that was to go.
    StageInUse {
        /// Which.
        stage: String,
        /// How many.
        orders: u32,
    },
    /// The same command id came with another body.
    CommandReused {
        /// The seq of the first record that the id stands for.
        seq: u64,
    },
    /// Nobody answered a request in time; it is a dead letter now.
    NoReply {
        /// Where it went.
        address: String,
        /// How long the caller waited, in milliseconds.
        waited: u64,
        /// The dead letter's number.
        letter: u64,
        /// Whether nobody ever took messages there.
        nobody: bool,
    },
    /// The ledger holds events that this version does not know.
    NewerLedger {
        /// The first such event's name.
        kind: String,
        /// Where it stands.
        seq: u64,
    },
}

impl Refusal {
    /// Returns an [`Refusal::Invalid`].
    pub fn invalid(field: &str, why: impl Into<String>) -> Self {
        Refusal::Invalid {
            field: field.into(),
            why: why.into(),
        }
    }

    /// Returns a [`Refusal::NotFound`].
    pub fn not_found(subject: impl fmt::Display) -> Self {
        Refusal::NotFound {
            subject: subject.to_string(),
        }
    }

    /// Returns the rule's name.
    pub fn rule(&self) -> &'static str {
        match self {
            Refusal::NotFound { .. } => "not_found",
            Refusal::Closed { .. } => "closed",
            Refusal::NotClosed { .. } => "not_closed",
            Refusal::NotStarted { .. } => "not_started",
            Refusal::AlreadyStarted { .. } => "already_started",
            Refusal::Epic { .. } => "epic",
            Refusal::WipLimit { .. } => "wip_limit",
            Refusal::Blocked { .. } => "blocked",
            Refusal::Held { .. } => "held",
            Refusal::Cycle { .. } => "cycle",
            Refusal::ChildrenOpen { .. } => "children_open",
            Refusal::StaleEpoch { .. } => "stale_epoch",
            Refusal::NotHolder { .. } => "not_holder",
            Refusal::Changed { .. } => "changed",
            Refusal::AlertChanged { .. } => "alert_changed",
            Refusal::NothingReady { .. } => "nothing_ready",
            Refusal::AgentPaused { .. } => "agent_paused",
            Refusal::AgentHolds { .. } => "agent_holds",
            Refusal::Role { .. } => "role",
            Refusal::Invalid { .. } => "invalid",
            Refusal::Limit { .. } => "limit",
            Refusal::StageInUse { .. } => "stage_in_use",
            Refusal::CommandReused { .. } => "command_reused",
            Refusal::NoReply { .. } => "no_reply",
            Refusal::NewerLedger { .. } => "newer_ledger",
        }
    }

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
            Refusal::NothingReady { queued: 0, .. } => {
                vec!["obeya work-order create --title …".into()]
            }
            Refusal::NothingReady {
                alerts,
                full,
                full_buckets,
                shut_buckets,
                stage_full,
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
                lift.push("obeya work-order list --status queued".into());
                lift
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
                reasons.extend(stage_full.iter().map(|s| format!("stage {s} is full")));
                let reasons = reasons.join(", ");
                write!(f, "none of {queued} queued can start: {reasons}")
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
