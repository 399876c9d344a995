//! What the engine tells: new versions, answers, outcomes.

use std::sync::Arc;

use super::remedies;
use crate::{
    domain::{
        andon::{Alert, Severity},
        query::{Answer, events::Entry},
        record::Record,
        state::State,
        time::Timestamp,
    },
    ui::{
        asks::Slot,
        effect::{Effect, Ticket},
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
        if model.state.head.seq > 0 {
            let what = match state.uuid == model.state.uuid {
                true => "the ledger was restored",
                false => "another ledger stands in its place",
            };
            model.say(format!("{what}: the console begins anew"), Role::Warning);
        }
    }
    model.state = state;
    add_events(model, records.iter().map(Entry::of));
}

/// Returns the calls for what became critical since `before`, unless somebody here did it: what one knows needs no bell.
pub(super) fn calls(model: &Model, before: &State) -> Vec<Effect> {
    let state = model.present_state();
    if before.head.seq == 0 || before.uuid != state.uuid {
        return Vec::new();
    }
    let critical = |alert: &Alert| alert.severity == Severity::Critical;
    let new = state.alerts.values().filter(|alert| {
        let known = before.alert(alert.id).is_some_and(|alert| critical(alert));
        critical(alert) && !known && alert.raised.by != model.session.me
    });
    let new: Vec<_> = new.collect();
    // A storm is one call.
    let first = new.first().map(|alert| match new.len() {
        1 => format!("{} {}", alert.id, alert.reason),
        n => format!("{n} critical alerts, {} {}", alert.id, alert.reason),
    });
    first.map(Effect::Notify).into_iter().collect()
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
    if let (Slot::Log, Some(log)) = (slot, &log)
        && model.travel.present.is_some()
    {
        // Of the past the answer is all that is shown.
        let events = &mut model.events;
        events.entries = log.iter().cloned().collect();
        let newest = events.entries.back().map(|entry| entry.seq);
        events.list.selected = events.list.selected.filter(|seq| newest >= Some(*seq));
        events.list.selected = events.list.selected.or(newest);
    } else if let (Slot::Log, Some(mut past)) = (slot, log) {
        let first = model.events.entries.front().map_or(u64::MAX, |e| e.seq);
        past.retain(|entry| entry.seq < first);
        let since: Vec<Entry> = model.events.entries.drain(..).collect();
        add_events(model, past.into_iter().chain(since));
    }
    if let Some(what) = fault {
        model.say(what, Role::Error);
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
            undo: String::new(),
            role: Role::Error,
            sticky: true,
        },
        Failure::Fault(what) => Notice {
            text: what.clone(),
            lead: LIFTED,
            lift: Vec::new(),
            undo: String::new(),
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
