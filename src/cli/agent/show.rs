//! Agents on a screen: in a list, and one with all about it.

use super::super::{
    context::Call,
    error::Done,
    output::Tone,
    table::{Cell, Table, cell, flex, left, maybe, right},
    work_order::show::heading,
};
use crate::domain::query::{
    agents::{AgentDetail, AgentStatus, AgentView},
    life::{Life, LifeSource, LifeState, RunView},
};

/// Returns what a supervised agent is about, with where that is known from.
pub(super) fn in_words(life: &Life) -> String {
    let mut words = format!(
        "{} since {} (by its {})",
        life.state, life.since, life.source
    );
    if life.source == LifeSource::Operator {
        words = format!(
            "{} since {} (an operator wants it so)",
            life.state, life.since
        );
    }
    if let Some(until) = life.until {
        words.push_str(&format!(", until {until}"));
    }
    if let Some(note) = &life.note {
        words.push_str(&format!(": {note}"));
    }
    words
}

fn life_tone(state: LifeState) -> Tone {
    match state {
        LifeState::Busy | LifeState::Starting => Tone::Good,
        LifeState::Idle | LifeState::Stopped | LifeState::Unknown => Tone::Muted,
        LifeState::Waiting | LifeState::Throttled | LifeState::Paused => Tone::Warn,
        LifeState::Parked | LifeState::Lost => Tone::Bad,
    }
}

/// Returns how many agents there are, in words.
pub(in crate::cli) fn counts(total: usize, unregistered: usize, active: usize) -> String {
    let registered = total.saturating_sub(unregistered);
    let strangers = match unregistered {
        0 => String::new(),
        n => format!(", {n} not registered"),
    };
    format!("{registered} registered{strangers}, {active} at work")
}

fn tone(status: AgentStatus) -> Tone {
    match status {
        AgentStatus::Working => Tone::Good,
        AgentStatus::Idle => Tone::Muted,
        AgentStatus::Paused => Tone::Warn,
    }
}

/// Prints agents, one a line.
pub(in crate::cli) fn table(call: &mut Call<'_>, agents: &[AgentView]) -> Done {
    if agents.is_empty() {
        return Ok(());
    }
    let mut table = Table::new([
        left("AGENT"),
        left("STATUS"),
        left("ROLE").drop(2),
        right("DONE").drop(3),
        left("HEARD").drop(4),
        flex("HOLDS"),
    ]);
    for agent in agents {
        let holds: Vec<String> = agent.holds.iter().map(|held| held.id.to_string()).collect();
        table.row([
            cell(&agent.name),
            match &agent.life {
                Some(life) => Cell::toned(life_tone(life.state), life.state),
                None => Cell::toned(tone(agent.status), agent.status),
            },
            match agent.registered {
                true => maybe(agent.role.as_ref()),
                false => Cell::toned(Tone::Muted, "not registered"),
            },
            cell(agent.completed),
            maybe(agent.heard_at()),
            cell(holds.join(", ")),
        ]);
    }
    call.out.table(&table)
}

pub(super) fn detail(call: &mut Call<'_>, detail: &AgentDetail) -> Done {
    if call.json() {
        return call.out.json(detail);
    }
    let agent = &detail.agent;
    call.out.spans(&[
        (Tone::Head, &agent.name),
        (tone(agent.status), &format!("  {}", agent.status)),
    ])?;
    let words = |items: Vec<String>| match items.is_empty() {
        true => "anything".to_owned(),
        false => items.join(", "),
    };
    let can = &agent.capabilities;
    let held: Vec<String> = detail.held_by.iter().map(ToString::to_string).collect();
    let paused = agent.paused_at.map(|at| match &agent.pause_reason {
        Some(reason) => format!("since {at}: {reason}"),
        None => format!("since {at}"),
    });
    let life = agent.life.as_ref();
    // Of one that nobody supervises there are no runs to tell of.
    let supervised = life.filter(|life| life.source != LifeSource::Hook || life.wanted > 0);
    let runs = supervised.map(|life| {
        let run = |run: &RunView| {
            let pid = run
                .pid
                .map(|pid| format!("process {pid}"))
                .unwrap_or_default();
            let order = run
                .order
                .map(|order| format!(" on {order}"))
                .unwrap_or_default();
            format!("{pid}{order}")
        };
        let all: Vec<_> = life.runs.iter().map(run).collect();
        format!(
            "{} of {} at once  {}",
            all.len(),
            life.wanted,
            all.join(", ")
        )
    });
    let used = match detail.budget {
        Some(budget) => Some(budget.against(detail.used_today)),
        None => (!detail.used_today.is_none()).then(|| detail.used_today.to_string()),
    };
    let facts = [
        ("state", life.map(in_words)),
        ("runs", runs),
        ("role", agent.role.clone()),
        ("paused", paused),
        (
            "buckets",
            Some(words(can.buckets.iter().map(ToString::to_string).collect())),
        ),
        (
            "kinds",
            Some(words(can.kinds.iter().map(ToString::to_string).collect())),
        ),
        (
            "labels",
            (!can.labels.is_empty()).then(|| can.labels.join(", ")),
        ),
        ("completed", Some(agent.completed.to_string())),
        ("used today", used),
        (
            "registered",
            Some(
                agent
                    .registered_at
                    .map_or_else(|| "no".into(), |at| at.to_string()),
            ),
        ),
        ("heard", agent.heard_at().map(|at| at.to_string())),
        ("held by", (!held.is_empty()).then(|| held.join(", "))),
    ];
    for (name, text) in facts {
        if let Some(text) = text {
            call.out.fact(name, &text)?;
        }
    }
    if !agent.holds.is_empty() {
        heading(call, "holds")?;
        let mut table = Table::new([
            left("ID"),
            left("STAGE"),
            left("UNTIL").drop(1),
            flex("TITLE"),
        ]);
        for order in &agent.holds {
            table.row([
                cell(order.id),
                cell(&order.stage),
                maybe(order.lease.map(|lease| lease.expires_at)),
                cell(&order.title),
            ]);
        }
        call.out.table(&table)?;
    }
    heading(call, "timeline")?;
    for entry in &detail.timeline {
        call.out.spans(&[
            (Tone::Muted, &format!("  {}  {}  ", entry.at, entry.actor)),
            (Tone::Plain, &entry.text),
        ])?;
    }
    Ok(())
}
