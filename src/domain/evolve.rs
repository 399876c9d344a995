//! What a record does to the state, and to the archive beside it.

use std::sync::Arc;

use super::{
    agent::{Agent, Pause},
    andon::{Act, Alert, ResolvedAlert},
    archive::{ArchiveChange, ArchivedAlert, ArchivedOrder, ReceiptRow},
    days::DayRow,
    event::{Changes, Event, ImportedItem, Parent, Undecodable},
    id::{AlertId, OrderId},
    order::{
        Actor, Bucket, ClosedOrder, Dependency, External, Order, Outcome, Phase, PullSignal, Wait,
        Work,
    },
    receipt::Receipt,
    record::{ActorKind, Record},
    state::{MAX_DAY, State},
    time::Timestamp,
};

/// Takes a stored record into the state and returns what it does to the archive.
///
/// An event that this version does not know changes nothing but [`State::unknown`].
/// A damaged one is an error: the state is then as before.
pub fn evolve(state: &mut State, record: &Record) -> Result<Vec<ArchiveChange>, Undecodable> {
    match Event::decode(&record.kind, record.version, &record.body) {
        Ok(event) => Ok(apply(state, &event, record)),
        Err(Undecodable::Unknown { kind, .. }) => {
            state.unknown.get_or_insert((kind, record.seq));
            state.arrive(record);
            Ok(Vec::new())
        }
        Err(damaged) => Err(damaged),
    }
}

/// Takes an event whose record is sealed into the state and returns what it does to the archive.
pub fn apply(state: &mut State, event: &Event, record: &Record) -> Vec<ArchiveChange> {
    state.arrive(record);
    let mut step = Step {
        state,
        record,
        archive: Vec::new(),
    };
    step.apply(event);
    step.archive
}

impl State {
    fn arrive(&mut self, record: &Record) {
        self.head.seq = record.seq;
        self.head.hash = record.hash;
        self.time = record.time;
    }
}

/// One record on its way into the state.
struct Step<'a> {
    state: &'a mut State,
    record: &'a Record,
    archive: Vec<ArchiveChange>,
}

