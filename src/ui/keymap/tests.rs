//! Keymaps from the file to the action.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{config::Document, ui::action::Action};

fn keys(text: &str) -> Vec<Key> {
    text.split(' ').map(|key| key.parse().unwrap()).collect()
}

/// Loads `base` as a user's own map with `layer` over it.
fn check(base: &str, layer: &str) -> (Keymap, String) {
    let find = |_: &str| Ok(Some(Document::new("base.toml", base.to_owned())));
    let layer = Some(Document::new("mine.toml", layer.to_owned()));
    let (keymap, problems) = load("base", &find, layer, &|action| action != "nonsense");
    (
        keymap,
        problems
            .iter()
            .map(|problem| format!("{problem}\n"))
            .collect(),
    )
}

/// Presses `typed` one after another and writes what happens.
fn press(keymap: &Keymap, scopes: &[Scope], typed: &str) -> String {
    let mut pending = Vec::new();
    let mut said = Vec::new();
    for key in keys(typed) {
        said.push(match keymap.press(scopes, &mut pending, key) {
            Press::Pending => "…".to_owned(),
            Press::Run(binding) => binding.run.clone(),
            Press::Nothing => "-".to_owned(),
            Press::Cancelled => "x".to_owned(),
        });
    }
    said.join(" ")
}

