//! `[agents.NAME]`: a command that takes work orders.

use toml::de::DeTable;

use super::{
    Budget, Words,
    reader::{Key, Reader, Value},
};

/// The longest name of an agent: it shares rows of eighty with what the agent does.
const NAME_LIMIT: usize = 40;
/// The longest text in a command, a path or a label: what an operating system takes at once is far more.
const TEXT_LIMIT: usize = 32 * 1024;
/// The most processes of one agent.
const COUNT_LIMIT: u64 = 64;
/// The bounds of a lease in seconds: those of the ledger's rules.
const LEASE: (u32, u32) = (5, 7 * 24 * 3_600);
/// The longest that an agent may take to end when it is told to, in seconds.
const GRACE_LIMIT: u32 = 600;
/// How long an agent may take by default: enough to write down what it was at.
const GRACE: u32 = 10;

/// When an agent is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    #[default]
    Permanent,
    /// After it failed, not after it ended by itself.
    Transient,
    /// Never.
    Temporary,
}

/// How an agent is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// One process for each order.
    #[default]
    Exec,
    /// One process that takes order after order, by lines of JSON.
    Stdio,
    /// Not at all: it comes by itself and pulls.
    Attached,
}

/// What shows that an agent gets on, and renews its lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// Any output, and what `heartbeat` counts.
    #[default]
    Output,
    /// Only what it says about its progress: a progress line, or a heartbeat of its own.
    Heartbeat,
}

/// Where an agent works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Workspace {
    /// In the project, with everybody else.
    #[default]
    Shared,
    /// In a git worktree of the order's own.
    Worktree,
}

/// What becomes of what was made in a worktree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Merge {
    /// It is put on top of the project's branch, and becomes that branch.
    #[default]
    Rebase,
    /// It stays on its own branch.
    None,
}

/// An agent as its table describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRule {
    /// Its name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What it does, as it is registered.
    pub role: Option<String>,
    /// How it is run.
    pub mode: Mode,
    /// The program and its arguments; empty for one that is attached.
    pub command: Vec<String>,
    /// Where it runs, seen from the project's root.
    pub cwd: Option<String>,
    /// The variables of the host's environment that it gets, beside those every agent gets.
    pub env: Vec<String>,
    /// The classes of service that it may pull; all if empty. So are the next two.
    pub buckets: Vec<String>,
    /// The sorts of work.
    pub kinds: Vec<String>,
    /// The labels, one of which an order must carry.
    pub labels: Vec<String>,
    /// The stages that it begins work in; all if empty.
    pub stages: Vec<String>,
    /// The topics it hears.
    pub topics: Vec<String>,
    /// When it is started again.
    pub restart: Restart,
    /// How many of it run at once.
    pub count: u32,
    /// How long its hold on an order lasts without progress; the ledger's default if None.
    pub lease_seconds: Option<u32>,
    /// What counts as progress.
    pub progress: Progress,
    /// How long it may take to end when it is told to.
    pub grace_seconds: u32,
    /// What it may use up in a day.
    pub budget: Option<Budget>,
    /// Whether what it uses up is counted: where a budget is, it must tell then.
    pub metered: bool,
    /// Where it works.
    pub workspace: Workspace,
    /// What becomes of what it made there.
    pub merge: Merge,
}

impl AgentRule {
    /// Returns an agent of this name with every default, and no command yet.
    pub fn named(name: impl Into<String>) -> Self {
        AgentRule {
            name: name.into(),
            role: None,
            mode: Mode::default(),
            command: vec![],
            cwd: None,
            env: vec![],
            buckets: vec![],
            kinds: vec![],
            labels: vec![],
            stages: vec![],
            topics: vec![],
            restart: Restart::default(),
            count: 1,
            lease_seconds: None,
            progress: Progress::default(),
            grace_seconds: GRACE,
            budget: None,
            metered: true,
            workspace: Workspace::default(),
            merge: Merge::default(),
        }
    }

