//! What must be true of every state, worked out anew from its orders, the archive and the records.
//!
//! Nothing here asks the rules under test: a wrong rule must not be its own witness.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use obeya::domain::{
    andon::Scope,
    budget::BudgetScope,
    due,
    event::Event,
    graph::Graph,
    id::OrderId,
    order::{Actor, BUCKETS, Bucket, Order, Phase, Wait},
    receipt::Receipt,
    record::{ActorKind, Hash},
    state::State,
    usage::Usage,
};

use super::line::{Line, Who};

/// Checks counts, mirrors, dependency states, the graph, agents and due times.
pub(crate) fn whole(line: &Line) {
    counts(line);
    edges(line);
    graph(&line.state);
    agents(&line.state);
    usage(line);
    let exact = due::next_due(&line.state, &line.renewals);
    assert!(
        line.state.next_due <= exact,
        "something falls due before anybody looks"
    );
}

fn counts(line: &Line) {
    let state = &line.state;
    let (mut queued, mut wip) = ([0; BUCKETS], [0; BUCKETS]);
    let mut stages = BTreeMap::<String, u32>::new();
    for order in state.work_orders() {
        match &order.phase {
            Phase::Queued => queued[order.bucket.index()] += 1,
            Phase::InProgress(work) => {
                wip[order.bucket.index()] += 1;
                *stages.entry(work.stage.clone()).or_default() += 1;
                assert!(
                    state.settings.stage_index(&work.stage).is_some(),
                    "{} stands in {}, which is gone",
                    order.id,
                    work.stage
                );
            }
        }
    }
    assert_eq!(state.counts.queued, queued);
    assert_eq!(state.counts.wip, wip);
    assert_eq!(state.counts.stages, stages);
    assert_eq!(state.counts.epics as usize, state.open_epics().count());
    assert_eq!(state.open_count(), state.orders().count());
    let ended = (state.counts.completed + state.counts.cancelled) as usize;
    assert_eq!(ended, line.archive.orders.len());
    assert!(
        state
            .orders()
            .all(|order| !line.archive.orders.contains_key(&order.id))
    );
}

fn edges(line: &Line) {
    let state = &line.state;
    let sorted = |ids: &[OrderId]| ids.windows(2).all(|pair| pair[0] < pair[1]);
    for order in state.orders() {
        let id = order.id;
        let waits: Vec<_> = order.depends_on.iter().map(|wait| wait.on).collect();
        assert!(
            sorted(&waits) && sorted(&order.blocks) && sorted(&order.children),
            "{order:?}"
        );
        for wait in &order.depends_on {
            match state.order(wait.on) {
                Some(on) => {
                    assert_eq!(wait.state, Wait::Open, "{id} waits for {}", wait.on);
                    assert!(
                        on.blocks.contains(&id),
                        "{} does not know that {id} waits",
                        on.id
                    );
                }
                None => {
                    let row = &line.archive.orders[&wait.on];
                    assert_eq!(wait.state.word(), row.status, "{id} waits for {}", wait.on);
                }
            }
        }
        for waiting in &order.blocks {
            let waiting = state.order(*waiting).expect("open orders only");
            assert!(waiting.depends_on.iter().any(|wait| wait.on == id));
        }
        for child in &order.children {
            let child = state.order(*child).expect("open children only");
            assert_eq!(child.parent, Some(id));
        }
        if let Some(parent) = order.parent {
            let parent = state.order(parent).expect("a parent outlives its children");
            assert!(
                parent.children.contains(&id),
                "{} does not know its child {id}",
                parent.id
            );
        }
    }
}

/// Checks that closed children are tallied at their parents.
pub(crate) fn tallies(line: &Line) {
    let mut tally = BTreeMap::<OrderId, (u32, u32)>::new();
    for row in line.archive.orders.values() {
        if let Some(parent) = row.parent {
            let tally = tally.entry(parent).or_default();
            match row.status.as_str() {
                "completed" => tally.0 += 1,
                _ => tally.1 += 1,
            }
        }
    }
    for order in line.state.orders() {
        let counted = (order.children_completed, order.children_cancelled);
        assert_eq!(
            counted,
            tally.get(&order.id).copied().unwrap_or_default(),
            "{}",
            order.id
        );
    }
}

