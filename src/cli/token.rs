//! `obeya token …`: who may come in by a server.

use std::io::Write as _;

use clap::{ArgMatches, Command};
use serde_json::json;

use super::{
    arguments::{option, positional, reads, verb, verbs, words},
    context::{Call, folder, unexpected, value},
    duration,
    error::{CliError, Done},
    output::Tone,
    table::{Cell, Table, cell, flex, left, maybe},
};
use crate::{
    domain::{command::Role, message::Name},
    link::{
        self,
        access::{NewToken, Standing, TokenView},
        protocol::{FolderAnswer, FolderCall},
    },
};

const NOUN: &str = "token";

const AFTER: &str = "\
A role is the most that the bearer may do: viewer looks, agent works on its own
claims, operator drives the line, admin changes the rules. A token names its
bearer too: one for an agent acts as agent:NAME, a viewer's or operator's as
person:NAME.

The secret is shown once and kept nowhere; only its hash lies in access.db
beside the ledger, which no backup holds. Standard output has the secret alone.

Examples:
  (umask 077; obeya token create --name wall --expires 30d > wall.token)
  obeya token list
  obeya token revoke wall";

pub(super) fn grammar(noun: Command) -> Command {
    let named = |text: &str| text.parse::<Name>();
    verbs(
        noun,
        [
            verb(NOUN, "create").args([
                option(
                    "name",
                    "NAME",
                    "What it is called: whose it is, or what for",
                )
                .required(true)
                .value_parser(reads(named)),
                option("role", "ROLE", "The most that its bearer may do")
                    .required(true)
                    .value_parser(words(Role::ALL, Role::word)),
                option(
                    "expires",
                    "SPAN",
                    "How long it is good for, like 30d; until it is revoked, if not given",
                )
                .value_parser(reads(duration::span)),
            ]),
            verb(NOUN, "list"),
            verb(NOUN, "revoke")
                .arg(positional("name", "NAME", "Which").value_parser(reads(named))),
        ],
    )
    .after_help(AFTER)
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    match verb {
        "create" => create(matches, call),
        "list" => list(call),
        _ => revoke(matches, call),
    }
}

/// Returns the argument `name`, which the grammar demands.
fn name(matches: &ArgMatches) -> Result<Name, CliError> {
    value(matches, "name").ok_or_else(|| CliError::Usage("name the token".into()))
}

fn create(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.no_dry_run("A token")?;
    // A secret has no place on a screen that may be recorded.
    call.shell_only("token create")?;
    let now = link::now();
    let new = NewToken {
        name: name(matches)?,
        role: value(matches, "role").unwrap_or(Role::Viewer),
        expires: value::<i64>(matches, "expires").map(|span| now.plus(span)),
    };
    let FolderAnswer::Created { secret, token } = call.folder(FolderCall::CreateToken(new))? else {
        return Err(unexpected());
    };
    if call.json() {
        return call.out.json(&json!({ "secret": secret, "token": token }));
    }
    let until = match token.expires_at {
        Some(until) => format!("until {until}"),
        None => "until it is revoked".to_owned(),
    };
    // What is piped into a file is the secret alone; where nobody reads the rest, nobody misses it.
    let _ = writeln!(
        std::io::stderr().lock(),
        "token {} opens the door of a server as {} {until}; keep it, it is not shown again:",
        token.name,
        token.role
    );
    call.out.verbatim(&format!("{}\n", secret.expose()))
}

fn list(call: &mut Call<'_>) -> Done {
    let tokens = folder!(call, FolderCall::Tokens, Tokens);
    if call.json() {
        return call.out.json(&tokens);
    }
    if tokens.is_empty() {
        return call.out.line("no tokens");
    }
    let mut table = Table::new([
        flex("NAME"),
        left("ROLE"),
        left("STANDING"),
        left("EXPIRES").drop(1),
        left("USED").drop(2),
        left("CREATED").drop(3),
        left("ID").drop(4),
    ]);
    for token in &tokens {
        table.row(row(token));
    }
    call.out.table(&table)
}

fn row(token: &TokenView) -> [Cell; 7] {
    let tone = match token.standing {
        Standing::Live => Tone::Good,
        Standing::Expired => Tone::Warn,
        Standing::Revoked => Tone::Muted,
    };
    [
        cell(&token.name),
        cell(token.role),
        Cell::toned(tone, token.standing),
        maybe(token.expires_at),
        maybe(token.used_at),
        cell(token.created_at),
        cell(&token.id),
    ]
}

fn revoke(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.no_dry_run("A revocation")?;
    let token = folder!(call, FolderCall::RevokeToken(name(matches)?), Revoked);
    match call.json() {
        true => call.out.json(&token),
        false => call.out.line(&format!(
            "revoked {}: it opens nothing from the next request on",
            token.name
        )),
    }
}
