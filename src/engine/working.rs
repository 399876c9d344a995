//! A version of the state that is not committed yet, and the batch that leads to it.

use std::{collections::HashSet, fmt};

use uuid::Uuid;

use super::{
    clock::Reading,
    reply::{Outcome, Reply},
};
use crate::{
    domain::{
        command::Submission,
        decide::Draft,
        event::Event,
        evolve::apply,
        order::Actor,
        record::{Door, Hash, Head, Record},
        refusal::Refusal,
        state::State,
        time::Timestamp,
    },
    ledger::{Batch, Fault, FaultKind},
};

/// What is being made of one version. Dropping it leaves that version as it was.
pub(super) struct Working {
    pub(super) state: State,
    pub(super) batch: Batch,
    pub(super) reading: Reading,
    /// Whether the batch answers a jump of the wall clock, which is believed in once the batch is committed.
    pub(super) jumped: bool,
    uid: u32,
    commands: HashSet<Uuid>,
    /// Where each body is written before it gets memory of its own size.
    scratch: Vec<u8>,
}

/// What the records of one command share.
struct Envelope<'a> {
    command: Uuid,
    command_hash: Hash,
    causation: Option<Uuid>,
    correlation: Option<Uuid>,
    actor: &'a Actor,
    door: Door,
    uid: u32,
}

impl Working {
    pub(super) fn new(state: &State, reading: Reading, uid: u32) -> Self {
        Working {
            state: state.clone(),
            batch: Batch::default(),
            reading,
            jumped: false,
            uid,
            commands: HashSet::new(),
            scratch: Vec::new(),
        }
    }

    /// Returns the time at which everything here is decided.
    pub(super) fn now(&self) -> Timestamp {
        self.reading.wall
    }

    /// Takes what is due. The engine's own records stand for no command, so their command's hash is that of nothing.
    pub(super) fn take_due(&mut self, drafts: Vec<Draft>) -> Result<(), Fault> {
        let envelope = Envelope {
            command: Uuid::now_v7(),
            command_hash: Hash::ZERO,
            causation: None,
            correlation: None,
            actor: &Actor::system(),
            door: Door::Engine,
            uid: self.uid,
        };
        self.seal(drafts, &envelope).map(drop)
    }

    /// Takes what a command came to, and returns its records.
    pub(super) fn take(
        &mut self,
        drafts: Vec<Draft>,
        submission: &Submission,
    ) -> Result<Vec<Record>, Fault> {
        // What changes nothing leaves nothing to remember it by.
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        self.commands.insert(submission.id);
        let envelope = Envelope {
            command: submission.id,
            command_hash: submission.command_hash(),
            causation: submission.causation,
            correlation: submission.correlation,
            actor: &submission.actor,
            door: submission.door,
            uid: submission.uid,
        };
        let from = self.seal(drafts, &envelope)?;
        Ok(self.batch.records.get(from..).unwrap_or_default().to_vec())
    }

    /// Returns what a command would come to, and takes nothing.
    pub(super) fn imagine(
        &self,
        drafts: Vec<Draft>,
        submission: &Submission,
    ) -> Result<Vec<Record>, Fault> {
        Working::new(&self.state, self.reading.clone(), self.uid).take(drafts, submission)
    }

    /// Makes records of drafts, chains them, and takes them into this version. Returns the place of the first.
    fn seal(&mut self, drafts: Vec<Draft>, envelope: &Envelope<'_>) -> Result<usize, Fault> {
        let from = self.batch.records.len();
        self.batch.records.reserve(drafts.len());
        for (n, draft) in (0u32..).zip(drafts) {
            let body = self.body(&draft.event)?;
            let Head { seq, hash } = self.state.head;
            let mut record = Record {
                seq: seq + 1,
                time: self.now(),
                occurred_at: draft.occurred_at.unwrap_or(self.now()),
                command: envelope.command,
                n,
                command_hash: envelope.command_hash,
                causation: envelope.causation,
                correlation: envelope.correlation,
                actor_kind: envelope.actor.kind.into(),
                actor: envelope.actor.name.clone(),
                door: envelope.door.into(),
                uid: envelope.uid,
                subject: draft.event.subject(),
                kind: draft.event.kind().to_owned(),
                version: draft.event.version(),
                body,
                hash: Hash::ZERO,
            };
            record.hash = record.seal(&hash);
            let changes = apply(&mut self.state, &draft.event, &record);
            self.batch.archive.extend(changes);
            self.batch.records.push(record);
        }
        Ok(from)
    }

    fn body(&mut self, event: &Event) -> Result<Box<str>, Fault> {
        let unwritten =
            |why: &dyn fmt::Display| defect(&format!("an event cannot be written: {why}"));
        self.scratch.clear();
        serde_json::to_writer(&mut self.scratch, event).map_err(|error| unwritten(&error))?;
        let text = str::from_utf8(&self.scratch).map_err(|error| unwritten(&error))?;
        Ok(text.into())
    }

    /// Answers a command id that this very batch has already taken.
    pub(super) fn repeat(&self, submission: &Submission) -> Option<Reply> {
        if submission.dry_run || !self.commands.contains(&submission.id) {
            return None;
        }
        let own = |record: &&Record| record.command == submission.id;
        let records: Vec<_> = self.batch.records.iter().filter(own).cloned().collect();
        Some(first_answer(records, submission))
    }
}

/// Returns the answer that a command got whose id these records carry; another command of that id is refused.
pub(super) fn first_answer(records: Vec<Record>, submission: &Submission) -> Reply {
    let other = records
        .first()
        .filter(|first| first.command_hash != submission.command_hash())
        .map(|first| first.seq);
    match other {
        Some(seq) => Reply::Refused(Refusal::CommandReused { seq }),
        None => Reply::Done(Outcome {
            records,
            dry_run: false,
            repeated: true,
        }),
    }
}

/// Returns the fault that stands for a defect of this program.
pub(super) fn defect(what: &str) -> Fault {
    Fault::new(FaultKind::Misuse, std::path::Path::new(""), what)
}
