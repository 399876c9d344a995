//! `[gates.NAME]`: what must have been seen before an order leaves a stage or is done.
//!
//! ```toml
//! [gates.coverage]
//! command = ["cargo", "llvm-cov", "--json"]
//! timeout = "10m"
//! stage   = "test"
//! pass    = { number = { json = "/data/0/totals/lines/percent" }, at_least = 80 }
//! on_fail = { severity = "high", hold = "order" }
//! ```

mod reader;
#[cfg(test)]
mod tests;

use serde::Serialize;
use toml::de::DeValue;

use self::reader::Reader;
use crate::config::{Document, Problem};

/// The most gates that one file may have; each may be asked of every order.
const GATE_LIMIT: usize = 64;
/// The longest name: it is typed, and is the name of a folder.
const NAME_LIMIT: usize = 80;
/// The most words of a command.
const WORD_LIMIT: usize = 256;
/// How long a gate may take where it does not say, in seconds.
const DEFAULT_TIMEOUT: u32 = 600;
/// The longest that a gate may take, in seconds: a day.
const TIMEOUT_LIMIT: u32 = 24 * 3600;
/// The largest regular expression once compiled, in bytes: a hostile one must not take all memory.
pub const REGEX_LIMIT: usize = 1 << 20;

/// The words of the ledger's vocabularies, which this floor does not know.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The classes of service.
    pub buckets: &'a [&'a str],
    /// The sorts of work.
    pub kinds: &'a [&'a str],
    /// How bad a failure may be.
    pub severities: &'a [&'a str],
    /// What a failure may hold.
    pub holds: &'a [&'a str],
    /// The stages of the board; nobody knows them where there are none here.
    pub stages: &'a [&'a str],
}

/// A gate as the file has it. Its JSON is what its digest is taken of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateSpec {
    /// Its name.
    pub name: String,
    /// Who opens it.
    pub opens: Opens,
    /// The stage whose exit it guards; None guards completion only.
    pub stage: Option<String>,
    /// Orders of these buckets; of any if there are none.
    pub buckets: Vec<String>,
    /// Orders of these kinds; of any but epics if there are none.
    pub kinds: Vec<String>,
    /// Whether an order is held without it.
    pub required: bool,
    /// How bad a failure is.
    pub severity: String,
    /// What a failure holds.
    pub hold: String,
}

/// What opens a gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Opens {
    /// A person who did not do the work.
    Approval,
    /// A command that the engine runs.
    Command(Run),
}

/// A command, and what counts as a pass.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// The program and its arguments; never given to a shell.
    pub command: Vec<String>,
    /// Where it runs, from the project's root.
    pub cwd: Option<String>,
    /// What of the host's environment it has besides the usual.
    pub env: Vec<String>,
    /// How long it may take, in seconds.
    pub timeout: u32,
    /// What counts as a pass.
    pub pass: Pass,
}

/// What counts as a pass.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Pass {
    /// The command ends with exit code 0.
    Exit,
    /// So it does, and its output matches.
    Regex(String),
    /// So it does, and a number in its output is on the right side.
    Number {
        /// Where the number is.
        from: Number,
        /// The least that passes.
        at_least: Option<f64>,
        /// The most that passes.
        at_most: Option<f64>,
    },
}

/// Where a number is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Number {
    /// At this pointer of the last JSON document in the output.
    Json(String),
    /// In the first group of the last match.
    Regex(String),
}

/// Returns the names of all gates that the document has a table for, mistakes in it or not.
pub fn names(document: &Document) -> Vec<String> {
    let (table, _) = document.parse();
    let gates = table.get("gates").map(|value| value.get_ref());
    let Some(DeValue::Table(gates)) = gates else {
        return vec![];
    };
    let names = gates.keys().map(|name| name.get_ref().as_ref());
    let names = names.filter(|name| reader::is_name(name)).take(GATE_LIMIT);
    names.map(str::to_owned).collect()
}

/// Returns the gates that the document names, sorted, and what was wrong in them. A gate with a mistake in it is left out
/// whole; tables that are not about gates are somebody else's.
pub fn read(document: &Document, words: Words<'_>) -> (Vec<GateSpec>, Vec<Problem>) {
    let (table, found) = document.parse();
    let mut reader = Reader {
        document,
        words,
        found,
    };
    let mut gates = vec![];
    match table
        .get("gates")
        .map(|value| (value.span(), value.get_ref()))
    {
        None => {}
        Some((_, DeValue::Table(tables))) => {
            for (name, value) in tables {
                if gates.len() == GATE_LIMIT {
                    let what = format!("there are more than {GATE_LIMIT} gates");
                    reader.wrong(name.span(), what, "let one command look at several things");
                    break;
                }
                gates.extend(reader.gate(name, value));
            }
        }
        Some((span, _)) => reader.wrong(span, "'gates' is no table", "write [gates.NAME]"),
    }
    gates.sort_by(|a, b| a.name.cmp(&b.name));
    (gates, document.in_order(reader.found))
}
