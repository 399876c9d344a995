//! New agents, and the presets of coding agents under a real host, with programs of their names that print what they print.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

/// A coding agent as its preset runs it.
struct Tool {
    name: &'static str,
    /// What it is called with; `{prompt}` stands for an argument that begins with the order.
    arguments: &'static [&'static str],
    /// What it prints when it has done its work.
    prints: &'static str,
    /// What the order's proof remembers of it.
    note: Option<&'static str>,
    /// What it is said to have used up.
    usage: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "claude",
        arguments: &[
            "--print",
            "{prompt}",
            "--output-format",
            "stream-json",
            "--verbose",
            "--permission-mode",
            "acceptEdits",
            "--allowedTools",
            "Bash(git:*),Bash(obeya:*)",
        ],
        prints: r#"{"type":"system","subtype":"init","session_id":"s"}
{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Edit"}]}}
{"type":"result","subtype":"success","is_error":false,"result":"Mended\nthe door.","total_cost_usd":0.25,"usage":{"input_tokens":10,"output_tokens":5}}"#,
        note: Some("Mended the door."),
        usage: r#"{"tokens":15,"cost":0.25}"#,
    },
    Tool {
        name: "codex",
        arguments: &["exec", "--json", "--sandbox", "workspace-write", "{prompt}"],
        prints: r#"{"type":"thread.started","thread_id":"t"}
{"type":"item.completed","item":{"type":"agent_message","text":"Mended it."}}
{"type":"turn.completed","usage":{"input_tokens":100,"cached_input_tokens":90,"output_tokens":7}}"#,
        note: Some("Mended it."),
        usage: r#"{"tokens":107}"#,
    },
    Tool {
        name: "gemini",
        arguments: &[
            "--prompt",
            "{prompt}",
            "--output-format",
            "stream-json",
            "--approval-mode",
            "auto_edit",
            "--skip-trust",
        ],
        prints: r#"{"type":"message","role":"assistant","content":"Mended ","delta":true}
{"type":"message","role":"assistant","content":"it.","delta":true}
{"type":"result","status":"success","stats":{"total_tokens":42}}"#,
        note: Some("Mended it."),
        usage: r#"{"tokens":42}"#,
    },
    Tool {
        name: "opencode",
        arguments: &["run", "--format", "json", "{prompt}"],
        prints: r#"{"type":"text","part":{"text":"Mended it."}}
{"type":"step_finish","part":{"reason":"stop","cost":0.5,"tokens":{"input":10,"output":2}}}"#,
        note: Some("Mended it."),
        usage: r#"{"tokens":12,"cost":0.5}"#,
    },
    Tool {
        name: "aider",
        arguments: &[
            "--message",
            "{prompt}",
            "--yes-always",
            "--no-pretty",
            "--no-suggest-shell-commands",
            "--no-detect-urls",
            "--no-check-update",
            "--no-show-release-notes",
        ],
        prints: "Applied edit to door.rs",
        note: None,
        usage: "null",
    },
];

/// Makes a project with an order and the preset of a tool, and runs it with a program of that name.
fn run(tool: &str, prints: &str, code: i32) -> (Project, Output) {
    let project = Project::new("", 1);
    let preset = project.done(&["agent", "preset", "show", tool]);
    fs::write(project.path("obeya.toml"), preset).unwrap();
    let programs = project.path("programs");
    fs::create_dir(&programs).unwrap();
    let script = format!(
        "#!/bin/sh\nprintf '%s\\0' \"$@\" > arguments\ncat > input\ncat <<'END'\n{prints}\nEND\nexit {code}\n"
    );
    fs::write(programs.join(tool), script).unwrap();
    fs::set_permissions(programs.join(tool), fs::Permissions::from_mode(0o755)).unwrap();
    // Nothing else is found: obeya itself only by what the host adds.
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let mut command = project.command(&["host", "--until-idle"]);
    command.env("PATH", path);
    let output = Project::to_its_end(command);
    (project, output)
}

