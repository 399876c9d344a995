//! `obeya agent hook`: a coding agent calls it at the turns of a session, and so says what it is about.
//!
//! It fails nobody: whatever happens it says nothing on standard output, at most a line on standard error, and its exit code
//! is 0, since coding agents take others for a veto. It does not open the ledger.

use std::{
    env,
    io::{IsTerminal as _, Read as _, stdin},
    sync::mpsc,
    thread,
    time::Duration,
};

use clap::{Arg, ArgMatches};
use serde_json::Value;

use super::super::{
    arguments::{option, positional},
    context::{Call, text},
    error::{CliError, Done},
};
use crate::{
    domain::{
        message::Name,
        query::life::{LifeState, session},
        record::ActorKind,
    },
    link::protocol::FolderCall,
    text as outside,
};

/// The most that is read of what a hook is told: what a tool printed may be in it, and none of that is needed.
const INPUT_LIMIT: u64 = 1024 * 1024;
/// How long the caller may take to tell it, which has it ready: one that leaves the pipe open holds up nobody.
const INPUT_PATIENCE: Duration = Duration::from_millis(300);
/// The longest note, in characters: a line of a list.
const NOTE: usize = 200;
/// The longest name of a session, in bytes: a UUID has 36.
const SESSION: usize = 100;
/// The run that a host started the agent for.
const RUN_VARIABLE: &str = "OBEYA_RUN";

pub(super) fn arguments() -> [Arg; 2] {
    [
        positional(
            "event",
            "EVENT",
            "session-start, prompt, tool, waiting, notification, stop or session-end; or what the tool calls it",
        ),
        option("agent", "NAME", "Whose hook it is [env: OBEYA_AGENT]"),
    ]
}

pub(super) const AFTER: &str = "\
It reads what a hook is told as JSON from standard input, prints nothing and
always ends with code 0. `obeya agent hooks TOOL` prints the settings to paste.";

/// Returns whether these arguments call a hook, whose caller takes any exit code but 0 for a veto.
pub(in crate::cli) fn is_hook(arguments: &[std::ffi::OsString]) -> bool {
    let word = |place: usize| arguments.get(place).and_then(|word| word.to_str());
    matches!(word(1), Some("agent" | "agents")) && word(2) == Some("hook")
}

/// What an event says about the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It is about this now.
    State(LifeState),
    /// It is over.
    Over,
    /// Nothing.
    Nothing,
}

/// Returns what an event means, by our word for it or by the tools' own; None for one that nobody knows.
fn turn(event: &str, told: &Value) -> Option<Turn> {
    let plain: String = event
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    Some(match plain.as_str() {
        "sessionstart" | "stop" | "afteragent" => Turn::State(LifeState::Idle),
        "prompt" | "userpromptsubmit" | "beforeagent" | "tool" | "pretooluse" | "posttooluse"
        | "posttoolusefailure" | "beforetool" | "aftertool" => Turn::State(LifeState::Busy),
        "waiting" | "permissionrequest" => Turn::State(LifeState::Waiting),
        // Tools send notices for other things too; one without a sort is from a time when there were none.
        "notification" => match told.get("notification_type").and_then(Value::as_str) {
            None
            | Some("permission_prompt" | "idle_prompt" | "elicitation_dialog" | "ToolPermission") => {
                Turn::State(LifeState::Waiting)
            }
            Some(_) => Turn::Nothing,
        },
        "sessionend" => Turn::Over,
        _ => return None,
    })
}

/// Returns what a person wants to know of it: what is waited for.
fn note(state: LifeState, told: &Value) -> String {
    let said = |key: &str| told.get(key).and_then(Value::as_str);
    let words = match (state, said("message"), said("tool_name")) {
        (LifeState::Waiting, Some(message), _) => message.to_owned(),
        (LifeState::Waiting, None, Some(tool)) => format!("asks whether it may use {tool}"),
        (LifeState::Waiting, None, None) => "waits for input".into(),
        _ => String::new(),
    };
    let line = outside::clean(&words)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    line.chars().take(NOTE).collect()
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.process_only("agent hook")?;
    let event = text(matches, "event").unwrap_or_default();
    let told = told();
    let turn = turn(&event, &told).ok_or_else(|| {
        CliError::Usage(format!(
            "nothing was reported: nobody knows the event '{event}'"
        ))
    })?;
    let state = match turn {
        Turn::State(state) => Some(state),
        Turn::Over => None,
        Turn::Nothing => return Ok(()),
    };
    let unnamed =
        || CliError::Usage("nothing was reported: set OBEYA_AGENT, or give --agent".into());
    let named = text(matches, "agent").or_else(|| {
        let actor = call.globals.actor();
        (actor.kind == ActorKind::Agent).then_some(actor.name)
    });
    let agent: Name = named
        .ok_or_else(unnamed)?
        .parse()
        .map_err(CliError::Usage)?;
    let run = env::var(RUN_VARIABLE)
        .ok()
        .filter(|run| run.len() <= SESSION);
    let own = told.get("session_id").and_then(Value::as_str);
    let session = session(run.as_deref(), own.filter(|own| own.len() <= SESSION));
    let note = state.map(|state| note(state, &told)).unwrap_or_default();
    call.folder(FolderCall::Report {
        agent,
        session,
        state,
        note,
    })
    .map(drop)
}

/// Returns what the caller told, or null: the event alone says enough.
fn told() -> Value {
    if stdin().is_terminal() {
        return Value::Null;
    }
    let (sender, read) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let done = stdin().lock().take(INPUT_LIMIT).read_to_end(&mut bytes);
        let _ = sender.send(done.map(|_| bytes).unwrap_or_default());
    });
    let bytes = read.recv_timeout(INPUT_PATIENCE).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_known_by_our_words_and_by_the_tools() {
        use LifeState::{Busy, Idle, Waiting};
        let none = Value::Null;
        for (event, wanted) in [
            ("session-start", Idle),
            ("SessionStart", Idle),
            ("prompt", Busy),
            ("UserPromptSubmit", Busy),
            ("BeforeAgent", Busy),
            ("tool", Busy),
            ("PostToolUse", Busy),
            ("waiting", Waiting),
            ("PermissionRequest", Waiting),
            ("notification", Waiting),
            ("stop", Idle),
            ("AfterAgent", Idle),
        ] {
            assert_eq!(turn(event, &none), Some(Turn::State(wanted)), "{event}");
        }
        assert_eq!(turn("SessionEnd", &none), Some(Turn::Over));
        assert_eq!(turn("SubagentStop", &none), None);
        assert_eq!(turn("", &none), None);
        let notice = |sort: &str| turn("notification", &json!({ "notification_type": sort }));
        assert_eq!(notice("permission_prompt"), Some(Turn::State(Waiting)));
        assert_eq!(notice("ToolPermission"), Some(Turn::State(Waiting)));
        assert_eq!(notice("auth_success"), Some(Turn::Nothing));
    }

    #[test]
    fn a_note_is_one_clean_short_line() {
        let told = json!({ "message": "may I\u{1b}[31m run\nthis?", "tool_name": "Bash" });
        assert_eq!(note(LifeState::Waiting, &told), "may I run this?");
        assert_eq!(note(LifeState::Busy, &told), "");
        let long = json!({ "message": "x".repeat(10_000) });
        assert_eq!(note(LifeState::Waiting, &long).len(), NOTE);
    }
}
