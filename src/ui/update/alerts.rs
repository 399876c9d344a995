//! What is done about an alert from its queue: taking the fix, making it known more loudly, and looking at what it stops.

use std::{collections::VecDeque, fmt::Display};

use super::{acts, errands, forms, moves, storm};
use crate::{
    domain::{
        andon::{Alert, Scope, Severity},
        command::{Command, NewOrder},
        decide::import::MAX_TITLE,
        id::{AlertId, OrderId},
        order::{Kind, Priority, PullSignal},
        record::ActorKind,
    },
    text,
    ui::{
        action::Action,
        effect::Effect,
        errand::Step,
        keymap::chord,
        model::Model,
        overlay::{
            Overlay,
            confirm::{Confirm, Yes},
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

/// How many of the alerts that hold an order too are named.
const ALSO: usize = 3;

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
    let Some((alert, worse)) = model
        .state
        .alert(id)
        .and_then(|alert| Some((alert, alert.severity.worse()?)))
    else {
        return Vec::new();
    };
    let mut facts = vec![alert.reason.clone()];
    if worse == Severity::Critical {
        facts.push("Every console shows it across the top and calls.".into());
    }
    facts.push("It holds what it holds now. It cannot be undone.".into());
    model.overlay = Some(Overlay::Confirm(Confirm {
        question: format!("Escalate {id} from {} to {worse}?", alert.severity),
        facts,
        stake: None,
        yes: Yes::Submit(
            Box::new(Command::EscalateAlert {
                id,
                to: None,
                reason: None,
            }),
            None,
        ),
        form: None,
    }));
    Vec::new()
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
    let held = match (waiting, mending.is_empty()) {
        (Some(order), _) => model.state.held_by(order).collect(),
        (None, true) => holding(model, &order),
        (None, false) => Vec::new(),
    };
    if !held.is_empty() {
        also_held(model, waiting.map(|order| order.id), &held);
        return Vec::new();
    }
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
        // Nobody has taken notice of what nobody can mend.
        steps.push_front(Step {
            starts: true,
            ..Step::from(Command::CreateOrder { order })
        });
    }
    errands::send(model, steps, None)
}

/// Returns the alerts whose hold would keep a new order from starting in the first stage.
pub(super) fn holding(model: &Model, order: &NewOrder) -> Vec<AlertId> {
    let first = model.state.settings.stages.first();
    let covers = |scope: &Scope| match scope {
        Scope::Line => true,
        Scope::Bucket(bucket) => *bucket == order.bucket,
        Scope::Stage(name) => first.is_some_and(|stage| stage.name == *name),
        Scope::Agent(name) => {
            let me = &model.session.me;
            me.kind == ActorKind::Agent && me.name == *name
        }
        Scope::Order(_) | Scope::Epic(_) => false,
    };
    let alerts = model.state.alerts.values();
    let others = alerts.filter(|alert| !order.corrective.contains(&alert.id));
    let holding = others.filter(|alert| alert.hold.as_ref().is_some_and(covers));
    holding.map(|alert| alert.id).collect()
}

/// Says which other alerts keep what mends one from starting, before anything is made.
pub(super) fn also_held(model: &mut Model, order: Option<OrderId>, by: &[AlertId]) {
    let named: Vec<String> = by.iter().take(ALSO).map(ToString::to_string).collect();
    let more = match by.len().saturating_sub(ALSO) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let (named, keys) = (named.join(", "), mark_keys(model));
    let said = match order {
        Some(id) => format!("{id} is also held by {named}{more}: resolve that first"),
        None => format!(
            "nothing was done: what mends it is also held by {named}{more}; mark them{keys} and take them together"
        ),
    };
    model.say(said, Role::Warning);
}

/// Returns the key that marks all that hold the same.
fn mark_keys(model: &Model) -> String {
    let keys = model.keymap.chords(&model.scopes(), "mark");
    let key = keys.first().map(|keys| chord(keys));
    key.map_or(String::new(), |key| format!(" ({key})"))
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
        (&blast.also_held, "ready, but others hold it too"),
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
