//! How the board is arranged: the order within its columns, and what its lanes stand for.

use std::cmp::Reverse;

use crate::{
    domain::{
        id::OrderId,
        order::{Bucket, Order, Phase},
        query::{filter::Sort as Listed, order_view::OrderView},
        state::State,
        time::Timestamp,
    },
    ui::words,
};

/// Declares a way to arrange: variant, the word that is typed, the words on screen.
macro_rules! ways {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident $word:literal $said:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every way, in the order in which they are offered.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// Returns the word by which keymaps and typed lines name it.
            pub const fn name(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// Returns what is said of it on screen.
            pub const fn said(self) -> &'static str {
                match self { $($name::$variant => $said,)* }
            }

            /// Returns the way of that name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|way| way.name() == name)
            }
        }
    };
}

ways! {
    /// The order of the cards in a column. What is done stays as it came, newest first.
    Sort {
        #[default]
        /// Queued orders as they would be pulled, those in progress by how long they stand there.
        Flow "flow" "as pulled",
        /// The most urgent first.
        Priority "priority" "by priority",
        /// The oldest first.
        Age "age" "by age",
        /// The least time until the SLA is broken first; what is promised nothing comes last.
        Sla "sla" "by SLA left",
        /// By number.
        Id "id" "by id",
    }
}

ways! {
    /// What the board's lanes stand for.
    LanesBy {
        #[default]
        /// There are none.
        None "none" "no lanes",
        /// A lane for each bucket.
        Bucket "bucket" "lanes by bucket",
        /// A lane for each epic.
        Epic "epic" "lanes by epic",
        /// A lane for each who holds orders or is meant to do them.
        Agent "agent" "lanes by agent",
        /// A lane for each priority.
        Priority "priority" "lanes by priority",
    }
}

/// A lane. They are sorted as they are compared: what belongs to nothing comes last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The whole board.
    All,
    /// A bucket.
    Bucket(Bucket),
    /// What is beneath an epic.
    Epic(OrderId),
    /// What somebody holds, or is meant to do.
    Agent(String),
    /// One priority.
    Priority(Reverse<u8>),
    /// What belongs to none of the others.
    Rest,
}

impl Sort {
    /// Returns an order's place in its column; smaller is higher. Equal ones are told apart by their number.
    pub(super) fn key(self, state: &State, order: &Order) -> [i64; 3] {
        let due = || state.due(order).unwrap_or(Timestamp::MAX).0;
        match (self, &order.phase) {
            (Sort::Flow, Phase::Queued) => Listed::Ready.key(state, order).0,
            // What stands longest comes first: that is what needs a hand.
            (Sort::Flow, Phase::InProgress(work)) => [work.since.0, 0, 0],
            (Sort::Priority, _) => [-i64::from(order.priority.get()), due(), order.created.0],
            (Sort::Age, _) => [order.created.0, 0, 0],
            (Sort::Sla, _) => [due(), -i64::from(order.priority.get()), order.created.0],
            (Sort::Id, _) => [0, 0, 0],
        }
    }
}

impl LanesBy {
    /// Returns the lane of an open order.
    pub(super) fn of(self, state: &State, order: &Order) -> Lane {
        match self {
            LanesBy::None => Lane::All,
            LanesBy::Bucket => Lane::Bucket(order.bucket),
            LanesBy::Epic => epic(state, order.parent),
            LanesBy::Agent => {
                let holder = order.work().map(|work| &work.holder.name);
                agent(holder.or(order.assignee.as_ref()))
            }
            LanesBy::Priority => Lane::Priority(Reverse(order.priority.get())),
        }
    }

    /// Returns the lane of a closed order. Who completed it is not known here: its lane is that of the assignee.
    pub(super) fn of_closed(self, state: &State, order: &OrderView) -> Lane {
        match self {
            LanesBy::None => Lane::All,
            LanesBy::Bucket => Lane::Bucket(order.bucket),
            LanesBy::Epic => epic(state, order.parent),
            LanesBy::Agent => agent(order.assignee.as_ref()),
            LanesBy::Priority => Lane::Priority(Reverse(order.priority.get())),
        }
    }
}

/// Returns the lane of the nearest epic above; one that is closed has none.
fn epic(state: &State, parent: Option<OrderId>) -> Lane {
    let mut above = parent.into_iter().flat_map(|parent| state.lineage(parent));
    let open = above.find(|id| id.is_epic() && state.order(*id).is_some());
    open.map_or(Lane::Rest, Lane::Epic)
}

fn agent(name: Option<&String>) -> Lane {
    name.map_or(Lane::Rest, |name| Lane::Agent(name.clone()))
}

impl Lane {
    /// Returns what stands at the lane's head; `by` says what the rest is the rest of.
    pub fn title(&self, by: LanesBy, state: &State) -> String {
        match self {
            Lane::All => String::new(),
            Lane::Bucket(bucket) => {
                let wip = state.counts.wip.get(bucket.index()).copied().unwrap_or(0);
                let limit = state.settings.bucket(*bucket).wip_limit;
                format!("{} {wip}/{limit} in progress", words::plain(bucket.word()))
            }
            Lane::Epic(id) => match state.order(*id) {
                Some(epic) => format!("{id} {}", epic.title),
                None => id.to_string(),
            },
            Lane::Agent(name) => name.clone(),
            Lane::Priority(Reverse(priority)) => format!("priority {priority}"),
            Lane::Rest if by == LanesBy::Epic => "no open epic".into(),
            Lane::Rest => "nobody".into(),
        }
    }
}
