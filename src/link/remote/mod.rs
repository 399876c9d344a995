//! An engine elsewhere: asked, told and followed over a websocket that comes and goes.
//!
//! One thread with one connection. Calls are kept until they are answered, and asked again after a connection was lost
//! where asking twice does nothing twice; commands carry an id, so that one that was applied is not applied again.

mod bus;
mod calls;
mod dial;
mod line;
mod mirror;
mod operator;
mod pace;
mod target;
mod token;

use std::{
    path::Path,
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

pub use bus::RemoteBus;
pub use calls::{Called, Unanswered, Unsent};
pub use mirror::{Mirror, MirrorNews};
pub use operator::Attached;
pub use pace::Pace;
pub use target::{Address, Target};
pub use token::Token;

use self::{calls::Calls, line::Line};
use super::protocol::{
    Request, Response,
    socket::{Beside, Follow, Welcome},
};
use crate::{
    domain::{
        record::{Record, Seq},
        time::Timestamp,
    },
    ledger::{Fault, FaultKind},
};

/// How the engine is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// What is known is what is so.
    Live,
    /// Connected, but nothing has come since then.
    Late {
        /// When something came last.
        since: Timestamp,
    },
    /// Not connected; what is known is as of then.
    Down {
        /// Since when.
        since: Timestamp,
        /// Why, and what to do about it.
        why: String,
        /// When the next try is.
        next_try: Timestamp,
        /// Whether the engine answered, and does not want this caller.
        denied: bool,
    },
}

/// What a follower hears.
pub enum Heard {
    /// The engine's introduction, at every connection.
    Welcome(Box<Welcome>),
    /// A whole version, packed.
    Snapshot(Vec<u8>),
    /// Records, and whether others of the same commit follow.
    Records(Vec<Record>, bool),
    /// The engine is alive, at its time, and its version ends with this record.
    Beat(Timestamp, Seq),
    /// Something beside the ledger is another.
    Stirred(Beside),
    /// How the engine is reached is another.
    Link(LinkState),
}

/// What is done with what is heard.
pub trait Follower: Send {
    /// Returns what to ask for at the next connection.
    fn follow(&mut self) -> Follow;
    /// Takes what was heard. False ends the connection, and begins another one.
    fn hear(&mut self, heard: Heard) -> bool;
}

/// A follower of nothing, for those who only call.
pub struct Nothing;

impl Follower for Nothing {
    fn follow(&mut self) -> Follow {
        Follow::Nothing
    }

    fn hear(&mut self, _: Heard) -> bool {
        true
    }
}

/// A way to an engine elsewhere. It connects by itself, again and again, until it is dropped.
pub struct Remote {
    target: Box<Target>,
    calls: Arc<Calls>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Remote {
    /// Returns a way on which nothing is followed.
    ///
    /// # Errors
    ///
    /// No thread could be had.
    pub fn calling(target: Target) -> Result<Remote, Fault> {
        Remote::following(target, Nothing)
    }

    /// Returns a way on which `follower` hears what it follows.
    ///
    /// # Errors
    ///
    /// No thread could be had.
    pub fn following(target: Target, follower: impl Follower + 'static) -> Result<Remote, Fault> {
        Remote::paced(target, follower, Pace::default())
    }

    /// Returns a way as [`Remote::following`] does, of another patience.
    ///
    /// # Errors
    ///
    /// No thread could be had.
    pub fn paced(
        target: Target,
        follower: impl Follower + 'static,
        pace: Pace,
    ) -> Result<Remote, Fault> {
        let calls = Arc::<Calls>::default();
        let failed = |error| Fault::io(Path::new(""), "starting the way to the engine", &error);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let line = Line::new(target.clone(), Arc::clone(&calls), Box::new(follower), pace);
        let thread = thread::Builder::new()
            .name("attached".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = line.keep_up() => {}
                    }
                });
                runtime.shutdown_background();
            });
        Ok(Remote {
            target: Box::new(target),
            calls,
            stop: Some(stop),
            thread: Some(thread.map_err(failed)?),
        })
    }

    /// Returns what is attached to.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the engine's introduction, waiting for the first connection.
    ///
    /// # Errors
    ///
    /// There is no connection within `patience`, or the engine does not want this caller: why, and what to do about it.
    pub fn welcome(&self, patience: Duration) -> Result<Welcome, Fault> {
        let denied =
            |link: Option<&LinkState>| matches!(link, Some(LinkState::Down { denied: true, .. }));
        let until = Instant::now() + patience;
        let met = self
            .calls
            .meet(until, |welcome, link| welcome.is_some() || denied(link));
        match met {
            (Some(welcome), _) => Ok(welcome),
            (None, Some(LinkState::Down { why, denied, .. })) => {
                let kind = if denied {
                    FaultKind::Permission
                } else {
                    FaultKind::Busy
                };
                Err(unreached(kind, &why))
            }
            (None, _) => Err(self.silent()),
        }
    }

    /// Returns how the first try to connect ended, waiting for its end; None where it took longer than `patience`.
    pub fn tried(&self, patience: Duration) -> Option<LinkState> {
        let until = Instant::now() + patience;
        self.calls.meet(until, |_, link| link.is_some()).1
    }

    /// Calls the engine, and waits for its answer.
    ///
    /// # Errors
    ///
    /// None came within `patience`; whether the request was heard is not known then.
    pub fn call(&self, request: Request, patience: Duration) -> Result<Response, Fault> {
        let called = self.call_or(request, patience, Unsent::Kept);
        called.map_err(|unanswered| unanswered.fault)
    }

    /// Calls the engine, and waits for its answer, but where there is no connection only if it is to be kept.
    ///
    /// # Errors
    ///
    /// None came within `patience`: why, and whether the request may have been heard.
    pub fn call_or(&self, request: Request, patience: Duration, unsent: Unsent) -> Called {
        let (answer, answered) = mpsc::sync_channel(1);
        let id = self.calls.add(request, unsent, None, move |called| {
            // Who gave up does not wait for it.
            let _ = answer.try_send(called);
        });
        if let Ok(called) = answered.recv_timeout(patience) {
            return called;
        }
        let heard = self.calls.give_up(id);
        let fault = match self.calls.link() {
            Some(LinkState::Down { why, .. }) => unreached(FaultKind::Busy, &why),
            _ => self.silent(),
        };
        Err(Unanswered { fault, heard })
    }

    /// Calls the engine, and hands its answer to `then`, from another thread: it must not block. A call that was heard
    /// and not answered when a connection was lost is sent again over the next one within `patience`; None is for ever.
    pub fn call_then(
        &self,
        request: Request,
        patience: Option<Duration>,
        unsent: Unsent,
        then: impl FnOnce(Called) + Send + 'static,
    ) {
        let until = patience.map(|patience| Instant::now() + patience);
        self.calls.add(request, unsent, until, then);
    }

    /// Returns how the engine is reached; None before the first try has ended.
    pub fn state(&self) -> Option<LinkState> {
        self.calls.link()
    }

    fn silent(&self) -> Fault {
        let what = format!("{} did not answer in time", self.target.address);
        unreached(FaultKind::Busy, &what)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        drop(self.stop.take());
        // What an answer is handed to may hold the last of it: then the thread ends by itself.
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the way to the engine panicked");
        }
    }
}

fn unreached(kind: FaultKind, why: &str) -> Fault {
    let mend = match kind {
        FaultKind::Permission => "",
        _ => "Look whether `obeya serve` runs there.",
    };
    Fault::new(kind, Path::new(""), why).mend(mend)
}
