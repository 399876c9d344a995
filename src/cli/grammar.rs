//! The grammar: `obeya NOUN VERB …`, in the owner's words.
//!
//! Nouns are declared once, in [`NOUNS`]; verbs that change something take their line from
//! [`COMMANDS`], the others from [`VIEWS`]. A cold call builds only the noun it needs.

use std::{path::PathBuf, str::FromStr};

use clap::{
    Arg, ArgAction, ArgMatches, Command,
    builder::{PossibleValue, TypedValueParser, ValueParser},
    error::Error,
};
use uuid::Uuid;

use super::{
    agent, andon, bucket, completions, context::Call, dashboard, deps, doctor, error::Done, export,
    import, init, ledger, output::Colour, receipt, report, stage, work_order,
};
use crate::domain::command::{COMMANDS, Danger, Role};

/// What is typed first, and what it does.
pub(super) struct Noun {
    /// The word.
    pub(super) name: &'static str,
    /// A shorter word for it.
    pub(super) alias: Option<&'static str>,
    /// One line for help.
    pub(super) about: &'static str,
    /// Adds its verbs and arguments.
    pub(super) grammar: fn(Command) -> Command,
    /// Does what was typed.
    pub(super) run: fn(&ArgMatches, &mut Call<'_>) -> Done,
}

macro_rules! nouns {
    ($($name:literal $(| $alias:literal)? => $module:ident, $about:literal;)+) => {
        /// Every noun, in the order of the help.
        pub(super) const NOUNS: &[Noun] = &[$(Noun {
            name: $name,
            alias: [$(Some($alias),)? None][0],
            about: $about,
            grammar: $module::grammar,
            run: $module::run,
        }),+];
    };
}

nouns! {
    "init" => init, "Make a ledger here";
    "work-order" | "wo" => work_order, "Create, find, pull and finish work orders";
    "deps" => deps, "What waits for what";
    "andon" => andon, "Stop the line, see what is stopped, and let it run again";
    "bucket" => bucket, "Classes of service: WIP limits and SLAs";
    "stage" => stage, "The board's columns";
    "agent" => agent, "Registered agents";
    "receipt" => receipt, "Proof of completed work orders";
    "report" => report, "Progress, velocity, SLA, flow and lead time";
    "dashboard" => dashboard, "The line at a glance, and every figure";
    "ledger" => ledger, "The history itself: verify, log, back up, restore";
    "import" => import, "Take in the work of another system";
    "export" => export, "Write everything as JSON";
    "doctor" => doctor, "Look at everything that can be wrong, and say what to do";
    "completions" => completions, "Print completions for a shell";
}

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
    "agent" "list" "List registered agents";
    "agent" "status" "Show one agent and what it holds";
    "receipt" "show" "Show a work order's receipt";
    "receipt" "verify" "Check a receipt against the ledger";
    "receipt" "chain" "Follow the receipts back from one";
    "report" "progress" "How far an epic is";
    "report" "velocity" "How many work orders are completed";
    "report" "sla" "How promises are kept";
    "report" "flow" "How many work orders stood where, by day";
    "report" "lead-time" "How long work orders take";
    "dashboard" "summary" "Show the line at a glance";
    "dashboard" "metrics" "Print every figure with its labels";
    "ledger" "verify" "Walk the chain and name the first bad record";
    "ledger" "head" "Print the last record's place and hash, to anchor outside";
    "ledger" "log" "Print what happened, newest last";
    "ledger" "stats" "Show the ledger in figures";
    "ledger" "backup" "Save the ledger to a file";
    "export" "json" "Write everything as one JSON document";
    "export" "jsonl" "Write everything as JSON, one thing a line";
}

/// What is said at the end of the help.
const AFTER: &str = "\
Without a command, obeya opens the console.

Which ledger: --ledger, OBEYA_LEDGER, .obeya/ here or above, then the main git worktree's.
Who acts: --actor, OBEYA_AGENT, OBEYA_ACTOR, then the name of the system's user.
Exit codes: 0 done, 1 refused by a rule or found wrong by a check, 2 bad usage,
3 ledger or engine unavailable, or the answer is unknown.";

