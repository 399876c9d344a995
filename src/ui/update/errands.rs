//! Submits commands, one after another or many at once, and hears what came of them.

use std::collections::VecDeque;

use super::{news, undo};
use crate::{
    domain::{
        command::{Command, Role as Right},
        event::Event,
        id::OrderId,
        query::events::Entry,
        record::Record,
    },
    ui::{
        action::may_act,
        effect::{Effect, Ticket},
        errand::{Before, Errand, Many, Step, Subject},
        model::Model,
        msg::Failure,
        overlay::{
            Overlay,
            form::Form,
            palette::{Choice, Item, Palette},
        },
        theme::Role,
        words,
    },
};

/// Hands steps to the engine, each once the one before was done. A viewer's never leave: this is the only door, and it
/// asks again.
pub(super) fn send(
    model: &mut Model,
    steps: impl IntoIterator<Item = Step>,
    form: Option<Box<Form>>,
) -> Vec<Effect> {
    let errand = Errand {
        form,
        ..Errand::default()
    };
    begin(model, errand, steps.into_iter().collect())
}

/// Begins an errand whose steps are these.
pub(super) fn begin(
    model: &mut Model,
    mut errand: Errand,
    mut steps: VecDeque<Step>,
) -> Vec<Effect> {
    if let Err(why) = may_act(model) {
        model.say(why, Role::Warning);
        return Vec::new();
    }
    let Some(step) = steps.pop_front() else {
        return Vec::new();
    };
    errand.about = Subject::of(&step.command);
    errand.before = errand
        .about
        .and_then(Subject::order)
        .and_then(|id| model.state.order(id))
        .map(|order| Before {
            order: order.clone(),
            head: model.state.head.seq,
        });
    errand.steps = steps;
    vec![take_step(model, errand, step)]
}

fn take_step(model: &mut Model, mut errand: Errand, step: Step) -> Effect {
    debug_assert!(model.session.role > Right::Viewer);
    errand.ticket = model.tickets.issue();
    errand.starts = step.starts;
    let ticket = errand.ticket;
    model.submitted.push(errand);
    Effect::Submit {
        ticket,
        command: Box::new(step.command),
        epoch: step.epoch,
        as_of: step.as_of,
    }
}

/// Does one thing with many orders or alerts: one errand each, and one summary in the end.
pub(super) fn send_many(
    model: &mut Model,
    act: String,
    each: Vec<VecDeque<Step>>,
    undoes: bool,
    refused: Vec<(Option<Subject>, String)>,
) -> Vec<Effect> {
    let many = Many {
        id: model.tickets.issue(),
        act,
        left: 0,
        done: Vec::new(),
        refused,
        made: None,
        turns: Vec::new(),
        undoes,
        behind: Vec::new(),
    };
    go_on(model, many, each)
}

/// Does one thing, and only once it was done one with each of many: the first is none of those that are counted.
pub(super) fn send_behind(
    model: &mut Model,
    act: String,
    first: Step,
    behind: Vec<Step>,
) -> Vec<Effect> {
    let many = Many {
        id: model.tickets.issue(),
        act,
        left: 0,
        done: Vec::new(),
        refused: Vec::new(),
        made: None,
        turns: Vec::new(),
        undoes: false,
        behind,
    };
    go_on(model, many, vec![VecDeque::from([first])])
}

/// Begins an errand for each, and says what came of them if there is nothing to begin.
fn go_on(model: &mut Model, mut many: Many, each: Vec<VecDeque<Step>>) -> Vec<Effect> {
    let mut effects = Vec::new();
    for steps in each {
        let errand = Errand {
            many: Some(many.id),
            undoes: many.undoes,
            ..Errand::default()
        };
        effects.extend(begin(model, errand, steps));
    }
    many.left = effects.len();
    match many.left {
        0 if many.refused.is_empty() && many.made.is_none() => {}
        0 => summary(model, many),
        _ => model.many.push(many),
    }
    effects
}

/// Takes the outcome of a step: goes on with the next one, or says what came of it all.
pub(super) fn heard(
    model: &mut Model,
    ticket: Ticket,
    outcome: Result<Vec<Record>, Failure>,
) -> Vec<Effect> {
    let mut under_way = model.submitted.iter();
    let mut errand = match under_way.position(|e| e.ticket == ticket) {
        Some(at) => model.submitted.swap_remove(at),
        None => Errand::default(),
    };
    let failure = match outcome {
        Ok(records) => {
            errand.records.extend(records);
            None
        }
        Err(failure) => Some(failure),
    };
    if failure.is_none() && std::mem::take(&mut errand.starts) {
        let made = made(&errand.records).map(|id| Command::StartOrder { id }.into());
        errand.steps.extend(made);
    }
    if failure.is_none()
        && let Some(mut step) = errand.steps.pop_front()
    {
        // Nobody is to come in between.
        step.as_of = errand.records.last().map(|record| record.time);
        return vec![take_step(model, errand, step)];
    }
    match errand.many {
        Some(many) => return one_of(model, many, errand, failure),
        None => alone(model, errand, failure),
    }
    Vec::new()
}

/// Returns the order that came into being last.
fn made(records: &[Record]) -> Option<OrderId> {
    let events = records.iter().rev().filter_map(Record::event);
    let mut made = events.filter_map(|event| match event {
        Event::OrderCreated { id, .. } => Some(id),
        _ => None,
    });
    made.next()
}

/// Returns what was done by taking an alert's fix, in one line: several records, of which the last says the least.
fn taken(records: &[Record]) -> Option<String> {
    let mut mends = None;
    let mut seen = None;
    for event in records.iter().filter_map(Record::event) {
        match event {
            Event::AlertAcknowledged { id } => seen = Some(id),
            Event::OrderCreated { corrective, .. } => mends = corrective.first().copied(),
            Event::OrderStarted { id, .. } => {
                let alert = mends.or(seen)?;
                let made = if mends.is_some() { "created and " } else { "" };
                return Some(format!("{id} {made}started; it mends {alert}"));
            }
            _ => {}
        }
    }
    None
}

