//! An engine elsewhere as an [`Operator`].

use std::{path::Path, sync::Arc, time::Duration};

use super::Remote;
use crate::{
    domain::{
        command::Submission,
        moment::Moment,
        query::{Query, life::Life},
        record::Record,
        refusal::Refusal,
    },
    engine::{Failure, Reply, supervisor::Wish},
    ledger::{Fault, FaultKind},
    link::{
        Answered, Asked, Beaten, GateAsk, Heartbeat, Observer, Operator, Standing, Supervised,
        packed,
        protocol::{Request, Response},
    },
};

/// How long an answer may take, a lost connection and its return in between included.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a gate may run: the longest that one may take, and a while to wait for its place.
const GATE_PATIENCE: Duration = Duration::from_secs(25 * 3600);

/// Somebody who works on a line elsewhere.
#[derive(Clone)]
pub struct Attached(Arc<Remote>);

impl Attached {
    /// Works by a way.
    pub fn new(remote: Arc<Remote>) -> Attached {
        Attached(remote)
    }

    /// Returns the way.
    pub fn remote(&self) -> &Arc<Remote> {
        &self.0
    }

    /// Answers a question as it would have been answered then.
    pub fn ask_then(&self, moment: Moment, query: &Query) -> Answered {
        let query = query.clone();
        match self.0.call(Request::AskThen { moment, query }, PATIENCE)? {
            Response::Answered(answered) => *answered,
            Response::Refused(refusal) => Ok(Err(refusal)),
            _ => Err(other().into()),
        }
    }

    /// Returns the line as it stood at a moment.
    ///
    /// # Errors
    ///
    /// The engine did not answer, or could not.
    pub fn stand(&self, moment: Moment) -> Result<Standing, Fault> {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let Response::Stood(stood) = self.0.call(Request::Stand(moment), PATIENCE)? else {
            return Err(other());
        };
        let stood = stood.map_err(|failure| failure.fault().clone())?;
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
        match self.0.call(Request::Recent(limit), PATIENCE)? {
            Response::Records(records) => records.map_err(|failure| failure.fault().clone()),
            _ => Err(other()),
        }
    }
}

impl Observer for Attached {
    fn ask(&mut self, query: &Query) -> Answered {
        match self.0.call(Request::Ask(query.clone()), PATIENCE)? {
            Response::Answered(answered) => *answered,
            Response::Refused(refusal) => Ok(Err(refusal)),
            _ => Err(other().into()),
        }
    }
}

impl Operator for Attached {
    fn submit(&mut self, submission: &Submission) -> Reply {
        let request = Request::Submit(Box::new(submission.clone()));
        match self.0.call(request, PATIENCE) {
            Ok(Response::Reply(reply)) => *reply,
            Ok(Response::Refused(refusal)) => Reply::Refused(refusal),
            Ok(_) => Reply::Failed(Failure::Unknown(other())),
            Err(fault) if fault.kind == FaultKind::Permission => {
                Reply::Failed(Failure::NotApplied(fault))
            }
            Err(fault) => Reply::Failed(Failure::Unknown(fault)),
        }
    }

    fn heartbeat(&mut self, beat: &Heartbeat) -> Beaten {
        match self.0.call(Request::Beat(beat.clone()), PATIENCE)? {
            Response::Beaten(beaten) => *beaten,
            Response::Refused(refusal) => Ok(Err(refusal)),
            _ => Err(other().into()),
        }
    }

    fn supervise(&mut self, wish: &Wish) -> Supervised {
        let answer: Result<Life, Refusal> =
            match self.0.call(Request::Supervise(wish.clone()), PATIENCE)? {
                Response::Supervised(answer) => *answer,
                Response::Refused(refusal) => Err(refusal),
                _ => return Err(other()),
            };
        Ok(Some(answer))
    }

    fn run_gate(&mut self, ask: &GateAsk) -> Asked {
        match self.0.call(Request::RunGate(ask.clone()), GATE_PATIENCE)? {
            Response::GateRan(ran) => *ran,
            Response::Refused(refusal) => Ok(Err(refusal)),
            _ => Err(other().into()),
        }
    }
}

fn other() -> Fault {
    let what = "the engine answered something else than was asked";
    Fault::new(FaultKind::Misuse, Path::new(""), what)
}
