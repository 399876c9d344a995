//! Work begins, moves, and ends.

use std::cmp::Reverse;

use super::{
    Context, Decision, gates, guard, orders,
    validate::{self, MAX_NAME, MAX_REASON},
    workspace,
};
use crate::domain::{
    agent::PullFilter,
    andon::{Alert, Scope},
    cold::Cold,
    command::Destination,
    event::Event,
    gate::Exit,
    id::{AlertId, OrderId},
    order::{Actor, BUCKETS, Bucket, Dependency, Lease, Order, Phase, Wait, Work},
    record::ActorKind,
    refusal::Refusal,
    settings::MAX_LEASE_SECONDS,
    state::State,
    time::{SECOND, Timestamp},
};

/// The shortest lease: less could not be renewed in time over a busy disk.
const MIN_LEASE_SECONDS: u32 = 5;

/// Decides a start without an expiry. An agent's start is a claim: nobody watches over it otherwise.
pub(super) fn start(
    state: &State,
    cold: &Cold,
    id: OrderId,
    lease_seconds: Option<u32>,
    context: &Context<'_>,
) -> Decision {
    if context.actor.kind == ActorKind::Agent {
        return claim(state, cold, id, lease_seconds, context);
    }
    let order = guard::open(state, cold, id)?;
    may_start(state, order, context.actor)?;
    Ok(vec![started(state, order, context, None).into()])
}

/// Decides a start with a lease.
pub(super) fn claim(
    state: &State,
    cold: &Cold,
    id: OrderId,
    lease_seconds: Option<u32>,
    context: &Context<'_>,
) -> Decision {
    let order = guard::open(state, cold, id)?;
    may_start(state, order, context.actor)?;
    affordable(state, order, context)?;
    let lease = lease(state, order, lease_seconds, context.now)?;
    Ok(vec![started(state, order, context, Some(lease)).into()])
}

/// Decides which order is pulled next, and starts it.
pub(super) fn next(
    state: &State,
    filter: &PullFilter,
    lease_seconds: Option<u32>,
    context: &Context<'_>,
) -> Decision {
    let agent = agent_of(context.actor);
    not_paused(state, agent)?;
    if let Some(name) = agent {
        let own = [Scope::Line, Scope::Agent(name.into())].into_iter();
        let spent = own
            .filter_map(|scope| state.budget_refusal(scope, context.now))
            .next();
        spent.map_or(Ok(()), Err)?;
    }
    let stage = first_stage(state);
    let capabilities = agent
        .and_then(|name| state.agent(name))
        .map(|agent| &agent.capabilities);
    let admitted = |order: &Order| {
        filter.admits(order) && capabilities.is_none_or(|capabilities| capabilities.admits(order))
    };
    let room: [bool; BUCKETS] = std::array::from_fn(|bucket| {
        state.counts.wip[bucket] < state.settings.buckets[bucket].wip_limit
    });
    let stage_full = room_in_stage(state, stage).err().map(|_| stage.to_owned());
    let is_spent = |scope| agent.is_some() && state.is_spent(&scope, context.now.day());
    let dry: [bool; BUCKETS] =
        std::array::from_fn(|bucket| is_spent(Scope::Bucket(Bucket::ALL[bucket])));
    let (mut queued, mut blocked, mut held, mut full, mut spent) = (0, 0, 0, 0, 0);
    let mut alerts: Vec<AlertId> = vec![];
    let mut best: Option<(ReadyKey, &Order)> = None;
    for order in state.work_orders() {
        if !matches!(order.phase, Phase::Queued) || !admitted(order) {
            continue;
        }
        queued += 1;
        // What stands in the way adds up: lifting one of them is not enough, and the refusal names them all.
        let waits = order.is_blocked();
        let no_room = !room[order.bucket.index()];
        let no_money = dry[order.bucket.index()] || is_spent(Scope::Order(order.id));
        let known = alerts.len();
        alerts.extend(
            state
                .holds_on(order, Some(stage), agent)
                .map(|(alert, _)| alert.id),
        );
        let stopped = alerts.len() > known;
        blocked += u32::from(waits);
        held += u32::from(stopped);
        full += u32::from(no_room);
        spent += u32::from(no_money);
        if stopped {
            alerts.sort();
            alerts.dedup();
        }
        if !(waits || stopped || no_room || no_money) {
            let key = ready_key(state, order);
            if best.as_ref().is_none_or(|(other, _)| key < *other) {
                best = Some((key, order));
            }
        }
    }
    match best.filter(|_| stage_full.is_none()) {
        Some((_, order)) => {
            let leased = agent.is_some() || lease_seconds.is_some();
            let lease = leased
                .then(|| lease(state, order, lease_seconds, context.now))
                .transpose()?;
            Ok(vec![started(state, order, context, lease).into()])
        }
        None => {
            let full_buckets: Vec<Bucket> = Bucket::ALL
                .iter()
                .copied()
                .filter(|bucket| !room[bucket.index()])
                .collect();
            let nothing_in = |bucket: &Bucket| state.counts.wip.get(bucket.index()) == Some(&0);
            let shut_buckets = full_buckets.iter().copied().filter(nothing_in).collect();
            Err(Refusal::NothingReady {
                queued,
                blocked,
                held,
                full,
                spent,
                full_buckets,
                shut_buckets,
                alerts,
                stage_full,
            })
        }
    }
}

