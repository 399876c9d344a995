//! What a record says, in one line: the sentence of logs, event views and timelines.

use super::value::span;
use crate::domain::{
    andon::Freed,
    event::{Changes, Event, ImportedItem, Parent},
    gate::Verdict,
    order::{Landing, Outcome, Wait},
    record::Record,
    time::{HOUR, SECOND},
    usage::Usage,
};

/// Characters of other people's text that a line quotes.
const QUOTED: usize = 80;
/// Characters of a commit's name that tell it from others, to people.
const SHORT: usize = 10;

/// Returns one line for people: what happened, to what. Who did it, and when, stand beside it in every list.
pub fn describe(event: &Event, record: &Record) -> String {
    if let Some(text) = order(event) {
        return text;
    }
    match event {
        Event::LedgerCreated { uuid, .. } => format!("ledger {uuid} created"),
        Event::LedgerRestored { incarnation } => {
            format!("ledger restored from a backup; this is incarnation {incarnation}")
        }
        Event::HostElected { term, pid } => format!("process {pid} is the host, term {term}"),
        Event::BucketSet { bucket, rule } => {
            let sla = match rule.sla_hours {
                Some(hours) => span(i64::from(hours) * HOUR),
                None => "none".into(),
            };
            format!("{bucket}: WIP limit {}, SLA {sla}", rule.wip_limit)
        }
        Event::StagesSet { stages } => {
            let names: Vec<_> = stages.iter().map(|stage| &*stage.name).collect();
            format!("stages are {}", names.join(", "))
        }
        Event::PolicySet { policy } => {
            let lease = span(i64::from(policy.lease_seconds) * SECOND);
            format!("policy set: a lease lasts {lease}")
        }
        Event::ImportFinished {
            source,
            added,
            updated,
            unchanged,
        } => {
            format!("import from {source}: {added} added, {updated} updated, {unchanged} unchanged")
        }
        Event::LeasesRenewed { leases } => {
            format!(
                "{} leases renewed: the clock could not be trusted",
                leases.len()
            )
        }
        Event::AgentRegistered { name, role, .. } => match role {
            Some(role) => format!("agent {name} registered as {role}"),
            None => format!("agent {name} registered"),
        },
        Event::AgentPaused { name, reason } => format!("agent {name} paused{}", because(reason)),
        Event::AgentResumed { name } => format!("agent {name} resumed"),
        Event::GateSet { name, rule } => {
            let stage = rule
                .stage
                .as_ref()
                .map_or(String::new(), |stage| format!(" at the end of {stage}"));
            let sort = match (rule.approval, rule.required) {
                (true, true) => "approval",
                (true, false) => "advisory approval",
                (false, true) => "required",
                (false, false) => "advisory",
            };
            format!("gate {name} set{stage}: {sort}")
        }
        Event::GateRemoved { name } => format!("gate {name} removed"),
        Event::BudgetSet { scope, budget } => {
            let view = budget.view();
            let tokens = view.tokens.map(|limit| format!("{limit} tokens"));
            let cost = view.cost.map(|limit| format!("cost {limit}"));
            let limits: Vec<_> = tokens.into_iter().chain(cost).collect();
            format!("budget of {scope} set: {}", limits.join(", "))
        }
        Event::BudgetRemoved { scope } => format!("budget of {scope} removed"),
        Event::AgentUnregistered { name } => format!("agent {name} unregistered"),
        _ => alert(event).unwrap_or_else(|| format!("{}: {}", record.subject, event.kind())),
    }
}

