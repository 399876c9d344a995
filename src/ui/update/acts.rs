//! Acts: from what is selected to a command, asking for what the command needs first.

use crate::{
    domain::{
        andon::{Scope, Severity},
        command::{Command, Destination},
        event::Changes,
        id::OrderId,
        order::{Bucket, Kind, Order, Phase, Priority},
        query::detail::OrderDetail,
    },
    ui::{
        action::Action,
        effect::Effect,
        keymap::Scope as Keys,
        model::{Model, Pending},
        overlay::{
            Overlay,
            form::{Field, Form, Purpose as For},
            help::keys_of,
            palette::{Choice, Item, Palette},
            prompt::{Prompt, Purpose},
        },
        theme::Role,
        words,
    },
};

/// Runs an act, or opens the dialog that asks for what it needs.
pub(super) fn run(model: &mut Model, action: Action) -> Vec<Effect> {
    let order = model.selected_order();
    match (action, order) {
        (Action::PullNext, _) => submit(
            model,
            Command::PullNext {
                filter: Default::default(),
                lease_seconds: None,
            },
            None,
        ),
        (Action::Create, _) => open(model, Overlay::Form(Box::new(order_form(model, None)))),
        (Action::Andon, _) => open(model, Overlay::Form(Box::new(cord_form(model)))),
        (Action::Start, Some(id)) => submit(model, Command::StartOrder { id }, None),
        (Action::Forward, Some(id)) => relocate(model, id, Destination::Right),
        (Action::Backward, Some(id)) => relocate(model, id, Destination::Left),
        (Action::Complete, Some(id)) => ask(model, Purpose::Complete(id)),
        (Action::Cancel, Some(id)) => ask(model, Purpose::Cancel(id)),
        (Action::Reopen, Some(id)) => ask(model, Purpose::Reopen(id)),
        (Action::Release, Some(id)) => release(model, id),
        (Action::Edit, Some(id)) => edit(model, id),
        (Action::Comment, Some(id)) => {
            let fields = vec![Field::block(
                "comment",
                "Markdown; it cannot be taken back",
                "",
            )];
            let form = Form::new(
                For::Comment(id),
                format!("Comment on {id}"),
                fields,
                keys(model),
            );
            open(model, Overlay::Form(Box::new(form)))
        }
        (Action::Priority, Some(id)) => choose_priority(model, id),
        (Action::Bucket, Some(id)) => choose_bucket(model, id),
        (Action::Depend, Some(id)) => choose_dependency(model, id),
        (Action::Undepend, Some(id)) => choose_wait(model, id),
        _ => about_others(model, action),
    }
}

fn about_others(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(id) = model.selected_alert() {
        match action {
            Action::Acknowledge => return submit(model, Command::AcknowledgeAlert { id }, None),
            Action::Resolve => return ask(model, Purpose::Resolve(id)),
            Action::Snooze => {
                let items = [
                    (15, "15 minutes"),
                    (60, "1 hour"),
                    (240, "4 hours"),
                    (1440, "1 day"),
                ];
                let item = |(minutes, label): (u32, &str)| Item {
                    label: label.into(),
                    note: "what it holds stays held".into(),
                    choice: Choice::Submit(Box::new(Command::SnoozeAlert {
                        id,
                        seconds: minutes * 60,
                    })),
                    why_not: None,
                };
                let items = items.into_iter().map(item).collect();
                return open_palette(model, Palette::new(format!("Snooze {id}"), items));
            }
            _ => {}
        }
    }
    if let (Action::PauseAgent, Some(name)) = (action, model.selected_agent()) {
        let name = name.to_owned();
        let paused = model
            .state
            .agent(&name)
            .is_some_and(|agent| agent.paused.is_some());
        return if paused {
            submit(model, Command::ResumeAgent { name }, None)
        } else {
            ask(model, Purpose::PauseAgent(name))
        };
    }
    Vec::new()
}

