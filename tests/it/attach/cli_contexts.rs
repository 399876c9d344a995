//! Which line is meant: what is named goes before what is found, and nothing is written elsewhere unawares.

use obeya::domain::command::Role;
use serde_json::json;

use super::support::Engine;
use crate::cli::Room;

#[test]
fn a_context_is_used_where_it_is_named_or_nothing_else_is_found() {
    let engine = Engine::start();
    let room = Room::empty();
    let token = engine.token_file(room.path(), "maria", Role::Operator);
    let url = format!("ws://{}", engine.address());
    let added = format!("context add plant --url {url} --token-file {token}");
    room.done(&added);
    assert_eq!(room.line(&added).code, 2, "it is there already");
    let titles = |said: &crate::cli::Said| -> Vec<String> {
        let orders = said.json()["work_orders"].as_array().cloned().unwrap();
        orders
            .iter()
            .map(|order| order["title"].as_str().unwrap().to_owned())
            .collect()
    };
    // Named.
    room.done("work-order create --title there --context plant");
    let there = room.done("work-order list --json --context plant");
    assert_eq!(titles(&there), ["there"]);
    // Neither named nor in use.
    assert_eq!(room.line("work-order list").code, 3);
    // In use, and nothing is found here.
    room.done("context use plant");
    assert_eq!(titles(&room.done("work-order list --json")), ["there"]);
    let shown = room.done("context show --json").json();
    assert_eq!(shown["line"], "plant");
    assert_eq!(shown["place"], json!(url));
    // In a project's folder commands work on the project's own ledger.
    room.done("init");
    assert_eq!(titles(&room.done("work-order list --json")), [""; 0]);
    assert_eq!(
        room.done("context show --json").json()["why"],
        "found here or in a folder above"
    );
    assert_eq!(
        titles(&room.done("work-order list --json --context plant")),
        ["there"]
    );
    // The environment goes before the folder, and does not leave open which is meant.
    let room = room.set("OBEYA_CONTEXT", "plant");
    assert_eq!(titles(&room.done("work-order list --json")), ["there"]);
    let room = room.set("OBEYA_LEDGER", "/nowhere");
    let said = room.line("work-order list");
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("OBEYA_LEDGER and OBEYA_CONTEXT"),
        "{}",
        said.err
    );
    assert_eq!(room.line("work-order list --ledger .obeya").code, 0);
    room.done("context remove plant --ledger .obeya");
    let said = room.line("work-order list --context plant");
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("there is no context 'plant'"),
        "{}",
        said.err
    );
}

#[test]
fn a_context_to_look_at_changes_nothing() {
    let engine = Engine::start();
    let room = Room::empty();
    let token = engine.token_file(room.path(), "root", Role::Admin);
    let url = format!("ws://{}", engine.address());
    room.done(&format!(
        "context add wall --url {url} --token-file {token} --read-only --theme nord"
    ));
    let before = engine.session.watching().state().head;
    for line in [
        "work-order create --title no",
        "andon trigger --severity high --reason no",
        "bus publish coordination_events no",
        "token create --name no --role viewer",
        "agent register no --role no",
    ] {
        let said = room.line(&format!("{line} --context wall --as admin --json"));
        assert_eq!(said.code, 1, "{line}: {}", said.out);
        assert_eq!(said.json()["refusal"]["rule"], "role", "{line}");
    }
    assert_eq!(engine.session.watching().state().head, before);
    room.done("work-order list --context wall");
}

#[test]
fn a_mistake_in_the_file_is_placed_and_the_other_contexts_work() {
    let engine = Engine::start();
    let room = Room::empty();
    let token = engine.token_file(room.path(), "maria", Role::Viewer);
    let url = format!("ws://{}", engine.address());
    room.done(&format!(
        "context add good --url {url} --token-file {token}"
    ));
    let config = room.path().join(".config/obeya/contexts.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[contexts.bad]\nread_only = true\n")).unwrap();
    room.done("work-order list --context good");
    let said = room.line("work-order list --context bad");
    assert_eq!(said.code, 3);
    assert!(said.err.contains("contexts.toml:5:1"), "{}", said.err);
    assert!(room.done("context list").out.contains("contexts.toml:5:1"));
}

