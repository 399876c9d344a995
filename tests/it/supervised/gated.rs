//! Hosts, agents and gates together, and what dies in the middle of a gate.

use std::fs;

use rustix::process::Signal;

use super::{DONE, Project, all_gone, text};

/// Returns the `obeya.toml` of an agent that is done at once, behind a gate that this command opens.
fn gated(gate: &str, timeout: &str) -> String {
    format!(
        "[agents.worker]\ncommand = [\"sh\", \"-c\", \"touch work; {DONE}\"]\n\n\
         [gates.tests]\ncommand = [\"sh\", \"-c\", \"{gate}\"]\ntimeout = \"{timeout}\"\n"
    )
}

#[test]
fn the_gates_of_what_is_done_are_run_before_it_is_completed() {
    let project = Project::new(&gated("test -e work", "20s"), 2);
    project.host_until_idle();
    let list = project.json(&["work-order", "list", "--all"]);
    let done = list["work_orders"].as_array().unwrap().iter();
    assert_eq!(
        done.filter(|o| o["status"] == "completed").count(),
        2,
        "{list}"
    );
    let receipt = project.done(&["receipt", "show", "WO-001"]);
    assert!(receipt.contains("tests"), "{receipt}");
}

#[test]
fn a_gate_that_failed_is_run_again_when_the_work_is_done_again() {
    // The second attempt is what it takes.
    let project = Project::new(
        &gated("test -e tried || { touch tried; exit 1; }", "20s"),
        1,
    );
    project.host_until_idle();
    let status = project.json(&["work-order", "show", "WO-001"]);
    assert_eq!(status["status"], "completed", "{status}");
    let alert = project.json(&["andon", "show", "ALERT-001"]);
    assert!(alert["recovered_at"].is_string(), "{alert}");
}

#[test]
fn a_gate_that_fails_gives_the_work_back_with_its_reason() {
    let project = Project::new(&gated("echo too little; exit 3", "20s"), 1);
    project.host_until_idle();
    let shown = project.done(&["work-order", "show", "WO-001"]);
    assert!(
        shown.contains("the agent says that it is done, and WO-001 is held by gate tests (failed)"),
        "{shown}"
    );
    let alerts = project.json(&["andon", "list"]);
    let conditions = alerts["alerts"].as_array().unwrap().iter();
    let of_gate = conditions.filter(|alert| alert["fingerprint"] == "gate:tests:WO-001");
    assert_eq!(of_gate.count(), 1, "{alerts}");
}

#[test]
fn a_host_that_is_killed_in_the_middle_of_a_gate_leaves_no_verdict_and_the_next_one_goes_on() {
    let gate = "test -e again && exit; touch again; echo $$ > pids; \
                setsid env -i sh -c 'echo $$ >> pids; sleep 300' & sleep 301";
    let mut project = Project::new(&gated(gate, "60s"), 1);
    project.host();
    let left = project.noted_running("pids", 2);
    project.signal_host(Signal::KILL);
    // Nobody has to come for that.
    all_gone(&left);
    let gates = project.json(&["quality-gate", "status", "WO-001"]);
    assert_eq!(gates["gates"][0]["standing"]["state"], "missing", "{gates}");
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let order = project.order("WO-001");
    assert_eq!(text(&order, "status"), "completed", "{order}");
    let receipt = project.json(&["receipt", "show", "WO-001"]);
    let evidence = &receipt["evidence"]["gates"];
    assert_eq!(evidence.as_array().map(Vec::len), Some(1), "{receipt}");
    assert_eq!(evidence[0]["term"], 2, "the second host's: {receipt}");
    assert!(!project.path(".obeya/gates/scratch/WO-001.tests").exists());
}

#[test]
fn a_gate_that_never_ends_holds_up_neither_the_host_nor_its_end() {
    let gate = "echo $$ >> pids; trap : TERM; while :; do sleep 1; done";
    let project = Project::new(&gated(gate, "1s"), 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let shown = project.done(&["work-order", "show", "WO-001"]);
    assert!(shown.contains("held by gate tests (timed out"), "{shown}");
    all_gone(&project.noted("pids"));
    // One that has hardly begun is given up with its host, and the host does not wait for it.
    let mut project = Project::new(&gated(gate, "1h"), 1);
    project.host();
    let gate = project.noted_running("pids", 1);
    let status = project.signal_host(Signal::TERM);
    assert!(status.success(), "{status:?}");
    assert!(!gate[0].is_alive());
    assert_eq!(project.status("WO-001"), "queued");
    assert!(
        fs::read_dir(project.path(".obeya/gates/scratch"))
            .is_ok_and(|mut left| left.next().is_none())
    );
}

#[test]
fn what_a_lasting_agent_held_goes_back_when_its_host_was_killed() {
    let script = r#"echo '{"type":"hello"}'
read -r line
test -e again || { touch again; echo $$ > pids; sleep 300; }
echo '{"type":"result","id":"WO-001","result":"done"}'
read -r line
"#;
    // The lease lasts a quarter of an hour, which nobody waits for here.
    let toml = "[agents.stayer]\nmode = 'stdio'\ncommand = ['sh', 'agent.sh']\ngrace = 1\n";
    let mut project = Project::new(toml, 1);
    fs::write(project.path("agent.sh"), script).unwrap();
    project.host();
    let left = project.noted_running("pids", 1);
    project.signal_host(Signal::KILL);
    all_gone(&left);
    assert_eq!(project.status("WO-001"), "in_progress");
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    assert_eq!(project.status("WO-001"), "completed");
}

#[test]
fn a_gate_that_holds_the_order_gives_the_work_back_too() {
    let held = gated("exit 3", "20s") + "on_fail = { severity = \"high\", hold = \"order\" }\n";
    let project = Project::new(&held, 2);
    let host = project.host_until_idle();
    assert!(host.status.code().is_some_and(|code| code < 2), "{host:?}");
    for id in ["WO-001", "WO-002"] {
        let order = project.order(id);
        assert_eq!(text(&order, "status"), "queued", "{order}");
        assert_eq!(order["held_by"].as_array().unwrap().len(), 1, "{order}");
    }
}
