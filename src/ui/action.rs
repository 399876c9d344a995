//! The table of actions: keys, hints, help and the palette all come from it.

use super::{
    arrange::{LanesBy, Sort},
    graph::{Way, export::Export},
    keymap::Scope,
    mail::selected_letter,
    model::{Focus, Model, View},
    msg::Connection,
    queue::{self, GroupBy},
    runs,
};
use crate::domain::{
    command::Role,
    gate::Exit,
    order::{Phase, Wait},
    record::ActorKind,
    refusal::Refusal,
};

/// What an action can do to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Danger {
    /// Nothing: it looks, or changes the screen.
    None,
    /// It submits a command that another one makes good again.
    Act,
    /// It submits a command that stops or throws something away, and asks first.
    Asks,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident $name:literal $short:literal $scope:ident $danger:ident $about:literal,)*) => {
        /// Something a key, the palette or a typed line can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action { $(#[doc = $about] $action,)* }

        impl Action {
            /// Every action, in the order of the help.
            pub const ALL: &'static [Action] = &[$(Action::$action,)*];

            /// Returns the word by which keymaps run it.
            pub const fn name(self) -> &'static str {
                match self { $(Action::$action => $name,)* }
            }

            /// Returns the word in the line of hints.
            pub const fn short(self) -> &'static str {
                match self { $(Action::$action => $short,)* }
            }

            /// Returns where it belongs.
            pub const fn scope(self) -> Scope {
                match self { $(Action::$action => Scope::$scope,)* }
            }

            /// Returns what it can do to the line.
            pub const fn danger(self) -> Danger {
                match self { $(Action::$action => Danger::$danger,)* }
            }

            /// Returns what it does, in one line.
            pub const fn about(self) -> &'static str {
                match self { $(Action::$action => $about,)* }
            }
        }
    };
}

