//! `obeya man`: the manual page, made from the grammar itself.

use clap::{Arg, ArgMatches, Command};
use clap_mangen::{
    Man,
    roff::{Inline, Roff, bold, italic, roman},
};

use super::{
    context::{ACTOR_VARIABLE, AGENT_VARIABLE, Call, EPOCH_VARIABLE},
    error::{CliError, Done},
    grammar,
    log::LOG_VARIABLE,
};
use crate::{
    config::Setting,
    link::{ATTACH_VARIABLE, CONTEXT_VARIABLE, LEDGER_VARIABLE, TOKEN_VARIABLE},
};

/// What the exit codes mean.
const EXIT: &[(&str, &str)] = &[
    (
        "0",
        "Done. That nobody reads the output any more is no error.",
    ),
    (
        "1",
        "Refused by a rule, with what would lift it; or a check found something wrong.",
    ),
    ("2", "Bad usage, or a file that cannot come in."),
    (
        "3",
        "The ledger or the engine is unavailable, or nobody knows whether it was done: ask again with the same --command-id.",
    ),
];

/// Which variables are read, beside those of the settings.
const ENVIRONMENT: &[(&str, &str)] = &[
    (LEDGER_VARIABLE, "The ledger's folder. Agents inherit it."),
    (
        ATTACH_VARIABLE,
        "The address of an engine elsewhere. Agents inherit it.",
    ),
    (CONTEXT_VARIABLE, "The name of a context."),
    (
        TOKEN_VARIABLE,
        "The file of the token that opens an engine's door.",
    ),
    (AGENT_VARIABLE, "The agent that acts."),
    (
        ACTOR_VARIABLE,
        "Who acts, where no agent does: a person's name, or agent:NAME.",
    ),
    (EPOCH_VARIABLE, "The fencing number of the caller's claim."),
    (
        "OBEYA_ORDER, OBEYA_GATE",
        "Set for a quality gate that is run: on which order, and which gate.",
    ),
    (
        LOG_VARIABLE,
        "What is logged, like debug or obeya::engine=trace,warn.",
    ),
    (
        "OBEYA_CONFIG",
        "The settings' file; its folder then holds themes and keymaps too.",
    ),
    (
        "OBEYA_ORDER, OBEYA_TITLE, OBEYA_STAGE, OBEYA_PROMPT, OBEYA_RUN, OBEYA_WORKTREE, OBEYA_BRANCH",
        "What a host tells an agent that it runs, beside the four above: its order, the name of its run, and where it is to work if apart.",
    ),
    ("NO_COLOR", "Anything in it means no colour."),
    ("COLUMNS", "The width that output is fitted to."),
    ("TERM, COLORTERM", "What the terminal can show."),
    (
        "LC_ALL, LC_CTYPE, LANG",
        "Whether more than ASCII can be shown.",
    ),
    (
        "XDG_RUNTIME_DIR",
        "Where the host's socket lies if the ledger's path is too long for one.",
    ),
];

/// Which files are read and written.
const FILES: &[(&str, &str)] = &[
    (
        ".obeya/ledger.db",
        "The ledger: every record, for ever. It is found upwards from the working folder, then in the main git worktree.",
    ),
    (
        ".obeya/snapshots, .obeya/telemetry.db",
        "What can be made again, and what may be lost.",
    ),
    (
        ".obeya/logs",
        "Logs of the last seven days, and in runs/ what agents wrote.",
    ),
    ("obeya.toml", "Beside .obeya: the agents that a host runs."),
    (
        "~/.config/obeya/config.toml",
        "Settings. Beside it themes/, keymaps/ and keymap.toml.",
    ),
    (
        "~/.local/state/obeya/shell_history",
        "What was typed into obeya shell, readable by its owner only; a line that begins with a blank is not kept.",
    ),
    (
        "~/.local/share/obeya/ledger",
        "The user's own ledger, which only the console falls back to.",
    ),
];

/// Lines to begin with.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "obeya demo",
        "See everything work on a ledger that is thrown away.",
    ),
    (
        "obeya init && obeya import beads .beads/issues.jsonl && obeya",
        "Make a ledger, take in a backlog, open the console.",
    ),
    (
        "obeya work-order next --agent rust-dev --json",
        "Pull the readiest order as an agent.",
    ),
    (
        "obeya andon trigger --reason \"tests red\" --severity high --hold bucket:security",
        "Stop a bucket.",
    ),
    (
        "obeya watch --plain --since 1h --kind alert",
        "Hear every alert, one line each.",
    ),
    (
        "obeya shell < monday.obeya",
        "Do the lines of a file, one after another.",
    ),
    ("obeya man > obeya.1 && man ./obeya.1", "Read this page."),
];

pub(super) fn grammar(noun: Command) -> Command {
    noun.after_help("Example:\n  obeya man > obeya.1 && man ./obeya.1")
}

