//! The project's `obeya.toml`: who works on the line, and how each is run.
//!
//! ```toml
//! [agents.rust-dev]
//! command = ["my-agent", "--prompt", "{prompt}"]
//! capabilities = { buckets = ["features"] }
//! lease = "10m"
//! ```
//!
//! It lies beside the ledger's folder. What cannot be read is a [`Problem`] with its place, and the rest holds. Pure: text
//! in, tables and problems out. No rule reads it: a host puts on the ledger what rules need, and keeps the commands to
//! itself, so that nobody who can write to the ledger may thereby run a program.

mod agent;
mod budgets;
pub mod bus;
pub mod gates;
mod reader;

pub use self::{
    agent::{AgentRule, Merge, Mode, Progress, Restart, Workspace, is_name},
    budgets::{Budget, Budgets},
};
use self::{
    bus::BusRule,
    reader::{Reader, Value},
};
use super::{Document, Problem};

/// The file in the project's root.
pub const LINE_FILE: &str = "obeya.toml";

/// The most agents that one file may name: many times what a machine runs.
const AGENT_LIMIT: usize = 200;

/// The words of the ledger's vocabularies, which this floor does not know.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The classes of service.
    pub buckets: &'a [&'a str],
    /// The sorts of work.
    pub kinds: &'a [&'a str],
    /// The topics of the bus.
    pub topics: &'a [&'a str],
    /// The stages of the board; nobody knows them where there are none here.
    pub stages: &'a [&'a str],
}

/// What an `obeya.toml` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// The agents, by name.
    pub agents: Vec<AgentRule>,
    /// What must be free on the disk for new work to begin, in bytes; None where the host's own rule holds.
    pub headroom: Option<u64>,
    /// What may be used up, beside what an agent itself may.
    pub budgets: Budgets,
    /// How messages are kept and delivered.
    pub bus: BusRule,
    /// Into which folder receipts are written as files, seen from the project's; nowhere unless it is said.
    pub receipts: Option<String>,
}

impl Line {
    /// Returns what the document says, and what was wrong in it. An agent with a mistake in it is left out whole: half of
    /// what somebody wrote may be more than was allowed.
    pub fn read(document: &Document, words: Words<'_>) -> (Line, Vec<Problem>) {
        let (table, found) = document.parse();
        // What cannot be read at all, or has no name that is known, may be a budget.
        let mut torn = !found.is_empty();
        let mut reader = Reader::new(document, found);
        let mut line = Line::default();
        for (key, value) in &table {
            match key.get_ref().as_ref() {
                "agents" => {
                    for (name, table) in reader.tables("agents", value) {
                        if line.agents.len() == AGENT_LIMIT {
                            let what = format!("there are more than {AGENT_LIMIT} agents");
                            reader.wrong(name.span(), what, "use count for several of a sort");
                            break;
                        }
                        line.agents
                            .extend(AgentRule::read(&mut reader, name, table, words));
                    }
                }
                "workspace" => line.workspace(&mut reader, value),
                "budgets" => line.budgets = Budgets::read(&mut reader, value, words),
                "bus" => line.bus = BusRule::read(&mut reader, value),
                "receipts" => line.receipts(&mut reader, value),
                // [`gates::read`] reads them.
                "gates" => {}
                other => {
                    torn = true;
                    let what = format!("there is no table '{other}'");
                    reader.wrong(
                        key.span(),
                        what,
                        "use [agents.NAME], [gates.NAME], [budgets], [bus], [receipts] or [workspace]",
                    );
                }
            }
        }
        line.budgets.mistaken |= torn;
        line.agents.sort_by(|a, b| a.name.cmp(&b.name));
        (line, document.in_order(reader.found))
    }

    fn workspace(&mut self, reader: &mut Reader<'_>, value: &Value<'_>) {
        let table = reader.table("workspace", value, "a table: [workspace]");
        for (key, value) in table.into_iter().flatten() {
            match key.get_ref().as_ref() {
                "headroom" => self.headroom = reader.size("headroom", value),
                other => {
                    let what = format!("a workspace has no '{other}'");
                    reader.wrong(key.span(), what, "use headroom");
                }
            }
        }
    }

