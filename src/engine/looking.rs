//! Looks at what only the engine's thread has at hand. They do not wait for ever: an engine that stands still must not take
//! along the threads of those who only look.

use std::{path::Path, sync::mpsc::RecvTimeoutError, time::Duration};

use super::{
    Reader,
    core::{Handle, stopped},
    pulse,
    writer::Writer,
};
use crate::{
    domain::query::{Live, Query},
    ledger::{Fault, FaultKind},
};

/// How long the loop may take to come round to a look: another process may have the turn for ten seconds.
const LOOKING: Duration = Duration::from_secs(12);

impl Handle {
    /// Returns a reader over a ledger handle of its own.
    ///
    /// # Errors
    ///
    /// The ledger could not be opened once more, or the engine has stopped or stands still.
    pub fn reader(&self) -> Result<Reader, Fault> {
        self.look(|writer| writer.ledger().another().map(Reader::new))?
    }

    /// Returns the signs of life that an answer needs.
    pub(super) fn live(&self, query: &Query) -> Result<Live, Fault> {
        if let (Query::Gates { order: Some(order) }, Some(project)) = (query, self.project()) {
            return Ok(Live {
                tree: Some(project.tree(self.state().named(order))),
                ..Live::default()
            });
        }
        if !pulse::is_needed(&self.state(), query) {
            return Ok(Live::default());
        }
        self.look(Writer::signs_of_life)
    }

    /// Looks at the writer between two commits, and returns what was seen.
    fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let looked = self.begin(look)?.recv_timeout(LOOKING);
        looked.map_err(|error| match error {
            RecvTimeoutError::Timeout => stuck(),
            RecvTimeoutError::Disconnected => stopped(),
        })
    }
}

fn stuck() -> Fault {
    let seconds = LOOKING.as_secs();
    let what = format!("the engine's loop has not come round for {seconds} s");
    Fault::new(FaultKind::Busy, Path::new(""), what)
        .mend("End the engine's process if it stays so: nothing that was acknowledged is lost.")
}
