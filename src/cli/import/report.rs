//! An import's report, for people and for programs.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Serialize;

use super::file::{LineProblem, ReadFile, Unit};
use crate::{
    domain::import_report::{ImportReport, Note, NoteKind},
    text,
};

/// The least cells that the report is wrapped to: less would put every id on a line of its own.
const LEAST_WIDTH: usize = 40;

/// How many notes of a kind are shown to a person: the counts stay in sight, and JSON has the others.
const SHOWN: usize = 10;

/// What came of one file: the report of the rules with what was seen on the way in. As JSON its shape is stable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// What the file is made of.
    #[serde(skip)]
    pub unit: Unit,
    /// Lines, or records, with anything in them.
    pub lines: u64,
    /// Items that were deleted there, and left out.
    pub tombstones: u64,
    /// Broken lines that were left out.
    pub invalid: Vec<LineProblem>,
    /// What the file has beside items, by its name there; it was left out.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub left_out: BTreeMap<String, u64>,
    /// What the rules did.
    #[serde(flatten)]
    pub report: ImportReport,
}

impl Imported {
    /// Returns the report on a file: the notes of its reading stand before those of the rules.
    pub fn new(file: &ReadFile, mut report: ImportReport) -> Self {
        let mut notes = file.notes.clone();
        notes.append(&mut report.notes);
        report.notes = notes;
        Imported {
            unit: file.unit,
            lines: file.lines,
            tombstones: file.tombstones,
            invalid: file.invalid.clone(),
            left_out: file.left_out.clone(),
            report,
        }
    }
}

/// Returns the report as text, at most `width` cells wide: the notes, those of a kind together, then the counts, which are
/// what is left on a screen.
pub fn render_report(imported: &Imported, width: usize) -> String {
    let width = width.max(LEAST_WIDTH);
    let report = &imported.report;
    let mut out = String::new();
    let mut line = |text: String| {
        for range in text::wrap(&text, width) {
            out.push_str(text.get(range).unwrap_or_default());
            out.push('\n');
        }
    };
    if !imported.invalid.is_empty() {
        line(format!(
            "broken {}s, left out: {}",
            imported.unit.word(),
            imported.invalid.len()
        ));
        let shown = imported.invalid.iter().take(SHOWN);
        shown.for_each(|problem| line(format!("  {problem}")));
        rest(imported.invalid.len()).into_iter().for_each(&mut line);
    }
    for kind in NoteKind::ALL {
        let of_kind = report.notes.iter().filter(|note| note.kind == *kind);
        let notes: Vec<&Note> = of_kind.collect();
        if notes.is_empty() {
            continue;
        }
        line(format!("{}: {}", kind.headline(), notes.len()));
        let (bare, told): (Vec<&Note>, Vec<&Note>) = notes
            .iter()
            .take(SHOWN)
            .partition(|note| note.text.is_empty());
        for note in told {
            line(format!("  {}: {}", note.external, note.text));
        }
        let names: Vec<_> = bare.iter().map(|note| note.external.as_str()).collect();
        if !names.is_empty() {
            line(format!("  {}", names.join(", ")));
        }
        rest(notes.len()).into_iter().for_each(&mut line);
    }
    if !imported.left_out.is_empty() {
        line(format!("no work, left out: {}", counts(&imported.left_out)));
    }
    line(format!("by status: {}", counts(&report.by_status)));
    line(format!("by kind:   {}", counts(&report.by_kind)));
    line(format!("by bucket: {}", counts(&report.by_bucket)));
    line(format!(
        "{}: {} items from {} {}s ({} deleted there, {} broken and left out)",
        report.source,
        report.items,
        imported.lines,
        imported.unit.word(),
        imported.tombstones,
        imported.invalid.len()
    ));
    line(format!(
        "{} added, {} updated, {} unchanged",
        report.added, report.updated, report.unchanged
    ));
    out
}

/// Returns the line that stands for what was not shown, if anything was not.
fn rest(count: usize) -> Option<String> {
    let more = count.checked_sub(SHOWN).filter(|more| *more > 0)?;
    Some(format!("  and {more} more (--json lists all)"))
}

fn counts<K: std::fmt::Display, N: std::fmt::Display>(counts: &BTreeMap<K, N>) -> String {
    let mut text = String::new();
    for (word, count) in counts {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing into a string cannot fail.
        let _ = write!(text, "{comma}{word} {count}");
    }
    if text.is_empty() { "none".into() } else { text }
}