actions! {
    Earlier "earlier" "earlier" Global None "Show the line as it stood a command earlier",
    Later "later" "later" Global None "Show the line as it stood a command later",
    At "at" "at" Global None "Show the line as it stood at a moment: at 14:02, at -2h",
    Now "now" "now" Past None "Back to the present",
    Play "play" "play" Past None "Play the past, or stop it",
    Faster "faster" "faster" Past None "Play faster",
    Slower "slower" "slower" Past None "Play slower",
    Quit "quit" "quit" Global None "Leave the console",
    Help "help" "help" Global None "Show the keys of this view",
    Command "command" "command" Global None "Type a command in the words of the command line",
    Filter "filter" "filter" Global None "Filter what is shown",
    Palette "palette" "find" Global None "Find an order or an action",
    View "view" "view" Global None "Go to a view",
    JumpBack "jump-back" "back to" Global None "Go back to where you were",
    JumpForward "jump-forward" "forward" Global None "Go forward again",
    Back "back" "back" Global None "Close, go back, or clear the filter",
    PullNext "next" "pull next" Global Act "Pull the readiest order",
    Create "create" "new" Global Act "Create a work order",
    Andon "andon" "andon" Global Asks "Pull the andon cord, after seeing what would stop",
    Undo "undo" "undo" Global Act "Take the last act back, within ten seconds",
    Repeat "repeat" "repeat" Global Act "Do the last act again, with the selected order or the marked ones",
    Redraw "redraw" "redraw" Global None "Draw the screen anew",
    Record "record" "record" Global None "Write what the console heard last to a file, to be replayed",
    Themes "themes" "themes" Global None "Choose a theme, and see each as you go",
    Reload "reload" "reload" Global None "Read your themes, keys and settings anew",
    Mouse "mouse" "mouse" Global None "Switch the mouse on or off",
    Suspend "suspend" "suspend" Global None "Suspend to the shell",
    Notify "notify" "notify" Global None "Call as a critical alert does, to see that it is heard: notify test",
    Handover "handover" "handover" Global None "Show the shift handover",
    Down "down" "down" List None "Down",
    Up "up" "up" List None "Up",
    Left "left" "left" List None "Left",
    Right "right" "right" List None "Right",
    Top "top" "top" List None "To the first",
    Bottom "bottom" "bottom" List None "To the last",
    HalfPageDown "half-page-down" "down" List None "Half a page down",
    HalfPageUp "half-page-up" "up" List None "Half a page up",
    PageDown "page-down" "down" List None "A page down",
    PageUp "page-up" "up" List None "A page up",
    Open "open" "open" List None "Open what is selected",
    Copy "copy" "copy id" List None "Copy the id",
    Start "start" "start" Order Act "Start the order",
    Forward "forward" "stage on" Order Act "Move the order to the next stage",
    Backward "backward" "stage back" Order Act "Move the order to the stage before",
    Complete "complete" "complete" Order Act "Complete the order",
    Cancel "cancel" "cancel" Order Asks "Cancel the order, with a reason",
    Reopen "reopen" "reopen" Order Act "Reopen the closed order",
    Release "release" "release" Order Act "Release the order back to the queue",
    Edit "edit" "edit" Order Act "Edit the order",
    Comment "comment" "comment" Order Act "Add a comment",
    Priority "priority" "priority" Order Act "Set the priority",
    Bucket "bucket" "bucket" Order Act "Set the bucket",
    Depend "depend" "wait for" Order Act "Make the order wait for another",
    Undepend "undepend" "wait less" Order Act "Remove a dependency",
    Gate "gate" "gate" Order Act "Run a quality gate on the order, or approve the order at one",
    Why "why" "why" Order None "Show why the order is not moving",
    Tree "tree" "tree" Order None "Show the order's dependencies",
    Mark "mark" "mark" Board None "Mark the selected order or alert, to act on several at once",
    Sort "sort" "sort" Board None "Sort the cards",
    Lanes "lanes" "lanes" Board None "Cut the board into lanes",
    Fold "fold" "fold" Tree None "Fold or unfold",
    FoldAll "fold-all" "fold all" Tree None "Fold everything",
    UnfoldAll "unfold-all" "unfold" Tree None "Unfold everything",
    Flip "flip" "other way" Tree None "Look the other way: what it waits for, or what waits for it",
    Graph "graph" "graph/tree" Tree None "Draw the dependencies as a graph or as a tree; graph mermaid or dot copies it, with a FILE behind writes it",
    Pan "pan" "pan" Graph None "Move the window over the graph: pan left, right, up or down",
    Zoom "zoom" "zoom" Graph None "Draw each order as a box or as one line",
    Closed "closed" "closed" Graph None "Show the closed orders, or leave them out",
    Acknowledge "acknowledge" "ack" Andon Act "Acknowledge the alert",
    Snooze "snooze" "snooze" Andon Act "Snooze the alert; what it holds stays held",
    Resolve "resolve" "resolve" Andon Act "Resolve the alert and free what it holds",
    Take "take" "take" Andon Act "Take the fix: the order that mends the alert is made, if there is none, and started",
    Escalate "escalate" "escalate" Andon Act "Make the alert one severity worse",
    Stopped "stopped" "stopped" Andon None "Open the work that the alert stops",
    Correct "correct" "correct" Andon Act "Create an order that mends the alert",
    Group "group" "group" Global None "Put the alerts of a storm together: by condition, scope or raiser",
    Resolved "resolved" "resolved too" Global None "Show the resolved alerts behind the open ones, or not",
    Follow "follow" "follow" Log None "Follow the newest run's output again",
    SearchNext "search-next" "next found" Log None "To the next line that was found",
    SearchPrevious "search-previous" "found before" Log None "To the found line before",
    Slide "slide" "long lines" Log None "Show more of long lines: slide right or left",
    PauseAgent "pause-agent" "pause agent" Agents Act "Pause the agent, or let it pull again",
    SpawnAgent "spawn-agent" "spawn" Agents Act "Let the agent run that was stopped or parked",
    StopAgent "stop-agent" "stop" Agents Asks "End what the agent runs, until it is spawned",
    ScaleAgent "scale-agent" "scale" Agents Act "Run the agent so many times at once",
    AgentsOrder "agents-order" "its order" Agents None "Open the order that the agent works on",
    Requeue "requeue" "requeue" Messages Act "Put the dead letter back to whom it was meant for",
    Purge "purge" "purge" Messages Act "Throw the dead letter away",
    Pause "pause" "pause" Events None "Hold the list still while events arrive",
    Accept "accept" "do it" Prompt None "Do it",
    CompleteWord "complete-word" "complete" Prompt None "Complete the word",
    Field "field" "field" Form None "Go to another field",
    Yes "yes" "yes" Confirm None "Yes",
    No "no" "no" Confirm None "No",
}

