//! `obeya context …`: engines elsewhere, by name, and which line is meant here.

use std::{
    fs::File,
    path::{self, PathBuf},
};

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::{
    arguments::{option, positional, reads, verb, verbs},
    context::{Call, text, value, word},
    error::{self, CliError, Done},
    output::Tone,
    table::{Table, cell, flex, left, maybe},
    theme,
};
use crate::{
    config::{Config, Context, Contexts, Problem, process_env},
    link::{
        Chosen, Source,
        remote::{Address, Target},
    },
};

const NOUN: &str = "context";

const AFTER: &str = "\
A context is kept in contexts.toml beside your settings. --context NAME or
OBEYA_CONTEXT use one, whatever folder one is in. The one that `obeya context
use` named stands in where no ledger is named or found: in a project's folder
commands work on the project's own ledger. `obeya context show` says which
line commands here are about.

Examples:
  obeya context add prod --url wss://obeya.example:8443 --token-file prod.token
  obeya context add wall --url ws://10.0.0.7:8080 --token-file w --read-only
  obeya --context prod work-order list
  obeya context use prod";

/// The word that names no context.
const NONE: &str = "none";

pub(super) fn grammar(noun: Command) -> Command {
    let named = || positional("name", "NAME", "What it is called");
    verbs(
        noun,
        [
            verb(NOUN, "add").args([
                named(),
                option(
                    "url",
                    "ADDRESS",
                    "Where it is: ws://HOST:PORT, wss://HOST:PORT or unix:PATH",
                )
                .required(true)
                .value_parser(reads(str::parse::<Address>)),
                option("theme", "NAME", "The theme of a console on it"),
            ]),
            verb(NOUN, "list"),
            verb(NOUN, "show").arg(
                positional(
                    "name",
                    "NAME",
                    "Which; without it, the line that is meant here",
                )
                .required(false),
            ),
            verb(NOUN, "use").arg(positional("name", "NAME", "Which; or none")),
            verb(NOUN, "remove").arg(named()),
        ],
    )
    .after_help(AFTER)
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let (config, _) = Config::load(&process_env, &[]);
    let name = word(matches, "name");
    if verb != "list" && verb != "show" {
        call.shell_only("Changing a context")?;
        call.no_dry_run("A context")?;
    }
    match verb {
        "add" => add(matches, &config, call),
        "list" => list(&config, call),
        "show" if name.is_empty() => here(call),
        "show" => show(&config, name, call),
        "use" => {
            let called = (name != NONE).then_some(name);
            config.use_context(called).map_err(wrong)?;
            told(
                call,
                json!({ "default": called }),
                &match called {
                    Some(name) => {
                        format!("{name} is used where no ledger is named or found")
                    }
                    None => "no context is used unless it is named".to_owned(),
                },
            )
        }
        _ => {
            config.remove_context(name).map_err(wrong)?;
            told(call, json!({ "removed": name }), &format!("removed {name}"))
        }
    }
}

fn wrong(problem: Problem) -> CliError {
    CliError::Usage(problem.to_string())
}

fn told(call: &mut Call<'_>, document: Value, line: &str) -> Done {
    match call.json() {
        true => call.out.json(&document),
        false => call.out.line(line),
    }
}

fn add(matches: &ArgMatches, config: &Config, call: &mut Call<'_>) -> Done {
    let whole = |name: &str| -> Result<Option<PathBuf>, CliError> {
        let named: Option<PathBuf> = value(matches, name);
        let whole = named.map(|named| {
            path::absolute(&named).map_err(|fault| error::file(&named, "finding", &fault))
        });
        whole.transpose()
    };
    let url: Option<Address> = value(matches, "url");
    let name = word(matches, "name").to_owned();
    if name == NONE {
        return Err(CliError::Usage("a context cannot be called none".into()));
    }
    let context = Context {
        url: url.as_ref().map(Address::to_string).unwrap_or_default(),
        token_file: whole("token-file")?,
        ca: whole("ca")?,
        theme: text(matches, "theme"),
        read_only: matches.get_flag("read-only"),
        name,
    };
    let doubts = match call.json() {
        true => vec![],
        false => doubts(&context, url.as_ref(), config),
    };
    let file = config.add_context(&context).map_err(wrong)?;
    let line = format!(
        "{} is {}, kept in {}; use it: obeya --context {}",
        context.name,
        context.url,
        file.display(),
        context.name
    );
    told(call, document(&context, false), &line)?;
    // The files may come later; who mistyped one hears it now.
    for doubt in &doubts {
        call.out.tone(Tone::Warn, doubt)?;
    }
    Ok(())
}

