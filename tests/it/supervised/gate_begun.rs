//! Gates that a host runs by itself: for whoever was refused, and beside an agent that is done before they are.

use std::fs;

use rustix::process::Signal;

use super::{DONE, Project};

/// A gate that notes that it was run, and waits until it is let through.
const SLOW: &str = "echo ran >> runs; until test -e go; do sleep 0.05; done; test -e work";

fn runs(project: &Project) -> usize {
    let runs = fs::read_to_string(project.path("runs")).unwrap_or_default();
    runs.lines().count()
}

#[test]
fn a_refused_completion_begins_what_it_lacks_once() {
    let gate = format!("[gates.slow]\ncommand = [\"sh\", \"-c\", \"{SLOW}\"]\n");
    let mut project = Project::new(&gate, 1);
    project.host();
    project.done(&["work-order", "start", "WO-001"]);
    project.until("the gate stands", |project| {
        project.done(&["quality-gate", "list"]).contains("slow")
    });
    let refused = |project: &Project| {
        let tried = project.run(&["work-order", "complete", "WO-001", "--json"]);
        assert_eq!(tried.status.code(), Some(1), "{tried:?}");
        String::from_utf8_lossy(&tried.stdout).contains("being run now")
    };
    for _ in 0..3 {
        let tried = project.run(&["work-order", "complete", "WO-001", "--dry-run"]);
        assert_eq!(tried.status.code(), Some(1), "{tried:?}");
        let said = String::from_utf8_lossy(&tried.stderr).into_owned();
        assert!(
            said.contains("not run yet"),
            "a dry run begins nothing: {said}"
        );
    }
    project.until("the host says that it runs the gate", refused);
    project.until("it is run", |project| runs(project) == 1);
    for _ in 0..5 {
        assert!(refused(&project), "it goes on");
    }
    fs::write(project.path("work"), "").unwrap();
    fs::write(project.path("go"), "").unwrap();
    project.until("it is completed", |project| {
        let tried = project.run(&["work-order", "complete", "WO-001"]);
        tried.status.success()
    });
    assert_eq!(runs(&project), 1);
}

#[test]
fn who_is_done_while_a_gate_is_run_waits_for_its_verdict() {
    // The gate is begun as the order enters the stage, before there is any work.
    let line = format!(
        "[agents.worker]\ncommand = [\"sh\", \"-c\", \"touch work; {DONE}\"]\n\n\
         [gates.slow]\ncommand = [\"sh\", \"-c\", \"{SLOW}\"]\nstage = \"design\"\n"
    );
    let mut project = Project::new(&line, 1);
    project.host();
    project.until("the agent gives its result", |project| {
        let logs = project.run(&["agent", "logs", "worker"]);
        String::from_utf8_lossy(&logs.stdout).contains("\"result\"")
    });
    project.until("the gate is run", |project| runs(project) == 1);
    fs::write(project.path("go"), "").unwrap();
    project.until("it is completed", |project| {
        project.status("WO-001") == "completed"
    });
    assert_eq!(runs(&project), 1);
    let order = project.json(&["work-order", "show", "WO-001"]);
    assert_eq!(order["comments"], 0, "nothing failed: {order}");
}

#[test]
fn who_waits_for_an_approval_gets_the_work_back_when_it_is_rejected() {
    let line = format!(
        "[agents.worker]\ncommand = [\"sh\", \"-c\", \"echo \\\"$OBEYA_PROMPT\\\" >> prompts; {DONE}\"]\n\n\
         [gates.review]\napproval = true\n"
    );
    let mut project = Project::new(&line, 1);
    project.host();
    let waits = |project: &Project| project.state("worker") == "waiting";
    project.until("it waits for an approval", waits);
    project.done(&[
        "quality-gate",
        "reject",
        "WO-001",
        "review",
        "--note",
        "too short",
    ]);
    project.until("the agent is told", |project| {
        let prompts = fs::read_to_string(project.path("prompts")).unwrap_or_default();
        prompts.contains("held by gate review (rejected")
    });
    project.until("it is approved", |project| {
        let approve = ["quality-gate", "approve", "WO-001", "review"];
        project.run(&approve).status.success()
    });
    project.until("it is completed", |project| {
        project.status("WO-001") == "completed"
    });
}

/// Returns the `obeya.toml` of an agent that counts its runs, behind an approval.
fn approved() -> String {
    format!(
        "[agents.worker]\ncommand = [\"sh\", \"-c\", \"echo ran >> runs; {DONE}\"]\n\n\
         [gates.review]\napproval = true\n"
    )
}

const WAITS: &str = "waits for an approval of review by a person: \
                     obeya quality-gate approve WO-001 review";

#[test]
fn what_only_waits_for_a_person_is_told_everywhere_and_ends_a_host_that_ends_when_idle() {
    let project = Project::new(&approved(), 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let said = String::from_utf8_lossy(&host.stdout).into_owned();
    assert!(said.contains(&format!("WO-001 is done; {WAITS}")), "{said}");
    for command in [["work-order", "why"], ["work-order", "show"]] {
        let said = project.done(&[&command[..], &["WO-001"]].concat());
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(WAITS), "{command:?}: {said}");
    }
    let list = project.done(&["work-order", "list"]);
    assert!(list.contains("waits for approval"), "{list}");
    // What is approved meanwhile counts: the next host goes on under the same claim, and has nothing done again.
    project.done(&["quality-gate", "approve", "WO-001", "review"]);
    let why = project.done(&["work-order", "why", "WO-001"]);
    assert!(!why.contains("approval"), "{why}");
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    assert_eq!(project.status("WO-001"), "completed");
    assert_eq!(runs(&project), 1, "it was done once");
}

#[test]
fn a_host_that_is_killed_over_an_approval_leaves_what_is_done_to_the_next_one() {
    let mut project = Project::new(&approved(), 1);
    let waits = |project: &Project| {
        let life = project.life("worker");
        life["state"] == "waiting" && super::text(&life, "note").contains(WAITS)
    };
    project.host();
    project.until("the agents say what it waits for", waits);
    project.signal_host(Signal::KILL);
    project.host();
    project.until("the next host waits on", waits);
    assert_eq!(runs(&project), 1, "it is not done again");
    project.done(&["quality-gate", "approve", "WO-001", "review"]);
    project.until("it is completed", |project| {
        project.status("WO-001") == "completed"
    });
    assert_eq!(runs(&project), 1, "it was done once");
    assert!(!project.path(".obeya/worktrees/WO-001.done.json").exists());
}

#[test]
fn what_is_done_is_done_again_where_something_else_is_asked_by_then() {
    let project = Project::new(&approved(), 1);
    project.host_until_idle();
    let release = [
        "work-order",
        "release",
        "WO-001",
        "--force",
        "--reason",
        "wait",
    ];
    project.done(&release);
    // Under the next claim it goes on from there,
    project.host_until_idle();
    assert_eq!(runs(&project), 1);
    project.done(&release);
    project.done(&["work-order", "edit", "WO-001", "--title", "another"]);
    // but what answers another question answers nothing.
    project.host_until_idle();
    assert_eq!(runs(&project), 2);
    // An agent that is not there any more holds nothing.
    fs::write(
        project.path("obeya.toml"),
        "[agents.other]\ncommand = [\"false\"]\ncapabilities = { buckets = [\"security\"] }\n",
    )
    .unwrap();
    project.host_until_idle();
    assert_eq!(project.status("WO-001"), "queued");
}
