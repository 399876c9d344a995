//! The agents of a host: each a machine and what runs for it. One loop, one inbox.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    Errand, Wish,
    context::Context,
    dispatch, exec,
    exec::Place,
    lives,
    machine::{Action, Ending, Event, Machine, Standing},
    process::sweep,
    runner::Identity,
    runs, stdio,
};
use crate::{
    config::line::{AgentRule, Line, Mode},
    domain::{
        agent::PullFilter,
        andon::Severity,
        command::{Command, Hold, Role},
        id::OrderId,
        query::life::{Life, LifeSource, LifeState, Lives, RunView},
        refusal::Refusal,
        time::{SECOND, Timestamp},
    },
};

/// How long the end waits for runs beyond their grace: a runner kills by itself, so this is for one that cannot.
const LAST_GRACE: Duration = Duration::from_secs(5);
/// How long what a killed host left behind may take to end by itself, as its runners do.
const RECOVERY: Duration = Duration::from_secs(15);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Who is told what came of an errand.
pub(super) type Answer = Box<dyn FnOnce(Result<Life, Refusal>) + Send>;

/// What the loop hears.
pub(super) enum Note {
    /// What the file says now.
    Rules(Line),
    /// Something about the run of an agent's slot.
    Told(String, usize, Told),
    /// It is over.
    Ended(String, usize, Ending),
    /// Somebody wants something.
    Asked(Wish, Answer),
    /// Everything is to end.
    Stop,
}

/// What a run tells of itself.
pub(super) enum Told {
    State(LifeState, LifeSource, Option<String>),
    Process(String, i32),
    Order(Option<OrderId>),
    Throttled(String, Timestamp),
    Healthy,
}

/// A run that goes on.
struct Seat {
    stop: watch::Sender<bool>,
    state: (LifeState, LifeSource, Option<String>),
    view: RunView,
}

struct Member {
    rule: Arc<AgentRule>,
    machine: Machine,
    seats: BTreeMap<usize, Seat>,
    removed: bool,
    last_crash: Option<String>,
    /// What it was about when it was last told of, and since when.
    known: Option<(LifeState, Timestamp)>,
}

/// The loop's own.
pub(super) struct Pool {
    context: Arc<Context>,
    members: BTreeMap<String, Member>,
    told: Lives,
    lives: watch::Sender<Lives>,
}

impl Pool {
    pub(super) fn new(context: Context, lives: watch::Sender<Lives>) -> Self {
        Pool {
            context: Arc::new(context),
            members: BTreeMap::new(),
            told: Lives::new(),
            lives,
        }
    }