/// Hands a command to the engine. A viewer's never leaves: this is the only door, and it asks again.
pub(super) fn submit(model: &mut Model, command: Command, form: Option<Box<Form>>) -> Vec<Effect> {
    if let Err(why) = crate::ui::action::may_act(model) {
        model.say(why, Role::Warning);
        return Vec::new();
    }
    let ticket = model.tickets.issue();
    model.submitted.push(Pending { ticket, form });
    vec![Effect::Submit {
        ticket,
        command: Box::new(command),
    }]
}

fn open(model: &mut Model, overlay: Overlay) -> Vec<Effect> {
    model.overlay = Some(overlay);
    Vec::new()
}

fn open_palette(model: &mut Model, palette: Palette) -> Vec<Effect> {
    open(model, Overlay::Palette(Box::new(palette)))
}

fn ask(model: &mut Model, purpose: Purpose) -> Vec<Effect> {
    open(model, Overlay::Prompt(Box::new(Prompt::new(purpose, ""))))
}

fn keys(model: &Model) -> String {
    let mut keys = keys_of(model, &[Keys::Form], &[Action::Accept, Action::Back]);
    if let Some(next) = model.keymap.chords(&[Keys::Form], "field next").first() {
        keys += &format!("   {} next field", crate::ui::keymap::chord(next));
    }
    keys
}

/// The last stage's right neighbour is done, which needs a completion.
fn relocate(model: &mut Model, id: OrderId, to: Destination) -> Vec<Effect> {
    let stages = &model.state.settings.stages;
    let last = stages.last().map(|stage| stage.name.as_str());
    let here = model
        .state
        .order(id)
        .and_then(|order| order.work())
        .map(|w| w.stage.as_str());
    if to == Destination::Right && here == last {
        return ask(model, Purpose::Complete(id));
    }
    submit(model, Command::MoveOrder { id, to }, None)
}

fn release(model: &mut Model, id: OrderId) -> Vec<Effect> {
    let holder = model
        .state
        .order(id)
        .and_then(|order| order.work())
        .map(|work| &work.holder);
    if holder.is_some_and(|holder| holder.name != model.session.me) {
        return ask(model, Purpose::ForceRelease(id));
    }
    let command = Command::ReleaseOrder {
        id,
        force: false,
        reason: None,
    };
    submit(model, command, None)
}

fn edit(model: &mut Model, id: OrderId) -> Vec<Effect> {
    let Some(order) = model.state.order(id).cloned() else {
        return Vec::new();
    };
    // The text is on the ledger: only what was fetched can be edited.
    let known = model
        .asks
        .detail()
        .is_some_and(|detail| detail.order.id == id);
    if order.description.is_some() && !known {
        super::moves::show(model, id);
        model.say(
            format!("{id} is being fetched; press the key again"),
            Role::Muted,
        );
        return Vec::new();
    }
    let form = order_form(model, Some(&order));
    open(model, Overlay::Form(Box::new(form)))
}

