//! One commit: the turn, what is due, the decisions of a group, the append.

use std::{sync::Arc, time::Instant};

use super::{
    reply::{Failure, Outcome, Reply},
    working::{Working, defect, first_answer},
    writer::{PATIENCE, Writer},
};
use crate::{
    domain::{
        archive::{ArchiveChange, ArchivedOrder},
        cold::{Cold, Needs},
        command::{Command, Submission},
        decide::{self, Context},
        due,
        gate::Tree,
        order::ClosedOrder,
        record::Head,
    },
    ledger::{Append, Fault, FaultKind},
};

/// How often one batch is tried when somebody else wrote in between: behind the lock that needs a foreign writer.
const TRIES: usize = 5;
/// How often a decision may ask for more before it must decide.
const ROUNDS: usize = 8;
/// Records of due things that make a commit of their own: a long absence is caught up in several of this size.
const DUE_COMMIT: usize = 1_000;
/// How many such commits one turn may take before it is a defect: each takes in up to a thousand orders.
const DUE_COMMITS: usize = 2_000;

/// When a command id is looked up on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Only where the decision would change nothing: the ledger's own uniqueness catches the rest.
    WhenRefused,
    /// Before every decision, because an id was found to be there.
    Always,
}

/// Why a commit did not come about.
pub(super) enum Trouble {
    Duplicate,
    Unwritten(Fault),
    Unknown(Fault),
}

impl Trouble {
    pub(super) fn failure(self) -> Failure {
        match self {
            Trouble::Duplicate => Failure::NotApplied(defect(
                "a command id is on the ledger and cannot be found there",
            )),
            Trouble::Unwritten(fault) => Failure::NotApplied(fault),
            Trouble::Unknown(fault) => Failure::Unknown(fault),
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Unwritten(fault)
    }
}

impl Writer {
    pub(super) fn try_commit(
        &mut self,
        group: &[&Submission],
        lookup: Lookup,
        reason: Option<&str>,
    ) -> Result<Vec<Reply>, Trouble> {
        let head = self.ledger.begin(PATIENCE)?;
        if let Some(reason) = reason {
            self.ledger.explain(reason);
        }
        let replies = self.in_turn(head, group, lookup);
        self.ledger.end();
        match replies {
            // A command id that is on the ledger already: find out whose before deciding again.
            Err(Trouble::Duplicate) if lookup == Lookup::WhenRefused => {
                self.try_commit(group, Lookup::Always, reason)
            }
            Ok(replies) => {
                self.keep_snapshot();
                Ok(replies)
            }
            trouble => trouble,
        }
    }

    fn in_turn(
        &mut self,
        head: Head,
        group: &[&Submission],
        lookup: Lookup,
    ) -> Result<Vec<Reply>, Trouble> {
        let mut head = head;
        let mut due_commits = 0;
        // Who only looks finds what is due in the version it is shown, and leaves the recording to a writer.
        let writes = group.is_empty() || group.iter().any(|submission| submission.may_write());
        'tries: for _ in 0..TRIES {
            if self.arrive(head)? {
                self.rebuild_archive()?;
            }
            let mut work = self.begin_version();
            while self.bring_due(&mut work)? && writes {
                due_commits += 1;
                if due_commits > DUE_COMMITS {
                    return Err(defect("what is due does not come to an end").into());
                }
                if !self.append(work)? {
                    head = self.ledger.head()?;
                    continue 'tries;
                }
                work = self.begin_version();
            }
            let replies = group
                .iter()
                .map(|submission| self.answer(&mut work, submission, lookup))
                .collect::<Result<Vec<_>, Fault>>()?;
            let shown = !writes && !work.state.is_damaged();
            if shown || self.append(work)? {
                return Ok(replies);
            }
            head = self.ledger.head()?;
        }
        let what = "other writers kept changing the ledger behind its lock";
        Err(Fault::new(FaultKind::Busy, std::path::Path::new(""), what).into())
    }

    fn begin_version(&self) -> Working {
        Working::new(&self.state, self.clock.read(), self.uid)
    }

    /// Commits a version and publishes it. Returns false if it was decided on what is not so: decide anew.
    fn append(&mut self, work: Working) -> Result<bool, Trouble> {
        // A part of the snapshot that was only now looked at could not be read.
        if work.state.is_damaged() {
            self.replay()?;
            return Ok(false);
        }
        if work.batch.records.is_empty() {
            // A look at what is due may have raised the bound for the next one.
            if work.state.next_due != self.state.next_due {
                Arc::make_mut(&mut self.state).next_due = work.state.next_due;
            }
            return Ok(true);
        }
        let began = Instant::now();
        match self.ledger.append(self.state.head, &work.batch) {
            Append::Appended(_) => {
                self.meter.committed(began.elapsed());
                if work.jumped {
                    self.baseline.accept(&work.reading);
                }
                self.publish(work.state, work.batch.records);
                Ok(true)
            }
            Append::Conflict(_) => Ok(false),
            Append::NotApplied(fault) if fault.kind == FaultKind::Duplicate => {
                Err(Trouble::Duplicate)
            }
            Append::NotApplied(fault) => Err(Trouble::Unwritten(fault)),
            Append::Unknown(fault) => Err(Trouble::Unknown(fault)),
        }
    }