impl Step<'_> {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::LedgerCreated { uuid, incarnation } => {
                self.state.uuid = *uuid;
                self.state.incarnation = *incarnation;
            }
            Event::LedgerRestored { incarnation } => self.state.incarnation = *incarnation,
            Event::HostElected { term, .. } => self.state.term = *term,
            Event::BucketSet { bucket, rule } => {
                Arc::make_mut(&mut self.state.settings).buckets[bucket.index()] = *rule;
                self.look_soon();
            }
            Event::StagesSet { stages } => {
                Arc::make_mut(&mut self.state.settings)
                    .stages
                    .clone_from(stages);
            }
            Event::PolicySet { policy } => {
                Arc::make_mut(&mut self.state.settings).policy = *policy;
                self.look_soon();
            }
            Event::OrderCreated { .. } => self.create(event),
            Event::OrderImported { id, item, external } => self.import(*id, item, external),
            Event::OrderMerged {
                id,
                external,
                changes,
                ..
            } => {
                self.edit(*id, changes);
                let base = External {
                    base: self.record.seq,
                    ..external.clone()
                };
                if let Some(order) = self.order(*id) {
                    order.external = Some(base);
                }
            }
            Event::OrderClosedElsewhere {
                id,
                outcome,
                closed,
            } => {
                self.close(*id, outcome, *closed, None);
            }
            Event::ImportFinished { .. } => {}
            Event::OrderEdited { id, changes } => self.edit(*id, changes),
            Event::OrderStarted { .. } => self.start(event),
            Event::OrderMoved { id, to, .. } => self.relocate(*id, to),
            Event::OrderReleased { id, .. } | Event::LeaseLapsed { id, .. } => self.requeue(*id),
            Event::LeasesRenewed { leases } => {
                for (id, expires_at) in leases {
                    if let Some(Order {
                        phase: Phase::InProgress(work),
                        ..
                    }) = self.state.order_mut(*id)
                        && let Some(lease) = &mut work.lease
                    {
                        lease.expires_at = *expires_at;
                        self.due_at(*expires_at);
                    }
                }
            }
            Event::OrderCompleted {
                id,
                sku,
                by,
                receipt,
                ..
            } => {
                let outcome = Outcome::Completed {
                    sku: sku.clone(),
                    receipt: Some(*receipt),
                };
                self.receipt(event);
                self.close(*id, &outcome, self.record.occurred_at, Some(by));
            }
            Event::OrderCancelled { id, reason } => {
                let outcome = Outcome::Cancelled {
                    reason: reason.clone(),
                };
                self.close(*id, &outcome, self.record.occurred_at, None);
            }
            Event::OrderReopened { id, form, .. } => self.reopen(*id, form),
            Event::OrderCommented { id, .. } => {
                if let Some(order) = self.order(*id) {
                    order.comments = order.comments.saturating_add(1);
                }
            }
            Event::DependencyAdded { id, on, state } => self.wait(*id, *on, *state),
            Event::DependencyRemoved { id, on } => self.wait_no_longer(*id, *on),
            Event::LinkAdded { id, link } => {
                if let Some(order) = self.order(*id)
                    && let Err(at) = order.links.binary_search(link)
                {
                    order.links.insert(at, link.clone());
                }
            }
            Event::LinkRemoved { id, link } => {
                if let Some(order) = self.order(*id) {
                    order.links.retain(|other| other != link);
                }
            }
            Event::SlaBreached { id, bucket } => {
                if let Some(order) = self.state.order_mut(*id) {
                    order.breached = true;
                }
                self.day(self.record.time, *bucket).breaches += 1;
            }
            Event::AgentRegistered { .. }
            | Event::AgentPaused { .. }
            | Event::AgentResumed { .. } => {
                self.agent(event);
            }
            _ => self.alert(event),
        }
    }

    // Small steps.

    /// Returns an open order for a change that counts as one.
    fn order(&mut self, id: OrderId) -> Option<&mut Order> {
        let now = self.record.time;
        let order = self.state.order_mut(id)?;
        order.changed = now;
        Some(order)
    }

    fn day(&mut self, at: Timestamp, bucket: Bucket) -> &mut DayRow {
        let number = at.day().min(MAX_DAY);
        if self.state.days.get(number).is_none() {
            self.state.days.insert(number, super::days::Day::default());
        }
        self.state
            .days
            .get_mut(number)
            .expect("just put there")
            .row(bucket)
    }

    /// Notes that something falls due then.
    fn due_at(&mut self, at: Timestamp) {
        self.state.next_due = self.state.next_due.min(at);
    }

    /// Has everything looked through for what is due: a rule changed, and with it any due time.
    fn look_soon(&mut self) {
        self.due_at(Timestamp(i64::MIN));
    }

    fn queued(&mut self, bucket: Bucket, change: i32) {
        let count = &mut self.state.counts.queued[bucket.index()];
        *count = count.saturating_add_signed(change);
    }

    fn wip(&mut self, bucket: Bucket, change: i32) {
        let count = &mut self.state.counts.wip[bucket.index()];
        *count = count.saturating_add_signed(change);
        let count = *count;
        self.day(self.record.time, bucket).wip = Some(count);
    }

    fn staged(&mut self, stage: &str, change: i32) {
        let count = self.state.counts.stages.entry(stage.into()).or_default();
        *count = count.saturating_add_signed(change);
        if *count == 0 {
            self.state.counts.stages.remove(stage);
        }
    }

    /// Keeps the index. A parent may wait for its own child besides: the edge goes with the last reason for it.
    fn edge(&mut self, after: OrderId, before: OrderId, there: bool) {
        let needed = there
            || self
                .state
                .order(after)
                .is_some_and(|order| order.needs(before));
        if let Some(graph) = self.state.graph.get_mut() {
            if needed {
                graph.insert_edge(after, before)
            } else {
                graph.remove_edge(after, before)
            };
        }
    }

    fn holds(&mut self, holder: &Actor, id: OrderId, there: bool) {
        if holder.kind == ActorKind::Agent && self.state.agents.contains_key(&holder.name) {
            let agents = Arc::make_mut(&mut self.state.agents);
            if let Some(agent) = agents.get_mut(&holder.name) {
                set(&mut Arc::make_mut(agent).holds, id, there);
            }
        }
    }

    // Orders come.

    fn create(&mut self, event: &Event) {
        let Event::OrderCreated {
            id,
            kind,
            title,
            description,
            bucket,
            priority,
            labels,
            estimate,
            assignee,
            parent,
            corrective,
            signal,
        } = event
        else {
            return;
        };
        let now = self.record.time;
        self.enter(Order {
            id: *id,
            kind: *kind,
            title: title.clone(),
            description: description.as_ref().map(|_| self.record.seq),
            bucket: *bucket,
            priority: *priority,
            phase: Phase::Queued,
            created: self.record.occurred_at,
            entered: now,
            changed: now,
            first_started: None,
            estimate: *estimate,
            labels: labels.clone(),
            assignee: assignee.clone(),
            parent: None,
            children: vec![],
            children_completed: 0,
            children_cancelled: 0,
            depends_on: vec![],
            blocks: vec![],
            links: vec![],
            comments: 0,
            signal: signal.clone(),
            external: None,
            corrective: vec![],
            epoch: 0,
            breached: false,
        });
        self.day(self.record.occurred_at, *bucket).created += 1;
        self.adopt(*id, *parent);
        corrective
            .iter()
            .for_each(|alert| self.correct(*alert, *id));
    }

    fn import(&mut self, id: OrderId, item: &ImportedItem, external: &External) {
        let now = self.record.time;
        let mut order = Order {
            id,
            kind: item.kind,
            title: item.title.clone(),
            description: item.description.as_ref().map(|_| self.record.seq),
            bucket: item.bucket,
            priority: item.priority,
            phase: Phase::Queued,
            created: item.created,
            entered: now,
            changed: now,
            first_started: None,
            estimate: item.estimate,
            labels: item.labels.clone(),
            assignee: item.assignee.clone(),
            parent: None,
            children: vec![],
            children_completed: 0,
            children_cancelled: 0,
            depends_on: vec![],
            blocks: vec![],
            links: item.links.clone(),
            comments: 0,
            signal: PullSignal {
                kind: "import".into(),
                source: Some(external.source.clone()),
            },
            external: Some(External {
                base: self.record.seq,
                ..external.clone()
            }),
            corrective: vec![],
            epoch: 0,
            breached: false,
        };
        self.day(item.created, item.bucket).created += 1;
        let Some(end) = &item.closed else {
            return self.enter(order);
        };
        self.number(id);
        order.parent = end.parent;
        order.depends_on.clone_from(&end.depends_on);
        if let Some(parent) = end.parent.and_then(|parent| self.state.order_mut(parent)) {
            tally(parent, &end.outcome, 1);
        }
        self.end(order, &end.outcome, end.at);
    }

    /// Takes the id's number.
    fn number(&mut self, id: OrderId) {
        let numbers = &mut self.state.numbers;
        let next = if id.is_epic() {
            &mut numbers.epic
        } else {
            &mut numbers.work
        };
        *next = (*next).max(id.number().saturating_add(1));
    }

    /// Puts a queued order into the state.
    fn enter(&mut self, order: Order) {
        self.number(order.id);
        if order.is_epic() {
            self.state.counts.epics += 1;
        } else {
            self.queued(order.bucket, 1);
        }
        let id = order.id;
        self.state.table_mut(id).insert(id.number(), order);
        self.promise(id);
    }

    /// Notes when an order's promise falls due.
    fn promise(&mut self, id: OrderId) {
        let order = self.state.order(id);
        if let Some(due) = order.and_then(|order| self.state.due(order)) {
            self.due_at(due);
        }
    }

    fn reopen(&mut self, id: OrderId, form: &ClosedOrder) {
        let now = self.record.time;
        let mut order = form.order.clone();
        order.phase = Phase::Queued;
        order.entered = now;
        order.changed = now;
        order.breached = false;
        let (parent, bucket) = (order.parent, order.bucket);
        let (waits, blocks) = (order.depends_on.clone(), order.blocks.clone());
        let children = order.children.clone();
        self.enter(order);
        for wait in waits.iter().filter(|wait| wait.state == Wait::Open) {
            self.mirror(id, wait.on, true);
        }
        for waiting in blocks {
            self.answer(waiting, id, Wait::Open);
            self.edge(waiting, id, true);
        }
        children
            .into_iter()
            .for_each(|child| self.edge(id, child, true));
        if let Some(parent) = parent {
            if let Some(parent) = self.order(parent) {
                set(&mut parent.children, id, true);
                tally(parent, &form.outcome, -1);
            }
            self.edge(parent, id, true);
        }
        let counts = &mut self.state.counts;
        match form.outcome {
            Outcome::Completed { .. } => counts.completed = counts.completed.saturating_sub(1),
            Outcome::Cancelled { .. } => counts.cancelled = counts.cancelled.saturating_sub(1),
        }
        self.day(now, bucket).reopened += 1;
        self.archive.push(ArchiveChange::DropOrder(id));
    }

    // Orders change.

    fn edit(&mut self, id: OrderId, changes: &Changes) {
        let seq = self.record.seq;
        let Some(order) = self.order(id) else { return };
        let (was, working) = (order.bucket, matches!(order.phase, Phase::InProgress(_)));
        if let Some(title) = &changes.title {
            order.title.clone_from(title);
        }
        if let Some(text) = &changes.description {
            order.description = (!text.is_empty()).then_some(seq);
        }
        if let Some(kind) = changes.kind {
            order.kind = kind;
        }
        if let Some(priority) = changes.priority {
            order.priority = priority;
        }
        if let Some(labels) = &changes.labels {
            order.labels.clone_from(labels);
        }
        if let Some(minutes) = changes.estimate {
            order.estimate = (minutes > 0).then_some(minutes);
        }
        if let Some(name) = &changes.assignee {
            order.assignee = (!name.is_empty()).then(|| name.clone());
        }
        if let Some(bucket) = changes.bucket {
            order.bucket = bucket;
            order.breached = false;
            if order.is_epic() {
            } else if working {
                self.wip(was, -1);
                self.wip(bucket, 1);
            } else {
                self.queued(was, -1);
                self.queued(bucket, 1);
            }
            self.promise(id);
        }
        match changes.parent {
            Some(Parent::Of(parent)) => self.adopt(id, Some(parent)),
            Some(Parent::None) => self.adopt(id, None),
            None => {}
        }
    }

    fn adopt(&mut self, id: OrderId, parent: Option<OrderId>) {
        let Some(order) = self.order(id) else { return };
        let was = std::mem::replace(&mut order.parent, parent);
        if let Some(was) = was {
            if let Some(parent) = self.state.order_mut(was) {
                set(&mut parent.children, id, false);
            }
            self.edge(was, id, false);
        }
        if let Some(parent) = parent {
            if let Some(parent) = self.state.order_mut(parent) {
                set(&mut parent.children, id, true);
            }
            self.edge(parent, id, true);
        }
    }

    fn wait(&mut self, id: OrderId, on: OrderId, state: Wait) {
        if let Some(order) = self.order(id) {
            match order.depends_on.binary_search_by_key(&on, |wait| wait.on) {
                Ok(at) => order.depends_on[at].state = state,
                Err(at) => order.depends_on.insert(at, Dependency { on, state }),
            }
            if state == Wait::Open {
                self.mirror(id, on, true);
            }
        }
    }

    fn wait_no_longer(&mut self, id: OrderId, on: OrderId) {
        if let Some(order) = self.order(id) {
            order.depends_on.retain(|wait| wait.on != on);
            self.mirror(id, on, false);
        }
    }

    /// Keeps the other end of a dependency, and the index.
    fn mirror(&mut self, id: OrderId, on: OrderId, there: bool) {
        if let Some(order) = self.state.order_mut(on) {
            set(&mut order.blocks, id, there);
        }
        self.edge(id, on, there);
    }

    /// Tells `waiting` how far `on` is.
    fn answer(&mut self, waiting: OrderId, on: OrderId, state: Wait) {
        if let Some(order) = self.state.order_mut(waiting)
            && let Some(wait) = order.depends_on.iter_mut().find(|wait| wait.on == on)
        {
            wait.state = state;
        }
    }

    fn start(&mut self, event: &Event) {
        let Event::OrderStarted {
            id,
            stage,
            holder,
            epoch,
            lease,
        } = event
        else {
            return;
        };
        let now = self.record.time;
        let Some(order) = self.order(*id) else { return };
        let (bucket, first) = (order.bucket, order.first_started.is_none());
        order.first_started.get_or_insert(now);
        order.epoch = *epoch;
        order.phase = Phase::InProgress(Work {
            stage: stage.clone(),
            since: now,
            started: now,
            holder: holder.clone(),
            lease: *lease,
        });
        self.queued(bucket, -1);
        self.wip(bucket, 1);
        self.staged(stage, 1);
        self.holds(holder, *id, true);
        if first {
            self.day(now, bucket).started += 1;
        }
        if let Some(lease) = lease {
            self.due_at(lease.expires_at);
        }
    }

    fn relocate(&mut self, id: OrderId, to: &str) {
        let now = self.record.time;
        if let Some(Order {
            phase: Phase::InProgress(work),
            ..
        }) = self.order(id)
        {
            let from = std::mem::replace(&mut work.stage, to.into());
            work.since = now;
            self.staged(&from, -1);
            self.staged(to, 1);
        }
    }

    fn requeue(&mut self, id: OrderId) {
        let Some(order) = self.order(id) else { return };
        let bucket = order.bucket;
        if let Phase::InProgress(work) = std::mem::replace(&mut order.phase, Phase::Queued) {
            self.wip(bucket, -1);
            self.staged(&work.stage, -1);
            self.queued(bucket, 1);
            self.holds(&work.holder, id, false);
        }
    }

    // Orders go.

    fn close(&mut self, id: OrderId, outcome: &Outcome, at: Timestamp, by: Option<&Actor>) {
        let Some(order) = self.state.table_mut(id).remove(id.number()) else {
            return;
        };
        let mut order = Arc::unwrap_or_clone(order);
        order.changed = self.record.time;
        match &order.phase {
            _ if order.is_epic() => {
                let epics = &mut self.state.counts.epics;
                *epics = epics.saturating_sub(1);
            }
            Phase::Queued => self.queued(order.bucket, -1),
            Phase::InProgress(work) => {
                let work = work.clone();
                self.wip(order.bucket, -1);
                self.staged(&work.stage, -1);
                self.holds(&work.holder, id, false);
            }
        }
        if let Some(parent) = order.parent.and_then(|parent| self.state.order_mut(parent)) {
            set(&mut parent.children, id, false);
            tally(parent, outcome, 1);
        }
        for wait in order
            .depends_on
            .iter()
            .filter(|wait| wait.state == Wait::Open)
        {
            self.mirror(id, wait.on, false);
        }
        order
            .blocks
            .iter()
            .for_each(|waiting| self.answer(*waiting, id, outcome.wait()));
        if let Some(graph) = self.state.graph.get_mut() {
            graph.remove_node(id);
        }
        if let Outcome::Completed {
            receipt: Some(_), ..
        } = outcome
        {
            let met = self.state.due(&order).map(|due| at <= due);
            let cycle = order.first_started.map(|started| at.since(started));
            let day = self.day(at, order.bucket);
            match met {
                Some(true) => day.met += 1,
                Some(false) => day.missed += 1,
                None => {}
            }
            cycle.into_iter().for_each(|cycle| day.cycle.add(cycle));
        }
        if let Some(by) = by.filter(|by| by.kind == ActorKind::Agent)
            && self.state.agents.contains_key(&by.name)
            && let Some(agent) = Arc::make_mut(&mut self.state.agents).get_mut(&by.name)
        {
            let agent = Arc::make_mut(agent);
            agent.completed = agent.completed.saturating_add(1);
        }
        self.end(order, outcome, at);
    }

    /// Counts an end and hands the folded form to the archive.
    fn end(&mut self, order: Order, outcome: &Outcome, at: Timestamp) {
        let lead = at.since(order.created);
        let day = self.day(at, order.bucket);
        let status = match outcome {
            Outcome::Completed { .. } => {
                day.completed += 1;
                day.lead.add(lead);
                self.state.counts.completed += 1;
                "completed"
            }
            Outcome::Cancelled { .. } => {
                day.cancelled += 1;
                self.state.counts.cancelled += 1;
                "cancelled"
            }
        };
        let form = ClosedOrder {
            order,
            outcome: outcome.clone(),
            closed: at,
        };
        let order = &form.order;
        self.archive.push(ArchiveChange::PutOrder(ArchivedOrder {
            id: order.id,
            external: order.external.as_ref().map(External::key),
            title: order.title.clone(),
            kind: order.kind.word().into(),
            bucket: order.bucket.word().into(),
            status: status.into(),
            priority: order.priority.get(),
            parent: order.parent,
            created: order.created,
            closed: at,
            changed: self.record.seq,
            form: serde_json::to_string(&form).unwrap_or_default().into(),
        }));
    }

    fn receipt(&mut self, event: &Event) {
        if let Some(receipt) = Receipt::of_event(event, self.record) {
            self.state.receipts.count = receipt.n;
            self.state.receipts.hash = receipt.hash;
            self.archive.push(ArchiveChange::PutReceipt(ReceiptRow {
                n: receipt.n,
                order: receipt.order,
                seq: receipt.seq,
                hash: receipt.hash,
            }));
        }
    }

    // Agents.

    fn agent(&mut self, event: &Event) {
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
            _ => {}
        }
    }

    // Alerts.

    fn alert(&mut self, event: &Event) {
        let now = self.record.time;
        match event {
            Event::AlertRaised {
                id,
                severity,
                reason,
                fingerprint,
                hold,
                order,
            } => {
                let raised = self.act();
                let alert = Alert {
                    id: *id,
                    severity: *severity,
                    reason: reason.clone(),
                    fingerprint: fingerprint.clone(),
                    hold: hold.clone(),
                    order: *order,
                    raised,
                    count: 1,
                    last_seen: now,
                    acknowledged: None,
                    snoozed_until: None,
                    recovered: None,
                    escalated: None,
                    corrective: vec![],
                };
                let next = &mut self.state.numbers.alert;
                *next = (*next).max(id.0.saturating_add(1));
                Arc::make_mut(&mut self.state.alerts).insert(*id, Arc::new(alert));
                self.escalation_due(*id);
            }
            Event::AlertRepeated { id, .. } => self.with_alert(*id, |alert| {
                alert.count = alert.count.saturating_add(1);
                alert.last_seen = now;
                alert.recovered = None;
            }),
            Event::AlertRecovered { id } => {
                self.with_alert(*id, |alert| alert.recovered = Some(now))
            }
            Event::AlertAcknowledged { id } => {
                let act = self.act();
                self.with_alert(*id, |alert| {
                    alert.acknowledged = Some(act);
                    alert.snoozed_until = None;
                });
            }
            Event::AlertSnoozed { id, until } => {
                self.with_alert(*id, |alert| alert.snoozed_until = Some(*until));
                self.due_at(*until);
            }
            Event::AlertWoke { id } => {
                self.with_alert(*id, |alert| alert.snoozed_until = None);
                self.escalation_due(*id);
            }
            Event::AlertEscalated { id, severity } => {
                self.with_alert(*id, |alert| {
                    alert.severity = *severity;
                    alert.escalated = Some(now);
                });
                self.escalation_due(*id);
            }
            Event::CorrectiveLinked { id, order } => self.correct(*id, *order),
            Event::AlertResolved { id, resolution } => {
                let Some(alert) = Arc::make_mut(&mut self.state.alerts).remove(id) else {
                    return;
                };
                let form = ResolvedAlert {
                    alert: Arc::unwrap_or_clone(alert),
                    resolved: self.act(),
                    resolution: resolution.clone(),
                };
                self.archive.push(ArchiveChange::PutAlert(ArchivedAlert {
                    id: *id,
                    severity: form.alert.severity.word().into(),
                    raised: form.alert.raised.at,
                    resolved: now,
                    form: serde_json::to_string(&form).unwrap_or_default().into(),
                }));
            }
            _ => {}
        }
    }

    fn act(&self) -> Act {
        let by = Actor {
            kind: self.record.actor_kind,
            name: self.record.actor.clone(),
        };
        Act {
            by,
            at: self.record.time,
        }
    }

    fn with_alert(&mut self, id: AlertId, change: impl FnOnce(&mut Alert)) {
        if let Some(alert) = Arc::make_mut(&mut self.state.alerts).get_mut(&id) {
            change(Arc::make_mut(alert));
        }
    }

    fn escalation_due(&mut self, id: AlertId) {
        let at = self
            .state
            .alert(id)
            .and_then(|alert| self.state.escalation(alert));
        at.into_iter().for_each(|at| self.due_at(at));
    }

    fn correct(&mut self, alert: AlertId, order: OrderId) {
        self.with_alert(alert, |alert| set(&mut alert.corrective, order, true));
        if let Some(order) = self.state.order_mut(order)
            && let Err(at) = order.corrective.binary_search(&alert)
        {
            order.corrective.insert(at, alert);
        }
    }
}

impl State {
    /// Returns when an alert that nobody acknowledged grows worse, if it ever does.
    /// What the engine raised by itself does not: nobody is asked to watch the clock for it.
    pub fn escalation(&self, alert: &Alert) -> Option<Timestamp> {
        let watched = alert.acknowledged.is_none()
            && alert.snoozed_until.is_none()
            && alert.raised.by.kind != ActorKind::System;
        let from = alert.escalated.unwrap_or(alert.raised.at);
        watched
            .then(|| self.settings.policy.escalate(alert.severity))
            .flatten()
            .map(|wait| from.plus(wait))
    }
}

/// Puts `id` into a sorted list, or takes it out.
fn set(list: &mut Vec<OrderId>, id: OrderId, there: bool) {
    match (list.binary_search(&id), there) {
        (Err(at), true) => list.insert(at, id),
        (Ok(at), false) => {
            list.remove(at);
        }
        _ => {}
    }
}

/// Counts a closed child, or takes it back.
fn tally(parent: &mut Order, outcome: &Outcome, change: i32) {
    let count = match outcome {
        Outcome::Completed { .. } => &mut parent.children_completed,
        Outcome::Cancelled { .. } => &mut parent.children_cancelled,
    };
    *count = count.saturating_add_signed(change);
}
