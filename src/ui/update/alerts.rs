//! What is done about an alert from its queue: taking the fix, making it known more loudly, and looking at what it stops.

use std::{collections::VecDeque, fmt::Display};

use super::{acts, errands, forms, moves, storm};
use crate::{
    domain::{
        andon::{Alert, Severity},
        command::{Command, NewOrder},
        decide::import::MAX_TITLE,
        id::AlertId,
        order::{Kind, Priority, PullSignal},
    },
    text,
    ui::{
        action::Action,
        effect::Effect,
        errand::Step,
        model::Model,
        overlay::{
            Overlay,
            form::Purpose as For,
            palette::{Choice, Item, Palette},
            prompt::Purpose,
        },
        queue,
        theme::Role,
    },
};

/// How many of the orders that an alert stops are offered of each sort; the board has them all.
const OFFERED: usize = 50;

/// Does an action about the alerts that are marked, else about the selected one.
pub(super) fn run(model: &mut Model, action: Action) -> Vec<Effect> {
    let ids = queue::chosen(model);
    match (action, ids.as_slice()) {
        (_, []) => Vec::new(),
        (Action::Stopped, _) => stopped(model),
        (Action::Resolve, _) => acts::ask(model, Purpose::Resolve(ids)),
        (Action::Correct, _) => correct(model, ids),
        (Action::Snooze, ids) => {
            storm::choose_snooze(model, ids);
            Vec::new()
        }
        (Action::Acknowledge, [id]) => {
            acts::submit(model, Command::AcknowledgeAlert { id: *id }, None)
        }
        (Action::Escalate, [id]) => escalate(model, *id),
        (Action::Take, [id]) => match model.state.alerts.get(id).cloned() {
            Some(alert) => take(model, &alert),
            None => Vec::new(),
        },
        (_, ids) => storm::run(model, action, ids),
    }
}

/// Makes an alert one severity worse, if there is a worse one.
fn escalate(model: &mut Model, id: AlertId) -> Vec<Effect> {
    let severity = model.state.alert(id).map(|alert| alert.severity);
    if let Some(severity) = severity.filter(|severity| severity.worse().is_none()) {
        model.say(format!("{id} is {severity} already"), Role::Warning);
        return Vec::new();
    }
    let escalate = Command::EscalateAlert {
        id,
        to: None,
        reason: None,
    };
    acts::submit(model, escalate, None)
}

/// Returns the title of an order that mends an alert, or several as `what` says: the reason is cut to what a title holds.
pub(super) fn title(what: impl Display, alert: &Alert) -> String {
    let title = format!("Mend {what}: {}", alert.reason);
    let cut = text::cut(&title, MAX_TITLE, "…");
    // Marks that take no cell of their own count as characters.
    cut.chars().take(MAX_TITLE).collect()
}

/// What stops the line goes before all else.
pub(super) fn priority(severity: Severity) -> Priority {
    let urgent = match severity {
        Severity::Critical => 10,
        Severity::High => 8,
        Severity::Medium | Severity::Low => 5,
    };
    Priority::new(urgent).unwrap_or(Priority::DEFAULT)
}

/// Takes notice, and starts the order that is to mend the alert: one that is there and waits, else a new one.
fn take(model: &mut Model, alert: &Alert) -> Vec<Effect> {
    let mut steps: VecDeque<Step> = VecDeque::new();
    if alert.acknowledged.is_none() {
        steps.push_back(Command::AcknowledgeAlert { id: alert.id }.into());
    }
    let mending = alert
        .corrective
        .iter()
        .filter_map(|id| model.state.order(*id));
    let mending: Vec<_> = mending.filter(|order| !order.is_epic()).collect();
    let waiting = mending.iter().find(|order| order.work().is_none());
    let mine = |order: &&&std::sync::Arc<crate::domain::order::Order>| {
        order
            .work()
            .is_some_and(|work| work.holder == model.session.me)
    };
    let said = match (waiting, mending.iter().find(mine), mending.first()) {
        (_, Some(order), _) => Some(format!("{} is yours already", order.id)),
        (Some(order), ..) => {
            steps.push_back(Command::StartOrder { id: order.id }.into());
            None
        }
        (None, None, Some(order)) => {
            let holder = order.work().map(|work| work.holder.to_string());
            Some(format!("{} has {}", holder.unwrap_or_default(), order.id))
        }
        (None, None, None) => None,
    };
    if let Some(said) = said {
        model.say(said, Role::Warning);
        return Vec::new();
    }
    if waiting.is_none() {
        let order = NewOrder {
            kind: Kind::Bug,
            priority: priority(alert.severity),
            corrective: vec![alert.id],
            signal: PullSignal {
                kind: "console".into(),
                source: Some(alert.id.to_string()),
            },
            ..NewOrder::task(title(alert.id, alert))
        };
        // Nobody has taken notice of what nobody can mend.
        steps.push_front(Step {
            starts: true,
            ..Step::from(Command::CreateOrder { order })
        });
    }
    errands::send(model, steps, None)
}

/// Offers what the alert stops, to go there.
fn stopped(model: &mut Model) -> Vec<Effect> {
    let selected = model.selected_alert();
    let Some(alert) = selected.and_then(|id| model.state.alerts.get(&id).cloned()) else {
        return Vec::new();
    };
    let detail = model.asks.alert().filter(|d| d.alert.id == alert.id);
    let Some(blast) = detail.and_then(|detail| detail.blast.as_ref()) else {
        match alert.order.filter(|_| alert.hold.is_none()) {
            Some(order) => moves::jump(model, order),
            None if alert.hold.is_none() => model.say("it stops nothing", Role::Muted),
            None => model.say("it is being looked up; press the key again", Role::Muted),
        }
        return Vec::new();
    };
    let sorts = [
        (&blast.in_progress, "in progress, cannot move on"),
        (&blast.ready, "ready, cannot start"),
        (&blast.downstream, "waits for those"),
    ];
    let items: Vec<Item> = sorts
        .into_iter()
        .flat_map(|(affected, why)| {
            let orders = affected.orders.iter().take(OFFERED);
            orders.map(move |order| {
                let label = format!("{} {}", order.id, order.title);
                Item::new(label, why, Choice::Order(order.id))
            })
        })
        .collect();
    if items.is_empty() {
        model.say("it stops nothing now", Role::Muted);
        return Vec::new();
    }
    let palette = Palette::new(format!("What {} stops", alert.id), items);
    model.overlay = Some(Overlay::Palette(Box::new(palette)));
    Vec::new()
}

/// Opens the form of a new order that mends these alerts.
fn correct(model: &mut Model, ids: Vec<AlertId>) -> Vec<Effect> {
    let first = ids.first().and_then(|id| model.state.alert(*id));
    let title = match (first, ids.len()) {
        (Some(alert), 1) => title(alert.id, alert),
        (Some(alert), n) => title(format_args!("{n} alerts"), alert),
        (None, _) => return Vec::new(),
    };
    let severity = queue::worst(model, &ids).unwrap_or(Severity::Low);
    let form = forms::mending_form(model, For::Correct(ids), &title, priority(severity));
    model.overlay = Some(Overlay::Form(Box::new(form)));
    Vec::new()
}
