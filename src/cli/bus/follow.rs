//! `obeya bus subscribe`: one line a message as they come, until somebody ends it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use clap::ArgMatches;

use super::{
    super::{
        context::{Call, value},
        error::Done,
        watch::end_when_told,
    },
    address,
    grammar::From,
    message, reader_of,
};
use crate::{
    domain::{
        message::{Address, DeliveryView, MessageSeq, MessageView, Name, Reader},
        time::Timestamp,
    },
    link::{
        self, Fault,
        bus::{MessageBus, Start},
    },
};

/// How long one wait lasts; then it waits again.
const PATIENCE: Duration = Duration::from_secs(3600);

/// How many messages are read at once where nobody acknowledges them.
const PAGE: usize = 1_000;

/// Returns behind which message, and since when, a reading begins; behind `otherwise` where nothing was said.
pub(super) fn from(matches: &ArgMatches, otherwise: MessageSeq) -> (MessageSeq, Option<Timestamp>) {
    match value::<From>(matches, "from") {
        Some(From::Seq(seq)) => (seq.saturating_sub(1), None),
        Some(since) => (0, since.since(link::now())),
        None => (otherwise, None),
    }
}

pub(super) fn run(matches: &ArgMatches, call: &mut Call<'_>, bus: &mut dyn MessageBus) -> Done {
    let address = address(matches)?;
    let name = value::<Name>(matches, "name");
    let over = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&over);
    end_when_told(move || told.store(true, Ordering::Relaxed))
        .map_err(|error| Fault::io("".as_ref(), "listening to signals", &error))?;
    match (&address, &name) {
        (Address::Topic(_), None) => look_on(matches, call, bus, &address, &over),
        _ => {
            let reader = reader_of(address, name)?;
            take(matches, call, bus, &reader, &over)
        }
    }
}

fn is_over(over: &AtomicBool) -> bool {
    over.load(Ordering::Relaxed)
}

/// Takes one message after the other: each is printed before it is acknowledged, so that whoever reads has it.
fn take(
    matches: &ArgMatches,
    call: &mut Call<'_>,
    bus: &mut dyn MessageBus,
    reader: &Reader,
    over: &AtomicBool,
) -> Done {
    let caller = call.caller();
    let start = match value::<From>(matches, "from") {
        Some(From::Seq(seq)) => Start::After(seq.saturating_sub(1)),
        Some(from) => from.since(link::now()).map_or(Start::Here, Start::Since),
        None => Start::Here,
    };
    let mut seen = bus.last(&caller)?;
    bus.subscribe(&caller, reader, start)??;
    let acknowledges = !matches.get_flag("no-ack");
    let mut left = value::<u64>(matches, "count").unwrap_or(u64::MAX);
    while left > 0 && !is_over(over) {
        let Some(delivery) = bus.take(&caller, reader, 1)??.pop() else {
            seen = bus.wait(&caller, reader.address(), seen, PATIENCE)?;
            continue;
        };
        let view = DeliveryView::from(&delivery);
        match call.json() {
            true => call.out.json_line(&view)?,
            false => message(call, &view.message)?,
        }
        call.out.flush()?;
        if acknowledges {
            bus.acknowledge(&caller, reader, &[delivery.message.seq])??;
        }
        left -= 1;
    }
    call.out.flush()
}

/// Prints what comes, and changes nothing.
fn look_on(
    matches: &ArgMatches,
    call: &mut Call<'_>,
    bus: &mut dyn MessageBus,
    address: &Address,
    over: &AtomicBool,
) -> Done {
    let caller = call.caller();
    let mut seen = bus.last(&caller)?;
    let (mut after, since) = from(matches, seen);
    let mut left = value::<u64>(matches, "count").unwrap_or(u64::MAX);
    while left > 0 && !is_over(over) {
        let page = usize::try_from(left).unwrap_or(PAGE).min(PAGE);
        let found = bus.replay(&caller, Some(address), after, since, page)?;
        if found.is_empty() {
            seen = bus.wait(&caller, address, seen, PATIENCE)?;
            continue;
        }
        for found in &found {
            let view = MessageView::from(found);
            match call.json() {
                true => call.out.json_line(&view)?,
                false => message(call, &view)?,
            }
            (after, left) = (found.seq, left.saturating_sub(1));
        }
        call.out.flush()?;
    }
    call.out.flush()
}
