//! Orders come into being, and their fields change.

use super::{
    Context, Decision, andon, deps, guard,
    validate::{self, MAX_EDGES, MAX_LINKS, MAX_NAME, MAX_TITLE},
};
use crate::{
    domain::{
        cold::Cold,
        command::NewOrder,
        event::{Changes, Event, Parent},
        id::{AlertId, MAX_NUMBER, OrderId},
        order::{Bucket, Kind, Link, Order, PullSignal, Wait},
        refusal::Refusal,
        state::State,
    },
    text,
};

/// Decides a new order, with its dependencies.
pub(super) fn create(
    state: &State,
    cold: &Cold,
    new: &NewOrder,
    _context: &Context<'_>,
) -> Decision {
    let numbers = state.numbers;
    let id = match new.kind {
        Kind::Epic => OrderId::epic(numbers.epic),
        _ => OrderId::work(numbers.work),
    };
    if numbers.epic.max(numbers.work) >= MAX_NUMBER {
        return Err(Refusal::Limit {
            what: "orders".into(),
            limit: u64::from(MAX_NUMBER),
        });
    }
    if let Some(parent) = new.parent {
        room_for_child(guard::open(state, cold, parent)?)?;
    }
    let mut corrective = new.corrective.clone();
    corrective.sort();
    corrective.dedup();
    known_alerts(state, &corrective)?;
    if new.kind == Kind::Epic && !corrective.is_empty() {
        return Err(Refusal::Epic { id });
    }
    let mut drafts = vec![
        Event::OrderCreated {
            id,
            kind: new.kind,
            title: validate::line("title", &new.title, MAX_TITLE)?,
            description: match &new.description {
                Some(text) => {
                    Some(validate::block("description", text)?).filter(|text| !text.is_empty())
                }
                None => None,
            },
            bucket: new.bucket,
            priority: new.priority,
            labels: validate::labels(&new.labels)?,
            estimate: new
                .estimate
                .map(validate::estimate)
                .transpose()?
                .filter(|minutes| *minutes > 0),
            assignee: validate::optional_line("assignee", new.assignee.as_deref(), MAX_NAME)?,
            parent: new.parent,
            corrective,
            signal: signal(&new.signal)?,
        }
        .into(),
    ];
    let mut waits = new.depends_on.clone();
    waits.sort();
    waits.dedup();
    if waits.len() > MAX_EDGES {
        return Err(Refusal::Limit {
            what: "dependencies of an order".into(),
            limit: MAX_EDGES as u64,
        });
    }
    for on in waits {
        let state_of = deps::state_of(state, cold, on)?;
        // A new order is nobody's dependency yet, so only its own ancestors can close a circle.
        if let Some(parent) = new.parent
            && let Some(mut path) = state
                .graph()
                .path(on, parent)
                .filter(|_| state_of == Wait::Open)
        {
            path.insert(0, id);
            path.push(id);
            return Err(Refusal::Cycle { path });
        }
        drafts.push(
            Event::DependencyAdded {
                id,
                on,
                state: state_of,
            }
            .into(),
        );
    }
    Ok(drafts)
}

fn signal(signal: &PullSignal) -> Result<PullSignal, Refusal> {
    Ok(PullSignal {
        kind: validate::line("pull signal", &signal.kind, MAX_NAME)?,
        source: validate::optional_line("pull signal", signal.source.as_deref(), 500)?,
    })
}

fn known_alerts(state: &State, alerts: &[AlertId]) -> Result<(), Refusal> {
    alerts.iter().try_for_each(|id| match state.alert(*id) {
        Some(alert) => andon::room_for_corrective(alert),
        None => Err(Refusal::not_found(format!("open alert {id}"))),
    })
}

/// Refuses one more open child of an order that has as many as it may.
pub(super) fn room_for_child(parent: &Order) -> Result<(), Refusal> {
    if parent.children.len() >= MAX_EDGES {
        return Err(Refusal::Limit {
            what: "open children of an order".into(),
            limit: MAX_EDGES as u64,
        });
    }
    Ok(())
}

