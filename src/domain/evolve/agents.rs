//! Agents come, pause, resume and go.

use std::sync::Arc;

use super::Step;
use crate::domain::{
    agent::{Agent, Pause},
    event::Event,
    record::ActorKind,
};

impl Step<'_> {
    pub(super) fn agent(&mut self, event: &Event) {
        let now = self.record.time;
        let agents = Arc::make_mut(&mut self.state.agents);
        match event {
            Event::AgentRegistered {
                name,
                role,
                capabilities,
            } => {
                let known = agents.get(name).map(|agent| Agent::clone(agent));
                let fresh = || {
                    let holds = self.state.work.iter().filter(|order| {
                        order.work().is_some_and(|work| {
                            work.holder.kind == ActorKind::Agent && work.holder.name == *name
                        })
                    });
                    Agent {
                        name: name.clone(),
                        role: None,
                        capabilities: Default::default(),
                        registered: now,
                        paused: None,
                        holds: holds.map(|order| order.id).collect(),
                        completed: 0,
                    }
                };
                let mut agent = known.unwrap_or_else(fresh);
                agent.role.clone_from(role);
                agent.capabilities = capabilities.clone();
                Arc::make_mut(&mut self.state.tallies).role(Some(&agent));
                agents.insert(name.clone(), Arc::new(agent));
            }
            Event::AgentPaused { name, reason } => {
                if let Some(agent) = agents.get_mut(name) {
                    Arc::make_mut(agent).paused = Some(Pause {
                        at: now,
                        reason: reason.clone(),
                    });
                }
            }
            Event::AgentResumed { name } => {
                if let Some(agent) = agents.get_mut(name) {
                    Arc::make_mut(agent).paused = None;
                }
            }
            Event::AgentUnregistered { name } => drop(agents.remove(name)),
            _ => {}
        }
    }
}
