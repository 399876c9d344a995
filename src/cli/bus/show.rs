//! Messages, printed.

use super::super::{
    context::Call,
    error::Done,
    output::Tone,
    table::{Cell, Table, cell, flex, left, maybe, right},
};
use crate::domain::message::{
    Address, BusView, DeadLetterView, DeliveryView, MessageView, Reader, delivery::DeliveryState,
};

/// Prints one message as a line that is not cut: whoever reads on may need all of it.
pub(super) fn message(call: &mut Call<'_>, message: &MessageView) -> Done {
    let head = format!("{:>6}  {}  ", message.seq, message.at);
    let sender = format!("{}  ", message.sender);
    call.out.whole(&[
        (Tone::Muted, &head),
        (Tone::Muted, &sender),
        (Tone::Plain, &message.line()),
    ])
}

/// Prints messages, oldest first.
pub(super) fn messages(call: &mut Call<'_>, found: &[MessageView]) -> Done {
    if call.json() {
        return call.out.json(&found);
    }
    if found.is_empty() {
        return call.out.line("no messages");
    }
    found.iter().try_for_each(|found| message(call, found))
}

/// Prints what a reader has not acknowledged.
pub(super) fn deliveries(call: &mut Call<'_>, reader: &Reader, found: &[DeliveryView]) -> Done {
    if call.json() {
        return call.out.json(&found);
    }
    if found.is_empty() {
        return call
            .out
            .line(&format!("nothing waits in {}", reader.address()));
    }
    let mut table = Table::new([
        right("SEQ"),
        left("STATE"),
        right("TRY").drop(3),
        left("SENT").drop(2),
        left("FROM").drop(1),
        left("ANSWER").drop(4),
        flex("BODY"),
    ]);
    for delivery in found {
        let message = &delivery.message;
        let tone = match delivery.state {
            DeliveryState::Delivered => Tone::Warn,
            _ => Tone::Plain,
        };
        table.row([
            cell(message.seq),
            Cell::toned(tone, delivery.state),
            cell(delivery.attempts),
            cell(message.at),
            cell(&message.sender),
            maybe(message.reply_to.as_ref().map(|_| "wanted")),
            cell(message.line()),
        ]);
    }
    call.out.table(&table)
}

/// Prints dead letters, newest first.
pub(super) fn letters(call: &mut Call<'_>, found: &[DeadLetterView]) -> Done {
    if call.json() {
        return call.out.json(&found);
    }
    if found.is_empty() {
        return call.out.line("no dead letters");
    }
    let mut table = Table::new([
        right("N"),
        left("REASON"),
        left("TO"),
        left("FOR").drop(2),
        right("TRIES").drop(4),
        left("DEAD SINCE").drop(3),
        left("FROM").drop(1),
        flex("BODY"),
    ]);
    for letter in found {
        let body = match letter.note.is_empty() {
            true => letter.message.line(),
            false => format!("{} — {}", letter.note, letter.message.line()),
        };
        let subscriber = letter.subscriber.as_ref().filter(|_| {
            // An inbox' own name says nothing new.
            matches!(letter.message.address, Address::Topic(_))
        });
        table.row([
            cell(letter.number),
            Cell::toned(Tone::Bad, letter.reason),
            cell(&letter.message.address),
            maybe(subscriber),
            cell(letter.attempts),
            cell(letter.dead_at),
            cell(&letter.message.sender),
            cell(body),
        ]);
    }
    call.out.table(&table)
}

/// Prints every topic and inbox, with who takes from it.
pub(super) fn overview(call: &mut Call<'_>, bus: &BusView) -> Done {
    if call.json() {
        return call.out.json(bus);
    }
    let mut table = Table::new([
        left("ADDRESS"),
        right("KEPT"),
        right("LAST").drop(2),
        left("SENT").drop(1),
        left("SUBSCRIBER"),
        right("QUEUED"),
        right("DELIVERED"),
    ]);
    for place in &bus.addresses {
        let mut head = [
            cell(&place.address),
            cell(place.messages),
            maybe(place.last_seq),
            maybe(place.last_at),
        ];
        if place.subscribers.is_empty() {
            let [address, kept, last, sent] = head;
            table.row([address, kept, last, sent, cell(""), cell(""), cell("")]);
            continue;
        }
        for subscriber in &place.subscribers {
            let [address, kept, last, sent] = std::mem::take(&mut head);
            let name = match place.address {
                Address::Topic(_) => cell(&subscriber.name),
                Address::Inbox(_) => cell(""),
            };
            table.row([
                address,
                kept,
                last,
                sent,
                name,
                cell(subscriber.queued),
                cell(subscriber.delivered),
            ]);
        }
    }
    call.out.table(&table)?;
    match bus.dead_letters {
        0 => Ok(()),
        1 => call.out.tone(Tone::Bad, "1 dead letter"),
        n => call.out.tone(Tone::Bad, &format!("{n} dead letters")),
    }
}
