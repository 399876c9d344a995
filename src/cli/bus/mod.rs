//! `obeya bus …`: messages between agents, people and the engine.

mod follow;
mod grammar;
mod show;

use std::time::Duration;

use clap::ArgMatches;

use self::show::{deliveries, letters, message, messages};
use super::{
    context::{Call, text, value, values, word},
    error::{CliError, Done},
    work_order::given,
};
use crate::{
    domain::{
        message::{Address, DeliveryView, Draft, MessageSeq, MessageView, Name, Reader},
        refusal::Refusal,
        time::SECOND,
    },
    link::{
        self,
        bus::{Broker, Caller, Letters, MAX_TIMEOUT, settings},
    },
};

pub(super) use grammar::grammar;

/// How many messages a list shows where nobody says how many.
const SHOWN: usize = 100;

/// The most that one call takes from an inbox.
const TAKEN: usize = 1_000;

/// How long a request waits where nobody says how long: longer than a program takes, shorter than a person's patience.
const TIMEOUT: i64 = 5 * SECOND;

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>) -> Done {
    let Some((verb, matches)) = matches.subcommand() else {
        return Ok(());
    };
    let looks = matches!(verb, "topics" | "replay")
        || (verb == "dead-letters" && action(matches) == "list");
    if !looks {
        call.no_dry_run("What happens to a message")?;
    }
    if verb == "subscribe" {
        call.shell_only("bus subscribe")?;
    }
    let home = call.beside()?;
    let (_, problems) = settings(&home);
    if !call.is_lent() {
        problems
            .iter()
            .for_each(|problem| eprintln!("warning: {problem}"));
    }
    let broker = &mut Broker::open(&home)?;
    match verb {
        "topics" => show::overview(call, &broker.overview()?),
        "publish" => publish(matches, call, broker),
        "subscribe" => follow::run(matches, call, broker),
        "unsubscribe" => unsubscribe(matches, call, broker),
        "request" => request(matches, call, broker),
        "reply" => reply(matches, call, broker),
        "replay" => replay(matches, call, broker),
        "inbox" => inbox(matches, call, broker),
        "ack" => acknowledge(matches, call, broker),
        "refuse" => refuse(matches, call, broker),
        "dead-letters" => dead_letters(matches, call, broker),
        _ => Err(CliError::Usage(format!("there is no verb '{verb}'"))),
    }
}

fn action(matches: &ArgMatches) -> &str {
    match word(matches, "action") {
        "" => "list",
        action => action,
    }
}

fn seqs(matches: &ArgMatches) -> Vec<MessageSeq> {
    values(matches, "seq")
}

fn limit(matches: &ArgMatches) -> usize {
    value(matches, "limit").unwrap_or(SHOWN)
}

/// Returns where a message goes.
fn address(matches: &ArgMatches) -> Result<Address, CliError> {
    value(matches, "address").ok_or_else(|| CliError::Usage("an address is needed".into()))
}

/// Returns whose messages are meant: a subscriber's, or those of an inbox, the caller's own if none is named.
fn reader(matches: &ArgMatches, caller: &Caller) -> Result<Reader, CliError> {
    match (
        value::<Address>(matches, "of"),
        value::<Name>(matches, "name"),
    ) {
        (Some(address), name) => reader_of(address, name),
        (None, Some(_)) => Err(CliError::Usage("--name needs --of TOPIC".into())),
        (None, None) => own(caller),
    }
}

fn reader_of(address: Address, name: Option<Name>) -> Result<Reader, CliError> {
    match (address, name) {
        (Address::Topic(topic), Some(name)) => Ok(Reader::of_topic(topic, name)),
        (Address::Topic(topic), None) => Err(CliError::Usage(format!(
            "a subscriber of {topic} has a name: give --name"
        ))),
        (Address::Inbox(_), Some(_)) => Err(CliError::Usage(
            "those who look after an inbox share it: leave --name out".into(),
        )),
        (Address::Inbox(name), None) => Ok(Reader::of_inbox(name)),
    }
}

