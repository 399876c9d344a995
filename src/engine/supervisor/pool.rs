//! The agents of a host: each a machine and what runs for it. One loop, one inbox.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

use super::{
    Errand, Wish, conditions,
    context::Context,
    dispatch, exec,
    inbox::Note,
    lives,
    machine::{Action, Ending, Event, Standing},
    member::{Member, Seat},
    place::Place,
    recovery::recover,
    stdio,
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
    engine::workspace,
};

/// How long the end waits for runs beyond their grace: a runner kills by itself, so this is for one that cannot.
const LAST_GRACE: Duration = Duration::from_secs(5);
/// How long after a worktree could not be put away that is tried again, with whatever happens next: what kept it is committed,
/// merged or closed by a person.
const AGAIN: Duration = Duration::from_secs(60);
/// How long news is gathered before it is acted on: on a busy line each look is at all that is open, for each agent.
const TOGETHER: Duration = Duration::from_millis(5);

/// The loop's own.
pub(super) struct Pool {
    context: Arc<Context>,
    members: BTreeMap<String, Member>,
    told: Lives,
    lives: watch::Sender<Lives>,
    /// Whether something stands in the way of new work, and is looked at again by and by.
    in_the_way: bool,
    /// When the worktree of each closed order that has one was last tried to be put away.
    looked_at: BTreeMap<OrderId, Instant>,
}

impl Pool {
    pub(super) fn new(context: Context, lives: watch::Sender<Lives>) -> Self {
        Pool {
            context: Arc::new(context),
            members: BTreeMap::new(),
            told: Lives::new(),
            lives,
            in_the_way: false,
            looked_at: BTreeMap::new(),
        }
    }

    /// Runs until it is told to stop, or until nobody can tell it any more.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Note>) {
        recover(&self.context).await;
        let mut news = self.context.news.clone();
        loop {
            // What falls due while the rest of this round goes on is due by then, and not missed.
            let began = self.context.now();
            self.heed_pauses();
            self.in_the_way = conditions::look_again(&self.context).await;
            self.fill().await;
            self.put_away();
            self.publish();
            let wake = self.wake(began);
            tokio::select! {
                note = inbox.recv() => match note {
                    None | Some(Note::Stop) => break,
                    Some(note) => self.take(note).await,
                },
                // Once the engine is gone nothing changes any more, and the end is near.
                changed = news.changed() => match changed {
                    Ok(()) => tokio::time::sleep(TOGETHER).await,
                    Err(_) => break,
                },
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        self.end(inbox).await;
    }

    /// Ends every run, and waits for that.
    async fn end(&mut self, mut inbox: mpsc::UnboundedReceiver<Note>) {
        let now = self.context.now();
        self.context.leaving.store(true, Ordering::Relaxed);
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

    /// Returns when time alone may have something to be done, seen from `now`.
    fn wake(&self, now: Timestamp) -> Instant {
        let wakes = self
            .members
            .values()
            .filter_map(|member| member.machine.wakes(now));
        let soonest = wakes.map(|at| at.since(now)).min();
        let micros = soonest.unwrap_or(24 * 3_600 * SECOND);
        let wake = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        Instant::now()
            + match self.in_the_way {
                true => wake.min(conditions::LOOK),
                false => wake,
            }
    }

    /// Puts the worktrees of orders away that are closed, and in nobody's hands here.
    fn put_away(&mut self) {
        let state = Arc::clone(&self.context.news.borrow());
        let seats = || {
            self.members
                .values()
                .flat_map(|member| member.seats.values())
        };
        let orders = workspace::orders(&self.context.home);
        let now = Instant::now();
        self.looked_at
            .retain(|order, at| state.order(*order).is_none() && now < *at + AGAIN);
        for order in orders {
            let in_hand = seats().any(|seat| seat.view.order == Some(order));
            if state.order(order).is_some() || in_hand || self.looked_at.contains_key(&order) {
                continue;
            }
            self.looked_at.insert(order, now);
            let home = self.context.home.clone();
            tokio::task::spawn_blocking(move || {
                if let Err(why) = workspace::put_away(&home, order) {
                    tracing::info!(%order, why, "a worktree is kept");
                }
            });
        }
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
                    approvals: vec![],
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
            Note::Waits(order, gates) => {
                let seats = self
                    .members
                    .values_mut()
                    .flat_map(|member| member.seats.values_mut());
                for seat in seats.filter(|seat| seat.view.order == Some(order)) {
                    seat.waits(gates.clone());
                }
            }
            Note::Ended(name, slot, ending) => {
                let Some(member) = self.members.get_mut(&name) else {
                    return;
                };
                member.seats.remove(&slot);
                if let Ending::Crashed(why) | Ending::Missing(why) = &ending {
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
        self.context.set_headroom(line.headroom);
        self.context.set_terms((&line.bus).into()).await;
        for member in self.members.values() {
            let rule = line
                .agents
                .iter()
                .find(|rule| rule.name == member.rule.name);
            let stays = |topic: &&String| rule.is_some_and(|rule| rule.topics.contains(topic));
            let gone = member.rule.topics.iter().filter(|topic| !stays(topic));
            let gone: Vec<_> = gone.filter_map(|topic| topic.parse().ok()).collect();
            if member.rule.mode == Mode::Stdio && !gone.is_empty() {
                self.context.unsubscribe(&member.rule.name, gone).await;
            }
        }
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
                    let member = Member::new(rule);
                    self.members.insert(member.rule.name.clone(), member);
                }
            }
        }
        self.give_back_what_is_left().await;
    }

    /// Gives back what is done and was an agent's whom the file names no longer.
    async fn give_back_what_is_left(&self) {
        let runs = |name: &str| {
            let member = self.members.get(name).filter(|member| !member.removed);
            member.is_some_and(|member| member.rule.mode != Mode::Attached)
        };
        for (agent, claim) in self.context.left_to(|agent| !runs(agent)) {
            let command = Command::ReleaseOrder {
                id: claim.order,
                force: false,
                reason: Some("it is done, and obeya.toml names its agent no longer".into()),
            };
            // Where the claim is over by now, the rules refuse it.
            let _ = self.context.act(&agent, Some(claim.epoch), command).await;
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