/// What the queue is sorted by: the most urgent first, then the soonest due, then the oldest, then by number.
pub type ReadyKey = (Reverse<u8>, Timestamp, Timestamp, OrderId);

/// Returns an order's place in the queue; smaller is sooner.
pub fn ready_key(state: &State, order: &Order) -> ReadyKey {
    let due = state.due(order).unwrap_or(Timestamp::MAX);
    (Reverse(order.priority.get()), due, order.created, order.id)
}

/// Returns why `actor` could not start an order now, or nothing if it could.
pub fn may_start(state: &State, order: &Order, actor: &Actor) -> Result<(), Refusal> {
    if order.is_epic() {
        return Err(Refusal::Epic { id: order.id });
    }
    if let Phase::InProgress(Work { stage, holder, .. }) = &order.phase {
        let (holder, stage) = (holder.clone(), stage.clone());
        return Err(Refusal::AlreadyStarted {
            id: order.id,
            holder,
            stage,
        });
    }
    let agent = agent_of(actor);
    not_paused(state, agent)?;
    not_blocked(order)?;
    let stage = first_stage(state);
    not_held(state, order, stage, agent)?;
    orders::room_in_bucket(state, order.bucket)?;
    room_in_stage(state, stage)
}

/// Refuses an agent what would spend a budget that is spent already. Nobody counts what a person does.
fn affordable(state: &State, order: &Order, context: &Context<'_>) -> Result<(), Refusal> {
    let spent =
        agent_of(context.actor).and_then(|name| state.over_budget(order, name, context.now));
    spent.map_or(Ok(()), Err)
}

fn agent_of(actor: &Actor) -> Option<&str> {
    (actor.kind == ActorKind::Agent).then_some(actor.name.as_str())
}

fn first_stage(state: &State) -> &str {
    state
        .settings
        .stages
        .first()
        .map_or("work", |stage| &stage.name)
}

fn not_paused(state: &State, agent: Option<&str>) -> Result<(), Refusal> {
    match agent
        .and_then(|name| state.agent(name))
        .filter(|agent| agent.paused.is_some())
    {
        Some(agent) => Err(Refusal::AgentPaused {
            name: agent.name.clone(),
        }),
        None => Ok(()),
    }
}

fn not_blocked(order: &Order) -> Result<(), Refusal> {
    let waits_for: Vec<Dependency> = order
        .depends_on
        .iter()
        .filter(|wait| wait.state != Wait::Completed)
        .copied()
        .collect();
    match waits_for.is_empty() {
        true => Ok(()),
        false => Err(Refusal::Blocked {
            id: order.id,
            waits_for,
        }),
    }
}

fn not_held(state: &State, order: &Order, stage: &str, agent: Option<&str>) -> Result<(), Refusal> {
    held_by(state, order, stage, agent, |_| true)
}

/// Refuses what an alert holds, of those that count.
fn held_by(
    state: &State,
    order: &Order,
    stage: &str,
    agent: Option<&str>,
    counts: impl Fn(&Alert) -> bool,
) -> Result<(), Refusal> {
    let holds = state.holds_on(order, Some(stage), agent);
    let holds: Vec<_> = holds.filter(|(alert, _)| counts(alert)).collect();
    match holds.first() {
        Some((_, scope)) => Err(Refusal::Held {
            id: order.id,
            alerts: holds.iter().map(|(alert, _)| alert.id).collect(),
            scope: (*scope).clone(),
        }),
        None => Ok(()),
    }
}

fn room_in_stage(state: &State, name: &str) -> Result<(), Refusal> {
    let count = state.counts.stage(name);
    let stage = state
        .settings
        .stages
        .iter()
        .find(|stage| stage.name == name);
    match stage
        .and_then(|stage| stage.wip_limit)
        .filter(|limit| count >= *limit)
    {
        Some(limit) => Err(Refusal::WipLimit {
            scope: Scope::Stage(name.into()),
            limit,
            count,
        }),
        None => Ok(()),
    }
}

fn lease(
    state: &State,
    order: &Order,
    seconds: Option<u32>,
    now: Timestamp,
) -> Result<Lease, Refusal> {
    let seconds = seconds.unwrap_or(state.settings.policy.lease_seconds);
    if !(MIN_LEASE_SECONDS..=MAX_LEASE_SECONDS).contains(&seconds) {
        let why = format!("{seconds} seconds; from {MIN_LEASE_SECONDS} to {MAX_LEASE_SECONDS}");
        return Err(Refusal::invalid("lease", why));
    }
    let expires_at = now.plus(i64::from(seconds) * SECOND);
    Ok(Lease {
        epoch: order.epoch.saturating_add(1),
        expires_at,
        seconds,
    })
}

