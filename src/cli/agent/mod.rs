//! `obeya agent …`.

mod hook;
mod hooks;
mod kit;
mod logs;
mod new;
mod preset;
mod show;
mod worktrees;
mod wrap;

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::json;

use super::{
    arguments::{limit, option, positional, prose, verb, verbs},
    context::{Call, answer, text, value, word},
    error::Done,
    events::{report, sentences, submit},
    output::Tone,
    work_order::{pull_filter, pulled},
};
use crate::{
    domain::{command::Command as Intent, query::Query},
    link::{Errand, Fault, FaultKind, Wish},
};

pub(super) use self::{
    hook::is_hook,
    show::{counts, table},
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
            verb(NOUN, "new")
                .args(new::arguments())
                .after_help(new::AFTER),
            verb(NOUN, "preset").args(preset::arguments()),
            verb(NOUN, "wrap")
                .args(wrap::arguments())
                .after_help(wrap::AFTER),
            verb(NOUN, "hook")
                .args(hook::arguments())
                .after_help(hook::AFTER),
            verb(NOUN, "hooks").args(hooks::arguments()),
            verb(NOUN, "worktrees").args(worktrees::arguments()),
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
        "worktrees" => return worktrees::run(matches, call),
        "logs" => return logs::run(matches, call, &name()),
        "new" => return new::run(matches, call),
        "preset" => return preset::run(matches, call),
        "wrap" => return wrap::run(matches, call),
        "hook" => return hook::run(matches, call),
        "hooks" => return hooks::run(matches, call),
        "status" => {
            let agent = answer!(call, Query::Agent { name: name() }, Agent);
            return show::detail(call, &agent);
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
    call.out.line(&format!("{name}: {}", show::in_words(&life)))
}

fn unregister(call: &mut Call<'_>, name: String) -> Done {
    let intent = Intent::UnregisterAgent { name: name.clone() };
    match submit(call, intent)? {
        Some(_) if call.json() => call.out.json(&json!({ "name": name, "registered": false })),
        Some(outcome) => sentences(call, &outcome),
        None => Ok(()),
    }
}
