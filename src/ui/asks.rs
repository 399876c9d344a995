//! What the screen needs beyond the state: questions are derived from the model, asked once, and asked again when
//! the state moved on. An answer that nobody waits for any more is dropped.

use super::{
    effect::{Effect, Ticket},
    filter::Filter,
    flow::{self, Page},
    model::{Model, View},
    msg::Failure,
    overlay::{Overlay, confirm::Stake},
};
use crate::domain::{
    id::OrderId,
    query::{
        Answer, Query,
        andon::{AlertDetail, Alerts},
        blast::Blast,
        deps::DependencyTree,
        detail::OrderDetail,
        graph::DependencyGraph,
        order_view::{LeaseView, OrderView},
        orders::WorkOrders,
        reports::forecast::Forecast,
        summary::Summary,
        why::Why,
    },
    record::Seq,
    time::{MINUTE, Timestamp},
};

/// How many closed orders the done column shows; older ones are found by the palette and the command line.
pub const DONE_ROWS: usize = 200;
/// How many resolved alerts the andon queue shows; older ones are found by the command line.
pub const RESOLVED_ROWS: usize = 200;
/// How many records the event view begins with.
pub const LOG_ROWS: usize = 300;

/// What an answer is for; there is at most one question of each at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The overview's figures.
    Summary,
    /// The done column.
    Done,
    /// The detail pane.
    Detail,
    /// The place in line of a ready order in the detail pane.
    Why,
    /// The selected alert.
    Alert,
    /// The resolved alerts.
    Resolved,
    /// The dependency tree.
    Tree,
    /// The dependency graph.
    Graph,
    /// The registered agents.
    Agents,
    /// What a cord would stop.
    Blast,
    /// The lease that a question is about.
    Lease,
    /// The order whose name is typed in the palette.
    Named,
    /// The completed orders whose titles have the words that are typed in the palette.
    Closed,
    /// The events before the console came.
    Log,
    /// The page of the flow.
    Flow,
    /// What is to be expected, beside that page.
    Outlook,
}

const SLOTS: [Slot; 16] = [
    Slot::Summary,
    Slot::Done,
    Slot::Detail,
    Slot::Why,
    Slot::Alert,
    Slot::Resolved,
    Slot::Tree,
    Slot::Graph,
    Slot::Agents,
    Slot::Blast,
    Slot::Lease,
    Slot::Named,
    Slot::Closed,
    Slot::Log,
    Slot::Flow,
    Slot::Outlook,
];

/// As of when an answer holds: numbers of which one changes when the answer may, for most the state's head and the minute.
type Edition = (Seq, i64, u64);

#[derive(Clone, Debug, Default)]
struct Place {
    /// What was wanted last, which may be asked once the question on its way is answered.
    wanted: Option<Query>,
    /// The question on its way, and what it asks.
    waiting: Option<(Ticket, Query, Edition)>,
    /// The last answer, and the question it answers.
    answer: Option<(Query, Edition, Result<Box<Answer>, Failure>)>,
    /// How many answers came: what is made of one is made anew with the next.
    arrivals: u64,
}

/// Questions on their way and their answers.
#[derive(Clone, Debug, Default)]
pub struct Asks([Place; SLOTS.len()]);

impl Asks {
    fn place(&self, slot: Slot) -> Option<&Place> {
        self.0.get(slot as usize)
    }

    /// Takes an answer and returns what it was for, if somebody waits for it.
    pub fn take(&mut self, ticket: Ticket, answer: Result<Box<Answer>, Failure>) -> Option<Slot> {
        let slot = SLOTS.into_iter().find(|slot| {
            let waiting = self.place(*slot).and_then(|place| place.waiting.as_ref());
            waiting.is_some_and(|(t, ..)| *t == ticket)
        })?;
        let place = self.0.get_mut(slot as usize)?;
        let (_, query, edition) = place.waiting.take()?;
        place.answer = Some((query, edition, answer));
        place.arrivals += 1;
        Some(slot)
    }

    fn answer(&self, slot: Slot) -> Option<&Answer> {
        let (_, _, answer) = self.place(slot)?.answer.as_ref()?;
        answer.as_deref().ok()
    }

    /// Returns why the last question for `slot` has no answer.
    pub fn failure(&self, slot: Slot) -> Option<&Failure> {
        let (_, _, answer) = self.place(slot)?.answer.as_ref()?;
        answer.as_ref().err()
    }

    /// Returns a number that changes with every answer for `slot`: what is made of an answer is keyed by it.
    pub fn arrivals(&self, slot: Slot) -> u64 {
        self.place(slot).map_or(0, |place| place.arrivals)
    }

    /// Returns the overview's figures.
    pub fn summary(&self) -> Option<&Summary> {
        match self.answer(Slot::Summary)? {
            Answer::Summary(summary) => Some(summary),
            _ => None,
        }
    }

    /// Returns the page of closed orders.
    pub fn done(&self) -> Option<&WorkOrders> {
        match self.answer(Slot::Done)? {
            Answer::WorkOrders(page) => Some(page),
            _ => None,
        }
    }

