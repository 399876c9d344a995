//! `obeya keymap …`: what the console's keys do, and what is wrong with them.

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::{
    arguments::{positional, verb, verbs},
    context::{Call, text},
    error::{CliError, Done},
    output::Tone,
    table::{Table, cell, flex, left},
};
use crate::{
    config::{Config, Problem, process_env},
    ui::{
        action::Action,
        keymap::{self, Keymap, chord, taken},
    },
};

const NOUN: &str = "keymap";

pub(super) fn grammar(noun: Command) -> Command {
    let name = || positional("name", "NAME", "Which; without it the one in use").required(false);
    verbs(
        noun,
        [
            verb(NOUN, "list"),
            verb(NOUN, "show").arg(name()),
            verb(NOUN, "check").arg(name()),
        ],
    )
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let (config, settings) = Config::load(&process_env, &[]);
    let Some((verb, matches)) = matches.subcommand() else {
        return list(&config, call);
    };
    if verb == "list" {
        return list(&config, call);
    }
    let name = text(matches, "name").unwrap_or_else(|| config.keymap.clone());
    let (keymap, problems) = load(&config, &name);
    match verb {
        "show" => show(&name, &keymap, call),
        _ => check(&name, &keymap, &[settings, problems].concat(), call),
    }
}

/// Returns a keymap with the user's layer over it, and everything that is wrong in both.
fn load(config: &Config, name: &str) -> (Keymap, Vec<Problem>) {
    let (layer, broken) = match config.keymap_layer() {
        Ok(layer) => (layer, None),
        Err(problem) => (None, Some(problem)),
    };
    let find = |name: &str| config.document("keymaps", name);
    let (keymap, mut problems) = keymap::load(name, &find, layer, &Action::is_known);
    problems.extend(broken);
    (keymap, problems)
}

fn list(config: &Config, call: &mut Call<'_>) -> Done {
    let own = config.listed("keymaps");
    let mut names: Vec<&str> = keymap::names().collect();
    names.extend(
        own.iter()
            .map(String::as_str)
            .filter(|name| keymap::shipped(name).is_none()),
    );
    let rows = names.into_iter().map(|name| {
        let yours = own.iter().any(|known| known == name);
        (name, keymap::shipped(name).is_some(), yours)
    });
    if call.json() {
        let keymaps = rows.map(|(name, shipped, yours)| {
            let in_use = name == config.keymap;
            json!({ "name": name, "in_use": in_use, "shipped": shipped, "yours": yours })
        });
        let keymaps: Vec<Value> = keymaps.collect();
        return call.out.json(&json!({ "keymaps": keymaps }));
    }
    let mut table = Table::new([left(""), left("keymap"), left("origin")]);
    for (name, shipped, yours) in rows {
        let mark = if name == config.keymap { "*" } else { "" };
        let origin = match (shipped, yours) {
            (true, true) => "yours, instead of the shipped one",
            (true, false) => "shipped",
            (false, _) => "yours",
        };
        table.row([cell(mark), cell(name), cell(origin)]);
    }
    call.out.table(&table)
}

fn show(name: &str, keymap: &Keymap, call: &mut Call<'_>) -> Done {
    let about = |run: &str, desc: &str| match desc {
        "" => Action::parse(run)
            .map_or("", |(action, _)| action.about())
            .to_owned(),
        desc => desc.to_owned(),
    };
    if call.json() {
        let bindings = keymap.bindings().iter().map(|binding| {
            json!({
                "section": binding.scope.name(),
                "keys": chord(&binding.on),
                "action": binding.run,
                "about": about(&binding.run, &binding.desc),
            })
        });
        let bindings: Vec<Value> = bindings.collect();
        return call
            .out
            .json(&json!({ "keymap": name, "bindings": bindings }));
    }
    let mut table = Table::new([left("section"), left("keys"), left("action"), flex("about")]);
    for binding in keymap.bindings() {
        table.row([
            cell(binding.scope.name()),
            cell(chord(&binding.on)),
            cell(&binding.run),
            cell(about(&binding.run, &binding.desc)),
        ]);
    }
    call.out.table(&table)
}

/// Prints every conflict at once, and which keys another program takes before the console gets them.
fn check(name: &str, keymap: &Keymap, problems: &[Problem], call: &mut Call<'_>) -> Done {
    let lost = keymap.bindings().iter().filter_map(|binding| {
        let (key, by) = binding
            .on
            .iter()
            .find_map(|key| Some((key, taken(*key)?.by())))?;
        let alone = !keymap.bindings().iter().any(|other| {
            (other.scope, &other.run) == (binding.scope, &binding.run)
                && other.on.iter().all(|key| taken(*key).is_none())
        });
        let (keys, section) = (chord(&binding.on), binding.scope.name());
        let note = format!("'{keys}' ({}) of [{section}]: {key} is {by}", binding.run);
        Some(match alone {
            true => format!("{note}; nothing else does it there"),
            false => format!("{note}; another key does it too"),
        })
    });
    let lost: Vec<String> = lost.collect();
    if call.json() {
        let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
        call.out.json(&json!({
            "keymap": name,
            "bindings": keymap.bindings().len(),
            "problems": problems,
            "taken_elsewhere": lost,
        }))?;
    } else {
        for problem in problems {
            call.out.whole(&[(Tone::Bad, &problem.to_string())])?;
        }
        for note in &lost {
            call.out.whole(&[(Tone::Muted, note)])?;
        }
        let (bindings, wrong) = (keymap.bindings().len(), problems.len());
        let tone = if wrong == 0 { Tone::Good } else { Tone::Bad };
        let text = format!("{name}: {bindings} bindings, {wrong} problems");
        call.out.tone(tone, &text)?;
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(CliError::Wrong),
    }
}
