//! The system itself: made, started, stopped, and acted on.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use uuid::Uuid;

use super::{
    folder::Folder,
    heard::{Heard, NotSeen, first},
    mock::{Conduct, Mock, Turn},
};
use crate::{
    domain::{
        agent::PullFilter,
        command::{Command, NewOrder, Role, Submission},
        event::Event,
        id::OrderId,
        order::Actor,
        query::{Answer, Query, life::Lives},
        record::{ActorKind, Door, Record},
        refusal::Refusal,
        state::State,
        time::{SECOND, Timestamp},
    },
    link::{self, Failure, Fault, FaultKind, HeldClock, Home, LEDGER_FOLDER, Operator as _, Reply},
};

/// When every test begins: nine o'clock on a Monday, 2026-01-05.
const MORNING: Timestamp = Timestamp(1_767_603_600 * SECOND);
/// The person that a test is, where it does not say who acts.
const PERSON: &str = "tester";

/// Why something did not happen.
#[derive(Debug)]
pub enum Trouble {
    /// A rule does not allow it.
    Refused(Refusal),
    /// Something broke.
    Failed(Fault),
    /// It was waited for, and did not come.
    NotSeen(NotSeen),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Refused(refusal) => write!(f, "refused: {refusal}"),
            Trouble::Failed(fault) => fault.fmt(f),
            Trouble::NotSeen(not_seen) => not_seen.fmt(f),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Trouble::Failed(fault)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble::Failed(failure.fault().clone())
    }
}

/// Returns a command as somebody submits it who has every right; an agent has an agent's.
pub fn submission(actor: Actor, command: Command) -> Submission {
    let role = match actor.kind {
        ActorKind::Agent => Role::Agent,
        _ => Role::Admin,
    };
    Submission {
        id: Uuid::now_v7(),
        actor,
        role,
        door: Door::Cli,
        uid: 0,
        epoch: None,
        causation: None,
        correlation: None,
        dry_run: false,
        until: None,
        as_of: None,
        command,
    }
}

/// What a system begins with.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    program: Option<PathBuf>,
    toml: String,
}

impl Setup {
    /// Returns a system without agents and gates.
    pub fn new() -> Setup {
        Setup::default()
    }

    /// Says which program is obeya itself, which agents and gates are run through. It holds for the whole process; the
    /// first to say so is right.
    pub fn program(mut self, program: impl Into<PathBuf>) -> Setup {
        self.program = Some(program.into());
        self
    }

    /// Adds an agent that is a process for each order, under the host.
    pub fn agent(mut self, mock: Mock) -> Setup {
        self.toml.push_str(&mock.table());
        self
    }

    /// Adds what stands in `obeya.toml` besides: gates, or agents that are programs of your own.
    pub fn toml(mut self, text: &str) -> Setup {
        self.toml.push_str(text);
        self.toml.push('\n');
        self
    }

    /// Makes a ledger in a new folder and hosts it from this process.
    ///
    /// # Errors
    ///
    /// The folder, the ledger or the engine could not be made; or something is to be run, and nobody said by what program.
    pub fn start(self) -> Result<System, Trouble> {
        let folder = Folder::new()?;
        let file = folder.path().join("obeya.toml");
        if !self.toml.is_empty() {
            if self.program.is_none() {
                let fault = Fault::new(FaultKind::Misuse, &file, "nobody said what runs it");
                return Err(fault
                    .mend("Say which program is obeya: Setup::program.")
                    .into());
            }
            fs::write(&file, self.toml).map_err(|error| Fault::io(&file, "writing", &error))?;
        }
        if let Some(program) = self.program {
            link::set_program(program);
        }
        let home = Home::new(folder.path().join(LEDGER_FOLDER))?;
        let clock = HeldClock::at(MORNING);
        link::init_at(&home, Uuid::now_v7(), Arc::new(clock.clone()))?;
        let mut system = System {
            running: None,
            heard: Heard::default(),
            clock,
            home,
            folder,
        };
        system.resume()?;
        Ok(system)
    }
}

/// An engine that hosts a ledger of its own. Dropping it stops it and removes the ledger.
pub struct System {
    running: Option<Running>,
    heard: Heard,
    clock: HeldClock,
    home: Home,
    // The last to be dropped: nothing may still be written into it.
    folder: Folder,
}

