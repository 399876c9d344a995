//! Takes acts back for a while: by new commands, and only as long as nobody changed anything since.

use std::collections::VecDeque;

use super::errands;
use crate::{
    domain::{
        command::{Command, Destination},
        event::{Changes, Event, Parent},
        order::{Actor, Order},
        record::Record,
    },
    ui::{
        action::Action,
        effect::Effect,
        errand::{Errand, Step, Subject, Turn, UNDO_SPAN, Undo},
        keymap::chord,
        model::Model,
        words,
    },
};

/// Returns what would take an errand back, or why nothing does.
pub(super) fn turn(model: &Model, errand: &Errand) -> Result<Turn, &'static str> {
    let (Some(first), Some(last)) = (errand.records.first(), errand.records.last()) else {
        return Err("nothing was done");
    };
    if errand.undoes {
        return Err("");
    }
    let before = errand.before.as_ref();
    // What somebody else did between the look and the act would be taken back with it.
    let between = |seq: u64| before.is_some_and(|before| seq > before.head) && seq < first.seq;
    let mut entries = model.events.entries.iter().rev();
    if entries.any(|entry| between(entry.seq) && entry.subject == first.subject) {
        return Err("somebody changed it at the same time");
    }
    let events: Vec<Event> = errand.records.iter().filter_map(Record::event).collect();
    let me = &model.session.me;
    let steps = compensation(before.map(|before| &*before.order), me, &events)?;
    Ok(Turn {
        subject: first.subject.to_string(),
        seq: last.seq,
        at: last.time,
        lost: before.map_or(String::new(), |before| lost(&before.order, &steps)),
        steps,
    })
}

/// Returns what of an order that was in progress reopening it does not bring back: nobody is made to hold it again but
/// who undoes it.
fn lost(before: &Order, steps: &[Command]) -> String {
    match (before.work(), steps) {
        (Some(work), [Command::ReopenOrder { .. }]) => {
            format!("it was in {} with {}", work.stage, work.holder)
        }
        _ => String::new(),
    }
}

/// Returns the commands that bring an order back to where it was before `events`, or why none do.
fn compensation(
    before: Option<&Order>,
    me: &Actor,
    events: &[Event],
) -> Result<Vec<Command>, &'static str> {
    let release = |id| Command::ReleaseOrder {
        id,
        force: false,
        reason: None,
    };
    // Whoever else held it has to take it again by himself.
    let restart = || {
        let order = before?;
        let work = order.work().filter(|work| work.holder == *me)?;
        let back = Command::MoveOrder {
            id: order.id,
            to: Destination::Stage(work.stage.clone()),
        };
        let free = work.lease.is_none();
        free.then(|| vec![Command::StartOrder { id: order.id }, back])
    };
    Ok(match events.first() {
        Some(Event::OrderStarted { id, .. }) => vec![release(*id)],
        Some(Event::OrderMoved { id, from, .. }) => vec![Command::MoveOrder {
            id: *id,
            to: Destination::Stage(from.clone()),
        }],
        Some(Event::OrderReleased { .. }) => restart().ok_or("its holder has to take it again")?,
        Some(Event::OrderCompleted { id, .. } | Event::OrderCancelled { id, .. }) => {
            let reopen = Command::ReopenOrder {
                id: *id,
                reason: Some("undone".into()),
            };
            let mut steps = vec![reopen];
            steps.extend(restart().into_iter().flatten());
            steps
        }
        Some(Event::OrderEdited { id, changes }) => {
            let before = before.ok_or("how it was is not known")?;
            vec![Command::EditOrder {
                id: *id,
                changes: reversed(before, changes)?,
                add_labels: Vec::new(),
                remove_labels: Vec::new(),
            }]
        }
        Some(Event::OrderCreated { id, .. }) => vec![Command::CancelOrder {
            id: *id,
            reason: "created by mistake: undone".into(),
        }],
        Some(Event::DependencyAdded { id, on, .. }) => {
            vec![Command::RemoveDependency { id: *id, on: *on }]
        }
        Some(Event::DependencyRemoved { id, on }) => {
            vec![Command::AddDependency { id: *id, on: *on }]
        }
        Some(Event::AlertRaised { id, .. }) => vec![Command::ResolveAlert {
            id: *id,
            resolution: "pulled by mistake: undone".into(),
        }],
        Some(Event::AgentPaused { name, .. }) => vec![Command::ResumeAgent { name: name.clone() }],
        Some(Event::AgentResumed { name, .. }) => vec![Command::PauseAgent {
            name: name.clone(),
            reason: None,
        }],
        Some(Event::AlertEscalated { .. }) => return Err("an escalation cannot be undone"),
        _ => return Err("it cannot be undone"),
    })
}

