//! What is done about an alert from its queue: taking the fix, making it known more loudly, and looking at what it stops.

use std::collections::VecDeque;

use super::{acts, errands, forms, moves};
use crate::{
    domain::{
        andon::{Alert, Severity},
        command::{Command, Hold, NewOrder},
        order::{Kind, Priority, PullSignal},
    },
    ui::{
        action::Action,
        effect::Effect,
        errand::{Errand, Step},
        model::Model,
        overlay::{
            Overlay,
            form::Purpose as For,
            palette::{Choice, Item, Palette},
        },
        theme::Role,
    },
};

/// How many of the orders that an alert stops are offered of each sort; the board has them all.
const OFFERED: usize = 50;

/// Does an action about the selected alert.
pub(super) fn run(model: &mut Model, action: Action) -> Vec<Effect> {
    let selected = model.selected_alert();
    let Some(alert) = selected.and_then(|id| model.state.alerts.get(&id).cloned()) else {
        return Vec::new();
    };
    match action {
        Action::Take => take(model, &alert),
        Action::Escalate => escalate(model, &alert),
        Action::Stopped => stopped(model, &alert),
        _ => correct(model, &alert),
    }
}

fn title(alert: &Alert) -> String {
    format!("Mend {}: {}", alert.id, alert.reason)
}

/// What stops the line goes before all else.
fn priority(alert: &Alert) -> Priority {
    let urgent = match alert.severity {
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
    let starts = waiting.is_none();
    if starts {
        let order = NewOrder {
            kind: Kind::Bug,
            priority: priority(alert),
            corrective: vec![alert.id],
            signal: PullSignal {
                kind: "console".into(),
                source: Some(alert.id.to_string()),
            },
            ..NewOrder::task(title(alert))
        };
        steps.push_back(Command::CreateOrder { order }.into());
    }
    let errand = Errand {
        starts,
        ..Errand::default()
    };
    errands::begin(model, errand, steps)
}

/// Sees the condition again, one severity worse: that is how an alert grows. What it holds stays as it is.
fn escalate(model: &mut Model, alert: &Alert) -> Vec<Effect> {
    let Some(severity) = alert.severity.worse() else {
        let text = format!("{} is {} already", alert.id, alert.severity);
        model.say(text, Role::Warning);
        return Vec::new();
    };
    if alert.fingerprint.is_none() {
        let text = format!(
            "{} names no condition that could be seen again: pull a {severity} cord beside it",
            alert.id
        );
        model.say(text, Role::Warning);
        return Vec::new();
    }
    let command = Command::TriggerAndon {
        reason: alert.reason.clone(),
        severity,
        hold: Some(Hold::Nothing),
        fingerprint: alert.fingerprint.clone(),
        order: alert.order,
    };
    acts::submit(model, command, None)
}

/// Offers what the alert stops, to go there.
fn stopped(model: &mut Model, alert: &Alert) -> Vec<Effect> {
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

/// Opens the form of a new order that mends the alert.
fn correct(model: &mut Model, alert: &Alert) -> Vec<Effect> {
    let form = forms::mending_form(
        model,
        For::Correct(alert.id),
        &title(alert),
        priority(alert),
    );
    model.overlay = Some(Overlay::Form(Box::new(form)));
    Vec::new()
}
