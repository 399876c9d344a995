//! The one loop of every change: take the turn, catch up, append what is due, decide, append, publish.

use std::{collections::HashSet, sync::Arc, time::Duration};

use uuid::Uuid;

use super::{
    clock::{Baseline, Clock},
    load,
    reader::LedgerBooks,
    reply::{Failure, Outcome, Reply},
};
use crate::{
    domain::{
        archive::{ArchiveChange, ArchivedOrder},
        cold::{Cold, Needs},
        command::{Command, Submission},
        decide::{self, Context, Draft, Renewals},
        due,
        evolve::apply,
        id::OrderId,
        import_report::ImportReport,
        order::{Actor, ClosedOrder},
        query::{self, Answer, Live, Query},
        record::{Door, Hash, Head, Record},
        refusal::Refusal,
        state::State,
        time::{SECOND, Timestamp},
    },
    ledger::{Append, Batch, Fault, FaultKind, Home, Ledger, Telemetry},
    text,
};

/// The most commands in one commit: by then the cost of the sync is spread so thin that more only delays the first.
pub const MAX_GROUP: usize = 256;
/// How long a writer waits for its turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often one batch is tried when somebody else wrote in between: behind the lock that needs a foreign writer.
const TRIES: usize = 5;
/// How often a decision may ask for more before it must decide.
const ROUNDS: usize = 8;
/// How many looks at what is due one commit takes: a long absence is caught up bit by bit.
const DUE_ROUNDS: usize = 16;

/// Writes commands to a ledger, and keeps the state that they led to.
pub struct Writer {
    ledger: Box<dyn Ledger>,
    telemetry: Option<Telemetry>,
    clock: Arc<dyn Clock>,
    baseline: Baseline,
    uid: u32,
    state: State,
    loaded: bool,
    snapshot_seq: u64,
}

/// What one commit brought.
#[derive(Debug, Default)]
pub(super) struct Committed {
    /// The answers, in the order of the submissions.
    pub(super) replies: Vec<Reply>,
    /// The new records, those of other writers too.
    pub(super) records: Vec<Record>,
}

impl Writer {
    /// Returns a writer over any ledger. Its state is loaded at the first use.
    /// `home` is where the clock's baseline and heartbeats are kept; without one they last as long as the process.
    pub fn new(ledger: Box<dyn Ledger>, clock: Arc<dyn Clock>, home: Option<&Home>) -> Self {
        Writer {
            ledger,
            telemetry: home.map(Telemetry::new),
            clock,
            baseline: Baseline::new(home.map(|home| home.path().join("clock"))),
            uid: rustix::process::getuid().as_raw(),
            state: State::default(),
            loaded: false,
            snapshot_seq: 0,
        }
    }