    /// Runs until it is told to stop, or until nobody can tell it any more.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Note>) {
        recover(&self.context).await;
        let mut news = self.context.news.clone();
        loop {
            self.heed_pauses();
            self.fill().await;
            self.publish();
            let wake = self.wake();
            tokio::select! {
                note = inbox.recv() => match note {
                    None | Some(Note::Stop) => break,
                    Some(note) => self.take(note).await,
                },
                // Once the engine is gone nothing changes any more, and the end is near.
                changed = news.changed() => if changed.is_err() { break },
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        self.end(inbox).await;
    }

    /// Ends every run, and waits for that.
    async fn end(&mut self, mut inbox: mpsc::UnboundedReceiver<Note>) {
        let now = self.context.now();
        let mut grace = 0;
        for member in self.members.values_mut() {
            grace = grace.max(member.rule.grace_seconds);
            for action in member.machine.step(now, Event::Stop) {
                member.act(&action);
            }
        }
        let until = Instant::now() + Duration::from_secs(grace.into()) + LAST_GRACE;
        while self.members.values().any(|member| !member.seats.is_empty()) {
            match tokio::time::timeout_at(until, inbox.recv()).await {
                Ok(Some(Note::Asked(_, answer))) => drop(answer),
                Ok(Some(note)) => self.take(note).await,
                Ok(None) | Err(_) => break,
            }
        }
        lives::clear(&self.context.home);
    }

    /// Returns when time alone may have something to be done.
    fn wake(&self) -> Instant {
        let now = self.context.now();
        let wakes = self
            .members
            .values()
            .filter_map(|member| member.machine.wakes(now));
        let soonest = wakes.map(|at| at.since(now)).min();
        let micros = soonest.unwrap_or(24 * 3_600 * SECOND);
        Instant::now() + Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Pausing and resuming are on the ledger.
    fn heed_pauses(&mut self) {
        let (now, state) = (self.context.now(), Arc::clone(&self.context.news.borrow()));
        for (name, member) in &mut self.members {
            let paused = state
                .agent(name)
                .is_some_and(|agent| agent.paused.is_some());
            if paused != member.machine.is_paused() {
                let event = match paused {
                    true => Event::Pause,
                    false => Event::Resume,
                };
                member.machine.step(now, event);
            }
        }
    }

    /// Starts what may be started.
    async fn fill(&mut self) {
        if !self.context.in_office() {
            return;
        }
        let context = Arc::clone(&self.context);
        for (name, member) in &mut self.members {
            while let Some(slot) = member.machine.open(context.now()) {
                let work = match member.rule.mode {
                    Mode::Attached => break,
                    Mode::Stdio => None,
                    Mode::Exec => match dispatch::pull(&context, &member.rule).await {
                        Some(claim) => Some(claim),
                        None => break,
                    },
                };
                let (stop, stopped) = watch::channel(false);
                let place = Place {
                    context: Arc::clone(&context),
                    rule: Arc::clone(&member.rule),
                    slot,
                    stop: stopped,
                };
                let view = RunView {
                    run: String::new(),
                    pid: None,
                    order: work.as_ref().map(|claim| claim.order),
                    since: context.now().into(),
                };
                let state = (LifeState::Starting, LifeSource::Process, None);
                member.seats.insert(slot, Seat { stop, state, view });
                member.machine.step(context.now(), Event::Began(slot));
                let (post, name) = (context.post.clone(), name.clone());
                tokio::spawn(async move {
                    let ending = match work {
                        Some(claim) => exec::run(place, claim).await,
                        None => stdio::run(place).await,
                    };
                    let _ = post.send(Note::Ended(name, slot, ending));
                });
            }
        }
    }

    async fn take(&mut self, note: Note) {
        let now = self.context.now();
        match note {
            Note::Rules(line) => self.rules(line).await,
            Note::Told(name, slot, told) => {
                if let Some(member) = self.members.get_mut(&name) {
                    member.told(now, slot, told);
                }
            }
            Note::Ended(name, slot, ending) => {
                let Some(member) = self.members.get_mut(&name) else {
                    return;
                };
                member.seats.remove(&slot);
                if let Ending::Crashed(why) = &ending {
                    tracing::warn!(agent = name, why, "an agent crashed");
                    member.last_crash = Some(why.clone());
                }
                let actions = member.machine.step(now, Event::Ended(slot, ending));
                if member.removed && member.seats.is_empty() {
                    self.members.remove(&name);
                }
                for action in actions {
                    if let Action::Park(reason) = action {
                        park(&self.context, &name, &reason).await;
                    }
                }
            }
            Note::Asked(wish, answer) => {
                answer(self.asked(&wish).await);
            }
            Note::Stop => {}
        }
    }

    /// Takes over what the file says: who is new, who is gone, and who is run in another way from now on.
    async fn rules(&mut self, line: Line) {
        let now = self.context.now();
        for member in self.members.values_mut() {
            member.removed = !line.agents.iter().any(|rule| rule.name == member.rule.name);
            if member.removed {
                for action in member.machine.step(now, Event::Stop) {
                    member.act(&action);
                }
            }
        }
        self.members
            .retain(|_, member| !member.removed || !member.seats.is_empty());
        for rule in line.agents {
            self.register(&rule).await;
            let count = usize::try_from(rule.count).unwrap_or(1);
            match self.members.get_mut(&rule.name) {
                Some(member) if *member.rule == rule => {}
                Some(member) => {
                    let stays = member.rule.mode == Mode::Exec && rule.mode == Mode::Exec;
                    member.machine.set(rule.mode, rule.restart);
                    let mut actions = member.machine.step(now, Event::Scale(count));
                    if !stays {
                        actions.extend(member.seats.keys().map(|slot| Action::End(*slot)));
                    }
                    actions.iter().for_each(|action| member.act(action));
                    member.rule = Arc::new(rule);
                }
                None => {
                    // Names are hashed so that agents that fall together do not rise together.
                    let seed = rule
                        .name
                        .bytes()
                        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
                        });
                    let member = Member {
                        machine: Machine::new(rule.mode, rule.restart, count, seed),
                        rule: Arc::new(rule),
                        seats: BTreeMap::new(),
                        removed: false,
                        last_crash: None,
                        known: None,
                    };
                    self.members.insert(member.rule.name.clone(), member);
                }
            }
        }
    }

