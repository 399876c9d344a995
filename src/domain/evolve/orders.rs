//! Orders come, and their fields change.

use super::{Step, set, tally};
use crate::domain::{
    archive::ArchiveChange,
    event::{Changes, Event, ImportedItem, Parent},
    id::OrderId,
    order::{ClosedOrder, External, Landing, Order, Outcome, Phase, PullSignal, Wait},
    usage::Usage,
};

impl Step<'_> {
    pub(super) fn create(&mut self, event: &Event) {
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
            gating: None,
            workspace: None,
            usage: Usage::default(),
        });
        self.day(self.record.occurred_at, *bucket).created += 1;
        self.adopt(*id, *parent);
        corrective
            .iter()
            .for_each(|alert| self.correct(*alert, *id));
    }

    pub(super) fn import(&mut self, id: OrderId, item: &ImportedItem, external: &External) {
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
            gating: None,
            workspace: None,
            usage: Usage::default(),
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
    pub(super) fn number(&mut self, id: OrderId) {
        let numbers = &mut self.state.numbers;
        let next = if id.is_epic() {
            &mut numbers.epic
        } else {
            &mut numbers.work
        };
        *next = (*next).max(id.number().saturating_add(1));
    }

    /// Puts a queued order into the state.
    pub(super) fn enter(&mut self, order: Order) {
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
    pub(super) fn promise(&mut self, id: OrderId) {
        let order = self.state.order(id);
        if let Some(due) = order.and_then(|order| self.state.due(order)) {
            self.due_at(due);
        }
    }

    pub(super) fn reopen(&mut self, id: OrderId, form: &ClosedOrder) {
        let now = self.record.time;
        let mut order = form.order.clone();
        order.phase = Phase::Queued;
        order.entered = now;
        order.changed = now;
        order.breached = false;
        // What is merged is the project's; work that starts anew starts from there.
        order
            .workspace
            .take_if(|workspace| workspace.landing == Landing::Merged);
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
        self.gating_edited(id);
        self.day(now, bucket).reopened += 1;
        self.archive.push(ArchiveChange::DropOrder(id));
    }

    pub(super) fn edit(&mut self, id: OrderId, changes: &Changes) {
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
        // Where it hangs, who is meant to do it and how urgent it is do not change what is to be done.
        if changes.title.is_some()
            || changes.description.is_some()
            || changes.kind.is_some()
            || changes.bucket.is_some()
        {
            self.gating_edited(id);
        }
        match changes.parent {
            Some(Parent::Of(parent)) => self.adopt(id, Some(parent)),
            Some(Parent::None) => self.adopt(id, None),
            None => {}
        }
    }

    pub(super) fn adopt(&mut self, id: OrderId, parent: Option<OrderId>) {
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
}
