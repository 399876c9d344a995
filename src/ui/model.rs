//! What the console knows and what is on its screen. Selections are ids, never rows.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use ratatui::layout::Rect;

pub use super::parts::{AlertPane, Detail, Events, List, Notice, Tree};
use super::{
    arrange::{LanesBy, Sort},
    asks::Asks,
    board::Board,
    effect::Ticket,
    errand::{Errand, Many, Undo},
    filter::Filter,
    flow::Flow,
    graph::chart::Chart,
    jumps::Jumps,
    keymap::{Key, Keymap, Scope},
    layout::{self, Parts, Screen},
    line::LineSeen,
    look::Fitting,
    mail::Mail,
    msg::Connection,
    overlay::Overlay,
    pane::Pane,
    pointer::Pointer,
    queue::Queue,
    runs::{self, Runs},
    theme::{Role, Theme},
    travel::Travel,
    wall::{self, Wall},
};
use crate::config::{Filters, Mark};
use crate::domain::{
    andon::{Alert, Severity},
    command::{Command, Role as Right},
    id::{AlertId, OrderId},
    order::Actor,
    query::why::Place,
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
    /// How work flows, and what is to be expected.
    Flow,
    /// Messages.
    Messages,
}

impl View {
    /// Every view, in the order of the tabs.
    pub const ALL: [View; 8] = [
        View::Overview,
        View::Kanban,
        View::Dependencies,
        View::Andon,
        View::Agents,
        View::Events,
        View::Flow,
        View::Messages,
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
            View::Flow => "flow",
            View::Messages => "messages",
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
            View::Flow => Scope::Flow,
            View::Messages => Scope::Messages,
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
    pub me: Actor,
    /// What this console may do; a viewer only looks.
    pub role: Right,
    /// How the engine is reached.
    pub connection: Connection,
    /// Whether the line to the terminal is slow, so that less is drawn.
    pub slow: bool,
}

/// Counts tickets up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tickets(Ticket);

impl Tickets {
    /// Returns a count that goes on after a number.
    pub const fn after(last: Ticket) -> Self {
        Tickets(last)
    }

    /// Returns the number given out last.
    pub const fn last(self) -> Ticket {
        self.0
    }

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
    /// How the ledger is marked, if it is.
    pub mark: Option<Mark>,
    /// A choice of theme that is under way.
    pub fitting: Option<Fitting>,
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
    /// The graph that can be shown in its place.
    pub graph: Chart,
    /// The epics, to choose a tree's root from.
    pub epics: List<OrderId>,
    /// The andon queue.
    pub andon: List<AlertId>,
    /// What stands in that queue, and what is marked there.
    pub queue: Queue,
    /// The pane about the alert selected there.
    pub alert: AlertPane,
    /// The agents.
    pub agents: List<String>,
    /// The runs of the selected one.
    pub runs: Runs,
    /// What the project's `obeya.toml` comes to.
    pub line: LineSeen,
    /// The events.
    pub events: Events,
    /// The pages about the flow of work.
    pub flow: Flow,
    /// The messages.
    pub mail: Mail,
    /// The detail pane, if one is open.
    pub detail: Option<Detail>,
    /// The dialog over all, if one is open.
    pub overlay: Option<Overlay>,
    /// Dialogs that came while another was open: each is shown once those before it are closed.
    pub waiting: VecDeque<Overlay>,
    /// What happened last.
    pub notice: Option<Notice>,
    /// The round of a wall, if this is one.
    pub wall: Option<Wall>,
    /// Where in time the console is.
    pub travel: Travel,
    /// Questions and answers.
    pub asks: Asks,
    /// Gives out tickets.
    pub tickets: Tickets,
    /// Commands whose outcome is awaited.
    pub submitted: Vec<Errand>,
    /// Acts on many orders whose outcomes are awaited.
    pub many: Vec<Many>,
    /// What can be taken back now.
    pub undo: Option<Undo>,
    /// Whether the time to take the last act back is over.
    pub too_late: bool,
    /// What was done last, to do it again.
    pub last: Option<Command>,
    /// The marked orders.
    pub marks: BTreeSet<OrderId>,
    /// The saved filters.
    pub filters: Filters,
    /// Where one was.
    pub jumps: Jumps,
    /// The mouse.
    pub pointer: Pointer,
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
            mark: None,
            fitting: None,
            pending: Vec::new(),
            view: View::Overview,
            focus: Focus::View,
            filter: Filter::default(),
            board: Board::default(),
            tree: Tree::default(),
            graph: Chart::default(),
            epics: List::default(),
            andon: List::default(),
            queue: Queue::default(),
            alert: AlertPane::default(),
            agents: List::default(),
            runs: Runs::default(),
            line: LineSeen::default(),
            events: Events::default(),
            flow: Flow::default(),
            mail: Mail::default(),
            detail: None,
            overlay: None,
            waiting: VecDeque::new(),
            notice: None,
            wall: None,
            travel: Travel::default(),
            asks: Asks::default(),
            tickets: Tickets::default(),
            submitted: Vec::new(),
            many: Vec::new(),
            undo: None,
            too_late: false,
            last: None,
            marks: BTreeSet::new(),
            filters: Filters::new(),
            jumps: Jumps::default(),
            pointer: Pointer::default(),
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
            past: self.travel.present.is_some() || self.travel.way.is_some(),
            band: self.worst_critical().is_some(),
            filter: !self.filtered_by().is_empty() || self.is_arranged(),
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
        let in_pane = self.focus == Focus::Detail;
        let mut scopes = Vec::new();
        if self.travel.present.is_some() {
            scopes.push(Scope::Past);
        }
        if runs::is_whole(self) {
            scopes.push(Scope::Log);
        } else if in_pane {
            scopes.push(Scope::Detail);
        }
        if !in_pane || self.detail.is_none() {
            if self.draws_graph() {
                scopes.push(Scope::Graph);
            }
            scopes.push(self.view.scope());
        }
        if self.detail.is_some() && in_pane
            || matches!(self.view, View::Kanban | View::Dependencies | View::Flow)
        {
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
        // Whoever looks at the past must not miss what is wrong now.
        let critical = self
            .present_state()
            .alerts
            .values()
            .filter(|a| a.severity == Severity::Critical);
        critical.min_by_key(|a| (a.acknowledged.is_some(), a.raised.at, a.id))
    }

