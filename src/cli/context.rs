//! What one call knows: who acts, on which ledger, and how to reach its engine.

use std::{
    env,
    fs::{self, File},
    path::Path,
    time::Duration,
};

use clap::ArgMatches;
use uuid::Uuid;

use super::{
    error::{self, CliError},
    log,
    output::{Output, Sink, Style},
};
pub(super) use super::{
    globals::{
        ACTOR_VARIABLE, AGENT_VARIABLE, EPOCH_VARIABLE, Globals, actor_of_environment, variable,
    },
    matched::{text, value, values, word},
};
use crate::{
    demo::Demo,
    domain::{
        command::{Command, Role, Submission},
        id::OrderId,
        order::Actor,
        query::{Answer, Query},
        record::Door,
        time::Timestamp,
    },
    link::{
        self, Chosen, Connection, Failure, Heartbeat, Home, Operator, Outcome, Place, Reply,
        bus::{Caller, MessageBus},
        protocol::{FolderAnswer, FolderCall},
        remote::Target,
    },
};

/// An engine that was opened for a call, or for a session of calls.
pub(super) type OwnEngine = Box<dyn Operator + Send>;

/// What a session keeps from line to line.
#[derive(Default)]
pub(super) struct Open {
    connection: Option<Connection>,
    engine: Option<OwnEngine>,
}

/// How long a first connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The engine, as far as it was needed.
enum Engine<'a> {
    /// Nobody asked for it yet.
    Unopened,
    /// Opened for this call.
    Own(OwnEngine),
    /// Lent by the console.
    Lent(&'a mut dyn Operator),
}

/// One call.
pub(super) struct Call<'a> {
    /// What stands before and beside the command.
    pub(super) globals: Globals,
    /// What is printed.
    pub(super) out: Output,
    /// A demo that the console is to be opened on.
    pub(super) demo: Option<Demo>,
    door: Door,
    engine: Engine<'a>,
    /// The way to the line, once it was needed.
    connection: Option<Connection>,
    /// Whether the process is there for this call only, its standard input and its end too.
    alone: bool,
}

impl<'a> Call<'a> {
    /// Returns a call from a shell.
    pub(super) fn shell(globals: Globals, style: Style) -> Self {
        Call {
            globals,
            out: Output::new(style, Sink::Stdout),
            demo: None,
            door: Door::Cli,
            engine: Engine::Unopened,
            connection: None,
            alone: true,
        }
    }

    /// Returns a call from a line of `obeya shell`, with the session's engine if it is open already.
    pub(super) fn session(globals: Globals, style: Style, open: Open) -> Self {
        Call {
            engine: open.engine.map_or(Engine::Unopened, Engine::Own),
            connection: open.connection,
            alone: false,
            ..Call::shell(globals, style)
        }
    }

    /// Returns what is open, for the next line.
    pub(super) fn into_open(self) -> Open {
        Open {
            connection: self.connection,
            engine: match self.engine {
                Engine::Own(engine) => Some(engine),
                Engine::Unopened | Engine::Lent(_) => None,
            },
        }
    }

    /// Returns a call from the console's line.
    pub(super) fn line(
        globals: Globals,
        style: Style,
        operator: &'a mut dyn Operator,
        connection: Option<Connection>,
    ) -> Self {
        Call {
            globals,
            out: Output::new(style, Sink::Memory),
            demo: None,
            door: Door::Console,
            engine: Engine::Lent(operator),
            connection,
            alone: false,
        }
    }

    /// Returns whether JSON is wanted.
    pub(super) fn json(&self) -> bool {
        self.out.style.json
    }

    /// Returns the door the call came in by.
    pub(super) fn door(&self) -> Door {
        self.door
    }

    /// Acts as this agent from here on, if one is named.
    pub(super) fn act_as(&mut self, agent: Option<&String>) {
        if let Some(name) = agent {
            self.globals.actor = Some(Actor::agent(name));
        }
    }

    /// Refuses `--dry-run` where there is nothing to show beforehand.
    pub(super) fn no_dry_run(&self, what: &str) -> Result<(), CliError> {
        match self.globals.dry_run {
            true => Err(CliError::Usage(format!(
                "{what} cannot be shown beforehand: leave --dry-run out"
            ))),
            false => Ok(()),
        }
    }

    /// Returns whether the console lends its engine.
    pub(super) fn is_lent(&self) -> bool {
        matches!(self.engine, Engine::Lent(_))
    }