struct Running {
    _subscription: link::Subscription,
    session: Arc<link::Session>,
}

impl System {
    /// Starts a system in which nobody works but the test.
    ///
    /// # Errors
    ///
    /// As of [`Setup::start`].
    pub fn start() -> Result<System, Trouble> {
        Setup::new().start()
    }

    /// Stops the host with everything that it runs, and removes the ledger.
    pub fn stop(self) {}

    /// Stops the host with everything that it runs; the ledger stays for [`System::resume`].
    pub fn suspend(&mut self) {
        self.running = None;
    }

    /// Hosts the ledger again, in a new term, if nobody here does.
    ///
    /// # Errors
    ///
    /// The ledger could not be used.
    pub fn resume(&mut self) -> Result<(), Trouble> {
        if self.running.is_some() {
            return Ok(());
        }
        let session = link::Session::open_at(&self.home, Arc::new(self.clock.clone()), "testing")?;
        let heard = self.heard.clone();
        let subscription = session.watching().subscribe(move |news| heard.take(news));
        session.stand()?;
        self.running = Some(Running {
            _subscription: subscription,
            session: Arc::new(session),
        });
        Ok(())
    }

    /// Returns the folder of the project: `obeya.toml` lies there, and agents run there.
    pub fn project(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the ledger, for whoever opens it beside this host.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Returns the line as it stands.
    ///
    /// # Errors
    ///
    /// The system is suspended.
    pub fn state(&self) -> Result<Arc<State>, Trouble> {
        Ok(self.session()?.watching().state())
    }

    /// Returns what the agents under the host are about.
    ///
    /// # Errors
    ///
    /// The system is suspended.
    pub fn lives(&self) -> Result<Lives, Trouble> {
        let supervisor = self.session()?.supervisor();
        Ok(supervisor.map(|agents| agents.lives()).unwrap_or_default())
    }

    /// Returns the time of the held clock.
    pub fn now(&self) -> Timestamp {
        link::Clock::now(&self.clock)
    }

    /// Lets time pass, and records what falls due.
    ///
    /// # Errors
    ///
    /// The system is suspended, or its engine has stopped.
    pub fn advance(&self, time: Duration) -> Result<(), Trouble> {
        self.clock.advance(micros(time));
        Ok(self.session()?.watching().rest()?)
    }

    /// Sets the wall clock forward or back by some seconds, as an operator or a time server would: the clock since boot
    /// stays, and the engine notices at the next command.
    pub fn jump(&self, seconds: i64) {
        self.clock.jump(seconds.saturating_mul(SECOND));
    }

    /// Creates a task with this title and every default.
    ///
    /// # Errors
    ///
    /// As of [`System::submit`].
    pub fn create_order(&self, title: &str) -> Result<OrderId, Trouble> {
        self.create(NewOrder::task(title))
    }

    /// Creates an order.
    ///
    /// # Errors
    ///
    /// As of [`System::submit`].
    pub fn create(&self, order: NewOrder) -> Result<OrderId, Trouble> {
        let records = self.submit(Actor::person(PERSON), Command::CreateOrder { order })?;
        let created = records.iter().find_map(|record| match record.decode() {
            Ok(Event::OrderCreated { id, .. }) => Some(id),
            _ => None,
        });
        created.ok_or_else(|| self.strange("no order was created").into())
    }

    /// Submits a command as a person with every right, or as an agent. Returns the records that it came to.
    ///
    /// # Errors
    ///
    /// The rules refuse it, or the ledger could not be used.
    pub fn submit(&self, actor: Actor, command: Command) -> Result<Vec<Record>, Trouble> {
        self.put(&submission(actor, command))
    }

    /// Submits a command under a claim's fencing number.
    ///
    /// # Errors
    ///
    /// As of [`System::submit`].
    pub fn submit_under(&self, turn: &Turn, command: Command) -> Result<Vec<Record>, Trouble> {
        self.put(&Submission {
            epoch: Some(turn.epoch),
            ..submission(Actor::agent(&turn.agent), command)
        })
    }

    /// Asks a question.
    ///
    /// # Errors
    ///
    /// The rules refuse it, or the ledger could not be read.
    pub fn ask(&self, query: &Query) -> Result<Answer, Trouble> {
        self.session()?
            .watching()
            .ask(query)?
            .map_err(Trouble::Refused)
    }

    /// Lets a mock agent take the next order in this process and behave as it does. Returns what it has or had in hand, or
    /// None where there was nothing for it.
    ///
    /// # Errors
    ///
    /// The ledger could not be used, or what the agent does next is refused: that of a liar is.
    pub fn work(&self, mock: &Mock) -> Result<Option<Turn>, Trouble> {
        let pull = Command::PullNext {
            filter: PullFilter::default(),
            lease_seconds: Some(mock.lease_seconds()),
        };
        let records = match self.submit(Actor::agent(&mock.name), pull) {
            Ok(records) => records,
            Err(Trouble::Refused(Refusal::NothingReady { .. })) => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        let held = records.iter().find_map(|record| match record.decode() {
            Ok(Event::OrderStarted { id, lease, .. }) => Some((id, lease?.epoch)),
            _ => None,
        });
        let (order, epoch) = held.ok_or_else(|| self.strange("a pull that pulled nothing"))?;
        let turn = Turn {
            agent: mock.name.clone(),
            order,
            epoch,
        };
        match mock.conduct {
            Conduct::Succeeds => drop(self.complete(&turn)?),
            Conduct::Fails => drop(self.release(&turn)?),
            Conduct::Lies => drop(self.complete(&Turn {
                epoch: epoch.saturating_add(1),
                ..turn.clone()
            })?),
            // Here nobody watches over a process: the lease is what ends both.
            Conduct::Hangs | Conduct::Crashes => {}
        }
        Ok(Some(turn))
    }

    /// Completes an order as the agent that has it in hand.
    ///
    /// # Errors
    ///
    /// As of [`System::submit`]: above all that the claim is over.
    pub fn complete(&self, turn: &Turn) -> Result<Vec<Record>, Trouble> {
        let (id, sku, note) = (turn.order, None, None);
        self.submit_under(turn, Command::CompleteOrder { id, sku, note })
    }

    /// Gives an order back as the agent that has it in hand.
    ///
    /// # Errors
    ///
    /// As of [`System::submit`].
    pub fn release(&self, turn: &Turn) -> Result<Vec<Record>, Trouble> {
        let command = Command::ReleaseOrder {
            id: turn.order,
            force: false,
            reason: Some("as it was told to".into()),
        };
        self.submit_under(turn, command)
    }

    /// Returns everything that happened since the system was started, oldest first.
    pub fn records(&self) -> Vec<Record> {
        self.heard.all()
    }

    /// Returns the first record of such an event, as soon as there is one since the system was started.
    ///
    /// # Errors
    ///
    /// There was none within [`PATIENCE`](super::PATIENCE); `what` says what it would have been.
    pub fn wait_for(&self, what: &str, is_it: impl Fn(&Event) -> bool) -> Result<Record, Trouble> {
        let found = self.heard.wait(what, |records, _| first(records, &is_it));
        found.map_err(Trouble::NotSeen)
    }

    /// Waits until something is so.
    ///
    /// # Errors
    ///
    /// It was not within [`PATIENCE`](super::PATIENCE).
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&State) -> bool) -> Result<(), Trouble> {
        let found = self.heard.wait(what, |_, state| is_so(state).then_some(()));
        found.map_err(Trouble::NotSeen)
    }

    fn put(&self, submission: &Submission) -> Result<Vec<Record>, Trouble> {
        let mut line = Arc::clone(self.session()?);
        match line.submit(submission) {
            Reply::Done(outcome) => Ok(outcome.records),
            Reply::Refused(refusal) => Err(Trouble::Refused(refusal)),
            Reply::Failed(failure) => Err(failure.into()),
        }
    }

    fn session(&self) -> Result<&Arc<link::Session>, Fault> {
        let running = self.running.as_ref();
        let session = running.map(|running| &running.session);
        session.ok_or_else(|| Fault::new(FaultKind::Misuse, self.home.path(), "it is suspended"))
    }

    fn strange(&self, what: &str) -> Fault {
        Fault::new(FaultKind::Io, self.home.path(), what)
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
