//! All about one order: what lists show, and its description, neighbours, comments, timeline, reasons and receipt.

use std::collections::VecDeque;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    events::{Entry, MAX_TIMELINE, push},
    gates::{GateView, gates_of},
    order_view::OrderView,
    reading::{Answered, Found, Reading, Stop},
    receipts::{NO_RECEIPT, ReceiptView},
    value::Moment,
    why::{Reason, obstacles},
};
use crate::domain::{
    archive::ArchiveQuery,
    books::Books,
    event::Event,
    id::OrderId,
    order::{ClosedOrder, Link, Order, PullSignal, Status, Workspace},
    record::Seq,
    usage::Usage,
};

/// How many of the latest comments are shown.
pub const MAX_COMMENTS: usize = 100;
/// How many neighbours of one sort are shown with their titles; their ids are all in the view.
pub const MAX_NEIGHBOURS: usize = 200;

/// An order with all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub order: OrderView,
    /// Any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it came from.
    pub signal: PullSignal,
    /// What it depends on, satisfied or not.
    pub depends_on: Vec<Neighbour>,
    /// The open orders that wait for it.
    pub dependents: Vec<Neighbour>,
    /// Its children: the open ones by id, then the closed ones, newest first.
    pub child_orders: Vec<Neighbour>,
    /// The order it is part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_order: Option<Neighbour>,
    /// Relations that rule nothing.
    pub links: Vec<Link>,
    /// Its latest comments, oldest first.
    pub latest_comments: Vec<Comment>,
    /// What happened to it lately, oldest first.
    pub timeline: Vec<Entry>,
    /// Why it is not moving; empty when it is ready or closed.
    pub why: Vec<Reason>,
    /// How it stands at the quality gates that are asked of it; whether the code moved since is not looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<GateView>,
    /// Where its code is made, if apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<Box<Workspace>>,
    /// The receipt of its completion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ReceiptView>,
    /// Why a completed order has no receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_receipt: Option<String>,
}

/// An order next to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Neighbour {
    /// Which.
    pub id: OrderId,
    /// Its title; empty if the order is nowhere to be found.
    pub title: String,
    /// Its status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

impl Neighbour {
    /// Returns an open order as a neighbour.
    pub fn open(order: &Order) -> Self {
        Neighbour {
            id: order.id,
            title: order.title.clone(),
            status: Some(order.status()),
        }
    }

    /// Returns a closed order as a neighbour.
    pub fn closed(closed: &ClosedOrder) -> Self {
        Neighbour {
            id: closed.order.id,
            title: closed.order.title.clone(),
            status: Some(closed.status()),
        }
    }
}

/// Something that somebody said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Comment {
    /// Its record.
    pub seq: Seq,
    /// When it was said.
    pub at: Moment,
    /// Who said it.
    pub author: String,
    /// What.
    pub text: String,
}

