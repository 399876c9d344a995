//! What can be typed after `obeya bus`.

use clap::{ArgAction, Command, builder::PossibleValuesParser};
use uuid::Uuid;

use super::super::{
    arguments::{flag, limit, option, positional, prose, reads, verb, verbs},
    duration::{self, Since},
};
use crate::domain::{
    message::{Address, MessageSeq, Name},
    time::Timestamp,
};

const NOUN: &str = "bus";

const AFTER: &str = "\
A topic is read by everybody: work_order_events, quality_gate_events,
agent_status_events, andon_alerts, system_events, coordination_events. @NAME is
the inbox of an agent or a role.

Examples:
  obeya bus publish coordination_events '{\"ready\":\"api\"}'
  obeya bus subscribe work_order_events --name deployer
  obeya bus request @tester \"is WO-001 covered?\" --timeout 30s
  obeya bus inbox --take
  obeya bus reply 12 \"yes\"
  obeya bus dead-letters requeue 3

A message is delivered at least once. Who takes one has 30 s to acknowledge it;
then it is given out again, five times at most, and then it is a dead letter.";

/// Where to begin: at a message, or at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// With this message.
    Seq(MessageSeq),
    /// With what was sent since.
    Since(Since),
}

impl From {
    /// Returns the moment, if it is one.
    pub(super) fn since(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            From::Seq(_) => None,
            From::Since(since) => Some(since.at(now)),
        }
    }
}

fn from(text: &str) -> Result<From, String> {
    match text.trim().parse() {
        Ok(seq) => Ok(From::Seq(seq)),
        Err(_) => duration::since(text).map(From::Since),
    }
}

fn address() -> clap::Arg {
    positional(
        "address",
        "ADDRESS",
        "A topic, or @NAME for the inbox of an agent or a role",
    )
    .value_parser(reads(str::parse::<Address>))
}

fn body() -> clap::Arg {
    positional(
        "body",
        "BODY",
        "What to say: text, or a JSON object or list; - reads standard input",
    )
    .allow_hyphen_values(true)
}

fn name(help: &'static str) -> clap::Arg {
    option("name", "NAME", help).value_parser(reads(str::parse::<Name>))
}

fn of() -> [clap::Arg; 2] {
    [
        option(
            "of",
            "ADDRESS",
            "Whose message it is: @NAME or, with --name, a topic. Your own inbox, if not given",
        )
        .value_parser(reads(str::parse::<Address>)),
        name("The subscriber of the topic"),
    ]
}

fn seq() -> clap::Arg {
    positional("seq", "SEQ", "The message, by its number")
        .value_parser(clap::value_parser!(MessageSeq))
}

fn start() -> clap::Arg {
    option(
        "from",
        "SEQ|TIME",
        "Begin with this message, or with what was sent since: 40, 10m, 2026-02-01",
    )
    .value_parser(reads(from))
}

fn headers() -> [clap::Arg; 3] {
    [
        prose("key", "TEXT", "Send it once, however often this is called"),
        option("correlation", "UUID", "The conversation it belongs to")
            .value_parser(clap::value_parser!(Uuid)),
        option("ttl", "SPAN", "How long it is worth anything, like 10m")
            .value_parser(reads(duration::span)),
    ]
}

pub(in crate::cli) fn grammar(noun: Command) -> Command {
    let whole = |name: &'static str| {
        option(
            name,
            "SPAN",
            "How long to wait for the answer; 5s, if not given",
        )
        .value_parser(reads(duration::span))
    };
    verbs(
        noun,
        [
            verb(NOUN, "topics"),
            verb(NOUN, "publish")
                .args([address(), body()])
                .args(headers())
                .arg(
                    option("reply-to", "ADDRESS", "Where an answer goes")
                        .value_parser(reads(str::parse::<Address>)),
                ),
            verb(NOUN, "subscribe").args([
                address(),
                name("Be remembered by this name: each message once it is acknowledged, however often you come back"),
                start(),
                flag("no-ack", "Acknowledge nothing: `obeya bus ack` does"),
                option("count", "N", "End after so many messages")
                    .value_parser(clap::value_parser!(u64)),
            ]),
            verb(NOUN, "unsubscribe").args([address(), name("The subscriber")]),
            verb(NOUN, "request")
                .args([address(), body()])
                .arg(whole("timeout")),
            verb(NOUN, "reply").args([seq(), body()]).args(of()),
            verb(NOUN, "replay").args([address(), start(), limit()]),
            verb(NOUN, "inbox").args([
                positional("inbox", "NAME", "Whose; your own, if not given")
                    .required(false)
                    .value_parser(reads(|text| {
                        text.strip_prefix('@').unwrap_or(text).parse::<Name>()
                    })),
                flag("take", "Take them: acknowledge or answer each, or it comes again"),
                flag("ack", "Take them and acknowledge them").conflicts_with("take"),
                limit(),
            ]),
            verb(NOUN, "ack")
                .arg(seq().action(ArgAction::Append).num_args(1..))
                .args(of())
                .arg(flag("through", "Everything up to it too, read or not")),
            verb(NOUN, "refuse").arg(seq()).args(of()).arg(
                prose("reason", "TEXT", "Why it cannot be done").required(true),
            ),
            verb(NOUN, "dead-letters").args([
                positional("action", "ACTION", "list (if not given), requeue or purge")
                    .required(false)
                    .value_parser(PossibleValuesParser::new(["list", "requeue", "purge"])),
                positional("number", "N", "Which, by number")
                    .required(false)
                    .action(ArgAction::Append)
                    .num_args(0..)
                    .value_parser(clap::value_parser!(u64)),
                flag("all", "Every one"),
                limit(),
            ]),
        ],
    )
    .after_help(AFTER)
}
