//! What the console knows and what is on its screen. Selections are ids, never rows.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use ratatui::layout::Rect;

use super::{
    asks::Asks,
    board::Board,
    effect::Ticket,
    filter::Filter,
    keymap::{Key, Keymap, Scope},
    layout::{self, Parts, Screen},
    msg::Connection,
    overlay::{Overlay, form::Form},
    theme::{Role, Theme},
    widget::{window_list::Window, wrapped_text::WrappedText},
};
use crate::domain::{
    andon::{Alert, Severity},
    command::Role as Right,
    id::{AlertId, OrderId},
    query::{agents::roster, deps::Direction, events::Entry},
    record::Seq,
    state::State,
    time::{MINUTE, Timestamp},
};

/// How many events are kept; older ones are on the ledger.
pub const EVENTS_KEPT: usize = 2_000;

/// A view of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The line at a glance.
    Overview,
    /// The board.
    Kanban,
    /// One order's dependencies.
    Dependencies,
    /// Open alerts.
    Andon,
    /// Registered agents.
    Agents,
    /// What happens.
    Events,
}

impl View {
    /// Every view, in the order of the tabs.
    pub const ALL: [View; 6] = [
        View::Overview,
        View::Kanban,
        View::Dependencies,
        View::Andon,
        View::Agents,
        View::Events,
    ];

    /// Returns the word by which keymaps name it.
    pub const fn name(self) -> &'static str {
        match self {
            View::Overview => "overview",
            View::Kanban => "kanban",
            View::Dependencies => "dependencies",
            View::Andon => "andon",
            View::Agents => "agents",
            View::Events => "events",
        }
    }

    /// Returns the view of that name.
    pub fn named(name: &str) -> Option<View> {
        View::ALL.into_iter().find(|view| view.name() == name)
    }

    /// Returns the view `steps` further along the tabs, around the end.
    pub fn beside(self, steps: usize) -> View {
        View::ALL[(self as usize + steps) % View::ALL.len()]
    }

    const fn scope(self) -> Scope {
        match self {
            View::Overview => Scope::Overview,
            View::Kanban => Scope::Board,
            View::Dependencies => Scope::Tree,
            View::Andon => Scope::Andon,
            View::Agents => Scope::Agents,
            View::Events => Scope::Events,
        }
    }
}

/// What has the keys when no dialog has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// The view.
    View,
    /// The detail pane.
    Detail,
}

/// Whose console this is, and over which ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The ledger's name, always on screen.
    pub ledger: String,
    /// Who acts.
    pub me: String,
    /// What this console may do; a viewer only looks.
    pub role: Right,
    /// How the engine is reached.
    pub connection: Connection,
}

/// A list with a selected id.
#[derive(Clone, Debug)]
pub struct List<Id> {
    /// The selected one.
    pub selected: Option<Id>,
    /// Where the list is scrolled to.
    pub window: Window,
    row: usize,
}

impl<Id> Default for List<Id> {
    fn default() -> Self {
        List {
            selected: None,
            window: Window::default(),
            row: 0,
        }
    }
}

impl<Id: Clone + PartialEq> List<Id> {
    /// Keeps the selection on its id; if that is gone, on what stands in its place now.
    pub fn settle(&mut self, ids: &[Id], shown: usize) {
        let found = self
            .selected
            .as_ref()
            .and_then(|id| ids.iter().position(|i| i == id));
        self.row = found.unwrap_or(self.row).min(ids.len().saturating_sub(1));
        self.selected = ids.get(self.row).cloned();
        self.window.follow(self.row, ids.len(), shown);
    }

    /// Moves the selection by rows.
    pub fn step(&mut self, ids: &[Id], rows: isize) {
        self.row = self
            .row
            .saturating_add_signed(rows)
            .min(ids.len().saturating_sub(1));
        self.selected = ids.get(self.row).cloned();
    }
}

/// The dependency tree on screen.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The order it begins with.
    pub root: Option<OrderId>,
    /// The roots before this one, to go back to.
    pub trail: Vec<OrderId>,
    /// Which way it looks.
    pub direction: Direction,
    /// The orders whose branches are hidden.
    pub folded: BTreeSet<OrderId>,
    /// The rows of the answer that folding leaves, by their place in it.
    pub visible: Vec<usize>,
    /// The selected row: an order, and which of its rows.
    pub list: List<(OrderId, usize)>,
    /// The visible rows' ids, in their order.
    pub ids: Vec<(OrderId, usize)>,
}

