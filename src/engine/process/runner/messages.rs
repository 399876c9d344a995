//! What a host and a runner say to each other: lines of JSON.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Identity;

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    pub cwd: PathBuf,
    /// All of its environment.
    pub env: Vec<(String, String)>,
    /// What it reads first.
    pub input: Option<String>,
    /// What its output is.
    pub stream: Stream,
    /// How long it may take to end when it is told to, in milliseconds.
    pub grace_ms: u64,
    /// The folder that keeps its output.
    pub output: PathBuf,
}

/// What an agent's standard output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Text, with a result at its end and perhaps lines of JSON before.
    Text,
    /// Lines of JSON, each of which the host is to hear.
    Lines,
    /// Nothing that anybody is to hear; what is written there is kept a second time, apart from the other stream.
    Apart,
}

/// What the host says after the [`Spec`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The agent is to read this.
    Input(String),
    /// Everything is to end.
    Stop,
}

/// What the runner says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The agent was started as this process.
    Started(Identity),
    /// There was output, of whatever sort.
    Alive,
    /// A line of JSON.
    Line(String),
    /// Nothing of it is left.
    Ended(Ended),
    /// It could not be started.
    Failed(String),
    /// It cannot be started, and another try changes nothing: there is no such program or folder, or it may not be run.
    Missing(String),
}

/// How an agent ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Its exit code, if it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// It was told to end.
    pub told: bool,
    /// Something of it had to be killed.
    pub killed: bool,
    /// How many processes it left behind.
    pub strays: usize,
    /// How many bytes it wrote.
    pub output: u64,
    /// The last line of JSON with a result in it.
    pub last: Option<String>,
}
