//! What is so now: open work, agents, open alerts, settings, counters, and one row a day for ever.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use bitcode::{Decode, Encode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    agent::Agent,
    andon::{Alert, Scope},
    days::Day,
    graph::Graph,
    id::{AlertId, OrderId},
    order::{BUCKETS, Order, Wait},
    record::{Hash, Head, Seq},
    settings::Settings,
    slabs::Slabs,
    tallies::Tallies,
    time::Timestamp,
};

/// How many orders are where. Kept by `evolve`; epics count only as epics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct Counts {
    /// Queued orders by bucket.
    pub queued: [u32; BUCKETS],
    /// Orders in progress by bucket: what WIP limits bound.
    pub wip: [u32; BUCKETS],
    /// Orders in progress by stage.
    pub stages: BTreeMap<String, u32>,
    /// Open epics.
    pub epics: u32,
    /// Completed orders and epics, all time.
    pub completed: u64,
    /// Cancelled orders and epics, all time.
    pub cancelled: u64,
}

impl Counts {
    /// Returns how many orders stand in a stage.
    pub fn stage(&self, name: &str) -> u32 {
        self.stages.get(name).copied().unwrap_or(0)
    }
}

/// The receipts' chain so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct ReceiptHead {
    /// How many there are.
    pub count: u64,
    /// The last one's hash.
    pub hash: Hash,
}

/// The next free numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Encode, Decode)]
pub struct Numbers {
    /// Of work orders.
    pub work: u32,
    /// Of epics.
    pub epic: u32,
    /// Of alerts.
    pub alert: u32,
}

/// One version of everything that rules look at. Cloning it copies pointers only.
#[derive(Clone, Debug)]
pub struct State {
    /// The last record it contains.
    pub head: Head,
    /// The ledger's name.
    pub uuid: Uuid,
    /// The ledger's incarnation.
    pub incarnation: u64,
    /// The term of the last elected host.
    pub term: u64,
    /// The time of the last record.
    pub time: Timestamp,
    /// What rules need to know.
    pub settings: Arc<Settings>,
    /// Registered agents by name.
    pub agents: Arc<BTreeMap<String, Arc<Agent>>>,
    /// Open alerts by id.
    pub alerts: Arc<BTreeMap<AlertId, Arc<Alert>>>,
    /// How many orders are where.
    pub counts: Counts,
    /// The receipts' chain so far.
    pub receipts: ReceiptHead,
    /// The next free numbers.
    pub numbers: Numbers,
    /// What was counted since the ledger began; not part of the state's hash.
    pub tallies: Arc<Tallies>,
    /// The first event that this version does not know: from then on it only reads.
    pub unknown: Option<(String, Seq)>,
    /// Nothing is due before this moment; a lower bound, not part of the state's hash.
    pub next_due: Timestamp,
    pub(super) work: Slabs<Order>,
    pub(super) epics: Slabs<Order>,
    pub(super) days: Slabs<Day>,
    pub(super) graph: OnceLock<Graph>,
}

impl Default for State {
    /// Returns the state before genesis.
    fn default() -> Self {
        State {
            head: Head::default(),
            uuid: Uuid::nil(),
            incarnation: 0,
            term: 0,
            time: Timestamp::default(),
            settings: Arc::default(),
            agents: Arc::default(),
            alerts: Arc::default(),
            counts: Counts::default(),
            receipts: ReceiptHead::default(),
            numbers: Numbers {
                work: 1,
                epic: 1,
                alert: 1,
            },
            tallies: Arc::default(),
            unknown: None,
            next_due: Timestamp::MAX,
            work: Slabs::default(),
            epics: Slabs::default(),
            days: Slabs::default(),
            graph: OnceLock::new(),
        }
    }
}

impl State {
    /// Returns an open order.
    pub fn order(&self, id: OrderId) -> Option<&Arc<Order>> {
        self.table(id).get(id.number())
    }

    /// Returns the open order of a name, here or elsewhere.
    pub fn named(&self, name: &str) -> Option<OrderId> {
        let elsewhere = || {
            let named =
                |order: &&Arc<Order>| order.external.as_ref().is_some_and(|e| e.key() == name);
            self.orders().find(named).map(|order| order.id)
        };
        name.parse().ok().or_else(elsewhere)
    }

    /// Returns every open order: work orders by number, then epics by number.
    pub fn orders(&self) -> impl Iterator<Item = &Arc<Order>> {
        self.work.iter().chain(self.epics.iter())
    }

    /// Returns the open work orders without the epics, by number.
    pub fn work_orders(&self) -> impl Iterator<Item = &Arc<Order>> {
        self.work.iter()
    }

    /// Returns the open epics, by number.
    pub fn open_epics(&self) -> impl Iterator<Item = &Arc<Order>> {
        self.epics.iter()
    }

    /// Returns how many orders and epics are open.
    pub fn open_count(&self) -> usize {
        self.work.len() + self.epics.len()
    }

    /// Returns an open alert.
    pub fn alert(&self, id: AlertId) -> Option<&Arc<Alert>> {
        self.alerts.get(&id)
    }