    /// Returns the line as it is, whatever is on screen.
    pub fn present_state(&self) -> &Arc<State> {
        let present = self.travel.present.as_ref();
        present.map_or(&self.state, |present| &present.state)
    }

    /// Returns the time it is, whatever is on screen.
    pub fn present_now(&self) -> Timestamp {
        let present = self.travel.present.as_ref();
        present.map_or(self.now, |present| present.now)
    }

    /// Returns the pane of text that has the keys.
    pub fn pane(&mut self) -> Option<&mut Pane> {
        match (&mut self.detail, self.focus, self.view) {
            (Some(detail), Focus::Detail, _) => Some(&mut detail.pane),
            (None, Focus::Detail, View::Andon) => Some(&mut self.alert.pane),
            _ => None,
        }
    }

    /// Returns the place that the line under the cursor of the pane with the keys names.
    pub fn place(&self) -> Option<&Place> {
        match (&self.detail, self.focus, self.view) {
            (Some(detail), Focus::Detail, _) => detail.pane.place(),
            (None, Focus::Detail, View::Andon) => self.alert.pane.place(),
            _ => None,
        }
    }

    /// Returns what narrows the view on screen, as it was typed; empty if nothing does.
    pub fn filtered_by(&self) -> &str {
        match self.view {
            View::Events => &self.events.words,
            View::Andon => &self.queue.words,
            _ => self.filter.text(),
        }
    }

    /// Returns whether the view on screen lists what the filter on orders admits.
    pub fn follows_filter(&self) -> bool {
        let all = self.draws_graph() && self.tree.root.is_none();
        all || matches!(self.view, View::Kanban | View::Flow)
    }

    /// Returns whether the board is shown otherwise than it comes: marked, sorted or cut into lanes.
    pub fn is_arranged(&self) -> bool {
        let ways = (self.board.sort, self.board.by) != (Sort::Flow, LanesBy::None);
        self.view == View::Kanban && (ways || !self.marks.is_empty())
    }

    /// Returns when the console has something to do by itself, if it has before the next minute: what can be taken back
    /// now cannot be then.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        let undo = self.undo.as_ref().map(|undo| undo.until);
        let link = self.session.connection.wakes_at(self.present_now());
        let own = [undo, self.travel.wakes_at(), wall::wakes_at(self), link];
        own.into_iter().flatten().min()
    }

    /// Returns whether the dependencies are drawn as a graph.
    pub fn draws_graph(&self) -> bool {
        self.view == View::Dependencies && self.graph.shown
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
            lead: "",
            lift: Vec::new(),
            undo: String::new(),
            role,
            sticky: false,
        });
    }
}
