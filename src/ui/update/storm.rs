//! Many alerts at once: marks, groups, and one act on all of them, asked about once and told of in one line.

use super::{acts, bulk, errands};
use crate::{
    domain::{
        andon::{Alert, Severity},
        command::{Command, NewOrder},
        id::AlertId,
        order::{Kind, PullSignal},
    },
    ui::{
        action::Action,
        effect::Effect,
        errand::Step,
        model::Model,
        overlay::{
            Overlay,
            confirm::Yes,
            palette::{Choice, Item, Palette},
        },
        queue::{self, GroupBy},
        theme::Role,
        words,
    },
};

/// For how long an alert is put to sleep, in minutes.
const SNOOZES: [(u32, &str); 4] = [
    (15, "15 minutes"),
    (60, "1 hour"),
    (240, "4 hours"),
    (1440, "1 day"),
];

/// Marks, or unmarks, what `what` says: the selected row, all alerts, those of its condition or its scope.
pub(super) fn mark(model: &mut Model, what: &str) -> Vec<Effect> {
    let selected = model.shown_alert();
    let alike = |by: GroupBy| {
        let kind = by.of(model.state.alert(selected?)?);
        let alerts = queue::listed(model).into_iter();
        let same = alerts.filter(|alert| by.of(alert) == kind);
        Some(same.map(|alert| alert.id).collect())
    };
    let wanted: Vec<AlertId> = match what {
        "none" => {
            model.queue.marks.clear();
            return Vec::new();
        }
        "column" => return Vec::new(),
        "all" => queue::listed(model).iter().map(|a| a.id).collect(),
        "condition" => alike(GroupBy::Condition).unwrap_or_default(),
        "scope" => alike(GroupBy::Scope).unwrap_or_default(),
        _ => {
            let row = selected.and_then(|id| model.queue.row(id));
            row.map(|row| row.ids.clone()).unwrap_or_default()
        }
    };
    let open = |id: &AlertId| model.state.alert(*id).is_some();
    match selected.filter(|id| !open(id)) {
        Some(id) if what != "all" => {
            model.say(format!("{id} is resolved: it takes no mark"), Role::Warning);
        }
        _ => {
            let marks = &mut model.queue.marks;
            if wanted.iter().all(|id| marks.contains(id)) {
                marks.retain(|id| !wanted.contains(id));
            } else {
                marks.extend(wanted);
            }
        }
    }
    if what == "next" {
        let heads = model.queue.heads();
        model.andon.step(&heads, 1);
    }
    Vec::new()
}

/// Puts alerts together another way.
pub(super) fn group(model: &mut Model, name: &str) -> Vec<Effect> {
    let by = GroupBy::named(name).unwrap_or(model.queue.by.next());
    model.queue.by = by;
    queue::fold(model);
    let said = match by {
        GroupBy::Nothing => "alerts one by one".to_owned(),
        by if model.queue.rows.iter().all(|row| row.group.is_none()) => {
            format!("alerts by {}: no two are alike", by.name())
        }
        by => format!("alerts by {}", by.name()),
    };
    model.say(said, Role::Muted);
    Vec::new()
}

/// Shows the resolved alerts behind the open ones, or not any more.
pub(super) fn resolved(model: &mut Model) -> Vec<Effect> {
    model.queue.resolved = !model.queue.resolved;
    let said = match model.queue.resolved {
        true => "resolved alerts too, behind the open ones",
        false => "open alerts only",
    };
    model.say(said, Role::Muted);
    Vec::new()
}

/// Returns the group whose head is selected, if one is.
pub(super) fn head(model: &Model) -> Option<String> {
    model.queue.row(model.shown_alert()?)?.group.clone()
}

/// Asks before an act on several alerts. Those with which it is done already are left out, and the question says so.
pub(super) fn run(model: &mut Model, action: Action, ids: &[AlertId]) -> Vec<Effect> {
    let without = |done: fn(&Alert) -> bool| -> Vec<AlertId> {
        let open = ids
            .iter()
            .filter(|id| model.state.alert(**id).is_some_and(|alert| !done(alert)));
        open.copied().collect()
    };
    let (act, left, done) = match action {
        Action::Acknowledge => (
            "Acknowledge",
            without(|alert| alert.acknowledged.is_some()),
            "acknowledged",
        ),
        Action::Escalate => (
            "Escalate",
            without(|alert| alert.severity.worse().is_none()),
            Severity::Critical.word(),
        ),
        Action::Take => return ask_take(model, ids),
        _ => return Vec::new(),
    };
    if left.is_empty() {
        let alerts = words::count(ids.len(), "alert");
        model.say(format!("{alerts}: {done} already"), Role::Warning);
        return Vec::new();
    }
    let mut more = Vec::new();
    if left.len() < ids.len() {
        let others = ids.len() - left.len();
        more.push(format!("{others} more: {done} already, left out."));
    }
    let wish: fn(AlertId) -> Command = match action {
        Action::Escalate => {
            more.push("Each becomes one severity worse.".to_owned());
            |id| Command::EscalateAlert {
                id,
                to: None,
                reason: None,
            }
        }
        _ => |id| Command::AcknowledgeAlert { id },
    };
    ask(model, act, &left, wish, more)
}

/// Asks how long alerts are to sleep.
pub(super) fn choose_snooze(model: &mut Model, ids: &[AlertId]) {
    let items = SNOOZES.map(|(minutes, label)| {
        let choice = Choice::Snooze(ids.to_vec(), minutes * 60);
        Item::new(label, "what it holds stays held", choice)
    });
    let title = match ids {
        [id] => format!("Snooze {id}"),
        ids => format!("Snooze {}", words::count(ids.len(), "alert")),
    };
    let palette = Palette::new(title, items.to_vec());
    model.overlay = Some(Overlay::Palette(Box::new(palette)));
}

