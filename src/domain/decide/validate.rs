//! Text and numbers from outside, cleaned and bounded before they become events.

use crate::{domain::refusal::Refusal, text};

/// The longest title, in characters: a line that still fits a wide screen twice.
pub(super) const MAX_TITLE: usize = 300;
/// The longest description or comment, in bytes: long enough for a pasted log, short enough for one record.
pub(super) const MAX_TEXT: usize = 64 * 1024;
/// The longest reason or note, in characters: of four bytes each, they fit what cleaning leaves of a line, so that
/// nothing is cut in silence.
pub(super) const MAX_REASON: usize = 1_000;
/// The longest name of a label, stage, agent or assignee, in characters.
pub(super) const MAX_NAME: usize = 80;
/// The most labels on one order.
pub(super) const MAX_LABELS: usize = 32;
/// The most links of one order.
pub(super) const MAX_LINKS: usize = 200;
/// The most dependencies, or open children, of one order: beyond it an epic should be cut.
pub(super) const MAX_EDGES: usize = 2_000;
/// The longest estimate: ten years of minutes.
pub(super) const MAX_ESTIMATE: u32 = 10 * 365 * 24 * 60;

/// Returns one cleaned, non-empty line of at most `limit` characters.
pub(super) fn line(field: &str, value: &str, limit: usize) -> Result<String, Refusal> {
    let line = text::clean(value).trim().to_owned();
    let length = line.chars().count();
    if line.is_empty() {
        return Err(Refusal::invalid(field, "it is empty"));
    }
    if length > limit {
        return Err(Refusal::invalid(
            field,
            format!("{length} characters; at most {limit}"),
        ));
    }
    Ok(line)
}

/// Returns a cleaned line, or None where it is absent or empty.
pub(super) fn optional_line(
    field: &str,
    value: Option<&str>,
    limit: usize,
) -> Result<Option<String>, Refusal> {
    match value.map(str::trim) {
        None | Some("") => Ok(None),
        Some(value) => line(field, value, limit).map(Some),
    }
}

/// Returns cleaned text of several lines; it may be empty.
pub(super) fn block(field: &str, value: &str) -> Result<String, Refusal> {
    if value.len() > MAX_TEXT {
        let why = format!("{} bytes; at most {MAX_TEXT}", value.len());
        return Err(Refusal::invalid(field, why));
    }
    Ok(text::clean_block(value).trim_end().to_owned())
}

/// Returns sorted labels, each once: lines without commas.
pub(super) fn labels(values: &[String]) -> Result<Vec<String>, Refusal> {
    let mut labels = values
        .iter()
        .map(|value| match line("label", value, MAX_NAME)? {
            label if label.contains(',') => Err(Refusal::invalid("label", "a label has no comma")),
            label => Ok(label),
        })
        .collect::<Result<Vec<_>, _>>()?;
    labels.sort();
    labels.dedup();
    if labels.len() > MAX_LABELS {
        return Err(Refusal::Limit {
            what: "labels on an order".into(),
            limit: MAX_LABELS as u64,
        });
    }
    Ok(labels)
}

/// Returns the name of a stage: lower case letters, digits, `-` and `_`. `queued` and `done` are taken by the board.
pub(super) fn stage_name(value: &str) -> Result<String, Refusal> {
    let name = line("stage", value, 24)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !name.chars().all(plain) {
        return Err(Refusal::invalid(
            "stage",
            "use lower case letters, digits, '-' and '_'",
        ));
    }
    if matches!(name.as_str(), "queued" | "done" | "right" | "left") {
        return Err(Refusal::invalid(
            "stage",
            format!("'{name}' has a meaning already"),
        ));
    }
    Ok(name)
}

/// Returns an estimate in minutes.
pub(super) fn estimate(minutes: u32) -> Result<u32, Refusal> {
    match minutes {
        0..=MAX_ESTIMATE => Ok(minutes),
        _ => Err(Refusal::invalid(
            "estimate",
            format!("{minutes} minutes; at most {MAX_ESTIMATE}"),
        )),
    }
}
