//! What is done about the agents that a host runs: no command to the ledger, but a line of the command line's grammar, which
//! goes to whoever the host is.

use super::acts::open;
use crate::{
    domain::query::{agents::roster, life::Life},
    ui::{
        action::Action,
        effect::Effect,
        model::{Focus, Model, View},
        overlay::{
            Overlay,
            confirm::{Confirm, Yes},
            prompt::{Prompt, Purpose},
        },
        theme::Role,
    },
};

/// Runs an act on the selected agent, or asks what it needs first.
pub(super) fn run(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(name) = model.selected_agent().map(str::to_owned) else {
        return Vec::new();
    };
    match action {
        Action::SpawnAgent => line(model, agent_line("spawn", &name)),
        Action::StopAgent => confirm_stop(model, &name),
        Action::ScaleAgent => {
            let wanted = life(model, &name).map(|life| life.wanted.to_string());
            let prompt = Prompt::new(Purpose::Scale(name), &wanted.unwrap_or_default());
            open(model, Overlay::Prompt(Box::new(prompt)))
        }
        _ => Vec::new(),
    }
}

/// Returns what its host says of an agent.
fn life<'a>(model: &'a Model, name: &str) -> Option<&'a Life> {
    let known = &model.asks.agents()?.agents;
    known.iter().find(|agent| agent.name == name)?.life.as_ref()
}

/// Returns a line about an agent, whose name may be anything.
fn agent_line(verb: &str, name: &str) -> String {
    format!("agent {verb} -- {}", quoted(name))
}

/// Returns a text as one word of a line.
fn quoted(text: &str) -> String {
    let mut word = String::new();
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() {
            word.push('\\');
        }
        word.push(c);
    }
    word
}

/// Runs a line of the command line's grammar: what a host does with its agents is no command to the ledger.
pub(super) fn line(model: &mut Model, line: String) -> Vec<Effect> {
    let ticket = model.tickets.issue();
    vec![Effect::Run { ticket, line }]
}

/// Asks before an agent is stopped: what it works on is given back.
fn confirm_stop(model: &mut Model, name: &str) -> Vec<Effect> {
    let runs = life(model, name).map_or(&[][..], |life| &life.runs);
    let mut facts: Vec<String> = runs
        .iter()
        .map(|run| match run.order {
            Some(order) => format!("It works on {order}, which goes back to the queue."),
            None => "It runs, and holds no order.".into(),
        })
        .collect();
    facts.push("It runs nothing until it is spawned again.".into());
    let stop = Confirm {
        question: format!("Stop {name}?"),
        facts,
        stake: None,
        yes: Yes::Line(agent_line("stop", name)),
        form: None,
    };
    open(model, Overlay::Confirm(stop))
}

/// Opens the log pane, if a typed line asks for a log as a shell would print it: `agent logs NAME`, followed or not. Any other
/// option is for the command line to answer. Returns whether that was the line.
pub(super) fn logs(model: &mut Model, line: &str) -> bool {
    let Some(rest) = line.trim_start().strip_prefix("agent logs") else {
        return false;
    };
    let named = |word: &&str| !matches!(*word, "-f" | "--follow" | "--");
    let words: Vec<&str> = rest.split_whitespace().filter(named).collect();
    let name = match words.as_slice() {
        [] => model.selected_agent().map(str::to_owned),
        [name] if !name.starts_with('-') => Some((*name).to_owned()),
        _ => return false,
    };
    let known = roster(&model.state);
    match name {
        Some(name) if known.iter().any(|agent| agent.name == name) => {
            super::go(model, View::Agents.name());
            model.detail = None;
            model.agents.selected = Some(name);
            model.runs.follow();
            model.focus = Focus::Detail;
        }
        Some(name) => model.say(format!("there is no agent '{name}'"), Role::Error),
        None => model.say("agent logs needs a name: agent logs NAME", Role::Error),
    }
    true
}

/// Runs an agent so many times at once.
pub(super) fn scale(model: &mut Model, name: &str, count: &str) -> Vec<Effect> {
    let text = format!("{} {}", agent_line("scale", name), quoted(count));
    line(model, text)
}