    /// Returns who acts, and what they may do.
    pub(super) fn acting(&self) -> (Actor, Role) {
        let actor = self.globals.actor();
        let role = self.globals.role(&actor);
        (actor, role)
    }

    /// Refuses what has no place in the console.
    pub(super) fn shell_only(&self, what: &str) -> Result<(), CliError> {
        match self.engine {
            Engine::Lent(_) => Err(CliError::Usage(format!(
                "{what} has no place in the console: run it in a shell"
            ))),
            _ => Ok(()),
        }
    }

    /// Refuses what takes the whole process: its standard input, or its end.
    pub(super) fn process_only(&self, what: &str) -> Result<(), CliError> {
        self.shell_only(what)?;
        match self.alone {
            true => Ok(()),
            false => Err(CliError::Usage(format!(
                "{what} has no place in obeya shell: run it as a command of its own"
            ))),
        }
    }

    /// Opens a file that was named. Where the lines come from elsewhere it has to be a plain one: a pipe or a device may be
    /// the very script that is being read, and would be swallowed.
    pub(super) fn open(&self, path: &Path) -> Result<File, CliError> {
        let fault = |fault| error::file(path, "opening", &fault);
        if !self.alone && !fs::metadata(path).map_err(fault)?.is_file() {
            self.process_only(&format!(
                "Reading {}, which is no plain file,",
                path.display()
            ))?;
        }
        File::open(path).map_err(fault)
    }

    /// Returns where the line is that the call is about.
    pub(super) fn chosen(&self) -> Result<Chosen, CliError> {
        self.shell_only("This command")?;
        let from = env::current_dir()
            .map_err(|error| error::file("the working directory".as_ref(), "reading", &error))?;
        link::choose(&self.globals.choice, &from)?.map_err(CliError::NoLedger)
    }

    /// Returns the ledger that the call is about, for what only its own machine can do.
    pub(super) fn place(&self, what: &str) -> Result<Place, CliError> {
        match self.chosen()? {
            Chosen::Ledger(place) => Ok(place),
            Chosen::Engine(target, _) => Err(elsewhere(what, &target)),
        }
    }

    /// Returns the ledger's folder, for what only its own machine can do.
    pub(super) fn home(&self, what: &str) -> Result<Home, CliError> {
        match &self.connection {
            Some(Connection::Local(home)) => Ok(home.clone()),
            Some(Connection::Remote(attached)) => Err(elsewhere(what, attached.remote().target())),
            None => Ok(self.place(what)?.home),
        }
    }

