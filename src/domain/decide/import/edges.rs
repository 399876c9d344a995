//! Who is part of what and who waits for whom, by ids here. No edge closes a cycle.

use std::{
    cell::OnceCell,
    collections::{BTreeSet, HashMap},
};

use super::{
    PARENT_LINK, WAIT_LINK,
    batch::{Batch, Target},
    merge::{Case, base_parent, base_waits},
};
use crate::domain::{
    decide::{
        Draft,
        validate::{MAX_EDGES, MAX_LINKS},
    },
    event::{Changes, Event, Parent},
    graph::Graph,
    id::OrderId,
    import_report::{Note, NoteKind},
    order::{Dependency, Link, Wait},
    refusal::Refusal,
};

/// The most edges of one file that may be refused for a cycle: each costs a search for the path to show, and a file
/// with more of them is not a backlog.
pub(super) const MAX_CYCLES: usize = 1_000;

/// How many orders of a cycle a note names.
const SHOWN: usize = 12;

/// The edges of one item, made.
#[derive(Default)]
pub(super) struct Bonds {
    /// What it is part of.
    pub(super) parent: Option<OrderId>,
    /// What it waits for, sorted.
    pub(super) depends_on: Vec<Dependency>,
    /// The item's relations, with the edges that could not be made.
    pub(super) links: Vec<Link>,
}

/// Makes edges one after another, each checked against all before it.
pub(super) struct Weaver<'b, 'a> {
    batch: &'b Batch<'a>,
    /// Orders that this import closes: nothing becomes a part of them.
    closing: &'b BTreeSet<OrderId>,
    graph: Graph,
    /// Edges that stand for two relations, parent and dependency: one that goes leaves the other.
    doubled: BTreeSet<(OrderId, OrderId)>,
    children: HashMap<OrderId, usize>,
    names: OnceCell<HashMap<OrderId, &'a str>>,
    cycles: usize,
    /// The edges of open orders as events, in the order in which they were checked.
    pub(super) drafts: Vec<Draft>,
    /// What could not be made.
    pub(super) notes: Vec<Note>,
}

