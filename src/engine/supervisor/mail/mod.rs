//! Messages of a lasting agent: what comes for it is handed to it, and what it sends goes on the bus.
//!
//! A clerk of its own does that for each run, so that a bus that is slow holds up no lease. Both ways are bounded: while
//! the clerk has as much to do as it takes, its agent is not listened to.

mod clerk;
mod words;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use self::{clerk::Clerk, words::Said};
use super::context::Context;
use crate::config::line::AgentRule;

/// How many lines wait on either way.
const WAITING: usize = 64;
/// How long the end of a run waits for what it had in hand to be given back; what is not comes back by itself.
const CLOSING: Duration = Duration::from_secs(5);

/// A run's way to the bus.
#[derive(Default)]
pub(super) struct Mail {
    open: Option<Open>,
}

struct Open {
    said: mpsc::Sender<Said>,
    lines: mpsc::Receiver<String>,
    working: watch::Sender<bool>,
    clerk: JoinHandle<()>,
}

impl Mail {
    /// Begins to hand over what comes for an agent.
    pub(super) fn open(&mut self, context: &Arc<Context>, rule: &Arc<AgentRule>) {
        if self.open.is_some() {
            return;
        }
        let (said, jobs) = mpsc::channel(WAITING);
        let (out, lines) = mpsc::channel(WAITING);
        let (working, at_work) = watch::channel(false);
        let clerk = Clerk::new(Arc::clone(context), rule, out);
        self.open = Some(Open {
            said,
            lines,
            working,
            clerk: tokio::spawn(clerk.run(jobs, at_work)),
        });
    }

    /// Takes a line that the agent said; returns whether it was about messages. There must be room.
    pub(super) fn heard(&self, line: &str) -> bool {
        let Some(open) = &self.open else { return false };
        let Some(said) = Said::read(line) else {
            return false;
        };
        if let Err(error) = open.said.try_send(said) {
            tracing::warn!(%error, "what an agent said about messages is lost");
        }
        true
    }

    /// Returns whether the next line can be taken.
    pub(super) fn has_room(&self) -> bool {
        let room = |open: &Open| open.said.capacity() > 0 || open.said.is_closed();
        self.open.as_ref().is_none_or(room)
    }

    /// Returns the next line for the agent, or None when there is room again. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Option<String> {
        let full = !self.has_room();
        let Some(open) = &mut self.open else {
            return std::future::pending().await;
        };
        tokio::select! {
            line = open.lines.recv() => match line {
                Some(line) => Some(line),
                None => std::future::pending().await,
            },
            _ = open.said.reserve(), if full => None,
        }
    }

    /// Says whether the agent is at work on an order: as long as it is, it need not look at its messages.
    pub(super) fn working(&self, working: bool) {
        if let Some(open) = &self.open {
            let changed = |now: &mut bool| std::mem::replace(now, working) != working;
            open.working.send_if_modified(changed);
        }
    }

    /// Ends it, with what the agent had in hand given back.
    pub(super) async fn close(&mut self) {
        let Some(Open {
            said, lines, clerk, ..
        }) = self.open.take()
        else {
            return;
        };
        drop((said, lines));
        if tokio::time::timeout(CLOSING, clerk).await.is_err() {
            tracing::warn!(
                "the messages of an agent that ended come back only when their time is up"
            );
        }
    }
}