/// Returns how the newest run of an agent ended, and what it used up.
fn noted_run(project: &Project, agent: &str) -> (String, Value) {
    let logs = project.json(&["agent", "logs", agent]);
    (text(&logs["run"], "end"), logs["run"]["usage"].clone())
}

#[test]
fn every_preset_runs_its_tool_with_its_flags_and_says_what_came_of_it() {
    for tool in TOOLS {
        let (project, host) = run(tool.name, tool.prints, 0);
        assert!(host.status.success(), "{}: {host:?}", tool.name);
        let order = project.order("WO-001");
        assert_eq!(
            text(&order, "status"),
            "completed",
            "{}: {order}",
            tool.name
        );
        assert_eq!(order["proof"]["note"].as_str(), tool.note, "{}", tool.name);
        let given = fs::read_to_string(project.path("arguments")).unwrap();
        let given: Vec<_> = given.trim_end_matches('\0').split('\0').collect();
        let shown: Vec<_> = given
            .iter()
            .map(|argument| match argument.starts_with("WO-001: order 1\n") {
                true => "{prompt}",
                false => argument,
            })
            .collect();
        assert_eq!(shown, tool.arguments, "{}", tool.name);
        assert_eq!(
            fs::read(project.path("input")).unwrap(),
            b"",
            "{}",
            tool.name
        );
        let (end, usage) = noted_run(&project, tool.name);
        let wanted: Value = serde_json::from_str(tool.usage).unwrap();
        assert_eq!((end.as_str(), usage), ("done", wanted), "{}", tool.name);
    }
}

#[test]
fn a_coding_agent_may_ask_for_a_person() {
    let answer = r#"{"type":"turn.completed"}"#;
    let asks = r#"{"type":"item.completed","item":{"type":"agent_message","text":"Hm.\n{\"result\": \"blocked\", \"note\": \"which door?\"}"}}"#;
    let (project, host) = run("codex", &format!("{asks}\n{answer}"), 0);
    assert!(host.status.success(), "{host:?}");
    assert_eq!(project.alerts(), ["WO-001 is blocked: which door?"]);
}

