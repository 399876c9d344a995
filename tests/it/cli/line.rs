//! The console's `:` speaks the same grammar.

use obeya::{
    cli::{LineContext, LineOutput, run_line},
    domain::{command::Role, order::Actor},
    link::{self, Home, Operator},
};

fn context() -> LineContext {
    LineContext {
        actor: Actor::person("maria"),
        role: Role::Operator,
        connection: None,
        width: 100,
        unicode: true,
    }
}

fn engine(folder: &std::path::Path) -> Box<dyn Operator> {
    let home = Home::new(folder.join(".obeya")).unwrap();
    link::init(&home).unwrap();
    link::open(&home).unwrap()
}

#[test]
fn a_line_does_what_the_shell_does() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(folder.path());
    let mut run = |line: &str| run_line(line, engine.as_mut(), &context());
    let done = |text: &str| LineOutput {
        text: text.into(),
        failed: false,
    };
    assert_eq!(
        run("wo create --title 'two words' --bucket security"),
        done("WO-001\n")
    );
    let list = run("work-order list");
    assert!(
        list.text.contains("two words") && !list.text.contains('\u{1b}'),
        "{list:?}"
    );
    assert!(run("wo start WO-001").text.contains("held by maria"));
    let refused = run("wo start WO-001");
    assert!(
        refused.failed && refused.text.starts_with("refused: maria has WO-001"),
        "{refused:?}"
    );
    assert!(
        run("wo start WO-001 --json")
            .text
            .contains("already_started")
            || refused.failed
    );
    let help = run("wo create --help");
    assert!(!help.failed && help.text.contains("--title"), "{help:?}");
    assert!(run("ledger log").text.contains("two words"));
}

#[test]
fn what_belongs_in_a_shell_is_refused_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(folder.path());
    for line in [
        "init",
        "completions bash",
        "doctor",
        "ledger backup x",
        "ledger restore x",
        "ledger verify",
        "import beads x",
        "import github x",
        "man",
        "demo",
        "watch --plain",
        "bus subscribe work_order_events",
        "bus topics",
        "wo watch --all",
        "wo create --title x --description -",
    ] {
        let output = run_line(line, engine.as_mut(), &context());
        assert!(
            output.failed && output.text.contains("shell"),
            "{line}: {output:?}"
        );
    }
    for (line, wanted) in [
        ("", "type a command"),
        ("wo create --title 'open", "not closed"),
        ("nonsense", "nonsense"),
        ("wo list --ledger /elsewhere", "stays with its ledger"),
        ("bucket set features --wip 1", "role"),
        (
            "bucket set features --wip 1 --as admin --actor root",
            "role",
        ),
    ] {
        let output = run_line(line, engine.as_mut(), &context());
        assert!(
            output.failed && output.text.contains(wanted),
            "{line}: {output:?}"
        );
    }
}

#[test]
fn messages_of_the_consoles_own_ledger_are_sent_and_read_by_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = engine(folder.path());
    let home = Home::new(folder.path().join(".obeya")).unwrap();
    let line = LineContext {
        connection: Some(obeya::link::Connection::Local(home)),
        ..context()
    };
    let mut run = |text: &str, line: &LineContext| run_line(text, engine.as_mut(), line);
    let sent = run("bus publish @tester 'is it covered?'", &line);
    assert_eq!(
        (sent.text.trim_end(), sent.failed),
        ("sent to @tester as 1", false)
    );
    let inbox = run("bus inbox tester", &line);
    assert!(inbox.text.contains("is it covered?"), "{inbox:?}");
    // What waits for long would hold up every other line.
    for text in [
        "bus subscribe @tester",
        "bus request @tester x --timeout 1m",
    ] {
        let output = run(text, &line);
        assert!(
            output.failed && output.text.contains("shell"),
            "{text}: {output:?}"
        );
    }
    let viewer = LineContext {
        role: Role::Viewer,
        ..line
    };
    let refused = run("bus publish @tester x", &viewer);
    assert!(
        refused.failed && refused.text.contains("viewer"),
        "{refused:?}"
    );
}
