//! The real binary, in folders of its own, under an environment that holds nothing of the machine's.

mod access;
mod answers;
mod doors_in;
mod doors_out;
mod hostile;
mod line;
mod looks;
mod newcomer;
mod owner;
mod refusals;
mod shell;

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// What a call came to.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Returns standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

/// A folder with a ledger.
pub(crate) struct Room {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Room {
    /// Returns a folder without a ledger.
    pub(crate) fn empty() -> Room {
        let folder = tempfile::tempdir().unwrap();
        let environment = vec![
            ("HOME", folder.path().display().to_string()),
            ("USER", "maria".into()),
            ("LANG", "C.UTF-8".into()),
        ];
        Room {
            folder,
            environment,
        }
    }

    /// Returns a folder with an empty ledger.
    pub(crate) fn new() -> Room {
        let room = Room::empty();
        assert_eq!(room.run(["init"]).code, 0);
        room
    }

    pub(crate) fn set(mut self, name: &'static str, value: &str) -> Room {
        self.environment.push((name, value.into()));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_obeya"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Said {
        self.run_with(arguments, b"")
    }

    pub(crate) fn run_with<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
        input: &[u8],
    ) -> Said {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A call that does not read its input ends without it.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a line as a shell would split it, without quotes inside words.
    pub(crate) fn line(&self, line: &str) -> Said {
        self.run(words(line))
    }

    /// Runs a line that must be done.
    pub(crate) fn done(&self, line: &str) -> Said {
        let said = self.line(line);
        assert_eq!(said.code, 0, "{line}: {}{}", said.out, said.err);
        said
    }

    /// Returns the number of records.
    pub(crate) fn records(&self) -> u64 {
        self.done("ledger head --json").json()["seq"]
            .as_u64()
            .unwrap()
    }
}

/// Splits at blanks; double quotes keep words together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns a session as a transcript: each line with its exit code and its JSON.
fn transcript(room: &Room, lines: &[&str]) -> String {
    let mut text = String::new();
    for line in lines {
        let said = room.line(&format!("{line} --json"));
        let json = said.json();
        text.push_str(&format!(
            "$ obeya {line}\n[{}] {}\n\n",
            said.code,
            serde_json::to_string_pretty(&json).unwrap()
        ));
    }
    text
}

/// Returns a value with every scalar replaced by its type and every list by its first element.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
    }
}

/// Compares with a stored snapshot; times, ids of commands, hashes and ages are not part of it.
macro_rules! golden {
    ($name:literal, $text:expr) => {
        insta::with_settings!({
            filters => vec![
                (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "[time]"),
                (r"\d{4}-\d\d-\d\d", "[date]"),
                (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "[uuid]"),
                (r"\b[0-9a-f]{64}\b", "[hash]"),
                (r#""age_seconds": \d+"#, r#""age_seconds": "[age]""#),
                (r"for \d+s", "for [age]"),
            ],
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}
use golden;
