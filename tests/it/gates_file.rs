//! What `obeya.toml` says of gates, mistakes in it included, and where it lies.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::{
    cli::Room,
    gates::{gate, git, room, status},
};

#[test]
fn a_slip_in_the_file_opens_no_gate_and_taking_a_gate_out_does() {
    let room = room("false", "");
    assert_eq!(room.line("quality-gate run WO-001 build").code, 1);
    room.write("obeya.toml", "[gates.build]\ncommand = \"make\"\n");
    let checked = room.line("quality-gate check");
    assert_eq!(checked.code, 1);
    assert!(
        checked.out.contains("obeya.toml:2:11: this is no list"),
        "{}",
        checked.out
    );
    let refused = room.line("quality-gate run WO-001 build");
    assert!(refused.err.contains("this is no list"), "{}", refused.err);
    assert_eq!(room.line("work-order complete WO-001").code, 1);
    room.write("obeya.toml", "");
    room.done("quality-gate check");
    room.done("work-order complete WO-001");
}

#[test]
fn a_gate_with_a_mistake_from_the_first_is_shut_until_it_is_mended() {
    let room = room("true", "stge = \"test\"");
    let refused = room.line("work-order complete WO-001");
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(refused.err.contains("gate build"), "{}", refused.err);
    let refused = room.line("quality-gate run WO-001 build");
    assert!(refused.err.contains("no 'stge'"), "{}", refused.err);
    gate(&room, "true", "");
    room.done("quality-gate run WO-001 build");
    room.done("work-order complete WO-001");
}

#[test]
fn an_ignored_ledger_is_no_code_either() {
    let room = room("true", "");
    let path = room.path().to_owned();
    room.write(".gitignore", "/.obeya/\n");
    git(&path, &["init", "-q"]);
    room.done("quality-gate run WO-001 build");
    assert_eq!(status(&room).0, "passed");
    room.done("work-order complete WO-001");
}

#[test]
fn every_preset_is_read_as_it_is() {
    let room = Room::new();
    for tool in ["cargo", "npm", "pytest", "go", "mix", "rebar3"] {
        let toml = room.done(&format!("quality-gate preset {tool}")).out;
        room.write("obeya.toml", &toml);
        let checked = room.done("quality-gate check");
        assert!(
            checked.out.contains(" 0 problems"),
            "{tool}: {}",
            checked.out
        );
    }
}

#[test]
fn a_gate_of_a_stage_that_is_not_there_is_a_mistake_and_the_doctor_says_every_one() {
    let room = room("true", "stage = \"nostage\"");
    let refused = room.line("work-order complete WO-001");
    assert_eq!(refused.code, 1, "{}", refused.out);
    let checked = room.line("quality-gate check");
    assert!(
        checked.out.contains("there is no stage 'nostage'"),
        "{}",
        checked.out
    );
    let more = "\n[agents.a]\ncommand = ['true']\ntopics = ['andon_alerts']\n[budget]\n";
    let text = std::fs::read_to_string(room.path().join("obeya.toml")).unwrap();
    room.write("obeya.toml", &(text + more));
    let doctor = room.line("doctor");
    assert_eq!(doctor.code, 1, "{}", doctor.out);
    let said = doctor.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for wanted in [
        "obeya.toml:3:9: there is no stage 'nostage' use design, code, test",
        "only an agent that stays hears topics leave topics out, or write mode = \"stdio\"",
        "there is no table 'budget' use [agents.NAME]",
    ] {
        assert!(said.contains(wanted), "{said}");
    }
    gate(&room, "true", "stage = \"test\"");
    let doctor = room.done("doctor").out;
    assert!(
        doctor.contains("obeya.toml: agents: 0, gates: 1"),
        "{doctor}"
    );
    room.done("quality-gate run WO-001 build");
    room.done("work-order complete WO-001");
}

#[test]
fn a_repository_inside_that_has_no_commit_yet_is_code_too() {
    let room = room("true", "");
    let inner = room.path().join("inner");
    git(room.path(), &["init", "--quiet"]);
    room.write("code.rs", "one");
    std::fs::create_dir(&inner).unwrap();
    git(&inner, &["init", "--quiet"]);
    room.write("inner/more.rs", "one");
    room.done("quality-gate run WO-001 build");
    assert_eq!(status(&room).0, "passed");
    room.write("inner/more.rs", "two");
    assert_eq!(status(&room).0, "stale", "what is in it is looked at");
    room.write("inner/more.rs", "one");
    room.write("code.rs", "two");
    assert_eq!(status(&room).0, "stale");
    room.write("code.rs", "one");
    room.done("work-order complete WO-001");
}
