//! An engine elsewhere as an [`Operator`].

use std::{path::Path, sync::Arc, time::Duration};

use uuid::Uuid;

use super::{Called, Remote, Unanswered, Unsent};
use crate::{
    domain::{
        command::{Role, Submission},
        moment::Moment,
        order::Actor,
        query::{Query, life::Life},
        record::{Head, Record, Seq},
        refusal::Refusal,
    },
    engine::{Failure, Reply, supervisor::Wish},
    ledger::{Fault, FaultKind},
    link::{
        Answered, Asked, Beaten, GateAsk, Heartbeat, Observer, Operator, Standing, Supervised,
        bus::{Caller, Ruled},
        connection::{Imported, unexpected},
        packed,
        protocol::{FolderAnswer, FolderCall, Held, Request, Response},
    },
};

/// How long an answer may take, a lost connection and its return in between included.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// How long an import may take.
const IMPORT_PATIENCE: Duration = Duration::from_secs(600);
/// How soon the connection must be back for a command that was heard when it was lost to be sent again: later it would
/// come as a surprise.
const SOON: Duration = Duration::from_secs(60);
/// How long a gate may run: the longest that one may take, and a while to wait for its place.
const GATE_PATIENCE: Duration = Duration::from_secs(25 * 3600);

/// Somebody who works on a line elsewhere.
#[derive(Clone)]
pub struct Attached(Arc<Remote>, Unsent);

impl Attached {
    /// Works by a way, and waits for a connection where there is none.
    pub fn new(remote: Arc<Remote>) -> Attached {
        Attached(remote, Unsent::Kept)
    }

    /// Works by a way, and hears at once where there is no connection that nothing was done.
    pub fn at_once(remote: Arc<Remote>) -> Attached {
        Attached(remote, Unsent::Refused)
    }

    pub(super) fn call(&self, request: Request, patience: Duration) -> Result<Response, Fault> {
        let called = self.0.call_or(request, patience, self.1);
        called.map_err(|unanswered| unanswered.fault)
    }

    /// Submits a command, and hands what came of it to `then`, from another thread: it must not block. One that was heard
    /// when the connection was lost is sent again by its id over the next one, if that comes soon.
    pub fn submit_then(&self, submission: Submission, then: impl FnOnce(Reply) + Send + 'static) {
        let request = Request::Submit(self.submission(&submission));
        let then = move |called| then(replied(called));
        self.0.call_then(request, Some(SOON), self.1, then);
    }

    /// Asks a question, as of then if a moment is given, and hands the answer to `then`, from another thread: it must not
    /// block. However long the engine is away, the question waits for it.
    pub fn ask_then_tell(
        &self,
        moment: Option<Moment>,
        query: Query,
        then: impl FnOnce(Answered) + Send + 'static,
    ) {
        let request = match moment {
            Some(moment) => Request::AskThen { moment, query },
            None => Request::Ask(query),
        };
        let then = move |called: Called| {
            then(match called {
                Ok(response) => answered(response),
                Err(unanswered) => Err(unanswered.fault.into()),
            });
        };
        self.0.call_then(request, None, Unsent::Kept, then);
    }

    /// Returns what a caller may do here: whoever attached only to look does nothing else.
    fn role(&self, role: Role) -> Role {
        match self.0.target().read_only {
            true => Role::Viewer,
            false => role,
        }
    }

    pub(super) fn caller(&self, caller: &Caller) -> Caller {
        Caller {
            actor: caller.actor.clone(),
            role: self.role(caller.role),
        }
    }

    fn submission(&self, submission: &Submission) -> Box<Submission> {
        Box::new(Submission {
            role: self.role(submission.role),
            ..submission.clone()
        })
    }

    /// Returns the way.
    pub fn remote(&self) -> &Arc<Remote> {
        &self.0
    }

    /// Answers a question as it would have been answered then.
    pub fn ask_then(&self, moment: Moment, query: &Query) -> Answered {
        let query = query.clone();
        answered(self.call(Request::AskThen { moment, query }, PATIENCE)?)
    }

    /// Returns the line as it stood at a moment.
    ///
    /// # Errors
    ///
    /// The engine did not answer, or could not.
    pub fn stand(&self, moment: Moment) -> Result<Standing, Fault> {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let stood = match self.call(Request::Stand(moment), PATIENCE)? {
            Response::Stood(stood) => stood.map_err(|failure| failure.fault().clone())?,
            response => return Err(without(response)),
        };
        let unreadable = || {
            let what = "the engine's snapshot cannot be read here: use the same version of obeya on both sides";
            Fault::new(FaultKind::NewerFormat, Path::new(""), what)
        };
        let packed = BASE64_STANDARD
            .decode(stood.snapshot)
            .map_err(|_| unreadable())?;
        let state = packed::unpack(&packed).ok_or_else(unreadable)?;
        Ok(Standing {
            state: Arc::new(state),
            now: stood.now,
        })
    }

    /// Returns the newest records, oldest first.
    ///
    /// # Errors
    ///
    /// The engine did not answer, or could not.
    pub fn recent(&self, limit: usize) -> Result<Vec<Record>, Fault> {
        match self.call(Request::Recent(limit), PATIENCE)? {
            Response::Records(records) => records.map_err(|failure| failure.fault().clone()),
            response => Err(without(response)),
        }
    }

