//! What the audit says of what was asked and answered.

use crate::{
    domain::{order::Actor, refusal::Refusal},
    link::{
        Reply,
        access::AuditOutcome,
        bus::Ruled,
        protocol::{Request, Response},
    },
};

/// Returns who a request says to come from.
pub(super) fn claimed(request: &Request) -> Option<Actor> {
    match request {
        Request::Submit(submission) => Some(submission.actor.clone()),
        Request::Beat(beat) => Some(beat.actor.clone()),
        Request::Import { submission, .. } => Some(submission.actor.clone()),
        Request::Bus { caller, .. } | Request::Folder { caller, .. } => Some(caller.actor.clone()),
        _ => None,
    }
}

/// Returns what the audit says of an answer: every refusal for want of a right, and whatever was done or tried.
pub(super) fn noted(response: &Response, acts: bool) -> Option<AuditOutcome> {
    let refused = |refusal: &Refusal| {
        Some(AuditOutcome::Refused {
            code: refusal.rule().into(),
        })
    };
    match response {
        Response::Refused(refusal) => refused(refusal),
        _ if !acts => None,
        Response::Reply(reply) => match reply.as_ref() {
            Reply::Done(outcome) if outcome.dry_run => None,
            Reply::Done(outcome) => Some(AuditOutcome::Done {
                first_seq: outcome.records.first().map(|record| record.seq),
                last_seq: outcome.records.last().map(|record| record.seq),
            }),
            Reply::Refused(refusal) => refused(refusal),
            Reply::Failed(_) => Some(AuditOutcome::Failed),
        },
        Response::Supervised(answer) => match answer.as_ref() {
            Ok(_) => Some(AuditOutcome::DONE),
            Err(refusal) => refused(refusal),
        },
        Response::Imported(imported) => noted(&Response::Reply(Box::new(imported.0.clone())), acts),
        Response::Bus(done) => Some(ruled(done)),
        Response::Folder(done) => Some(ruled(done)),
        Response::GateRan(ran) => match ran.as_ref() {
            Ok(Ok(_)) => Some(AuditOutcome::DONE),
            Ok(Err(refusal)) => refused(refusal),
            Err(_) => Some(AuditOutcome::Failed),
        },
        _ => Some(AuditOutcome::DONE),
    }
}

fn ruled<T>(done: &Ruled<T>) -> AuditOutcome {
    match done {
        Ok(Ok(_)) => AuditOutcome::DONE,
        Ok(Err(refusal)) => AuditOutcome::Refused {
            code: refusal.rule().into(),
        },
        Err(_) => AuditOutcome::Failed,
    }
}
