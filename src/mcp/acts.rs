//! The tools that do something: pull, claim, report, comment, create, connect, complete, raise.

use serde_json::{Value, json};

use super::{
    answers::{ROWS, brief, detail, dry_run, then, to_do, told},
    arguments::{Andon, Claim, Comment, Complete, Create, Deps, Ending, Look, Next, Progress},
    looks,
    snag::Snag,
    tools::Done,
    visit::{Taken, Visit, unexpected},
};
use crate::{
    domain::{
        agent::PullFilter,
        command::{Command, Destination, Hold, NewOrder},
        event::Event,
        id::OrderId,
        order::Priority,
        query::{Answer, Query},
        record::{ActorKind, Door},
        refusal::Refusal,
    },
    link::Outcome,
};

/// Seconds of a minute.
const MINUTE: u32 = 60;

fn lease(minutes: Option<u32>) -> Option<u32> {
    minutes.map(|minutes| minutes.saturating_mul(MINUTE))
}

/// Answers `next`.
pub(super) fn next(visit: &mut Visit, arguments: Next) -> Done {
    register(visit)?;
    let filter = PullFilter {
        buckets: arguments.buckets.unwrap_or_default(),
        kinds: arguments.kinds.unwrap_or_default(),
        labels: arguments.labels.unwrap_or_default(),
    };
    let lease_seconds = lease(arguments.lease_minutes);
    taken(
        visit,
        Command::PullNext {
            filter,
            lease_seconds,
        },
    )
}

/// Answers `claim`.
pub(super) fn claim(visit: &mut Visit, arguments: Claim) -> Done {
    if let Some(epoch) = arguments.epoch {
        return resume(visit, &arguments.order, epoch);
    }
    register(visit)?;
    let id = visit.order(&arguments.order)?;
    let lease_seconds = lease(arguments.lease_minutes);
    taken(visit, Command::ClaimOrder { id, lease_seconds })
}

fn taken(visit: &mut Visit, command: Command) -> Done {
    match visit.take(command)? {
        Taken::Order(id) => held(visit, id),
        Taken::Shown(outcome) => Ok(dry_run(&outcome)),
    }
}

fn held(visit: &mut Visit, id: OrderId) -> Done {
    let found = looks::order(visit, id.to_string())?;
    Ok(then(detail(&found), to_do(&found.order)))
}

/// Goes on with the caller's own claim, made before this server was there.
fn resume(visit: &mut Visit, order: &str, epoch: u32) -> Done {
    let view = visit.status(order)?;
    let current = view.lease.map(|lease| lease.epoch);
    if view.holder.as_ref() == Some(&visit.actor) && current == Some(epoch) {
        visit.line.keep(view.id, epoch);
        return held(visit, view.id);
    }
    let (id, given) = (view.id, Some(epoch));
    Err(Refusal::StaleEpoch { id, given, current }.into())
}

/// Registers the agent with what it does, if that was said and is not so yet. What it may pull stays as it is.
fn register(visit: &mut Visit) -> Result<(), Snag> {
    let work = visit.line.options.work.clone();
    let (Some(role), ActorKind::Agent) = (work, visit.actor.kind) else {
        return Ok(());
    };
    if visit.line.options.dry_run {
        return Ok(());
    }
    let name = visit.actor.name.clone();
    let known = match visit.ask(&Query::Agent { name: name.clone() }) {
        Ok(Answer::Agent(known)) => Some(known.agent),
        Ok(_) => return Err(unexpected().into()),
        Err(Snag::Refused(_)) => None,
        Err(snag) => return Err(snag),
    };
    if known
        .as_ref()
        .is_some_and(|known| known.registered && known.role.as_ref() == Some(&role))
    {
        return Ok(());
    }
    visit.submit(Command::RegisterAgent {
        name,
        role: Some(role),
        capabilities: known.map(|known| known.capabilities).unwrap_or_default(),
    })?;
    Ok(())
}

/// Answers `progress`.
pub(super) fn progress(visit: &mut Visit, arguments: Progress) -> Done {
    let id = visit.order(&arguments.order)?;
    if arguments.note.trim().is_empty() {
        return Err(Refusal::invalid("note", "say in one line what was achieved").into());
    }
    visit.renew(id, &arguments.note)?;
    if let Some(stage) = arguments.stage {
        let to = match stage.trim() {
            "right" => Destination::Right,
            "left" => Destination::Left,
            stage => Destination::Stage(stage.into()),
        };
        visit.submit(Command::MoveOrder { id, to })?;
    }
    let view = visit.status(&id.to_string())?;
    let answer = json!({ "order": id, "stage": view.stage, "lease": view.lease });
    Ok(then(answer, to_do(&view)))
}

/// Answers `comment`.
pub(super) fn comment(visit: &mut Visit, arguments: Comment) -> Done {
    let id = visit.order(&arguments.order)?;
    let outcome = visit.submit(Command::CommentOrder {
        id,
        text: arguments.text,
    })?;
    told(&outcome, || Ok(json!({ "order": id, "commented": true })))
}