impl<'b, 'a> Weaver<'b, 'a> {
    pub(super) fn new(batch: &'b Batch<'a>, closing: &'b BTreeSet<OrderId>) -> Self {
        Weaver {
            batch,
            closing,
            graph: batch.state.graph().clone(),
            doubled: BTreeSet::new(),
            children: HashMap::new(),
            names: OnceCell::new(),
            cycles: 0,
            drafts: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Makes the edges of an item that is new here. Those of an open one become events, those of a closed one stand in
    /// its folded form.
    pub(super) fn arrive(&mut self, at: usize) -> Result<Bonds, Refusal> {
        let (item, id) = (&self.batch.items[at], self.batch.ids[at]);
        let open = item.outcome.is_none();
        let mut links = item.item.links.clone();
        let mut bonds = Bonds::default();
        if let Some(name) = &item.parent
            && let Some(parent) = self.parent(at, name, open, &mut links)?
            && self.bind(at, parent.id, id, parent.live, "part")?
        {
            bonds.parent = Some(parent.id);
            if open {
                self.set_parent(id, Parent::Of(parent.id));
            }
        }
        for name in &item.depends_on {
            let Some(on) = self.wait(at, name, &mut links)? else {
                continue;
            };
            let known = |wait: &Dependency| wait.on == on.id;
            if bonds.depends_on.iter().any(known) || self.full(at, bonds.depends_on.len()) {
                continue;
            }
            if self.bind(at, id, on.id, on.live, "wait")? {
                bonds.depends_on.push(Dependency {
                    on: on.id,
                    state: on.wait,
                });
                if open {
                    self.add_wait(id, on);
                }
            }
        }
        bonds.depends_on.sort_by_key(|wait| wait.on);
        bonds.links = links;
        Ok(bonds)
    }

    /// Takes out the dependencies that are gone there, before any edge is added.
    pub(super) fn cut(&mut self, case: &Case<'_>) -> Result<(), Refusal> {
        let mut theirs = BTreeSet::new();
        for name in &self.batch.items[case.at].depends_on {
            theirs.extend(self.batch.target(name)?.map(|target| target.id));
        }
        let id = case.order.id;
        for on in base_waits(&case.base) {
            let ours = case.order.depends_on.iter().any(|wait| wait.on == on);
            if ours && !theirs.contains(&on) {
                if !case.order.children.contains(&on) {
                    self.graph.remove_edge(id, on);
                }
                self.drafts.push(Event::DependencyRemoved { id, on }.into());
            }
        }
        Ok(())
    }

    /// Makes the edges that are new there of an order that is here. What it returns is the next base.
    pub(super) fn merge(&mut self, case: &Case<'_>) -> Result<Bonds, Refusal> {
        let item = &self.batch.items[case.at];
        let (at, id) = (case.at, case.order.id);
        let mut links = item.item.links.clone();
        let mut bonds = Bonds {
            parent: base_parent(&case.base),
            ..Bonds::default()
        };
        let theirs = match &item.parent {
            Some(name) => self.parent(at, name, true, &mut links)?,
            None => None,
        };
        let (base, ours) = (bonds.parent, case.order.parent);
        match theirs.map(|parent| parent.id) {
            theirs if theirs == base => {}
            theirs if theirs == ours => bonds.parent = theirs,
            theirs if ours != base => {
                bonds.parent = theirs;
                self.note(at, NoteKind::Kept, "parent");
            }
            None => {
                bonds.parent = None;
                if let Some(was) = ours {
                    self.part(was, id);
                    self.set_parent(id, Parent::None);
                }
            }
            Some(parent) => {
                let was = ours.filter(|was| self.part(*was, id));
                if self.bind(at, parent, id, true, "part")? {
                    bonds.parent = Some(parent);
                    self.set_parent(id, Parent::Of(parent));
                } else if let Some(was) = was {
                    self.graph.insert_edge(was, id);
                }
            }
        }
        let base = base_waits(&case.base);
        for name in &item.depends_on {
            let Some(on) = self.wait(at, name, &mut links)? else {
                continue;
            };
            if bonds.depends_on.iter().any(|wait| wait.on == on.id) {
                continue;
            }
            let ours = case.order.depends_on.iter().any(|wait| wait.on == on.id);
            let made = ours || base.contains(&on.id) || {
                let many = case.order.depends_on.len() + bonds.depends_on.len();
                !self.full(at, many) && self.bind(at, id, on.id, on.live, "wait")? && {
                    self.add_wait(id, on);
                    true
                }
            };
            if made {
                bonds.depends_on.push(Dependency {
                    on: on.id,
                    state: on.wait,
                });
            }
        }
        bonds.depends_on.sort_by_key(|wait| wait.on);
        bonds.links = links;
        Ok(bonds)
    }

    /// Finds the parent of an item. One that cannot be a parent becomes a link.
    fn parent(
        &mut self,
        at: usize,
        name: &str,
        open: bool,
        links: &mut Vec<Link>,
    ) -> Result<Option<Target>, Refusal> {
        let Some(parent) = self.batch.target(name)? else {
            self.note(at, NoteKind::UnknownTarget, format!("part of {name}"));
            self.link(at, PARENT_LINK, name, links);
            return Ok(None);
        };
        if !open {
            return Ok(Some(parent));
        }
        if parent.wait != Wait::Open || self.closing.contains(&parent.id) {
            self.note(at, NoteKind::ClosedParent, format!("part of {name}"));
            self.link(at, PARENT_LINK, name, links);
            return Ok(None);
        }
        let here = self.batch.state.order(parent.id);
        let children = self
            .children
            .entry(parent.id)
            .or_insert_with(|| here.map_or(0, |order| order.children.len()));
        if *children >= MAX_EDGES {
            let why = format!("{name} has {MAX_EDGES} open children already; kept as a link");
            self.note(at, NoteKind::Limit, why);
            self.link(at, PARENT_LINK, name, links);
            return Ok(None);
        }
        *children += 1;
        Ok(Some(parent))
    }

    /// Finds what an item waits for. What is not here becomes a link.
    fn wait(
        &mut self,
        at: usize,
        name: &str,
        links: &mut Vec<Link>,
    ) -> Result<Option<Target>, Refusal> {
        let target = self.batch.target(name)?;
        if target.is_none() {
            self.note(at, NoteKind::UnknownTarget, format!("waits for {name}"));
            self.link(at, WAIT_LINK, name, links);
        }
        Ok(target)
    }

    fn full(&mut self, at: usize, waits: usize) -> bool {
        let full = waits >= MAX_EDGES;
        if full {
            let why = format!("it waits for more than {MAX_EDGES}");
            self.note(at, NoteKind::Limit, why);
        }
        full
    }

    /// Lets `after` wait for `before` if that closes no cycle, and returns whether it did.
    /// An order that is closed here cannot take part in one; reopening it checks anew.
    fn bind(
        &mut self,
        at: usize,
        after: OrderId,
        before: OrderId,
        live: bool,
        edge: &str,
    ) -> Result<bool, Refusal> {
        if !live {
            return Ok(true);
        }
        let Some(path) = self.graph.cycle(after, before) else {
            if !self.graph.insert_edge(after, before) {
                self.doubled.insert((after, before));
            }
            return Ok(true);
        };
        self.cycles += 1;
        if self.cycles > MAX_CYCLES {
            return Err(Refusal::Limit {
                what: "edges in one file that would close a cycle".into(),
                limit: MAX_CYCLES as u64,
            });
        }
        let mut steps: Vec<_> = path.iter().take(SHOWN).map(|id| self.name(*id)).collect();
        if path.len() > SHOWN {
            steps.push(format!("{} more", path.len() - SHOWN));
        }
        let (chain, whole) = (steps.join(" after "), self.name(after));
        let text = match edge {
            "part" => format!("part of {whole}: {chain}"),
            _ => format!("waits for {}: {chain}", self.name(before)),
        };
        self.note(at, NoteKind::Cycle, text);
        Ok(false)
    }

    /// Takes a child from its parent and returns whether an edge went: not where the parent waits for the child as well.
    fn part(&mut self, parent: OrderId, child: OrderId) -> bool {
        let order = self.batch.state.order(parent);
        let waits = order.is_some_and(|order| order.depends_on.iter().any(|d| d.on == child));
        !waits && !self.doubled.contains(&(parent, child)) && self.graph.remove_edge(parent, child)
    }

    fn name(&self, id: OrderId) -> String {
        let names = self.names.get_or_init(|| {
            let items = self.batch.items.iter().map(|item| item.external.as_str());
            self.batch.ids.iter().copied().zip(items).collect()
        });
        names
            .get(&id)
            .map_or_else(|| id.to_string(), |name| (*name).to_owned())
    }

    fn set_parent(&mut self, id: OrderId, parent: Parent) {
        let changes = Changes {
            parent: Some(parent),
            ..Changes::default()
        };
        self.drafts.push(
            Event::OrderEdited {
                id,
                changes: Box::new(changes),
            }
            .into(),
        );
    }

    fn add_wait(&mut self, id: OrderId, on: Target) {
        self.drafts.push(
            Event::DependencyAdded {
                id,
                on: on.id,
                state: on.wait,
            }
            .into(),
        );
    }

    fn link(&mut self, at: usize, kind: &str, target: &str, links: &mut Vec<Link>) {
        let link = Link {
            kind: kind.into(),
            target: target.into(),
        };
        match links.binary_search(&link) {
            Ok(_) => {}
            Err(_) if links.len() >= MAX_LINKS => {
                let why = format!("more than {MAX_LINKS} links; {kind} {target} is not kept");
                self.note(at, NoteKind::Limit, why);
            }
            Err(place) => links.insert(place, link),
        }
    }

    fn note(&mut self, at: usize, kind: NoteKind, text: impl Into<String>) {
        let external = &self.batch.items[at].external;
        self.notes.push(Note::new(kind, external, text));
    }
}
