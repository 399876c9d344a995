//! What grammars are made of: verbs with their line from the tables, and the sorts of arguments.

use std::str::FromStr;

use clap::{
    Arg, ArgAction, Command,
    builder::{PossibleValue, TypedValueParser, ValueParser},
    error::Error,
};

use crate::domain::command::{COMMANDS, Danger};

/// A verb that only looks, or that is done without the engine.
pub(super) struct View {
    /// The noun it belongs to.
    pub(super) noun: &'static str,
    /// The word.
    pub(super) verb: &'static str,
    /// One line for help.
    pub(super) about: &'static str,
}

macro_rules! views {
    ($($noun:literal $verb:literal $about:literal;)+) => {
        /// Every verb that is not in the table of commands.
        pub(super) const VIEWS: &[View] = &[$(View { noun: $noun, verb: $verb, about: $about }),+];
    };
}

views! {
    "work-order" "list" "List open work orders";
    "work-order" "show" "Show all about one work order";
    "work-order" "status" "Show where one work order stands";
    "work-order" "heartbeat" "Renew the lease on a work order";
    "work-order" "why" "Say why a work order is not moving";
    "work-order" "watch" "Follow what happens, one line an event";
    "deps" "show" "Show what a work order waits for, as a tree";
    "deps" "path" "Show how one work order waits for another";
    "deps" "order" "List open work orders so that each comes after what it waits for";
    "deps" "diagram" "Draw dependencies as a Mermaid diagram";
    "andon" "list" "List open alerts, worst first";
    "andon" "show" "Show all about one alert";
    "andon" "preview" "Show what a hold would stop";
    "bucket" "list" "List the buckets with their limits";
    "stage" "list" "List the stages with their limits";
    "quality-gate" "list" "List the quality gates";
    "quality-gate" "status" "Show how a work order stands at its gates";
    "quality-gate" "run" "Run a gate on a work order, and keep what was seen";
    "quality-gate" "log" "Show what was seen at a gate, and its output";
    "quality-gate" "check" "Say what is wrong in obeya.toml";
    "quality-gate" "preset" "Print gates for a tool, to paste into obeya.toml";
    "agent" "list" "List registered agents";
    "agent" "status" "Show one agent, what it is about and what it holds";
    "agent" "spawn" "Have the host run an agent of obeya.toml that was stopped or parked";
    "agent" "stop" "Have the host end an agent and not run it again";
    "agent" "scale" "Have the host run an agent so many times at once";
    "agent" "logs" "Print what an agent wrote";
    "agent" "new" "Make a working agent to start from, with its test, its page and its table";
    "agent" "preset" "Print coding agents, to paste into obeya.toml";
    "agent" "wrap" "Run a coding agent, and say in obeya's words what came of it";
    "agent" "hook" "Say what a coding agent is about: its hooks call this";
    "agent" "hooks" "Print the settings with which a coding agent calls its hooks";
    "agent" "worktrees" "List the worktrees of work orders, or remove those that nobody needs";
    "bus" "topics" "List topics and inboxes, and who takes from them";
    "bus" "publish" "Send a message";
    "bus" "subscribe" "Follow messages, one line each, and acknowledge them";
    "bus" "unsubscribe" "Forget a subscriber, with what it had not acknowledged";
    "bus" "request" "Send a message and wait for its answer";
    "bus" "reply" "Answer a request, and acknowledge it";
    "bus" "replay" "Show what was sent, from a message or a moment on";
    "bus" "inbox" "Show or take what waits in an inbox";
    "bus" "ack" "Acknowledge messages that were taken";
    "bus" "refuse" "Give a message back for good: a dead letter";
    "bus" "dead-letters" "List, requeue or purge what could not be delivered";
    "mcp" "config" "Print what to paste so that a program starts the server";
    "receipt" "show" "Show a work order's receipt";
    "receipt" "verify" "Check a receipt against the ledger";
    "receipt" "chain" "Follow the receipts back from one";
    "report" "progress" "How far an epic is";
    "report" "velocity" "How many work orders are completed";
    "report" "sla" "How promises are kept";
    "report" "flow" "How many work orders stood where, by day";
    "report" "lead-time" "How long work orders take";
    "report" "cycle-time" "How long each completed work order took";
    "report" "ageing" "How long work in progress has taken so far";
    "report" "forecast" "When an epic, or what a filter admits, will be done";
    "report" "risk" "Which promises are likely to be broken, and what waits for them";
    "report" "usage" "Tokens and cost, and how budgets stand";
    "report" "handover" "What the next shift needs to know";
    "dashboard" "start" "Serve the dashboard on this machine: a page, the API, its stream, figures";
    "dashboard" "summary" "Show the line at a glance";
    "dashboard" "metrics" "Print every figure with its labels";
    "metrics" "summary" "Show the line at a glance";
    "metrics" "velocity" "How many work orders the last days completed";
    "debug" "trace-work-order" "Tell a work order's whole story, record by record";
    "debug" "trace-agent" "Tell an agent's whole story, record by record";
    "debug" "dump-state" "Print the whole state as JSON, with its place and hash";
    "ledger" "verify" "Walk the chain and name the first bad record";
    "ledger" "head" "Print the last record's place and hash, to anchor outside";
    "ledger" "log" "Print what happened, newest last";
    "ledger" "stats" "Show the ledger in figures";
    "ledger" "backup" "Save the ledger to a file";
    "theme" "list" "List the themes, shipped and yours, and what is wrong in them";
    "theme" "show" "Show how each meaning looks in a theme";
    "theme" "set" "Have a theme from now on";
    "keymap" "list" "List the keymaps, shipped and yours";
    "keymap" "show" "Show what each key does";
    "keymap" "check" "Report every conflict and mistake at once, and keys that others take";
    "token" "create" "Make a token; its secret is shown this once";
    "token" "list" "List the tokens, and when each was last used";
    "token" "revoke" "Take a token back: it opens nothing from the next request on";
    "context" "add" "Give an engine elsewhere a name";
    "context" "list" "List the engines that have a name";
    "context" "show" "Show one, or which line commands here are about";
    "context" "use" "Use one where no ledger is named or found, or none";
    "context" "remove" "Forget one";
    "export" "json" "Write everything as one JSON document";
    "export" "jsonl" "Write everything as JSON, one thing a line";
    "export" "csv" "Write the orders as a table";
    "export" "mermaid" "Write who waits for whom as a Mermaid diagram";
    "export" "dot" "Write who waits for whom for Graphviz";
}

