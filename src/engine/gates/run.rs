//! One run of one gate on one order, from the asking to the record.

use std::{
    path::Path,
    process::Command as Process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Project, judge, rule_of,
    store::{Claim, Store},
};
use crate::{
    config::line::gates::{GateSpec, Opens, Run},
    domain::{
        command::{Command, Role, Submission},
        gate::{GateRun, Tree, Verdict},
        id::OrderId,
        order::Actor,
        record::{Hash, Seq},
        refusal::Refusal,
        state::State,
    },
    engine::{
        Failure, Handle, Outcome, Reply, Writer, own_act,
        process::{End, environment, run_whole},
    },
    ledger::{Fault, FaultKind, Home},
    text,
};

/// How many gates run at once over one ledger, whoever runs them: each may be a build that takes all processors.
const AT_ONCE: usize = 4;
/// How long a run waits for its place before it is given up.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// How often it is looked whether a place is free, or somebody else's run over.
pub(super) const GLANCE: Duration = Duration::from_millis(200);
/// The longest command in evidence, in characters.
const COMMAND: usize = 500;

/// Somebody asks for a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateAsk {
    /// On which order.
    pub order: OrderId,
    /// Which gate.
    pub gate: String,
    /// Who asks; None is the engine itself.
    pub actor: Option<Actor>,
    /// What the caller may do.
    pub role: Role,
}

/// What an asking came to: the records of a run, None where it goes on behind the caller's back, why there was none, or
/// that nobody can tell.
pub type Asked = Result<Result<Option<Outcome>, Refusal>, Failure>;

/// What a run needs of an engine.
pub trait Line {
    /// Returns the newest version.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    fn newest(&mut self) -> Result<Arc<State>, Fault>;

    /// Commits a command.
    fn commit(&mut self, submission: &Submission) -> Reply;
}

impl Line for Handle {
    fn newest(&mut self) -> Result<Arc<State>, Fault> {
        Ok(self.state())
    }

    fn commit(&mut self, submission: &Submission) -> Reply {
        self.submit(submission.clone())
    }
}

impl Line for Writer {
    fn newest(&mut self) -> Result<Arc<State>, Fault> {
        self.catch_up()?;
        Ok(Arc::clone(self.state()))
    }

    fn commit(&mut self, submission: &Submission) -> Reply {
        self.submit(submission)
    }
}

/// A run that may begin.
pub struct Ready {
    project: Project,
    spec: GateSpec,
    ask: GateAsk,
    claim: Claim,
}

/// Returns a run that may begin, or why it may not. The project's gates are put on the ledger first.
///
/// # Errors
///
/// The ledger could not be used.
pub fn prepare(
    line: &mut dyn Line,
    home: &Home,
    ask: &GateAsk,
) -> Result<Result<Ready, Refusal>, Failure> {
    // Who may do nothing does not even make the engine read its file.
    if ask.role < Role::Agent {
        let (has, needs) = (ask.role, Role::Agent);
        return Ok(Err(Refusal::Role { has, needs }));
    }
    let project = Project::of(home);
    let (changes, problems) = project.changes(&*line.newest()?);
    for change in &changes {
        if let Reply::Failed(failure) = line.commit(change) {
            return Err(failure);
        }
    }
    let state = line.newest()?;
    let (specs, _) = project.gates(&[]);
    let Some(spec) = specs.into_iter().find(|spec| spec.name == ask.gate) else {
        return Ok(Err(match problems.first() {
            Some(problem) => Refusal::invalid("gate", problem.to_string()),
            None => Refusal::not_found(format!("quality gate '{}'", text::clean(&ask.gate))),
        }));
    };
    if let Err(refusal) = may_run(&state, ask, &spec) {
        return Ok(Err(refusal));
    }
    let Some(claim) = Store::of(home).claim(&claim_name(ask.order, &spec.name))? else {
        let why = format!("{} is being run on {} already", spec.name, ask.order);
        return Ok(Err(Refusal::invalid("gate", why)));
    };
    let ask = ask.clone();
    Ok(Ok(Ready {
        project,
        spec,
        ask,
        claim,
    }))
}