    /// Returns the way to the line, which is attached to at the first use where it is elsewhere.
    pub(super) fn connection(&mut self) -> Result<&Connection, CliError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => match self.chosen()? {
                Chosen::Ledger(place) => Connection::Local(place.home),
                Chosen::Engine(target, _) => Connection::attach(*target, PATIENCE)?,
            },
        };
        Ok(self.connection.insert(connection))
    }

    /// Opens the bus.
    pub(super) fn bus(&mut self) -> Result<Box<dyn MessageBus + Send>, CliError> {
        Ok(self.connection()?.bus()?)
    }

    /// Asks for something of the ledger's folder.
    pub(super) fn folder(&mut self, wanted: FolderCall) -> Result<FolderAnswer, CliError> {
        let caller = self.caller();
        Ok(self.connection()?.folder(&caller, wanted)??)
    }

    /// Returns the way to the engine, which is opened at the first use.
    pub(super) fn operator(&mut self) -> Result<&mut dyn Operator, CliError> {
        if matches!(self.engine, Engine::Unopened) {
            let connection = self.connection()?;
            if let Some(home) = connection.home() {
                log::start(home);
            }
            self.engine = Engine::Own(connection.operator()?);
        }
        match &mut self.engine {
            Engine::Own(operator) => Ok(operator.as_mut()),
            Engine::Lent(operator) => Ok(&mut **operator),
            Engine::Unopened => Err(CliError::Usage("no engine was opened".into())),
        }
    }

    /// Lets go of an engine of its own: a call that only waits from here on holds no state.
    pub(super) fn release(&mut self) {
        if matches!(self.engine, Engine::Own(_)) {
            self.engine = Engine::Unopened;
        }
    }

    /// Asks a question.
    pub(super) fn ask(&mut self, query: &Query) -> Result<Answer, CliError> {
        Ok(self.operator()?.ask(query)??)
    }

    /// Submits a command and returns what it came to. What may have been applied is asked again once, with the same id.
    pub(super) fn submit(&mut self, command: Command) -> Result<Outcome, CliError> {
        let submission = self.submission(command);
        let operator = self.operator()?;
        let reply = match operator.submit(&submission) {
            Reply::Failed(Failure::Unknown(_)) => operator.submit(&submission),
            reply => reply,
        };
        self.outcome(reply, submission.id)
    }

    /// Returns what a reply came to.
    pub(super) fn outcome(&self, reply: Reply, command: Uuid) -> Result<Outcome, CliError> {
        match reply {
            Reply::Done(outcome) => Ok(outcome),
            Reply::Refused(refusal) => Err(refusal.into()),
            Reply::Failed(Failure::NotApplied(fault)) => {
                tracing::warn!(%command, %fault, "not applied");
                Err(fault.into())
            }
            Reply::Failed(Failure::Unknown(fault)) => {
                tracing::error!(%command, %fault, "nobody knows whether it was applied");
                Err(CliError::Unknown { fault, command })
            }
        }
    }

    /// Returns a command with everything that the record's envelope needs.
    pub(super) fn submission(&self, command: Command) -> Submission {
        let globals = &self.globals;
        let actor = globals.actor();
        Submission {
            id: globals.command_id.unwrap_or_else(Uuid::now_v7),
            role: globals.role(&actor),
            actor,
            door: self.door,
            uid: rustix::process::getuid().as_raw(),
            epoch: command.order().and_then(|order| globals.epoch(order)),
            causation: None,
            correlation: None,
            dry_run: globals.dry_run,
            until: None,
            as_of: None,
            command,
        }
    }

    /// Returns the caller as the bus knows one.
    pub(super) fn caller(&self) -> Caller {
        let actor = self.globals.actor();
        Caller {
            role: self.globals.role(&actor),
            actor,
        }
    }

    /// Renews a lease and returns until when it holds.
    pub(super) fn heartbeat(
        &mut self,
        order: OrderId,
        note: String,
    ) -> Result<Timestamp, CliError> {
        let Some(epoch) = self.epoch(order) else {
            return Err(CliError::Usage(format!(
                "a heartbeat needs the claim's fencing number: give --epoch or set {EPOCH_VARIABLE}"
            )));
        };
        let actor = self.globals.actor();
        let beat = Heartbeat {
            order,
            epoch,
            role: self.globals.role(&actor),
            actor,
            note,
        };
        Ok(self.operator()?.heartbeat(&beat)??)
    }

    /// Returns the fencing number that the caller gave for an order.
    pub(super) fn epoch(&self, order: OrderId) -> Option<u32> {
        self.globals.epoch(order)
    }

    /// Returns the order that a text names, by its id here or elsewhere.
    pub(super) fn order(&mut self, text: &str) -> Result<OrderId, CliError> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let order = text.to_owned();
        let Answer::Status(view) = self.ask(&Query::Status { order })? else {
            return Err(unexpected());
        };
        Ok(view.id)
    }

    /// Returns the order that the argument `id` names.
    pub(super) fn order_of(&mut self, matches: &ArgMatches) -> Result<OrderId, CliError> {
        self.order(word(matches, "id"))
    }
}

/// Returns the error for what only the engine's own machine can do.
fn elsewhere(what: &str, target: &Target) -> CliError {
    let address = &target.address;
    CliError::Usage(format!(
        "{what} works on the ledger's own machine, and this call is attached to {} ({address}): run it there",
        target.name()
    ))
}

/// Returns the error for a folder that answers something else than was asked.
macro_rules! folder {
    ($call:expr, $wanted:expr, $sort:ident) => {
        match $call.folder($wanted)? {
            $crate::link::protocol::FolderAnswer::$sort(answer) => answer,
            _ => return Err($crate::cli::context::unexpected()),
        }
    };
}
pub(super) use folder;

/// Returns the error for an engine that answers another question.
pub(super) fn unexpected() -> CliError {
    let what = "the engine answered another question than was asked";
    CliError::Fault(link::Fault::new(link::FaultKind::Misuse, "".as_ref(), what))
}

/// Asks a question and takes the answer of its sort.
macro_rules! answer {
    ($call:expr, $query:expr, $sort:ident) => {
        match $call.ask(&$query)? {
            $crate::domain::query::Answer::$sort(answer) => answer,
            _ => return Err($crate::cli::context::unexpected()),
        }
    };
}
pub(super) use answer;
