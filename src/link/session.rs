//! A console's way to the line: an engine in its own process, which hosts if nobody else does.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{
    Answered, Asked, Beaten, Client, Failure, GateAsk, Heartbeat, Listener, Observer, Operator,
    Service, Supervised, vitals,
};
use crate::{
    domain::{
        command::{Role, Submission},
        moment::Moment,
        query::Query,
        record::{Record, Seq},
        refusal::Refusal,
        state::State,
        time::Timestamp,
    },
    engine::{
        Clock, Election, Engine, Handle, Host, News, Reader, Reply, SystemClock, Vitals, Writer,
        gates::{Desk, Runner, prepare},
        process,
        receipts::Filer,
        supervisor::{Supervisor, Wish},
    },
    ledger::{Fault, Home, SqliteLedger},
};

pub use crate::engine::{News as SessionNews, Standing, Subscription};

/// Looks at a ledger, live. It has no way to submit.
pub struct Watching {
    engine: Engine,
    reader: Mutex<Reader>,
}

impl Watching {
    /// Opens a ledger to look at it. A watcher never hosts.
    ///
    /// # Errors
    ///
    /// The ledger could not be opened or read.
    pub fn open(home: &Home) -> Result<Watching, Fault> {
        Watching::open_at(home, Arc::new(SystemClock::new()))
    }

    fn open_at(home: &Home, clock: Arc<dyn Clock>) -> Result<Watching, Fault> {
        let ledger = SqliteLedger::open(home)?;
        let writer = Writer::new(Box::new(ledger), clock, Some(home));
        let engine = Engine::start(writer)?;
        let reader = Mutex::new(engine.handle().reader()?);
        Ok(Watching { engine, reader })
    }

    /// Returns the newest version.
    pub fn state(&self) -> Arc<State> {
        self.handle().state()
    }

    /// Answers a question. It may read files, so it belongs on a thread that may wait.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn ask(&self, query: &Query) -> Answered {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(reader.ask(&self.handle(), query)?)
    }

    /// Returns the newest records, oldest first.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn recent(&self, limit: usize) -> Result<Vec<Record>, Fault> {
        self.reader
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recent(limit)
    }

    /// Returns the line as it stood at a moment; a long way there is told to `progress`, in records done and to do.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn stand(
        &self,
        moment: Moment,
        progress: &mut dyn FnMut(Seq, Seq),
    ) -> Result<Standing, Fault> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.stand(moment, progress)
    }

    /// Answers a question as it would have been answered then.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn ask_then(&self, then: &Standing, query: &Query) -> Answered {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(reader.ask_then(&self.handle(), then, query)?)
    }

    /// Calls `listener` with every new version, from the engine's thread: it must not block.
    pub fn subscribe(&self, listener: impl Fn(&News) + Send + Sync + 'static) -> Subscription {
        self.handle().subscribe(listener)
    }

    /// Returns how the engine of this process does. It waits for nothing that the engine may be busy with.
    pub fn vitals(&self) -> Vitals {
        self.handle().vitals()
    }

    /// Returns once everything that was submitted before is answered, and what is due by then is recorded.
    ///
    /// # Errors
    ///
    /// The engine has stopped.
    pub fn rest(&self) -> Result<(), Fault> {
        self.handle().rest()
    }

    fn handle(&self) -> Handle {
        self.engine.handle()
    }
}

/// The office of the host, while this process has it. The door closes first, then what it runs ends, and then the office
/// is given up.
struct Office {
    listener: Option<Listener>,
    service: Arc<Service>,
    desk: Desk,
    gates: Option<Runner>,
    receipts: Option<Filer>,
    supervisor: Arc<Supervisor>,
    host: Host,
}

impl Drop for Office {
    fn drop(&mut self) {
        drop(self.listener.take());
        drop(self.gates.take());
        drop(self.receipts.take());
        self.desk.close();
        self.supervisor.end();
    }
}

/// Looks at a ledger, live, and submits.
pub struct Session {
    office: Mutex<Option<Office>>,
    asked_to_yield: Arc<AtomicBool>,
    watching: Watching,
    home: Home,
    /// What others are told of who hosts.
    title: &'static str,
    /// Whether a host here runs by itself what `obeya.toml` names.
    runs: AtomicBool,
}

impl Session {
    /// Opens a ledger to work on it, and becomes its host if there is none.
    ///
    /// # Errors
    ///
    /// The ledger could not be opened, read, or written.
    pub fn open(home: &Home) -> Result<Session, Fault> {
        Session::titled(home, "console", true)
    }

    /// Opens a ledger as [`Session::open`] does, under the title that others are told. Whether it `runs` by itself what
    /// `obeya.toml` names is for the caller to say, who knows [whether the user trusts it](super::is_trusted).
    ///
    /// # Errors
    ///
    /// The ledger could not be opened, read, or written.
    pub fn titled(home: &Home, title: &'static str, runs: bool) -> Result<Session, Fault> {
        let session = Session::over(Watching::open(home)?, home, title, runs);
        session.stand()?;
        Ok(session)
    }