/// Returns a noun's verb with its line from the tables.
pub(super) fn verb(noun: &'static str, verb: &'static str) -> Command {
    let command = Command::new(verb);
    if let Some(spec) = COMMANDS
        .iter()
        .find(|spec| (spec.noun, spec.verb) == (noun, verb))
    {
        let danger = match spec.danger {
            Danger::Compensable => "",
            Danger::Destructive => " It stops work or throws something away.",
        };
        return command
            .about(spec.about)
            .after_help(format!("Takes the role {}.{danger}", spec.role));
    }
    let view = VIEWS
        .iter()
        .find(|view| (view.noun, view.verb) == (noun, verb));
    command.about(view.map_or("", |view| view.about))
}

/// Returns a noun that needs a verb.
pub(super) fn verbs(noun: Command, verbs: impl IntoIterator<Item = Command>) -> Command {
    noun.subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommands(verbs)
}

/// Returns a switch.
pub(super) fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .help(help)
        .action(ArgAction::SetTrue)
}

/// Returns an option with text, which may begin with a dash.
pub(super) fn prose(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    option(name, value, help).allow_hyphen_values(true)
}

/// Returns an option with a value.
pub(super) fn option(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .help(help)
        .action(ArgAction::Set)
}

/// Returns an option that may be given several times, or once with commas.
pub(super) fn many(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    option(name, value, help)
        .action(ArgAction::Append)
        .value_delimiter(',')
}

/// Returns what stands at a place of its own.
pub(super) fn positional(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name).value_name(value).help(help).required(true)
}

/// Returns a work order by its id here or elsewhere.
pub(super) fn order() -> Arg {
    positional(
        "id",
        "ID",
        "The work order, by its id here (WO-001, EPIC-001) or elsewhere",
    )
}

/// Returns the option that bounds a list.
pub(super) fn limit() -> Arg {
    option("limit", "N", "At most so many").value_parser(clap::value_parser!(usize))
}

/// Returns a parser for what `read` reads from one argument.
pub(super) fn reads<T: Clone + Send + Sync + 'static>(
    read: fn(&str) -> Result<T, String>,
) -> ValueParser {
    ValueParser::new(read)
}

/// Returns a parser for the words of a vocabulary; help and completions list them.
pub(super) fn words<T>(all: &'static [T], word: fn(T) -> &'static str) -> ValueParser
where
    T: FromStr<Err = String> + Copy + Send + Sync + 'static,
{
    ValueParser::new(Words { all, word })
}

#[derive(Clone)]
struct Words<T: 'static> {
    all: &'static [T],
    word: fn(T) -> &'static str,
}

impl<T> TypedValueParser for Words<T>
where
    T: FromStr<Err = String> + Copy + Send + Sync + 'static,
{
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<T, Error> {
        str::parse::<T>.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let words = self
            .all
            .iter()
            .map(|value| PossibleValue::new((self.word)(*value)));
        Some(Box::new(words))
    }
}
