//! `obeya agent hooks`: the settings with which a coding agent calls `obeya agent hook`.

use clap::{Arg, ArgMatches, builder::PossibleValuesParser};
use serde_json::{Map, Value, json};

use super::super::{
    arguments::{option, positional, reads},
    context::{Call, word},
    error::Done,
};
use crate::domain::message::Name;

/// A coding agent with hooks.
struct Tool {
    name: &'static str,
    /// Where its settings lie.
    file: &'static str,
    /// How its timeouts of five seconds are written: some count milliseconds.
    timeout: u32,
    /// What it calls its events, and our word for each.
    events: &'static [(&'static str, &'static str)],
}

/// A tool asks before it runs a tool, so that only the end of one shows that it was answered.
const TOOLS: &[Tool] = &[
    Tool {
        name: "claude",
        file: ".claude/settings.json",
        timeout: 5,
        events: &[
            ("SessionStart", "session-start"),
            ("UserPromptSubmit", "prompt"),
            ("PostToolUse", "tool"),
            ("Notification", "notification"),
            ("Stop", "stop"),
            ("SessionEnd", "session-end"),
        ],
    },
    Tool {
        name: "codex",
        file: ".codex/hooks.json",
        timeout: 5,
        events: &[
            ("SessionStart", "session-start"),
            ("UserPromptSubmit", "prompt"),
            ("PermissionRequest", "waiting"),
            ("PostToolUse", "tool"),
            ("Stop", "stop"),
        ],
    },
    Tool {
        name: "gemini",
        file: ".gemini/settings.json",
        timeout: 5_000,
        events: &[
            ("SessionStart", "session-start"),
            ("BeforeAgent", "prompt"),
            ("AfterTool", "tool"),
            ("Notification", "notification"),
            ("AfterAgent", "stop"),
            ("SessionEnd", "session-end"),
        ],
    },
];

pub(super) fn arguments() -> [Arg; 2] {
    let names = TOOLS.iter().map(|tool| tool.name);
    [
        positional("tool", "TOOL", "For which coding agent")
            .value_parser(PossibleValuesParser::new(names)),
        option(
            "agent",
            "NAME",
            "Report as this agent; as OBEYA_AGENT of the session, if not given",
        )
        .value_parser(reads(str::parse::<Name>)),
    ]
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let wanted = word(matches, "tool");
    let agent = matches.get_one::<Name>("agent");
    let Some(tool) = TOOLS.iter().find(|tool| tool.name == wanted) else {
        return Ok(());
    };
    if !call.is_lent() {
        eprintln!("to merge into {}:", tool.file);
    }
    let settings = settings(tool, agent);
    match call.json() {
        true => call.out.json(&settings),
        // As people write such a file, into a pipe too.
        false => call.out.verbatim(&format!("{settings:#}\n")),
    }
}

fn settings(tool: &Tool, agent: Option<&Name>) -> Value {
    let whose = agent
        .map(|agent| format!(" --agent {}", quoted(agent.as_str())))
        .unwrap_or_default();
    let hook = |(event, word): &(&str, &str)| {
        // Where obeya is not there, the shell's own exit code would be taken for a veto.
        let command = format!("obeya agent hook {word}{whose} || true");
        let hook = json!({ "type": "command", "command": command, "timeout": tool.timeout });
        ((*event).to_owned(), json!([{ "hooks": [hook] }]))
    };
    let hooks: Map<_, _> = tool.events.iter().map(hook).collect();
    json!({ "hooks": hooks })
}

/// Returns a text as one word of a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn settings_call_hooks_that_are_known_and_quote_the_agent() {
        let agent: Name = "o'brien; rm".parse().unwrap();
        for tool in TOOLS {
            let settings = settings(tool, Some(&agent));
            let hooks = settings["hooks"].as_object().unwrap();
            assert_eq!(hooks.len(), tool.events.len());
            let stop = tool
                .events
                .iter()
                .find(|(_, word)| *word == "stop")
                .unwrap();
            assert_eq!(
                hooks[stop.0][0]["hooks"][0]["command"],
                r"obeya agent hook stop --agent 'o'\''brien; rm' || true"
            );
        }
    }
}