/// The detail pane.
#[derive(Clone, Debug)]
pub struct Detail {
    /// The order shown.
    pub id: OrderId,
    /// Its text, wrapped.
    pub text: WrappedText,
    /// The paragraphs at which sections begin, with their words.
    pub sections: Vec<(usize, &'static str)>,
    /// The first line shown.
    pub scroll: usize,
    /// The section to scroll to once the text is there.
    pub seek: Option<&'static str>,
    /// What the text was made of: which answer, the state's head and the minute, the width.
    pub made_of: Option<(u64, (Seq, i64), u16)>,
}

impl Detail {
    /// Returns the pane for an order, empty until its text is made.
    pub fn new(id: OrderId) -> Self {
        Detail {
            id,
            text: WrappedText::default(),
            sections: Vec::new(),
            scroll: 0,
            seek: None,
            made_of: None,
        }
    }
}

/// The events, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// The newest of them.
    pub entries: VecDeque<Entry>,
    /// The selected one; None follows the newest.
    pub list: List<Seq>,
    /// When paused: how many arrived since.
    pub paused: Option<usize>,
    /// The last one shown while paused.
    pub held_at: Seq,
}

/// What happened last, said once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What happened.
    pub text: String,
    /// What would lift it, if it was refused.
    pub lift: Vec<String>,
    /// How it looks.
    pub role: Role,
    /// Whether it stays until it is closed.
    pub sticky: bool,
}

/// What an outstanding command was about.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The command's ticket.
    pub ticket: Ticket,
    /// The form it came from, to give back if the command is refused.
    pub form: Option<Box<Form>>,
}

/// Counts tickets up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tickets(Ticket);

impl Tickets {
    /// Returns a number that was not given out before.
    pub fn issue(&mut self) -> Ticket {
        self.0 += 1;
        self.0
    }
}

/// Everything.
#[derive(Debug)]
pub struct Model {
    /// Whose console this is.
    pub session: Session,
    /// The line as last published.
    pub state: Arc<State>,
    /// The time of the last message that carried one.
    pub now: Timestamp,
    /// The terminal's size: columns, rows.
    pub size: (u16, u16),
    /// How meanings look.
    pub theme: Theme,
    /// What keys do.
    pub keymap: Keymap,
    /// The keys of an unfinished chord.
    pub pending: Vec<Key>,
    /// The view on screen.
    pub view: View,
    /// What has the keys.
    pub focus: Focus,
    /// What the lists are narrowed to.
    pub filter: Filter,
    /// The board.
    pub board: Board,
    /// The dependency tree.
    pub tree: Tree,
    /// The andon queue.
    pub andon: List<AlertId>,
    /// The agents.
    pub agents: List<String>,
    /// The events.
    pub events: Events,
    /// The detail pane, if one is open.
    pub detail: Option<Detail>,
    /// The dialog over all, if one is open.
    pub overlay: Option<Overlay>,
    /// What happened last.
    pub notice: Option<Notice>,
    /// Questions and answers.
    pub asks: Asks,
    /// Gives out tickets.
    pub tickets: Tickets,
    /// Commands whose outcome is awaited.
    pub submitted: Vec<Pending>,
    /// The lines typed so far, oldest first.
    pub history: Vec<String>,
    /// What the board was last built from: head, minute, filter, answer.
    pub(super) board_of: Option<(Seq, i64, String, u64)>,
}

impl Model {
    /// Returns the console as it opens.
    pub fn new(session: Session, theme: Theme, keymap: Keymap, size: (u16, u16)) -> Self {
        Model {
            session,
            state: Arc::default(),
            now: Timestamp::default(),
            size,
            theme,
            keymap,
            pending: Vec::new(),
            view: View::Overview,
            focus: Focus::View,
            filter: Filter::default(),
            board: Board::default(),
            tree: Tree::default(),
            andon: List::default(),
            agents: List::default(),
            events: Events::default(),
            detail: None,
            overlay: None,
            notice: None,
            asks: Asks::default(),
            tickets: Tickets::default(),
            submitted: Vec::new(),
            history: Vec::new(),
            board_of: None,
        }
    }

    /// Returns the whole screen.
    pub fn area(&self) -> Rect {
        Rect::new(0, 0, self.size.0, self.size.1)
    }