    /// Returns the records behind one, at most so many.
    ///
    /// # Errors
    ///
    /// The engine did not answer, or could not.
    pub fn records(&self, after: Seq, limit: usize) -> Result<Vec<Record>, Fault> {
        match self.call(Request::Records { after, limit }, PATIENCE)? {
            Response::Records(records) => records.map_err(|failure| failure.fault().clone()),
            response => Err(without(response)),
        }
    }

    /// Returns the ledger's last record.
    ///
    /// # Errors
    ///
    /// The engine did not answer, or could not.
    pub fn head(&self) -> Result<Head, Fault> {
        let caller = Caller {
            actor: Actor::person("anybody"),
            role: Role::Viewer,
        };
        match self.folder(&caller, FolderCall::Head)? {
            Ok(FolderAnswer::Head(head)) => Ok(head),
            answered => Err(unexpected(answered)),
        }
    }

    /// Does what is wanted of the ledger's folder.
    ///
    /// # Errors
    ///
    /// The engine did not answer, or could not.
    pub fn folder(&self, caller: &Caller, call: FolderCall) -> Ruled<FolderAnswer> {
        let request = Request::Folder {
            caller: self.caller(caller),
            call: Box::new(call),
        };
        match self.call(request, PATIENCE)? {
            Response::Folder(answered) => *answered,
            Response::Refused(refusal) => Ok(Err(refusal)),
            _ => Err(other()),
        }
    }

    /// Has the engine hold on to the line as it is now.
    ///
    /// # Errors
    ///
    /// The engine did not answer, or could not.
    pub fn hold(&self) -> Result<Held, Fault> {
        match self.call(Request::Hold, PATIENCE)? {
            Response::Held(held) => held.map_err(|failure| failure.fault().clone()),
            response => Err(without(response)),
        }
    }

    /// Answers a question from a line that the engine holds on to.
    pub fn ask_held(&self, held: Uuid, query: &Query) -> Answered {
        let query = query.clone();
        answered(self.call(Request::AskHeld { held, query }, PATIENCE)?)
    }

    /// Has the engine take an import in.
    pub fn import(&self, reason: &str, submission: &Submission) -> Imported {
        let request = Request::Import {
            reason: reason.to_owned(),
            submission: self.submission(submission),
        };
        match self.0.call_or(request, IMPORT_PATIENCE, self.1) {
            Ok(Response::Imported(imported)) => *imported,
            called => (replied(called), None),
        }
    }
}

impl Observer for Attached {
    fn ask(&mut self, query: &Query) -> Answered {
        answered(self.call(Request::Ask(query.clone()), PATIENCE)?)
    }
}

impl Operator for Attached {
    fn submit(&mut self, submission: &Submission) -> Reply {
        let request = Request::Submit(self.submission(submission));
        replied(self.0.call_or(request, PATIENCE, self.1))
    }

    fn heartbeat(&mut self, beat: &Heartbeat) -> Beaten {
        let beat = Heartbeat {
            role: self.role(beat.role),
            ..beat.clone()
        };
        match self.call(Request::Beat(beat), PATIENCE)? {
            Response::Beaten(beaten) => *beaten,
            Response::Refused(refusal) => Ok(Err(refusal)),
            _ => Err(other().into()),
        }
    }

    fn supervise(&mut self, wish: &Wish) -> Supervised {
        let wish = Wish {
            role: self.role(wish.role),
            ..wish.clone()
        };
        let answer: Result<Life, Refusal> = match self.call(Request::Supervise(wish), PATIENCE)? {
            Response::Supervised(answer) => *answer,
            Response::Refused(refusal) => Err(refusal),
            _ => return Err(other()),
        };
        Ok(Some(answer))
    }

    fn run_gate(&mut self, ask: &GateAsk) -> Asked {
        let ask = GateAsk {
            role: self.role(ask.role),
            ..ask.clone()
        };
        match self.call(Request::RunGate(ask), GATE_PATIENCE)? {
            Response::GateRan(ran) => *ran,
            Response::Refused(refusal) => Ok(Err(refusal)),
            _ => Err(other().into()),
        }
    }
}

/// Returns what a response says to a question.
fn answered(response: Response) -> Answered {
    match response {
        Response::Answered(answered) => *answered,
        Response::Refused(refusal) => Ok(Err(refusal)),
        _ => Err(other().into()),
    }
}

/// Returns what came of a command.
fn replied(called: Called) -> Reply {
    match called {
        Ok(Response::Reply(reply)) => *reply,
        Ok(Response::Refused(refusal)) => Reply::Refused(refusal),
        Ok(_) => Reply::Failed(Failure::Unknown(other())),
        Err(Unanswered { fault, heard }) => Reply::Failed(match heard {
            true if fault.kind != FaultKind::Permission => Failure::Unknown(fault),
            _ => Failure::NotApplied(fault),
        }),
    }
}

/// Returns why a response is without what was asked for.
fn without(response: Response) -> Fault {
    match response {
        Response::Refused(refusal) => {
            Fault::new(FaultKind::Misuse, Path::new(""), refusal.to_string())
        }
        _ => other(),
    }
}

/// Returns the fault of an engine that answers something else.
pub(super) fn other() -> Fault {
    let what = "the engine answered something else than was asked";
    Fault::new(FaultKind::Misuse, Path::new(""), what)
}