    /// Puts on the ledger what the rules need to know of an agent. The same again is no change.
    async fn register(&self, rule: &AgentRule) {
        fn all<T: std::str::FromStr>(words: &[String]) -> Vec<T> {
            words.iter().filter_map(|word| word.parse().ok()).collect()
        }
        let command = Command::RegisterAgent {
            name: rule.name.clone(),
            role: rule.role.clone(),
            capabilities: PullFilter {
                buckets: all(&rule.buckets),
                kinds: all(&rule.kinds),
                labels: rule.labels.clone(),
            },
        };
        if let Err(trouble) = self.context.act(&rule.name, None, command).await {
            tracing::warn!(agent = rule.name, %trouble, "an agent could not be registered");
        }
    }

    async fn asked(&mut self, wish: &Wish) -> Result<Life, Refusal> {
        let needs = Role::Operator;
        if wish.role < needs {
            return Err(Refusal::Role {
                has: wish.role,
                needs,
            });
        }
        let now = self.context.now();
        let found = self
            .members
            .get_mut(&wish.agent)
            .filter(|member| !member.removed);
        let Some(member) = found else {
            return Err(not_there(&wish.agent));
        };
        if member.rule.mode == Mode::Attached {
            let why = "it is attached: it comes and goes by itself";
            return Err(Refusal::invalid("agent", why));
        }
        let was_parked = matches!(member.machine.standing(), Standing::Parked(_));
        let event = match wish.errand {
            Errand::Spawn => Event::Spawn,
            Errand::Stop => Event::Stop,
            Errand::Scale(count) => Event::Scale(count),
        };
        for action in member.machine.step(now, event) {
            member.act(&action);
        }
        let name = wish.agent.clone();
        if was_parked && wish.errand == Errand::Spawn {
            let fingerprint = fingerprint(&name);
            // Somebody may have resolved the alert before.
            let _ = self
                .context
                .own(Command::RecoverAlert { fingerprint })
                .await;
        }
        self.fill().await;
        let member = self.members.get_mut(&name);
        member
            .map(|member| member.life(now))
            .ok_or_else(|| not_there(&name))
    }

    /// Tells every process what the agents are about, where that has changed.
    fn publish(&mut self) {
        let now = self.context.now();
        let lives: Lives = self
            .members
            .iter_mut()
            .map(|(name, member)| (name.clone(), member.life(now)))
            .collect();
        if lives == self.told {
            return;
        }
        if let Err(error) = lives::write(&self.context.home, self.context.term, &lives) {
            tracing::warn!(%error, "what agents are about could not be written");
        }
        self.lives.send_replace(lives.clone());
        self.told = lives;
    }
}

impl Member {
    fn act(&self, action: &Action) {
        if let Action::End(slot) = action
            && let Some(seat) = self.seats.get(slot)
        {
            seat.stop.send_replace(true);
        }
    }

    fn told(&mut self, now: Timestamp, slot: usize, told: Told) {
        match told {
            Told::Throttled(source, until) => {
                self.machine.step(now, Event::Throttled { source, until });
            }
            Told::Healthy => {
                self.machine.step(now, Event::Healthy(slot));
            }
            told => {
                let Some(seat) = self.seats.get_mut(&slot) else {
                    return;
                };
                match told {
                    Told::State(state, source, note) => seat.state = (state, source, note),
                    Told::Process(run, pid) => {
                        (seat.view.run, seat.view.pid) = (run, Some(pid));
                    }
                    Told::Order(order) => seat.view.order = order,
                    Told::Throttled(..) | Told::Healthy => {}
                }
            }
        }
    }