/// Returns the whole grammar; what is beneath a noun is built when it is needed.
pub(super) fn tree() -> Command {
    let root = Command::new("obeya")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A terminal operations console that coordinates AI coding agents and people")
        .after_help(AFTER)
        .disable_help_subcommand(true)
        .args(globals())
        .arg(
            flag(
                "read-only",
                "Open the console so that nothing can be changed",
            )
            .conflicts_with_all(["dry-run", "json"]),
        );
    NOUNS.iter().fold(root, |root, noun| {
        let command = Command::new(noun.name)
            .about(noun.about)
            .defer(noun.grammar);
        root.subcommand(match noun.alias {
            Some(alias) => command.visible_alias(alias),
            None => command,
        })
    })
}

/// The flags that every command takes.
fn globals() -> [Arg; 8] {
    let colours = words(Colour::ALL, Colour::word);
    [
        flag("json", "Print JSON: the answer, the refusal or the error"),
        flag("dry-run", "Show the exact events, and write nothing"),
        option("actor", "NAME", "Who acts: a person's name, or agent:NAME"),
        option("as", "ROLE", "Act with this role").value_parser(words(Role::ALL, Role::word)),
        option(
            "epoch",
            "N",
            "The fencing number of the claim [env: OBEYA_EPOCH]",
        )
        .value_parser(clap::value_parser!(u32)),
        option("ledger", "FOLDER", "Which ledger [env: OBEYA_LEDGER]")
            .value_parser(clap::value_parser!(PathBuf)),
        option(
            "command-id",
            "UUID",
            "Apply at most once: a retry with the same id gets the first answer",
        )
        .value_parser(clap::value_parser!(Uuid)),
        option("color", "WHEN", "Colour: auto, always or never").value_parser(colours),
    ]
    .map(|arg| arg.global(true).help_heading("Everywhere"))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What the engine does for itself.
    const OFF_THE_MENU: &[(&str, &str)] = &[("host", "elect")];

    /// Returns every noun and verb that can be typed; a noun without verbs has an empty one.
    fn menu() -> BTreeSet<(String, String)> {
        let mut root = tree();
        root.build();
        let mut menu = BTreeSet::new();
        for noun in root.get_subcommands() {
            let verbs: Vec<_> = noun.get_subcommands().map(|verb| verb.get_name()).collect();
            let name = || noun.get_name().to_owned();
            match verbs.is_empty() {
                true => drop(menu.insert((name(), String::new()))),
                false => menu.extend(verbs.iter().map(|verb| (name(), (*verb).to_owned()))),
            }
        }
        menu
    }

    #[test]
    fn the_tables_and_the_grammar_agree() {
        let words = |noun: &str, verb: &str| (noun.to_owned(), verb.to_owned());
        let mut declared: BTreeSet<_> = VIEWS
            .iter()
            .map(|view| words(view.noun, view.verb))
            .collect();
        for spec in COMMANDS {
            let known = (spec.noun, spec.verb);
            if !OFF_THE_MENU.contains(&known) {
                assert!(
                    declared.insert(words(spec.noun, spec.verb)),
                    "{known:?} is declared twice"
                );
            }
        }
        declared.extend(["doctor", "completions"].map(|noun| words(noun, "")));
        assert_eq!(menu(), declared);
    }

    #[test]
    fn every_command_has_help_in_its_own_words() {
        let mut root = tree();
        root.build();
        for noun in root.get_subcommands_mut() {
            let name = noun.get_name().to_owned();
            assert!(!noun.render_long_help().to_string().is_empty());
            for verb in noun.get_subcommands_mut() {
                let words = (name.as_str(), verb.get_name().to_owned());
                let help = verb.render_long_help().to_string();
                let about = verb
                    .get_about()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(
                    !about.is_empty() && help.contains(&about),
                    "{words:?}: {help}"
                );
                assert!(
                    help.contains("--json") && help.contains("--ledger"),
                    "{words:?}: {help}"
                );
                let spec = COMMANDS
                    .iter()
                    .find(|spec| (spec.noun, spec.verb) == (words.0, &words.1));
                if let Some(spec) = spec {
                    let role = format!("Takes the role {}", spec.role);
                    assert!(help.contains(&role), "{words:?}: {help}");
                }
                for arg in verb.get_arguments() {
                    assert!(
                        arg.get_help().is_some() || arg.get_id() == "help",
                        "{words:?} {arg}"
                    );
                }
            }
        }
    }
}