    /// Returns where the parts of the screen are.
    pub fn screen(&self) -> Screen {
        let notice = self.notice.as_ref();
        let parts = Parts {
            band: self.worst_critical().is_some(),
            filter: !self.filter.text().is_empty(),
            detail: self.detail.is_some(),
            notice: notice.map_or(0, |n| u16::try_from(1 + n.lift.len()).unwrap_or(1)),
        };
        layout::screen(self.area(), parts)
    }

    /// Returns where keys hold now, the innermost first.
    pub fn scopes(&self) -> Vec<Scope> {
        if let Some(overlay) = &self.overlay {
            return overlay.scopes().to_vec();
        }
        let mut scopes = vec![self.view.scope()];
        if self.focus == Focus::Detail {
            scopes = vec![Scope::Detail];
        }
        if self.focus == Focus::Detail || matches!(self.view, View::Kanban | View::Dependencies) {
            scopes.push(Scope::Order);
        }
        scopes.extend([Scope::List, Scope::Global]);
        scopes
    }

    /// Returns the open alerts, worst first, then oldest.
    pub fn alerts(&self) -> Vec<&Arc<Alert>> {
        let mut alerts: Vec<_> = self.state.alerts.values().collect();
        alerts.sort_by_key(|a| (std::cmp::Reverse(a.severity), a.raised.at, a.id));
        alerts
    }

    /// Returns the critical alert to show across every view: the oldest that nobody took notice of, else the oldest.
    pub fn worst_critical(&self) -> Option<&Arc<Alert>> {
        let critical = self
            .state
            .alerts
            .values()
            .filter(|a| a.severity == Severity::Critical);
        critical.min_by_key(|a| (a.acknowledged.is_some(), a.raised.at, a.id))
    }

    /// Returns the order that acts would be about.
    pub fn selected_order(&self) -> Option<OrderId> {
        match (&self.detail, self.focus, self.view) {
            (Some(detail), Focus::Detail, _) => Some(detail.id),
            (_, _, View::Kanban) => self.board.selected,
            (_, _, View::Dependencies) => self.tree.list.selected.map(|(id, _)| id),
            (_, _, View::Events) => self.selected_event()?.subject.parse().ok(),
            (_, _, View::Agents) => {
                let name = self.agents.selected.as_deref()?;
                let known = roster(&self.state);
                let agent = known.iter().find(|agent| agent.name == name)?;
                agent.holds.first().copied()
            }
            (_, _, View::Andon) => self.state.alert(self.andon.selected?)?.order,
            _ => None,
        }
    }

    /// Returns the alert that acts would be about.
    pub fn selected_alert(&self) -> Option<AlertId> {
        self.andon
            .selected
            .filter(|id| self.view == View::Andon && self.state.alerts.contains_key(id))
    }

    /// Returns the agent that acts would be about.
    pub fn selected_agent(&self) -> Option<&str> {
        self.agents
            .selected
            .as_deref()
            .filter(|_| self.view == View::Agents)
    }

    /// Returns the event under the cursor.
    pub fn selected_event(&self) -> Option<&Entry> {
        let seq = self.events.list.selected?;
        let at = self
            .events
            .entries
            .binary_search_by_key(&seq, |e| e.seq)
            .ok()?;
        self.events.entries.get(at)
    }

    /// Returns whether something is selected that can be opened or copied.
    pub fn selects_anything(&self) -> bool {
        self.selected_order().is_some()
            || self.selected_alert().is_some()
            || self.selected_agent().is_some()
            || (self.view == View::Events && self.selected_event().is_some())
    }

    /// Returns whether this console only observes.
    pub fn observes(&self) -> bool {
        self.session.role == Right::Viewer
    }

    /// Returns whether there is a ledger with nothing on it yet.
    pub fn is_empty(&self) -> bool {
        self.state.head.seq > 0
            && self.state.open_count() == 0
            && self.state.counts.completed + self.state.counts.cancelled == 0
    }

    /// Returns the minute, by which ages are shown.
    pub fn minute(&self) -> i64 {
        self.now.0.div_euclid(MINUTE)
    }

    /// Says something at the bottom of the screen.
    pub fn say(&mut self, text: impl Into<String>, role: Role) {
        self.notice = Some(Notice {
            text: text.into(),
            lift: Vec::new(),
            role,
            sticky: false,
        });
    }
}