/// Returns what would keep a context from being used if it stayed as it is.
fn doubts(context: &Context, url: Option<&Address>, config: &Config) -> Vec<String> {
    let token = url
        .zip(context.token_file.as_ref())
        .and_then(|(url, file)| {
            let target = Target::new(url.clone()).with_token_in(file);
            Some(target.err()?.to_string())
        });
    let ca = context.ca.as_ref().and_then(|file| {
        let unread = File::open(file).err()?;
        Some(format!("{}: {unread}", file.display()))
    });
    let theme = context.theme.as_ref().and_then(|theme| {
        let (_, problems) = theme::load(config, theme);
        Some(problems.first()?.to_string())
    });
    [token, ca, theme].into_iter().flatten().collect()
}

fn document(context: &Context, default: bool) -> Value {
    json!({
        "name": context.name,
        "url": context.url,
        "token_file": context.token_file,
        "ca": context.ca,
        "theme": context.theme,
        "read_only": context.read_only,
        "default": default,
    })
}

fn is_default(contexts: &Contexts, context: &Context) -> bool {
    contexts.default.as_ref() == Some(&context.name)
}

/// Returns what is wrong with an address in the file.
fn misaddressed(context: &Context) -> Option<Problem> {
    let why = context.url.parse::<Address>().err()?;
    let context = format!("the context '{}'", context.name);
    Some(Problem::new(context, why, "correct its url"))
}

fn list(config: &Config, call: &mut Call<'_>) -> Done {
    let (contexts, mut problems) = config.contexts();
    let all = contexts.all.iter();
    problems.extend(all.clone().filter_map(misaddressed));
    if call.json() {
        let all: Vec<Value> = all
            .map(|context| document(context, is_default(&contexts, context)))
            .collect();
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return call
            .out
            .json(&json!({ "contexts": all, "problems": problems }));
    }
    if contexts.all.is_empty() && problems.is_empty() {
        return call
            .out
            .line("no contexts; obeya context add NAME --url … makes one");
    }
    let mut table = Table::new([
        left(""),
        left("NAME"),
        flex("URL"),
        left("TOKEN FILE").drop(2),
        left("THEME").drop(3),
        left("MAY").drop(1),
    ]);
    for context in all {
        table.row([
            cell(if is_default(&contexts, context) {
                "*"
            } else {
                ""
            }),
            cell(&context.name),
            cell(&context.url),
            maybe(context.token_file.as_ref().map(|path| path.display())),
            maybe(context.theme.as_ref()),
            cell(if context.read_only { "look" } else { "work" }),
        ]);
    }
    call.out.table(&table)?;
    for problem in &problems {
        call.out.tone(Tone::Bad, &problem.to_string())?;
    }
    Ok(())
}

fn show(config: &Config, name: &str, call: &mut Call<'_>) -> Done {
    let (contexts, _) = config.contexts();
    let Some(context) = contexts.named(name) else {
        let what = format!("there is no context '{}'", crate::text::clean(name));
        let why = contexts
            .problem(name)
            .map(|problem| format!(" that can be used: {problem}"));
        return Err(CliError::Usage(what + &why.unwrap_or_default()));
    };
    let default = is_default(&contexts, context);
    if call.json() {
        return call.out.json(&document(context, default));
    }
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    let facts = [
        ("name", Some(context.name.clone())),
        ("url", Some(context.url.clone())),
        ("token file", path(&context.token_file)),
        ("ca", path(&context.ca)),
        ("theme", context.theme.clone()),
        ("read only", context.read_only.then(|| "yes".to_owned())),
        ("default", default.then(|| "yes".to_owned())),
    ];
    for (name, fact) in facts {
        if let Some(fact) = fact {
            call.out.fact(name, &fact)?;
        }
    }
    Ok(())
}

/// Says which line commands here are about, and why that one.
fn here(call: &mut Call<'_>) -> Done {
    let choice = &call.globals.choice;
    let flag = choice.attach.is_some() || choice.context.is_some();
    let (name, place, why, read_only) = match call.chosen()? {
        Chosen::Ledger(place) => {
            let why = match place.source {
                Source::Flag => "named by --ledger",
                Source::Variable => "named by OBEYA_LEDGER",
                Source::Folder => "found here or in a folder above",
                Source::MainWorktree => "found in the main git worktree",
                Source::User => "your own",
            };
            let folder = place.home.path().display().to_string();
            (place.name(), folder, why, false)
        }
        Chosen::Engine(target, _) => {
            let from_environment = ["OBEYA_ATTACH", "OBEYA_CONTEXT"]
                .iter()
                .any(|name| super::context::variable(name).is_some());
            let why = match (flag, from_environment) {
                (true, _) => "named by --attach or --context",
                (false, true) => "named by OBEYA_ATTACH or OBEYA_CONTEXT",
                (false, false) => "the context in use, since no ledger was found",
            };
            let address = target.address.to_string();
            (target.name(), address, why, target.read_only)
        }
    };
    if call.json() {
        return call
            .out
            .json(&json!({ "line": name, "place": place, "why": why, "read_only": read_only }));
    }
    call.out.fact("line", &name)?;
    call.out.fact("place", &place)?;
    call.out.fact("why", why)?;
    match read_only {
        true => call.out.fact("may", "look"),
        false => Ok(()),
    }
}
