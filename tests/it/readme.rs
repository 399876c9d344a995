//! The README tells what is true: its keys come from the keymap that ships.

use std::{collections::BTreeMap, fs, path::Path};

use obeya::ui::{action::Action, keymap};

use crate::cli::Room;

const BEGIN: &str = "<!-- keys: written by the tests from the keymap -->\n";
const END: &str = "<!-- end of keys -->\n";

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

#[test]
fn the_keys_are_those_of_the_keymap() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("where the keys begin");
    let (_, after) = rest.split_once(END).expect("where the keys end");
    let fresh = format!("{before}{BEGIN}\n{}\n{END}{after}", table());
    if std::env::var_os("OBEYA_BLESS").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    assert!(
        readme == fresh || std::env::var_os("OBEYA_BLESS").is_some(),
        "stale keys: OBEYA_BLESS=1 cargo test readme"
    );
}

#[test]
fn the_nouns_are_those_of_the_command_line() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (_, table) = readme
        .split_once("| noun | verbs |\n|---|---|\n")
        .expect("the table");
    let (table, _) = table.split_once("\n\n").expect("its end");
    let help = Room::empty().done("--help").out;
    let (_, commands) = help.split_once("Commands:\n").expect("the commands");
    let (commands, _) = commands.split_once("\n\n").expect("their end");
    for line in commands.lines() {
        let noun = line.split_whitespace().next().expect("a name");
        // Names of more than one word's column go on in the next line, which begins further in.
        if line.starts_with("   ") {
            continue;
        }
        let times = table.matches(&format!("`{noun}`")).count();
        assert_eq!(
            times, 1,
            "{noun} stands {times} times in the table of nouns"
        );
    }
}