/// Decides a change of fields. What is already so is left out.
pub(super) fn edit(
    state: &State,
    cold: &Cold,
    id: OrderId,
    wanted: &Changes,
    add: &[String],
    remove: &[String],
) -> Decision {
    let order = guard::open(state, cold, id)?;
    let mut changes = Changes::default();
    if let Some(title) = &wanted.title {
        let title = validate::line("title", title, MAX_TITLE)?;
        changes.title = Some(title).filter(|title| *title != order.title);
    }
    if let Some(text) = &wanted.description {
        let text = validate::block("description", text)?;
        // The text itself is on the ledger, so a new one always counts as a change.
        changes.description =
            Some(text).filter(|text| !text.is_empty() || order.description.is_some());
    }
    if let Some(kind) = wanted.kind.filter(|kind| *kind != order.kind) {
        if kind == Kind::Epic || order.is_epic() {
            return Err(Refusal::invalid(
                "kind",
                "an epic stays an epic, and nothing else becomes one",
            ));
        }
        changes.kind = Some(kind);
    }
    if let Some(bucket) = wanted.bucket.filter(|bucket| *bucket != order.bucket) {
        if order.work().is_some() {
            room_in_bucket(state, bucket)?;
        }
        changes.bucket = Some(bucket);
    }
    changes.priority = wanted
        .priority
        .filter(|priority| *priority != order.priority);
    if wanted.labels.is_some() || !add.is_empty() || !remove.is_empty() {
        let mut labels = wanted
            .labels
            .clone()
            .unwrap_or_else(|| order.labels.clone());
        labels.extend(add.iter().cloned());
        let mut labels = validate::labels(&labels)?;
        labels.retain(|label| !remove.iter().any(|gone| text::clean(gone).trim() == label));
        changes.labels = Some(labels).filter(|labels| *labels != order.labels);
    }
    if let Some(minutes) = wanted.estimate {
        let minutes = validate::estimate(minutes)?;
        changes.estimate = Some(minutes).filter(|minutes| *minutes != order.estimate.unwrap_or(0));
    }
    if let Some(name) = &wanted.assignee {
        let name = validate::optional_line("assignee", Some(name), MAX_NAME)?;
        changes.assignee = (name != order.assignee).then(|| name.unwrap_or_default());
    }
    match wanted.parent {
        Some(Parent::Of(parent)) if order.parent != Some(parent) => {
            adopt(state, cold, id, parent)?;
            changes.parent = wanted.parent;
        }
        Some(Parent::None) if order.parent.is_some() => changes.parent = wanted.parent,
        _ => {}
    }
    Ok(match changes.is_empty() {
        true => vec![],
        false => vec![
            Event::OrderEdited {
                id,
                changes: Box::new(changes),
            }
            .into(),
        ],
    })
}

fn adopt(state: &State, cold: &Cold, id: OrderId, parent: OrderId) -> Result<(), Refusal> {
    room_for_child(guard::open(state, cold, parent)?)?;
    match state.graph().cycle(parent, id) {
        Some(path) => Err(Refusal::Cycle { path }),
        None => Ok(()),
    }
}

/// Refuses one more order in progress in a bucket that is full.
pub(super) fn room_in_bucket(state: &State, bucket: Bucket) -> Result<(), Refusal> {
    let (limit, count) = (
        state.settings.bucket(bucket).wip_limit,
        state.counts.wip[bucket.index()],
    );
    if count >= limit {
        let scope = crate::domain::andon::Scope::Bucket(bucket);
        return Err(Refusal::WipLimit {
            scope,
            limit,
            count,
        });
    }
    Ok(())
}

/// Decides a comment; closed orders take them too.
pub(super) fn comment(state: &State, cold: &Cold, id: OrderId, text: &str) -> Decision {
    if state.order(id).is_none() && cold.order(id).is_none() {
        return Err(Refusal::not_found(id));
    }
    let text = validate::block("comment", text)?;
    if text.trim().is_empty() {
        return Err(Refusal::invalid("comment", "it is empty"));
    }
    Ok(vec![
        Event::OrderCommented {
            id,
            text,
            author: None,
        }
        .into(),
    ])
}

/// Decides that a relation is noted, or taken back.
pub(super) fn link(state: &State, cold: &Cold, id: OrderId, link: &Link, there: bool) -> Decision {
    let order = guard::open(state, cold, id)?;
    let link = Link {
        kind: validate::line("link", &link.kind, MAX_NAME)?,
        target: validate::line("link", &link.target, 500)?,
    };
    match (order.links.contains(&link), there) {
        (false, true) if order.links.len() >= MAX_LINKS => Err(Refusal::Limit {
            what: "links of an order".into(),
            limit: MAX_LINKS as u64,
        }),
        (false, true) => Ok(vec![Event::LinkAdded { id, link }.into()]),
        (true, false) => Ok(vec![Event::LinkRemoved { id, link }.into()]),
        _ => Ok(vec![]),
    }
}
