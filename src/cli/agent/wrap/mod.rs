//! `obeya agent wrap`: runs a coding agent that does not speak to obeya, hands its output on, and says at the end what came
//! of it: for agents in `exec` mode.
//!
//! An exit code of 0 is not enough where the agent also says by itself how its work ended: then that is believed. Whether the work is any
//! good is for quality gates to say.

mod dialect;

use std::{
    ffi::OsString,
    io::{ErrorKind, Read, Write, stdout},
    process::{Command as Process, ExitStatus, Stdio},
};

use clap::{Arg, ArgAction, ArgMatches, builder::PossibleValuesParser, value_parser};
use serde_json::{Value, json};

use self::dialect::{Dialect, Heard};
use super::super::{
    arguments::positional,
    context::{Call, word},
    error::{self, CliError, Done},
};
use crate::{domain::time::SECOND, link, text};

/// The longest line that is understood: an agent's answer is on one line, and what tools print may be too.
const LINE_LIMIT: usize = 4 * 1024 * 1024;
/// What is read at once.
const CHUNK: usize = 64 * 1024;
/// What this ends with where there is no such program, as a shell does.
const MISSING: u8 = 127;
/// The longest note, in characters: what the ledger keeps of it.
const NOTE: usize = 500;
/// Among how many last lines of an answer its own result is looked for: a fence or a farewell may follow.
const LAST_LINES: usize = 5;