/// Returns the line of an event about an order.
fn order(event: &Event) -> Option<String> {
    Some(match event {
        Event::OrderCreated {
            id,
            title,
            bucket,
            priority,
            ..
        } => format!(
            "{id} created in {bucket}, priority {priority}: {}",
            quote(title)
        ),
        Event::OrderImported { id, item, external } => imported(item, &external.key(), id),
        Event::OrderMerged {
            id,
            external,
            changes,
            ..
        } => format!("{id} merged with {}: {}", external.key(), changed(changes)),
        Event::OrderClosedElsewhere { id, outcome, .. } => {
            format!("{id} {} elsewhere", outcome.wait())
        }
        Event::OrderEdited { id, changes } => format!("{id} edited: {}", changed(changes)),
        Event::OrderStarted {
            id,
            stage,
            holder,
            lease,
            epoch,
        } => match lease {
            Some(lease) => {
                let lasts = span(i64::from(lease.seconds) * SECOND);
                format!("{id} claimed by {holder} in {stage} for {lasts} (epoch {epoch})")
            }
            None => format!("{id} started by {holder} in {stage}"),
        },
        Event::OrderMoved { id, from, to } => format!("{id} moved from {from} to {to}"),
        Event::OrderReleased { id, forced, reason } => {
            let how = if *forced {
                "taken from its holder"
            } else {
                "released"
            };
            format!("{id} {how}, queued again{}", because(reason))
        }
        Event::LeaseLapsed { id, holder, .. } => {
            format!("{id} queued again: the lease of {holder} lapsed")
        }
        Event::OrderCompleted {
            id, sku, receipt, ..
        } => match sku {
            Some(sku) => format!("{id} completed ({}), receipt {receipt}", quote(sku)),
            None => format!("{id} completed, receipt {receipt}"),
        },
        Event::OrderCancelled { id, reason } => format!("{id} cancelled: {}", quote(reason)),
        Event::OrderReopened { id, reason, .. } => format!("{id} reopened{}", because(reason)),
        Event::OrderCommented { id, text, author } => match author {
            Some(author) => format!("{id} comment by {author}: {}", quote(text)),
            None => format!("{id} comment: {}", quote(text)),
        },
        Event::DependencyAdded { id, on, state } => match state {
            Wait::Open => format!("{id} now waits for {on}"),
            closed => format!("{id} now depends on {on} ({closed})"),
        },
        Event::DependencyRemoved { id, on } => format!("{id} no longer depends on {on}"),
        Event::LinkAdded { id, link } => {
            format!("{id} linked: {} {}", quote(&link.kind), quote(&link.target))
        }
        Event::LinkRemoved { id, link } => {
            format!(
                "{id} link removed: {} {}",
                quote(&link.kind),
                quote(&link.target)
            )
        }
        Event::GateRecorded { id, gate, run } => {
            let note = run
                .note
                .as_ref()
                .map_or(String::new(), |note| format!(": {}", quote(note)));
            format!("{id} gate {gate} {}{note}", run.verdict.words())
        }
        Event::GateJudged { id, gate, run } => {
            let verb = match run.verdict {
                Verdict::Passed => "approved",
                _ => "rejected",
            };
            let note = run
                .note
                .as_ref()
                .map_or(String::new(), |note| format!(": {}", quote(note)));
            format!("{id} {verb} at gate {gate}{note}")
        }
        Event::WorkspaceRecorded { id, workspace, .. } => {
            let branch = quote(&workspace.branch);
            let short = |commit: &str| commit.chars().take(SHORT).collect::<String>();
            let (base, head) = (short(&workspace.base), short(&workspace.head));
            match workspace.landing {
                Landing::Merged => format!("{id} merged from {branch}: {base} to {head}"),
                _ if base == head => format!("{id} is made on {branch}, from {base}"),
                _ => format!("{id} stands on {branch} at {head}, from {base}"),
            }
        }
        Event::UsageRecorded {
            id,
            agent,
            tokens,
            cost,
            ..
        } => {
            let used = Usage {
                tokens: *tokens,
                cost: *cost,
            };
            let by = agent.as_ref().map(|name| format!(" by {name}"));
            format!("{id} used {}{}", used.view(), by.unwrap_or_default())
        }
        Event::SlaBreached { id, bucket } => format!("{id} is past the SLA of {bucket}"),
        _ => return None,
    })
}

