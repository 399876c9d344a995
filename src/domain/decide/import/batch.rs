//! The items of one file, and where each of them stands here.

use std::collections::HashMap;

use crate::domain::{
    cold::Cold,
    command::ImportItem,
    event::{Event, ImportedItem},
    id::{MAX_NUMBER, OrderId},
    order::{ClosedOrder, Kind, Order, Wait},
    record::{Record, Seq},
    refusal::Refusal,
    state::State,
    time::Timestamp,
};

/// Where an item stands here.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// It was never here.
    New,
    /// It is an open order.
    Open(&'a Order),
    /// It is a closed order.
    Closed(&'a ClosedOrder),
}

/// The orders that came from one system, by their names there.
pub(super) struct Register<'a> {
    open: HashMap<&'a str, &'a Order>,
    cold: &'a Cold,
    source: &'a str,
    /// Whether anything was ever closed here: if not, there is nothing to look for among the closed.
    archive: bool,
}

impl<'a> Register<'a> {
    pub(super) fn new(state: &'a State, cold: &'a Cold, source: &'a str) -> Self {
        let open = state.orders().filter_map(|order| {
            let external = order.external.as_ref()?;
            (external.source == source).then_some((external.id.as_str(), order.as_ref()))
        });
        Register {
            open: open.collect(),
            cold,
            source,
            archive: state.counts.completed > 0 || state.counts.cancelled > 0,
        }
    }

    /// Returns whether nothing here can have come from that system: then there is nothing to look for.
    pub(super) fn is_blank(&self) -> bool {
        self.open.is_empty() && !self.archive
    }

    /// Returns what to ask the archive about a name; None if the state alone knows.
    pub(super) fn key(&self, external: &str) -> Option<String> {
        (self.archive && !self.open.contains_key(external))
            .then(|| format!("{}:{external}", self.source))
    }

    fn place(&self, external: &str) -> Result<Place<'a>, Refusal> {
        if let Some(order) = self.open.get(external) {
            return Ok(Place::Open(order));
        }
        let known = self
            .key(external)
            .and_then(|key| *self.cold.externals.get(&key)?);
        match known {
            None => Ok(Place::New),
            // The archive names it, so it must not come in a second time.
            Some(id) => self
                .cold
                .order(id)
                .map(Place::Closed)
                .ok_or_else(|| Refusal::not_found(id)),
        }
    }
}

/// An order that an edge may lead to.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// The order.
    pub(super) id: OrderId,
    /// How far it is.
    pub(super) wait: Wait,
    /// Whether it is open here or in the file: only such orders take part in the search for cycles.
    pub(super) live: bool,
}

/// The items of one file with the ids they have or get.
pub(super) struct Batch<'a> {
    pub(super) state: &'a State,
    pub(super) cold: &'a Cold,
    pub(super) source: &'a str,
    pub(super) items: &'a [ImportItem],
    pub(super) now: Timestamp,
    /// By item: where it stands.
    pub(super) places: Vec<Place<'a>>,
    /// By item: its id here.
    pub(super) ids: Vec<OrderId>,
    index: HashMap<&'a str, usize>,
    register: Register<'a>,
}

