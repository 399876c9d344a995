//! Where a binding holds.

/// Declares the scopes: variant, name of the section.
macro_rules! scopes {
    ($($(#[$doc:meta])* $scope:ident $name:literal,)*) => {
        /// A part of the console with keys of its own. An inner scope hides an outer one's keys.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Scope { $($(#[$doc])* $scope,)* }

        impl Scope {
            /// Every scope.
            pub const ALL: &'static [Scope] = &[$(Scope::$scope,)*];

            /// Returns the name of the section in a keymap.
            pub const fn name(self) -> &'static str {
                match self { $(Scope::$scope => $name,)* }
            }
        }
    };
}

scopes! {
    /// Everywhere but where text is typed.
    Global "global",
    /// Every list of rows or cards.
    List "list",
    /// Wherever a work order is selected.
    Order "order",
    /// The overview.
    Overview "overview",
    /// The kanban board.
    Board "board",
    /// The dependency tree.
    Tree "tree",
    /// The dependency graph, which is shown in the tree's place.
    Graph "graph",
    /// The andon queue.
    Andon "andon",
    /// The agents.
    Agents "agents",
    /// What an agent's run wrote, over the whole screen.
    Log "log",
    /// The events.
    Events "events",
    /// The flow of work.
    Flow "flow",
    /// The messages.
    Messages "messages",
    /// The past, in every view.
    Past "past",
    /// The detail of an order.
    Detail "detail",
    /// A form of several fields.
    Form "form",
    /// A line of text: command, filter, palette.
    Prompt "prompt",
    /// A question before something that cannot be undone.
    Confirm "confirm",
    /// The page of keys.
    Help "help",
}

impl Scope {
    /// Returns the scope of the section `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|scope| scope.name() == name)
    }

    /// Returns the scopes that may hold beneath this one at the same time: a bare key here hides chords there.
    pub const fn over(self) -> &'static [Scope] {
        match self {
            Scope::Past => &[
                Scope::Detail,
                Scope::Overview,
                Scope::Board,
                Scope::Tree,
                Scope::Graph,
                Scope::Andon,
                Scope::Log,
                Scope::Agents,
                Scope::Events,
                Scope::Flow,
                Scope::Messages,
                Scope::Order,
                Scope::List,
                Scope::Global,
            ],
            Scope::Global | Scope::Form | Scope::Prompt | Scope::Confirm => &[],
            Scope::List => &[Scope::Global],
            Scope::Graph => &[Scope::Tree, Scope::Order, Scope::List, Scope::Global],
            Scope::Log => &[Scope::Agents, Scope::List, Scope::Global],
            Scope::Order | Scope::Help => &[Scope::List, Scope::Global],
            Scope::Detail => &[Scope::Andon, Scope::Order, Scope::List, Scope::Global],
            Scope::Overview
            | Scope::Board
            | Scope::Tree
            | Scope::Andon
            | Scope::Agents
            | Scope::Events
            | Scope::Flow
            | Scope::Messages => &[Scope::Order, Scope::List, Scope::Global],
        }
    }

    /// Returns whether plain characters are text here, so that global keys do not hold.
    pub const fn types_text(self) -> bool {
        matches!(self, Scope::Form | Scope::Prompt)
    }
}
