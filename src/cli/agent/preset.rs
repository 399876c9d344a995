//! `obeya agent preset`: coding agents as people run them without a terminal, as TOML to paste into `obeya.toml`.

use clap::{Arg, ArgMatches, builder::PossibleValuesParser};
use serde_json::json;

use super::super::{
    arguments::positional,
    context::{Call, text},
    error::{CliError, Done},
    output::Tone,
};

/// A coding agent.
struct Preset {
    name: &'static str,
    about: &'static str,
    toml: &'static str,
}

const PRESETS: &[Preset] = &[
    Preset {
        name: "claude",
        about: "Claude Code, by its stream of JSON",
        toml: include_str!("presets/claude.toml"),
    },
    Preset {
        name: "codex",
        about: "Codex CLI, by its stream of JSON, in its own sandbox",
        toml: include_str!("presets/codex.toml"),
    },
    Preset {
        name: "gemini",
        about: "Gemini CLI, by its stream of JSON",
        toml: include_str!("presets/gemini.toml"),
    },
    Preset {
        name: "opencode",
        about: "OpenCode, by its stream of JSON",
        toml: include_str!("presets/opencode.toml"),
    },
    Preset {
        name: "aider",
        about: "Aider, by its exit code and its last line",
        toml: include_str!("presets/aider.toml"),
    },
];

pub(super) fn arguments() -> [Arg; 2] {
    let names = PRESETS.iter().map(|preset| preset.name);
    [
        positional("action", "ACTION", "list (if not given) or show")
            .required(false)
            .value_parser(PossibleValuesParser::new(["list", "show"])),
        positional("preset", "PRESET", "Which")
            .required(false)
            .required_if_eq("action", "show")
            .value_parser(PossibleValuesParser::new(names)),
    ]
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let shows = text(matches, "action").is_some_and(|action| action == "show");
    let Some(wanted) = text(matches, "preset").filter(|_| shows) else {
        return list(call);
    };
    let found = PRESETS.iter().find(|preset| preset.name == wanted);
    let preset = found.ok_or_else(|| CliError::Usage(format!("there is no preset '{wanted}'")))?;
    match call.json() {
        true => call
            .out
            .json(&json!({ "name": preset.name, "about": preset.about, "toml": preset.toml })),
        false => call.out.verbatim(preset.toml),
    }
}

fn list(call: &mut Call<'_>) -> Done {
    if call.json() {
        let all: Vec<_> = PRESETS
            .iter()
            .map(|preset| json!({ "name": preset.name, "about": preset.about }))
            .collect();
        return call.out.json(&json!({ "presets": all }));
    }
    for preset in PRESETS {
        call.out.fact(preset.name, preset.about)?;
    }
    let next = "next: obeya agent preset show NAME >> obeya.toml";
    call.out.tone(Tone::Muted, next)
}

#[cfg(test)]
mod tests {
    use super::{super::new::read_line, *};

    #[test]
    fn every_preset_is_an_agent_without_a_problem() {
        for preset in PRESETS {
            let (line, problems) = read_line(preset.toml);
            assert!(problems.is_empty(), "{problems:?}");
            let [agent] = line.agents.as_slice() else {
                unreachable!("{}: {:?}", preset.name, line.agents);
            };
            assert_eq!(agent.name, preset.name);
            let prompt = |part: &String| part.contains("{prompt}");
            assert!(agent.command.iter().any(prompt), "{}", preset.name);
            assert!(agent.command.iter().any(|part| part == preset.name));
            // A tool call may be silent for longer than the ledger's usual lease.
            assert!(agent.lease_seconds.is_some());
        }
    }
}