impl Ready {
    /// Runs the gate and records what was seen. `term` is the host's, if a host runs it; once `stop` is set the run is
    /// ended and leaves no verdict.
    ///
    /// # Errors
    ///
    /// The ledger could not be used, or the run was ended.
    pub fn run(mut self, line: &mut dyn Line, term: Option<u64>, stop: &AtomicBool) -> Asked {
        self.claim.end_what_was_left();
        let store = Store::of(&self.project.home);
        let Some(_place) = place(&store, stop)? else {
            let why = format!("{AT_ONCE} others are being run: try again later");
            return Ok(Err(Refusal::invalid("gate", why)));
        };
        // What happened while it waited for its place is seen, so it counts from here.
        let began = line.newest()?.head.seq;
        let Opens::Command(run) = &self.spec.opens else {
            return Ok(Err(approval(&self.spec)));
        };
        let job = Job {
            project: &self.project,
            store: &store,
            spec: &self.spec,
            run,
            ask: &self.ask,
            stop,
        };
        let Some(seen) = job.run(&mut self.claim, began, term) else {
            let what = "the run was ended: it leaves no verdict";
            return Err(Fault::new(FaultKind::Busy, Path::new(""), what).into());
        };
        let record = own_act(Command::RecordGate {
            id: self.ask.order,
            gate: self.spec.name.clone(),
            run: Box::new(seen),
        });
        match line.commit(&record) {
            Reply::Done(outcome) => Ok(Ok(Some(outcome))),
            Reply::Refused(refusal) => Ok(Err(refusal)),
            Reply::Failed(failure) => Err(failure),
        }
    }
}