/// Puts alerts to sleep.
pub(super) fn snooze(model: &mut Model, ids: Vec<AlertId>, seconds: u32) -> Vec<Effect> {
    let wish = |id| Command::SnoozeAlert { id, seconds };
    match ids.as_slice() {
        [id] => acts::submit(model, wish(*id), None),
        ids => ask(
            model,
            "Snooze",
            ids,
            wish,
            vec!["What they hold stays held.".into()],
        ),
    }
}

/// Ends alerts with what was done.
pub(super) fn resolve(model: &mut Model, ids: Vec<AlertId>, resolution: String) -> Vec<Effect> {
    let wish = |id| Command::ResolveAlert {
        id,
        resolution: resolution.clone(),
    };
    match ids.as_slice() {
        [id] => acts::submit(model, wish(*id), None),
        ids => {
            let alerts = ids.iter().filter_map(|id| model.state.alert(*id));
            let holding = alerts.filter(|alert| alert.hold.is_some()).count();
            let more = vec![
                format!("Resolution: {resolution}"),
                format!(
                    "What {} is freed.",
                    match holding {
                        1 => "1 of them holds".to_owned(),
                        n => format!("{n} of them hold"),
                    }
                ),
            ];
            ask(model, "Resolve", ids, wish, more)
        }
    }
}

/// Returns the alerts that are still open, and those of them that no open order mends yet.
fn unmended(model: &Model, ids: &[AlertId]) -> (Vec<AlertId>, Vec<AlertId>) {
    let open = |id: &AlertId| model.state.alert(*id).is_some();
    let open: Vec<AlertId> = ids.iter().copied().filter(open).collect();
    let free = |id: &AlertId| {
        let alert = model.state.alert(*id);
        let mending = alert.map(|alert| alert.corrective.iter());
        mending.is_some_and(|mut orders| !orders.any(|order| model.state.order(*order).is_some()))
    };
    let free = open.iter().copied().filter(free).collect();
    (open, free)
}

/// Asks before several alerts are taken with one order that is to mend them all: a storm has one cause more often than a
/// hundred. What is being mended already is left to that.
fn ask_take(model: &mut Model, ids: &[AlertId]) -> Vec<Effect> {
    let (open, free) = unmended(model, ids);
    if free.is_empty() {
        model.say("an order mends each of them already", Role::Warning);
        return Vec::new();
    }
    let mut more = vec!["One order that mends them all is made, and started.".to_owned()];
    let mended = open.len() - free.len();
    if mended > 0 {
        more.push(format!("{mended} of them have such an order already."));
    }
    ask_for(model, "Take", &open, more, Yes::Take(open.clone()))
}

/// Makes and starts the order that is to mend those of the alerts that are still open, and takes notice of them once it
/// is there: what was resolved since the question stops nothing.
pub(super) fn take(model: &mut Model, ids: &[AlertId]) -> Vec<Effect> {
    let (open, corrective) = unmended(model, ids);
    let Some(first) = corrective.first().and_then(|id| model.state.alert(*id)) else {
        let said = match open.is_empty() {
            true => "none of them is open any more",
            false => "an order mends each of them already",
        };
        model.say(said, Role::Warning);
        return Vec::new();
    };
    let severity = queue::worst(model, &corrective).unwrap_or(Severity::Low);
    let title = match corrective.len() {
        1 => super::alerts::title(first.id, first),
        n => super::alerts::title(format_args!("{n} alerts"), first),
    };
    let mut order = NewOrder {
        kind: Kind::Bug,
        priority: super::alerts::priority(severity),
        signal: PullSignal {
            kind: "console".into(),
            source: Some(first.id.to_string()),
        },
        corrective,
        ..NewOrder::task(title)
    };
    // What another order mends and holds this one too is mended by both.
    let (among, others): (Vec<_>, Vec<_>) = super::alerts::holding(model, &order)
        .into_iter()
        .partition(|id| ids.contains(id));
    if !others.is_empty() {
        super::alerts::also_held(model, None, &others);
        return Vec::new();
    }
    order.corrective.extend(among);
    let make = Step {
        starts: true,
        ..Step::from(Command::CreateOrder { order })
    };
    let seen = open
        .into_iter()
        .map(|id| Command::AcknowledgeAlert { id }.into());
    errands::send_behind(model, "Take".into(), make, seen.collect())
}

/// Asks once more before a wish is made of several alerts.
fn ask(
    model: &mut Model,
    act: &str,
    ids: &[AlertId],
    wish: impl Fn(AlertId) -> Command,
    more: Vec<String>,
) -> Vec<Effect> {
    let steps = ids.iter().map(|id| Step::from(wish(*id))).collect();
    ask_for(model, act, ids, more, Yes::Each(act.to_owned(), steps))
}

/// Asks once more before something is done with several alerts, unless they are too many.
fn ask_for(
    model: &mut Model,
    act: &str,
    ids: &[AlertId],
    more: Vec<String>,
    yes: Yes,
) -> Vec<Effect> {
    let count = words::count(ids.len(), "alert");
    if ids.len() > bulk::MAX_MANY {
        let text = format!("{count}: at most {} at once", bulk::MAX_MANY);
        model.say(text, Role::Warning);
        return Vec::new();
    }
    let alerts = ids.iter().filter_map(|id| model.state.alert(*id));
    let mut facts: Vec<String> = alerts
        .take(bulk::NAMED)
        .map(|alert| format!("{} {} {}", alert.id, alert.severity, alert.reason))
        .collect();
    if ids.len() > facts.len() {
        facts.push(format!("and {} more", ids.len() - facts.len()));
    }
    facts.extend(more);
    bulk::ask(model, act, &count, facts, yes);
    Vec::new()
}
