//! The tool `messages`: the inbox, and what is sent.

use serde_json::{Value, json};

use super::{
    answers::{ROWS, cut, then},
    arguments::{Action, Messages},
    snag::Snag,
    tools::Done,
    visit::Visit,
};
use crate::{
    domain::{
        message::{Address, DeliveryView, Draft, Reader},
        refusal::Refusal,
    },
    text,
};

/// The longest body that an answer holds, in characters.
const BODY: usize = 2_000;

/// Answers `messages`.
pub(super) fn messages(visit: &mut Visit, arguments: Messages) -> Done {
    visit.no_dry_run("What happens to a message")?;
    match arguments.action {
        Action::Read => read(visit, &arguments),
        Action::Ack => acknowledge(visit, &arguments),
        Action::Send => send(visit, arguments),
        Action::Reply => reply(visit, arguments),
    }
}

/// Returns whose messages are meant: those of the caller's inbox, of another one, or of a topic under the caller's name.
fn reader(visit: &Visit, address: Option<&str>) -> Result<Reader, Snag> {
    let nameless = |why: String| {
        let way = "start the server with --agent NAME to have one";
        Snag::Usage(format!("this caller has no inbox, since {why}; {way}."))
    };
    let name = visit.actor.name.parse().map_err(nameless)?;
    Ok(match address {
        None => Reader::of_inbox(name),
        Some(address) => match parsed(address)? {
            Address::Inbox(inbox) => Reader::of_inbox(inbox),
            Address::Topic(topic) => Reader::of_topic(topic, name),
        },
    })
}

fn parsed(address: &str) -> Result<Address, Snag> {
    let wrong = |why: String| Refusal::invalid("address", why).into();
    address.parse().map_err(wrong)
}

fn read(visit: &mut Visit, arguments: &Messages) -> Done {
    let reader = reader(visit, arguments.address.as_deref())?;
    let (mut broker, caller) = visit.bus()?;
    let taken = broker.take(&caller, &reader, ROWS)??;
    let shown: Vec<DeliveryView> = taken.iter().map(DeliveryView::from).collect();
    let next = match shown.len() {
        0 => "Nothing waits there.".to_owned(),
        ROWS => "Deal with them and call messages with action ack and their seqs; there may be more then.".into(),
        _ => "Deal with them and call messages with action ack and their seqs, or they are given out again.".into(),
    };
    Ok(then(listed(&shown), next))
}

/// Returns what waits in the caller's inbox, and takes nothing.
pub(super) fn waiting(visit: &mut Visit) -> Done {
    let reader = reader(visit, None)?;
    let (mut broker, _) = visit.bus()?;
    Ok(listed(&broker.pending(&reader, ROWS)?))
}

fn listed(deliveries: &[DeliveryView]) -> Value {
    let messages: Vec<Value> = deliveries
        .iter()
        .map(|delivery| {
            let message = &delivery.message;
            let (body, more) = cut(&message.text(), BODY);
            let mut shown = json!({
                "seq": message.seq,
                "from": text::clean(&message.sender.name),
                "to": text::clean(&message.address.to_string()),
                "at": message.at,
                "body": body,
            });
            if more {
                shown["cut"] = true.into();
            }
            if message.reply_to.is_some() {
                shown["wants_reply"] = true.into();
            }
            shown
        })
        .collect();
    json!({ "messages": messages })
}

fn seqs(arguments: &Messages) -> Result<&[u64], Snag> {
    match arguments.seqs.as_deref() {
        None | Some([]) => Err(Snag::Usage(
            "seqs are needed: those of the messages.".into(),
        )),
        Some(seqs) => Ok(seqs),
    }
}

fn acknowledge(visit: &mut Visit, arguments: &Messages) -> Done {
    let reader = reader(visit, arguments.address.as_deref())?;
    let seqs = seqs(arguments)?;
    let (mut broker, caller) = visit.bus()?;
    let done = broker.acknowledge(&caller, &reader, seqs)??;
    if done == 0 {
        let why = "not in your hands: acknowledged before, dead, or never given out; action read gives out what waits";
        return Err(Refusal::invalid("seqs", why).into());
    }
    Ok(json!({ "acknowledged": done }))
}

fn body(body: Option<String>) -> Result<String, Snag> {
    body.ok_or_else(|| Snag::Usage("a body is needed.".into()))
}

fn send(visit: &mut Visit, arguments: Messages) -> Done {
    let Some(address) = arguments.address.as_deref() else {
        let what = "an address is needed: @NAME for an inbox, or a topic.";
        return Err(Snag::Usage(what.into()));
    };
    let address = parsed(address)?;
    let (mut broker, caller) = visit.bus()?;
    let draft = Draft::new(address, caller.actor.clone(), body(arguments.body)?);
    let sent = broker.publish(&caller, vec![draft])??;
    Ok(json!({ "sent": sent.first().map(|sent| sent.seq) }))
}

fn reply(visit: &mut Visit, arguments: Messages) -> Done {
    let seqs = seqs(&arguments)?;
    let [seq] = seqs else {
        return Err(Snag::Usage(
            "one seq is needed: that of the request.".into(),
        ));
    };
    let seq = *seq;
    let (mut broker, caller) = visit.bus()?;
    let sent = broker.reply(&caller, None, seq, body(arguments.body)?)??;
    Ok(json!({ "answered": seq, "sent": sent.seq }))
}