    /// Returns all about the order in the detail pane; it may be the one before.
    pub fn detail(&self) -> Option<&OrderDetail> {
        match self.answer(Slot::Detail)? {
            Answer::WorkOrder(detail) => Some(detail),
            _ => None,
        }
    }

    /// Returns why an order is not moving; it may be the one before.
    pub fn why(&self) -> Option<&Why> {
        match self.answer(Slot::Why)? {
            Answer::Why(why) => Some(why),
            _ => None,
        }
    }

    /// Returns all about the selected alert; it may be the one before.
    pub fn alert(&self) -> Option<&AlertDetail> {
        match self.answer(Slot::Alert)? {
            Answer::Alert(detail) => Some(detail),
            _ => None,
        }
    }

    /// Returns the resolved alerts, newest first; they may be those of a moment ago.
    pub fn resolved(&self) -> Option<&Alerts> {
        match self.answer(Slot::Resolved)? {
            Answer::Alerts(alerts) => Some(alerts),
            _ => None,
        }
    }

    /// Returns the tree; it may be the one before.
    pub fn tree(&self) -> Option<&DependencyTree> {
        match self.answer(Slot::Tree)? {
            Answer::Tree(tree) => Some(tree),
            _ => None,
        }
    }

    /// Returns the graph; it may be the one before.
    pub fn graph(&self) -> Option<&DependencyGraph> {
        match self.answer(Slot::Graph)? {
            Answer::Graph(graph) => Some(graph),
            _ => None,
        }
    }

    /// Returns the registered agents with their signs of life.
    pub fn agents(&self) -> Option<&crate::domain::query::agents::Agents> {
        match self.answer(Slot::Agents)? {
            Answer::Agents(agents) => Some(agents),
            _ => None,
        }
    }

    /// Returns the lease on an order, None inside if it has none now; nothing while that is not known.
    pub fn lease(&self, id: OrderId) -> Option<Option<LeaseView>> {
        match self.answer(Slot::Lease)? {
            Answer::Status(order) if order.id == id => Some(order.lease),
            _ => None,
        }
    }

    /// Returns the order that has this name, here or elsewhere, open or closed; None inside if there is none, nothing
    /// while that is not known.
    pub fn named(&self, name: &str) -> Option<Option<&OrderView>> {
        let (query, _, answer) = self.place(Slot::Named)?.answer.as_ref()?;
        match (query, answer.as_deref()) {
            (Query::Status { order }, _) if order != name => None,
            (_, Ok(Answer::Status(order))) => Some(Some(order)),
            (_, Err(Failure::Refused(_))) => Some(None),
            _ => None,
        }
    }

    /// Returns completed orders that the palette's words may find; they may be those of the words before.
    pub fn closed(&self) -> &[OrderView] {
        match self.answer(Slot::Closed) {
            Some(Answer::WorkOrders(page)) => &page.work_orders,
            _ => &[],
        }
    }

    /// Returns the answer to a page of the flow; it may be that of the page before.
    pub fn flow(&self) -> Option<&Answer> {
        self.answer(Slot::Flow)
    }

    /// Returns when the work will be done.
    pub fn forecast(&self) -> Option<&Forecast> {
        match self.answer(Slot::Outlook)? {
            Answer::Forecast(forecast) => Some(forecast),
            _ => None,
        }
    }

