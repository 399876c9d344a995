//! An alert as one record: what it holds, whom it stops, what was done about it, and what its end freed.

use std::cmp::Reverse;

use super::standing;
use crate::{
    domain::{
        order::Actor,
        query::{
            andon::{AlertDetail, AlertView},
            blast::Affected,
            events::Entry,
            value::Moment,
            why::Place,
        },
        time::Timestamp,
    },
    text,
    ui::{
        model::Model,
        pane::{Page, fact},
        theme::{Glyphs, Role},
        widget::wrapped_text::Paragraph,
        words,
    },
};

/// Returns what to know about an alert: what it holds, whom it stops, what happened, how it ended.
pub(super) fn about(model: &Model, alert: &AlertView, detail: Option<&AlertDetail>) -> Page {
    let glyphs = model.theme.glyphs();
    let now = model.now;
    let (mark, role) = standing::severity(alert.severity, glyphs);
    let mut page = Page::default();
    page.line(
        Paragraph::of(format!("{mark} {}", alert.severity.word()), role)
            .with(format!("  {}", alert.reason), Role::Title),
    );
    page.line(Paragraph::blank());
    let by = |who: &Actor, at: Moment| format!("{} by {who}", words::ago(now, at.0));
    page.fact("raised", by(&alert.raised_by, alert.raised_at), Role::Text);
    if let Some(condition) = &alert.fingerprint {
        page.fact("condition", condition, Role::Text);
    }
    if alert.count > 1 {
        let last = words::ago(now, alert.last_seen_at.0);
        let seen = format!("{} times, last {last}", alert.count);
        page.fact("seen", seen, Role::Text);
    }
    match alert.acknowledged_by.as_ref().zip(alert.acknowledged_at) {
        Some((who, at)) => {
            let text = format!("{who}, {}", words::ago(now, at.0));
            page.fact("seen by", text, Role::Text);
        }
        None => page.fact("seen by", "nobody yet", Role::Warning),
    }
    if let Some(until) = alert.snoozed_until.filter(|until| until.0 > now) {
        let left = words::age(until.0.since(now));
        let text = format!("for {left} more; what it holds stays held");
        page.fact("snoozed", text, Role::Muted);
    }
    if let Some(escalates) = alert.escalates_at {
        let left = words::age(escalates.0.since(now));
        let text = format!("grows worse in {left} unless acknowledged");
        page.fact("escalates", text, Role::Warning);
    }
    if let Some(order) = alert.order {
        let title = model.state.order(order);
        let title = title.map(|open| format!("{order} {}", open.title));
        let line = fact("about", title.unwrap_or(order.to_string()), Role::Link);
        page.link(line, Place::Order(order));
    }
    match alert.resolved_by.as_ref().zip(alert.resolved_at) {
        Some((who, at)) => {
            page.fact("resolved", by(who, at), Role::Ok);
            page.fact(
                "done",
                alert.resolution.clone().unwrap_or_default(),
                Role::Text,
            );
        }
        None => standing_hold(alert, now, &mut page),
    }
    if let Some(detail) = detail {
        consequences(detail, &mut page);
        thaw(detail, &mut page);
        mending(detail, glyphs, &mut page);
        timeline(model, detail, &mut page);
    }
    page
}

fn standing_hold(alert: &AlertView, now: Timestamp, page: &mut Page) {
    if let Some(at) = alert.recovered_at {
        let text = format!("{}; resolve it to close it", words::ago(now, at.0));
        page.fact("recovered", text, Role::Ok);
    }
    match &alert.hold {
        Some(scope) => page.fact("holds", format!("{scope} until it is resolved"), Role::Held),
        None => page.fact("holds", "nothing: work goes on", Role::Muted),
    }
}

/// How many of the alerts that hold the same orders too are named.
const ALSO: usize = 3;

