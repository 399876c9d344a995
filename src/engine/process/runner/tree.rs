//! Processes, told apart by when they started: a number alone may be another's by now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// Its number.
    pub pid: i32,
    /// When it started, as the system tells it, with the boot where the system counts from that.
    pub start: String,
}

impl Identity {
    /// Returns the process that has this number now.
    pub fn of(pid: i32) -> Option<Identity> {
        system::start(pid).map(|start| Identity { pid, start })
    }

    /// Returns whether this very process still runs.
    pub fn is_alive(&self) -> bool {
        !self.start.is_empty() && system::start(self.pid).as_ref() == Some(&self.start)
    }

    /// Kills this process if it is still the one.
    pub fn kill(&self) {
        system::signal_if(self, true);
    }
}

/// Makes this process the parent of whatever its descendants leave behind, where the system can.
pub(super) fn adopt() {
    system::adopt();
}

/// Returns everything that descends from a process.
pub(super) fn descendants(root: i32) -> Vec<Identity> {
    let all = system::parents();
    let mut found: Vec<i32> = vec![root];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        let children = all.iter().filter(|(_, of)| *of == parent);
        let fresh: Vec<i32> = children
            .map(|(pid, _)| *pid)
            .filter(|pid| !found.contains(pid))
            .collect();
        found.extend(fresh);
        at += 1;
    }
    found.into_iter().skip(1).filter_map(Identity::of).collect()
}

/// Asks the group of `pid` and everything that descends from `root` to end, or kills it.
pub(super) fn signal(root: i32, pid: i32, kill: bool) {
    use rustix::process::{Pid, kill_process_group};
    if let Some(group) = Pid::from_raw(pid) {
        let _ = kill_process_group(group, system::name(kill));
    }
    for process in descendants(root) {
        system::signal_if(&process, kill);
    }
}

/// Returns the processes whose environment names this run: what is left of one whose runner was killed. Where the system
/// shows no environments there are none.
pub fn marked(variable: &str, run: &str) -> Vec<Identity> {
    system::marked(&format!("{variable}={run}"))
}

#[cfg(target_os = "linux")]
mod system {
    use std::{fs, sync::OnceLock};

    use rustix::process::{
        Pid, PidfdFlags, Signal, getpid, pidfd_open, pidfd_send_signal, set_child_subreaper,
    };

    use super::Identity;

    pub(super) fn name(kill: bool) -> Signal {
        match kill {
            true => Signal::KILL,
            false => Signal::TERM,
        }
    }

    pub(super) fn adopt() {
        if let Err(error) = set_child_subreaper(Some(getpid())) {
            tracing::warn!(%error, "what an agent leaves behind is not adopted");
        }
    }

    fn boot() -> &'static str {
        static BOOT: OnceLock<String> = OnceLock::new();
        BOOT.get_or_init(|| {
            let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
            id.trim().to_owned()
        })
    }

    /// The fields after the name, which may itself have blanks and brackets: state, parent, …; the 20th is the start.
    fn stat(pid: i32) -> Option<Vec<String>> {
        let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let (_, rest) = text.rsplit_once(')')?;
        Some(rest.split_whitespace().map(str::to_owned).collect())
    }

    pub(super) fn start(pid: i32) -> Option<String> {
        let fields = stat(pid)?;
        // A zombie runs no more; only its number is not free yet.
        if fields
            .first()
            .is_some_and(|state| state == "Z" || state == "X")
        {
            return None;
        }
        Some(format!("{}:{}", boot(), fields.get(19)?))
    }

    fn all() -> impl Iterator<Item = i32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
    }

    pub(super) fn parents() -> Vec<(i32, i32)> {
        all()
            .filter_map(|pid| Some((pid, stat(pid)?.get(1)?.parse().ok()?)))
            .collect()
    }

    /// A handle on the process is taken before it is looked at, so that no other can get the signal.
    pub(super) fn signal_if(process: &Identity, kill: bool) {
        let Some(pid) = Pid::from_raw(process.pid) else {
            return;
        };
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            return;
        };
        if process.is_alive() {
            let _ = pidfd_send_signal(handle, name(kill));
        }
    }

    pub(super) fn marked(entry: &str) -> Vec<Identity> {
        let has = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|one| one == entry.as_bytes())
        };
        all().filter(has).filter_map(Identity::of).collect()
    }
}

/// Elsewhere `ps` tells what there is; what leaves the agent's group and its parent is lost to sight.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::process::Command;

    use rustix::process::{Pid, Signal, kill_process};

    use super::Identity;

    pub(super) fn name(kill: bool) -> Signal {
        match kill {
            true => Signal::KILL,
            false => Signal::TERM,
        }
    }

    pub(super) fn adopt() {}

    fn ps(arguments: &[&str]) -> String {
        let output = Command::new("ps").args(arguments).output();
        output
            .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
            .unwrap_or_default()
    }

    pub(super) fn start(pid: i32) -> Option<String> {
        let text = ps(&["-o", "stat=,lstart=", "-p", &pid.to_string()]);
        let (state, start) = text.trim().split_once(' ')?;
        (!state.starts_with('Z')).then(|| start.trim().to_owned())
    }

    pub(super) fn parents() -> Vec<(i32, i32)> {
        let text = ps(&["-axo", "pid=,ppid="]);
        let pair = |line: &str| {
            let (pid, parent) = line.trim().split_once(' ')?;
            Some((pid.parse().ok()?, parent.trim().parse().ok()?))
        };
        text.lines().filter_map(pair).collect()
    }

    pub(super) fn signal_if(process: &Identity, kill: bool) {
        if process.is_alive()
            && let Some(pid) = Pid::from_raw(process.pid)
        {
            let _ = kill_process(pid, name(kill));
        }
    }

    pub(super) fn marked(_: &str) -> Vec<Identity> {
        vec![]
    }
}