#[test]
fn a_file_that_breaks_off_leads_nowhere() {
    let engine = Engine::start();
    let room = Room::empty();
    let token = engine.token_file(room.path(), "maria", Role::Operator);
    // The address that is left would lead to this engine, and the line that is gone said that nothing may be changed.
    let url = format!("ws://{}", engine.address());
    let config = room.path().join(".config/obeya/contexts.toml");
    room.done(&format!(
        "context add plant --url {url} --token-file {token} --read-only"
    ));
    room.done("context use plant");
    let whole = std::fs::read_to_string(&config).unwrap();
    let torn = whole.find("read-only").unwrap() + "read-on".len();
    std::fs::write(&config, &whole[..torn]).unwrap();
    let before = engine.session.watching().state().head;
    for line in [
        "work-order create --title no",
        "work-order create --title no --context plant",
    ] {
        let said = room.line(line);
        assert_eq!(said.code, 3, "{line}: {}{}", said.out, said.err);
        assert!(said.err.contains("contexts.toml:"), "{line}: {}", said.err);
    }
    assert_eq!(engine.session.watching().state().head, before);
    assert!(room.done("context list").out.contains("contexts.toml:"));
    // A ledger that is named or found is not in doubt.
    room.done("init");
    room.done("work-order create --title here");
}

#[test]
fn each_mistake_is_said_where_it_counts() {
    let room = Room::empty();
    let said = room.done(
        "context add plant --url ws://127.0.0.1:1 --token-file none --ca gone.pem --theme no",
    );
    for doubt in ["none", "gone.pem", "'no'"] {
        assert!(said.out.contains(doubt), "{doubt}: {}", said.out);
    }
    let config = room.path().join(".config/obeya/contexts.toml");
    let text = "[contexts.a]\nread_only = true\n[contexts.b]\n[contexts.c]\nurl = 'http://a'\n";
    std::fs::write(&config, text).unwrap();
    let list = room.done("context list").out;
    for (called, why) in [
        ("a", "contexts.toml:2:1"),
        ("b", "contexts.toml:3:11"),
        ("c", "do you mean ws://a?"),
    ] {
        let said = room.line(&format!("work-order list --context {called}"));
        assert_eq!(said.code, 3, "{}", said.err);
        assert!(said.err.contains(why), "{called}: {}", said.err);
        assert!(!said.err.contains("defect"), "{called}: {}", said.err);
        assert!(list.contains(why), "{called}: {list}");
    }
    let said = room.line("work-order list --context d");
    assert!(said.err.contains("there is no context 'd'"), "{}", said.err);
    let room = room.set("OBEYA_ATTACH", "http://a");
    let said = room.line("work-order list");
    assert!(said.err.contains("unset OBEYA_ATTACH"), "{}", said.err);
}

#[test]
fn what_was_said_for_a_call_goes_before_its_context() {
    let engine = Engine::start();
    let room = Room::empty();
    for (name, role) in [("wall", Role::Viewer), ("maria", Role::Operator)] {
        engine.token_file(room.path(), name, role);
    }
    let url = format!("ws://{}", engine.address());
    // A file is named from where the context is added, and found from everywhere.
    room.done(&format!(
        "context add plant --url {url} --token-file wall.token"
    ));
    let kept = room.done("context show plant --json").json();
    let file = room.path().join("wall.token");
    assert_eq!(kept["token_file"], json!(file));
    let create = "work-order create --title this --context plant";
    assert_eq!(room.line(create).code, 1, "the context's token only looks");
    room.done(&format!("{create} --token-file maria.token"));
    // So does an engine before the one that the environment names.
    let room = room.set("OBEYA_CONTEXT", "plant");
    let said = room.line("work-order list --attach ws://127.0.0.1:1");
    assert_eq!(said.code, 3, "{}", said.out);
    room.done(&format!(
        "work-order list --attach {url} --token-file maria.token"
    ));
}

#[test]
fn what_cannot_be_a_context_is_said_and_changes_nothing() {
    let room = Room::empty();
    room.done("context add plant --url ws://127.0.0.1:1");
    let config = room.path().join(".config/obeya/contexts.toml");
    let refuses = |line: &str, why: &str| {
        let before = std::fs::read_to_string(&config).unwrap();
        let said = room.line(line);
        assert_eq!(said.code, 2, "{line}: {}{}", said.out, said.err);
        assert!(said.err.contains(why), "{line}: {}", said.err);
        assert_eq!(std::fs::read_to_string(&config).unwrap(), before, "{line}");
    };
    let url = "--url ws://127.0.0.1:1";
    refuses(
        &format!("context add plant {url}"),
        "context 'plant' already",
    );
    refuses(&format!("context add none {url}"), "cannot be called none");
    refuses(&format!("context add \"a b\" {url}"), "use letters");
    refuses("context add other --url http://a", "do you mean ws://a?");
    refuses("context use other", "there is no context 'other'");
    refuses("context remove other", "there is no context 'other'");
    std::fs::write(&config, "[contexts.plant]\nurl = 'ws://a'\nno = 1\n").unwrap();
    for line in [
        &format!("context add other {url}"),
        "context remove plant",
        "context use none",
    ] {
        refuses(line, "contexts.toml:3:1");
    }
}