/// Returns the inbox of whoever acts.
fn own(caller: &Caller) -> Result<Reader, CliError> {
    let name = caller.actor.name.parse().map_err(CliError::Usage)?;
    Ok(Reader::of_inbox(name))
}

/// Returns a message from what was typed.
fn draft(matches: &ArgMatches, call: &Call<'_>, caller: &Caller) -> Result<Draft, CliError> {
    let body = given(call, word(matches, "body"))?;
    // What is piped ends with the line's end, which nobody meant to send.
    let body = body.strip_suffix('\n').unwrap_or(&body);
    let mut draft = Draft::new(address(matches)?, caller.actor.clone(), body);
    draft.key = text(matches, "key");
    draft.correlation = value(matches, "correlation");
    draft.reply_to = value(matches, "reply-to");
    draft.expires = value::<i64>(matches, "ttl").map(|span| link::now().plus(span));
    Ok(draft)
}

fn publish(matches: &ArgMatches, call: &mut Call<'_>, broker: &mut Broker) -> Done {
    let caller = call.caller();
    let draft = draft(matches, call, &caller)?;
    let address = draft.address.clone();
    let sent = broker.publish(&caller, vec![draft])??;
    for sent in sent {
        if call.json() {
            call.out.json(&sent)?;
            continue;
        }
        let again = match sent.fresh {
            true => "",
            false => " before, under this key",
        };
        call.out
            .line(&format!("sent to {address} as {}{again}", sent.seq))?;
    }
    Ok(())
}

fn request(matches: &ArgMatches, call: &mut Call<'_>, broker: &mut Broker) -> Done {
    let caller = call.caller();
    let draft = draft(matches, call, &caller)?;
    let timeout = value::<i64>(matches, "timeout").unwrap_or(TIMEOUT);
    let timeout = Duration::from_micros(timeout.unsigned_abs());
    if timeout > MAX_TIMEOUT {
        return Err(CliError::Usage(
            "a request waits an hour at most: give a shorter --timeout".into(),
        ));
    }
    if timeout.as_micros() > u128::from(TIMEOUT.unsigned_abs()) {
        // Every other line would wait too.
        call.shell_only("A request that waits longer than 5s")?;
    }
    let answer = MessageView::from(&broker.request(&caller, draft, timeout)??);
    match call.json() {
        true => call.out.json(&answer),
        false => call.out.block(0, &answer.text()),
    }
}

fn reply(matches: &ArgMatches, call: &mut Call<'_>, broker: &mut Broker) -> Done {
    let caller = call.caller();
    let body = given(call, word(matches, "body"))?;
    let reader = match matches.contains_id("of") {
        true => Some(reader(matches, &caller)?),
        false => None,
    };
    let Some(seq) = seqs(matches).first().copied() else {
        return Err(CliError::Usage("a message is needed".into()));
    };
    let sent = broker.reply(&caller, reader.as_ref(), seq, body)??;
    match call.json() {
        true => call.out.json(&sent),
        false => call.out.line(&format!("answered {seq} as {}", sent.seq)),
    }
}

fn unsubscribe(matches: &ArgMatches, call: &mut Call<'_>, broker: &mut Broker) -> Done {
    let caller = call.caller();
    let reader = reader_of(address(matches)?, value(matches, "name"))?;
    let done = broker.unsubscribe(&caller, &reader)??;
    if call.json() {
        return call.out.json(&serde_json::json!({ "changed": done }));
    }
    call.out.line(match done {
        true => "forgotten, with what it had not acknowledged",
        false => "nothing to change",
    })
}

fn replay(matches: &ArgMatches, call: &mut Call<'_>, broker: &mut Broker) -> Done {
    let (after, since) = follow::from(matches, 0);
    let address = address(matches)?;
    let found = broker.replay(Some(&address), after, since, limit(matches))?;
    let found: Vec<MessageView> = found.iter().map(MessageView::from).collect();
    messages(call, &found)
}

