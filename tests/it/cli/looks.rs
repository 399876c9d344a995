//! `theme` and `keymap`: what there is, what is wrong with it, and one setting written.

use std::fs;

use super::Room;

fn room(files: &[(&str, &str)]) -> Room {
    let room = Room::empty();
    let folder = room.path().join(".config/obeya");
    for kind in ["themes", "keymaps"] {
        fs::create_dir_all(folder.join(kind)).unwrap();
    }
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    room
}

#[test]
fn themes_are_listed_shown_and_set_without_a_ledger() {
    let room = room(&[
        ("themes/dark.toml", "inherits = 'dark'\n"),
        (
            "themes/mine.toml",
            "inherits = 'dark'\n[roles]\nsky = 'blue'\n",
        ),
    ]);
    let list = room.done("theme list --json").json();
    let themes = list["themes"].as_array().unwrap();
    let named = |name: &str| themes.iter().find(|theme| theme["name"] == name).unwrap();
    assert_eq!(themes.len(), 11);
    assert_eq!(named("dark")["in_use"], true);
    assert_eq!(named("dark")["shipped"], true);
    let problem = named("mine")["problems"][0].as_str().unwrap();
    assert!(
        problem.contains("mine.toml:3:1: there is no role 'sky'"),
        "{problem}"
    );
    let text = room.done("theme list").out;
    assert!(text.contains("yours, over the shipped one"), "{text}");
    assert!(text.contains("catppuccin"), "{text}");
    let nord = room.done("theme show nord").out;
    assert!(nord.contains("andon.critical"), "{nord}");
    assert!(nord.contains("#2e3440"), "{nord}");
    let mine = room.line("theme show mine");
    assert_eq!(mine.code, 1, "{}", mine.out);
    let refused = room.line("theme set mine");
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("there is no role 'sky'"),
        "{}",
        refused.err
    );
    let gone = room.line("theme set gone");
    assert!(
        gone.err.contains("there is no theme 'gone'"),
        "{}",
        gone.err
    );
    room.done("theme set solarized");
    let kept = fs::read_to_string(room.path().join(".config/obeya/config.toml")).unwrap();
    assert_eq!(kept, "theme = \"solarized\"\n");
    assert!(room.done("theme list").out.contains("*  solarized"));
}

#[test]
fn every_conflict_of_a_keymap_is_told_at_once() {
    let room = room(&[
        (
            "keymaps/mine.toml",
            "[global]\nkeys = [\n  { on = 'd', run = 'quit' },\n  { on = ['d', 'd'], run = 'redraw' },\n  \
             { on = 'e', run = 'fly' },\n  { on = 'ctrl-i', run = 'help' },\n  { on = 'ctrl-b', run = 'help' },\n]\n",
        ),
        (
            "keymap.toml",
            "[order]\nkeys = [{ on = 'g', run = 'open' }]\n",
        ),
    ]);
    let said = room.line("keymap check mine");
    assert_eq!(said.code, 1, "{}", said.out);
    for wanted in [
        "mine.toml:4:3: 'd d' (redraw) is hidden by 'd' (quit) of line 3",
        "mine.toml:5:21: there is no action 'fly'",
        "mine.toml:6:10: a terminal cannot send 'ctrl-i'; terminals send it as tab: use tab",
        "'ctrl-b' (help) of [global]: ctrl-b is tmux's prefix; nothing else does it there",
        "mine: 3 bindings, 3 problems",
    ] {
        assert!(said.out.contains(wanted), "{wanted}\n{}", said.out);
    }
    let vim = room.line("keymap check --json");
    assert_eq!(vim.code, 1);
    let problem = vim.json()["problems"][0].as_str().unwrap().to_owned();
    assert!(
        problem.contains("'g' (open) hides 'g g' (top) of keymaps/vim.toml in [list]"),
        "{problem}"
    );
    fs::remove_file(room.path().join(".config/obeya/keymap.toml")).unwrap();
    for name in ["vim", "emacs", "arrows"] {
        let said = room.done(&format!("keymap check {name}"));
        assert!(said.out.contains("0 problems"), "{}", said.out);
        assert!(!said.out.contains("nothing else does it"), "{}", said.out);
    }
    let shown = room.done("keymap show emacs").out;
    assert!(shown.contains("ctrl-x ctrl-c"), "{shown}");
    assert_eq!(
        room.done("keymap list --json").json()["keymaps"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
}