    /// Returns the orders that a page of the flow lists, in their order.
    pub fn flow_rows(&self, page: Page) -> Vec<OrderId> {
        match (page, self.flow()) {
            (Page::Ageing, Some(Answer::Ageing(of))) => {
                of.orders.iter().map(|one| one.order.id).collect()
            }
            (Page::Sla, Some(Answer::Sla(of))) => {
                of.due.orders.iter().map(|one| one.order.id).collect()
            }
            (Page::Risk, Some(Answer::Risk(of))) => {
                of.orders.iter().map(|one| one.order.id).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Returns whether the answer for `slot` is that to a question before the one that matters now.
    pub fn is_behind(&self, slot: Slot) -> bool {
        self.place(slot).is_some_and(|place| {
            let known = place.answer.as_ref().map(|(query, ..)| query);
            place.wanted.as_ref() != known
        })
    }

    /// Returns what a cord would stop.
    pub fn blast(&self) -> Option<&Blast> {
        match self.answer(Slot::Blast)? {
            Answer::Blast(blast) => Some(blast),
            _ => None,
        }
    }
}

/// Returns the questions to ask now: what the screen shows and has no answer of this edition for.
pub fn missing(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    for slot in SLOTS {
        let Some(query) = wanted(model, slot) else {
            continue;
        };
        let edition = edition(model, slot);
        let Some(place) = model.asks.0.get_mut(slot as usize) else {
            continue;
        };
        if place.wanted.as_ref() != Some(&query) {
            place.wanted = Some(query.clone());
        }
        let same = |asked: &Query, when: &Edition| *asked == query && *when == edition;
        let known = place.answer.as_ref().is_some_and(|(q, e, _)| same(q, e));
        // Whatever is on its way is waited for: who asked with each key would wait for every answer before the last one.
        if known || place.waiting.is_some() {
            continue;
        }
        let ticket = model.tickets.issue();
        place.waiting = Some((ticket, query.clone(), edition));
        effects.push(Effect::Ask { ticket, query });
    }
    effects
}

fn edition(model: &Model, slot: Slot) -> Edition {
    let minute = |now: Timestamp| now.0.div_euclid(MINUTE);
    match slot {
        // What is past does not change; the records since are at hand.
        Slot::Log if model.travel.present.is_some() => (model.state.head.seq, 0, 1),
        Slot::Log => (0, 0, 0),
        Slot::Done => {
            // What is closed changes only by an end or by a reopening. Where both come between two frames the count
            // stands still, but there is one receipt or one reopening more.
            let today = model.state.day(model.state.time.day());
            let reopened = today.map_or(0, |day| day.0.iter().map(|row| row.reopened).sum());
            let receipts = model.state.receipts.count;
            (model.state.counts.completed, i64::from(reopened), receipts)
        }
        // What agents are about is not on the ledger.
        Slot::Agents => (model.state.head.seq, minute(model.now), model.runs.told),
        _ => (model.state.head.seq, minute(model.now), 0),
    }
}

fn wanted(model: &Model, slot: Slot) -> Option<Query> {
    if model.state.head.seq == 0 {
        return None;
    }
    let view = |view| model.view == view;
    match slot {
        Slot::Summary => view(View::Overview).then_some(Query::Summary),
        Slot::Done => {
            (view(View::Kanban) && model.filter.admits_done()).then(|| Query::WorkOrders {
                filter: model.filter.archive(),
                all: true,
                sort: Default::default(),
                limit: Some(DONE_ROWS),
                after: None,
            })
        }
        Slot::Detail => model.detail.as_ref().map(|detail| Query::WorkOrder {
            order: detail.id.to_string(),
        }),
        // What stands in an order's way comes with its detail.
        Slot::Why => {
            let id = model.detail.as_ref()?.id;
            let ready = model.state.is_ready(model.state.order(id)?);
            ready.then(|| Query::Why {
                order: id.to_string(),
            })
        }
        Slot::Alert => {
            let id = model.shown_alert()?;
            Some(Query::Alert { id })
        }
        // The open ones come first, and are known: what is asked for stands behind the last of them.
        Slot::Resolved => (view(View::Andon) && model.queue.resolved).then(|| Query::Alerts {
            all: true,
            severity: None,
            limit: Some(RESOLVED_ROWS),
            after: model.alerts().last().map(|alert| alert.id),
        }),
        Slot::Tree => {
            let shown = view(View::Dependencies) && !model.graph.shown;
            let order = model.tree.root.filter(|_| shown)?;
            Some(Query::Tree {
                order,
                direction: model.tree.direction,
                limit: None,
            })
        }
        Slot::Graph => model.draws_graph().then(|| Query::Graph {
            root: model.tree.root,
            filter: match model.tree.root {
                Some(_) => Default::default(),
                None => model.filter.narrowed().filter,
            },
            closed: !model.graph.open_only,
        }),
        Slot::Agents => view(View::Agents).then_some(Query::Agents {
            limit: Some(1_000),
            after: None,
        }),
        Slot::Blast => match &model.overlay {
            Some(Overlay::Confirm(confirm)) => match &confirm.stake {
                Some(Stake::Hold(scope)) => Some(Query::Blast {
                    scope: scope.clone(),
                    limit: Some(BLAST_ROWS),
                }),
                _ => None,
            },
            _ => None,
        },
        Slot::Lease => match &model.overlay {
            Some(Overlay::Confirm(confirm)) => match confirm.stake {
                Some(Stake::Lease(id)) => Some(Query::Status {
                    order: id.to_string(),
                }),
                _ => None,
            },
            _ => None,
        },
        Slot::Named => match &model.overlay {
            Some(Overlay::Palette(palette)) => palette.name().map(|order| Query::Status { order }),
            _ => None,
        },
        Slot::Closed => match &model.overlay {
            Some(Overlay::Palette(palette)) => palette.words().map(|words| Query::WorkOrders {
                filter: Filter::parse(&words).0.archive(),
                all: true,
                sort: Default::default(),
                limit: Some(CLOSED_ROWS),
                after: None,
            }),
            _ => None,
        },
        Slot::Flow => view(View::Flow).then(|| flow::question(model)),
        Slot::Outlook => flow::outlook(model).filter(|_| view(View::Flow)),
        Slot::Log => Some(Query::Log {
            after: None,
            limit: Some(LOG_ROWS),
        }),
    }
}

/// How many completed orders the palette looks through by their words: the newest of them that have the first one.
const CLOSED_ROWS: usize = 50;

/// How many orders a cord's preview names.
pub const BLAST_ROWS: usize = 6;
