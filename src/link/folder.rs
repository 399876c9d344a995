//! What is answered from the ledger's folder: the same function here and behind a server.

use super::{
    access::{self, Access},
    admin,
    bus::{Caller, Ruled},
    hook, look_at_line_file,
    protocol::{FolderAnswer, FolderCall, GateEntry, GatesFile, LogPart, MOST_LOG},
    worktrees,
};
use crate::{
    engine::{
        gates::{Project, rule_of},
        supervisor::{Kept, newest_runs},
    },
    ledger::Home,
};

/// How many runs of an agent one is looked for among; as many are kept of all.
pub(super) const RUNS: usize = 256;

/// Does what is wanted of a ledger's folder.
///
/// # Errors
///
/// The folder, or a file in it, could not be read or written.
pub(super) fn done(home: &Home, caller: &Caller, call: FolderCall) -> Ruled<FolderAnswer> {
    let now = super::now();
    let ledger = || home.path().display().to_string();
    Ok(Ok(match call {
        FolderCall::Head => FolderAnswer::Head(admin::head(home)?),
        FolderCall::Stats => FolderAnswer::Stats {
            ledger: ledger(),
            stats: admin::stats(home)?,
        },
        FolderCall::Doctor => FolderAnswer::Doctor {
            ledger: ledger(),
            findings: admin::doctor(home),
        },
        FolderCall::Worktrees => FolderAnswer::Worktrees(worktrees::worktrees(home)?),
        FolderCall::Gates { stages } => FolderAnswer::Gates(gates(home, &stages)),
        FolderCall::Problems { stages } => {
            FolderAnswer::Problems(look_at_line_file(home, &stages, None).said(home))
        }
        FolderCall::GateOutput { order, gate, hash } => {
            let output = Project::of(home).output(order, &gate, &hash);
            let text = output.map(|output| String::from_utf8_lossy(&output).into_owned());
            FolderAnswer::GateOutput(text)
        }
        FolderCall::Runs { agent, limit } => {
            let runs = newest_runs(home, &agent, limit.min(RUNS)).into_iter();
            FolderAnswer::Runs(runs.map(|(note, _)| note).collect())
        }
        FolderCall::Log {
            agent,
            run,
            from,
            to,
        } => FolderAnswer::Log(log(home, &agent, &run, from, to)),
        FolderCall::Report {
            agent,
            session,
            state,
            note,
        } => {
            hook::report(home, &agent, &session, state, &note)?;
            FolderAnswer::Reported
        }
        FolderCall::Tokens => FolderAnswer::Tokens(Access::open(home)?.list(now)?),
        FolderCall::CreateToken(new) => match access::create_token(home, caller, &new, now)? {
            Ok((secret, token)) => FolderAnswer::Created { secret, token },
            Err(refusal) => return Ok(Err(refusal)),
        },
        FolderCall::RevokeToken(name) => match access::revoke_token(home, caller, &name, now)? {
            Ok(token) => FolderAnswer::Revoked(token),
            Err(refusal) => return Ok(Err(refusal)),
        },
        FolderCall::Audit {
            filter,
            page,
            limit,
        } => FolderAnswer::Audit(Access::open(home)?.audit(&filter, page, limit)?),
    }))
}

fn gates(home: &Home, stages: &[String]) -> GatesFile {
    let project = Project::of(home);
    let stages: Vec<_> = stages.iter().map(String::as_str).collect();
    let (specs, problems) = project.gates(&stages);
    GatesFile {
        file: project.line_file().display().to_string(),
        gates: specs
            .iter()
            .map(|spec| GateEntry {
                name: spec.name.clone(),
                stage: spec.stage.clone(),
                approval: rule_of(spec).approval,
            })
            .collect(),
        problems: problems.iter().map(ToString::to_string).collect(),
    }
}

/// Returns a part of a run's output. The run is looked for among those that are there: a name from outside leads nowhere
/// else.
fn log(home: &Home, agent: &str, run: &str, from: u64, to: u64) -> Option<LogPart> {
    let runs = newest_runs(home, agent, RUNS).into_iter();
    let (_, folder) = runs.into_iter().find(|(note, _)| note.run == run)?;
    let kept = Kept::look(&folder).unwrap_or_default();
    let extents = kept.extents();
    // What is missing takes no room in an answer.
    let begins =
        |(begins, length): &(u64, u64)| (begins + length > from).then(|| from.max(*begins));
    let first = extents.iter().filter_map(begins).min().unwrap_or(from);
    Some(LogPart {
        pieces: kept.read(from, to.min(first.saturating_add(MOST_LOG))),
        extents,
    })
}
