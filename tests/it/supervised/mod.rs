//! Agents as real processes under a real host.

mod chaos;
mod console;
mod faults;
mod gate_begun;
mod gated;
mod hooks;
mod kit;
mod mail;
mod usage;
mod worktree;
mod worktree_faults;

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
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a host until it ends by itself; one that does not is told to, and has failed.
    fn host_until_idle(&self) -> Output {
        Project::to_its_end(self.command(&["host", "--until-idle"]))
    }

    fn to_its_end(mut command: Command) -> Output {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut host = command.spawn().unwrap();
        let end = Instant::now() + PATIENCE;
        while host.try_wait().unwrap().is_none() && Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
        let hung = host.try_wait().unwrap().is_none();
        if hung {
            kill_process(Pid::from_child(&host), Signal::TERM).unwrap();
        }
        let output = host.wait_with_output().unwrap();
        assert!(!hung, "it never came to rest: {output:?}");
        output
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
        // One that a host has yet to take up is not known.
        let output = self.run(&["agent", "status", agent, "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        status.get("life").cloned().unwrap_or_default()
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
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    for number in 1..=5 {
        let order = project.order(&format!("WO-00{number}"));
        assert_eq!(text(&order, "status"), "completed", "{order}");
        assert_eq!(text(&order["proof"], "note"), "as asked", "{order}");
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
fn an_agent_that_gets_on_keeps_its_lease() {
    let script = format!("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 1; done; {DONE}");
    let project = Project::new(&shell("steady", &script, "lease = 5"), 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    assert_eq!(project.status("WO-001"), "completed");
    let log = project.done(&["ledger", "log"]);
    assert!(!log.contains("lapse"), "{log}");
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
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let alerts = project.alerts();
    assert_eq!(alerts, ["WO-001 is blocked: which key?"]);
}

#[test]
fn an_agent_may_complete_its_order_by_itself_under_its_claim() {
    let obeya = env!("CARGO_BIN_EXE_obeya");
    let script = format!(
        "{obeya} work-order comment $OBEYA_ORDER here && {obeya} work-order complete $OBEYA_ORDER --sku own"
    );
    let project = Project::new(&shell("able", &script, ""), 1);
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let order = project.order("WO-001");
    assert_eq!(
        (text(&order, "status"), text(&order, "sku")),
        ("completed".into(), "own".into())
    );
    assert!(project.alerts().is_empty());
}

#[test]
fn what_is_done_while_an_alert_holds_the_line_waits_for_it_and_is_not_done_again() {
    let script = format!("echo $$ >> pids; while ! test -e held; do sleep 0.1; done; {DONE}");
    let mut project = Project::new(&shell("worker", &script, "lease = 5"), 1);
    project.host();
    project.noted_running("pids", 1);
    project.done(&[
        "andon",
        "trigger",
        "--reason",
        "stop",
        "--severity",
        "critical",
    ]);
    fs::write(project.path("held"), "").unwrap();
    let worker = project.noted("pids");
    all_gone(&worker);
    // Longer than the lease lasts.
    thread::sleep(Duration::from_secs(6));
    assert_eq!(project.status("WO-001"), "in_progress");
    project.done(&["andon", "resolve", "ALERT-001", "--resolution", "on"]);
    project.until("it is done", |project| {
        project.status("WO-001") == "completed"
    });
    let runs = fs::read_to_string(project.path("pids")).unwrap();
    assert_eq!(runs.lines().count(), 1, "{runs}");
}

#[test]
fn what_nobody_takes_ends_the_wait() {
    let toml = shell("picky", DONE, "capabilities = { buckets = ['security'] }");
    let project = Project::new(&toml, 1);
    let host = project.host_until_idle();
    assert_eq!(host.status.code(), Some(1), "{host:?}");
    let said = String::from_utf8_lossy(&host.stdout).into_owned();
    assert!(said.contains("no agent takes it"), "{said}");
}

#[test]
fn a_host_with_nothing_to_run_says_so_once() {
    let mut project = Project::new("", 0);
    project.host();
    let log = |project: &Project| fs::read_to_string(project.path("host.log")).unwrap_or_default();
    let says = "names no agents and no gates";
    project.until("it says so", |project| log(project).contains(says));
    let said = log(&project);
    assert_eq!(said.matches(says).count(), 1, "{said}");
    assert!(said.contains("obeya agent preset"), "{said}");
}

#[test]
fn the_owners_words_drive_an_agent() {
    let mut project = Project::new(&shell("erlang-researcher", DONE, ""), 0);
    project.host();
    project.until("it is there", |project| {
        project.state("erlang-researcher") == "idle"
    });
    project.done(&["agent", "list"]);
    project.done(&["agent", "status", "erlang-researcher"]);
    project.done(&["agent", "stop", "erlang-researcher"]);
    assert_eq!(project.state("erlang-researcher"), "stopped");
    project.done(&["agent", "spawn", "erlang-researcher"]);
    project.done(&["agent", "pause", "erlang-researcher"]);
    project.done(&["work-order", "create", "--title", "wait"]);
    project.until("it is paused", |project| {
        project.state("erlang-researcher") == "paused"
    });
    assert_eq!(project.status("WO-001"), "queued");
    project.done(&["agent", "resume", "erlang-researcher"]);
    project.until("it goes on", |project| {
        project.status("WO-001") == "completed"
    });
    let unknown = project.run(&["agent", "spawn", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
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
    let host = project.host_until_idle();
    assert!(host.status.success(), "{host:?}");
    let told = String::from_utf8_lossy(&host.stderr).into_owned();
    assert!(
        told.contains("obeya.toml:6:11: 'sh' is no value of command"),
        "{told}"
    );
    assert_eq!(project.status("WO-001"), "completed");
}

#[test]
fn a_file_that_anybody_may_write_runs_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let project = Project::new(&shell("good", DONE, ""), 1);
    let open = fs::Permissions::from_mode(0o666);
    fs::set_permissions(project.path("obeya.toml"), open).unwrap();
    let host = project.host_until_idle();
    assert_eq!(host.status.code(), Some(1), "{host:?}");
    let told = String::from_utf8_lossy(&host.stderr).into_owned();
    assert!(told.contains("anybody may write it"), "{told}");
    assert_eq!(project.status("WO-001"), "queued");
}