/// The epoch rises with every hold, leased or not, so that a number is never used twice on one order.
fn started(state: &State, order: &Order, context: &Context<'_>, lease: Option<Lease>) -> Event {
    Event::OrderStarted {
        id: order.id,
        stage: first_stage(state).to_owned(),
        holder: context.actor.clone(),
        epoch: order.epoch.saturating_add(1),
        lease,
    }
}

fn working(order: &Order) -> Result<&Work, Refusal> {
    order.work().ok_or(Refusal::NotStarted { id: order.id })
}

fn holder_agent(work: &Work) -> Option<&str> {
    agent_of(&work.holder)
}

/// Decides a change of stage. Backwards is always free of holds; a limit binds both ways.
pub(super) fn relocate(state: &State, cold: &Cold, id: OrderId, to: &Destination) -> Decision {
    let order = guard::open(state, cold, id)?;
    let work = working(order)?;
    let stages = &state.settings.stages;
    let from = state.settings.stage_index(&work.stage).unwrap_or(0);
    let target = match to {
        Destination::Right if from + 1 < stages.len() => from + 1,
        Destination::Right => {
            let why = format!("{} is the last stage; complete {id} instead", work.stage);
            return Err(Refusal::invalid("stage", why));
        }
        Destination::Left if from > 0 => from - 1,
        Destination::Left => {
            let why = format!("{} is the first stage; release {id} instead", work.stage);
            return Err(Refusal::invalid("stage", why));
        }
        Destination::Stage(name) => state.settings.stage_index(name).ok_or_else(|| {
            let names: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
            Refusal::invalid(
                "stage",
                format!("there is no stage '{name}'; there are {}", names.join(", ")),
            )
        })?,
    };
    if target == from {
        return Ok(vec![]);
    }
    let to = &stages[target].name;
    if target > from {
        let agent = holder_agent(work);
        not_held(state, order, &work.stage, agent)?;
        not_held(state, order, to, agent)?;
        let exits: Vec<_> = stages[from..target]
            .iter()
            .map(|stage| Exit::Stage(&stage.name))
            .collect();
        gates::open(state, cold, order, &exits)?;
    }
    room_in_stage(state, to)?;
    Ok(vec![
        Event::OrderMoved {
            id,
            from: work.stage.clone(),
            to: to.clone(),
        }
        .into(),
    ])
}

/// Decides that an order is done. A dependency that was added or reopened after the start flags the order
/// and stops nothing; an epic was never started, so its dependencies count here.
pub(super) fn complete(
    state: &State,
    cold: &Cold,
    id: OrderId,
    sku: Option<&str>,
    note: Option<&str>,
    context: &Context<'_>,
) -> Decision {
    let order = guard::open(state, cold, id)?;
    let by = match order.work() {
        Some(work) => {
            let costly = |alert: &Alert| !alert.is_of_budget();
            held_by(state, order, &work.stage, holder_agent(work), costly)?;
            work.holder.clone()
        }
        None if order.is_epic() => {
            not_blocked(order)?;
            not_held(state, order, "", agent_of(context.actor))?;
            context.actor.clone()
        }
        None => return Err(Refusal::NotStarted { id }),
    };
    if !order.children.is_empty() {
        return Err(Refusal::ChildrenOpen {
            id,
            children: order.children.clone(),
        });
    }
    gates::open(state, cold, order, &[Exit::Done])?;
    workspace::landed(order, context)?;
    Ok(vec![
        Event::OrderCompleted {
            id,
            sku: validate::optional_line("sku", sku, MAX_NAME)?,
            note: validate::optional_line("note", note, MAX_REASON)?,
            by,
            receipt: state.receipts.count + 1,
            previous_receipt: state.receipts.hash,
            evidence: gates::evidence(state, order),
            workspace: order.workspace.clone(),
            usage: order.usage,
        }
        .into(),
    ])
}

/// Decides that an order is given up.
pub(super) fn cancel(state: &State, cold: &Cold, id: OrderId, reason: &str) -> Decision {
    let order = guard::open(state, cold, id)?;
    if !order.children.is_empty() {
        return Err(Refusal::ChildrenOpen {
            id,
            children: order.children.clone(),
        });
    }
    let reason = validate::line("reason", reason, MAX_REASON)?;
    Ok(vec![Event::OrderCancelled { id, reason }.into()])
}

/// Decides that a hold is given back.
pub(super) fn release(
    state: &State,
    cold: &Cold,
    id: OrderId,
    force: bool,
    reason: Option<&str>,
    context: &Context<'_>,
) -> Decision {
    let order = guard::open(state, cold, id)?;
    let holder = &working(order)?.holder;
    let reason = validate::optional_line("reason", reason, MAX_REASON)?;
    let foreign = holder != context.actor;
    if foreign && !force {
        return Err(Refusal::NotHolder {
            id,
            holder: holder.clone(),
        });
    }
    if foreign && reason.is_none() {
        return Err(Refusal::invalid(
            "reason",
            "breaking somebody else's hold needs one",
        ));
    }
    Ok(vec![
        Event::OrderReleased {
            id,
            forced: foreign,
            reason,
        }
        .into(),
    ])
}
