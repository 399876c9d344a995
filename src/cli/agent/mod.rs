//! `obeya agent …`.

mod logs;

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::json;

use super::{
    arguments::{limit, option, positional, prose, verb, verbs},
    context::{Call, answer, text, value, word},
    error::Done,
    events::{report, sentences, submit},
    output::Tone,
    table::{Cell, Table, cell, flex, left, maybe, right},
    work_order::show::heading,
    work_order::{pull_filter, pulled},
};
use crate::{
    domain::{
        command::Command as Intent,
        query::{
            Query,
            agents::{AgentDetail, AgentStatus, AgentView},
            life::{Life, LifeSource, LifeState, RunView},
        },
    },
    link::{Errand, Fault, FaultKind, Wish},
};

const NOUN: &str = "agent";

pub(super) fn grammar(noun: Command) -> Command {
    let name = || -> Arg { positional("name", "NAME", "The agent") };
    verbs(
        noun,
        [
            verb(NOUN, "register")
                .args([
                    name(),
                    option("role", "TEXT", "What it does: developer, tester, …"),
                ])
                .args(pull_filter()),
            verb(NOUN, "list").arg(limit()),
            verb(NOUN, "status").arg(name()),
            verb(NOUN, "pause").args([name(), prose("reason", "TEXT", "Why")]),
            verb(NOUN, "resume").arg(name()),
            verb(NOUN, "unregister").arg(name()),
            verb(NOUN, "spawn").arg(name()),
            verb(NOUN, "stop").arg(name()),
            verb(NOUN, "scale").args([name(), count()]),
            verb(NOUN, "logs").arg(name()).args(logs::arguments()),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let name = || word(matches, "name").to_owned();
    let intent = match verb {
        "register" => Intent::RegisterAgent {
            name: name(),
            role: text(matches, "role"),
            capabilities: pulled(matches),
        },
        "pause" => Intent::PauseAgent {
            name: name(),
            reason: text(matches, "reason"),
        },
        "resume" => Intent::ResumeAgent { name: name() },
        "unregister" => return unregister(call, name()),
        "spawn" => return supervise(call, name(), Errand::Spawn),
        "stop" => return supervise(call, name(), Errand::Stop),
        "scale" => {
            let count = value::<u8>(matches, "count").unwrap_or(1);
            return supervise(call, name(), Errand::Scale(count.into()));
        }
        "logs" => return logs::run(matches, call, &name()),
        "status" => {
            let agent = answer!(call, Query::Agent { name: name() }, Agent);
            return detail(call, &agent);
        }
        _ => {
            let limit = value(matches, "limit");
            let agents = answer!(call, Query::Agents { limit, after: None }, Agents);
            if call.json() {
                return call.out.json(&agents);
            }
            table(call, &agents.agents)?;
            let text = counts(agents.total, agents.unregistered, agents.active);
            return call.out.tone(Tone::Muted, &text);
        }
    };
    match submit(call, intent)? {
        Some(outcome) => report(call, &outcome, &Query::Agent { name: name() }),
        None => Ok(()),
    }
}

fn count() -> Arg {
    positional("count", "N", "How many, from 0 to 64").value_parser(value_parser!(u8).range(0..=64))
}

fn supervise(call: &mut Call<'_>, name: String, errand: Errand) -> Done {
    call.no_dry_run("What a host does with its agents")?;
    let role = call.globals.role(&call.globals.actor());
    let wish = Wish {
        agent: name.clone(),
        errand,
        role,
    };
    let Some(answer) = call.operator()?.supervise(&wish)? else {
        let what = "no host runs, so nobody runs agents";
        let fault = Fault::new(FaultKind::Busy, "".as_ref(), what);
        return Err(fault.mend("Run `obeya host`, or open the console.").into());
    };
    let life = answer?;
    if call.json() {
        return call.out.json(&json!({ "name": name, "life": life }));
    }
    call.out.line(&format!("{name}: {}", in_words(&life)))
}

/// Returns what a supervised agent is about, with where that is known from.
fn in_words(life: &Life) -> String {
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

fn unregister(call: &mut Call<'_>, name: String) -> Done {
    let intent = Intent::UnregisterAgent { name: name.clone() };
    match submit(call, intent)? {
        Some(_) if call.json() => call.out.json(&json!({ "name": name, "registered": false })),
        Some(outcome) => sentences(call, &outcome),
        None => Ok(()),
    }
}

/// Returns how many agents there are, in words.
pub(super) fn counts(total: usize, unregistered: usize, active: usize) -> String {
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
pub(super) fn table(call: &mut Call<'_>, agents: &[AgentView]) -> Done {
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
            maybe(agent.last_heartbeat_at),
            cell(holds.join(", ")),
        ]);
    }
    call.out.table(&table)
}

fn detail(call: &mut Call<'_>, detail: &AgentDetail) -> Done {
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
    let runs = life.map(|life| {
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
        ("heard", agent.last_heartbeat_at.map(|at| at.to_string())),
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