impl Action {
    /// Returns the action and its argument that a keymap's `run` or a typed line names.
    pub fn parse(run: &str) -> Option<(Action, &str)> {
        let (name, argument) = run.trim().split_once(' ').unwrap_or((run.trim(), ""));
        let action = Action::ALL.iter().copied().find(|a| a.name() == name)?;
        let argument = argument.trim();
        let fine = match action {
            Action::View => {
                matches!(argument, "next" | "previous") || View::named(argument).is_some()
            }
            Action::At => argument.len() <= 40,
            Action::Notify => argument == "test",
            Action::Graph => Export::parse(argument).is_some(),
            Action::Pan => Way::named(argument).is_some(),
            Action::Slide => matches!(argument, "left" | "right"),
            Action::Field => matches!(argument, "next" | "previous"),
            Action::Sort => Sort::named(argument).is_some(),
            Action::Lanes => LanesBy::named(argument).is_some(),
            Action::Mark => {
                matches!(argument, "" | "next" | "all" | "column" | "none")
                    || matches!(argument, "condition" | "scope")
            }
            Action::Group => argument == "next" || GroupBy::named(argument).is_some(),
            Action::Filter => {
                let words: Vec<&str> = argument.split_whitespace().collect();
                matches!(words.as_slice(), [] | [_] | ["save" | "forget", _])
            }
            _ => argument.is_empty(),
        };
        fine.then_some((action, argument))
    }

    /// Returns whether it makes sense to type its name: what moves within a list or a dialog is done by keys.
    pub fn is_typed(self) -> bool {
        !matches!(
            self.scope(),
            Scope::List | Scope::Prompt | Scope::Form | Scope::Confirm
        ) && self != Action::Command
    }

    /// Returns whether a keymap may name this; for the keymap's loader.
    pub fn is_known(run: &str) -> bool {
        Action::parse(run).is_some()
    }

    /// Returns whether the action would do anything now, or why it would not.
    pub fn available(self, model: &Model) -> Result<(), String> {
        if self.danger() != Danger::None {
            may_act(model)?;
        }
        match self.scope() {
            // What is marked is judged one by one, and all of it is said.
            Scope::Order if model.acts_on_marks() => Ok(()),
            Scope::Order => self.fits_order(model),
            Scope::Past if model.travel.present.is_none() => Err("this is the present".into()),
            Scope::Board if self == Action::Mark && model.view == View::Andon => Ok(()),
            Scope::Board if model.view != View::Kanban => Err("it is about the board".into()),
            Scope::Andon if queue::chosen(model).is_empty() => Err(match model.shown_alert() {
                Some(id) => format!("{id} is resolved"),
                None => "no alert is selected".into(),
            }),
            Scope::Graph if !model.draws_graph() => Err("the graph is not shown".into()),
            Scope::Tree if self == Action::Graph => self.fits_graph(model),
            Scope::Tree if model.draws_graph() => Ok(()),
            Scope::Tree if model.tree.root.is_none() => Err("no root is chosen yet".into()),
            Scope::Agents | Scope::Log if model.selected_agent().is_none() => {
                Err("no agent is selected".into())
            }
            Scope::Agents if self == Action::AgentsOrder && model.selected_order().is_none() => {
                Err("the agent holds no order".into())
            }
            Scope::Log => match runs::blind(model) {
                Some(why) => Err(why.into()),
                None => Ok(()),
            },
            Scope::Messages if selected_letter(model).is_none() => {
                Err("no dead letter is selected".into())
            }
            _ => match self {
                Action::Group | Action::Resolved if model.view != View::Andon => {
                    Err("it is about the andon queue".into())
                }
                Action::Undo if model.too_late => Err("the ten seconds are over".into()),
                Action::Undo if model.undo.is_none() => Err("there is nothing to take back".into()),
                Action::Repeat if model.last.is_none() => Err("nothing was done yet".into()),
                Action::JumpBack | Action::JumpForward
                    if !model.jumps.leads(self == Action::JumpBack) =>
                {
                    Err("there is nowhere to go".into())
                }
                Action::Copy | Action::Open if !model.selects_anything() => {
                    Err("nothing is selected".into())
                }
                _ => Ok(()),
            },
        }
    }