/// Returns the line of an event about an alert.
fn alert(event: &Event) -> Option<String> {
    Some(match event {
        Event::AlertRaised {
            id,
            severity,
            reason,
            hold,
            ..
        } => match hold {
            Some(scope) => format!("{id} raised, {severity}, holds {scope}: {}", quote(reason)),
            None => format!("{id} raised, {severity}: {}", quote(reason)),
        },
        Event::AlertRepeated { id, order } => match order {
            Some(order) => format!("{id} seen again, on {order}"),
            None => format!("{id} seen again"),
        },
        Event::AlertHeld { id, hold } => format!("{id} holds {hold} from here on"),
        Event::AlertRecovered { id } => format!("{id}: its condition is over"),
        Event::AlertAcknowledged { id } => format!("{id} acknowledged"),
        Event::AlertSnoozed { id, until } => format!("{id} snoozed until {until}"),
        Event::AlertWoke { id } => format!("{id} woke from its snooze"),
        // Of itself, because it was seen again and worse, or because somebody said so: who did it tells which.
        Event::AlertEscalated {
            id,
            severity,
            reason,
        } => format!("{id} grew to {severity}{}", because(reason)),
        Event::CorrectiveLinked { id, order } => format!("{order} is to mend {id}"),
        Event::AlertResolved {
            id,
            resolution,
            freed,
        } => {
            let freed = match freed {
                Some(Freed { in_progress, ready }) if *in_progress > 0 || *ready > 0 => {
                    format!("; {in_progress} in progress and {ready} ready are free again")
                }
                _ => String::new(),
            };
            format!("{id} resolved: {}{freed}", quote(resolution))
        }
        _ => return None,
    })
}

fn imported(item: &ImportedItem, key: &str, id: &crate::domain::id::OrderId) -> String {
    let end = match item.closed.as_ref().map(|end| &end.outcome) {
        Some(Outcome::Completed { .. }) => " as completed",
        Some(Outcome::Cancelled { .. }) => " as cancelled",
        None => "",
    };
    format!("{id} imported from {key}{end}: {}", quote(&item.title))
}

/// Returns the fields that changed, with their new values where these are short.
fn changed(changes: &Changes) -> String {
    let Changes {
        title,
        description,
        kind,
        bucket,
        priority,
        labels,
        estimate,
        assignee,
        parent,
    } = changes;
    let mut parts = vec![];
    parts.extend(
        title
            .as_ref()
            .map(|title| format!("title {}", quote(title))),
    );
    parts.extend(description.as_ref().map(|_| "description".to_owned()));
    parts.extend(kind.map(|kind| format!("kind {kind}")));
    parts.extend(bucket.map(|bucket| format!("bucket {bucket}")));
    parts.extend(priority.map(|priority| format!("priority {priority}")));
    parts.extend(
        labels
            .as_ref()
            .map(|labels| format!("labels {}", quote(&labels.join(", ")))),
    );
    parts.extend(estimate.map(|minutes| match minutes {
        0 => "no estimate".into(),
        minutes => format!("estimate {minutes} min"),
    }));
    parts.extend(assignee.as_ref().map(|name| match name.as_str() {
        "" => "assigned to nobody".into(),
        name => format!("assigned to {}", quote(name)),
    }));
    parts.extend(parent.map(|parent| match parent {
        Parent::None => "no parent".to_owned(),
        Parent::Of(id) => format!("parent {id}"),
    }));
    if parts.is_empty() {
        "nothing".into()
    } else {
        parts.join(", ")
    }
}

fn because(reason: &Option<String>) -> String {
    reason
        .as_ref()
        .map(|reason| format!(": {}", quote(reason)))
        .unwrap_or_default()
}

/// Returns the first line of other people's text, shortened.
fn quote(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    let mut chars = line.chars();
    let mut short: String = chars.by_ref().take(QUOTED).collect();
    if chars.next().is_some() || text.trim().len() > line.len() {
        short.push('…');
    }
    short
}