    /// Opens a ledger under another clock, to run what its project names. It has yet to [stand](Session::stand), so that
    /// whoever subscribes before that hears everything.
    ///
    /// # Errors
    ///
    /// As of [`Session::open`].
    pub fn open_at(
        home: &Home,
        clock: Arc<dyn Clock>,
        title: &'static str,
    ) -> Result<Session, Fault> {
        let watching = Watching::open_at(home, clock)?;
        Ok(Session::over(watching, home, title, true))
    }

    fn over(watching: Watching, home: &Home, title: &'static str, runs: bool) -> Session {
        Session {
            office: Mutex::new(None),
            asked_to_yield: Arc::default(),
            watching,
            home: home.clone(),
            title,
            runs: AtomicBool::new(runs),
        }
    }

    /// Lets a host here run what `obeya.toml` names from the next [`Session::stand`] on.
    pub fn let_run(&self) {
        self.runs.store(true, Ordering::Relaxed);
    }

    /// Returns the looking half.
    pub fn watching(&self) -> &Watching {
        &self.watching
    }

    /// Stands for election, and returns whether this process is the host now. Cheap enough to be tried every few seconds.
    ///
    /// # Errors
    ///
    /// The lock, the ledger or the socket could not be used.
    pub fn stand(&self) -> Result<bool, Fault> {
        if self.asked_to_yield.swap(false, Ordering::Relaxed) {
            self.step_down();
            return Ok(false);
        }
        let mut office = self.office.lock().unwrap_or_else(PoisonError::into_inner);
        let handle = self.watching.handle();
        let office = match &mut *office {
            Some(office) => office,
            none => match Host::elect(&self.home, &handle, self.title)? {
                Election::Won(host) => none.insert(self.take_office(host)?),
                Election::Lost => return Ok(false),
            },
        };
        let runs = self.runs.load(Ordering::Relaxed);
        if runs && office.gates.is_none() {
            office.gates = Some(Runner::start(office.desk.clone())?);
        }
        // A door that does not open is tried again without another election.
        if office.listener.is_none() {
            office.listener = Some(Listener::open(&self.home, Arc::clone(&office.service))?);
        }
        if runs {
            office.supervisor.look()?;
            match &office.receipts {
                Some(filer) => filer.look(),
                None => office
                    .receipts
                    .insert(Filer::start(&self.home, &handle)?)
                    .look(),
            }
        }
        Ok(true)
    }

    fn take_office(&self, host: Host) -> Result<Office, Fault> {
        let handle = self.watching.handle();
        let desk = Desk::new(&self.home, &handle, host.term());
        let program = own_program()?;
        let supervisor = Supervisor::new(&self.home, handle.clone(), host.term(), program);
        let supervisor = Arc::new(supervisor);
        let yielding = Arc::clone(&self.asked_to_yield);
        let on_yield = move || yielding.store(true, Ordering::Relaxed);
        let run = Arc::clone(&supervisor);
        let service = Service::new(&self.home, handle, run, desk.clone(), on_yield);
        Ok(Office {
            listener: None,
            service: Arc::new(service),
            desk,
            gates: None,
            receipts: None,
            supervisor,
            host,
        })
    }

    /// Returns what answers callers, while this process is the host.
    pub fn service(&self) -> Option<Arc<Service>> {
        let office = self.office.lock().unwrap_or_else(PoisonError::into_inner);
        office.as_ref().map(|office| Arc::clone(&office.service))
    }

    /// Gives the office up: before the process is stopped, or for one that is to be the host for good. Returns once
    /// nothing of this process waits for the turn or has it: stopped then, it would keep everybody out.
    pub fn step_down(&self) {
        let mut office = self.office.lock().unwrap_or_else(PoisonError::into_inner);
        drop(office.take());
        // An engine that has ended has no turn.
        let _ = self.watching.handle().rest();
    }

    /// Returns the supervision of agents, while this process is the host.
    pub fn supervisor(&self) -> Option<Arc<Supervisor>> {
        let office = self.office.lock().unwrap_or_else(PoisonError::into_inner);
        office.as_ref().map(|office| Arc::clone(&office.supervisor))
    }

    /// Returns the host's term, while this process is the host.
    pub fn term(&self) -> Option<u64> {
        let office = self.office.lock().unwrap_or_else(PoisonError::into_inner);
        office.as_ref().map(|office| office.host.term())
    }

    /// Returns how the engine of this process does. It waits for nothing that the engine may be busy with.
    pub fn vitals(&self) -> Vitals {
        self.watching.vitals()
    }

    /// Returns every figure as a scraper reads it: of the ledger, of its messages, of this engine and of this process.
    ///
    /// # Errors
    ///
    /// The ledger could not be read.
    pub fn exposition(&self) -> Result<String, Failure> {
        let ledger = self.watching.ask(&Query::Metrics);
        vitals::exposition(ledger, &self.vitals(), &self.home)
    }