fn order_form(model: &Model, order: Option<&Order>) -> Form {
    let detail = model
        .asks
        .detail()
        .filter(|d| order.is_some_and(|o| o.id == d.order.id));
    let description = detail
        .and_then(|d| d.description.clone())
        .unwrap_or_default();
    let kind = order.map_or(Kind::Task, |order| order.kind);
    let kinds = Kind::ALL
        .iter()
        .filter(|k| order.is_none() || (**k == Kind::Epic) == (kind == Kind::Epic));
    let options = kinds
        .map(|kind| (kind.word().to_owned(), String::new()))
        .collect();
    let bucket = order.map_or(Bucket::Features, |order| order.bucket);
    let buckets = Bucket::ALL
        .iter()
        .map(|bucket| (bucket.word().to_owned(), standing(model, *bucket)));
    let priority = order.map_or(Priority::DEFAULT, |order| order.priority);
    let priorities = (1..=10)
        .rev()
        .map(|n: u8| (n.to_string(), urgency(n).to_owned()));
    let epics = model.state.open_epics().take(MAX_EPICS);
    let none = std::iter::once(("none".to_owned(), String::new()));
    let parent = order.and_then(|order| order.parent);
    let mut parents: Vec<_> = none
        .chain(epics.map(|epic| (epic.id.to_string(), epic.title.clone())))
        .collect();
    let parent = parent.map_or("none".to_owned(), |id| id.to_string());
    if !parents.iter().any(|(id, _)| *id == parent) {
        parents.push((parent.clone(), String::new()));
    }
    let labels = order
        .map(|order| order.labels.join(", "))
        .unwrap_or_default();
    let estimate = order
        .and_then(|order| order.estimate)
        .map(|m| m.to_string());
    let assignee = order
        .and_then(|order| order.assignee.clone())
        .unwrap_or_default();
    let fields = vec![
        Field::line("title", "one line", order.map_or("", |order| &order.title)),
        Field::choice("kind", options, kind.word()),
        Field::choice("bucket", buckets.collect(), bucket.word()),
        Field::choice("priority", priorities.collect(), &priority.to_string()),
        Field::choice("part of", parents, &parent),
        Field::line("labels", "words, with commas between", &labels),
        Field::line("assignee", "who is meant to do it", &assignee),
        Field::line("estimate", "minutes", &estimate.unwrap_or_default()),
        Field::block("description", "Markdown", &description),
    ];
    match order {
        Some(order) => Form::new(
            For::Edit(order.id),
            format!("Edit {}", order.id),
            fields,
            keys(model),
        ),
        None => Form::new(For::Create, "New work order", fields, keys(model)),
    }
}

/// How many epics a form offers as a parent; others are named by `work-order edit --parent`.
const MAX_EPICS: usize = 200;

fn standing(model: &Model, bucket: Bucket) -> String {
    let wip = model
        .state
        .counts
        .wip
        .get(bucket.index())
        .copied()
        .unwrap_or(0);
    let rule = model.state.settings.bucket(bucket);
    let sla = rule
        .sla()
        .map_or("no SLA".into(), |sla| format!("SLA {}", words::span(sla)));
    let full = if wip >= rule.wip_limit { ", full" } else { "" };
    format!("{wip}/{} in progress{full}, {sla}", rule.wip_limit)
}

fn urgency(priority: u8) -> &'static str {
    match priority {
        10 => "most urgent",
        5 => "the middle",
        1 => "least urgent",
        _ => "",
    }
}

fn cord_form(model: &Model) -> Form {
    let about = model.selected_order().and_then(|id| model.state.order(id));
    let mut holds: Vec<(String, String)> = vec![
        (
            "default".into(),
            "critical holds the line, the rest hold nothing".into(),
        ),
        ("nothing".into(), "only tells".into()),
        (
            Scope::Line.to_string(),
            "nothing starts, moves on or completes".into(),
        ),
    ];
    if let Some(order) = about {
        holds.push((Scope::Order(order.id).to_string(), order.title.clone()));
        let epic = model.state.lineage(order.id).find(|id| id.is_epic());
        holds.extend(epic.map(|id| {
            (
                Scope::Epic(id).to_string(),
                "and everything beneath it".into(),
            )
        }));
        if let Phase::InProgress(work) = &order.phase {
            let agent = Scope::Agent(work.holder.name.clone()).to_string();
            holds.push((agent, "what it holds or would pull".into()));
        }
    }
    let buckets = Bucket::ALL
        .iter()
        .map(|b| (Scope::Bucket(*b).to_string(), standing(model, *b)));
    let stages = model.state.settings.stages.iter().map(|stage| {
        let orders = usize::try_from(model.state.counts.stage(&stage.name)).unwrap_or(0);
        (
            Scope::Stage(stage.name.clone()).to_string(),
            words::count(orders, "order"),
        )
    });
    holds.extend(buckets.chain(stages));
    let severities = [
        (Severity::Low, "worth a look today"),
        (Severity::Medium, "worth a look this shift"),
        (Severity::High, "somebody must look now"),
        (Severity::Critical, "the line must stop"),
    ];
    let severities = severities
        .map(|(s, about)| (s.word().to_owned(), about.to_owned()))
        .to_vec();
    let fields = vec![
        Field::line("reason", "what is wrong", ""),
        Field::choice("severity", severities, Severity::High.word()),
        Field::choice("hold", holds, "default"),
    ];
    let title = match about {
        Some(order) => format!("Pull the andon cord, about {}", order.id),
        None => "Pull the andon cord".into(),
    };
    Form::new(
        For::Andon(about.map(|order| order.id)),
        title,
        fields,
        keys(model),
    )
}

