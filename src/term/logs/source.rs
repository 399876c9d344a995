//! Where runs and what they wrote are read from: the files of this machine, or an engine elsewhere.

use std::{path::PathBuf, sync::Arc, time::Duration};

use super::{Ear, LOOK, RUNS, Shared};
use crate::link::{
    Connection, Home, Kept, Piece, RunNote, bus::Caller, newest_runs, remote::Attached,
};

/// How often an engine elsewhere is asked whether there is more: it does not tell.
const FAR_LOOK: Duration = Duration::from_secs(1);

/// What is kept of an output.
pub(super) trait Output {
    /// Returns the place behind the last byte.
    fn end(&self) -> u64;
    /// Returns what there is between two places, cut where something is missing.
    fn read(&self, from: u64, to: u64) -> Vec<Piece>;
    /// Returns where something is kept again behind a place at which nothing is.
    fn next(&self, at: u64) -> u64;
}

impl Output for Kept {
    fn end(&self) -> u64 {
        Kept::end(self)
    }

    fn read(&self, from: u64, to: u64) -> Vec<Piece> {
        Kept::read(self, from, to)
    }

    fn next(&self, at: u64) -> u64 {
        Kept::next(self, at)
    }
}

/// Runs, and what they wrote.
pub(super) trait Source {
    /// Returns an agent's newest runs, newest first; None where that cannot be known now.
    fn runs(&mut self, agent: &str) -> Option<Vec<RunNote>>;
    /// Has it told when this run writes more, where that can be.
    fn attend(&mut self, note: Option<&RunNote>);
    /// Returns what a run wrote.
    fn output(&self, note: &RunNote) -> Box<dyn Output>;
    /// Nobody wants to know any more.
    fn rest(&mut self);
    /// Returns how often it is to be looked without being told.
    fn every(&self) -> Duration;
}

/// The files of this machine.
pub(super) struct Here {
    home: Home,
    shared: Arc<Shared>,
    ear: Option<Ear>,
    found: Vec<(RunNote, PathBuf)>,
}

impl Here {
    pub(super) fn new(home: Home, shared: Arc<Shared>) -> Here {
        Here {
            home,
            shared,
            ear: None,
            found: Vec::new(),
        }
    }

    fn folder(&self, note: &RunNote) -> Option<&PathBuf> {
        let mut found = self.found.iter();
        let same = found.find(|(known, _)| known.run == note.run)?;
        Some(&same.1)
    }
}

impl Source for Here {
    fn runs(&mut self, agent: &str) -> Option<Vec<RunNote>> {
        self.found = newest_runs(&self.home, agent, RUNS);
        Some(self.found.iter().map(|(note, _)| note.clone()).collect())
    }

    fn attend(&mut self, note: Option<&RunNote>) {
        let folder = note.and_then(|note| self.folder(note)).cloned();
        let (home, shared) = (&self.home, &self.shared);
        let ear = (self.ear).get_or_insert_with(|| Ear::open(home, Arc::clone(shared)));
        ear.attend(home, folder.as_deref());
    }

    fn output(&self, note: &RunNote) -> Box<dyn Output> {
        // One that is just begun has no output yet, and one that was just thrown away has none any more.
        let kept = self
            .folder(note)
            .and_then(|folder| Kept::look(folder).ok())
            .unwrap_or_default();
        Box::new(kept)
    }

    fn rest(&mut self) {
        (self.ear, self.found) = (None, Vec::new());
    }

    fn every(&self) -> Duration {
        LOOK
    }
}

/// An engine elsewhere.
pub(super) struct Elsewhere {
    connection: Connection,
    caller: Caller,
}

impl Elsewhere {
    pub(super) fn new(attached: Attached, caller: Caller) -> Elsewhere {
        Elsewhere {
            connection: Connection::Remote(attached),
            caller,
        }
    }
}

impl Source for Elsewhere {
    fn runs(&mut self, agent: &str) -> Option<Vec<RunNote>> {
        let runs = self.connection.runs(&self.caller, agent);
        runs.inspect_err(|fault| tracing::debug!(%fault, "runs cannot be seen"))
            .ok()
    }

    fn attend(&mut self, _: Option<&RunNote>) {}

    fn output(&self, note: &RunNote) -> Box<dyn Output> {
        let far = Far {
            connection: self.connection.clone(),
            caller: self.caller.clone(),
            note: note.clone(),
            extents: Vec::new(),
        };
        // Where the files begin and end is told with any part, an empty one too.
        let part = far.connection.log(&far.caller, note, 0, 0);
        let extents = part.ok().flatten().map(|part| part.extents);
        Box::new(Far {
            extents: extents.unwrap_or_default(),
            ..far
        })
    }

    fn rest(&mut self) {}

    fn every(&self) -> Duration {
        FAR_LOOK
    }
}

/// What a run elsewhere wrote.
struct Far {
    connection: Connection,
    caller: Caller,
    note: RunNote,
    extents: Vec<(u64, u64)>,
}

impl Output for Far {
    fn end(&self) -> u64 {
        let ends = self.extents.iter();
        let ends = ends.map(|(begins, length)| begins.saturating_add(*length));
        ends.max().unwrap_or(0)
    }

    fn read(&self, from: u64, to: u64) -> Vec<Piece> {
        let mut all: Vec<Piece> = Vec::new();
        let mut at = from;
        while at < to {
            let part = self.connection.log(&self.caller, &self.note, at, to);
            let Ok(Some(part)) = part else { break };
            let before = at;
            for piece in part.pieces {
                at = at
                    .saturating_add(piece.missing)
                    .saturating_add(piece.bytes.len() as u64);
                // An answer holds only so much: what goes on without a gap is one piece.
                match all.last_mut().filter(|_| piece.missing == 0) {
                    Some(last) => last.bytes.extend(piece.bytes),
                    None => all.push(piece),
                }
            }
            if at == before {
                break;
            }
        }
        all
    }

    fn next(&self, at: u64) -> u64 {
        let begins = self.extents.iter().map(|(begins, _)| *begins);
        let behind = begins.filter(|begins| *begins > at).min();
        behind.unwrap_or_else(|| self.end())
    }
}