    fn fits_graph(self, model: &Model) -> Result<(), String> {
        match model.view {
            View::Dependencies => Ok(()),
            _ => Err("it is about the dependencies".into()),
        }
    }

    fn fits_order(self, model: &Model) -> Result<(), String> {
        let id = model.selected_order().ok_or("no order is selected")?;
        let Some(order) = model.state.order(id) else {
            return match self {
                Action::Reopen | Action::Comment | Action::Tree => Ok(()),
                _ => Err(format!("{id} is closed; reopen it first")),
            };
        };
        let started = matches!(order.phase, Phase::InProgress(_));
        let fits = match self {
            Action::Reopen => Err(format!("{id} is open")),
            Action::Start if order.is_epic() => Err("an epic is done when its children are".into()),
            Action::Start if started => Err(format!("{id} is in progress already")),
            Action::Complete if !started && !order.is_epic() => {
                Err(format!("{id} is not in progress"))
            }
            Action::Forward | Action::Backward | Action::Release if !started => {
                Err(format!("{id} is not in progress"))
            }
            Action::Gate if model.state.gates_of(order, Exit::Done).next().is_none() => {
                Err(format!("no quality gate is asked of {id}"))
            }
            Action::Undepend if order.depends_on.is_empty() => {
                Err(format!("{id} waits for nothing"))
            }
            _ => Ok(()),
        };
        fits.and_then(|()| match self.obstacle(model) {
            Some(refusal) => Err(refusal.to_string()),
            None => Ok(()),
        })
    }

    /// Returns what the engine would refuse the action with on the selected order: what it waits for, or what holds
    /// it.
    pub fn obstacle(self, model: &Model) -> Option<Refusal> {
        // Where nothing may be done, what the engine would say of it is beside the point.
        may_act(model).ok()?;
        let order = model.state.order(model.selected_order()?)?;
        if matches!(self, Action::Complete | Action::Cancel) && !order.children.is_empty() {
            return Some(Refusal::ChildrenOpen {
                id: order.id,
                children: order.children.clone(),
            });
        }
        let stages = &model.state.settings.stages;
        let (stage, agent) = match (self, order.work()) {
            (Action::Start, None) => (stages.first()?.name.as_str(), None),
            (Action::Forward | Action::Backward | Action::Complete, Some(work)) => {
                let agent = work.holder.kind == ActorKind::Agent;
                (
                    work.stage.as_str(),
                    agent.then_some(work.holder.name.as_str()),
                )
            }
            _ => return None,
        };
        if self == Action::Start && order.is_blocked() {
            let waits = order.depends_on.iter();
            return Some(Refusal::Blocked {
                id: order.id,
                waits_for: waits
                    .filter(|wait| wait.state != Wait::Completed)
                    .copied()
                    .collect(),
            });
        }
        let holds: Vec<_> = model.state.holds_on(order, Some(stage), agent).collect();
        let (_, scope) = holds.first()?;
        Some(Refusal::Held {
            id: order.id,
            scope: (*scope).clone(),
            alerts: holds.iter().map(|(alert, _)| alert.id).collect(),
        })
    }
}