fn graph(state: &State) {
    let mut rebuilt = Graph::new();
    let mut waits = BTreeMap::<OrderId, Vec<OrderId>>::new();
    for order in state.orders() {
        for wait in &order.depends_on {
            if state.order(wait.on).is_some() {
                rebuilt.insert_edge(order.id, wait.on);
                waits.entry(order.id).or_default().push(wait.on);
            }
        }
        if let Some(parent) = order.parent {
            rebuilt.insert_edge(parent, order.id);
            waits.entry(parent).or_default().push(order.id);
        }
    }
    assert!(*state.graph() == rebuilt, "the index is not the graph");
    // Taking away what waits for nothing leaves nothing, unless there is a cycle.
    while !waits.is_empty() {
        let free: BTreeSet<_> = waits
            .values()
            .flatten()
            .copied()
            .filter(|id| !waits.contains_key(id))
            .collect();
        assert!(!free.is_empty(), "a cycle among {:?}", waits.keys());
        waits
            .values_mut()
            .for_each(|before| before.retain(|id| !free.contains(id)));
        waits.retain(|_, before| !before.is_empty());
    }
}

/// Checks every sum of usage against the records.
fn usage(line: &Line) {
    let mut orders = BTreeMap::<OrderId, Usage>::new();
    let mut days = BTreeMap::<(u32, usize), (Usage, BTreeMap<String, Usage>)>::new();
    for record in &line.records {
        if record.kind != "usage_recorded" {
            continue;
        }
        let Ok(Event::UsageRecorded {
            id,
            bucket,
            agent,
            tokens,
            cost,
            ..
        }) = record.decode()
        else {
            panic!("record {}", record.seq);
        };
        let add = |sum: &mut Usage| {
            sum.tokens = sum.tokens.saturating_add(tokens);
            sum.cost = sum.cost.saturating_add(cost);
        };
        add(orders.entry(id).or_default());
        let row = days.entry((record.time.day(), bucket.index())).or_default();
        add(&mut row.0);
        if let Some(agent) = agent {
            add(row.1.entry(agent).or_default());
        }
    }
    for (number, day) in line.state.days() {
        for (bucket, row) in day.0.iter().enumerate() {
            let (used, agents) = days.remove(&(number, bucket)).unwrap_or_default();
            assert_eq!((row.usage, &row.agents), (used, &agents), "day {number}");
        }
    }
    assert!(days.is_empty(), "usage without a day: {days:?}");
    for order in line.state.orders() {
        let used = orders.get(&order.id).copied().unwrap_or_default();
        // What was told of it while it was closed is not in its form.
        assert!(
            order.usage.tokens <= used.tokens && order.usage.cost <= used.cost,
            "{}",
            order.id
        );
    }
}

fn agents(state: &State) {
    for agent in state.agents.values() {
        let actor = Actor::agent(&agent.name);
        let holds: Vec<_> = state
            .work_orders()
            .filter(|order| order.work().is_some_and(|work| work.holder == actor))
            .map(|order| order.id)
            .collect();
        assert_eq!(agent.holds, holds, "{}", agent.name);
    }
}

/// Checks that no lease is past its end and no promise broken unseen: true right after a look at what is due.
pub(crate) fn nothing_overdue(line: &Line) {
    for order in line.state.work_orders() {
        if let Some(lease) = order.lease() {
            let renewed = line
                .renewals
                .get(&order.id)
                .filter(|(epoch, _)| *epoch == lease.epoch);
            let end = renewed.map_or(lease.expires_at, |(_, until)| lease.expires_at.max(*until));
            assert!(end > line.now, "{} is held past its lease", order.id);
        }
        let sla = line.state.settings.bucket(order.bucket).sla();
        let late = sla.is_some_and(|sla| order.entered.plus(sla) <= line.now);
        assert!(
            !late || order.breached,
            "{} is late and nobody was told",
            order.id
        );
    }
    for alert in line.state.alerts.values() {
        let over = line.state.budget_alert_over(alert);
        assert!(
            over.is_none_or(|at| at > line.now),
            "{} holds what its budget no longer does",
            alert.id
        );
        assert!(
            alert.snoozed_until.is_none_or(|until| until > line.now),
            "{} sleeps on",
            alert.id
        );
    }
}