    /// Returns the agent of one table, or None if anything in it is wrong.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        name: &Key<'_>,
        table: &DeTable<'_>,
        words: Words<'_>,
    ) -> Option<AgentRule> {
        let before = reader.found.len();
        let mut rule = AgentRule::named(name.get_ref().as_ref());
        if !is_name(&rule.name) {
            let what = format!("'{}' is no name of an agent", rule.name);
            let mend = format!(
                "use up to {NAME_LIMIT} letters, digits, '-', '_' and '.', a letter or digit first"
            );
            reader.wrong(name.span(), what, mend);
        }
        for (key, value) in table {
            // What is wrong is in `found`, and the agent is left out for it.
            if rule.take(reader, key, value, words).is_none() && reader.found.len() == before {
                return None;
            }
        }
        let attached = rule.mode == Mode::Attached;
        if attached != rule.command.is_empty() && reader.found.len() == before {
            let (what, mend) = match attached {
                true => ("an attached agent comes by itself", "leave the command out"),
                false => (
                    "there is no command",
                    "write command = [\"program\", \"argument\"]",
                ),
            };
            reader.wrong(name.span(), what, mend);
        }
        if rule.mode != Mode::Stdio && !rule.topics.is_empty() && reader.found.len() == before {
            let what = "only an agent that stays hears topics";
            reader.wrong(
                name.span(),
                what,
                "leave topics out, or write mode = \"stdio\"",
            );
        }
        if rule.budget.is_some() && !rule.metered && reader.found.len() == before {
            let what = "nobody counts what this agent uses up, and it has a budget";
            reader.wrong(name.span(), what, "leave out budget, or metered = false");
        }
        (reader.found.len() == before).then_some(rule)
    }

    fn take(
        &mut self,
        reader: &mut Reader<'_>,
        key: &Key<'_>,
        value: &Value<'_>,
        words: Words<'_>,
    ) -> Option<()> {
        let word = key.get_ref().as_ref();
        match word {
            "role" => self.role = Some(reader.text(word, value, "a text", is_text)?),
            "mode" => {
                let modes = [
                    ("exec", Mode::Exec),
                    ("stdio", Mode::Stdio),
                    ("attached", Mode::Attached),
                ];
                self.mode = reader.word(word, value, &modes)?;
            }
            "command" => self.command = reader.texts(word, value, "a text", is_argument)?,
            "cwd" => self.cwd = Some(reader.text(word, value, "a folder", is_text)?),
            "env" => self.env = reader.texts(word, value, "the name of a variable", is_variable)?,
            "capabilities" => self.capabilities(reader, value, words)?,
            "topics" => {
                let expected = format!("one of {}", words.topics.join(", "));
                let known = |text: &str| words.topics.contains(&text);
                self.topics = reader.texts(word, value, &expected, known)?;
            }
            "restart" => {
                let restarts = [
                    ("permanent", Restart::Permanent),
                    ("transient", Restart::Transient),
                    ("temporary", Restart::Temporary),
                ];
                self.restart = reader.word(word, value, &restarts)?;
            }
            "count" => {
                let count = reader.number(word, value, 1, COUNT_LIMIT)?;
                self.count = u32::try_from(count).ok()?;
            }
            "lease" => self.lease_seconds = Some(reader.span(word, value, LEASE.0, LEASE.1)?),
            "progress" => {
                let sorts = [
                    ("output", Progress::Output),
                    ("heartbeat", Progress::Heartbeat),
                ];
                self.progress = reader.word(word, value, &sorts)?;
            }
            "grace" => self.grace_seconds = reader.span(word, value, 0, GRACE_LIMIT)?,
            "budget" => self.budget = Some(Budget::read(reader, word, value)?),
            "metered" => self.metered = reader.flag(word, value)?,
            "workspace" => {
                let places = [
                    ("shared", Workspace::Shared),
                    ("worktree", Workspace::Worktree),
                ];
                self.workspace = reader.word(word, value, &places)?;
            }
            "merge" => {
                let ways = [("rebase", Merge::Rebase), ("none", Merge::None)];
                self.merge = reader.word(word, value, &ways)?;
            }
            other => {
                let what = format!("an agent has no '{other}'");
                let mend = "use role, mode, command, cwd, env, capabilities, topics, restart, count, \
                            lease, progress, grace, budget, metered, workspace or merge";
                reader.wrong(key.span(), what, mend);
            }
        }
        Some(())
    }

    fn capabilities(
        &mut self,
        reader: &mut Reader<'_>,
        value: &Value<'_>,
        words: Words<'_>,
    ) -> Option<()> {
        let shape = "{ buckets = […], kinds = […], stages = […], labels = […] }";
        for (key, value) in reader.table("capabilities", value, shape)? {
            let word = key.get_ref().as_ref();
            match word {
                "buckets" => self.buckets = one_of(reader, word, value, words.buckets)?,
                "kinds" => self.kinds = one_of(reader, word, value, words.kinds)?,
                "stages" if words.stages.is_empty() => {
                    self.stages = reader.texts(word, value, "a stage", is_text)?;
                }
                "stages" => self.stages = one_of(reader, word, value, words.stages)?,
                "labels" => self.labels = reader.texts(word, value, "a label", is_text)?,
                other => {
                    let what = format!("capabilities have no '{other}'");
                    reader.wrong(key.span(), what, "use buckets, kinds, stages or labels");
                }
            }
        }
        Some(())
    }
}

fn one_of(
    reader: &mut Reader<'_>,
    key: &str,
    value: &Value<'_>,
    words: &[&str],
) -> Option<Vec<String>> {
    let expected = format!("one of {}", words.join(", "));
    reader.texts(key, value, &expected, |text| words.contains(&text))
}

/// Returns whether a text may name an agent, and so a folder of its logs.
pub fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.len() <= NAME_LIMIT
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(inner)
}

fn is_text(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= TEXT_LIMIT && !text.chars().any(char::is_control)
}

/// An argument may be empty and have lines.
fn is_argument(text: &str) -> bool {
    text.len() <= TEXT_LIMIT && !text.contains('\0')
}

fn is_variable(text: &str) -> bool {
    is_text(text) && !text.contains(['=', ' '])
}
