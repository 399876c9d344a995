//! What coding agents say by their hooks, and that a hook is nobody's trouble.

use std::io::Write as _;

use super::*;

impl Project {
    fn hook(&self, agent: &str, event: &str, told: &str) -> Output {
        let mut command = self.command(&["agent", "hook", event]);
        command
            .env("OBEYA_AGENT", agent)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut hook = command.spawn().unwrap();
        // One that does not know the event does not read what it is told.
        let _ = hook.stdin.take().unwrap().write_all(told.as_bytes());
        hook.wait_with_output().unwrap()
    }

    /// Returns the state of an agent with its source and its note, by its list.
    fn listed(&self, agent: &str) -> (String, String, String) {
        let all = self.json(&["agent", "list"]);
        let found = all["agents"].as_array().unwrap();
        let found = found.iter().find(|found| found["name"] == agent).unwrap();
        let life = &found["life"];
        (
            text(life, "state"),
            text(life, "source"),
            text(life, "note"),
        )
    }
}

#[test]
fn an_agent_that_nobody_supervises_is_known_by_its_hooks() {
    let project = Project::new("", 0);
    project.done(&["agent", "register", "ana"]);
    let session = r#"{"session_id":"s1","hook_event_name":"x"}"#;
    let asks = r#"{"session_id":"s1","notification_type":"permission_prompt","message":"may I use Bash?"}"#;
    let notice = r#"{"session_id":"s1","notification_type":"auth_success","message":"welcome"}"#;
    for (event, told, state, note) in [
        ("session-start", session, "idle", ""),
        ("UserPromptSubmit", session, "busy", ""),
        ("notification", asks, "waiting", "may I use Bash?"),
        ("notification", notice, "waiting", "may I use Bash?"),
        ("tool", session, "busy", ""),
        ("stop", session, "idle", ""),
        ("waiting", "no JSON at all", "waiting", "waits for input"),
    ] {
        let output = project.hook("ana", event, told);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(
            output.stdout.is_empty() && output.stderr.is_empty(),
            "{output:?}"
        );
        let wanted = (state.to_owned(), "hook".to_owned(), note.to_owned());
        assert_eq!(project.listed("ana"), wanted, "{event}");
    }
    let status = project.done(&["agent", "status", "ana"]);
    assert!(
        status.contains("waiting since") && status.contains("by its hook"),
        "{status}"
    );
    project.hook("ana", "session-end", "");
    assert_eq!(project.listed("ana").0, "idle", "its other session goes on");
    project.done(&["agent", "pause", "ana", "--reason", "lunch"]);
    let paused = (
        "paused".to_owned(),
        "operator".to_owned(),
        "lunch".to_owned(),
    );
    assert_eq!(project.listed("ana"), paused);
    project.done(&["agent", "resume", "ana"]);
    project.hook("ana", "session-end", session);
    assert_eq!(
        project.listed("ana").0,
        "",
        "nothing is known of it any more"
    );
    // Nothing of this is history.
    let log = project.done(&["ledger", "log"]);
    assert!(!log.contains("waits"), "{log}");
}

#[test]
fn a_hook_fails_nobody() {
    let project = Project::new("", 0);
    for (arguments, agent, ledger) in [
        (vec!["agent", "hook", "no-such-event"], Some("ana"), None),
        (vec!["agent", "hook", "stop"], None, None),
        (vec!["agent", "hook"], Some("ana"), None),
        (
            vec!["agents", "hook", "stop", "--nonsense"],
            Some("ana"),
            None,
        ),
        (vec!["agent", "hook", "stop"], Some("ana"), Some("/nowhere")),
        (vec!["agent", "hook", "stop"], Some("a\nb"), None),
    ] {
        let mut command = project.command(&arguments);
        if let Some(agent) = agent {
            command.env("OBEYA_AGENT", agent);
        }
        if let Some(ledger) = ledger {
            command.env("OBEYA_LEDGER", ledger);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}: it says why");
    }
    let broken = project
        .command(&["agent", "hook", "stop"])
        .env("OBEYA_EPOCH", "x")
        .output();
    assert_eq!(broken.unwrap().status.code(), Some(0));

    // A caller that never closes the pipe is not waited for.
    let mut command = project.command(&["agent", "hook", "prompt", "--agent", "ana"]);
    let mut hook = command.stdin(Stdio::piped()).spawn().unwrap();
    let open = hook.stdin.take();
    let end = Instant::now() + PATIENCE;
    while hook.try_wait().unwrap().is_none() {
        assert!(Instant::now() < end, "it waits for its caller");
        thread::sleep(Duration::from_millis(10));
    }
    drop(open);
    assert!(hook.wait().unwrap().success());
    project.done(&["agent", "register", "ana"]);
    assert_eq!(project.listed("ana").0, "busy");
}

#[test]
fn of_an_agent_under_a_host_its_hooks_add_that_it_waits() {
    let wait = |file: &str| format!("while ! test -e {file}; do sleep 0.05; done");
    let script = format!(
        "{}; obeya agent hook waiting </dev/null; {}; obeya agent hook tool </dev/null; {}; {DONE}",
        wait("ask"),
        wait("answer"),
        wait("end")
    );
    let mut project = Project::new(&shell("worker", &script, ""), 1);
    project.host();
    project.until("it is at work", |project| project.state("worker") == "busy");
    assert_eq!(project.life("worker")["source"], "process");
    fs::write(project.path("ask"), "").unwrap();
    project.until("it waits", |project| project.state("worker") == "waiting");
    let life = project.life("worker");
    assert_eq!(
        (text(&life, "source"), text(&life, "note")),
        ("hook".into(), "waits for input".into())
    );
    assert_eq!(life["runs"].as_array().map(Vec::len), Some(1), "{life}");
    fs::write(project.path("answer"), "").unwrap();
    project.until("it goes on", |project| project.state("worker") == "busy");
    fs::write(project.path("end"), "").unwrap();
    project.until("it is done", |project| {
        project.status("WO-001") == "completed"
    });
    assert_eq!(project.life("worker")["source"], "process");
}