fn change(id: OrderId, changes: Changes) -> Choice {
    Choice::Submit(Box::new(Command::EditOrder {
        id,
        changes,
        add_labels: Vec::new(),
        remove_labels: Vec::new(),
    }))
}

fn choose_priority(model: &mut Model, id: OrderId) -> Vec<Effect> {
    let items = (1..=10).rev().filter_map(|n: u8| {
        Some(Item {
            label: n.to_string(),
            note: urgency(n).into(),
            choice: change(
                id,
                Changes {
                    priority: Some(Priority::new(n)?),
                    ..Changes::default()
                },
            ),
            why_not: None,
        })
    });
    let now = model
        .state
        .order(id)
        .map(|order| order.priority.to_string());
    let palette = Palette::new(format!("Priority of {id}"), items.collect());
    open_palette(model, palette.at(&now.unwrap_or_default()))
}

fn choose_bucket(model: &mut Model, id: OrderId) -> Vec<Effect> {
    let items = Bucket::ALL.iter().map(|bucket| Item {
        label: words::plain(bucket.word()),
        note: standing(model, *bucket),
        choice: change(
            id,
            Changes {
                bucket: Some(*bucket),
                ..Changes::default()
            },
        ),
        why_not: None,
    });
    let now = model
        .state
        .order(id)
        .map(|order| words::plain(order.bucket.word()));
    let palette = Palette::new(format!("Bucket of {id}"), items.collect());
    open_palette(model, palette.at(&now.unwrap_or_default()))
}

fn choose_dependency(model: &mut Model, id: OrderId) -> Vec<Effect> {
    let Some(order) = model.state.order(id) else {
        return Vec::new();
    };
    let waits = |on: OrderId| order.depends_on.iter().any(|wait| wait.on == on);
    let others = model
        .state
        .orders()
        .filter(|other| other.id != id && !waits(other.id));
    let items = others.map(|other| Item {
        label: format!("{} {}", other.id, other.title),
        note: words::plain(other.bucket.word()),
        choice: Choice::Depend(id, other.id),
        why_not: None,
    });
    let palette = Palette::new(format!("{id} waits for …"), items.collect()).with_ids(Some(id));
    open_palette(model, palette)
}

fn choose_wait(model: &mut Model, id: OrderId) -> Vec<Effect> {
    let Some(order) = model.state.order(id) else {
        return Vec::new();
    };
    let detail: Option<&OrderDetail> = model.asks.detail().filter(|d| d.order.id == id);
    let title = |on: OrderId| {
        let open = model.state.order(on).map(|order| order.title.clone());
        let fetched = || {
            let found = detail?.depends_on.iter().find(|n| n.id == on)?;
            Some(found.title.clone())
        };
        open.or_else(fetched).unwrap_or_default()
    };
    let items = order.depends_on.iter().map(|wait| Item {
        label: format!("{} {}", wait.on, title(wait.on)),
        note: wait.state.word().into(),
        choice: Choice::Submit(Box::new(Command::RemoveDependency { id, on: wait.on })),
        why_not: None,
    });
    let palette = Palette::new(format!("{id} no longer waits for …"), items.collect());
    open_palette(model, palette)
}