/// Returns why nothing can be changed from this console, if so.
pub fn may_act(model: &Model) -> Result<(), String> {
    if model.session.role == Role::Viewer {
        return Err("this console only observes".into());
    }
    if model.travel.present.is_some() {
        return Err("nothing can be changed in the past".into());
    }
    if let Connection::Down { why, .. } = &model.session.connection {
        return Err(format!("the engine cannot be reached: {why}"));
    }
    match &model.state.unknown {
        Some((kind, seq)) => Err(format!(
            "record {seq} is a '{kind}' of a newer obeya: this one only reads"
        )),
        None => Ok(()),
    }
}

/// Returns the actions whose keys are shown at the bottom, the most wanted first.
pub fn hints(model: &Model) -> &'static [Action] {
    use super::model::View as On;
    use Action::*;
    if runs::is_whole(model) {
        return &[
            Filter,
            SearchNext,
            SearchPrevious,
            Follow,
            Slide,
            Back,
            StopAgent,
            AgentsOrder,
        ];
    }
    if model.focus == Focus::Detail && model.detail.is_none() {
        return match model.place() {
            Some(_) => &[Open, Acknowledge, Snooze, Resolve, Back],
            None => &[Acknowledge, Snooze, Resolve, Back],
        };
    }
    if model.focus == Focus::Detail && model.place().is_some() {
        return &[
            Open, Start, Forward, Complete, Comment, Edit, Release, Reopen, Tree, Back,
        ];
    }
    if model.focus == Focus::Detail {
        return &[
            Start, Forward, Complete, Comment, Edit, Release, Reopen, Tree, Back,
        ];
    }
    match model.view {
        On::Overview => &[PullNext, Create, Andon, Palette, Command],
        On::Kanban => &[
            Open, Start, Forward, Complete, PullNext, Create, Reopen, Filter, Palette,
        ],
        On::Dependencies if model.draws_graph() => {
            &[Open, Graph, Fold, Why, Tree, Zoom, Closed, Flip, Pan, Back]
        }
        On::Dependencies if model.tree.root.is_none() => {
            &[Open, Graph, Complete, Comment, Edit, Palette]
        }
        On::Dependencies => &[
            Open, Graph, Fold, Flip, Tree, Back, Depend, Undepend, Palette,
        ],
        On::Andon => &[
            Acknowledge,
            Take,
            Resolve,
            Snooze,
            Stopped,
            Correct,
            Escalate,
            Mark,
            Group,
            Open,
            Handover,
            Andon,
        ],
        On::Agents => &[
            Open,
            Filter,
            PauseAgent,
            SpawnAgent,
            StopAgent,
            ScaleAgent,
            AgentsOrder,
            Palette,
        ],
        On::Events => &[Open, Pause, Filter, Palette],
        On::Flow => &[Open, Why, Filter, Palette],
        On::Messages => &[Requeue, Purge, Command, Palette],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::keymap;

    #[test]
    fn the_shipped_keymaps_run_only_what_there_is() {
        for name in keymap::names() {
            let (_, problems) = keymap::load(name, &|_| Ok(None), None, &Action::is_known);
            assert_eq!(problems, [], "{name}");
        }
    }

    #[test]
    fn names_are_unique_and_arguments_are_checked() {
        for action in Action::ALL {
            let same = Action::ALL.iter().filter(|a| a.name() == action.name());
            assert_eq!(same.count(), 1, "{}", action.name());
        }
        assert!(Action::is_known("view kanban") && Action::is_known("view next"));
        for bad in ["view", "view x", "quit now", "field", "", "fly"] {
            assert!(!Action::is_known(bad), "{bad}");
        }
    }
}