/// Says what came of an errand, and goes to it; or why not.
fn alone(model: &mut Model, errand: Errand, failure: Option<Failure>) {
    let turn = undo::turn(model, &errand);
    if let Some(failure) = failure {
        undo::offer(model, turn.ok().into_iter().collect());
        model.notice = Some(news::notice(model, &failure));
        if let Some(mut form) = errand.form {
            form.problem = Some(failure.to_string());
            model.waiting.push_back(Overlay::Form(form));
        }
        return;
    }
    let Some(first) = errand.records.first() else {
        return model.say("nothing had to change", Role::Muted);
    };
    let said = match taken(&errand.records) {
        Some(said) => said,
        None if !errand.lost.is_empty() => {
            let what = &first.subject;
            format!("undone: {what} is back in the queue; {}", errand.lost)
        }
        None if errand.undoes => format!("undone: {}", Entry::of(first).text),
        None => Entry::of(first).text,
    };
    model.say(said, Role::Ok);
    let events = errand.records.iter().filter_map(Record::event);
    for event in events {
        if let Event::OrderCreated { id, .. } | Event::OrderStarted { id, .. } = event {
            model.board.await_order(id);
            model.board_of = None;
        }
    }
    match turn {
        Ok(turn) => undo::offer(model, vec![turn]),
        Err(why) => undo::cannot(model, why),
    }
}

/// Counts one of many, and with the last goes on with what stands behind them, or says what came of them all.
fn one_of(model: &mut Model, id: Ticket, errand: Errand, failure: Option<Failure>) -> Vec<Effect> {
    let turn = undo::turn(model, &errand);
    let Some(at) = model.many.iter().position(|many| many.id == id) else {
        return Vec::new();
    };
    let Some(many) = model.many.get_mut(at) else {
        return Vec::new();
    };
    many.left = many.left.saturating_sub(1);
    many.turns.extend(turn);
    many.made = many.made.or_else(|| made(&errand.records));
    match (failure, errand.about) {
        // What could not be made is told as what it is, and counts as none of those it was for.
        (Some(failure), about) => many.refused.push((about, failure.to_string())),
        (None, about) => many.done.extend(about),
    }
    if many.left > 0 {
        return Vec::new();
    }
    let mut many = model.many.swap_remove(at);
    let behind = std::mem::take(&mut many.behind);
    // The order may be there though it could not be started.
    if behind.is_empty() || (!many.refused.is_empty() && many.made.is_none()) {
        summary(model, many);
        return Vec::new();
    }
    let each = behind.into_iter().map(|step| VecDeque::from([step]));
    go_on(model, many, each.collect())
}

/// Says how many were done, and shows those that were refused: each row leads to its order.
fn summary(model: &mut Model, many: Many) {
    for subject in &many.done {
        match subject {
            Subject::Order(id) => model.marks.remove(id),
            Subject::Alert(id) => model.queue.marks.remove(id),
        };
    }
    let (done, refused) = (many.done.len(), many.refused.len());
    let tried = many.refused.iter().filter_map(|(subject, _)| *subject);
    let sort = many.done.iter().copied().chain(tried).next();
    let noun = sort.map_or("order", Subject::noun);
    let mut text = format!("{}: {} done", many.act, words::count(done, noun));
    if refused > 0 {
        text += &format!(", {refused} refused");
    }
    if let Some(id) = many.made {
        text += &format!("; {id} mends them");
    }
    model.say(
        text.clone(),
        if refused > 0 { Role::Warning } else { Role::Ok },
    );
    undo::offer(model, many.turns);
    if refused == 0 {
        return;
    }
    let items = many
        .refused
        .into_iter()
        .map(|(subject, why)| match subject {
            Some(subject) => {
                let (title, choice) = match subject {
                    Subject::Order(id) => {
                        let order = model.state.order(id);
                        (order.map(|order| &order.title), Choice::Order(id))
                    }
                    Subject::Alert(id) => {
                        let alert = model.state.alert(id);
                        (alert.map(|alert| &alert.reason), Choice::Alert(id))
                    }
                };
                let named = why.contains(&subject.to_string());
                let label = if named {
                    why
                } else {
                    format!("{subject} {why}")
                };
                Item::new(label, title.map_or("", String::as_str), choice)
            }
            None => Item {
                why_not: Some("it leads nowhere".into()),
                ..Item::new(why, "", Choice::Run("back".into()))
            },
        });
    let palette = Palette::new(text, items.collect());
    model.waiting.push_back(Overlay::Palette(Box::new(palette)));
}

/// Returns the same wish about another order, if it is about one and can be wished for any.
pub(super) fn about(command: &Command, id: OrderId) -> Option<Command> {
    let mut command = command.clone();
    match &mut command {
        Command::EditOrder {
            id: old, changes, ..
        } => {
            // What names one order or tells of it is that order's own.
            if changes.title.is_some() || changes.description.is_some() {
                return None;
            }
            *old = id;
        }
        Command::StartOrder { id: old }
        | Command::MoveOrder { id: old, .. }
        | Command::CompleteOrder { id: old, .. }
        | Command::CancelOrder { id: old, .. }
        | Command::ReopenOrder { id: old, .. }
        | Command::ReleaseOrder {
            id: old,
            force: false,
            ..
        }
        | Command::CommentOrder { id: old, .. }
        | Command::AddDependency { id: old, .. }
        | Command::RemoveDependency { id: old, .. } => *old = id,
        _ => return None,
    }
    Some(command)
}