/// Checks one accepted command against the state before it.
pub(crate) fn step(
    before: &State,
    after: &State,
    who: &Who,
    written: Option<OrderId>,
    events: &[Event],
) {
    limits(before, after);
    fenced(before, who, written);
    for event in events {
        match event {
            Event::OrderStarted {
                id,
                stage,
                holder,
                epoch,
                lease,
            } => {
                let order = before.order(*id).expect("open");
                assert!(
                    !order.is_epic() && order.work().is_none(),
                    "{id} was taken twice"
                );
                for wait in &order.depends_on {
                    assert_eq!(
                        wait.state,
                        Wait::Completed,
                        "{id} started before {}",
                        wait.on
                    );
                }
                assert_free(before, order, &[stage], holder);
                affordable(before, after, order, holder);
                assert!(*epoch > order.epoch, "{id}: epoch {epoch} was used before");
                assert_eq!(
                    after.order(*id).map(|order| order.epoch),
                    Some(*epoch),
                    "{id}"
                );
                assert!(lease.is_none_or(|lease| lease.epoch == *epoch));
                let is_agent = holder.kind == ActorKind::Agent;
                assert!(!is_agent || lease.is_some(), "an agent holds {id} for ever");
            }
            Event::OrderMoved { id, from, to } => {
                let order = before.order(*id).expect("open");
                let work = order.work().expect("in progress");
                if before.settings.stage_index(to) > before.settings.stage_index(from) {
                    assert_free(before, order, &[from, to], &work.holder);
                }
            }
            Event::OrderCompleted { id, by, .. } => {
                let order = before.order(*id).expect("open");
                assert!(order.children.is_empty(), "{id} has open children");
                assert!(
                    order.work().is_some() || order.is_epic(),
                    "{id} was never started"
                );
                let stage = order.work().map(|work| &work.stage);
                // What is done costs nothing more: a spent budget's own hold lets it be completed.
                let mut others = before.clone();
                if order.work().is_some() {
                    Arc::make_mut(&mut others.alerts).retain(|_, alert| !is_of_budget(alert));
                }
                assert_free(&others, order, stage.as_slice(), by);
            }
            Event::OrderCancelled { id, .. } => {
                assert!(before.order(*id).expect("open").children.is_empty());
            }
            Event::OrderReleased { id, .. } | Event::LeaseLapsed { id, .. } => {
                let order = after.order(*id).expect("open");
                assert_eq!(order.phase, Phase::Queued);
            }
            Event::AlertRaised {
                id,
                fingerprint: Some(condition),
                ..
            } => {
                let same = |alert: &&_| Some(condition) == fingerprint(alert);
                let alerts: Vec<_> = after
                    .alerts
                    .values()
                    .map(AsRef::as_ref)
                    .filter(same)
                    .collect();
                assert_eq!(alerts.len(), 1, "{id} repeats {condition}");
            }
            _ => {}
        }
    }
}

/// Returns whether an alert holds just what the budget that it names covers.
fn is_of_budget(alert: &obeya::domain::andon::Alert) -> bool {
    let hold = alert.hold.as_ref().map(|hold| format!("budget:{hold}"));
    hold.is_some() && hold == alert.fingerprint
}

fn fingerprint(alert: &obeya::domain::andon::Alert) -> Option<&String> {
    alert.fingerprint.as_ref()
}