/// Prepares a run and runs it.
///
/// # Errors
///
/// As of [`prepare`] and [`Ready::run`].
pub fn run_gate(
    line: &mut dyn Line,
    home: &Home,
    ask: &GateAsk,
    term: Option<u64>,
    stop: &AtomicBool,
) -> Asked {
    match prepare(line, home, ask)? {
        Ok(ready) => ready.run(line, term, stop),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// Returns what the claim on a run is called.
pub(super) fn claim_name(order: OrderId, gate: &str) -> String {
    format!("{order}.{gate}")
}

fn approval(spec: &GateSpec) -> Refusal {
    Refusal::invalid(
        "gate",
        format!("{} is an approval: a person opens it", spec.name),
    )
}

/// Refuses what could not be recorded in the end.
fn may_run(state: &State, ask: &GateAsk, spec: &GateSpec) -> Result<(), Refusal> {
    let id = ask.order;
    let order = state
        .order(id)
        .ok_or_else(|| Refusal::not_found(format!("open order {id}")))?;
    if spec.opens == Opens::Approval {
        return Err(approval(spec));
    }
    let rule = rule_of(spec);
    if !rule.fits(order) {
        return Err(Refusal::invalid(
            "gate",
            format!("{} is not asked of {id}", spec.name),
        ));
    }
    match order.is_epic() || order.work().is_some() {
        true => Ok(()),
        false => Err(Refusal::NotStarted { id }),
    }
}

/// Returns a place among those that may run at once, or None if none came free in time.
fn place(store: &Store, stop: &AtomicBool) -> Result<Option<Claim>, Fault> {
    let patience = Instant::now() + PATIENCE;
    loop {
        for number in 0..AT_ONCE {
            if let Some(claim) = store.claim(&format!("place-{number}"))? {
                return Ok(Some(claim));
            }
        }
        if Instant::now() >= patience || stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        thread::sleep(GLANCE);
    }
}

/// A run that is to be.
struct Job<'a> {
    project: &'a Project,
    store: &'a Store,
    spec: &'a GateSpec,
    run: &'a Run,
    ask: &'a GateAsk,
    stop: &'a AtomicBool,
}

impl Job<'_> {
    /// Returns what was seen, or None if it was given up.
    fn run(&self, claim: &mut Claim, began: Seq, term: Option<u64>) -> Option<GateRun> {
        let tree = self.project.tree(Some(self.ask.order));
        let mut seen = GateRun {
            verdict: Verdict::CouldNotRun,
            command: Some(shown(&self.run.command)),
            exit: None,
            duration_ms: None,
            tree,
            output: None,
            note: None,
            definition: rule_of(self.spec).digest,
            began,
            term,
            asked: self.ask.actor.clone(),
        };
        let ran = self.process().and_then(|process| {
            let timeout = Duration::from_secs(self.run.timeout.into());
            // Each run under the claim has the folder for itself.
            let name = format!("{}.{}", self.ask.order, self.spec.name);
            let folder = self.store.scratch().join(name);
            run_whole(&process, &folder, timeout, self.stop, |mark| {
                claim.note(mark)
            })
        });
        let ran = match ran {
            Ok(ran) => ran,
            Err(_) if self.is_stopped() => return None,
            Err(why) => {
                seen.note = Some(why);
                return Some(seen);
            }
        };
        seen.duration_ms = u64::try_from(ran.took.as_millis()).ok();
        let stdout = ran.stdout.into_bytes();
        (seen.verdict, seen.note) = match ran.end {
            End::Stopped => return None,
            End::TimedOut => (
                Verdict::TimedOut,
                Some(format!("ended after {} s", self.run.timeout)),
            ),
            End::Exited(status) => {
                seen.exit = status.code();
                judge::judge(
                    &self.run.pass,
                    status.code(),
                    &String::from_utf8_lossy(&stdout),
                )
            }
        };
        // Whoever ends this host may have ended the command first.
        if seen.verdict != Verdict::Passed && self.is_stopped() {
            return None;
        }
        seen.output = self.keep(ran.all.into_bytes());
        // Code that moved meanwhile was seen half before and half after: such a pass must not count.
        if seen.verdict == Verdict::Passed
            && seen.tree != Tree::Unversioned
            && !same(&seen.tree, &self.project.tree(Some(self.ask.order)))
        {
            seen.tree = Tree::Unknown;
            seen.note = Some("the code moved while it ran".into());
        }
        Some(seen)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn process(&self) -> Result<Process, String> {
        let [program, arguments @ ..] = self.run.command.as_slice() else {
            return Err("there is no command".into());
        };
        let root = self.project.workspace(Some(self.ask.order));
        let folder = self
            .run
            .cwd
            .as_ref()
            .map_or(root.clone(), |cwd| root.join(cwd));
        if !folder.is_dir() {
            return Err(format!("there is no folder {}", folder.display()));
        }
        let mut process = Process::new(program);
        process.args(arguments).current_dir(folder);
        environment(&mut process, &self.run.env);
        process.env("OBEYA_ORDER", self.ask.order.to_string());
        process.env("OBEYA_GATE", &self.spec.name);
        Ok(process)
    }

    /// Keeps the output and returns its hash. Evidence without it is worth more than none.
    fn keep(&self, output: Vec<u8>) -> Option<Hash> {
        let kept = self.store.keep(self.ask.order, &self.spec.name, &output);
        kept.inspect_err(|fault| tracing::warn!(%fault, "a gate's output was not kept"))
            .ok()
    }
}

/// Returns whether two looks saw the same files; a commit in between changes none.
fn same(before: &Tree, after: &Tree) -> bool {
    match (before, after) {
        (Tree::Git { tree: before, .. }, Tree::Git { tree: after, .. }) => before == after,
        _ => before == after,
    }
}

/// Returns a command as a shell would be told it.
fn shown(command: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    let word = |word: &String| match !word.is_empty() && word.chars().all(plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    let all: Vec<_> = command.iter().map(word).collect();
    all.join(" ").chars().take(COMMAND).collect()
}
