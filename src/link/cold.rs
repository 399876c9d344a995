//! A caller without a host: the ledger in this process, for as long as one command takes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use tokio::signal::unix::{SignalKind, signal};

use super::{Answered, Asked, Beaten, Client, GateAsk, Heartbeat, Observer, Operator};
use crate::{
    domain::{command::Submission, import_report::ImportReport, query::Query},
    engine::{Clock, Reply, SystemClock, Writer, gates},
    ledger::{Fault, Home, SqliteLedger},
};

/// A writer in this process.
pub struct Cold {
    home: Home,
    writer: Writer,
}

impl Cold {
    /// Opens a ledger. Its state is loaded at the first use.
    pub fn open(home: &Home) -> Result<Self, Fault> {
        Cold::open_at(home, Arc::new(SystemClock::new()))
    }

    /// Opens a ledger under another clock.
    pub fn open_at(home: &Home, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        let ledger = SqliteLedger::open(home)?;
        Ok(Cold {
            home: home.clone(),
            writer: Writer::new(Box::new(ledger), clock, Some(home)),
        })
    }

    /// Submits an import, which holds up everybody else for a while and tells them why. Returns what it came to, and the
    /// report on it unless it could not be decided.
    pub fn import(
        &mut self,
        reason: &str,
        submission: &Submission,
    ) -> (Reply, Option<ImportReport>) {
        self.writer.import(reason, submission)
    }
}

/// Has a quality gate run on an order: by the host, or in this process, where it is ended once `ended` is set.
///
/// # Errors
///
/// The host or the ledger could not be used, or the run was ended.
pub fn run_gate(home: &Home, ask: &GateAsk, ended: &AtomicBool) -> Asked {
    match Client::connect(home)? {
        Some(mut host) => host.run_gate(ask),
        None => gates::run_gate(&mut Cold::open(home)?.writer, home, ask, None, ended),
    }
}

impl Observer for Cold {
    fn ask(&mut self, query: &Query) -> Answered {
        Ok(self.writer.ask(query)?)
    }
}

/// Returns a switch that is on once this process is asked to end: a run has a group of its own, which the terminal's keys
/// do not reach. The process itself ends when the run has.
fn ended() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&ended);
    let listen = move || -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            let mut hang_up = signal(SignalKind::hangup())?;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hang_up.recv() => {}
            }
            switch.store(true, Ordering::Relaxed);
            Ok(())
        })
    };
    let heard = thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            if let Err(error) = listen() {
                tracing::warn!(%error, "signals are not listened to");
            }
        });
    if let Err(error) = heard {
        tracing::warn!(%error, "signals are not listened to");
    }
    ended
}

impl Operator for Cold {
    fn submit(&mut self, submission: &Submission) -> Reply {
        self.writer.submit(submission)
    }

    fn run_gate(&mut self, ask: &GateAsk) -> Asked {
        gates::run_gate(&mut self.writer, &self.home, ask, None, &ended())
    }

    fn heartbeat(&mut self, beat: &Heartbeat) -> Beaten {
        Ok(self
            .writer
            .heartbeat(beat.order, beat.epoch, &beat.actor, beat.role, &beat.note)?)
    }
}
