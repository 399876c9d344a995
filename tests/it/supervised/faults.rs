//! Every way in which an agent, its runner or its host does not do what it should.

use std::{fs, process::Command};

use rustix::process::{Pid, Signal, kill_process};

use super::{DONE, Project, all_gone, shell, size_of, text};

#[test]
fn one_that_says_nothing_has_done_nothing_and_its_order_waits_for_a_person() {
    let project = Project::new(&shell("liar", "true", ""), 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    assert_eq!(project.status("WO-001"), "queued");
    let alerts = project.alerts();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert!(alerts[0].contains("WO-001 failed 3 times"), "{alerts:?}");
    let comments = project.order("WO-001").to_string();
    assert!(
        comments.contains("it exited 0 without a result"),
        "{comments}"
    );
}

#[test]
fn an_agent_that_was_killed_gives_its_order_back() {
    let script = format!("test -e again && {DONE} && exit; touch again; kill -9 $$");
    let project = Project::new(&shell("fragile", &script, ""), 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let order = project.order("WO-001");
    assert_eq!(text(&order, "status"), "completed");
    assert!(order.to_string().contains("signal 9 ended it"), "{order}");
}

#[test]
fn an_agent_that_hangs_loses_its_lease_and_is_ended() {
    let script = format!("test -e again && {DONE} && exit; touch again; echo $$ > pid; sleep 300");
    let mut project = Project::new(&shell("sleepy", &script, "lease = 5"), 1);
    project.host();
    let hung = project.noted_running("pid", 1);
    project.until("somebody else does it", |project| {
        project.status("WO-001") == "completed"
    });
    all_gone(&hung);
    let log = project.done(&["ledger", "log"]);
    assert!(log.contains("lapse"), "{log}");
}

#[test]
fn a_flood_fills_neither_memory_nor_disk() {
    let script = format!("head -c 1073741824 /dev/zero; echo; {DONE}");
    let mut project = Project::new(&shell("loud", &script, ""), 1);
    let host = project.host();
    project.until("it is done", |project| {
        project.status("WO-001") == "completed"
    });
    let about = fs::read_to_string(format!("/proc/{host}/status")).unwrap_or_default();
    let peak = about.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    if let Some(peak) = peak {
        let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kib < 100 * 1024, "the host took {kib} KiB");
    }
    let kept = size_of(&project.path(".obeya/logs/runs"));
    assert!(kept <= 9 << 20, "{kept} bytes of output were kept");
    let logs = project.done(&["agent", "logs", "loud"]);
    assert!(logs.contains("bytes were not kept"), "the gap is told");
}

#[test]
fn nothing_that_an_agent_forks_outlives_it() {
    let script = format!(
        "setsid sh -c 'trap : TERM; echo $$ >> pids; while :; do sleep 300; done' & \
         (sleep 301 & echo $! >> pids; wait) & \
         while test $(wc -l < pids) -lt 2; do sleep 0.05; done; cp pids seen; {DONE}"
    );
    let mut project = Project::new(&format!("{}env = []\n", shell("parent", &script, "")), 1);
    fs::write(project.path("pids"), "").unwrap();
    project.host();
    project.until("it is done", |project| {
        project.status("WO-001") == "completed"
    });
    let pids = fs::read_to_string(project.path("seen")).unwrap();
    assert_eq!(pids.lines().count(), 2, "{pids}");
    all_gone(&project.noted("seen"));
}

#[test]
fn one_that_ignores_being_told_is_killed_after_its_grace_and_its_order_goes_back() {
    let script = "trap : TERM; echo $$ > pid; while :; do echo busy; sleep 1; done";
    let mut project = Project::new(&shell("deaf", script, ""), 1);
    project.host();
    let deaf = project.noted_running("pid", 1);
    project.until("it is busy", |project| project.state("deaf") == "busy");
    let life = project.life("deaf");
    assert_eq!(life["source"], "process", "{life}");
    assert_eq!(life["runs"][0]["order"], "WO-001", "{life}");
    project.done(&["agent", "stop", "deaf"]);
    all_gone(&deaf);
    project.until("its order is back", |project| {
        project.status("WO-001") == "queued"
    });
    let life = project.life("deaf");
    assert_eq!(
        (life["state"].as_str(), life["source"].as_str()),
        (Some("stopped"), Some("operator"))
    );
    assert_eq!(life["crashes"], 0, "being stopped is no crash: {life}");
    let refused = project.run(&["agent", "stop", "deaf", "--as", "agent"]);
    assert_eq!(
        refused.status.code(),
        Some(1),
        "an agent stops nobody: {refused:?}"
    );
}

#[test]
fn no_agent_outlives_a_host_that_was_killed_and_the_next_one_goes_on() {
    let script = format!(
        "test -e again && {DONE} && exit; touch again; echo $$ > pids; \
         setsid sh -c 'echo $$ >> pids; sleep 300' & sleep 301"
    );
    let mut project = Project::new(&shell("worker", &script, ""), 1);
    project.host();
    let orphans = project.noted_running("pids", 2);
    project.signal_host(Signal::KILL);
    all_gone(&orphans);
    assert_eq!(project.state("worker"), "lost");
    assert_eq!(
        project.status("WO-001"),
        "in_progress",
        "its lease still runs"
    );
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let order = project.order("WO-001");
    assert_eq!(text(&order, "status"), "completed");
    assert!(
        order
            .to_string()
            .contains("the host that ran its agent was killed"),
        "{order}"
    );
}

#[test]
fn a_runner_that_was_killed_leaves_nothing_behind() {
    let script = format!(
        "test -e again && {DONE} && exit; touch again; echo $$ > pids; \
         setsid sh -c 'echo $$ >> pids; sleep 300' & sleep 301"
    );
    let mut project = Project::new(&shell("worker", &script, ""), 1);
    let host = project.host();
    let orphans = project.noted_running("pids", 2);
    let children = Command::new("pgrep")
        .args(["-P", &host.to_string()])
        .output()
        .unwrap();
    let runner: i32 = String::from_utf8_lossy(&children.stdout)
        .trim()
        .parse()
        .unwrap();
    kill_process(Pid::from_raw(runner).unwrap(), Signal::KILL).unwrap();
    all_gone(&orphans);
    project.until("it is done again", |project| {
        project.status("WO-001") == "completed"
    });
}

#[test]
fn a_host_that_is_told_to_end_ends_its_agents_and_gives_their_orders_back() {
    let script = "echo $$ > pid; while :; do echo busy; sleep 1; done";
    let mut project = Project::new(&shell("worker", script, ""), 1);
    project.host();
    let worker = project.noted_running("pid", 1);
    project.until("it is busy", |project| project.state("worker") == "busy");
    let status = project.signal_host(Signal::TERM);
    assert!(status.success(), "{status:?}");
    assert!(!worker[0].is_alive());
    assert_eq!(project.status("WO-001"), "queued");
    let none = project.run(&["agent", "spawn", "worker"]);
    assert_eq!(none.status.code(), Some(3));
    let why = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(
        why.contains("no host runs") && why.contains("obeya host"),
        "{why}"
    );
}

#[test]
fn a_claim_that_was_taken_back_ends_its_run_and_writes_nothing_more() {
    let script = "echo $$ > pid; trap 'exit 0' TERM; while :; do sleep 0.2; echo x; done";
    let mut project = Project::new(&shell("worker", script, ""), 1);
    project.host();
    let worker = project.noted_running("pid", 1);
    project.until("it is busy", |project| project.state("worker") == "busy");
    project.done(&["agent", "pause", "worker"]);
    project.done(&[
        "work-order",
        "release",
        "WO-001",
        "--force",
        "--reason",
        "mine",
    ]);
    all_gone(&worker);
    project.until("it is paused", |project| {
        project.life("worker")["runs"] == serde_json::json!([])
    });
    assert_eq!(project.state("worker"), "paused");
    assert_eq!(project.status("WO-001"), "queued");
}

#[test]
fn one_that_is_given_up_is_parked_with_one_alert_until_somebody_spawns_it() {
    let script = format!("test -e mended && {DONE} && exit; exit 7");
    let mut project = Project::new(&shell("broken", &script, "restart = 'temporary'"), 2);
    project.host();
    project.until("it is parked", |project| {
        project.state("broken") == "parked"
    });
    let life = project.life("broken");
    assert!(text(&life, "note").contains("exited with code 7"), "{life}");
    assert_eq!(project.alerts().len(), 1);
    fs::write(project.path("mended"), "").unwrap();
    project.done(&["agent", "spawn", "broken"]);
    project.until("both are done", |project| {
        project.status("WO-001") == "completed" && project.status("WO-002") == "completed"
    });
    project.done(&["agent", "scale", "broken", "0"]);
    assert_eq!(project.life("broken")["wanted"], 0);
}

#[test]
fn what_is_not_installed_parks_its_agent_at_once_and_costs_no_order_anything() {
    #[track_caller]
    fn check(agent: &str, said: &str) {
        let toml = format!("[agents.dev]\n{agent}\n");
        let project = Project::new(&toml, 3);
        let host = project.host_until_idle();
        assert_eq!(host.status.code(), Some(1), "{host:?}");
        let alerts = project.alerts();
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        assert!(alerts[0].starts_with("agent dev is parked"), "{alerts:?}");
        assert!(alerts[0].contains(said), "{alerts:?}");
        for id in ["WO-001", "WO-002", "WO-003"] {
            let order = project.order(id);
            assert_eq!(order["comments"], 0, "nothing failed: {order}");
            assert_eq!(order["ready"], true, "{order}");
        }
    }
    let mend = "'no-such-program' is not installed, or not on the PATH: install it";
    check("command = ['no-such-program']", mend);
    check("mode = 'stdio'\ncommand = ['no-such-program']", mend);
    let wrapped = "['obeya', 'agent', 'wrap', 'claude', '--', 'no-such-program', '{prompt}']";
    check(&format!("command = {wrapped}"), mend);
    let shell = "`obeya agent logs dev` says which";
    check("command = ['sh', '-c', 'no-such-program']", shell);
    check(
        "mode = 'stdio'\ncommand = ['sh', '-c', 'no-such-program']",
        shell,
    );
    check(
        "command = ['true']\ncwd = 'nowhere'",
        "nowhere is not there: make it",
    );
}