fn inbox(matches: &ArgMatches, call: &mut Call<'_>, broker: &mut Broker) -> Done {
    let caller = call.caller();
    let reader = match value::<Name>(matches, "inbox") {
        Some(name) => Reader::of_inbox(name),
        None => own(&caller)?,
    };
    let limit = limit(matches);
    let (take, ack) = (matches.get_flag("take"), matches.get_flag("ack"));
    if !take && !ack {
        return deliveries(call, &reader, &broker.pending(&reader, limit)?);
    }
    let taken = broker.take(&caller, &reader, limit.min(TAKEN))??;
    let shown: Vec<DeliveryView> = taken.iter().map(DeliveryView::from).collect();
    deliveries(call, &reader, &shown)?;
    // Only what was written somewhere is acknowledged.
    call.out.flush()?;
    if ack {
        let seqs: Vec<_> = taken.iter().map(|taken| taken.message.seq).collect();
        broker.acknowledge(&caller, &reader, &seqs)??;
    }
    Ok(())
}

/// Returns the refusal for messages that are not in the reader's hands.
fn not_held() -> CliError {
    Refusal::invalid(
        "message",
        "not in these hands: it was acknowledged, is dead, or was never given out; `obeya bus inbox` shows what is",
    )
    .into()
}

fn acknowledge(matches: &ArgMatches, call: &mut Call<'_>, broker: &mut Broker) -> Done {
    let caller = call.caller();
    let (reader, seqs) = (reader(matches, &caller)?, seqs(matches));
    if matches.get_flag("through") {
        let last = seqs.iter().copied().max().unwrap_or_default();
        broker.acknowledge_through(&caller, &reader, last)??;
        return match call.json() {
            true => call.out.json(&serde_json::json!({ "through": last })),
            false => call
                .out
                .line(&format!("acknowledged everything up to {last}")),
        };
    }
    let done = broker.acknowledge(&caller, &reader, &seqs)??;
    if done == 0 {
        return Err(not_held());
    }
    match call.json() {
        true => call.out.json(&serde_json::json!({ "acknowledged": done })),
        false => call
            .out
            .line(&format!("acknowledged {done} of {}", seqs.len())),
    }
}

fn refuse(matches: &ArgMatches, call: &mut Call<'_>, broker: &mut Broker) -> Done {
    let caller = call.caller();
    let reader = reader(matches, &caller)?;
    let note = word(matches, "reason");
    for seq in seqs(matches) {
        if !broker.refuse(&caller, &reader, seq, note)?? {
            return Err(not_held());
        }
        match call.json() {
            true => call.out.json(&serde_json::json!({ "refused": seq }))?,
            false => call
                .out
                .line(&format!("refused {seq}: it is a dead letter now"))?,
        }
    }
    Ok(())
}

fn dead_letters(matches: &ArgMatches, call: &mut Call<'_>, broker: &mut Broker) -> Done {
    let action = action(matches);
    if action == "list" {
        return letters(call, &broker.dead_letters(limit(matches))?);
    }
    let numbers: Vec<u64> = values(matches, "number");
    let meant = match (matches.get_flag("all"), numbers.is_empty()) {
        (true, _) => Letters::All,
        (false, false) => Letters::These(numbers),
        (false, true) => {
            let why = format!("name the dead letters to {action}, or give --all");
            return Err(CliError::Usage(why));
        }
    };
    let caller = call.caller();
    let (done, past) = match action {
        "requeue" => (broker.requeue(&caller, &meant)??, "requeued"),
        _ => (broker.purge(&caller, &meant)??, "purged"),
    };
    match call.json() {
        true => call.out.json(&serde_json::json!({ past: done })),
        false => call.out.line(&format!("{past} {done}")),
    }
}
