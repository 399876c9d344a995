//! What lies beside a ledger elsewhere, looked at again whenever the engine says that it is another.

use super::{Errands, Waits, news::Seat};
use crate::{
    domain::settings::Stage,
    link::{
        protocol::{FolderAnswer, FolderCall},
        remote::RemoteBus,
    },
    term::{Post, mail},
    ui::{line::LineSeen, mail::MailAct, msg::Msg},
};

/// Which looks wait for the worker.
#[derive(Default)]
pub(super) struct Looks {
    mail: Waits,
    line: Waits,
}

/// Looks at the bus.
pub(super) fn at_mail(looks: &Looks, errands: &Errands, seat: &Seat, post: &Post) {
    let (post, caller) = (post.clone(), seat.caller());
    errands.look(&looks.mail, move |attached| {
        match mail::look(&mut RemoteBus::new(attached.clone()), &caller) {
            Ok(seen) => post.tell(Msg::Mail(Box::new(seen))),
            Err(fault) => tracing::warn!(%fault, "messages cannot be shown"),
        }
    });
}

/// Does what was asked about a dead letter.
pub(super) fn act_on_mail(errands: &Errands, seat: &Seat, post: &Post, act: MailAct) {
    let (post, caller) = (post.clone(), seat.caller());
    errands.add(move |attached| {
        let mut bus = RemoteBus::new(attached.clone());
        for msg in mail::act_on(&mut bus, &caller, act) {
            post.tell(msg);
        }
    });
}

/// Looks at the project's file. Whether its programs are run there, is its host's to say.
pub(super) fn at_line(
    looks: &Looks,
    errands: &Errands,
    seat: &Seat,
    post: &Post,
    stages: impl FnOnce() -> Vec<Stage> + Send + 'static,
) {
    let (post, caller) = (post.clone(), seat.caller());
    errands.look(&looks.line, move |attached| {
        let problems = FolderCall::Problems { stages: stages() };
        match attached.folder(&caller, problems) {
            Ok(Ok(FolderAnswer::Problems(problems))) => {
                let untrusted = false;
                post.tell(Msg::Line(Box::new(LineSeen {
                    problems,
                    untrusted,
                })));
            }
            answered => tracing::debug!(?answered, "what is wrong in obeya.toml cannot be shown"),
        }
    });
}
