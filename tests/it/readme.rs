//! The README tells what is true: its keys come from the keymap that ships, its commands from the help.

use std::{collections::BTreeMap, fs, path::Path, sync::Mutex};

use obeya::ui::{action::Action, keymap};

use crate::cli::Room;

const BEGIN: &str = "<!-- keys: written by the tests from the keymap -->\n";
const END: &str = "<!-- end of keys -->\n";
const COMMANDS: &str = "<!-- commands: written by the tests from the help -->\n";
const END_OF_COMMANDS: &str = "<!-- end of commands -->\n";

/// Who blesses the README writes all of it: one after another.
static TURN: Mutex<()> = Mutex::new(());

/// The scopes that somebody driving the console meets, in the order of the README.
const SCOPES: &[&str] = &[
    "global", "list", "order", "board", "tree", "graph", "andon", "agents", "log", "events",
    "messages", "detail",
];

fn table() -> String {
    let (keymap, problems) = keymap::load("vim", &|_| Ok(None), None, &Action::is_known);
    assert!(problems.is_empty(), "{problems:?}");
    let mut table = String::from("| where | key | what it does |\n|---|---|---|\n");
    for scope in SCOPES {
        let mut rows: BTreeMap<usize, (String, Vec<String>)> = BTreeMap::new();
        let bindings: Vec<_> = keymap
            .bindings()
            .iter()
            .filter(|binding| binding.scope.name() == *scope)
            .collect();
        for binding in &bindings {
            let first = bindings
                .iter()
                .position(|other| other.run == binding.run)
                .expect("itself");
            let row = rows
                .entry(first)
                .or_insert_with(|| (binding.desc.clone(), Vec::new()));
            row.1.push(format!("`{}`", keymap::chord(&binding.on)));
        }
        for (desc, keys) in rows.into_values() {
            table.push_str(&format!("| {scope} | {} | {desc} |\n", keys.join(" ")));
        }
    }
    table
}

/// Returns the names in the commands of a help page, as they are told there, with what else calls them.
fn commands(help: &str) -> Vec<(String, Option<String>)> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let told = lines.take_while(|line| !line.is_empty());
    let name = |line: &str| {
        line.trim_start()
            .split_once(' ')
            .map(|(name, _)| name.to_owned())
    };
    let alias = |line: &str| {
        let (_, rest) = line.split_once("[alias: ")?;
        Some(rest.trim_end_matches(']').to_owned())
    };
    told.filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| Some((name(line)?, alias(line))))
        .collect()
}

fn nouns() -> String {
    let room = Room::empty();
    let mut table = String::from("| noun | verbs |\n|---|---|\n");
    let mut alone = vec![];
    for (noun, alias) in commands(&room.line("--help").out) {
        let verbs = commands(&room.line(&format!("{noun} --help")).out);
        let verbs: Vec<_> = verbs.into_iter().map(|(verb, _)| verb).collect();
        let alias = alias.map_or(String::new(), |alias| format!(" (`{alias}`)"));
        match verbs.is_empty() {
            true => alone.push(format!("`{noun}`{alias}")),
            false => table.push_str(&format!("| `{noun}`{alias} | {} |\n", verbs.join(" "))),
        }
    }
    table.push_str(&format!("| | {} |\n", alone.join(" ")));
    table
}

/// Holds what stands in the README between two marks against what should; blessing writes it there.
fn holds(begin: &str, end: &str, wanted: &str) {
    let _turn = TURN.lock().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(begin).expect("where it begins");
    let (_, after) = rest.split_once(end).expect("where it ends");
    let fresh = format!("{before}{begin}\n{wanted}\n{end}{after}");
    if std::env::var_os("OBEYA_BLESS").is_some() {
        fs::write(&path, &fresh).unwrap();
        return;
    }
    assert!(readme == fresh, "stale: OBEYA_BLESS=1 cargo test readme");
}

#[test]
fn the_keys_are_those_of_the_keymap() {
    holds(BEGIN, END, &table());
}

#[test]
fn the_commands_are_those_of_the_help() {
    holds(COMMANDS, END_OF_COMMANDS, &nouns());
}