pub(super) fn run(_: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.shell_only("man")?;
    call.no_dry_run("The manual")?;
    let page = page().map_err(|error| CliError::Usage(format!("no manual: {error}")))?;
    call.out.verbatim(&page)
}

/// Returns the page as roff.
fn page() -> Result<String, std::io::Error> {
    // What stands behind the root's help has sections of its own here.
    let mut tree = grammar::tree().after_help("");
    tree.build();
    let man = Man::new(tree.clone()).manual("Obeya Manual");
    let mut bytes = vec![];
    man.render_title(&mut bytes)?;
    man.render_name_section(&mut bytes)?;
    man.render_synopsis_section(&mut bytes)?;
    let mut roff = Roff::new();
    roff.control("SH", ["DESCRIPTION"]);
    roff.text([roman(
        "Without a command, obeya opens the console. Every command goes through the same rules onto the same ledger, \
         whoever else works on it.",
    )]);
    roff.to_writer(&mut bytes)?;
    man.render_options_section(&mut bytes)?;
    let mut roff = Roff::new();
    roff.control("SH", ["COMMANDS"]);
    for noun in tree.get_subcommands_mut() {
        noun_of(&mut roff, noun);
    }
    let settings: Vec<(&str, String)> = Setting::ALL
        .into_iter()
        .map(|setting| {
            (
                setting.variable(),
                format!("A setting of the console: {}.", setting.accepts()),
            )
        })
        .collect();
    let owned = |rows: &[(&'static str, &str)]| -> Vec<(&str, String)> {
        rows.iter()
            .map(|(name, text)| (*name, (*text).to_owned()))
            .collect()
    };
    section(&mut roff, "EXIT STATUS", &owned(EXIT));
    section(
        &mut roff,
        "ENVIRONMENT",
        &[owned(ENVIRONMENT), settings].concat(),
    );
    section(&mut roff, "FILES", &owned(FILES));
    section(&mut roff, "EXAMPLES", &owned(EXAMPLES));
    roff.to_writer(&mut bytes)?;
    Ok(ascii(&String::from_utf8_lossy(&bytes)))
}

/// Returns roff in ASCII, which every formatter reads, whatever the locale: other characters are written as escapes.
fn ascii(roff: &str) -> String {
    let mut out = String::with_capacity(roff.len());
    for c in roff.chars() {
        match c.is_ascii() {
            true => out.push(c),
            false => out.push_str(&format!("\\[u{:04X}]", u32::from(c))),
        }
    }
    out
}

fn section(roff: &mut Roff, title: &str, rows: &[(&str, String)]) {
    roff.control("SH", [title]);
    for (name, text) in rows {
        roff.control("TP", []);
        roff.text([bold(*name)]);
        roff.text([roman(text)]);
    }
}

fn noun_of(roff: &mut Roff, noun: &mut Command) {
    let alias = noun.get_visible_aliases().next().map(str::to_owned);
    let title = match alias {
        Some(alias) => format!("{} ({alias})", noun.get_name()),
        None => noun.get_name().to_owned(),
    };
    roff.control("SS", [title.as_str()]);
    if !noun.has_subcommands() {
        command(roff, noun);
        return;
    }
    about(roff, noun);
    for verb in noun.get_subcommands_mut() {
        command(roff, verb);
    }
}

fn about(roff: &mut Roff, command: &Command) {
    if let Some(about) = command.get_about() {
        roff.text([roman(format!("{about}."))]);
    }
}

/// Writes a command: how it is typed, what it does, what it takes, and what stands at the end of its help.
fn command(roff: &mut Roff, command: &mut Command) {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    roff.control("TP", []);
    roff.text([bold(usage)]);
    about(roff, command);
    roff.control("RS", []);
    let own = |arg: &&Arg| !arg.is_global_set() && arg.get_id() != "help";
    for arg in command.get_arguments().filter(own) {
        roff.control("TP", []);
        roff.text(typed(arg));
        let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let words = arg.get_possible_values();
        let words: Vec<&str> = words.iter().map(|word| word.get_name()).collect();
        if !words.is_empty() && arg.get_action().takes_values() {
            help.push_str(&format!(": {}", words.join(", ")));
        }
        roff.text([roman(help)]);
    }
    if let Some(after) = command.get_after_help() {
        roff.control("PP", []);
        roff.control("nf", []);
        for line in after.to_string().lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff.control("RE", []);
}

/// Returns an argument as it is typed.
fn typed(arg: &Arg) -> Vec<Inline> {
    let mut words = vec![];
    if let Some(long) = arg.get_long() {
        words.push(bold(format!("--{long}")));
    }
    if arg.get_action().takes_values() || arg.is_positional() {
        let names = arg.get_value_names().unwrap_or_default();
        let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
        if !words.is_empty() {
            words.push(roman(" "));
        }
        words.push(italic(names.join(" ")));
    }
    words
}
