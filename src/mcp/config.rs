//! What to paste into the settings of programs that connect to the server.

use std::path::Path;

use serde_json::{Value, json};

/// A program that connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The word by which it is asked for; also the agent's name where none is given.
    pub name: &'static str,
    /// The file that takes it.
    pub file: &'static str,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `mcpServers` with command and arguments apart.
    McpServers,
    /// `servers`, each with its transport.
    Servers,
    /// `mcp`, the whole command a list.
    OpenCode,
    /// `[mcp_servers.NAME]`, as TOML.
    Toml,
}

/// Every program whose settings are known.
pub const CLIENTS: &[Client] = &[
    Client {
        name: "claude",
        file: ".mcp.json in the project's folder",
        form: Form::McpServers,
    },
    Client {
        name: "codex",
        file: "~/.codex/config.toml, or .codex/config.toml in a project that it trusts",
        form: Form::Toml,
    },
    Client {
        name: "gemini",
        file: ".gemini/settings.json in the project's folder, or ~/.gemini/settings.json",
        form: Form::McpServers,
    },
    Client {
        name: "opencode",
        file: "opencode.json in the project's folder, or ~/.config/opencode/opencode.json",
        form: Form::OpenCode,
    },
    Client {
        name: "cursor",
        file: ".cursor/mcp.json in the project's folder, or ~/.cursor/mcp.json",
        form: Form::McpServers,
    },
    Client {
        name: "vscode",
        file: ".vscode/mcp.json in the project's folder",
        form: Form::Servers,
    },
];

/// Seconds that codex is to wait for a tool: a run of gates answers within 45.
const TOOL_SECONDS: u32 = 90;

impl Client {
    /// Returns what to paste: `program` serves the line that the words of `place` name to the agent of this name.
    pub fn settings(&self, program: &Path, place: &[String], agent: &str) -> String {
        let program = program.to_string_lossy();
        let place = place.iter().map(String::as_str);
        let arguments: Vec<&str> = ["mcp", "--agent", agent].into_iter().chain(place).collect();
        match self.form {
            Form::McpServers => pretty(&json!({ "mcpServers": { "obeya": {
                "command": program,
                "args": arguments,
            } } })),
            Form::Servers => pretty(&json!({ "servers": { "obeya": {
                "type": "stdio",
                "command": program,
                "args": arguments,
            } } })),
            Form::OpenCode => {
                let command: Vec<&str> = [program.as_ref()].into_iter().chain(arguments).collect();
                pretty(&json!({
                    "$schema": "https://opencode.ai/config.json",
                    "mcp": { "obeya": { "type": "local", "command": command, "enabled": true } },
                }))
            }
            Form::Toml => {
                let quoted = |text: &str| toml::Value::from(text).to_string();
                let arguments: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
                format!(
                    "[mcp_servers.obeya]\ncommand = {}\nargs = [{}]\ntool_timeout_sec = {TOOL_SECONDS}\n",
                    quoted(&program),
                    arguments.join(", ")
                )
            }
        }
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    /// Returns the command line that settings come to.
    fn words(client: &Client, text: &str) -> Vec<String> {
        let value: Value = match client.form {
            Form::Toml => serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap(),
            _ => serde_json::from_str(text).unwrap(),
        };
        let servers = ["mcpServers", "servers", "mcp", "mcp_servers"];
        let server = servers
            .iter()
            .find_map(|key| value.get(*key)?.get("obeya"))
            .unwrap();
        let list = |value: &Value| -> Vec<String> {
            let words = value.as_array().into_iter().flatten();
            words
                .map(|word| word.as_str().unwrap().to_owned())
                .collect()
        };
        match &server["command"] {
            Value::String(program) => {
                let mut words = vec![program.clone()];
                words.extend(list(&server["args"]));
                words
            }
            command => list(command),
        }
    }

    #[test]
    fn every_form_comes_to_the_same_command_whatever_the_paths() {
        let program = Path::new("/opt/a \"b\"/obeya");
        let place = ["--ledger", "/home/ü\\ '/.obeya"].map(str::to_owned);
        for client in CLIENTS {
            let text = client.settings(program, &place, "dev \"1\"");
            let expected = [
                "/opt/a \"b\"/obeya",
                "mcp",
                "--agent",
                "dev \"1\"",
                "--ledger",
                "/home/ü\\ '/.obeya",
            ];
            assert_eq!(words(client, &text), expected, "{}: {text}", client.name);
        }
    }
}
