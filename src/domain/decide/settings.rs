//! The rules themselves change: buckets, stages, agents, and the ledger's own acts.

use uuid::Uuid;

use super::{
    Decision,
    validate::{self, MAX_NAME, MAX_REASON},
};
use crate::domain::{
    agent::{MAX_AGENTS, PullFilter},
    command::{Sla, StageChange},
    event::Event,
    order::Bucket,
    refusal::Refusal,
    settings::{BucketRule, MAX_SLA_HOURS, MAX_STAGES, MAX_WIP, Settings, Stage},
    state::State,
};

/// Decides a bucket's rules. A limit below what is in progress is allowed: nothing starts there until it is met.
pub(super) fn bucket(
    state: &State,
    bucket: Bucket,
    wip_limit: Option<u32>,
    sla: Option<Sla>,
) -> Decision {
    let old = state.settings.bucket(bucket);
    let wip_limit = wip_limit.unwrap_or(old.wip_limit);
    let sla_hours = match sla {
        None => old.sla_hours,
        Some(Sla::None) => None,
        Some(Sla::Hours(hours)) => Some(hours),
    };
    if wip_limit > MAX_WIP {
        return Err(Refusal::invalid(
            "wip",
            format!("{wip_limit}; at most {MAX_WIP}"),
        ));
    }
    if sla_hours.is_some_and(|hours| !(1..=MAX_SLA_HOURS).contains(&hours)) {
        return Err(Refusal::invalid(
            "sla",
            format!("from 1 to {MAX_SLA_HOURS} hours, or none"),
        ));
    }
    let rule = BucketRule {
        wip_limit,
        sla_hours,
    };
    Ok(if rule == old {
        vec![]
    } else {
        vec![Event::BucketSet { bucket, rule }.into()]
    })
}

/// Decides the board's stages.
pub(super) fn stage(state: &State, name: &str, change: StageChange) -> Decision {
    let name = validate::stage_name(name)?;
    let mut stages = state.settings.stages.clone();
    let place = state.settings.stage_index(&name);
    match change {
        StageChange::Remove => {
            let place = place.ok_or_else(|| Refusal::not_found(format!("stage '{name}'")))?;
            let orders = state.counts.stage(&name);
            if orders > 0 {
                return Err(Refusal::StageInUse {
                    stage: name,
                    orders,
                });
            }
            if stages.len() == 1 {
                return Err(Refusal::invalid(
                    "stage",
                    "a board needs at least one stage",
                ));
            }
            stages.remove(place);
        }
        StageChange::Put {
            wip_limit,
            position,
        } => {
            let mut stage = match place {
                Some(place) => stages.remove(place),
                None => Stage {
                    name,
                    wip_limit: None,
                },
            };
            match wip_limit {
                None => {}
                Some(0) => stage.wip_limit = None,
                Some(limit @ 1..=MAX_WIP) => stage.wip_limit = Some(limit),
                Some(limit) => {
                    return Err(Refusal::invalid(
                        "wip",
                        format!("{limit}; at most {MAX_WIP}"),
                    ));
                }
            }
            let last = stages.len();
            let at = match position {
                None => place.unwrap_or(last),
                Some(position) => (position.max(1) as usize - 1).min(last),
            };
            stages.insert(at, stage);
            if stages.len() > MAX_STAGES {
                return Err(Refusal::Limit {
                    what: "stages".into(),
                    limit: MAX_STAGES as u64,
                });
            }
        }
    }
    Ok(match stages == state.settings.stages {
        true => vec![],
        false => vec![Event::StagesSet { stages }.into()],
    })
}

