//! What a command wrote, or would write.

use serde_json::{Value, json};

use super::{
    context::{Call, unexpected},
    error::{CliError, Done},
    output::Tone,
};
use crate::{
    domain::{
        command::Command,
        query::{Answer, Query, events::Entry},
        record::Record,
    },
    link::Outcome,
};

/// Submits a command. A dry run is shown here, and then there is nothing more to say.
pub(super) fn submit(call: &mut Call<'_>, command: Command) -> Result<Option<Outcome>, CliError> {
    let outcome = call.submit(command)?;
    if !outcome.dry_run {
        return Ok(Some(outcome));
    }
    if call.json() {
        let events: Vec<Value> = outcome.records.iter().map(exact).collect();
        call.out
            .json(&json!({ "dry_run": true, "events": events }))?;
        return Ok(None);
    }
    match outcome.records.len() {
        0 => call.out.line("dry run: nothing would change")?,
        1 => call.out.line("dry run: 1 event would be written")?,
        n => call
            .out
            .line(&format!("dry run: {n} events would be written"))?,
    }
    for record in &outcome.records {
        call.out.line(&Entry::of(record).text)?;
        call.out.json_line(&body(record))?;
    }
    Ok(None)
}

/// Returns a record as an entry with its exact body.
pub(super) fn exact(record: &Record) -> Value {
    let mut entry = serde_json::to_value(Entry::of(record)).unwrap_or_default();
    if let Value::Object(fields) = &mut entry {
        fields.insert("version".into(), record.version.into());
        fields.insert("body".into(), body(record));
    }
    entry
}

fn body(record: &Record) -> Value {
    serde_json::from_str(&record.body).unwrap_or_default()
}

/// Prints what was written as sentences, or, as JSON, how the subject now stands.
pub(super) fn report(call: &mut Call<'_>, outcome: &Outcome, subject: &Query) -> Done {
    if call.json() {
        return match call.ask(subject)? {
            Answer::Status(order) => call.out.json(&order),
            Answer::Alert(alert) => call.out.json(&alert),
            Answer::Agent(agent) => call.out.json(&agent),
            Answer::Stages(stages) => call.out.json(&stages),
            _ => Err(unexpected()),
        };
    }
    sentences(call, outcome)
}

/// Prints what was written as sentences.
pub(super) fn sentences(call: &mut Call<'_>, outcome: &Outcome) -> Done {
    if outcome.records.is_empty() {
        return call.out.line("nothing to change");
    }
    for record in &outcome.records {
        call.out.line(&Entry::of(record).text)?;
    }
    Ok(())
}

/// Prints one line of a log.
pub(super) fn entry(call: &mut Call<'_>, entry: &Entry) -> Done {
    let head = format!("{:>6}  {}  ", entry.seq, entry.at);
    let actor = format!("{}  ", entry.actor);
    call.out.spans(&[
        (Tone::Muted, &head),
        (Tone::Muted, &actor),
        (Tone::Plain, &entry.text),
    ])
}