/// Answers `create`.
pub(super) fn create(visit: &mut Visit, arguments: Create) -> Done {
    let mut order = NewOrder::task(arguments.title);
    order.description = arguments.description;
    order.kind = arguments.kind.unwrap_or(order.kind);
    order.bucket = arguments.bucket.unwrap_or(order.bucket);
    if let Some(priority) = arguments.priority {
        order.priority = Priority::new(priority)
            .ok_or_else(|| Refusal::invalid("priority", "it goes from 1 to 10, 10 most urgent"))?;
    }
    order.labels = arguments.labels.unwrap_or_default();
    order.depends_on = orders(visit, arguments.depends_on)?;
    order.parent = arguments
        .parent
        .map(|parent| visit.order(&parent))
        .transpose()?;
    order.corrective = arguments.mends.unwrap_or_default();
    order.signal.kind = Door::Mcp.word().into();
    let outcome = visit.submit(Command::CreateOrder { order })?;
    let created = outcome
        .records
        .iter()
        .find_map(|record| match record.event() {
            Some(Event::OrderCreated { id, .. }) => Some(id),
            _ => None,
        });
    told(&outcome, || {
        let Some(id) = created else {
            return Err(unexpected().into());
        };
        let view = visit.status(&id.to_string())?;
        let next = match view.ready {
            true => {
                format!("It is in the queue; call claim with order {id} only if you do it now.")
            }
            false => format!("It is in the queue and cannot start yet: call why with order {id}."),
        };
        Ok(then(json!({ "order": brief(&view) }), next))
    })
}

fn orders(visit: &mut Visit, names: Option<Vec<String>>) -> Result<Vec<OrderId>, Snag> {
    let names = names.unwrap_or_default();
    names.iter().map(|name| visit.order(name)).collect()
}

/// Answers `deps`.
pub(super) fn deps(visit: &mut Visit, arguments: Deps) -> Done {
    let id = visit.order(&arguments.order)?;
    let mut shown = vec![];
    for on in orders(visit, arguments.add)? {
        shown.extend(shown_of(visit.submit(Command::AddDependency { id, on })?));
    }
    for on in orders(visit, arguments.remove)? {
        shown.extend(shown_of(
            visit.submit(Command::RemoveDependency { id, on })?,
        ));
    }
    if !shown.is_empty() {
        return Ok(json!({ "dry_run": true, "runs": shown }));
    }
    looks::deps(
        visit,
        Look {
            order: id.to_string(),
        },
    )
}

fn shown_of(outcome: Outcome) -> Option<Value> {
    outcome.dry_run.then(|| dry_run(&outcome))
}

/// Answers `complete`.
pub(super) fn complete(visit: &mut Visit, arguments: Complete) -> Done {
    let id = visit.order(&arguments.order)?;
    let done = arguments.outcome.unwrap_or(Ending::Done) == Ending::Done;
    let command = match done {
        true => Command::CompleteOrder {
            id,
            sku: arguments.sku,
            note: arguments.note,
        },
        false => Command::ReleaseOrder {
            id,
            force: false,
            reason: arguments.note,
        },
    };
    let waited = visit.status(&id.to_string())?.blocks.clone();
    let outcome = visit.submit(command)?;
    told(&outcome, || {
        visit.line.forget(id);
        let view = visit.status(&id.to_string())?;
        let mut freed = vec![];
        for order in waited.iter().take(ROWS).filter(|_| done) {
            let waiting = visit.status(&order.to_string())?;
            if waiting.ready {
                freed.push(Value::String(waiting.id.to_string()));
            }
        }
        let answer = json!({ "order": brief(&view), "ready_now": freed });
        Ok(then(answer, "Call next for more work."))
    })
}

/// Answers `andon`.
pub(super) fn andon(visit: &mut Visit, arguments: Andon) -> Done {
    let (reason, severity) = match (arguments.reason, arguments.severity, &arguments.recovered) {
        (None, None, None) => return looks::alerts(visit),
        (None, None, Some(fingerprint)) => {
            let fingerprint = fingerprint.clone();
            let outcome = visit.submit(Command::RecoverAlert { fingerprint })?;
            return told(&outcome, || looks::alerts(visit));
        }
        (Some(reason), Some(severity), None) => (reason, severity),
        _ => {
            let what = "give a reason and a severity to raise an alert, recovered alone, or nothing for the list.";
            return Err(Snag::Usage(what.into()));
        }
    };
    let hold = match arguments.hold.as_deref().map(str::trim) {
        None => None,
        Some("none") => Some(Hold::Nothing),
        Some(scope) => Some(Hold::Scope(
            scope
                .parse()
                .map_err(|why: String| Refusal::invalid("hold", why))?,
        )),
    };
    let order = arguments
        .order
        .map(|order| visit.order(&order))
        .transpose()?;
    let outcome = visit.submit(Command::TriggerAndon {
        reason,
        severity,
        hold,
        fingerprint: arguments.fingerprint,
        order,
    })?;
    told(&outcome, || {
        let raised = outcome
            .records
            .iter()
            .find_map(|record| record.subject.parse().ok());
        let Some(id) = raised else {
            return looks::alerts(visit);
        };
        let Answer::Alert(alert) = visit.ask(&Query::Alert { id })? else {
            return Err(unexpected().into());
        };
        let next = "People see it now. What it holds stays held until a person resolves it; take other work meanwhile.";
        Ok(then(json!({ "alert": looks::alert(&alert.alert) }), next))
    })
}