#[test]
fn keys_are_read_and_written() {
    for text in [
        "j",
        "G",
        "!",
        "<",
        ">",
        "-",
        "é",
        "space",
        "enter",
        "esc",
        "tab",
        "backtab",
        "up",
        "pageup",
        "f1",
        "f12",
        "ctrl-d",
        "ctrl-space",
        "alt-x",
        "alt-enter",
        "ctrl-alt-x",
        "shift-up",
        "ctrl-left",
        "alt--",
    ] {
        assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
    }
    for (text, same) in [
        ("<space>", "space"),
        ("shift-g", "G"),
        ("<ctrl-d>", "ctrl-d"),
        ("shift-tab", "backtab"),
    ] {
        assert_eq!(text.parse::<Key>().unwrap().to_string(), same);
    }
    for bad in [
        "",
        "jj",
        "ctrl-",
        "ctrl-ctrl-d",
        "f0",
        "f13",
        "f999",
        "hyper-x",
        "ctrl-i",
        "ctrl-m",
        "ctrl-[",
        "ctrl-h",
        "ctrl-D",
        "ctrl-1",
        "ctrl-enter",
        "shift-enter",
        "ctrl-tab",
        "shift-1",
        "\x1b",
        "<>x",
    ] {
        assert!(bad.parse::<Key>().is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_key_or_an_error(text in "\\PC{0,12}|(ctrl-|alt-|shift-){0,3}\\PC") {
        if let Ok(key) = text.parse::<Key>() {
            prop_assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
        }
    }

    #[test]
    fn any_file_loads(text in "(\\[(global|list|x)\\]\n|keys = |\\[|\\{ on = \"g\", run = \"a\" \\},|\\]|\\{|\"|\n){0,12}") {
        check(&text, &text);
    }
}

#[test]
fn chords_wait_run_and_cancel() {
    let map = "[global]\nkeys = [{on=['g','g'],run='top'},{on=['g','e'],run='end'},{on='q',run='quit'}]\n\
               [list]\nkeys = [{on=['g','l'],run='left'},{on='x',run='cut'}]\n[board]\nkeys=[{on='x',run='mark'}]";
    let (keymap, problems) = check(map, "");
    assert_eq!(problems, "");
    let scopes = [Scope::Board, Scope::List, Scope::Global];
    assert_eq!(press(&keymap, &scopes, "g g q"), "… top quit");
    assert_eq!(press(&keymap, &scopes, "g l x"), "… left mark");
    assert_eq!(press(&keymap, &[Scope::List], "x g g q"), "cut … x -");
    assert_eq!(press(&keymap, &scopes, "z g z q"), "- … x quit");
    assert_eq!(keymap.chords(&scopes, "top"), [keys("g g")]);
    assert_eq!(keymap.chords(&scopes, "cut"), Vec::<&[Key]>::new());
    let next = keymap.reachable(&scopes, &keys("g"));
    assert_eq!(
        next.iter().map(|b| b.run.as_str()).collect::<Vec<_>>(),
        ["left", "top", "end"]
    );
}

#[test]
fn the_user_wins() {
    let base = "[global]\nkeys = [{on='q',run='quit'},{on=['g','g'],run='top'},{on='x',run='cancel'},{on='?',run='help'}]";
    let layer = "[global]\nunbind = ['x']\nkeys = [{on='q',run='redraw'},{on='g',run='bottom'}]";
    let (keymap, problems) = check(base, layer);
    assert_eq!(
        press(&keymap, &[Scope::Global], "q g x ?"),
        "redraw bottom - help"
    );
    insta::assert_snapshot!(problems, @r#"mine.toml:3:31: 'g' (bottom) hides 'g g' (top) of base.toml; to keep it so, add unbind = [["g", "g"]] to [global]"#);
    let quiet = layer.replace("['x']", "['x', ['g', 'g']]");
    assert_eq!(check(base, &quiet).1, "");
}

#[test]
fn every_conflict_is_reported_at_once() {
    let (keymap, problems) = check(
        "[global]\nkeys = [\n  {on='d',run='down'},\n  {on=['d','d'],run='cut'},\n  {on='d',run='delete'},\n\
         {on='z',run='nonsense'},\n  {on='ctrl-i',run='in'},\n  {on=['g','g'],run='top'},\n  {run='x'},\n\
         {on=[],run='x'},\n  {on='y',run='x',when='now'},\n  7,\n]\n[list]\nkeys = [{on='g',run='go'}]\n\
         keyz = 1\n[bord]\n",
        "",
    );
    assert_eq!(press(&keymap, &[Scope::Global], "d g g"), "down … top");
    insta::assert_snapshot!(problems, @r##"
    base.toml:4:3: 'd d' (cut) is hidden by 'd' (down) of line 3; change one of them
    base.toml:5:3: 'd' (delete) is already 'down' of line 3; change one of them
    base.toml:6:13: there is no action 'nonsense'; the help lists the actions
    base.toml:7:7: a terminal cannot send 'ctrl-i'; terminals send it as tab: use tab
    base.toml:9:3: a binding needs 'on'; write { on = "x", run = "action", desc = "…" }
    base.toml:10:5: a chord of 0 keys; use 1 to 4 keys
    base.toml:11:19: a binding has no 'when'; write { on = "x", run = "action", desc = "…" }
    base.toml:12:3: a binding must be a table; write { on = "x", run = "action", desc = "…" }
    base.toml:15:9: 'g' (go) hides 'g g' (top) of line 8 in [global]; change one of them
    base.toml:16:1: a section has no 'keyz'; use keys and unbind
    base.toml:17:2: there is no section 'bord'; use global, list, order, overview, board, tree, graph, andon, agents, log, events, flow, messages, past, detail, form, prompt, confirm, help
    "##);
}

#[test]
fn the_shipped_maps_are_whole() {
    for name in names() {
        let (keymap, problems) = load(name, &|_| Ok(None), None, &|_| true);
        assert_eq!(problems, [], "{name}");
        for binding in keymap.bindings() {
            assert!(
                !binding.desc.is_empty(),
                "{} has no text",
                chord(&binding.on)
            );
        }
        for must in ["quit", "help", "command", "palette", "back"] {
            assert!(
                !keymap.chords(&[Scope::Global], must).is_empty(),
                "{name}: {must}"
            );
        }
    }
}

#[test]
fn the_shipped_maps_reach_the_same_acts() {
    let acts = |name: &str| -> BTreeSet<String> {
        let (keymap, _) = load(name, &|_| Ok(None), None, &|_| true);
        keymap.bindings().iter().map(|b| b.run.clone()).collect()
    };
    let known = acts("vim");
    for name in names() {
        let missing: Vec<_> = known.difference(&acts(name)).cloned().collect();
        assert_eq!(missing, [""; 0], "{name}");
    }
}

#[test]
fn shipped_keys_stay_out_of_the_way() {
    let moves = [
        "down",
        "up",
        "left",
        "right",
        "top",
        "bottom",
        "half-page-down",
        "half-page-up",
        "page-down",
        "page-up",
    ];
    for name in names() {
        let (keymap, _) = load(name, &|_| Ok(None), None, &|_| true);
        for binding in keymap.bindings() {
            let shown = chord(&binding.on);
            let lost = |binding: &Binding| binding.on.iter().find_map(|key| taken(*key));
            match lost(binding) {
                Some(Taken::Always(who)) => panic!("{name}: {shown} is {who}"),
                // Whoever loses it reaches the same act by another key.
                Some(Taken::Sometimes(who)) => {
                    let beside = keymap.bindings().iter().any(|other| {
                        (other.scope, &other.run) == (binding.scope, &binding.run)
                            && lost(other).is_none()
                    });
                    assert!(
                        beside,
                        "{name}: {shown} is {who}, and nothing else does {}",
                        binding.run
                    );
                }
                None => {}
            }
            let first = binding.on[0].to_string();
            if ["ctrl-d", "ctrl-u", "ctrl-k", "h", "j", "k", "l"].contains(&first.as_str()) {
                assert!(
                    moves.contains(&binding.run.as_str()),
                    "{shown} runs {}",
                    binding.run
                );
            }
            // A question is never answered yes by enter.
            assert!(!(binding.run == "yes" && first == "enter"), "{shown}");
        }
    }
}

#[test]
fn every_action_has_a_key_or_is_in_the_palette() {
    // The palette lists what the scopes at hand have, but neither plain movements nor what dialogs alone can do.
    let listed = |scope: Scope| {
        !matches!(
            scope,
            Scope::List | Scope::Prompt | Scope::Form | Scope::Confirm | Scope::Help
        )
    };
    for name in names() {
        let (keymap, _) = load(name, &|_| Ok(None), None, &Action::is_known);
        for action in Action::ALL {
            let runs = |binding: &Binding| {
                Action::parse(&binding.run).is_some_and(|(run, _)| run == *action)
            };
            let bound = keymap.bindings().iter().any(runs);
            assert!(bound || listed(action.scope()), "{name}: {}", action.name());
        }
    }
}

#[test]
fn keys_that_others_take_are_known() {
    let who = |key: &str| taken(key.parse().unwrap()).map(Taken::by);
    assert_eq!(who("ctrl-b"), Some("tmux's prefix"));
    assert_eq!(who("ctrl-a"), Some("screen's prefix"));
    for key in [
        "ctrl-g", "ctrl-p", "ctrl-s", "ctrl-q", "alt-n", "alt-left", "alt-[",
    ] {
        assert!(who(key).is_some(), "{key}");
    }
    for key in [
        "b",
        "B",
        "ctrl-d",
        "alt-x",
        "alt-enter",
        "left",
        "ctrl-left",
    ] {
        assert_eq!(who(key), None, "{key}");
    }
}

#[test]
fn what_hides_a_chord_from_another_section_is_reported() {
    let base = "[list]\nkeys = [{on=['g','g'],run='top'}]\n[andon]\nkeys = [{on='z',run='snooze'}]";
    let layer = "[order]\nkeys = [{on='g',run='go'}]\n[global]\nkeys = [{on=['z','x'],run='zap'}]";
    let (keymap, problems) = check(base, layer);
    insta::assert_snapshot!(problems, @r#"
    mine.toml:2:9: 'g' (go) hides 'g g' (top) of base.toml in [list]; to keep it so, add unbind = [["g", "g"]] to [list]
    mine.toml:4:9: 'z x' (zap) is hidden by 'z' (snooze) of base.toml in [andon]; to have it there too, add unbind = [["z"]] to [andon]
    "#);
    let order = [Scope::Order, Scope::List, Scope::Global];
    assert_eq!(press(&keymap, &order, "g z x"), "go … zap");
    let mended = format!("{layer}\n[list]\nunbind = [['g','g']]\n[andon]\nunbind = ['z']");
    let (keymap, problems) = check(base, &mended);
    assert_eq!(problems, "");
    let andon = [Scope::Andon, Scope::List, Scope::Global];
    assert_eq!(press(&keymap, &andon, "z x"), "… zap");
}

#[test]
fn a_missing_map_is_reported_and_vim_holds() {
    let (keymap, problems) = load("gone", &|_| Ok(None), None, &|_| true);
    assert_eq!(problems.len(), 1);
    assert_eq!(press(&keymap, &[Scope::Global], "q"), "quit");
}
