//! Who works and who listens: eight agents in four processes, and two subscribers, all on one ledger.

use std::{
    fs,
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use obeya::{engine::supervisor::runner::Identity, ledger::Home, link::newest_runs};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::{
    super::Project,
    plan::{Blow, Stroke},
};

/// The agents under the host.
pub(super) const SUPERVISED: [&str; 4] = ["exec-1", "exec-2", "stdio-1", "stdio-2"];
/// The agents that come by themselves, two in a process.
const ATTACHED: [[&str; 2]; 2] = [["attached-1", "attached-2"], ["attached-3", "attached-4"]];
/// Who follows what the agents say.
pub(super) const SUBSCRIBERS: [&str; 2] = ["listener-1", "listener-2"];
/// The topic that they say it on.
pub(super) const TOPIC: &str = "coordination_events";

/// What each agent does with an order: it works, tells of it, and marks what it delivers with the claim that it worked
/// under. What it told is noted once it was acknowledged.
const WORK: &str = r#"
work() {
  sleep "$CHAOS_WORK"
  "$OBEYA" bus publish coordination_events "$1:$2:$3:$$" >/dev/null && echo "$1:$2:$3:$$" >> sent
  "$OBEYA" bus publish @nobody "$1:$2:$3:$$" --ttl 1s >/dev/null && echo "$1:$2:$3:$$" >> sent-nobody
}
"#;
const EXEC: &str = r#". ./work.sh
work "$OBEYA_ORDER" "${OBEYA_EPOCH##*:}" "$OBEYA_AGENT"
echo "{\"result\":\"done\",\"sku\":\"$OBEYA_ORDER:${OBEYA_EPOCH##*:}:$OBEYA_AGENT\"}"
"#;
const STDIO: &str = r#". ./work.sh
echo '{"type":"hello"}'
while read -r line; do
  case "$line" in
    '{"type":"execute"'*)
      id=$(printf '%s' "$line" | sed 's/.*"type":"execute","id":"\([^"]*\)".*/\1/')
      epoch=$(printf '%s' "$line" | sed 's/.*"epoch":\([0-9]*\).*/\1/')
      work "$id" "$epoch" "$OBEYA_AGENT"
      echo "{\"type\":\"result\",\"id\":\"$id\",\"result\":\"done\",\"sku\":\"$id:$epoch:$OBEYA_AGENT\"}" ;;
  esac
done
"#;
const ATTACH: &str = r#". ./work.sh
one() {
  export OBEYA_AGENT=$1
  while ! test -e over; do
    got=$("$OBEYA" work-order next --lease 5s --json) || { sleep 0.2; continue; }
    id=$(printf '%s' "$got" | sed 's/^{"work_order":{"id":"\([^"]*\)".*/\1/')
    epoch=$(printf '%s' "$got" | sed 's/.*"lease":{"epoch":\([0-9]*\).*/\1/')
    work "$id" "$epoch" "$1"
    "$OBEYA" work-order complete "$id" --epoch "$epoch" --sku "$id:$epoch:$1" >/dev/null || echo "$id:$epoch:$1" >> refused
  done
}
for name; do one "$name" & done
wait
"#;

/// Returns the `obeya.toml` of the agents under the host, which work so long on an order, in seconds.
pub(super) fn toml() -> String {
    let one = |name: &str| {
        let (mode, script) = match name.starts_with("exec") {
            true => ("exec", "exec.sh"),
            false => ("stdio", "stdio.sh"),
        };
        format!(
            "[agents.{name}]\nmode = '{mode}'\ncommand = ['sh', '{script}']\nlease = 5\ngrace = 1\n\
             env = ['OBEYA', 'CHAOS_WORK']\n"
        )
    };
    SUPERVISED.map(one).concat()
}

/// Writes down what the agents do.
pub(super) fn scripts(project: &Project) {
    let scripts = [
        ("work.sh", WORK),
        ("exec.sh", EXEC),
        ("stdio.sh", STDIO),
        ("attached.sh", ATTACH),
    ];
    for (name, text) in scripts {
        fs::write(project.path(name), text).unwrap();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Host,
    Attached,
    Subscriber,
}

/// A process that is started again whenever it has ended.
struct Kept {
    sort: Sort,
    arguments: Vec<String>,
    child: Option<Child>,
    /// When it is started again, or goes on.
    back: Instant,
    frozen: bool,
}

impl Kept {
    fn signal(&self, signal: Signal) {
        let Some(child) = &self.child else { return };
        let pid = Pid::from_child(child);
        // What a host runs is its runners' to end; what is attached ends as a whole.
        let _ = match self.sort {
            Sort::Attached => kill_process_group(pid, signal),
            Sort::Host | Sort::Subscriber => kill_process(pid, signal),
        };
    }

    fn has_ended(&mut self) -> bool {
        match &mut self.child {
            Some(child) => child.try_wait().unwrap().is_some(),
            None => true,
        }
    }
}

/// Everybody.
pub(super) struct Crowd<'a> {
    project: &'a Project,
    home: Home,
    work: String,
    kept: Vec<Kept>,
}