fn consequences(detail: &AlertDetail, page: &mut Page) {
    let Some(blast) = &detail.blast else { return };
    page.section("What it stops");
    let also = blast.also_held_by.iter().take(ALSO);
    let also: Vec<String> = also.map(ToString::to_string).collect();
    let more = if blast.also_held_by.len() > ALSO {
        ", …"
    } else {
        ""
    };
    let also = format!("ready, also held by {}{more}", also.join(", "));
    let mut parts: Vec<(&Affected, &str)> = vec![
        (&blast.in_progress, "in progress, cannot move on"),
        (&blast.ready, "ready, cannot start"),
        (&blast.downstream, "downstream, waiting for those"),
    ];
    if !blast.also_held.is_none() {
        parts.insert(2, (&blast.also_held, &also));
    }
    for (affected, word) in parts {
        let role = if affected.total > 0 {
            Role::Held
        } else {
            Role::Muted
        };
        page.line(Paragraph::of(format!("{:>4} {word}", affected.total), role).hanging(5));
        for order in affected.orders.iter().take(3) {
            let holder = order.holder.as_ref().map(|h| format!("  {}", h.name));
            let line = Paragraph::of(format!("     {} ", order.id), Role::Link)
                .with(order.title.clone(), Role::Text)
                .with(holder.unwrap_or_default(), Role::AgentActive)
                .verbatim();
            page.link(line, Place::Order(order.id));
        }
    }
}

fn mending(detail: &AlertDetail, glyphs: &Glyphs, page: &mut Page) {
    if detail.corrective_orders.is_empty() {
        return;
    }
    page.section("What mends it");
    for order in &detail.corrective_orders {
        let (mark, role) = order
            .status
            .map_or(("?", Role::Muted), |s| standing::status(s, glyphs));
        let line = Paragraph::of(format!("  {mark} "), role)
            .with(format!("{} ", order.id), Role::Link)
            .with(order.title.clone(), Role::Text)
            .hanging(4);
        page.link(line, Place::Order(order.id));
    }
}

/// What the end of an alert freed, and when work went on.
fn thaw(detail: &AlertDetail, page: &mut Page) {
    let Some(thaw) = &detail.thaw else { return };
    page.section("What it freed");
    let rows = [
        (thaw.freed.in_progress, "in progress, may move on"),
        (thaw.freed.ready, "ready, may start"),
    ];
    for (count, word) in rows {
        page.line(Paragraph::of(format!("{count:>4} {word}"), Role::Text).hanging(5));
    }
}

/// One record: what was done to it and by the orders that mend it, newest first; each line of an order leads there.
fn timeline(model: &Model, detail: &AlertDetail, page: &mut Page) {
    page.section("Timeline");
    let resumed = detail.thaw.as_ref().and_then(|thaw| thaw.resumed.as_ref());
    let mut told: Vec<(&Entry, String)> = detail
        .timeline
        .iter()
        .map(|happening| {
            let entry = &happening.entry;
            let own = format!("{} ", detail.alert.id);
            let said = entry.text.strip_prefix(&own).unwrap_or(&entry.text);
            let times = match happening.times {
                1 => String::new(),
                times => format!(", {times} times"),
            };
            (entry, format!("{said}{times}"))
        })
        .collect();
    told.extend(resumed.map(|entry| (entry, format!("work resumed: {}", entry.text))));
    told.sort_by_key(|(entry, _)| Reverse(entry.seq));
    for (entry, said) in told {
        let age = text::pad(&words::age(model.now.since(entry.at.0)), 5).into_owned();
        let line = Paragraph::of(format!("  {age}"), Role::Muted)
            .with(said, Role::Text)
            .with(format!("  {}", entry.actor), Role::Muted)
            .hanging(7);
        match entry.subject.parse() {
            Ok(order) => page.link(line, Place::Order(order)),
            Err(_) => page.line(line),
        }
    }
    if detail.omitted > 0 {
        let left_out = format!("  and {} older ones that are not shown", detail.omitted);
        page.line(Paragraph::of(left_out, Role::Muted).hanging(2));
    }
}
