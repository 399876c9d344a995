//! An operator for somebody at a console: what takes long is begun, and what it came to shows when it is recorded.

use std::{io, path::Path, sync::mpsc, thread, time::Duration};

use crate::{
    domain::{command::Submission, query::Query},
    link::{
        Answered, Asked, Beaten, Fault, GateAsk, Heartbeat, Observer, Operator, Reply, Supervised,
        Wish, remote::Attached,
    },
};

/// How long a run is waited for: what is refused is refused by then.
const REFUSED: Duration = Duration::from_secs(1);

/// As [`Attached`], but no run of a quality gate is waited for.
pub(super) struct Begun(Attached);

impl Begun {
    /// Works by a way.
    pub(super) fn over(attached: Attached) -> Begun {
        Begun(attached)
    }
}

impl Observer for Begun {
    fn ask(&mut self, query: &Query) -> Answered {
        self.0.ask(query)
    }
}

impl Operator for Begun {
    fn submit(&mut self, submission: &Submission) -> Reply {
        self.0.submit(submission)
    }

    fn heartbeat(&mut self, beat: &Heartbeat) -> Beaten {
        self.0.heartbeat(beat)
    }

    fn supervise(&mut self, wish: &Wish) -> Supervised {
        self.0.supervise(wish)
    }

    fn run_gate(&mut self, ask: &GateAsk) -> Asked {
        let (mut attached, ask) = (self.0.clone(), ask.clone());
        let (tell, told) = mpsc::sync_channel(1);
        let run = move || {
            let ran = attached.run_gate(&ask);
            tracing::info!(?ran, "a gate was run by the engine");
            // Who waited long enough does not wait any more.
            let _ = tell.try_send(ran);
        };
        let failed = |error: io::Error| Fault::io(Path::new(""), "having a gate run", &error);
        let thread = thread::Builder::new().name("gate".into());
        thread.spawn(run).map_err(failed)?;
        told.recv_timeout(REFUSED).unwrap_or(Ok(Ok(None)))
    }
}
