//! `obeya mcp`: the server for models, and what to paste so that a program starts it.

use std::{
    env,
    path::{Path, PathBuf},
};

use clap::{ArgMatches, Command, builder::PossibleValuesParser};
use serde_json::json;

use super::{
    arguments::{option, positional, verb},
    context::{
        ACTOR_VARIABLE, AGENT_VARIABLE, Call, Globals, actor_of_environment, text, variable, word,
    },
    error::{CliError, Done},
};
use crate::{
    domain::order::Actor,
    link::{Chosen, Fault, TOKEN_VARIABLE, remote::Token},
    mcp::{
        self, Options,
        config::{CLIENTS, Client},
    },
};

const NOUN: &str = "mcp";

const AFTER: &str = "\
A program that speaks the Model Context Protocol starts this by itself; what to
tell it, `obeya mcp config` prints. Who acts: --agent, then as everywhere
else, then the name that the program has for itself.

Examples:
  obeya mcp config claude > .mcp.json
  obeya mcp --agent rust-dev --role developer
  obeya mcp --read-only";

pub(super) fn grammar(noun: Command) -> Command {
    let agent = || option("agent", "NAME", "Act as this agent");
    let clients = PossibleValuesParser::new(CLIENTS.iter().map(|client| client.name));
    noun.args([
        agent(),
        option(
            "role",
            "TEXT",
            "What the agent does: it is registered with that before its first pull",
        ),
    ])
    .disable_help_subcommand(true)
    .subcommand(verb(NOUN, "config").args([
        positional("client", "CLIENT", "The program that is to connect").value_parser(clients),
        agent(),
    ]))
    .after_help(AFTER)
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    if let Some(("config", matches)) = matches.subcommand() {
        return config(matches, call);
    }
    call.process_only(NOUN)?;
    call.act_as(matches.get_one("agent"));
    let connection = call.connection()?.clone();
    if let Some(home) = connection.home() {
        if !home.database().exists() {
            // A server that can serve nothing says so at once, where its client shows it.
            call.operator()?;
        }
        super::log::start(home);
    }
    let options = Options {
        actor: connection.bearer().or_else(|| named(&call.globals)),
        connection,
        role: call.globals.role,
        dry_run: call.globals.dry_run,
        epoch: call
            .globals
            .epoch
            .and_then(|epoch| Some((epoch.order?, epoch.number))),
        work: text(matches, "role"),
    };
    mcp::serve(options).map_err(CliError::from)
}

/// Returns who acts, if anybody was named here or in the environment: else it is the client.
fn named(globals: &Globals) -> Option<Actor> {
    let variables = [AGENT_VARIABLE, ACTOR_VARIABLE].map(variable);
    let named = variables.iter().any(Option::is_some);
    globals
        .actor
        .clone()
        .or_else(|| named.then(actor_of_environment))
}

fn config(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let wanted = word(matches, "client");
    let Some(client) = CLIENTS.iter().find(|client| client.name == wanted) else {
        return Err(CliError::Usage(format!("there is no client '{wanted}'")));
    };
    let agent = text(matches, "agent").unwrap_or_else(|| client.name.to_owned());
    let settings = settings(client, call, &agent)?;
    if call.json() {
        return call.out.json(&json!({
            "client": client.name,
            "file": client.file,
            "settings": settings,
        }));
    }
    // Beside the settings, which may be on their way into that very file.
    eprintln!("this belongs into {}:", client.file);
    call.out.verbatim(&settings)
}

fn settings(client: &Client, call: &Call<'_>, agent: &str) -> Result<String, CliError> {
    let program = env::current_exe()
        .map_err(|error| Fault::io("".as_ref(), "finding the program itself", &error))?;
    Ok(client.settings(&program, &named_line(call)?, agent))
}

/// Returns the words that name the line, wherever they are typed.
fn named_line(call: &Call<'_>) -> Result<Vec<String>, CliError> {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let target = match call.chosen()? {
        Chosen::Ledger(place) => {
            let ledger = whole(place.home.path()).display().to_string();
            return Ok(vec!["--ledger".into(), ledger]);
        }
        Chosen::Engine(target, _) => target,
    };
    let choice = &call.globals.choice;
    let mut words = match &target.name {
        Some(context) => vec!["--context".into(), context.clone()],
        None => vec!["--attach".into(), target.address.to_string()],
    };
    // A program that starts the server hands its environment on or not, as it likes.
    let inherited = variable(TOKEN_VARIABLE).map(PathBuf::from);
    let sent = target.token.as_ref().and_then(Token::file);
    let inherited = inherited.filter(|file| sent == Some(file.as_path()));
    let token = choice.token_file.clone().or(inherited);
    for (flag, file) in [("--token-file", token), ("--ca", choice.ca.clone())] {
        if let Some(file) = file {
            words.extend([flag.into(), whole(&file).display().to_string()]);
        }
    }
    Ok(words)
}
