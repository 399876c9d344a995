//! The grammar: `obeya NOUN VERB …`, in the owner's words.
//!
//! Nouns are declared once, in [`NOUNS`]; verbs that change something take their line from
//! [`COMMANDS`](crate::domain::command::COMMANDS), the others from [`VIEWS`](super::arguments::VIEWS).
//! A cold call builds only the command it needs.

use std::{ffi::OsString, mem, path::PathBuf};

use clap::{
    Arg, ArgMatches, Command,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _},
};
use uuid::Uuid;

use super::{
    agent, andon,
    arguments::{flag, option, words},
    audit, bucket, bus, completions,
    context::Call,
    dashboard, debug, demo, deps, doctor,
    duration::span,
    error::Done,
    export, host, import, init, keymap, ledger, man, mcp, metrics,
    output::Colour,
    quality_gate, receipt, report, serve, shell, stage, theme, token, watch, work_order,
};
use crate::{
    domain::command::Role,
    ui::{model::View, wall},
};

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
    "quality-gate" | "gates" => quality_gate, "What must have been seen before work moves on";
    "agent" | "agents" => agent, "Who works: registered agents, and those that a host runs";
    "bus" => bus, "Messages between agents, people and the engine";
    "mcp" => mcp, "Serve models over the Model Context Protocol";
    "receipt" => receipt, "Proof of completed work orders";
    "report" => report, "Progress, velocity, SLA, flow, times, forecast, risk, usage and handover";
    "dashboard" => dashboard, "The line at a glance, and every figure";
    "metrics" => metrics, "The line at a glance, and what the last days completed";
    "ledger" => ledger, "The history itself: verify, log, back up, restore";
    "import" => import, "Take in the work of another system";
    "export" => export, "Write everything as JSON, as a table or as a drawing";
    "host" => host, "Run the agents of obeya.toml, and keep due things prompt";
    "serve" => serve, "Host the line, and let other machines attach to it";
    "token" => token, "Who may come in by a server, and as what";
    "audit" => audit, "Who did what by a server, and who was denied";
    "watch" => watch, "Follow what happens, one line an event";
    "shell" => shell, "Type one command after another, or run a script of them";
    "debug" => debug, "The whole story of an order or an agent, and the whole state";
    "demo" => demo, "See everything work, on a ledger that is thrown away";
    "theme" => theme, "How the console looks";
    "keymap" => keymap, "What the console's keys do";
    "doctor" => doctor, "Look at everything that can be wrong, and say what to do";
    "completions" => completions, "Print completions for a shell";
    "man" => man, "Print the manual page";
}

/// What is said at the end of the help.
const AFTER: &str = "\
Without a command, obeya opens the console.

Which ledger: --ledger, OBEYA_LEDGER, .obeya/ here or above, then that of the
main git worktree.
Who acts: --actor, OBEYA_AGENT, OBEYA_ACTOR, then the name of the system's user.
Which claim: --epoch for this call, or OBEYA_EPOCH=WO-001:3 for every write on
that order.
Exit codes: 0 done, 1 refused by a rule or found wrong by a check, 2 bad usage,
3 ledger or engine unavailable, or the answer is unknown.";

/// Returns the whole grammar; what is beneath a noun is built when it is needed.
pub(super) fn tree() -> Command {
    let console = root()
        .about("A terminal operations console that coordinates AI coding agents and people")
        .after_help(AFTER)
        .args(wall());
    NOUNS.iter().fold(console, |root, noun| {
        root.subcommand(named(noun).about(noun.about).defer(noun.grammar))
    })
}

/// Returns as much of the grammar as a call needs whose arguments begin with a noun and, where it has verbs, one of them;
/// None for any other. What it reads, [`tree`] reads the same; what it does not read is [`tree`]'s to explain.
///
/// clap copies every flag that all commands take into each command it knows, so that most of reading a line was spent on
/// commands that were not typed.
pub(super) fn narrow(arguments: &[OsString]) -> Option<Command> {
    let word = |place: usize| arguments.get(place).and_then(|word| word.to_str());
    let first = word(1)?;
    let noun = NOUNS
        .iter()
        .find(|noun| noun.name == first || noun.alias == Some(first))?;
    let built = (noun.grammar)(named(noun));
    if !built.has_subcommands() {
        return Some(root().subcommand(built));
    }
    let verb = built.find_subcommand(word(2)?).cloned();
    // This is done once a process, which ends sooner if it takes nothing apart.
    mem::forget(built);
    Some(root().subcommand(named(noun).subcommand(verb?)))
}

fn named(noun: &Noun) -> Command {
    let command = Command::new(noun.name);
    match noun.alias {
        Some(alias) => command.visible_alias(alias),
        None => command,
    }
}

