//! `obeya agent logs`: what an agent wrote, run by run, as its host kept it.

use std::{thread, time::Duration};

use clap::{Arg, ArgMatches};
use serde_json::json;

use super::super::{
    arguments::{flag, option},
    context::{Call, text},
    error::{CliError, Done},
    output::Tone,
};
use crate::{
    domain::refusal::Refusal,
    link::{Connection, RunNote, bus::Caller},
};

/// How often a log is looked at that is followed: files tell nobody that they grew.
const LOOK: Duration = Duration::from_millis(200);
/// How often it is asked for over a link.
const LOOK_AWAY: Duration = Duration::from_secs(1);

pub(super) fn arguments() -> [Arg; 2] {
    [
        flag("follow", "Go on as it writes, from run to run").short('f'),
        option(
            "run",
            "RUN",
            "A run by the beginning of its name; the newest one otherwise",
        ),
    ]
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>, name: &str) -> Done {
    call.shell_only("agent logs")?;
    let caller = call.caller();
    let line = Line {
        connection: call.connection()?.clone(),
        caller,
    };
    let wanted = text(matches, "run");
    let follow = matches.get_flag("follow");
    let find = || {
        let begins = |note: &RunNote| wanted.as_ref().is_none_or(|run| note.run.starts_with(run));
        let found = line.runs(name)?.into_iter().find(begins);
        Ok::<_, CliError>(found)
    };
    let mut found = find()?;
    while found.is_none() && follow {
        line.pause();
        found = find()?;
    }
    let Some(mut note) = found else {
        let shown: String = name.chars().take(80).collect();
        return Err(Refusal::not_found(format!("run of agent '{shown}'")).into());
    };
    loop {
        begin(call, &note)?;
        let mut printer = Printer::default();
        loop {
            let over = line
                .runs(name)?
                .into_iter()
                .find(|other| other.run == note.run)
                .is_none_or(|other| other.end.is_some());
            printer.print(call, &line, &note)?;
            if !follow || over {
                break;
            }
            call.out.flush()?;
            line.pause();
        }
        printer.end(call, &note)?;
        call.out.flush()?;
        // Those who follow hear the next run too.
        note = loop {
            if !follow || wanted.is_some() {
                return Ok(());
            }
            let newer = line.runs(name)?.into_iter().rev();
            match newer.into_iter().find(|other| other.run > note.run) {
                Some(next) => break next,
                None => line.pause(),
            }
        };
    }
}

/// Where the logs are, and who reads them.
struct Line {
    connection: Connection,
    caller: Caller,
}

impl Line {
    fn runs(&self, name: &str) -> Result<Vec<RunNote>, CliError> {
        Ok(self.connection.runs(&self.caller, name)?)
    }

    fn pause(&self) {
        thread::sleep(match self.connection {
            Connection::Local(_) => LOOK,
            Connection::Remote(_) => LOOK_AWAY,
        });
    }
}

fn begin(call: &mut Call<'_>, note: &RunNote) -> Done {
    if call.json() {
        return Ok(());
    }
    let order = note
        .order
        .map(|order| format!(" for {order}"))
        .unwrap_or_default();
    let head = format!("run {}{order}, begun {}", note.run, note.began);
    call.out.tone(Tone::Muted, &head)
}

/// Prints a log as far as it has come, whole lines at a time.
#[derive(Default)]
struct Printer {
    at: u64,
    /// What is no whole character yet.
    bytes: Vec<u8>,
    part: String,
    /// All of it, where one document is wanted.
    all: String,
}

impl Printer {
    fn print(&mut self, call: &mut Call<'_>, line: &Line, note: &RunNote) -> Done {
        while self.read(line, note)? {
            self.lines(call)?;
        }
        Ok(())
    }

    /// Reads on; false at the end of what there is.
    fn read(&mut self, line: &Line, note: &RunNote) -> Result<bool, CliError> {
        let part = line.connection.log(&line.caller, note, self.at, u64::MAX)?;
        let pieces = part.map(|part| part.pieces).unwrap_or_default();
        for piece in &pieces {
            self.at += piece.missing + piece.bytes.len() as u64;
            if piece.missing > 0 {
                self.bytes
                    .extend(format!("\n[{} bytes were not kept]\n", piece.missing).bytes());
            }
            self.bytes.extend(&piece.bytes);
        }
        // A character may have come in two parts.
        let whole = match std::str::from_utf8(&self.bytes) {
            Err(torn) if torn.error_len().is_none() => torn.valid_up_to(),
            _ => self.bytes.len(),
        };
        let rest = self.bytes.split_off(whole);
        let read = std::mem::replace(&mut self.bytes, rest);
        self.part.push_str(&String::from_utf8_lossy(&read));
        Ok(!pieces.is_empty())
    }

    fn lines(&mut self, call: &mut Call<'_>) -> Done {
        let whole = self.part.rfind('\n').map_or(0, |end| end + 1);
        let rest = self.part.split_off(whole);
        let lines = std::mem::replace(&mut self.part, rest);
        if call.json() {
            self.all.push_str(&lines);
            return Ok(());
        }
        // Escape codes are taken out where the line is printed.
        lines.lines().try_for_each(|line| call.out.line(line))
    }

    fn end(mut self, call: &mut Call<'_>, note: &RunNote) -> Done {
        self.part.push_str(&String::from_utf8_lossy(&self.bytes));
        if call.json() {
            self.all.push_str(&self.part);
            let text = crate::text::clean_block(&self.all);
            return call.out.json_line(&json!({ "run": note, "text": text }));
        }
        if !self.part.is_empty() {
            call.out.line(&self.part)?;
        }
        match &note.end {
            Some(end) => call.out.tone(Tone::Muted, &format!("ended: {end}")),
            None => Ok(()),
        }
    }
}