    fn receipts(&mut self, reader: &mut Reader<'_>, value: &Value<'_>) {
        let table = reader.table("receipts", value, "a table: [receipts]");
        for (key, value) in table.into_iter().flatten() {
            match key.get_ref().as_ref() {
                "storage" => {
                    let named = |text: &str| !text.is_empty() && !text.contains('\0');
                    self.receipts = reader.text("storage", value, "a folder's path", named);
                }
                other => {
                    let what = format!("receipts have no '{other}'");
                    reader.wrong(key.span(), what, "use storage");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words<'_> = Words {
        buckets: &["security", "features"],
        kinds: &["task", "bug"],
        topics: &["work_order_events", "andon_alerts"],
        stages: &["design", "code"],
    };

    fn read(text: &'static str) -> (Line, String) {
        let (line, problems) = Line::read(&Document::new("obeya.toml", text), WORDS);
        let lines = problems.iter().map(|problem| format!("{problem}\n"));
        (line, lines.collect())
    }

    #[test]
    fn an_agent_is_read_with_every_default() {
        let (line, problems) = read("[agents.dev]\ncommand = ['sh', '-c', 'true']\n");
        assert_eq!(problems, "");
        assert_eq!(
            line.agents,
            [AgentRule {
                command: vec!["sh".into(), "-c".into(), "true".into()],
                ..AgentRule::named("dev")
            }]
        );
    }

    #[test]
    fn every_key_is_read() {
        let (line, problems) = read(
            "[agents.dev]\nrole = 'developer'\nmode = 'stdio'\ncommand = ['a']\ncwd = 'sub'\n\
             env = ['HOME', 'API_KEY']\ncapabilities = { buckets = ['features'], kinds = ['bug'], \
             labels = ['rust'], stages = ['design'] }\ntopics = ['work_order_events']\n\
             restart = 'transient'\ncount = 3\nlease = '90s'\nprogress = 'heartbeat'\n\
             grace = 2\nbudget = { tokens = 1_000_000, cost = 12.5 }\nworkspace = 'worktree'\nmerge = 'none'\n\
             [workspace]\nheadroom = '500 MiB'\n[receipts]\nstorage = './receipts/'\n",
        );
        assert_eq!(problems, "");
        let wanted = AgentRule {
            role: Some("developer".into()),
            mode: Mode::Stdio,
            command: vec!["a".into()],
            cwd: Some("sub".into()),
            env: vec!["HOME".into(), "API_KEY".into()],
            buckets: vec!["features".into()],
            kinds: vec!["bug".into()],
            labels: vec!["rust".into()],
            stages: vec!["design".into()],
            topics: vec!["work_order_events".into()],
            restart: Restart::Transient,
            count: 3,
            lease_seconds: Some(90),
            progress: Progress::Heartbeat,
            grace_seconds: 2,
            budget: Some(Budget {
                tokens: Some(1_000_000),
                cost: Some(12.5),
            }),
            workspace: Workspace::Worktree,
            merge: Merge::None,
            ..AgentRule::named("dev")
        };
        assert_eq!(line.agents, [wanted]);
        assert_eq!(line.headroom, Some(500 << 20));
        assert_eq!(line.receipts.as_deref(), Some("./receipts/"));
    }

    #[test]
    fn mistakes_are_placed_and_the_rest_holds() {
        let (line, problems) = read(
            "[agents.good]\ncommand = ['true']\n\
             [agents.'two words']\ncommand = ['true']\n\
             [agents.a]\ncommand = 'true'\n\
             [agents.b]\ncommand = ['true']\nrestart = 'always'\ncount = 0\n\
             [agents.c]\ncommand = ['true']\ncapabilities = { buckets = ['feature'] }\nlease = '2 moons'\n\
             [agents.d]\n\
             [agents.e]\nmode = 'attached'\n\
             [agents.f]\ncommand = ['true']\ncolour = 1\nenv = ['A=B']\ntopics = ['news']\n\
             [agents.g]\ncommand = ['true']\ntopics = ['andon_alerts']\n\
             [gate.x]\ncommand = []\n",
        );
        let names: Vec<_> = line.agents.iter().map(|agent| &agent.name).collect();
        assert_eq!(names, ["e", "good"]);
        assert!(
            line.budgets.mistaken,
            "a table that nobody knows may have been [budgets]"
        );
        insta::assert_snapshot!(problems, @r#"
        obeya.toml:3:9: 'two words' is no name of an agent; use up to 40 letters, digits, '-', '_' and '.', a letter or digit first
        obeya.toml:6:11: 'true' is no value of command; write a list, each a text
        obeya.toml:9:11: 'always' is no value of restart; write one of permanent, transient, temporary
        obeya.toml:10:9: 0 is no value of count; write a whole number from 1 to 64
        obeya.toml:13:29: 'feature' is no value of buckets; write one of security, features
        obeya.toml:14:9: '2 moons' is no value of lease; write a time like 90, "90s", "10m" or "2h", from 5 to 604800 s
        obeya.toml:15:9: there is no command; write command = ["program", "argument"]
        obeya.toml:20:1: an agent has no 'colour'; use role, mode, command, cwd, env, capabilities, topics, restart, count, lease, progress, grace, budget, metered, workspace or merge
        obeya.toml:21:8: 'A=B' is no value of env; write the name of a variable
        obeya.toml:22:11: 'news' is no value of topics; write one of work_order_events, andon_alerts
        obeya.toml:23:9: only an agent that stays hears topics; leave topics out, or write mode = "stdio"
        obeya.toml:26:2: there is no table 'gate'; use [agents.NAME], [gates.NAME], [budgets], [bus], [receipts] or [workspace]
        "#);
    }

    #[test]
    fn what_cannot_be_read_may_be_a_budget() {
        let agent = "[agents.a]\ncommand = ['true']\n";
        let check = |text: &str, wanted: bool, said: &str| {
            let text = String::leak(format!("{agent}{text}"));
            let (line, problems) = read(text);
            assert_eq!(line.budgets.mistaken, wanted, "{problems}");
            assert!(problems.contains(said), "{problems}");
        };
        check("", false, "");
        check("[budget]\nday = { cost = 1 }\n", true, "no table 'budget'");
        check("[budgets\nday = { cost = 1 }\n", true, "correct the TOML");
        check("[agents.b]\ncommand = 'x'\n", false, "no value of command");
        let stage = "[agents.b]\ncommand = ['x']\ncapabilities = { stages = ['nostage'] }\n";
        let mend = "'nostage' is no value of stages; write one of design, code";
        check(stage, false, mend);
        let twice = "obeya.toml:3:9: this name is here a second time; put what both say into one";
        check(agent, true, twice);
    }

    #[test]
    fn budgets_are_read_and_one_with_a_mistake_is_left_out() {
        let (line, problems) = read(
            "[budgets]\nday = { tokens = 1_000, cost = 20 }\n\
             [budgets.order]\ncost = 0.5\n[budgets.buckets.features]\ntokens = 7\n",
        );
        assert_eq!(problems, "");
        let day = Budget {
            tokens: Some(1_000),
            cost: Some(20.0),
        };
        let order = Budget {
            tokens: None,
            cost: Some(0.5),
        };
        let features = Budget {
            tokens: Some(7),
            cost: None,
        };
        let wanted = Budgets {
            day: Some(day),
            order: Some(order),
            buckets: vec![("features".into(), features)],
            mistaken: false,
        };
        assert_eq!(line.budgets, wanted);
        let (line, problems) = read(
            "[budgets]\nday = { token = 1 }\nweek = { tokens = 1 }\norder = {}\n\
             [budgets.buckets]\nfeature = { tokens = 1 }\nsecurity = { cost = -1 }\n\
             [agents.a]\ncommand = ['true']\nbudget = { tokens = 1 }\nmetered = false\n",
        );
        let budgets = Budgets {
            mistaken: true,
            ..Budgets::default()
        };
        let nothing = Line {
            budgets,
            ..Line::default()
        };
        assert_eq!(line, nothing);
        insta::assert_snapshot!(problems, @r"
        obeya.toml:2:9: a budget has no 'token'; use tokens or cost
        obeya.toml:3:1: budgets have no 'week'; use day, order or buckets
        obeya.toml:4:9: this budget limits nothing; write { tokens = …, cost = … }
        obeya.toml:6:1: there is no bucket 'feature'; use security, features
        obeya.toml:7:21: -1 is no value of cost; write a number that is not negative
        obeya.toml:8:9: nobody counts what this agent uses up, and it has a budget; leave out budget, or metered = false
        ");
    }
}
