//! The whole story of an order or an agent: every record that touches it, whatever it is about.

mod agent;
mod order;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use self::{agent::AgentStory, order::OrderStory};
use super::{
    agents::AgentView,
    events::Entry,
    limit,
    order_view::OrderView,
    reading::{Answered, Reading, Stop},
    receipts::ReceiptView,
};
use crate::domain::{
    books::Books,
    order::{Actor, vocabulary},
    record::{ActorKind, Hash, Record, Seq},
};

/// Whose story is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Traced {
    /// An order's, by its id here or elsewhere.
    Order(String),
    /// An agent's, by its name.
    Agent(String),
}

/// Which story is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceQuery {
    /// Whose.
    pub of: Traced,
    /// Only what came after this record.
    pub after: Seq,
    /// At most so many records.
    pub limit: Option<usize>,
}

vocabulary! {
    /// How a record touches what is traced.
    Touch ("touch") {
        /// It is about it.
        Own = "own",
        /// The agent did it.
        Act = "act",
        /// It is about an order that the agent holds.
        Held = "held",
        /// It is about something else and names it.
        Named = "named",
        /// It is about an alert that names it, or that holds it.
        Alert = "alert",
    }
}

/// A story, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// Whose: `WO-001` or `agent:NAME`.
    pub subject: String,
    /// How the order stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work_order: Option<Box<OrderView>>,
    /// How the agent stands now, if it is known now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Box<AgentView>>,
    /// The order's receipts, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<ReceiptView>,
    /// The records.
    pub records: Vec<TraceRecord>,
    /// How many records after the place that was asked for touch it.
    pub total: usize,
    /// The last record that was looked at.
    pub last: Seq,
}

/// A record of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceRecord {
    /// What the log says of it.
    #[serde(flatten)]
    pub entry: Entry,
    /// How it touches what is traced.
    pub touch: Touch,
    /// The command that wrote it.
    pub command: Uuid,
    /// Its place among that command's records, from 0.
    pub n: u32,
    /// The command that led to that command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Uuid>,
    /// The conversation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Uuid>,
    /// The system's number of the user who wrote it.
    pub uid: u32,
    /// The chain's hash at it.
    pub hash: Hash,
}

impl TraceRecord {
    fn of(record: &Record, touch: Touch) -> Self {
        TraceRecord {
            entry: Entry::of(record),
            touch,
            command: record.command,
            n: record.n,
            causation: record.causation,
            correlation: record.correlation,
            uid: record.uid,
            hash: record.hash,
        }
    }
}

impl<B: Books> Reading<'_, B> {
    /// Returns the records that touch an order or an agent. It walks over the whole ledger.
    pub(super) fn trace(&mut self, asked: &TraceQuery) -> Answered<Trace, B> {
        let page = Page::new(asked.after, limit(asked.limit));
        match &asked.of {
            Traced::Order(name) => self.trace_order(name, page),
            Traced::Agent(name) => self.trace_agent(name, page),
        }
    }

    fn trace_order(&mut self, name: &str, mut page: Page) -> Answered<Trace, B> {
        let found = self.find_named(name)?;
        let id = found.order().id;
        let view = self.view(&found);
        let parent = found.order().parent;
        let above = parent.into_iter().flat_map(|id| self.state.lineage(id));
        let mut story = OrderStory::new(id, above.collect());
        self.each_record_after(0, |record| story.read(&record, &mut page))?;
        let rows = self.books.receipts_of(id).map_err(Stop::Fault)?;
        let mut receipts = vec![];
        for row in &rows {
            receipts.extend(self.receipt_at(row)?);
        }
        Ok(Trace {
            work_order: Some(Box::new(view)),
            receipts,
            ..page.told(id.to_string(), self.state.head.seq)
        })
    }

    fn trace_agent(&mut self, name: &str, mut page: Page) -> Answered<Trace, B> {
        let known = self.agent(name).map(|detail| Box::new(detail.agent));
        let mut story = AgentStory::new(name);
        self.each_record_after(0, |record| story.read(&record, &mut page))?;
        let agent = match known {
            Ok(agent) => Some(agent),
            // One that has gone left its records; one that never was is refused.
            Err(Stop::Refused(_)) if story.met => None,
            Err(stop) => return Err(stop),
        };
        Ok(Trace {
            agent,
            ..page.told(format!("agent:{name}"), self.state.head.seq)
        })
    }
}

/// The records that are told: the first so many after a place, however late it turns out that they belong.
struct Page {
    after: Seq,
    limit: usize,
    rows: BTreeMap<Seq, TraceRecord>,
    total: usize,
}

impl Page {
    fn new(after: Seq, limit: usize) -> Self {
        Page {
            after,
            limit,
            rows: BTreeMap::new(),
            total: 0,
        }
    }

    fn put(&mut self, row: TraceRecord) {
        if row.entry.seq <= self.after {
            return;
        }
        self.total += 1;
        self.rows.insert(row.entry.seq, row);
        if self.rows.len() > self.limit {
            self.rows.pop_last();
        }
    }

    fn told(self, subject: String, head: Seq) -> Trace {
        let last = match self.rows.len() < self.total {
            true => self.rows.keys().next_back().copied().unwrap_or(self.after),
            false => head,
        };
        Trace {
            subject,
            work_order: None,
            agent: None,
            receipts: vec![],
            records: self.rows.into_values().collect(),
            total: self.total,
            last,
        }
    }
}

/// Returns the agent's name, if an agent acts.
fn agent(actor: &Actor) -> Option<&str> {
    (actor.kind == ActorKind::Agent).then_some(&*actor.name)
}

/// Returns whether an event's body has exactly this text as a value. It is looked for as text first: most bodies are not
/// parsed.
fn names(body: &str, text: &str) -> bool {
    let Ok(quoted) = serde_json::to_string(text) else {
        return false;
    };
    body.contains(&quoted) && serde_json::from_str(body).is_ok_and(|body| has(&body, text))
}

fn has(value: &Value, text: &str) -> bool {
    match value {
        Value::String(value) => value == text,
        Value::Array(items) => items.iter().any(|item| has(item, text)),
        Value::Object(fields) => fields.values().any(|field| has(field, text)),
        _ => false,
    }
}