#[test]
fn a_coding_agent_that_does_not_say_that_it_is_done_is_not() {
    // Each failed run is repeated until the order is held.
    for (prints, code, wanted) in [
        (r#"{"type":"system"}"#, 0, "crashed: it exited with code 2"),
        ("", 7, "crashed: it exited with code 7"),
        (
            r#"{"type":"result","subtype":"error_max_turns","is_error":true}"#,
            1,
            "failed",
        ),
    ] {
        let (project, _) = run("claude", prints, code);
        assert_eq!(project.status("WO-001"), "queued", "{prints}");
        assert_eq!(noted_run(&project, "claude").0, wanted, "{prints}");
        assert!(project.alerts()[0].contains("failed 3 times"), "{prints}");
    }
}

#[test]
fn a_new_agent_is_made_whole_and_works() {
    let project = Project::new("# mine\r\n[agents.other]\nmode = 'attached'", 1);
    let before = fs::read(project.path("obeya.toml")).unwrap();
    let arguments = [
        "agent", "new", "greeter", "--lang", "bash", "--role", "host",
    ];
    let shown = project.done(&[&arguments[..], &["--dry-run"]].concat());
    assert!(
        shown.contains("would make agents/greeter/agent.sh"),
        "{shown}"
    );
    assert!(!project.path("agents").exists());
    assert_eq!(fs::read(project.path("obeya.toml")).unwrap(), before);

    project.done(&arguments);
    let after = fs::read(project.path("obeya.toml")).unwrap();
    assert!(after.starts_with(&before), "what stood there stays");
    let page = fs::read_to_string(project.path("agents/greeter/README.md")).unwrap();
    assert!(page.starts_with("# greeter\n"), "{page}");
    let host = project.host_until_idle();
    assert!(host.status.success() && host.stderr.is_empty(), "{host:?}");
    let order = project.order("WO-001");
    assert_eq!(text(&order["proof"], "note"), "read: order 1", "{order}");
}

#[test]
fn an_agent_made_from_within_a_project_runs_from_its_root() {
    let project = Project::new("", 2);
    let deep = project.path("src/deep");
    fs::create_dir_all(&deep).unwrap();
    let within = |arguments: &[&str]| {
        let output = project
            .command(arguments)
            .current_dir(&deep)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let said = within(&["agent", "new", "usual", "--lang", "bash"]);
    // What is named in the file begins at the file; what is to be typed, where one stands.
    assert!(said.contains("made ../../agents/usual/agent.sh"), "{said}");
    assert!(said.contains("added to ../../obeya.toml"), "{said}");
    assert!(said.contains("cd ../../agents/usual &&"), "{said}");
    assert!(deep.join("../../agents/usual/agent.sh").is_file());
    let said = within(&["agent", "new", "own", "--lang", "bash", "--out", "mine"]);
    assert!(said.contains("made mine/agent.sh"), "{said}");
    assert!(deep.join("mine/agent.sh").is_file());
    let table = fs::read_to_string(project.path("obeya.toml")).unwrap();
    for program in ["agents/usual/agent.sh", "src/deep/mine/agent.sh"] {
        assert!(table.contains(&format!("\"{program}\"")), "{table}");
    }
    let host = project.host_until_idle();
    assert!(host.status.success() && host.stderr.is_empty(), "{host:?}");
    for id in ["WO-001", "WO-002"] {
        assert_eq!(project.order(id)["status"], "completed", "{id}");
    }
}

#[test]
fn a_new_agent_overwrites_nothing_and_takes_no_odd_names() {
    let project = Project::new("[agents.taken]\nmode = 'attached'\n", 0);
    fs::create_dir_all(project.path("agents/there")).unwrap();
    let before = fs::read(project.path("obeya.toml")).unwrap();
    for (arguments, wanted) in [
        (
            vec!["taken", "--lang", "bash"],
            "has an agent 'taken' already",
        ),
        (vec!["there", "--lang", "bash"], "is there already"),
        (vec!["../up", "--lang", "bash"], "letters, digits"),
        (vec!["a/b", "--lang", "bash"], "letters, digits"),
        (vec!["x]\ny", "--lang", "bash"], "letters, digits"),
        (
            vec!["deaf", "--lang", "bash", "--topics", "andon_alerts"],
            "hears none",
        ),
        (
            vec!["b", "--lang", "python", "--topics", "no such"],
            "no such",
        ),
        (vec!["b", "--lang", "python", "--role", "a\nb"], "one line"),
        (
            vec!["b", "--lang", "bash", "--out", "no/../../where"],
            "'..'",
        ),
        (
            vec!["b", "--lang", "bash", "--out", "odd\u{7}path"],
            "plain text",
        ),
    ] {
        let output = project.run(&[&["agent", "new"], &arguments[..]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            matches!(output.status.code(), Some(1 | 2)),
            "{arguments:?}: {said}"
        );
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
    let viewer = project.run(&["agent", "new", "b", "--lang", "bash", "--read-only"]);
    assert_eq!(viewer.status.code(), Some(1), "{viewer:?}");
    assert_eq!(fs::read(project.path("obeya.toml")).unwrap(), before);
    let left: Vec<_> = fs::read_dir(project.path("agents"))
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");
    // Where the table cannot be added, the folder goes too.
    fs::set_permissions(
        project.path("obeya.toml"),
        fs::Permissions::from_mode(0o444),
    )
    .unwrap();
    let output = project.run(&["agent", "new", "late", "--lang", "bash"]);
    // The superuser may write it all the same.
    if !output.status.success() {
        assert!(!project.path("agents/late").exists(), "{output:?}");
    }
}
