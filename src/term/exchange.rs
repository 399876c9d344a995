//! What a console says to an engine, and what comes of it as messages to the loop: the same wherever the engine is.

use uuid::Uuid;

use crate::{
    cli::LineOutput,
    domain::{
        command::{Command, Submission},
        record::Door,
        time::Timestamp,
    },
    link::{self, Answered, Reply, bus::Caller},
    ui::{
        effect::Ticket,
        msg::{Failure, Msg},
    },
};

/// Returns a command of whoever sits here, about a claim if its number is given, and about an order that has not changed
/// since if a time is.
pub(super) fn submission(
    caller: Caller,
    command: Command,
    epoch: Option<u32>,
    as_of: Option<Timestamp>,
) -> Submission {
    Submission {
        id: Uuid::now_v7(),
        actor: caller.actor,
        role: caller.role,
        door: Door::Console,
        uid: link::uid(),
        epoch,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of,
        command,
    }
}

/// Returns what came of a command.
pub(super) fn submitted(ticket: Ticket, reply: Reply) -> Msg {
    let outcome = match reply {
        Reply::Done(outcome) => Ok(outcome.records),
        Reply::Refused(refusal) => Err(Failure::Refused(refusal)),
        Reply::Failed(failure) => Err(Failure::Fault(failure.to_string())),
    };
    Msg::Submitted { ticket, outcome }
}

/// Returns what came of a question.
pub(super) fn answered(ticket: Ticket, answered: Answered) -> Msg {
    let answer = match answered {
        Ok(Ok(answer)) => Ok(Box::new(answer)),
        Ok(Err(refusal)) => Err(Failure::Refused(refusal)),
        // Whether something was written is no matter of a question.
        Err(failure) => Err(Failure::Fault(failure.fault().to_string())),
    };
    Msg::Answered { ticket, answer }
}

/// Returns what a line of the command line's grammar printed.
pub(super) fn printed(ticket: Ticket, printed: LineOutput) -> Msg {
    let output = match printed.failed {
        true => Err(printed.text),
        false => Ok(printed.text),
    };
    Msg::Printed { ticket, output }
}