    /// Returns the state as of the last catch-up.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the ledger, for reading.
    pub fn ledger(&mut self) -> &mut dyn Ledger {
        self.ledger.as_mut()
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Takes in what others wrote and returns those records. Needs no turn.
    pub fn catch_up(&mut self) -> Result<Vec<Record>, Fault> {
        if !self.loaded || self.ledger.identity().incarnation != self.state.incarnation {
            self.reload()?;
            return Ok(Vec::new());
        }
        let mut records = Vec::new();
        let mut fresh = self.state.clone();
        load::catch_up(self.ledger.as_mut(), &mut fresh, None, &mut |record, _| {
            records.push(record)
        })?;
        self.state = fresh;
        Ok(records)
    }

    fn reload(&mut self) -> Result<(), Fault> {
        self.loaded = false;
        let before = self
            .ledger
            .latest_snapshot(crate::domain::state::SNAPSHOT_FORMAT, None)?;
        self.snapshot_seq = before.as_ref().map_or(0, |snapshot| snapshot.head.seq);
        self.state = match before.and_then(|snapshot| State::from_snapshot(&snapshot.bytes)) {
            Some(state) => state,
            None => State::default(),
        };
        load::catch_up(self.ledger.as_mut(), &mut self.state, None, &mut |_, _| {})?;
        self.loaded = true;
        Ok(())
    }

    /// Answers a question about the ledger as it is now.
    pub fn ask(&mut self, query: &Query) -> Result<Result<Answer, Refusal>, Fault> {
        self.catch_up()?;
        let live = match needs_signs_of_life(&self.state, query) {
            true => self.signs_of_life(),
            false => Live::default(),
        };
        let now = self.clock.now();
        query::answer(
            &self.state,
            &live,
            &mut LedgerBooks(self.ledger.as_mut()),
            query,
            now,
        )
    }

    /// Returns every sign of life. Without them leases look older and agents silent, so a failure is logged and not fatal.
    pub(super) fn signs_of_life(&mut self) -> Live {
        let renewals = self.renewals();
        let beats = match self.telemetry.as_mut().map(Telemetry::agent_beats) {
            Some(Ok(beats)) => beats
                .into_iter()
                .map(|(name, beat)| (name, beat.beat))
                .collect(),
            Some(Err(fault)) => {
                tracing::warn!(%fault, "the agents' heartbeats could not be read");
                Default::default()
            }
            None => Default::default(),
        };
        Live { beats, renewals }
    }

    /// Renews a lease in full, from now. Never on the ledger; a lease that lapsed or changed hands stays so.
    pub fn heartbeat(
        &mut self,
        id: OrderId,
        epoch: u32,
        actor: &Actor,
        note: &str,
    ) -> Result<Result<Timestamp, Refusal>, Fault> {
        // What is due comes first: a lease that ran out is not renewed by a late beat.
        self.settle()?;
        let current = self.state.order(id).and_then(|order| order.lease());
        let Some(lease) = current.filter(|lease| lease.epoch == epoch) else {
            let current = current.map(|lease| lease.epoch);
            return Ok(Err(match self.state.order(id) {
                None => Refusal::not_found(format!("open order {id}")),
                Some(_) => Refusal::StaleEpoch {
                    id,
                    given: Some(epoch),
                    current,
                },
            }));
        };
        let now = self.clock.now();
        let until = now.plus(i64::from(lease.seconds) * SECOND);
        if let Some(telemetry) = &mut self.telemetry {
            telemetry.beat_lease(id, u64::from(epoch), until, now)?;
            telemetry.beat_agent(&actor.name, now, &text::clean(note))?;
        }
        Ok(Ok(until))
    }

    /// Commits one command.
    pub fn submit(&mut self, submission: &Submission) -> Reply {
        let mut committed = self.commit(std::slice::from_ref(submission));
        committed
            .replies
            .pop()
            .unwrap_or_else(|| Reply::Failed(defect("a command got no answer").into()))
    }

    /// Appends what is due, if anything is, and returns the new records.
    pub fn settle(&mut self) -> Result<Vec<Record>, Fault> {
        let committed = self.try_commit(&[], Lookup::WhenRefused)?;
        Ok(committed.records)
    }

    /// Commits a whole file of another system, and returns what there is to say about it. Those who wait meanwhile are
    /// told the reason.
    pub fn import(
        &mut self,
        reason: &str,
        submission: &Submission,
    ) -> (Reply, Option<ImportReport>) {
        if let Err(fault) = self.ledger.begin(PATIENCE) {
            return (Reply::Failed(fault.into()), None);
        }
        self.ledger.explain(reason);
        let report = self.foresee(submission);
        let committed = self.in_turn(std::slice::from_ref(submission), Lookup::WhenRefused);
        self.ledger.end();
        let reply = match committed {
            Ok(Committed { mut replies, .. }) => replies
                .pop()
                .unwrap_or_else(|| Reply::Failed(defect("a command got no answer").into())),
            Err(trouble) => Reply::Failed(trouble.failure()),
        };
        (reply, report)
    }

    /// Returns the report on an import that is about to be decided on the same state. What goes wrong here goes wrong
    /// there too, and is told there.
    fn foresee(&mut self, submission: &Submission) -> Option<ImportReport> {
        let Command::Import { source, items } = &submission.command else {
            return None;
        };
        self.in_turn(&[], Lookup::WhenRefused).ok()?;
        let work = Working::new(self.state.clone(), self.clock.as_ref(), self.uid);
        let cold = self.fetch(&work, &submission.command).ok()?;
        decide::import::report(&work.state, &cold, source, items, work.now).ok()
    }

    /// Commits a group in one transaction. Everybody gets an answer.
    pub(super) fn commit(&mut self, group: &[Submission]) -> Committed {
        match self.try_commit(group, Lookup::WhenRefused) {
            Ok(committed) => committed,
            Err(fault) => Committed {
                replies: group
                    .iter()
                    .map(|_| Reply::Failed(fault.clone().into()))
                    .collect(),
                records: Vec::new(),
            },
        }
    }

    fn try_commit(&mut self, group: &[Submission], lookup: Lookup) -> Result<Committed, Fault> {
        self.ledger.begin(PATIENCE)?;
        let committed = self.in_turn(group, lookup);
        self.ledger.end();
        match committed {
            Ok(committed) => {
                self.keep_snapshot();
                Ok(committed)
            }
            // A command id that is on the ledger already: find out whose before deciding again.
            Err(Trouble::Duplicate) if lookup == Lookup::WhenRefused => {
                self.try_commit(group, Lookup::Always)
            }
            Err(Trouble::Duplicate) => Err(defect(
                "a command id is on the ledger and cannot be found there",
            )),
            Err(Trouble::Unwritten(fault)) => Err(fault),
            Err(Trouble::Unknown(fault)) => Ok(Committed {
                replies: group
                    .iter()
                    .map(|_| Reply::Failed(Failure::Unknown(fault.clone())))
                    .collect(),
                records: Vec::new(),
            }),
        }
    }

    fn in_turn(&mut self, group: &[Submission], lookup: Lookup) -> Result<Committed, Trouble> {
        let mut records = Vec::new();
        for _ in 0..TRIES {
            records.extend(self.catch_up()?);
            if self.state.is_damaged() {
                self.reload()?;
            }
            let mut work = Working::new(self.state.clone(), self.clock.as_ref(), self.uid);
            self.bring_due(&mut work)?;
            let replies = group
                .iter()
                .map(|submission| self.answer(&mut work, submission, lookup))
                .collect::<Result<Vec<_>, Fault>>()?;
            if work.state.is_damaged() {
                self.loaded = false;
                continue;
            }
            if work.batch.records.is_empty() {
                self.state.next_due = work.state.next_due;
                return Ok(Committed { replies, records });
            }
            match self.ledger.append(self.state.head, &work.batch) {
                Append::Appended(_) => {
                    self.state = work.state;
                    records.extend(work.batch.records);
                    return Ok(Committed { replies, records });
                }
                Append::Conflict(_) => continue,
                Append::NotApplied(fault) if fault.kind == FaultKind::Duplicate => {
                    return Err(Trouble::Duplicate);
                }
                Append::NotApplied(fault) => return Err(Trouble::Unwritten(fault)),
                Append::Unknown(fault) => {
                    self.loaded = false;
                    return Err(Trouble::Unknown(fault));
                }
            }
        }
        Err(Trouble::Unwritten(busy(
            "other writers kept changing the ledger behind its lock",
        )))
    }

    /// Appends what the clocks call for: first a jump of the wall clock, else whatever is due.
    fn bring_due(&mut self, work: &mut Working) -> Result<(), Fault> {
        if work.state.head.seq == 0 {
            return Ok(());
        }
        let now = work.now;
        if let Some(drift) = self.baseline.jump(&self.clock.read()) {
            let drafts = due::clock_jump(&work.state, drift, now);
            return work.take_due(drafts);
        }
        if now < work.state.next_due {
            return Ok(());
        }
        let renewals = self.renewals();
        for _ in 0..DUE_ROUNDS {
            let drafts = due::due(&work.state, &renewals, now);
            if drafts.is_empty() {
                break;
            }
            work.take_due(drafts)?;
            work.state.next_due = due::next_due(&work.state, &renewals);
        }
        work.state.next_due = due::next_due(&work.state, &renewals);
        Ok(())
    }

    /// Returns the leases' renewals. Losing them costs holders their lease, so it is logged and not fatal.
    pub(super) fn renewals(&mut self) -> Renewals {
        let Some(telemetry) = &mut self.telemetry else {
            return Renewals::new();
        };
        match telemetry.lease_beats() {
            Ok(beats) => beats
                .into_iter()
                .map(|(order, beat)| (order, (u32::try_from(beat.epoch).unwrap_or(0), beat.until)))
                .collect(),
            Err(fault) => {
                tracing::warn!(%fault, "the leases' renewals could not be read");
                Renewals::new()
            }
        }
    }

    fn answer(
        &mut self,
        work: &mut Working,
        submission: &Submission,
        lookup: Lookup,
    ) -> Result<Reply, Fault> {
        if lookup == Lookup::Always
            && let Some(reply) = self.first_answer(work, submission)?
        {
            return Ok(reply);
        }
        if work.commands.contains(&submission.id) {
            return Ok(work.repeat(submission));
        }
        let cold = self.fetch(work, &submission.command)?;
        let context = Context {
            now: work.now,
            actor: &submission.actor,
            role: submission.role,
            epoch: submission.epoch,
        };
        let decision = decide::decide(&work.state, &cold, &submission.command, &context);
        // A retry of what was applied is refused or changes nothing, if it does not collide: only then is it looked up.
        if decision.as_ref().map_or(true, Vec::is_empty)
            && let Some(reply) = self.first_answer(work, submission)?
        {
            return Ok(reply);
        }
        Ok(match decision {
            Err(refusal) => Reply::Refused(refusal),
            Ok(drafts) if submission.dry_run => {
                let mut imagined = Working::new(work.state.clone(), self.clock.as_ref(), self.uid);
                let records = imagined.take(drafts, submission)?;
                Reply::Done(Outcome {
                    records,
                    dry_run: true,
                    repeated: false,
                })
            }
            Ok(drafts) => {
                let records = work.take(drafts, submission)?;
                Reply::Done(Outcome {
                    records,
                    dry_run: false,
                    repeated: false,
                })
            }
        })
    }

    /// Returns the answer that an applied command got, if this is one.
    fn first_answer(
        &mut self,
        work: &Working,
        submission: &Submission,
    ) -> Result<Option<Reply>, Fault> {
        if submission.dry_run {
            return Ok(None);
        }
        let mut records = self.ledger.by_command(submission.id)?;
        // An earlier answer of this very batch counts as well, but is not on the ledger yet.
        records.retain(|record| record.seq <= work.start);
        let Some(first) = records.first() else {
            return Ok(None);
        };
        Ok(Some(
            match first.command_hash == submission.command_hash() {
                true => Reply::Done(Outcome {
                    records,
                    dry_run: false,
                    repeated: true,
                }),
                false => Reply::Refused(Refusal::CommandReused { seq: first.seq }),
            },
        ))
    }

    /// Fetches what the decision needs beyond the state. What this very batch closed is taken from it.
    fn fetch(&mut self, work: &Working, command: &Command) -> Result<Cold, Fault> {
        let mut cold = Cold::default();
        for _ in 0..ROUNDS {
            let needs = decide::needs(&work.state, &cold, command);
            if needs.is_empty() {
                break;
            }
            self.fetch_once(work, &needs, &mut cold)?;
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
        for seq in &needs.records {
            let record = self.ledger.record(*seq)?;
            cold.records.insert(*seq, record);
        }
        Ok(())
    }

    /// Writes a snapshot when the tail has grown long. It is a cache: failing to write it is logged and costs nothing else.
    fn keep_snapshot(&mut self) {
        if !load::snapshot_is_due(&self.state, self.snapshot_seq) {
            return;
        }
        self.snapshot_seq = self.state.head.seq;
        if let Err(fault) = load::keep_snapshot(self.ledger.as_mut(), &self.state) {
            tracing::warn!(%fault, "no snapshot was kept");
        }
    }
}

/// Returns whether an answer depends on heartbeats: those about agents do, others only where a lease is in sight.
pub(super) fn needs_signs_of_life(state: &State, query: &Query) -> bool {
    match query {
        Query::Agents { .. } | Query::Agent { .. } | Query::Summary | Query::Metrics => true,
        Query::WorkOrders { .. } => state.counts.wip.iter().any(|count| *count > 0),
        Query::WorkOrder { order } | Query::Status { order } | Query::Why { order } => {
            let leased = |id: OrderId| state.order(id).is_some_and(|order| order.lease().is_some());
            order.parse().is_ok_and(leased)
        }
        _ => false,
    }
}

fn form(row: &ArchivedOrder) -> Result<ClosedOrder, Fault> {
    serde_json::from_str(&row.form).map_err(|error| {
        let what = format!("the archive's form of {} cannot be read: {error}", row.id);
        Fault::new(FaultKind::Corrupt, std::path::Path::new(""), what)
    })
}

fn defect(what: &str) -> Fault {
    Fault::new(FaultKind::Misuse, std::path::Path::new(""), what)
}

fn busy(what: &str) -> Fault {
    Fault::new(FaultKind::Busy, std::path::Path::new(""), what)
}

/// When a command id is looked up on the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lookup {
    /// Only where the decision would change nothing: the ledger's own uniqueness catches the rest.
    WhenRefused,
    /// Before every decision, because an id was found to be there.
    Always,
}

/// Why a commit did not come about.
enum Trouble {
    Duplicate,
    Unwritten(Fault),
    Unknown(Fault),
}

impl Trouble {
    fn failure(self) -> Failure {
        match self {
            Trouble::Duplicate => {
                Failure::NotApplied(defect("this command id is on the ledger already"))
            }
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

/// A version of the state that is not committed yet, and the batch that leads to it.
struct Working {
    state: State,
    batch: Batch,
    now: Timestamp,
    uid: u32,
    start: u64,
    commands: HashSet<Uuid>,
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
    fn new(state: State, clock: &dyn Clock, uid: u32) -> Self {
        let start = state.head.seq;
        Working {
            state,
            batch: Batch::default(),
            now: clock.now(),
            uid,
            start,
            commands: HashSet::new(),
        }
    }

    /// Takes what is due. The engine's own records stand for no command, so their command's hash is that of nothing.
    fn take_due(&mut self, drafts: Vec<Draft>) -> Result<(), Fault> {
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

    fn take(&mut self, drafts: Vec<Draft>, submission: &Submission) -> Result<Vec<Record>, Fault> {
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
        self.seal(drafts, &envelope)
    }

    /// Makes records of drafts, chains them, and takes them into the working version.
    fn seal(&mut self, drafts: Vec<Draft>, envelope: &Envelope<'_>) -> Result<Vec<Record>, Fault> {
        let from = self.batch.records.len();
        for (n, draft) in (0u32..).zip(drafts) {
            let body = serde_json::to_string(&draft.event)
                .map_err(|error| defect(&format!("an event cannot be written: {error}")))?;
            let Head { seq, hash } = self.state.head;
            let mut record = Record {
                seq: seq + 1,
                time: self.now,
                occurred_at: draft.occurred_at.unwrap_or(self.now),
                command: envelope.command,
                n,
                command_hash: envelope.command_hash,
                causation: envelope.causation,
                correlation: envelope.correlation,
                actor_kind: envelope.actor.kind,
                actor: envelope.actor.name.clone(),
                door: envelope.door,
                uid: envelope.uid,
                subject: draft.event.subject(),
                kind: draft.event.kind().to_owned(),
                version: draft.event.version(),
                body: body.into(),
                hash: Hash::ZERO,
            };
            record.hash = record.seal(&hash);
            self.batch
                .archive
                .extend(apply(&mut self.state, &draft.event, &record));
            self.batch.records.push(record);
        }
        Ok(self.batch.records[from..].to_vec())
    }

    /// Answers a command id that this very batch has already taken.
    fn repeat(&self, submission: &Submission) -> Reply {
        let records: Vec<_> = self
            .batch
            .records
            .iter()
            .filter(|record| record.command == submission.id)
            .cloned()
            .collect();
        match records.first() {
            Some(first) if first.command_hash != submission.command_hash() => {
                Reply::Refused(Refusal::CommandReused { seq: first.seq })
            }
            _ => Reply::Done(Outcome {
                records,
                dry_run: false,
                repeated: true,
            }),
        }
    }
}