/// Decides an agent's registration. Registering again changes role and capabilities and keeps the rest.
pub(super) fn register(
    state: &State,
    name: &str,
    role: Option<&str>,
    capabilities: &PullFilter,
) -> Decision {
    let name = validate::line("name", name, MAX_NAME)?;
    let role = validate::optional_line("role", role, MAX_NAME)?;
    let mut capabilities = capabilities.clone();
    capabilities.buckets.sort();
    capabilities.buckets.dedup();
    capabilities.kinds.sort();
    capabilities.kinds.dedup();
    capabilities.labels = validate::labels(&capabilities.labels)?;
    match state.agent(&name) {
        Some(agent) if agent.role == role && agent.capabilities == capabilities => Ok(vec![]),
        None if state.agents.len() >= MAX_AGENTS => Err(Refusal::Limit {
            what: "registered agents".into(),
            limit: MAX_AGENTS as u64,
        }),
        _ => Ok(vec![
            Event::AgentRegistered {
                name,
                role,
                capabilities,
            }
            .into(),
        ]),
    }
}

/// Decides that an agent pulls nothing.
pub(super) fn pause(state: &State, name: &str, reason: Option<&str>) -> Decision {
    let agent = state
        .agent(name)
        .ok_or_else(|| Refusal::not_found(format!("agent '{name}'")))?;
    let reason = validate::optional_line("reason", reason, MAX_REASON)?;
    Ok(match agent.paused {
        Some(_) => vec![],
        None => vec![
            Event::AgentPaused {
                name: agent.name.clone(),
                reason,
            }
            .into(),
        ],
    })
}

/// Decides that an agent pulls again.
pub(super) fn resume(state: &State, name: &str) -> Decision {
    let agent = state
        .agent(name)
        .ok_or_else(|| Refusal::not_found(format!("agent '{name}'")))?;
    Ok(match agent.paused {
        Some(_) => vec![
            Event::AgentResumed {
                name: agent.name.clone(),
            }
            .into(),
        ],
        None => vec![],
    })
}

/// Decides that an agent is not registered any more. It keeps what it holds, and would be listed with it all the same.
pub(super) fn unregister(state: &State, name: &str) -> Decision {
    let agent = state
        .agent(name)
        .ok_or_else(|| Refusal::not_found(format!("agent '{name}'")))?;
    let name = agent.name.clone();
    match agent.holds.as_slice() {
        [] => Ok(vec![Event::AgentUnregistered { name }.into()]),
        orders => Err(Refusal::AgentHolds {
            name,
            orders: orders.to_vec(),
        }),
    }
}

/// Decides the first records of a ledger: every default is written down, so that a later one cannot change it.
pub(super) fn genesis(state: &State, uuid: Uuid) -> Decision {
    if state.head.seq > 0 {
        return Err(Refusal::invalid(
            "ledger",
            "it has its first record already",
        ));
    }
    let Settings {
        buckets,
        stages,
        policy,
        gates: _,
        budgets: _,
    } = Settings::default();
    let mut drafts = vec![
        Event::LedgerCreated {
            uuid,
            incarnation: 1,
        }
        .into(),
    ];
    let rules = Bucket::ALL.iter().zip(buckets);
    drafts.extend(rules.map(|(bucket, rule)| {
        Event::BucketSet {
            bucket: *bucket,
            rule,
        }
        .into()
    }));
    drafts.push(Event::StagesSet { stages }.into());
    drafts.push(Event::PolicySet { policy }.into());
    Ok(drafts)
}

/// Decides that a process is the host from here on.
pub(super) fn elect(state: &State, pid: u32) -> Decision {
    Ok(vec![
        Event::HostElected {
            term: state.term + 1,
            pid,
        }
        .into(),
    ])
}

/// Decides the first record after a restore. The incarnation rises, so that nothing of the old one passes for new.
pub(super) fn restored(state: &State, incarnation: u64) -> Decision {
    if incarnation <= state.incarnation {
        let why = format!("{incarnation}; it must rise above {}", state.incarnation);
        return Err(Refusal::invalid("incarnation", why));
    }
    Ok(vec![Event::LedgerRestored { incarnation }.into()])
}