pub(super) const AFTER: &str = "\
Example, in obeya.toml:
  command = [\"obeya\", \"agent\", \"wrap\", \"text\", \"--\", \"make\", \"fix\"]

The command gets no input. What it prints is handed on, and a result follows:
done, where it ended well; blocked or failed, where its answer ends with such a
line of JSON itself; failed, with its words, where it says that it failed; and
throttled, where it says that its provider takes no more; and missing, where
there is no such program. Otherwise this ends as the command did.
`obeya agent preset` shows it in use.";

pub(super) fn arguments() -> [Arg; 2] {
    let words = Dialect::ALL.iter().map(|(word, _)| *word);
    [
        positional("dialect", "DIALECT", "What the command prints")
            .value_parser(PossibleValuesParser::new(words)),
        positional("command", "COMMAND", "The command and its arguments")
            .value_parser(value_parser!(OsString))
            .action(ArgAction::Append)
            .num_args(1..)
            .last(true),
    ]
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.process_only("agent wrap")?;
    let Some(dialect) = Dialect::of(word(matches, "dialect")) else {
        return Ok(());
    };
    let mut words = matches
        .get_many::<OsString>("command")
        .into_iter()
        .flatten();
    let Some(program) = words.next() else {
        return Ok(());
    };
    let failed = |doing: &str, fault| error::file(program.as_ref(), doing, &fault);
    let child = Process::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = match child {
        Err(fault) if fault.kind() == ErrorKind::NotFound => {
            let why = link::missing(&program.to_string_lossy());
            return say(&json!({ "result": "missing", "note": sentence(&why) }))
                .and(Err(CliError::Failed(MISSING)));
        }
        child => child.map_err(|fault| failed("starting", fault))?,
    };
    let mut heard = Heard::default();
    if let Some(out) = child.stdout.take() {
        follow(out, &mut stdout().lock(), dialect, &mut heard)
            .map_err(|fault| failed("reading", fault))?;
    }
    let status = child.wait().map_err(|fault| failed("waiting for", fault))?;
    match report(dialect, &heard, status, link::now().0 / SECOND) {
        Some(report) => say(&report),
        None if status.success() => Err(CliError::Usage(format!(
            "{} ended without saying how: does it print what '{}' prints?",
            program.display(),
            dialect.provider()
        ))),
        // Its own exit code says more than one of ours.
        None => Err(CliError::Failed(code(status))),
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    code.filter(|code| *code != 0).unwrap_or(1)
}

/// Hands output on as it comes, and listens in.
fn follow(
    mut out: impl Read,
    own: &mut impl Write,
    dialect: Dialect,
    heard: &mut Heard,
) -> std::io::Result<()> {
    let (mut chunk, mut line, mut too_long) = (vec![0; CHUNK], Vec::new(), false);
    loop {
        let read = match out.read(&mut chunk) {
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = match read {
            // The last line may have no end; ours begins a new one in any case.
            0 => b"\n".as_slice(),
            read => chunk.get(..read).unwrap_or_default(),
        };
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            own.write_all(piece)?;
            too_long |= line.len() + piece.len() > LINE_LIMIT;
            match too_long {
                true => line.clear(),
                false => line.extend_from_slice(piece),
            }
            if piece.ends_with(b"\n") {
                let begun = match std::mem::take(&mut too_long) {
                    true => None,
                    false => heard.line(dialect, String::from_utf8_lossy(&line).trim_end()),
                };
                line.clear();
                if let Some(begun) = begun {
                    let progress = json!({ "type": "progress", "note": sentence(&begun) });
                    writeln!(own, "{progress}")?;
                }
            }
        }
        own.flush()?;
        if read == 0 {
            return Ok(());
        }
    }
}

fn say(report: &Value) -> Done {
    let mut own = stdout().lock();
    writeln!(own, "{report}")
        .and_then(|()| own.flush())
        .map_err(|fault| error::file("standard output".as_ref(), "writing", &fault))
}

/// Returns what came of the work, in the words of obeya; None where nothing said so. `now` is in seconds since 1970.
fn report(dialect: Dialect, heard: &Heard, status: ExitStatus, now: i64) -> Option<Value> {
    let mut report = match (&heard.throttled, &heard.error) {
        (Some(until), Some(_)) => {
            let mut report = json!({ "result": "throttled", "source": dialect.provider() });
            if let Some(until) = until {
                report["retry_after"] = until.saturating_sub(now).clamp(0, u32::MAX.into()).into();
            }
            report
        }
        (_, Some(error)) => json!({ "result": "failed", "note": sentence(error) }),
        (_, None) if status.success() && (heard.over || dialect == Dialect::Text) => {
            own_result(&heard.answer).unwrap_or_else(|| match dialect {
                // What was printed for people to watch is no note.
                Dialect::Text => json!({ "result": "done" }),
                _ => json!({ "result": "done", "note": sentence(&heard.answer) }),
            })
        }
        (_, None) => return None,
    };
    let mut usage = json!({});
    if let Some(tokens) = heard.tokens {
        usage["tokens"] = tokens.into();
    }
    if let Some(cost) = heard.cost {
        usage["cost"] = cost.into();
    }
    if usage != json!({}) {
        report["usage"] = usage;
    }
    Some(report)
}

/// Returns the result that an answer ends with, if the agent was asked for one and gave it.
fn own_result(answer: &str) -> Option<Value> {
    let lines = answer.lines().rev().map(str::trim);
    let last = lines.filter(|line| !line.is_empty()).take(LAST_LINES);
    last.into_iter().find_map(|line| {
        let value: Value = serde_json::from_str(line.trim_matches('`')).ok()?;
        let result = value.get("result")?.as_str()?;
        let known = ["done", "failed", "blocked"].contains(&result);
        let mut own = known.then(|| json!({ "result": result }))?;
        for key in ["note", "sku"] {
            if let Some(words) = value.get(key).and_then(Value::as_str) {
                own[key] = sentence(words).into();
            }
        }
        Some(own)
    })
}

/// Returns outside text as one clean line.
fn sentence(outside: &str) -> String {
    let clean = text::clean_block(outside);
    let line: String = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(NOTE).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[track_caller]
    fn check(dialect: Dialect, lines: &[&str], code: i32, wanted: Option<Value>) {
        let mut heard = Heard::default();
        for line in lines {
            heard.line(dialect, line);
        }
        let status = ExitStatus::from_raw(code << 8);
        assert_eq!(report(dialect, &heard, status, 100), wanted);
    }

    #[test]
    fn done_needs_a_good_exit_and_the_agents_own_word_where_it_has_one() {
        let good = r#"{"type":"result","subtype":"success","is_error":false,"result":"Mended\nit.","total_cost_usd":0.5}"#;
        let done = json!({ "result": "done", "note": "Mended it.", "usage": { "cost": 0.5 } });
        check(Dialect::Claude, &[good], 0, Some(done));
        check(Dialect::Claude, &[good], 1, None);
        check(Dialect::Claude, &[], 0, None);
        check(
            Dialect::Text,
            &["whatever"],
            0,
            Some(json!({ "result": "done" })),
        );
        check(Dialect::Text, &[], 0, Some(json!({ "result": "done" })));
        check(Dialect::Text, &["whatever"], 3, None);
    }

    #[test]
    fn an_answer_may_end_with_a_result_of_its_own() {
        let asks = [
            "I looked.",
            "```",
            r#"{"result": "blocked", "note": "which key?"}"#,
            "```",
        ];
        let blocked = json!({ "result": "blocked", "note": "which key?" });
        check(Dialect::Text, &asks, 0, Some(blocked));
        check(Dialect::Text, &asks, 1, None);
        let odd = r#"{"result": 7}"#;
        check(Dialect::Text, &[odd], 0, Some(json!({ "result": "done" })));
    }

    #[test]
    fn failures_keep_their_words_and_limits_their_time() {
        let failed = r#"{"type":"turn.failed","error":{"message":"no\u001b[31m credit"}}"#;
        let wanted = json!({ "result": "failed", "note": "no credit" });
        check(Dialect::Codex, &[failed], 1, Some(wanted));
        let limit =
            r#"{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":160}}"#;
        let end = r#"{"type":"result","subtype":"success","is_error":true,"result":"limit"}"#;
        let wanted = json!({ "result": "throttled", "source": "claude", "retry_after": 60 });
        check(Dialect::Claude, &[limit, end], 1, Some(wanted));
    }

    #[test]
    fn lines_are_heard_wherever_the_bytes_come_apart() {
        let end = br#"{"type":"turn.completed","usage":{"input_tokens":1,"output_tokens":2}}"#;
        let mut heard = Heard::default();
        let (one, two) = end.split_at(11);
        follow(one.chain(two), &mut Vec::new(), Dialect::Codex, &mut heard).unwrap();
        assert!(heard.over);
        let mut heard = Heard::default();
        let long = vec![b'x'; LINE_LIMIT + 1];
        let lines = [long.as_slice(), b"\n", end, b"\n"].concat();
        let mut own = Vec::new();
        follow(lines.as_slice(), &mut own, Dialect::Codex, &mut heard).unwrap();
        assert_eq!(own.len(), lines.len() + 1, "all of it is handed on");
        assert_eq!(heard.tokens, Some(3));
    }
}