    /// Takes what the clocks call for: first a jump of the wall clock, else whatever is due.
    /// Returns whether there is so much of it that it should be committed before more is taken.
    fn bring_due(&mut self, work: &mut Working) -> Result<bool, Fault> {
        if work.state.head.seq == 0 || work.state.unknown.is_some() {
            return Ok(false);
        }
        let now = work.now();
        if let Some(drift) = self.baseline.drift(&work.reading) {
            // Nothing lapses in this batch: the leases it renews have not been looked at by a clock that is believed.
            work.jumped = true;
            work.take_due(due::clock_jump(&work.state, drift, now))?;
            return Ok(false);
        }
        if now < work.state.next_due {
            return Ok(false);
        }
        let renewals = self.pulse.renewals(&work.state, now);
        let drafts = due::due(&work.state, &renewals, now);
        let many = drafts.len() >= DUE_COMMIT;
        work.take_due(drafts)?;
        work.state.next_due = due::next_due(&work.state, &renewals);
        self.pulse.forget_over(&work.state);
        Ok(many)
    }

    /// Decides one command. A fault of its own is its own answer; only a defect fails the whole group.
    fn answer(
        &mut self,
        work: &mut Working,
        submission: &Submission,
        lookup: Lookup,
    ) -> Result<Reply, Fault> {
        if let Some(reply) = work.repeat(submission) {
            return Ok(reply);
        }
        // Told by somebody else that it is refused, its caller must not find it done after all.
        if submission
            .until
            .is_some_and(|until| work.reading.boot > until)
        {
            let what = "it came to its turn after its caller had gone elsewhere";
            let fault = Fault::new(FaultKind::Busy, std::path::Path::new(""), what);
            return Ok(Reply::Failed(fault.into()));
        }
        let known = match lookup {
            Lookup::Always => self.look_up(submission),
            Lookup::WhenRefused => Ok(None),
        };
        let cold = match known {
            Ok(Some(reply)) => return Ok(reply),
            Ok(None) => self.fetch(work, submission),
            Err(fault) => Err(fault),
        };
        let cold = match cold {
            Ok(cold) => cold,
            Err(fault) => return Ok(Reply::Failed(fault.into())),
        };
        let context = Context {
            now: work.now(),
            actor: &submission.actor,
            role: submission.role,
            door: submission.door,
            epoch: submission.epoch,
            as_of: submission.as_of,
        };
        let decision = decide::decide(&work.state, &cold, &submission.command, &context);
        // A retry of what was applied is refused or changes nothing, if it does not collide: only then is it looked up.
        if lookup == Lookup::WhenRefused && decision.as_ref().map_or(true, Vec::is_empty) {
            match self.look_up(submission) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(fault) => return Ok(Reply::Failed(fault.into())),
            }
        }
        let drafts = match decision {
            Ok(drafts) => drafts,
            Err(refusal) => return Ok(Reply::Refused(refusal)),
        };
        if let Command::Import { source, items } = &submission.command {
            let now = context.now;
            self.import_report =
                decide::import::report(&work.state, &cold, source, items, now).ok();
        }
        let dry_run = submission.dry_run;
        let records = match dry_run {
            true => work.imagine(drafts, submission)?,
            false => work.take(drafts, submission)?,
        };
        Ok(Reply::Done(Outcome {
            records,
            dry_run,
            repeated: false,
        }))
    }

    /// Returns the answer that an applied command got, if this is one.
    fn look_up(&mut self, submission: &Submission) -> Result<Option<Reply>, Fault> {
        if submission.dry_run {
            return Ok(None);
        }
        let records = self.ledger.by_command(submission.id)?;
        Ok((!records.is_empty()).then(|| first_answer(records, submission)))
    }

    /// Fetches what the decision needs beyond the state. What this very batch closed is taken from it.
    fn fetch(&mut self, work: &Working, submission: &Submission) -> Result<Cold, Fault> {
        let command = &submission.command;
        let mut cold = Cold::default();
        for _ in 0..ROUNDS {
            let needs = decide::needs(&work.state, &cold, command);
            if needs.is_empty() {
                break;
            }
            self.fetch_once(work, &needs, &mut cold)?;
            if needs.tree {
                // Not looked at before the turn, it counts as unknown: nobody waits in it for git.
                let tree = self.trees.get(&submission.id).cloned();
                cold.tree = Some(tree.unwrap_or(Tree::Unknown));
            }
        }
        Ok(cold)
    }

    fn fetch_once(&mut self, work: &Working, needs: &Needs, cold: &mut Cold) -> Result<(), Fault> {
        let ids: Vec<_> = needs.orders.iter().copied().collect();
        cold.orders.extend(ids.iter().map(|id| (*id, None)));
        for row in self.ledger.archived(&ids)? {
            cold.orders.insert(row.id, Some(form(&row)?));
        }
        for change in &work.batch.archive {
            match change {
                ArchiveChange::PutOrder(row) if needs.orders.contains(&row.id) => {
                    cold.orders.insert(row.id, Some(form(row)?));
                }
                ArchiveChange::DropOrder(id) if needs.orders.contains(id) => {
                    cold.orders.insert(*id, None);
                }
                _ => {}
            }
        }
        let keys: Vec<_> = needs.externals.iter().map(String::as_str).collect();
        cold.externals
            .extend(needs.externals.iter().map(|key| (key.clone(), None)));
        for (key, id) in self.ledger.by_external(&keys)? {
            cold.externals.insert(key, Some(id));
        }
        for change in &work.batch.archive {
            if let ArchiveChange::PutOrder(row) = change
                && let Some(key) = &row.external
                && needs.externals.contains(key)
            {
                cold.externals.insert(key.clone(), Some(row.id));
            }
        }
        for seq in &needs.records {
            let record = self.ledger.record(*seq)?;
            cold.records.insert(*seq, record);
        }
        Ok(())
    }
}

fn form(row: &ArchivedOrder) -> Result<ClosedOrder, Fault> {
    serde_json::from_str(&row.form).map_err(|error| {
        let what = format!("the archive's form of {} cannot be read: {error}", row.id);
        Fault::new(FaultKind::Corrupt, std::path::Path::new(""), what)
    })
}
