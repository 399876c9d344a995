//! Agents, what they hold and when they were last heard. One that holds an order without being registered is one too.

use std::{collections::BTreeMap, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Live, MAX_LIMIT,
    events::Entry,
    life::{Life, LifeSource, LifeState},
    order_view::LeaseView,
    reading::{Answered, Reading},
    value::Moment,
};
use crate::domain::{
    agent::{Agent, PullFilter},
    andon::Scope,
    books::Books,
    id::{AlertId, OrderId},
    order::{Bucket, vocabulary},
    record::ActorKind,
    refusal::Refusal,
    state::State,
    time::Timestamp,
    usage::{Budget, BudgetView, UsageView},
};

vocabulary! {
    /// What an agent is about.
    AgentStatus ("status of an agent") {
        /// It holds orders.
        Working = "working",
        /// It holds none.
        Idle = "idle",
        /// It pulls nothing.
        Paused = "paused",
    }
}

/// The agents, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agents {
    /// The agents.
    pub agents: Vec<AgentView>,
    /// How many there are in all.
    pub total: usize,
    /// How many of them hold orders without being registered.
    #[serde(default)]
    pub unregistered: usize,
    /// How many of them hold an order.
    pub active: usize,
}

/// An agent as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentView {
    /// Its name.
    pub name: String,
    /// Whether it is registered.
    #[serde(default = "yes")]
    pub registered: bool,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Working, idle or paused. One that was paused over its work is paused.
    pub status: AgentStatus,
    /// What its host knows of it, where one runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<Life>,
    /// What it may pull.
    pub capabilities: PullFilter,
    /// When it was registered, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Moment>,
    /// Since when it is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_at: Option<Moment>,
    /// Why, if it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_reason: Option<String>,
    /// When it was last heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_heartbeat_at: Option<Moment>,
    /// What it holds.
    pub holds: Vec<HeldOrder>,
    /// How many orders it completed since it was registered.
    pub completed: u32,
}

/// Answers of an engine that lists registered agents only carry no such field.
fn yes() -> bool {
    true
}

/// An order in an agent's hands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeldOrder {
    /// Which.
    pub id: OrderId,
    /// Its title.
    pub title: String,
    /// Its class of service.
    pub bucket: Bucket,
    /// The stage it stands in.
    pub stage: String,
    /// Since when the agent holds it.
    pub since: Moment,
    /// The hold's expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseView>,
}

/// An agent with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgentDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub agent: AgentView,
    /// What it used up on this UTC day.
    #[serde(default, skip_serializing_if = "UsageView::is_none")]
    pub used_today: UsageView,
    /// What it may use up in a day, if it has a budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetView>,
    /// The alerts that hold the agent itself or the line.
    pub held_by: Vec<AlertId>,
    /// What happened to its registration lately, oldest first.
    pub timeline: Vec<Entry>,
}

/// Returns the registered agents and those that hold orders all the same, by name.
pub fn roster(state: &State) -> Vec<Arc<Agent>> {
    let mut all: BTreeMap<&str, Arc<Agent>> = state
        .agents
        .iter()
        .map(|(name, agent)| (name.as_str(), Arc::clone(agent)))
        .collect();
    for agent in strangers(state) {
        all.insert(agent.0, Arc::new(agent.1));
    }
    all.into_values().collect()
}

/// Returns the agents that hold orders without being registered.
fn strangers(state: &State) -> BTreeMap<&str, Agent> {
    let mut found: BTreeMap<&str, Agent> = BTreeMap::new();
    // The count lets the walk end at the last order in progress instead of at the end of the queue.
    let busy: u32 = state.counts.wip.iter().sum();
    let work = state
        .work_orders()
        .filter_map(|order| Some((order.id, &order.work()?.holder)))
        .take(usize::try_from(busy).unwrap_or(usize::MAX));
    for (id, holder) in work {
        if holder.kind != ActorKind::Agent || state.agents.contains_key(&holder.name) {
            continue;
        }
        let agent = found.entry(&holder.name).or_insert_with(|| Agent {
            name: holder.name.clone(),
            role: None,
            capabilities: PullFilter::default(),
            registered: Timestamp::default(),
            paused: None,
            holds: vec![],
            completed: 0,
        });
        agent.holds.push(id);
    }
    found
}

