//! `obeya serve`: a host to which consoles, scripts and scrapers on other machines attach.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
    sync::Arc,
};

use clap::{ArgMatches, Command};
use serde_json::json;

use super::{
    arguments::{flag, many, option},
    context::{Call, text, value, values},
    error::{CliError, Done},
    hosting::{Hosting, keep},
    output::Tone,
};
use crate::{
    link::Service,
    server::{Doors, Server},
};

/// Where it listens if nothing else is said.
const LISTEN: &str = "127.0.0.1:8080";

const AFTER: &str = "\
It is a host like any other: it runs the agents of obeya.toml, and consoles on
the same ledger see the same line. A console that hosts yields to it.

Who comes in by TCP needs a token, from this machine too; a process of the same
user finds the server's own token beside the ledger, and needs none at the unix
socket. Beyond this machine it takes TLS, or --insecure.

It ends with code 0 when it is interrupted or told to terminate: who is attached
is told so, and what was asked is answered within five seconds. It goes on when
nobody reads what it prints.

Examples:
  obeya serve
  obeya --attach ws://127.0.0.1:8080
  obeya serve --listen 0.0.0.0:8443 --tls-cert chain.pem --tls-key key.pem
  obeya serve --unix /run/obeya/line.sock";

pub(super) fn grammar(noun: Command) -> Command {
    let path = || clap::value_parser!(PathBuf);
    noun.args([
        option(
            "listen",
            "HOST:PORT",
            "Listen by TCP [default: 127.0.0.1:8080, unless --unix is given]",
        ),
        option("unix", "PATH", "Listen by a unix socket, for this user").value_parser(path()),
        option("tls-cert", "FILE", "The certificate chain of TLS, as PEM")
            .value_parser(path())
            .requires("tls-key"),
        option("tls-key", "FILE", "The certificate's private key, as PEM")
            .value_parser(path())
            .requires("tls-cert"),
        many(
            "host",
            "NAME",
            "Answer to this name too, beside those of the certificate and of this machine",
        ),
        option(
            "name",
            "NAME",
            "The line's name, in the corner of attached consoles",
        ),
        flag(
            "insecure",
            "Listen beyond this machine without TLS: tokens and all else can be read on the way",
        ),
    ])
    .after_help(AFTER)
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    call.process_only("serve")?;
    call.no_dry_run("A server")?;
    let doors = doors(matches)?;
    let name = text(matches, "name");
    serve(call, name, &doors, announce)
}

/// Serves until it is told to end, and has said where, as often as a server begins.
pub(super) fn serve(
    call: &mut Call<'_>,
    name: Option<String>,
    doors: &Doors,
    announce: impl Fn(&mut Call<'_>, &str, &Doors, Option<SocketAddr>) -> Done,
) -> Done {
    let place = call.place("A server")?;
    doors.check()?;
    let name = name.unwrap_or_else(|| place.name());
    super::log::start(&place.home);
    let hosting = Hosting {
        title: "serve",
        until_idle: false,
        instead_of_console: true,
    };
    let mut server = None;
    let mut office = |call: &mut Call<'_>, service: Option<Arc<Service>>| {
        // Whoever is attached is told before another server begins.
        drop(server.take());
        if let Some(service) = service {
            let opened = server.insert(Server::start(service, &name, doors)?);
            announce(call, &name, doors, opened.address())?;
        }
        Ok(())
    };
    keep(&hosting, &place.home, call, &mut office)
}

/// Returns where it is to listen.
fn doors(matches: &ArgMatches) -> Result<Doors, CliError> {
    let unix = value::<PathBuf>(matches, "unix");
    let listen = text(matches, "listen").or_else(|| unix.is_none().then(|| LISTEN.to_owned()));
    let tls = value(matches, "tls-cert").zip(value(matches, "tls-key"));
    let mut names = values::<String>(matches, "host");
    let listen = match listen {
        Some(listen) => {
            let address = resolved(&listen)?;
            if let Some((host, _)) = listen.rsplit_once(':') {
                names.push(host.to_owned());
            }
            Some(address)
        }
        None => None,
    };
    if let Some(address) = listen.filter(|address| !address.ip().is_loopback())
        && tls.is_none()
        && !matches.get_flag("insecure")
    {
        return Err(CliError::Usage(format!(
            "{address} is reached from other machines, and without TLS tokens and all else can be read on the way: \
             give --tls-cert and --tls-key; or listen on {LISTEN} and attach over an SSH tunnel; or say --insecure"
        )));
    }
    if listen.is_none() && tls.is_some() {
        let what = "TLS is for TCP: give --listen too, or leave --tls-cert and --tls-key out";
        return Err(CliError::Usage(what.to_owned()));
    }
    Ok(Doors {
        listen,
        unix,
        tls,
        names,
    })
}

fn resolved(listen: &str) -> Result<SocketAddr, CliError> {
    let unusable = |why: String| {
        CliError::Usage(format!(
            "--listen takes HOST:PORT, like {LISTEN}, not '{listen}': {why}"
        ))
    };
    let mut found = listen
        .to_socket_addrs()
        .map_err(|error| unusable(error.to_string()))?;
    found
        .next()
        .ok_or_else(|| unusable("it has no address".to_owned()))
}

/// Says where it listens, and how to attach.
fn announce(
    call: &mut Call<'_>,
    name: &str,
    doors: &Doors,
    address: Option<SocketAddr>,
) -> Result<(), CliError> {
    let tls = doors.tls.is_some();
    let scheme = if tls { "wss" } else { "ws" };
    let url = address.map(|address| format!("{scheme}://{address}"));
    let unix = doors
        .unix
        .as_ref()
        .map(|path| format!("unix:{}", path.display()));
    if call.json() {
        let serving = json!({
            "serving": { "name": name, "url": url, "unix": unix, "tls": tls },
        });
        call.out.json_line(&serving)?;
        return call.out.flush();
    }
    for place in url.iter().chain(&unix) {
        call.out
            .line(&format!("serving {name}: obeya --attach {place}"))?;
    }
    if tls {
        let how = "attach by a name that stands in the certificate; one that no authority signed is named by --ca";
        call.out.tone(Tone::Muted, how)?;
    }
    if url.is_some() {
        let how = "others need a token: obeya token create --name NAME --role viewer";
        call.out.tone(Tone::Muted, how)?;
    }
    call.out.flush()
}
