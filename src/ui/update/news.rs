//! What the engine tells: new versions, answers, outcomes.

use std::sync::Arc;

use super::remedies;
use crate::{
    domain::{
        event::Event,
        query::{Answer, events::Entry},
        record::Record,
        state::State,
        time::Timestamp,
    },
    ui::{
        asks::Slot,
        effect::Ticket,
        model::{EVENTS_KEPT, Model, Notice},
        msg::Failure,
        overlay::{Overlay, help::Page},
        theme::Role,
    },
};

/// The longest output that is said in one line instead of on a page.
const SHORT_OUTPUT: usize = 100;

/// Takes a new version of the state, and the records that led to it.
pub(super) fn changed(model: &mut Model, state: Arc<State>, records: &[Record], now: Timestamp) {
    model.now = now;
    if state.uuid != model.state.uuid || state.incarnation != model.state.incarnation {
        // Another ledger: nothing selected or fetched belongs to it.
        model.asks = Default::default();
        model.events = Default::default();
        model.tree = Default::default();
        model.detail = None;
    }
    model.state = state;
    add_events(model, records.iter().map(Entry::of));
}

fn add_events(model: &mut Model, entries: impl Iterator<Item = Entry>) {
    let events = &mut model.events;
    let newest = |events: &crate::ui::model::Events| events.entries.back().map(|e| e.seq);
    let following = events.list.selected.is_none() || events.list.selected == newest(events);
    for entry in entries {
        if newest(events).is_some_and(|last| entry.seq <= last) {
            continue;
        }
        if let Some(count) = &mut events.paused {
            *count += 1;
        }
        if events.entries.len() == EVENTS_KEPT {
            events.entries.pop_front();
        }
        events.entries.push_back(entry);
    }
    if following && events.paused.is_none() {
        events.list.selected = newest(events);
    }
}

/// Takes an answer, if it is still waited for.
pub(super) fn answered(model: &mut Model, ticket: Ticket, answer: Result<Box<Answer>, Failure>) {
    let log = match &answer {
        Ok(answer) => match answer.as_ref() {
            Answer::Log(log) => Some(log.events.clone()),
            _ => None,
        },
        Err(_) => None,
    };
    let fault = match &answer {
        Err(Failure::Fault(what)) => Some(what.clone()),
        _ => None,
    };
    let Some(slot) = model.asks.take(ticket, answer) else {
        return;
    };
    if let (Slot::Log, Some(mut past)) = (slot, log) {
        let first = model.events.entries.front().map_or(u64::MAX, |e| e.seq);
        past.retain(|entry| entry.seq < first);
        let since: Vec<Entry> = model.events.entries.drain(..).collect();
        add_events(model, past.into_iter().chain(since));
    }
    if let Some(what) = fault {
        model.say(what, Role::Error);
    }
}

/// Takes a command's outcome: says what happened and goes to it, or says why not.
pub(super) fn submitted(model: &mut Model, ticket: Ticket, outcome: Result<Vec<Record>, Failure>) {
    let at = model
        .submitted
        .iter()
        .position(|pending| pending.ticket == ticket);
    let pending = at.map(|at| model.submitted.swap_remove(at));
    match outcome {
        Ok(records) => {
            let events: Vec<Event> = records.iter().filter_map(Record::event).collect();
            match records.first() {
                Some(first) => model.say(Entry::of(first).text, Role::Ok),
                None => model.say("nothing had to change", Role::Muted),
            }
            if let Some(Event::OrderCreated { id, .. } | Event::OrderStarted { id, .. }) =
                events.first()
            {
                model.board.await_order(*id);
                model.board_of = None;
            }
        }
        Err(failure) => {
            model.notice = Some(notice(model, &failure));
            if let Some(mut form) = pending.and_then(|pending| pending.form) {
                form.problem = Some(match &failure {
                    Failure::Refused(refusal) => refusal.to_string(),
                    Failure::Fault(what) => what.clone(),
                });
                model.waiting.push_back(Overlay::Form(form));
            }
        }
    }
}

/// What stands before the ways to lift a refusal.
const LIFTED: &str = "lifted by";

/// Returns what is said of a failure.
pub(super) fn notice(model: &Model, failure: &Failure) -> Notice {
    match failure {
        Failure::Refused(refusal) => Notice {
            text: format!("refused: {refusal}"),
            lead: LIFTED,
            lift: remedies::of(model, refusal),
            role: Role::Error,
            sticky: true,
        },
        Failure::Fault(what) => Notice {
            text: what.clone(),
            lead: LIFTED,
            lift: Vec::new(),
            role: Role::Error,
            sticky: true,
        },
    }
}

/// Shows what a typed line printed: in one line if that is all, else on a page.
pub(super) fn printed(model: &mut Model, output: Result<String, String>) {
    let (text, role) = match &output {
        Ok(text) => (text.trim_end(), Role::Ok),
        Err(text) => (text.trim_end(), Role::Error),
    };
    if !text.contains('\n') && text.len() <= SHORT_OUTPUT {
        let text = if text.is_empty() { "done" } else { text };
        model.say(text, role);
        return;
    }
    let title = if output.is_ok() {
        "Output"
    } else {
        "It failed"
    };
    let page = Page::printed(title, text, model.area());
    model.waiting.push_back(Overlay::Page(page));
}
