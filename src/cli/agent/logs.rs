//! `obeya agent logs`: what an agent wrote, run by run, as its host kept it.

use std::{path::Path, thread, time::Duration};

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
    link::{Fault, RunNote, newest_runs, read_output},
};

/// How often a log is looked at that is followed: files tell nobody that they grew.
const LOOK: Duration = Duration::from_millis(200);
/// Among how many runs one is looked for.
const RUNS: usize = 256;

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
    let home = call.home()?;
    let wanted = text(matches, "run");
    let follow = matches.get_flag("follow");
    let find = || {
        let runs = newest_runs(&home, name, RUNS).into_iter();
        let begins = |note: &RunNote| wanted.as_ref().is_none_or(|run| note.run.starts_with(run));
        runs.into_iter().find(|(note, _)| begins(note))
    };
    let mut found = find();
    while found.is_none() && follow {
        thread::sleep(LOOK);
        found = find();
    }
    let Some((mut note, mut folder)) = found else {
        let shown: String = name.chars().take(80).collect();
        return Err(Refusal::not_found(format!("run of agent '{shown}'")).into());
    };
    loop {
        begin(call, &note)?;
        let mut printer = Printer::default();
        loop {
            let over = newest_runs(&home, name, RUNS)
                .into_iter()
                .find(|(other, _)| other.run == note.run)
                .is_none_or(|(other, _)| other.end.is_some());
            printer.print(call, &folder)?;
            if !follow || over {
                break;
            }
            call.out.flush()?;
            thread::sleep(LOOK);
        }
        printer.end(call, &note)?;
        call.out.flush()?;
        // Those who follow hear the next run too.
        let next = loop {
            if !follow || wanted.is_some() {
                return Ok(());
            }
            let newer = newest_runs(&home, name, RUNS).into_iter().rev();
            match newer.into_iter().find(|(other, _)| other.run > note.run) {
                Some(next) => break next,
                None => thread::sleep(LOOK),
            }
        };
        (note, folder) = next;
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
    part: String,
    /// All of it, where one document is wanted.
    all: String,
}

impl Printer {
    fn print(&mut self, call: &mut Call<'_>, folder: &Path) -> Done {
        let (pieces, at) = read_output(folder, self.at)
            .map_err(|error| CliError::from(Fault::io(folder, "reading the log", &error)))?;
        self.at = at;
        for piece in pieces {
            if piece.missing > 0 {
                self.part
                    .push_str(&format!("\n[{} bytes were not kept]\n", piece.missing));
            }
            self.part.push_str(&String::from_utf8_lossy(&piece.bytes));
        }
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