    /// Returns what the agent is about.
    fn life(&mut self, now: Timestamp) -> Life {
        let (state, source, note, until) = self.state(now);
        let since = match &self.known {
            Some((known, since)) if *known == state => *since,
            _ => now,
        };
        self.known = Some((state, since));
        Life {
            state,
            source,
            since: since.into(),
            note: note.filter(|note| !note.is_empty()),
            until: until.map(Into::into),
            wanted: self.machine.wanted(),
            crashes: self.machine.crashes(now),
            runs: self.seats.values().map(|seat| seat.view.clone()).collect(),
        }
    }

    fn state(&self, now: Timestamp) -> (LifeState, LifeSource, Option<String>, Option<Timestamp>) {
        use LifeSource::{Operator, Process, Protocol};
        match self.machine.standing() {
            Standing::Parked(why) => {
                return (LifeState::Parked, Process, Some(why.clone()), None);
            }
            Standing::Stopped => return (LifeState::Stopped, Operator, None, None),
            Standing::Up => {}
        }
        if self.rule.mode == Mode::Attached {
            let note = "it is attached: it comes and goes by itself".to_owned();
            return (LifeState::Unknown, Protocol, Some(note), None);
        }
        if self.machine.is_paused() {
            return (LifeState::Paused, Operator, None, None);
        }
        if let Some((source, until)) = self.machine.throttled(now) {
            let note = format!("by {source}");
            return (LifeState::Throttled, Protocol, Some(note), Some(until));
        }
        // The most telling of several: who waits for input wants somebody, and whoever works is busy.
        let order = [LifeState::Waiting, LifeState::Busy, LifeState::Starting];
        let rank = |seat: &&Seat| order.iter().position(|state| *state == seat.state.0);
        if let Some(seat) = self
            .seats
            .values()
            .min_by_key(|seat| rank(seat).unwrap_or(9))
        {
            let (state, source, note) = seat.state.clone();
            return (state, source, note, None);
        }
        if self.machine.is_done() {
            let note = "it ended, and is not to run again".to_owned();
            return (LifeState::Stopped, Process, Some(note), None);
        }
        let pause = self.machine.wakes(now).and(self.last_crash.as_ref());
        let note = pause.map(|why| format!("waits after a crash: {why}"));
        (LifeState::Idle, Process, note, None)
    }
}

/// Returns the refusal for an agent that the file does not name.
pub(super) fn not_there(agent: &str) -> Refusal {
    let shown: String = agent.chars().take(80).collect();
    Refusal::not_found(format!("agent '{shown}' in obeya.toml"))
}

fn fingerprint(agent: &str) -> String {
    format!("agent:{agent}:parked")
}

/// Raises the one alert that says that an agent was given up.
async fn park(context: &Context, agent: &str, reason: &str) {
    let command = Command::TriggerAndon {
        reason: dispatch::sentence(&format!("agent {agent} is parked: {reason}")),
        severity: Severity::Medium,
        hold: Some(Hold::Nothing),
        fingerprint: Some(fingerprint(agent)),
        order: None,
    };
    if let Err(trouble) = context.own(command).await {
        tracing::error!(agent, %trouble, "an alert could not be raised");
    }
}

/// Looks after what a host left that was killed: its runners end by themselves, and what does not is killed, once it is
/// seen to be the very process that was noted. Its claims go back to the queue.
async fn recover(context: &Context) {
    let until = Instant::now() + RECOVERY;
    for mut note in runs::open(&context.home) {
        let alive = |identity: &Option<Identity>| identity.as_ref().is_some_and(Identity::is_alive);
        while (alive(&note.runner) || alive(&note.process)) && Instant::now() < until {
            tokio::time::sleep(LOOK).await;
        }
        [&note.runner, &note.process]
            .into_iter()
            .flatten()
            .for_each(Identity::kill);
        let swept = sweep(&note.run).await;
        note.end = Some("lost: its host was killed".into());
        if let Err(error) = note.write(&context.home) {
            tracing::warn!(run = note.run, %error, "a lost run could not be closed");
        }
        tracing::info!(
            agent = note.agent,
            run = note.run,
            swept,
            "a lost run was closed"
        );
        if let (Some(id), Some(epoch)) = (note.order, note.epoch) {
            let command = Command::ReleaseOrder {
                id,
                force: false,
                reason: Some("the host that ran its agent was killed".into()),
            };
            // Where the claim is over already, the rules refuse it.
            let _ = context.act(&note.agent, Some(epoch), command).await;
        }
    }
}
