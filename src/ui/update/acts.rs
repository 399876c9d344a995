//! Acts: from what is selected to a command, asking for what the command needs first.

use super::{
    agents, bulk, errands,
    forms::{cord_form, order_form},
};
use crate::{
    domain::{
        command::{Command, Destination},
        event::Changes,
        id::OrderId,
        order::{Bucket, Priority},
        query::{
            detail::OrderDetail,
            gates::{GateView, gates_of},
        },
    },
    ui::{
        action::Action,
        effect::Effect,
        errand::Step,
        keymap::Scope as Keys,
        model::Model,
        overlay::{
            Overlay,
            form::{Field, Form, Purpose as For},
            help::keys_of,
            palette::{Choice, Item, Palette},
            prompt::{Claim, Prompt, Purpose},
        },
        theme::Role,
        words,
    },
};

/// Runs an act, or opens the dialog that asks for what it needs.
pub(super) fn run(model: &mut Model, action: Action) -> Vec<Effect> {
    if model.acts_on_marks() && bulk::fits(action) {
        let ids = bulk::marked(model);
        if !ids.is_empty() {
            return bulk::run(model, action, ids);
        }
    }
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
        (Action::Gate, Some(id)) => choose_gate(model, id),
        _ => about_others(model, action),
    }
}

fn about_others(model: &mut Model, action: Action) -> Vec<Effect> {
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
    agents::run(model, action)
}

/// Hands a command to the engine.
pub(super) fn submit(model: &mut Model, command: Command, form: Option<Box<Form>>) -> Vec<Effect> {
    submit_under(model, command, None, form)
}

/// Hands a command to the engine, which refuses it unless the claim of that number still holds the order.
pub(super) fn submit_under(
    model: &mut Model,
    command: Command,
    epoch: Option<u32>,
    form: Option<Box<Form>>,
) -> Vec<Effect> {
    if matches!(command, Command::PullNext { .. }) || again(model, &command) {
        model.last = Some(command.clone());
    }
    let step = Step {
        epoch,
        ..Step::from(command)
    };
    errands::send(model, [step], form)
}

/// Returns whether a command can be done again, with another order.
fn again(model: &Model, command: &Command) -> bool {
    let id = command.order();
    id.is_some_and(|id| errands::about(command, id).is_some()) && !model.observes()
}

/// Does once more what was done last: with the selected order, or with those that are marked.
pub(super) fn repeat(model: &mut Model) -> Vec<Effect> {
    let Some(last) = model.last.clone() else {
        return Vec::new();
    };
    if last.order().is_none() {
        return submit(model, last, None);
    }
    let marked = bulk::marked(model);
    if model.acts_on_marks() && !marked.is_empty() {
        let ids = marked.into_iter();
        let wishes: Vec<_> = ids.filter_map(|id| errands::about(&last, id)).collect();
        let ids: Vec<_> = wishes.iter().filter_map(Command::order).collect();
        let act = last.spec().verb;
        let wish = |id| errands::about(&last, id).unwrap_or_else(|| last.clone());
        bulk::confirm(model, act, &ids, wish, &[]);
        return Vec::new();
    }
    let again = model
        .selected_order()
        .and_then(|id| errands::about(&last, id));
    match again {
        None => {
            model.say("nothing is selected to do it with", Role::Warning);
            Vec::new()
        }
        Some(command @ (Command::CancelOrder { .. } | Command::CompleteOrder { .. })) => {
            super::dialogs::end(model, command)
        }
        Some(command) => submit(model, command, None),
    }
}

pub(super) fn open(model: &mut Model, overlay: Overlay) -> Vec<Effect> {
    model.overlay = Some(overlay);
    Vec::new()
}

fn open_palette(model: &mut Model, palette: Palette) -> Vec<Effect> {
    open(model, Overlay::Palette(Box::new(palette)))
}

pub(super) fn ask(model: &mut Model, purpose: Purpose) -> Vec<Effect> {
    open(model, Overlay::Prompt(Box::new(Prompt::new(purpose, ""))))
}

/// Returns the line of keys at a form's bottom.
pub(super) fn keys(model: &Model) -> String {
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
    let order = model.state.order(id);
    if let Some(claim) = order.and_then(|order| Claim::on(order))
        && claim.holder != model.session.me
    {
        return ask(model, Purpose::ForceRelease(claim));
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

/// Returns how full a bucket is and what it promises.
pub(super) fn standing(model: &Model, bucket: Bucket) -> String {
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

/// Returns what a priority means, where that needs saying.
pub(super) fn urgency(priority: u8) -> &'static str {
    match priority {
        10 => "most urgent",
        5 => "the middle",
        1 => "least urgent",
        _ => "",
    }
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
        let changes = Changes {
            priority: Some(Priority::new(n)?),
            ..Changes::default()
        };
        Some(Item::new(n.to_string(), urgency(n), change(id, changes)))
    });
    let now = model
        .state
        .order(id)
        .map(|order| order.priority.to_string());
    let palette = Palette::new(format!("Priority of {id}"), items.collect());
    open_palette(model, palette.at(&now.unwrap_or_default()))
}

fn choose_bucket(model: &mut Model, id: OrderId) -> Vec<Effect> {
    let items = Bucket::ALL.iter().map(|bucket| {
        let changes = Changes {
            bucket: Some(*bucket),
            ..Changes::default()
        };
        let label = words::plain(bucket.word());
        Item::new(label, standing(model, *bucket), change(id, changes))
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
    let items = others.map(|other| {
        let label = format!("{} {}", other.id, other.title);
        let note = words::plain(other.bucket.word());
        Item::new(label, note, Choice::Depend(id, other.id)).known_as(other.external.as_ref())
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
    let items = order.depends_on.iter().map(|wait| {
        let label = format!("{} {}", wait.on, title(wait.on));
        let command = Box::new(Command::RemoveDependency { id, on: wait.on });
        Item::new(label, wait.state.word(), Choice::Submit(command))
    });
    let palette = Palette::new(format!("{id} no longer waits for …"), items.collect());
    open_palette(model, palette)
}

/// Offers the order's gates: those that are run, and those that the person at the console opens.
fn choose_gate(model: &mut Model, id: OrderId) -> Vec<Effect> {
    let Some(order) = model.state.order(id) else {
        return Vec::new();
    };
    let item = |view: GateView| {
        let (gate, approval) = (view.gate, view.rule.approval);
        let stands = view
            .standing
            .map_or(String::new(), |standing| standing.words(approval));
        match approval {
            true => {
                let (label, note) = (format!("approve {gate}"), None);
                let command = Box::new(Command::ApproveGate { id, gate, note });
                Item::new(label, stands, Choice::Submit(command))
            }
            false => {
                let line = format!("quality-gate run {id} {gate}");
                Item::new(format!("run {gate}"), stands, Choice::Line(line))
            }
        }
    };
    let items = gates_of(&model.state, order, None)
        .into_iter()
        .map(item)
        .collect();
    open_palette(model, Palette::new(format!("Quality gates of {id}"), items))
}
