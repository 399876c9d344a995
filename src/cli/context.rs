//! What one call knows: who acts, on which ledger, and how to reach its engine.

use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
};

use clap::ArgMatches;
use uuid::Uuid;

pub(super) use super::matched::{text, value, values, word};
use super::{
    error::CliError,
    log,
    output::{Colour, Output, Sink, Style},
    user::user_name,
};
use crate::{
    demo::Demo,
    domain::{
        command::{Command, Role, Submission},
        id::OrderId,
        order::Actor,
        query::{Answer, Query},
        record::{ActorKind, Door},
        time::Timestamp,
    },
    link::{self, Failure, Heartbeat, Home, Operator, Outcome, Place, Reply, bus::Caller},
};

/// The variable that names the acting agent.
pub(super) const AGENT_VARIABLE: &str = "OBEYA_AGENT";
/// The variable that names the actor.
pub(super) const ACTOR_VARIABLE: &str = "OBEYA_ACTOR";
/// The variable with the fencing number of the caller's claim: `WO-001:3`.
pub(super) const EPOCH_VARIABLE: &str = "OBEYA_EPOCH";

/// The fencing number of a claim, as the caller gave it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch {
    /// The order that was claimed; none where it was given for this very call.
    pub(super) order: Option<OrderId>,
    pub(super) number: u32,
}

/// What stands before and beside every command.
#[derive(Clone, Debug)]
pub(super) struct Globals {
    /// Show the events and write nothing.
    pub(super) dry_run: bool,
    /// Who acts, if it was said; a call that only looks need not know.
    pub(super) actor: Option<Actor>,
    pub(super) role: Option<Role>,
    pub(super) epoch: Option<Epoch>,
    /// Which ledger, if it was said.
    pub(super) ledger: Option<PathBuf>,
    command_id: Option<Uuid>,
}

impl Globals {
    /// Returns what was typed, and what the environment says where nothing was. The flags are those of the innermost
    /// command: clap hands them down.
    pub(super) fn read(matches: &ArgMatches) -> Result<Self, CliError> {
        let epoch = match matches.get_one::<u32>("epoch") {
            Some(number) => Some(Epoch {
                order: None,
                number: *number,
            }),
            None => epoch_of_environment()?,
        };
        Ok(Globals {
            dry_run: matches.get_flag("dry-run"),
            actor: matches.get_one::<String>("actor").map(|name| actor(name)),
            role: match matches.get_flag("read-only") {
                true => Some(Role::Viewer),
                false => matches.get_one("as").copied(),
            },
            epoch,
            ledger: matches.get_one("ledger").cloned(),
            command_id: matches.get_one("command-id").copied(),
        })
    }

    /// Returns the same with what the session of this line was opened with, where the line says nothing.
    pub(super) fn or_session(mut self, session: &Globals) -> Self {
        self.dry_run |= session.dry_run;
        self.actor = self.actor.or_else(|| session.actor.clone());
        self.ledger = session.ledger.clone();
        // Nobody rises above the role that the session was opened with.
        self.role = match (self.role, session.role) {
            (Some(own), Some(most)) => Some(own.min(most)),
            (own, most) => own.or(most),
        };
        self
    }

    /// Returns whether something was given that belongs to a single command.
    pub(super) fn is_of_one_command(&self) -> bool {
        let typed = self.epoch.is_some_and(|epoch| epoch.order.is_none());
        self.command_id.is_some() || typed
    }

    /// Returns the style that was asked for.
    pub(super) fn style(matches: &ArgMatches) -> Style {
        Style::stdout(matches.get_flag("json"), Globals::colour(matches))
    }

    /// Returns when there is to be colour.
    pub(super) fn colour(matches: &ArgMatches) -> Colour {
        matches.get_one("color").copied().unwrap_or(Colour::Auto)
    }

    /// Returns who acts.
    pub(super) fn actor(&self) -> Actor {
        self.actor.clone().unwrap_or_else(actor_of_environment)
    }

    /// Returns what the caller may do: what was typed, or what somebody of the actor's sort does.
    pub(super) fn role(&self, actor: &Actor) -> Role {
        self.role.unwrap_or(match actor.kind {
            ActorKind::Agent => Role::Agent,
            _ => Role::Admin,
        })
    }

    /// Returns the fencing number for a write on an order. One that stays in the environment belongs to the order that
    /// was claimed, and says nothing about any other.
    fn epoch(&self, order: OrderId) -> Option<u32> {
        let given = self.epoch?;
        given
            .order
            .is_none_or(|claimed| claimed == order)
            .then_some(given.number)
    }