    /// Returns a registered agent.
    pub fn agent(&self, name: &str) -> Option<&Arc<Agent>> {
        self.agents.get(name)
    }

    /// Returns the days on which anything happened, by number, oldest first.
    pub fn days(&self) -> impl Iterator<Item = (u32, &Arc<Day>)> {
        self.days.entries()
    }

    /// Returns one day.
    pub fn day(&self, number: u32) -> Option<&Arc<Day>> {
        self.days.get(number)
    }

    /// Returns the order and its ancestors, nearest first.
    pub fn lineage(&self, id: OrderId) -> impl Iterator<Item = OrderId> {
        let parent = |id: &OrderId| self.order(*id).and_then(|order| order.parent);
        std::iter::successors(Some(id), parent)
    }

    /// Returns whether `order`, in `stage` and in `agent`'s hands, lies in a scope. This is the one place that says so.
    pub(super) fn is_in(
        &self,
        scope: &Scope,
        order: &Order,
        stage: Option<&str>,
        agent: Option<&str>,
    ) -> bool {
        match scope {
            Scope::Line => true,
            Scope::Bucket(bucket) => order.bucket == *bucket,
            Scope::Order(id) => order.id == *id,
            Scope::Epic(id) => self.lineage(order.id).any(|ancestor| ancestor == *id),
            Scope::Stage(name) => stage == Some(name),
            Scope::Agent(name) => agent == Some(name),
        }
    }

    /// Returns the open alerts whose hold covers `order`, which would be in `stage` and in `agent`'s hands.
    /// Orders that are to mend an alert are exempt from its hold.
    pub fn holds_on<'a>(
        &'a self,
        order: &'a Order,
        stage: Option<&'a str>,
        agent: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a Arc<Alert>, &'a Scope)> {
        self.alerts.values().filter_map(move |alert| {
            let scope = alert.hold.as_ref()?;
            let covers = self.is_in(scope, order, stage, agent);
            (covers && !order.corrective.contains(&alert.id)).then_some((alert, scope))
        })
    }

    /// Returns when the order is due: its entry plus its bucket's SLA. None where nothing is promised.
    pub fn due(&self, order: &Order) -> Option<Timestamp> {
        (!order.is_epic()).then_some(())?;
        self.settings
            .bucket(order.bucket)
            .sla()
            .map(|sla| order.entered.plus(sla))
    }

    /// Returns the graph of open waits: an order after what it waits for, a parent after its children.
    /// It is an index, built when first asked for.
    pub fn graph(&self) -> &Graph {
        self.graph.get_or_init(|| {
            let mut graph = Graph::new();
            for order in self.orders() {
                let open = order
                    .depends_on
                    .iter()
                    .filter(|d| d.state == Wait::Open)
                    .map(|d| d.on);
                for before in open.chain(order.children.iter().copied()) {
                    graph.insert_edge(order.id, before);
                }
            }
            graph
        })
    }

    /// Returns whether a snapshot's bytes turned out not to be readable: the state must be built anew.
    pub fn is_damaged(&self) -> bool {
        self.work.is_damaged() || self.epics.is_damaged() || self.days.is_damaged()
    }

    /// Returns the SHA-256 of the canonical encoding: two states are the same if and only if their hashes are.
    /// Indexes, lower bounds and tallies are not part of it.
    pub fn state_hash(&self) -> Hash {
        let mut sha = HashWriter(Sha256::new());
        let orders: Vec<_> = self.orders().map(Arc::as_ref).collect();
        let days: Vec<_> = self
            .days()
            .map(|(day, rows)| (day, rows.as_ref()))
            .collect();
        let agents: Vec<_> = self.agents.values().map(Arc::as_ref).collect();
        let alerts: Vec<_> = self.alerts.values().map(Arc::as_ref).collect();
        let whole = (
            (self.head, self.uuid, self.incarnation, self.term, self.time),
            (
                &*self.settings,
                agents,
                alerts,
                &self.counts,
                self.receipts,
                self.numbers,
            ),
            (&self.unknown, orders, days),
        );
        // Writing into a hash cannot fail, and every key of every map here is a string.
        let written = serde_json::to_writer(&mut sha, &whole);
        debug_assert!(written.is_ok(), "{written:?}");
        Hash(sha.0.finalize().into())
    }

    pub(super) fn table(&self, id: OrderId) -> &Slabs<Order> {
        if id.is_epic() {
            &self.epics
        } else {
            &self.work
        }
    }

    pub(super) fn table_mut(&mut self, id: OrderId) -> &mut Slabs<Order> {
        if id.is_epic() {
            &mut self.epics
        } else {
            &mut self.work
        }
    }

    pub(super) fn order_mut(&mut self, id: OrderId) -> Option<&mut Order> {
        self.table_mut(id).get_mut(id.number())
    }
}

struct HashWriter(Sha256);

impl std::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The latest day that is counted, in the year 2200: no clock that can be believed says more, and the table of days stays small.
pub const MAX_DAY: u32 = 84_006;
