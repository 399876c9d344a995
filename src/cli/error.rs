//! What a call that was not done says, and with which code it ends.

use std::{fmt, path::PathBuf};

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::import::BrokenFile;
use crate::{
    domain::refusal::Refusal,
    link::{Failure, Fault, FaultKind, LEDGER_VARIABLE, NoLedger},
    text,
};

/// Done.
pub const EXIT_DONE: u8 = 0;
/// A rule refused it, or a check found something wrong.
pub const EXIT_REFUSED: u8 = 1;
/// The words made no sense.
pub const EXIT_USAGE: u8 = 2;
/// The ledger or the engine could not be reached, or nobody knows whether it was done.
pub const EXIT_UNAVAILABLE: u8 = 3;

/// What a command comes to.
pub(super) type Done = Result<(), CliError>;

/// Why a call was not done.
#[derive(Debug)]
pub(super) enum CliError {
    /// A rule does not allow it.
    Refused(Refusal),
    /// The words made no sense, as a sentence.
    Usage(String),
    /// A file cannot come in as it is.
    BrokenFile {
        /// Which.
        path: PathBuf,
        /// Its broken lines.
        broken: BrokenFile,
    },
    /// There is no ledger.
    NoLedger(NoLedger),
    /// The ledger or the engine could not do it; nothing was written.
    Fault(Fault),
    /// It may have been written.
    Unknown {
        /// What went wrong.
        fault: Fault,
        /// The id to ask again with.
        command: Uuid,
    },
    /// A check found something wrong, and the output says what.
    Wrong,
    /// Lines of a script were not done; each has been said, and this is the worst of their codes.
    Failed(u8),
    /// Whoever read the output has gone.
    Closed,
}

impl CliError {
    /// Returns the exit code.
    pub(super) fn code(&self) -> u8 {
        match self {
            CliError::Refused(_) | CliError::Wrong => EXIT_REFUSED,
            CliError::Usage(_) | CliError::BrokenFile { .. } => EXIT_USAGE,
            CliError::NoLedger(_) | CliError::Fault(_) | CliError::Unknown { .. } => {
                EXIT_UNAVAILABLE
            }
            CliError::Failed(code) => *code,
            CliError::Closed => EXIT_DONE,
        }
    }

    /// Returns the error as the documented JSON, or None where there is nothing more to say.
    pub(super) fn document(&self) -> Option<Value> {
        Some(match self {
            CliError::Refused(refusal) => {
                let explained = Explained {
                    refusal,
                    message: refusal.to_string(),
                    lift: refusal.lift(),
                };
                json!({ "refusal": explained })
            }
            CliError::Usage(message) => {
                json!({ "error": { "kind": "usage", "message": message } })
            }
            CliError::BrokenFile { path, broken } => json!({ "error": {
                "kind": "broken_file",
                "message": broken.to_string(),
                "path": path.display().to_string(),
                "problems": broken.problems,
                "total": broken.total,
                "mend": broken_mend(broken),
            } }),
            CliError::NoLedger(none) => json!({ "error": {
                "kind": "no_ledger",
                "message": none.to_string(),
                "mend": no_ledger_mend(none),
            } }),
            CliError::Fault(fault) => json!({ "error": fault_document(fault) }),
            CliError::Unknown { fault, command } => {
                let mut body = fault_document(fault);
                body["unknown"] = true.into();
                body["command_id"] = command.to_string().into();
                json!({ "error": body })
            }
            CliError::Wrong | CliError::Failed(_) | CliError::Closed => return None,
        })
    }
}

/// Returns what to do about a broken file.
fn broken_mend(broken: &BrokenFile) -> &'static str {
    match broken.may_skip {
        true => "Mend these lines, or leave them out with --skip-invalid.",
        false => "Mend the file, or say how it is to be read: --help shows an example.",
    }
}

/// A refusal's JSON: the rule with its data, a sentence, and what would lift it.
#[derive(Serialize)]
struct Explained<'a> {
    #[serde(flatten)]
    refusal: &'a Refusal,
    message: String,
    lift: Vec<String>,
}

fn fault_document(fault: &Fault) -> Value {
    json!({
        "kind": fault.kind,
        "message": fault.what,
        "path": fault.path,
        "mend": fault.mend,
    })
}

fn no_ledger_mend(none: &NoLedger) -> String {
    let make = format!(
        "Make one with `obeya init`, or name one with --ledger or {LEDGER_VARIABLE}; an engine elsewhere, with --attach or --context."
    );
    match &none.own {
        Some(own) => {
            let own = own.display().to_string();
            let own = text::clean(&own);
            format!("{make} Your own ledger is at {own}: pass --ledger {own} to use it.")
        }
        None => make,
    }
}

impl fmt::Display for CliError {
    /// Writes what happened, why, and what to do next, each on its line; nothing where the output has said it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CliError::Refused(refusal) => {
                write!(f, "refused: {}", text::clean(&refusal.to_string()))?;
                refusal
                    .lift()
                    .iter()
                    .try_for_each(|way| write!(f, "\n  to lift it: {}", text::clean(way)))
            }
            CliError::Usage(message) => {
                write!(f, "error: {}", text::clean_block(message).trim_end())
            }
            CliError::BrokenFile { path, broken } => {
                let path = path.display().to_string();
                writeln!(f, "error: {}:", text::clean(&path))?;
                write!(f, "{}", text::clean_block(&broken.to_string()))?;
                write!(f, "\n  {}", broken_mend(broken))
            }
            CliError::NoLedger(none) => {
                write!(f, "error: {}", text::clean(&none.to_string()))?;
                write!(f, "\n  {}", no_ledger_mend(none))
            }
            CliError::Fault(fault) => write_fault(f, fault),
            CliError::Unknown { fault, command } => {
                write_fault(f, fault)?;
                write!(
                    f,
                    "\n  It may have been applied all the same. Ask again with "
                )?;
                write!(f, "--command-id {command}: it is applied at most once.")
            }
            CliError::Wrong | CliError::Failed(_) | CliError::Closed => Ok(()),
        }
    }
}

fn write_fault(f: &mut fmt::Formatter<'_>, fault: &Fault) -> fmt::Result {
    write!(f, "error: ")?;
    if !fault.path.is_empty() {
        write!(f, "{}: ", text::clean(&fault.path))?;
    }
    write!(f, "{}", text::clean(&fault.what))?;
    if !fault.mend.is_empty() {
        write!(f, "\n  {}", text::clean(&fault.mend))?;
    }
    Ok(())
}

impl From<Refusal> for CliError {
    fn from(refusal: Refusal) -> Self {
        CliError::Refused(refusal)
    }
}

impl From<Fault> for CliError {
    fn from(fault: Fault) -> Self {
        CliError::Fault(fault)
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        CliError::Fault(failure.fault().clone())
    }
}

/// Returns the error for a file of the caller's that could not be read or written.
pub(super) fn file(path: &std::path::Path, doing: &str, error: &std::io::Error) -> CliError {
    let fault = Fault::io(path, doing, error);
    CliError::Fault(match fault.kind {
        FaultKind::Missing => fault.mend("Check the file's name."),
        _ => fault,
    })
}
