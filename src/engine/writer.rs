//! The one loop of every change: take the turn, catch up, append what is due, decide, append, publish.

use std::{
    collections::HashMap,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use uuid::Uuid;

use super::{
    clock::{Baseline, Clock},
    commit::Lookup,
    core::News,
    gates::Project,
    load,
    pulse::{self, Pulse},
    reader::LedgerBooks,
    reply::Reply,
    vitals::Meter,
    working::defect,
};
use crate::{
    domain::{
        command::{Command, Role, Submission},
        due,
        gate::Tree,
        id::OrderId,
        import_report::ImportReport,
        order::Actor,
        query::{self, Answer, Live, Query},
        record::{Head, Record},
        refusal::Refusal,
        state::State,
        time::{SECOND, Timestamp},
    },
    ledger::{Fault, Home, Identity, Ledger},
    text,
};

/// The most commands in one commit: by then the cost of the sync is spread so thin that more only delays the first.
pub const MAX_GROUP: usize = 256;
/// How long a writer waits for its turn.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How many times the usual tail an engine lets grow: its callers load nothing, and snapshots at the usual rate took a
/// sixth of its processor time under load. What is left is written when it ends.
const ENGINE_TAIL: u64 = 4;

/// Writes commands to a ledger, and keeps the state that they led to.
pub struct Writer {
    pub(super) ledger: Box<dyn Ledger>,
    pub(super) pulse: Pulse,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) baseline: Baseline,
    pub(super) uid: u32,
    pub(super) state: Arc<State>,
    /// The ledger's life that the state belongs to; none until it is loaded.
    life: Option<Identity>,
    snapshot_seq: u64,
    feed: Option<Feed>,
    snapshots: Option<JoinHandle<()>>,
    /// What there is to say about the import that was decided last.
    pub(super) import_report: Option<ImportReport>,
    /// What others may read of how it does.
    pub(super) meter: Arc<Meter>,
    /// The project whose code some commands are decided by; none for a ledger without a folder.
    project: Option<Project>,
    /// The code as it was just before a command of that id came into its turn.
    pub(super) trees: HashMap<Uuid, Tree>,
}

/// What is new since somebody last asked.
#[derive(Default)]
struct Feed {
    records: Vec<Record>,
    /// Whether the state was loaded anew, so that no records lead to it from the one before.
    anew: bool,
}

impl Writer {
    /// Returns a writer over any ledger. Its state is loaded at the first use.
    /// `home` is where the clock's baseline and heartbeats are kept; without one they last as long as the process.
    pub fn new(ledger: Box<dyn Ledger>, clock: Arc<dyn Clock>, home: Option<&Home>) -> Self {
        Writer {
            ledger,
            pulse: Pulse::new(home),
            clock,
            baseline: Baseline::new(home.map(|home| home.path().join("clock"))),
            uid: rustix::process::getuid().as_raw(),
            state: Arc::default(),
            life: None,
            snapshot_seq: 0,
            feed: None,
            snapshots: None,
            import_report: None,
            meter: Arc::default(),
            project: home.map(Project::of),
            trees: HashMap::new(),
        }
    }