/// Returns the changes that put the old values back.
fn reversed(before: &Order, changes: &Changes) -> Result<Changes, &'static str> {
    if changes.description.is_some() {
        return Err("the text before is on the ledger, and is not put back");
    }
    let parent = before.parent.map_or(Parent::None, Parent::Of);
    Ok(Changes {
        title: changes.title.as_ref().map(|_| before.title.clone()),
        description: None,
        kind: changes.kind.map(|_| before.kind),
        bucket: changes.bucket.map(|_| before.bucket),
        priority: changes.priority.map(|_| before.priority),
        labels: changes.labels.as_ref().map(|_| before.labels.clone()),
        estimate: changes.estimate.map(|_| before.estimate.unwrap_or(0)),
        assignee: changes
            .assignee
            .as_ref()
            .map(|_| before.assignee.clone().unwrap_or_default()),
        parent: changes.parent.map(|_| parent),
    })
}

/// Offers to take something back, from its last record on for as long as acts can be taken back.
pub(super) fn offer(model: &mut Model, turns: Vec<Turn>) {
    model.too_late = false;
    let Some(last) = turns.iter().map(|turn| turn.at).max() else {
        model.undo = None;
        return;
    };
    let what = match turns.as_slice() {
        [turn] => turn.subject.clone(),
        turns => {
            let subjects = turns.iter().map(|turn| Subject::named(&turn.subject));
            let noun = subjects.flatten().next().map_or("order", Subject::noun);
            words::count(turns.len(), noun)
        }
    };
    model.undo = Some(Undo {
        what,
        turns,
        until: last.plus(UNDO_SPAN),
    });
    let keys = model.keymap.chords(&model.scopes(), Action::Undo.name());
    let key = keys.first().map(|keys| chord(keys));
    if let (Some(notice), Some(key)) = (&mut model.notice, key) {
        notice.undo = format!("{key} undoes it");
    }
}

/// Says that what was done last stays.
pub(super) fn cannot(model: &mut Model, why: &str) {
    model.undo = None;
    model.too_late = false;
    if let Some(notice) = &mut model.notice {
        notice.undo = why.to_owned();
    }
}

/// Forgets what it is too late to take back.
pub(super) fn lapse(model: &mut Model) {
    if model
        .undo
        .as_ref()
        .is_some_and(|undo| model.present_now() >= undo.until)
    {
        model.undo = None;
        model.too_late = true;
        if let Some(notice) = &mut model.notice {
            notice.undo.clear();
        }
    }
}

/// Takes the last act back. What somebody changed since is left as it is, and said.
pub(super) fn take_back(model: &mut Model) -> Vec<Effect> {
    let Some(undo) = model.undo.take() else {
        return Vec::new();
    };
    let mut each = Vec::new();
    let mut refused = Vec::new();
    let mut lost = Vec::new();
    for turn in undo.turns {
        let mut entries = model.events.entries.iter().rev();
        let mut newer = entries.by_ref().take_while(|entry| entry.seq > turn.seq);
        if let Some(entry) = newer.find(|entry| entry.subject == turn.subject) {
            let why = format!("{} changed {} since", entry.actor.name, turn.subject);
            refused.push((Subject::named(&turn.subject), why));
            continue;
        }
        let mut steps: VecDeque<Step> = turn.steps.into_iter().map(Step::from).collect();
        if let Some(first) = steps.front_mut() {
            first.as_of = Some(turn.at);
        }
        each.push(steps);
        lost.extend(Some(turn.lost).filter(|lost| !lost.is_empty()));
    }
    if let ([_], []) = (each.as_slice(), refused.as_slice()) {
        let errand = Errand {
            undoes: true,
            lost: lost.pop().unwrap_or_default(),
            ..Errand::default()
        };
        let steps = each.into_iter().flatten().collect();
        return errands::begin(model, errand, steps);
    }
    let queued = match lost.len() {
        0 => String::new(),
        n => format!(" ({n} of them back in the queue, not with whom it was)"),
    };
    let act = format!("undo of {}{queued}", undo.what);
    errands::send_many(model, act, each, true, refused)
}