    /// Returns the same with somebody who acts where nobody was named.
    pub(super) fn or_actor(mut self, actor: &Actor, role: Role) -> Self {
        if self.actor.is_none() {
            self.actor = Some(actor.clone());
        }
        // Nobody rises by naming somebody else.
        self.role = Some(self.role.map_or(role, |named| named.min(role)));
        self
    }
}

fn epoch_of_environment() -> Result<Option<Epoch>, CliError> {
    let Some(text) = variable(EPOCH_VARIABLE) else {
        return Ok(None);
    };
    let claimed = text.trim().split_once(':').and_then(|(order, number)| {
        Some(Epoch {
            order: Some(order.parse().ok()?),
            number: number.parse().ok()?,
        })
    });
    claimed.map(Some).ok_or_else(|| {
        CliError::Usage(format!(
            "{EPOCH_VARIABLE} is '{text}'; it takes the claimed order and its epoch, like WO-001:3"
        ))
    })
}

pub(super) fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Returns who a name stands for: `agent:NAME`, `person:NAME` or a person's name.
fn actor(name: &str) -> Actor {
    match name.split_once(':') {
        Some(("agent", name)) => Actor::agent(name),
        Some(("person", name)) => Actor::person(name),
        _ => Actor::person(name),
    }
}

/// Returns who acts where nothing was typed.
pub(super) fn actor_of_environment() -> Actor {
    if let Some(name) = variable(AGENT_VARIABLE) {
        return Actor::agent(name);
    }
    variable(ACTOR_VARIABLE).map_or_else(|| Actor::person(user_name()), |name| actor(&name))
}

/// An engine that was opened for a call, or for a session of calls.
pub(super) type OwnEngine = Box<dyn Operator + Send>;

/// The engine, as far as it was needed.
enum Engine<'a> {
    /// Nobody asked for it yet.
    Unopened,
    /// Opened for this call.
    Own(OwnEngine),
    /// Lent by the console, with the folder of its ledger.
    Lent(&'a mut dyn Operator, Option<Home>),
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
            alone: true,
        }
    }

    /// Returns a call from a line of `obeya shell`, with the session's engine if it is open already.
    pub(super) fn session(globals: Globals, style: Style, engine: Option<OwnEngine>) -> Self {
        Call {
            engine: engine.map_or(Engine::Unopened, Engine::Own),
            alone: false,
            ..Call::shell(globals, style)
        }
    }

    /// Returns the engine for the next line.
    pub(super) fn into_engine(self) -> Option<OwnEngine> {
        match self.engine {
            Engine::Own(engine) => Some(engine),
            Engine::Unopened | Engine::Lent(..) => None,
        }
    }

    /// Returns a call from the console's line.
    pub(super) fn line(
        globals: Globals,
        style: Style,
        operator: &'a mut dyn Operator,
        home: Option<Home>,
    ) -> Self {
        Call {
            globals,
            out: Output::new(style, Sink::Memory),
            demo: None,
            door: Door::Console,
            engine: Engine::Lent(operator, home),
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
        matches!(self.engine, Engine::Lent(..))
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
            Engine::Lent(..) => Err(CliError::Usage(format!(
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
        let fault = |fault| super::error::file(path, "opening", &fault);
        if !self.alone && !fs::metadata(path).map_err(fault)?.is_file() {
            self.process_only(&format!(
                "Reading {}, which is no plain file,",
                path.display()
            ))?;
        }
        File::open(path).map_err(fault)
    }

    /// Returns the ledger that the call is about.
    pub(super) fn place(&self) -> Result<Place, CliError> {
        self.shell_only("This command")?;
        let from = env::current_dir().map_err(|error| {
            super::error::file("the working directory".as_ref(), "reading", &error)
        })?;
        link::locate(self.globals.ledger.as_deref(), &from)?.map_err(CliError::NoLedger)
    }

    /// Returns the ledger's folder.
    pub(super) fn home(&self) -> Result<Home, CliError> {
        Ok(self.place()?.home)
    }

    /// Returns the folder of what lies beside the ledger: in the console that of its own.
    pub(super) fn beside(&self) -> Result<Home, CliError> {
        match &self.engine {
            Engine::Lent(_, Some(home)) => Ok(home.clone()),
            _ => self.home(),
        }
    }

    /// Returns the way to the engine, which is opened at the first use.
    pub(super) fn operator(&mut self) -> Result<&mut dyn Operator, CliError> {
        if matches!(self.engine, Engine::Unopened) {
            let home = self.home()?;
            log::start(&home);
            self.engine = Engine::Own(link::open(&home)?);
        }
        match &mut self.engine {
            Engine::Own(operator) => Ok(operator.as_mut()),
            Engine::Lent(operator, _) => Ok(&mut **operator),
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