/// Checks that no agent began what would spend a budget that is spent.
fn affordable(before: &State, after: &State, order: &Order, holder: &Actor) {
    if holder.kind != ActorKind::Agent {
        return;
    }
    let day = before.day(after.time.day());
    let rows = || day.into_iter().flat_map(|day| &day.0);
    for (scope, budget) in &before.settings.budgets {
        let used: Vec<_> = match scope {
            BudgetScope::Line => rows().map(|row| row.usage).collect(),
            BudgetScope::Bucket(bucket) if *bucket == order.bucket => rows()
                .nth(bucket.index())
                .map(|row| row.usage)
                .into_iter()
                .collect(),
            BudgetScope::Agent(name) if *name == holder.name => rows()
                .filter_map(|row| row.agents.get(name).copied())
                .collect(),
            BudgetScope::Order => vec![order.usage],
            _ => continue,
        };
        let sum = |part: fn(&Usage) -> u64| used.iter().map(part).fold(0, u64::saturating_add);
        let (tokens, cost) = (sum(|used| used.tokens), sum(|used| used.cost));
        let over = budget.tokens.is_some_and(|limit| tokens >= limit)
            || budget.cost.is_some_and(|limit| cost >= limit);
        assert!(
            !over,
            "{} began under the spent budget of {scope}",
            order.id
        );
    }
}

/// Checks that no count was raised above its limit.
fn limits(before: &State, after: &State) {
    for bucket in Bucket::ALL {
        let (was, is) = (
            before.counts.wip[bucket.index()],
            after.counts.wip[bucket.index()],
        );
        let limit = after.settings.bucket(*bucket).wip_limit;
        assert!(is <= was || is <= limit, "{bucket}: {is} of {limit}");
    }
    for stage in &after.settings.stages {
        let (was, is) = (
            before.counts.stage(&stage.name),
            after.counts.stage(&stage.name),
        );
        let limit = stage.wip_limit.unwrap_or(u32::MAX);
        assert!(is <= was || is <= limit, "{}: {is} of {limit}", stage.name);
    }
}

/// Checks that an agent wrote to a leased order only as its holder, and that nobody wrote with an old epoch.
fn fenced(before: &State, who: &Who, written: Option<OrderId>) {
    let Some(order) = written.and_then(|id| before.order(id)) else {
        return;
    };
    let current = order.lease().map(|lease| lease.epoch);
    if who.epoch.is_some() {
        assert_eq!(who.epoch, current, "a stale epoch wrote to {}", order.id);
    }
    if let Some(work) = order.work()
        && work.lease.is_some()
        && who.actor.kind == ActorKind::Agent
    {
        assert_eq!(
            (&who.actor, who.epoch),
            (&work.holder, current),
            "wrote to {}",
            order.id
        );
    }
}

fn assert_free(state: &State, order: &Order, stages: &[&String], holder: &Actor) {
    for alert in state.alerts.values() {
        let Some(scope) = &alert.hold else { continue };
        let held = match scope {
            Scope::Line => true,
            Scope::Bucket(bucket) => *bucket == order.bucket,
            Scope::Order(id) => *id == order.id,
            Scope::Stage(name) => stages.contains(&name),
            Scope::Agent(name) => holder.kind == ActorKind::Agent && holder.name == *name,
            Scope::Epic(id) => {
                let mut above = Some(order.id);
                while above.is_some() && above != Some(*id) {
                    above = above
                        .and_then(|id| state.order(id))
                        .and_then(|order| order.parent);
                }
                above == Some(*id)
            }
        };
        let exempt = alert.corrective.contains(&order.id);
        assert!(
            !held || exempt,
            "{} went on although {} holds {scope}",
            order.id,
            alert.id
        );
    }
}

/// Checks that receipts are chained without a gap, each derived from the record that it names.
pub(crate) fn receipts(line: &Line) {
    let mut previous = Hash::ZERO;
    for (n, row) in (1..).zip(&line.archive.receipts) {
        let record = &line.records[row.seq as usize - 1];
        let receipt = Receipt::of(record).expect("a completion");
        assert_eq!(
            (receipt.n, receipt.previous, receipt.hash),
            (n, previous, row.hash)
        );
        assert_eq!(
            (receipt.order, receipt.record_hash),
            (row.order, record.hash)
        );
        previous = row.hash;
    }
    let head = line.state.receipts;
    assert_eq!(
        (head.count, head.hash),
        (line.archive.receipts.len() as u64, previous)
    );
    let mut previous = Hash::ZERO;
    for record in &line.records {
        assert_eq!(record.hash, record.seal(&previous), "record {}", record.seq);
        previous = record.hash;
    }
}