impl<'a> Crowd<'a> {
    /// Returns a crowd whose agents work this long on an order.
    pub(super) fn new(project: &'a Project, work: Duration) -> Self {
        let words = |line: &[&str]| line.iter().map(|word| (*word).to_owned()).collect();
        let host = (Sort::Host, words(&["host"]));
        let mut all: Vec<(Sort, Vec<String>)> = vec![host.clone(), host];
        all.extend(ATTACHED.map(|names| (Sort::Attached, words(&names))));
        all.extend(SUBSCRIBERS.map(|name| {
            let line = ["bus", "subscribe", TOPIC, "--name", name, "--json"];
            (Sort::Subscriber, words(&line))
        }));
        let kept = all.into_iter().map(|(sort, arguments)| Kept {
            sort,
            arguments,
            child: None,
            back: Instant::now(),
            frozen: false,
        });
        Crowd {
            project,
            home: Home::new(project.path(".obeya")).unwrap(),
            work: format!("{:.2}", work.as_secs_f64()),
            kept: kept.collect(),
        }
    }

    /// Starts who is not there, and lets go on who was stopped long enough.
    pub(super) fn mend(&mut self) {
        for at in 0..self.kept.len() {
            let kept = &mut self.kept[at];
            if Instant::now() < kept.back {
                continue;
            }
            if std::mem::take(&mut kept.frozen) {
                kept.signal(Signal::CONT);
            }
            if kept.has_ended() {
                self.kept[at].child = Some(self.start(at));
            }
        }
    }

    fn start(&self, at: usize) -> Child {
        let kept = &self.kept[at];
        let words: Vec<_> = kept.arguments.iter().map(String::as_str).collect();
        let mut command = match kept.sort {
            Sort::Attached => {
                let mut command = Command::new("sh");
                command.arg("attached.sh").args(words);
                command.current_dir(self.project.path("."));
                command
            }
            Sort::Host | Sort::Subscriber => self.project.command(&words),
        };
        let log = |name: String| {
            let mut file = fs::File::options();
            file.create(true).append(true);
            file.open(self.project.path(&name)).unwrap()
        };
        command
            .env("OBEYA", env!("CARGO_BIN_EXE_obeya"))
            .env("CHAOS_WORK", &self.work)
            .env("OBEYA_LEDGER", self.home.path())
            .stdin(Stdio::null())
            .stdout(log(format!("out-{at}")))
            .stderr(log(format!("err-{at}")))
            .process_group(0);
        command.spawn().unwrap()
    }

    /// Lets something go wrong. Returns whether there was anybody to be struck.
    pub(super) fn strike(&mut self, stroke: &Stroke) -> bool {
        match stroke.blow {
            Blow::Agent => self.strike_run(stroke.which, false),
            Blow::Runner => self.strike_run(stroke.which, true),
            Blow::Host => self.strike_kept(stroke, Sort::Host, Signal::KILL),
            Blow::Attached => self.strike_kept(stroke, Sort::Attached, Signal::KILL),
            Blow::Subscriber => self.strike_kept(stroke, Sort::Subscriber, Signal::KILL),
            Blow::FrozenHost => self.strike_kept(stroke, Sort::Host, Signal::STOP),
            Blow::FrozenAttached => self.strike_kept(stroke, Sort::Attached, Signal::STOP),
        }
    }

    fn strike_kept(&mut self, stroke: &Stroke, sort: Sort, signal: Signal) -> bool {
        let mut there: Vec<_> = self
            .kept
            .iter_mut()
            .filter_map(|kept| {
                (kept.sort == sort && !kept.frozen && !kept.has_ended()).then_some(kept)
            })
            .collect();
        let count = there.len();
        let Some(kept) = there.get_mut(stroke.which % count.max(1)) else {
            return false;
        };
        kept.signal(signal);
        kept.frozen = signal == Signal::STOP;
        kept.back = Instant::now() + stroke.rest;
        if !kept.frozen {
            kept.child.take().unwrap().wait().unwrap();
        }
        true
    }

    fn strike_run(&self, which: usize, runner: bool) -> bool {
        let there: Vec<Identity> = SUPERVISED
            .iter()
            .flat_map(|agent| newest_runs(&self.home, agent, 3))
            .filter(|(note, _)| note.end.is_none())
            .filter_map(|(note, _)| if runner { note.runner } else { note.process })
            .filter(Identity::is_alive)
            .collect();
        let struck = there.get(which % there.len().max(1));
        struck.inspect(|process| process.kill()).is_some()
    }

    /// Ends everybody in peace, and sees that they do.
    pub(super) fn disperse(mut self) {
        fs::write(self.project.path("over"), "").unwrap();
        for kept in &mut self.kept {
            kept.signal(Signal::CONT);
            if kept.sort != Sort::Attached {
                kept.signal(Signal::TERM);
            }
        }
        let end = Instant::now() + super::super::PATIENCE;
        for kept in &mut self.kept {
            while !kept.has_ended() {
                assert!(Instant::now() < end, "{:?} does not end", kept.arguments);
                std::thread::sleep(Duration::from_millis(20));
            }
            kept.child = None;
        }
    }
}

impl Drop for Crowd<'_> {
    /// A test that failed leaves nobody behind.
    fn drop(&mut self) {
        for kept in &mut self.kept {
            kept.signal(Signal::CONT);
            kept.signal(Signal::KILL);
            if let Some(mut child) = kept.child.take() {
                let _ = child.wait();
            }
        }
    }
}