    /// Returns the state as of the last catch-up.
    pub fn state(&self) -> &Arc<State> {
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

    /// Returns the project around the ledger, if it has a folder.
    pub(super) fn project(&self) -> Option<&Project> {
        self.project.as_ref()
    }

    /// Loads the ledger whole, and keeps from then on what is new for [`Writer::take_news`]. Snapshots are written in
    /// the background from then on.
    pub(super) fn follow(&mut self) -> Result<(), Fault> {
        self.catch_up()?;
        // Versions that are given away must not turn out to be unreadable later.
        if !load::is_sound(&self.state) {
            self.replay()?;
        }
        self.feed = Some(Feed::default());
        Ok(())
    }

    /// Returns the newest version and the records that led to it, if it is another one than last time.
    pub(super) fn take_news(&mut self) -> Option<News> {
        let feed = std::mem::take(self.feed.as_mut()?);
        let records = match feed.anew {
            true => Vec::new(),
            false => feed.records,
        };
        (feed.anew || !records.is_empty()).then(|| News {
            state: Arc::clone(&self.state),
            records: records.into(),
        })
    }

    /// Takes in what others wrote. Needs no turn, unless the archive was lost and has to be rebuilt.
    pub fn catch_up(&mut self) -> Result<(), Fault> {
        let head = self.ledger.head()?;
        if self.arrive(head)? && self.ledger.archive_watermark()?.is_none() {
            self.ledger.begin(PATIENCE)?;
            let rebuilt = self.rebuild_archive();
            self.ledger.end();
            rebuilt?;
        }
        Ok(())
    }

    /// Brings the state to the head that was just read, and returns whether it was loaded anew.
    pub(super) fn arrive(&mut self, head: Head) -> Result<bool, Fault> {
        let seen = self.state.head;
        // Only a restore, or a file put in the place of another, takes a head back.
        if self.life != Some(self.ledger.identity()) || (head != seen && head.seq <= seen.seq) {
            self.reload()?;
            return Ok(true);
        }
        if head != seen {
            let mut fresh = State::clone(&self.state);
            let mut records = Vec::new();
            load::catch_up(self.ledger.as_mut(), &mut fresh, None, &mut |record, _| {
                records.push(record)
            })?;
            self.publish(fresh, records);
        }
        Ok(false)
    }

    fn reload(&mut self) -> Result<(), Fault> {
        let mut state = load::newest_snapshot(self.ledger.as_mut(), None)?;
        self.snapshot_seq = state.head.seq;
        load::catch_up(self.ledger.as_mut(), &mut state, None, &mut |_, _| {})?;
        self.replace(state);
        Ok(())
    }

    /// Builds the state from the records alone: a snapshot turned out not to be readable.
    pub(super) fn replay(&mut self) -> Result<(), Fault> {
        let mut state = State::default();
        load::catch_up(self.ledger.as_mut(), &mut state, None, &mut |_, _| {})?;
        self.snapshot_seq = 0;
        self.replace(state);
        Ok(())
    }

    fn replace(&mut self, state: State) {
        self.life = Some(self.ledger.identity());
        self.state = Arc::new(state);
        if let Some(feed) = &mut self.feed {
            feed.anew = true;
        }
    }

    pub(super) fn publish(&mut self, state: State, records: Vec<Record>) {
        self.state = Arc::new(state);
        if let Some(feed) = &mut self.feed {
            feed.records.extend(records);
        }
    }

    /// Rebuilds the archive if it was lost. Needs the turn.
    pub(super) fn rebuild_archive(&mut self) -> Result<(), Fault> {
        match self.ledger.archive_watermark()? {
            Some(_) => Ok(()),
            None => load::rebuild_archive(self.ledger.as_mut()),
        }
    }

    /// Answers a question about the ledger as it is now.
    pub fn ask(&mut self, query: &Query) -> Result<Result<Answer, Refusal>, Fault> {
        self.catch_up()?;
        let answer = self.answer_query(query)?;
        if !self.state.is_damaged() {
            return Ok(answer);
        }
        self.replay()?;
        self.answer_query(query)
    }

    fn answer_query(&mut self, query: &Query) -> Result<Result<Answer, Refusal>, Fault> {
        let live = match pulse::is_needed(&self.state, query) {
            true => self.signs_of_life(),
            false => Live::default(),
        };
        let live = match (query, &self.project) {
            (Query::Gates { order: Some(order) }, Some(project)) => Live {
                tree: Some(project.tree(self.state.named(order))),
                ..live
            },
            _ => live,
        };
        let now = self.clock.now();
        let mut books = LedgerBooks(self.ledger.as_mut());
        query::answer(&self.state, &live, &mut books, query, now)
    }

    /// Returns every sign of life.
    pub(super) fn signs_of_life(&mut self) -> Live {
        self.pulse.live(&self.state, self.clock.now())
    }

    /// Renews its holder's lease in full, from now. Never on the ledger; a lease that lapsed or changed hands stays so.
    /// It takes the role that a claim takes.
    ///
    /// A lease that still runs is renewed without the writers' turn: until it ends nobody lets it lapse, and what else
    /// is due is the next writer's.
    pub fn heartbeat(
        &mut self,
        id: OrderId,
        epoch: u32,
        actor: &Actor,
        role: Role,
        note: &str,
    ) -> Result<Result<Timestamp, Refusal>, Fault> {
        let lease_seconds = None;
        let needs = Command::ClaimOrder { id, lease_seconds }.spec().role;
        if role < needs {
            return Ok(Err(Refusal::Role { has: role, needs }));
        }
        self.catch_up()?;
        let now = self.clock.now();
        let renewals = self.pulse.renewals(&self.state, now);
        let order = self.state.order(id);
        if order.is_none_or(|order| due::lease_end(order, &renewals).is_none_or(|end| end <= now)) {
            // What is due comes first: a lease that ran out is not renewed by a late beat.
            self.settle()?;
        }
        let Some(order) = self.state.order(id) else {
            return Ok(Err(Refusal::not_found(format!("open order {id}"))));
        };
        let current = order.lease();
        let Some(lease) = current.filter(|lease| lease.epoch == epoch) else {
            return Ok(Err(Refusal::StaleEpoch {
                id,
                given: Some(epoch),
                current: current.map(|lease| lease.epoch),
            }));
        };
        if let Some(work) = order.work().filter(|work| work.holder != *actor) {
            let holder = work.holder.clone();
            return Ok(Err(Refusal::NotHolder { id, holder }));
        }
        let until = now.plus(i64::from(lease.seconds).saturating_mul(SECOND));
        self.pulse.renew(id, epoch, until, now)?;
        self.pulse.beat(&actor.name, now, &text::clean(note))?;
        Ok(Ok(until))
    }

    /// Commits one command.
    pub fn submit(&mut self, submission: &Submission) -> Reply {
        self.look_at_code(submission);
        let replies = self.commit_for(&[submission], None);
        self.trees.clear();
        one(replies)
    }

    /// Looks at the code for a command that is decided by it, before its turn: nobody waits in theirs for git.
    fn look_at_code(&mut self, submission: &Submission) {
        let (Some(project), true) = (&self.project, may_be_gated(submission)) else {
            return;
        };
        let project = project.clone();
        // Who cannot read the ledger is told so in the turn.
        let _ = self.catch_up();
        // Where no host reads the project's file, its gates hold from the moment they matter.
        if self.feed.is_none() && !submission.dry_run {
            let (changes, _) = project.changes(&self.state);
            for change in &changes {
                drop(self.commit_for(&[change], None));
            }
        }
        if let Some(tree) = project.tree_for(&self.state, &submission.command) {
            self.trees.insert(submission.id, tree);
        }
    }

    /// Commits a whole file of another system, and leaves a reason for those who wait meanwhile. Returns the report on
    /// it too, unless it was not decided now.
    pub fn import(
        &mut self,
        reason: &str,
        submission: &Submission,
    ) -> (Reply, Option<ImportReport>) {
        self.import_report = None;
        let reply = one(self.commit_for(&[submission], Some(reason)));
        (reply, self.import_report.take())
    }

    /// Commits a group in one transaction. Everybody gets an answer, in the order of the submissions.
    pub(super) fn commit(&mut self, group: &[&Submission]) -> Vec<Reply> {
        self.commit_for(group, None)
    }

    /// Appends what is due, if anything is.
    pub fn settle(&mut self) -> Result<(), Fault> {
        match self.try_commit(&[], Lookup::WhenRefused, None) {
            Ok(_) => Ok(()),
            Err(trouble) => Err(trouble.failure().fault().clone()),
        }
    }

    fn commit_for(&mut self, group: &[&Submission], reason: Option<&str>) -> Vec<Reply> {
        // Who may do nothing does not even make others' due things be written.
        let refused = |submission: &&Submission| {
            let (has, needs) = (submission.role, submission.command.spec().role);
            (has < needs).then_some(Reply::Refused(Refusal::Role { has, needs }))
        };
        if let Some(replies) = group.iter().map(refused).collect() {
            return replies;
        }
        match self.try_commit(group, Lookup::WhenRefused, reason) {
            Ok(replies) => replies,
            Err(trouble) => {
                let failure = trouble.failure();
                vec![Reply::Failed(failure); group.len()]
            }
        }
    }

    /// Writes a snapshot when the tail has grown long. It is a cache: failing to write it is logged and costs nothing else.
    /// A process that is called for one command does it at once; an engine does not let its callers wait for it.
    pub(super) fn keep_snapshot(&mut self) {
        let busy = self
            .snapshots
            .as_ref()
            .is_some_and(|thread| !thread.is_finished());
        let times = match self.feed {
            None => 1,
            Some(_) => ENGINE_TAIL,
        };
        if busy || !load::snapshot_is_due(&self.state, self.snapshot_seq, times) {
            return;
        }
        self.snapshot_seq = self.state.head.seq;
        let kept = match self.feed {
            None => load::keep_snapshot(self.ledger.as_mut(), &self.state),
            Some(_) => self.ledger.another().map(|ledger| {
                self.snapshots = keep_in_background(ledger, Arc::clone(&self.state));
            }),
        };
        if let Err(fault) = kept {
            tracing::warn!(%fault, "no snapshot was kept");
        }
    }
}

fn keep_in_background(mut ledger: Box<dyn Ledger>, state: Arc<State>) -> Option<JoinHandle<()>> {
    let keep = move || {
        if let Err(fault) = load::keep_snapshot(ledger.as_mut(), &state) {
            tracing::warn!(%fault, "no snapshot was kept");
        }
    };
    let thread = thread::Builder::new().name("snapshot".into()).spawn(keep);
    thread
        .inspect_err(|error| tracing::warn!(%error, "no snapshot was kept"))
        .ok()
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(thread) = self.snapshots.take()
            && thread.join().is_err()
        {
            tracing::error!("the writing of a snapshot panicked");
        }
        // An engine left it longer than those should pay who come after it.
        if self.feed.take().is_some() && self.life.is_some() {
            self.keep_snapshot();
        }
    }
}

/// Returns whether quality gates may have a say in a command.
pub(super) fn may_be_gated(submission: &Submission) -> bool {
    let gated = matches!(
        submission.command,
        Command::MoveOrder { .. }
            | Command::CompleteOrder { .. }
            | Command::ApproveGate { .. }
            | Command::RejectGate { .. }
    );
    gated && submission.role >= submission.command.spec().role
}

fn one(mut replies: Vec<Reply>) -> Reply {
    replies
        .pop()
        .unwrap_or_else(|| Reply::Failed(defect("a command got no answer").into()))
}