impl<B: Books> Reading<'_, B> {
    /// Returns one order as lists show it.
    pub(super) fn status(&mut self, name: &str) -> Answered<OrderView, B> {
        let found = self.find_named(name)?;
        Ok(self.view(&found))
    }

    /// Returns all about one order.
    pub(super) fn order_detail(&mut self, name: &str) -> Answered<OrderDetail, B> {
        let found = self.find_named(name)?;
        let order = found.order();
        let ids = |ids: &[OrderId]| ids.iter().take(MAX_NEIGHBOURS).copied().collect::<Vec<_>>();
        let depends_on: Vec<OrderId> = order.depends_on.iter().map(|wait| wait.on).collect();
        let parent = order.parent.into_iter().collect();
        let (comments, timeline, used) = self.past(order.id)?;
        let proof = match &found {
            Found::Closed(_) => self.newest_receipt(order.id)?,
            Found::Open(_) => None,
        };
        let completed = found.status() == Status::Completed;
        Ok(OrderDetail {
            description: self.description(order)?,
            signal: order.signal.clone(),
            depends_on: self.neighbours(ids(&depends_on))?,
            dependents: self.neighbours(ids(&order.blocks))?,
            child_orders: self.child_orders(order)?,
            parent_order: self.neighbours(parent)?.pop(),
            links: order.links.clone(),
            latest_comments: comments,
            timeline,
            gates: match &found {
                Found::Open(order) => gates_of(self.state, order, None),
                Found::Closed(_) => vec![],
            },
            workspace: order.workspace.clone(),
            why: match &found {
                Found::Open(order) => obstacles(self.state, self.live, order.id, self.now),
                Found::Closed(_) => vec![],
            },
            no_receipt: (completed && proof.is_none()).then(|| NO_RECEIPT.into()),
            proof,
            order: OrderView {
                // What was told of it after it was closed counts too.
                usage: used.view(),
                ..self.view(&found)
            },
        })
    }

    /// Returns the text of the description, from the record that holds it.
    fn description(&mut self, order: &Order) -> Answered<Option<String>, B> {
        let Some(seq) = order.description else {
            return Ok(None);
        };
        let record = self.books.record(seq).map_err(Stop::Fault)?;
        let event = record.and_then(|record| record.event());
        Ok(match event {
            Some(Event::OrderCreated { description, .. }) => description,
            Some(Event::OrderImported { item, .. }) => item.description,
            Some(Event::OrderEdited { changes, .. }) => changes.description,
            Some(Event::OrderMerged { changes, .. }) => changes.description,
            _ => None,
        })
    }

    /// Returns orders with their titles, in the order of `ids`.
    pub(super) fn neighbours(&mut self, ids: Vec<OrderId>) -> Answered<Vec<Neighbour>, B> {
        let away = ids.iter().filter(|id| self.state.order(**id).is_none());
        let closed = self.closed(&away.copied().collect::<Vec<_>>())?;
        let state = self.state;
        let neighbour = |id: OrderId| match (state.order(id), closed.get(&id)) {
            (Some(order), _) => Neighbour::open(order),
            (None, Some(closed)) => Neighbour::closed(closed),
            (None, None) => Neighbour {
                id,
                title: String::new(),
                status: None,
            },
        };
        Ok(ids.into_iter().map(neighbour).collect())
    }

    fn child_orders(&mut self, order: &Order) -> Answered<Vec<Neighbour>, B> {
        let open = order.children.iter().take(MAX_NEIGHBOURS);
        let mut children = self.neighbours(open.copied().collect())?;
        let room = MAX_NEIGHBOURS - children.len();
        if room > 0 && (order.children_completed > 0 || order.children_cancelled > 0) {
            let query = ArchiveQuery {
                parent: Some(order.id),
                limit: room,
                ..Default::default()
            };
            let rows = self.books.closed_page(&query).map_err(Stop::Fault)?;
            children.extend(rows.into_iter().map(|row| Neighbour {
                id: row.id,
                status: row.status.parse().ok(),
                title: row.title,
            }));
        }
        Ok(children)
    }

    /// Returns an order's latest comments, its latest entries, and what work on it used up.
    fn past(&mut self, id: OrderId) -> Answered<(Vec<Comment>, Vec<Entry>, Usage), B> {
        let (mut comments, mut timeline) = (VecDeque::new(), VecDeque::new());
        let mut used = Usage::default();
        self.each_record(&id.to_string(), |record| {
            match record.event() {
                Some(Event::OrderCommented { text, author, .. }) => {
                    let author = author.unwrap_or_else(|| record.actor.clone());
                    let comment = Comment {
                        seq: record.seq,
                        at: Moment(record.occurred_at),
                        author,
                        text,
                    };
                    push(&mut comments, comment, MAX_COMMENTS);
                }
                Some(Event::UsageRecorded { tokens, cost, .. }) => {
                    used.add(Usage { tokens, cost });
                }
                _ => {}
            }
            push(&mut timeline, Entry::of(&record), MAX_TIMELINE);
        })?;
        Ok((comments.into(), timeline.into(), used))
    }
}