    /// Submits a command, and calls `answer` from the engine's thread.
    pub fn submit_then(&self, submission: Submission, answer: impl FnOnce(Reply) + Send + 'static) {
        let heed = self.heed(&submission);
        let heeded = move |reply| answer(heed(reply));
        self.watching.handle().submit_then(submission, heeded);
    }

    /// Returns what a host here makes of the reply to a command: where gates are lacking it begins them, but for a dry run.
    fn heed(&self, submission: &Submission) -> impl FnOnce(Reply) -> Reply + Send + 'static {
        let office = self.office.lock().unwrap_or_else(PoisonError::into_inner);
        let desk = office.as_ref().map(|office| office.desk.clone());
        let desk = desk.filter(|_| !submission.dry_run);
        move |reply| match desk {
            Some(desk) => desk.heed(reply),
            None => reply,
        }
    }
}

impl Observer for Arc<Session> {
    fn ask(&mut self, query: &Query) -> Answered {
        self.watching.ask(query)
    }
}

impl Session {
    /// Begins a run of a quality gate. Nobody at a console waits for it: what it came to shows when it is recorded.
    fn begin_gate(&self, ask: &GateAsk) -> Asked {
        let office = self.office.lock().unwrap_or_else(PoisonError::into_inner);
        let desk = office.as_ref().map(|office| office.desk.clone());
        drop(office);
        let failed = |error: io::Error| Fault::io(self.home.path(), "running a gate", &error);
        let thread = thread::Builder::new().name("gate".into());
        let Some(desk) = desk else {
            // Another process is the host, and runs it.
            let (home, ask) = (self.home.clone(), ask.clone());
            let run = move || {
                let ran = super::open(&home).map(|mut operator| operator.run_gate(&ask));
                tracing::info!(?ran, "a gate was run by the host");
            };
            thread.spawn(run).map_err(failed)?;
            return Ok(Ok(None));
        };
        let ready = match prepare(&mut self.watching.handle(), &self.home, ask)? {
            Ok(ready) => ready,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let run = move || {
            let ran = desk.run(ready);
            tracing::info!(?ran, "a gate was run");
        };
        thread.spawn(run).map_err(failed)?;
        Ok(Ok(None))
    }
}

impl Operator for Arc<Session> {
    fn run_gate(&mut self, ask: &GateAsk) -> Asked {
        self.begin_gate(ask)
    }

    fn submit(&mut self, submission: &Submission) -> Reply {
        let heed = self.heed(submission);
        heed(self.watching.handle().submit(submission.clone()))
    }

    fn heartbeat(&mut self, beat: &Heartbeat) -> Beaten {
        let handle = self.watching.handle();
        Ok(handle.heartbeat(beat.order, beat.epoch, &beat.actor, beat.role, &beat.note)?)
    }

    fn supervise(&mut self, wish: &Wish) -> Supervised {
        let Some(supervisor) = self.supervisor() else {
            return Ok(Client::connect(&self.home)?.and_then(|mut host| host.supervised(wish)));
        };
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        supervisor.ask(wish.clone(), move |answer| drop(sender.send(answer)));
        Ok(receiver.recv().ok())
    }
}

/// What stands where an operator is wanted and there is none: it asks, and the engine refuses it everything else,
/// because whatever it submits comes from a viewer.
pub struct ReadOnly(Arc<Watching>);

impl ReadOnly {
    /// Returns a viewer's way.
    pub fn new(watching: Arc<Watching>) -> Self {
        ReadOnly(watching)
    }
}

impl Observer for ReadOnly {
    fn ask(&mut self, query: &Query) -> Answered {
        self.0.ask(query)
    }
}

impl Operator for ReadOnly {
    fn submit(&mut self, submission: &Submission) -> Reply {
        let viewed = Submission {
            role: Role::Viewer,
            ..submission.clone()
        };
        self.0.handle().submit(viewed)
    }

    fn run_gate(&mut self, _: &GateAsk) -> Asked {
        Ok(Err(Refusal::Role {
            has: Role::Viewer,
            needs: Role::Agent,
        }))
    }

    fn heartbeat(&mut self, _: &Heartbeat) -> Beaten {
        Ok(Err(Refusal::Role {
            has: Role::Viewer,
            needs: Role::Agent,
        }))
    }

    fn supervise(&mut self, _: &Wish) -> Supervised {
        Ok(Some(Err(Refusal::Role {
            has: Role::Viewer,
            needs: Role::Operator,
        })))
    }
}

/// Returns obeya itself, which a supervisor starts as its runners.
fn own_program() -> Result<PathBuf, Fault> {
    process::program()
        .map_err(|error| Fault::io(Path::new(""), "finding the program itself", &error))
}

/// The user id that records carry.
pub fn uid() -> u32 {
    rustix::process::getuid().as_raw()
}

/// The machine's clock, for doors that show ages.
pub fn now() -> Timestamp {
    SystemClock::new().now()
}
