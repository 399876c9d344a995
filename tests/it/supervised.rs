//! Agents as real processes under a real host: what goes well, and every way in which it does not.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use obeya::engine::supervisor::runner::Identity;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long anything may take: many times what it does on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a result looks like.
const DONE: &str = r#"echo '{\"result\":\"done\",\"note\":\"as asked\"}'"#;

/// A project with a ledger, an `obeya.toml`, and perhaps a host.
struct Project {
    folder: tempfile::TempDir,
    host: Option<Child>,
}

impl Project {
    /// Makes a project whose agents are these, with so many orders.
    fn new(toml: &str, orders: usize) -> Project {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("obeya.toml"), toml).unwrap();
        let project = Project { folder, host: None };
        project.done(&["init"]);
        for number in 1..=orders {
            let title = format!("order {number}");
            project.done(&["work-order", "create", "--title", &title]);
        }
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_obeya"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OBEYA")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("OBEYA_ACTOR", "ada")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        text
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.done(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Starts a host that runs until it is told to end.
    fn host(&mut self) -> i32 {
        let log = fs::File::create(self.path("host.log")).unwrap();
        let mut command = self.command(&["host"]);
        let child = command
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        self.host = Some(child);
        pid
    }

    fn signal_host(&mut self, signal: Signal) -> std::process::ExitStatus {
        let mut host = self.host.take().unwrap();
        kill_process(Pid::from_child(&host), signal).unwrap();
        host.wait().unwrap()
    }

    /// Waits until something is so.
    #[track_caller]
    fn until(&self, what: &str, so: impl Fn(&Project) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !so(self) {
            let log = || fs::read_to_string(self.path("host.log")).unwrap_or_default();
            assert!(Instant::now() < end, "never: {what}\n{}", log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn order(&self, id: &str) -> Value {
        self.json(&["work-order", "show", id])
    }

    fn status(&self, id: &str) -> String {
        text(&self.order(id), "status")
    }

    fn life(&self, agent: &str) -> Value {
        self.json(&["agent", "status", agent])
            .get("life")
            .cloned()
            .unwrap_or_default()
    }

    fn state(&self, agent: &str) -> String {
        text(&self.life(agent), "state")
    }

    fn alerts(&self) -> Vec<String> {
        let all = self.json(&["andon", "list"]);
        let all = all["alerts"].as_array().cloned().unwrap_or_default();
        all.iter().map(|alert| text(alert, "reason")).collect()
    }

    /// Returns the processes whose numbers an agent wrote into a file, one a line.
    fn noted(&self, file: &str) -> Vec<Identity> {
        let text = fs::read_to_string(self.path(file)).unwrap_or_default();
        text.lines()
            .filter_map(|line| Identity::of(line.trim().parse().ok()?))
            .collect()
    }

    /// Waits until an agent has noted so many processes that run.
    #[track_caller]
    fn noted_running(&self, file: &str, count: usize) -> Vec<Identity> {
        self.until("the agent runs", |project| {
            project.noted(file).len() >= count
        });
        self.noted(file)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        if let Some(mut host) = self.host.take() {
            let _ = kill_process(Pid::from_child(&host), Signal::TERM);
            let _ = host.wait();
        }
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Returns the table of an agent that runs a shell script.
fn shell(name: &str, script: &str, more: &str) -> String {
    format!("[agents.{name}]\ncommand = [\"sh\", \"-c\", \"{script}\"]\ngrace = 1\n{more}\n")
}

#[track_caller]
fn all_gone(processes: &[Identity]) {
    let end = Instant::now() + PATIENCE;
    while let Some(left) = processes.iter().find(|process| process.is_alive()) {
        assert!(Instant::now() < end, "{left:?} survived");
        thread::sleep(Duration::from_millis(20));
    }
}

fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|entry| match entry.metadata().unwrap() {
            about if about.is_dir() => size_of(&entry.path()),
            about => about.len(),
        })
        .sum()
}

#[test]
fn two_agents_work_a_queue_down_and_the_host_ends() {
    let script = format!("cat > $OBEYA_ORDER.$OBEYA_AGENT; echo prompt: {{prompt}} 1>&2; {DONE}");
    let toml = shell("one", &script, "") + &shell("two", &script, "count = 2");
    let project = Project::new(&toml, 5);
    project.done(&["deps", "add", "WO-002", "--depends-on", "WO-001"]);
    let host = project.run(&["host", "--until-idle"]);
    assert!(host.status.success(), "{host:?}");
    for number in 1..=5 {
        let order = project.order(&format!("WO-00{number}"));
        assert_eq!(text(&order, "status"), "completed", "{order}");
        assert_eq!(text(&order, "note"), "as asked", "{order}");
    }
    let given = fs::read_dir(project.folder.path()).unwrap().flatten();
    let given: Vec<_> = given
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("WO-00"))
        .map(|entry| fs::read_to_string(entry.path()).unwrap())
        .collect();
    assert_eq!(given.len(), 5, "each order went to one agent");
    let order: Value = serde_json::from_str(&given[0]).unwrap();
    assert!(text(&order, "title").starts_with("order "), "{order}");
    let logs = project.run(&["agent", "logs", "one"]).stdout;
    let more = project.run(&["agent", "logs", "two"]).stdout;
    let logs = String::from_utf8_lossy(&[logs, more].concat()).into_owned();
    assert!(
        logs.contains("prompt: WO-00") && logs.contains("ended: done"),
        "{logs}"
    );
    assert!(!project.path(".obeya/agents.json").exists());
}

#[test]
fn one_that_says_nothing_has_done_nothing_and_its_order_waits_for_a_person() {
    let project = Project::new(&shell("liar", "true", ""), 1);
    let host = project.run(&["host", "--until-idle"]);
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
    let host = project.run(&["host", "--until-idle"]);
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
fn an_agent_that_gets_on_keeps_its_lease() {
    let script = format!("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 1; done; {DONE}");
    let project = Project::new(&shell("steady", &script, "lease = 5"), 1);
    let host = project.run(&["host", "--until-idle"]);
    assert!(host.status.success(), "{host:?}");
    assert_eq!(project.status("WO-001"), "completed");
    let log = project.done(&["ledger", "log"]);
    assert!(!log.contains("lapse"), "{log}");
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
    assert_eq!(project.state("worker"), "unknown", "nobody can tell");
    assert_eq!(
        project.status("WO-001"),
        "in_progress",
        "its lease still runs"
    );
    let host = project.run(&["host", "--until-idle"]);
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
fn a_throttled_agent_has_not_crashed_and_a_blocked_order_waits_for_a_person() {
    let throttled =
        r#"echo '{\"result\":\"throttled\",\"source\":\"the provider\",\"retry_after\":600}'"#;
    let mut project = Project::new(&shell("eager", throttled, ""), 1);
    project.host();
    project.until("it is throttled", |project| {
        project.state("eager") == "throttled"
    });
    let life = project.life("eager");
    assert_eq!(life["crashes"], 0, "{life}");
    assert_eq!(text(&life, "note"), "by the provider");
    assert!(life["until"].is_string(), "{life}");
    project.until("its order is back", |project| {
        project.status("WO-001") == "queued"
    });
    let blocked = r#"echo '{\"result\":\"blocked\",\"note\":\"which key?\"}'"#;
    let project = Project::new(&shell("polite", blocked, ""), 1);
    let host = project.run(&["host", "--until-idle"]);
    assert!(host.status.success(), "{host:?}");
    let alerts = project.alerts();
    assert_eq!(alerts, ["WO-001 is blocked: which key?"]);
}

#[test]
fn a_lasting_agent_takes_order_after_order_by_lines_of_json() {
    let script = r#"echo $$ >> pids
echo '{"type":"hello"}'
while read -r line; do
  case "$line" in
    '{"type":"execute"'*)
      id=$(printf '%s' "$line" | sed 's/^{"type":"execute","id":"\([^"]*\)".*/\1/')
      echo '{"type":"progress","note":"at it"}'
      echo '{"type":"what-is-this"}'
      echo "{\"type\":\"result\",\"id\":\"$id\",\"result\":\"done\",\"sku\":\"s-$id\"}" ;;
  esac
done
"#;
    let toml = "[agents.stayer]\nmode = 'stdio'\ncommand = ['sh', 'agent.sh']\ngrace = 1\n";
    let mut project = Project::new(toml, 0);
    fs::write(project.path("agent.sh"), script).unwrap();
    project.host();
    let stayer = project.noted_running("pids", 1);
    project.until("it has said hello", |project| {
        project.state("stayer") == "idle"
    });
    assert_eq!(project.life("stayer")["source"], "protocol");
    for number in 1..=3 {
        project.done(&[
            "work-order",
            "create",
            "--title",
            &format!("order {number}"),
        ]);
    }
    let done =
        |project: &Project| (1..=3).all(|n| project.status(&format!("WO-00{n}")) == "completed");
    project.until("all are done", done);
    assert_eq!(text(&project.order("WO-002"), "sku"), "s-WO-002");
    assert_eq!(project.noted("pids"), stayer, "one process did them all");
    let status = project.signal_host(Signal::TERM);
    assert!(status.success());
    all_gone(&stayer);
}

#[test]
fn mistakes_in_the_file_are_told_with_their_place_and_the_rest_runs() {
    let toml = shell("good", DONE, "") + "[agents.bad]\ncommand = 'sh'\n";
    let project = Project::new(&toml, 1);
    let host = project.run(&["host", "--until-idle"]);
    assert!(host.status.success(), "{host:?}");
    let told = String::from_utf8_lossy(&host.stderr).into_owned();
    assert!(
        told.contains("obeya.toml:6:11: 'sh' is no value of command"),
        "{told}"
    );
    assert_eq!(project.status("WO-001"), "completed");
}