impl<'a> Batch<'a> {
    /// Returns the file's items in their places, new ids in the file's order, or why the file is refused as a whole.
    pub(super) fn new(
        state: &'a State,
        cold: &'a Cold,
        source: &'a str,
        items: &'a [ImportItem],
        now: Timestamp,
    ) -> Result<Self, Refusal> {
        let register = Register::new(state, cold, source);
        let mut numbers = state.numbers;
        let mut index = HashMap::with_capacity(items.len());
        let mut places = Vec::with_capacity(items.len());
        let mut ids = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            if index.insert(item.external.as_str(), at).is_some() {
                let why = "it stands in the file more than once";
                return Err(Refusal::invalid(&item.external, why));
            }
            let place = register.place(&item.external)?;
            ids.push(match place {
                Place::New if item.item.kind == Kind::Epic => {
                    OrderId::epic(take(&mut numbers.epic)?)
                }
                Place::New => OrderId::work(take(&mut numbers.work)?),
                Place::Open(order) => order.id,
                Place::Closed(closed) => closed.order.id,
            });
            places.push(place);
        }
        Ok(Batch {
            state,
            cold,
            source,
            items,
            now,
            places,
            ids,
            index,
            register,
        })
    }

    /// Returns the order that a name stands for, if it is in the file or here.
    pub(super) fn target(&self, external: &str) -> Result<Option<Target>, Refusal> {
        let (place, inside) = match self.index.get(external) {
            Some(&at) => (self.places[at], Some(at)),
            None => (self.register.place(external)?, None),
        };
        Ok(match (place, inside) {
            (Place::New, Some(at)) => Some(Target {
                id: self.ids[at],
                wait: match &self.items[at].outcome {
                    Some((outcome, _)) => outcome.wait(),
                    None => Wait::Open,
                },
                live: true,
            }),
            (Place::New, None) => None,
            (Place::Open(order), _) => Some(Target {
                id: order.id,
                wait: Wait::Open,
                live: true,
            }),
            (Place::Closed(closed), _) => Some(Target {
                id: closed.order.id,
                wait: closed.outcome.wait(),
                live: false,
            }),
        })
    }

    /// Returns whether an item that is here already has to be looked at: it changed, or what one of its edges leads to
    /// comes in only now.
    pub(super) fn touched(&self, at: usize) -> bool {
        let item = &self.items[at];
        let external = match self.places[at] {
            Place::New => return false,
            Place::Open(order) => &order.external,
            Place::Closed(closed) => &closed.order.external,
        };
        let changed = external
            .as_ref()
            .is_none_or(|external| external.digest != item.digest);
        let arrived = |name: &String| {
            let at = self.index.get(name.as_str());
            at.is_some_and(|at| matches!(self.places[*at], Place::New))
        };
        changed || (matches!(self.places[at], Place::Open(_)) && names(item).skip(1).any(arrived))
    }

    /// Returns the item as it was last read, from the record that carried it here.
    pub(super) fn base(&self, order: &Order) -> Option<ImportedItem> {
        match event(self.record(order.external.as_ref()?.base)?)? {
            Event::OrderImported { item, .. } | Event::OrderMerged { item, .. } => Some(*item),
            _ => None,
        }
    }

    /// Returns the order's description as it is now, from the record that holds it.
    pub(super) fn description(&self, order: &Order) -> Option<String> {
        match event(self.record(order.description?)?)? {
            Event::OrderImported { item, .. } => item.description,
            Event::OrderMerged { changes, .. } | Event::OrderEdited { changes, .. } => {
                changes.description
            }
            Event::OrderCreated { description, .. } => description,
            _ => None,
        }
    }

    fn record(&self, seq: Seq) -> Option<&'a Record> {
        self.cold.records.get(&seq)?.as_ref()
    }
}

/// Returns the records that a comparison with the order needs.
pub(super) fn records(order: &Order) -> impl Iterator<Item = Seq> {
    let base = order.external.as_ref().map(|external| external.base);
    base.into_iter().chain(order.description)
}

/// Returns every name in an item: its own first, then its parent's and those it waits for.
pub(super) fn names(item: &ImportItem) -> impl Iterator<Item = &String> {
    std::iter::once(&item.external)
        .chain(&item.parent)
        .chain(&item.depends_on)
}

fn event(record: &Record) -> Option<Event> {
    record.decode().ok()
}

fn take(number: &mut u32) -> Result<u32, Refusal> {
    let taken = *number;
    if taken >= MAX_NUMBER {
        return Err(Refusal::Limit {
            what: "orders".into(),
            limit: u64::from(MAX_NUMBER),
        });
    }
    *number += 1;
    Ok(taken)
}