impl AgentView {
    /// Returns when there was a sign of it last: a heartbeat, or a change of what its host knows of it.
    pub fn heard_at(&self) -> Option<Moment> {
        let changed = self.life.as_ref().map(|life| life.since);
        self.last_heartbeat_at.max(changed)
    }

    /// Returns the view of an agent.
    pub fn of(state: &State, live: &Live, agent: &Agent) -> Self {
        let held = |id: &OrderId| {
            let order = state.order(*id)?;
            let work = order.work()?;
            Some(HeldOrder {
                id: order.id,
                title: order.title.clone(),
                bucket: order.bucket,
                stage: work.stage.clone(),
                since: Moment(work.started),
                lease: live.lease(order),
            })
        };
        let holds: Vec<HeldOrder> = agent
            .holds
            .iter()
            .take(MAX_LIMIT)
            .filter_map(held)
            .collect();
        let registered = state.agents.contains_key(&agent.name);
        AgentView {
            name: agent.name.clone(),
            registered,
            role: agent.role.clone(),
            status: match &agent.paused {
                Some(_) => AgentStatus::Paused,
                None if holds.is_empty() => AgentStatus::Idle,
                None => AgentStatus::Working,
            },
            life: life_of(live, agent),
            capabilities: agent.capabilities.clone(),
            registered_at: registered.then_some(Moment(agent.registered)),
            paused_at: agent.paused.as_ref().map(|pause| Moment(pause.at)),
            pause_reason: agent.paused.as_ref().and_then(|pause| pause.reason.clone()),
            last_heartbeat_at: live.beats.get(&agent.name).copied().map(Moment),
            holds,
            completed: agent.completed,
        }
    }
}

/// Returns what is known of an agent's life. One that nobody supervises hears of a pause when it next pulls, and is paused
/// from now on all the same, unless it waits for somebody.
fn life_of(live: &Live, agent: &Agent) -> Option<Life> {
    let life = live.lives.get(&agent.name).cloned()?;
    let waits = life.state == LifeState::Waiting;
    match &agent.paused {
        Some(pause) if life.source == LifeSource::Hook && !waits => Some(Life {
            state: LifeState::Paused,
            source: LifeSource::Operator,
            since: Moment(pause.at),
            note: pause.reason.clone(),
            ..life
        }),
        _ => Some(life),
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns the agents, by name.
    pub(super) fn agents(&self, limit: usize, after: Option<&str>) -> Agents {
        let agents = roster(self.state);
        let behind = |agent: &&Arc<Agent>| after.is_none_or(|after| agent.name.as_str() > after);
        let views = agents.iter().filter(behind).take(limit);
        Agents {
            agents: views
                .map(|agent| AgentView::of(self.state, self.live, agent))
                .collect(),
            total: agents.len(),
            unregistered: agents.len().saturating_sub(self.state.agents.len()),
            active: agents.iter().filter(|a| !a.holds.is_empty()).count(),
        }
    }

    /// Returns all about one agent.
    pub(super) fn agent(&mut self, name: &str) -> Answered<AgentDetail, B> {
        let shown = || name.chars().take(80).collect::<String>();
        let known = self.state.agents.get(name).cloned();
        let agent = known
            .or_else(|| strangers(self.state).remove(name).map(Arc::new))
            .ok_or_else(|| Refusal::not_found(format!("agent '{}'", shown())))?;
        let own = Scope::Agent(agent.name.clone());
        Ok(AgentDetail {
            agent: AgentView::of(self.state, self.live, &agent),
            used_today: self.state.used(&own, self.now.day()).view(),
            budget: self.state.budget(&own).map(Budget::view),
            held_by: self.state.holds_of(&own),
            timeline: self.timeline(&format!("agent:{}", agent.name))?,
        })
    }
}
