//! A runner as its host has it: started, spoken to, heard, and swept up after.

use std::{
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use super::runner::{Identity, Said, Spec, Told, marked};

/// The variable that marks every process of a run.
pub(in crate::engine) const RUN_VARIABLE: &str = "OBEYA_RUN";
/// How long a sweep goes on: something that forks faster than it is killed must not hold up a host for ever.
const SWEEP: Duration = Duration::from_secs(5);

/// A runner and what it runs.
pub(in crate::engine) struct Process {
    /// The runner itself.
    pub(in crate::engine) runner: Option<Identity>,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Process {
    /// Starts a runner, which starts what the spec says. When this process ends, by whatever, its pipe does, and so does
    /// everything that the runner runs.
    pub(in crate::engine) async fn start(
        program: &Path,
        run: &str,
        spec: &Spec,
    ) -> Result<Process, String> {
        let mut child = Command::new(program)
            .arg("runner")
            .env(RUN_VARIABLE, run)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A key that interrupts the host must not reach what it runs before the host does.
            .process_group(0)
            .spawn()
            .map_err(|error| {
                format!("'{} runner' cannot be started: {error}", program.display())
            })?;
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the runner has no pipes".into());
        };
        let mut process = Process {
            runner: pid.and_then(Identity::of),
            input,
            lines: BufReader::new(output).lines(),
            _child: child,
        };
        process.send(spec).await;
        Ok(process)
    }

    async fn send(&mut self, message: &impl serde::Serialize) {
        let Ok(mut line) = serde_json::to_string(message) else {
            return;
        };
        line.push('\n');
        // A runner that is gone is heard of on the other pipe.
        let _ = self.input.write_all(line.as_bytes()).await;
        let _ = self.input.flush().await;
    }

    /// Says something to the runner.
    pub(in crate::engine) async fn tell(&mut self, told: &Told) {
        self.send(told).await;
    }

    /// Returns what the runner says next, or None when it is gone. May be dropped while it waits.
    pub(in crate::engine) async fn hear(&mut self) -> Option<Said> {
        loop {
            let line = self.lines.next_line().await.ok()??;
            match serde_json::from_str(&line) {
                Ok(said) => return Some(said),
                Err(error) => tracing::warn!(%error, "a runner said something strange"),
            }
        }
    }
}

/// Ends everything that belongs to a run whose runner is gone. Returns how many processes there were.
pub(in crate::engine) async fn sweep(run: &str) -> usize {
    let run = run.to_owned();
    let swept = tokio::task::spawn_blocking(move || sweep_now(&run));
    swept.await.unwrap_or(0)
}

/// Does what [`sweep`] does, on the caller's thread.
pub(super) fn sweep_now(run: &str) -> usize {
    let until = Instant::now() + SWEEP;
    let mut killed = 0;
    loop {
        let left = marked(RUN_VARIABLE, run);
        if left.is_empty() || Instant::now() > until {
            return killed;
        }
        killed += left.len();
        left.iter().for_each(Identity::kill);
        thread::sleep(Duration::from_millis(20));
    }
}