fn root() -> Command {
    Command::new("obeya")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(globals())
}

/// The flags of a wall.
fn wall() -> [Arg; 3] {
    let views = wall::VIEWS.map(|view| PossibleValue::new(view.name()));
    let view = PossibleValuesParser::new(views)
        .try_map(|name| View::named(&name).ok_or("there is no such view"));
    let span = |text: &str| match span(text)? {
        long if long >= wall::LEAST_EVERY => Ok(long),
        _ => Err("nobody reads a view in less than 2s".to_owned()),
    };
    [
        flag(
            "wall",
            "Show the line to a room: views in turn, large figures, no key but quit",
        )
        .conflicts_with_all(["dry-run", "json"]),
        option("views", "VIEWS", "What a wall shows, with commas between")
            .value_delimiter(',')
            .value_parser(view)
            .requires("wall"),
        option("every", "SPAN", "How long a wall shows each, like 20s")
            .value_parser(span)
            .requires("wall"),
    ]
}

/// The flags that every command takes.
fn globals() -> [Arg; 9] {
    let colours = words(Colour::ALL, Colour::word);
    [
        flag("json", "Print JSON: the answer, the refusal or the error"),
        flag("dry-run", "Show the exact events, and write nothing"),
        flag(
            "read-only",
            "Only look: whatever would change something is refused",
        ),
        option("actor", "NAME", "Who acts: a person's name, or agent:NAME"),
        option("as", "ROLE", "Act with this role").value_parser(words(Role::ALL, Role::word)),
        option(
            "epoch",
            "N",
            "The fencing number of the claim [env: OBEYA_EPOCH=ORDER:N]",
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        super::{arguments::VIEWS, import::SOURCES},
        *,
    };
    use crate::domain::command::COMMANDS;

    /// What the engine does for itself.
    const OFF_THE_MENU: &[(&str, &str)] = &[
        ("host", "elect"),
        ("quality-gate", "set"),
        ("quality-gate", "remove"),
        ("quality-gate", "record"),
        ("work-order", "workspace"),
        ("budget", "set"),
        ("budget", "remove"),
    ];

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
        declared.extend(
            [
                "audit",
                "completions",
                "demo",
                "doctor",
                "host",
                "man",
                "serve",
                "shell",
                "watch",
            ]
            .map(|noun| words(noun, "")),
        );
        declared.extend(SOURCES.iter().map(|source| words("import", source.name)));
        assert_eq!(menu(), declared);
    }

    #[test]
    fn a_narrow_grammar_takes_what_the_whole_one_takes() {
        let arguments = |command: &Command| -> BTreeSet<String> {
            let arguments = command.get_arguments();
            arguments.map(|arg| format!("{arg:?}")).collect()
        };
        let mut whole = tree();
        whole.build();
        for noun in whole.get_subcommands() {
            let typed = |words: &[&str]| -> Option<Command> {
                let words: Vec<OsString> = words.iter().map(Into::into).collect();
                let mut narrow = narrow(&words)?;
                narrow.build();
                Some(narrow)
            };
            let verbs: Vec<&Command> = noun.get_subcommands().collect();
            if verbs.is_empty() {
                let narrow = typed(&["obeya", noun.get_name()]).unwrap_or_default();
                let found = narrow.find_subcommand(noun.get_name()).map(arguments);
                assert_eq!(found, Some(arguments(noun)));
            }
            for verb in verbs {
                for word in verb.get_name_and_visible_aliases() {
                    for first in noun.get_name_and_visible_aliases() {
                        let narrow = typed(&["obeya", first, word, "--json"]).unwrap_or_default();
                        let beneath = narrow.find_subcommand(noun.get_name());
                        let found = beneath.and_then(|noun| noun.find_subcommand(verb.get_name()));
                        assert_eq!(
                            found.map(arguments),
                            Some(arguments(verb)),
                            "{first} {word}"
                        );
                        let only = beneath.map(|noun| noun.get_subcommands().count());
                        assert_eq!((narrow.get_subcommands().count(), only), (1, Some(1)));
                    }
                }
            }
            assert!(typed(&["obeya", "--json", noun.get_name()]).is_none());
        }
    }

    /// clap breaks no lines at the end of a help: a terminal of 80 columns would break them within a word.
    #[test]
    fn the_end_of_a_help_fits_a_terminal() {
        fn check(command: &Command) {
            let after = command.get_after_help().map(ToString::to_string);
            for line in after.unwrap_or_default().lines() {
                // A command that is shown as an example is as long as it is.
                let fits = line.starts_with(' ') || crate::text::width(line) <= 80;
                assert!(fits, "{}: {line}", command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        let mut root = tree();
        root.build();
        check(&root);
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
