//! The only place that changes the model: a message goes in, effects come out. No I/O, no clock.

mod acts;
mod agents;
mod alerts;
mod arrange;
mod bulk;
mod dialogs;
mod errands;
mod finder;
mod forms;
mod graph;
mod looks;
mod mouse;
mod moves;
mod news;
mod remedies;
mod search;
mod settle;
mod storm;
mod travel;
mod undo;

use super::{
    action::{Action, Danger},
    effect::Effect,
    jumps::{self, Spot},
    keymap::{Key, Press, Scope},
    layout,
    look::Wanted,
    mail,
    model::{Focus, Model, View},
    msg::{Failure, Msg},
    overlay::Overlay,
    queue,
    runs::{self, Stand},
    theme::Role,
    wall,
};

use self::settle::derive;
pub use self::settle::settle;

/// Takes a message and returns what is to be done about it.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    if model.wall.is_some() {
        return on_the_wall(model, msg);
    }
    let effects = take(model, msg);
    // What came while another dialog was open is lost to nobody: it takes its turn.
    if model.overlay.is_none() {
        model.overlay = model.waiting.pop_front();
    }
    effects
}

/// A wall takes no key but the one that leaves, and nothing that somebody would have to close.
fn on_the_wall(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let told = matches!(msg, Msg::Changed { .. });
    let effects = match msg {
        Msg::Key(key) => {
            let scopes = [Scope::Global];
            let run = match model.keymap.press(&scopes, &mut Vec::new(), key) {
                Press::Run(binding) => binding.run.as_str(),
                Press::Nothing | Press::Pending | Press::Cancelled => "",
            };
            let leaves = Action::parse(run).is_some_and(|(action, _)| action == Action::Quit);
            return leaves.then_some(Effect::Quit).into_iter().collect();
        }
        Msg::Paste(_) => return Vec::new(),
        Msg::Printed { .. } | Msg::Completed(_) | Msg::Themes(_) => Vec::new(),
        Msg::Tick(now) => {
            model.now = now;
            wall::tick(model)
        }
        Msg::Alive(now) => {
            model.now = now;
            wall::alive(model);
            return Vec::new();
        }
        msg => take(model, msg),
    };
    if told {
        wall::changed(model);
    }
    effects
}

fn take(model: &mut Model, msg: Msg) -> Vec<Effect> {
    match msg {
        Msg::Key(key) => return press(model, key),
        Msg::Mouse(deed) => return mouse::take(model, deed),
        Msg::Paste(text) => dialogs::paste(model, &text),
        Msg::Resize(columns, rows) => model.size = (columns, rows),
        Msg::Changed {
            state,
            records,
            now,
        } => {
            let before = model.present_state().clone();
            let mut effects =
                travel::aside(model, |model| news::changed(model, state, &records, now));
            effects.extend(news::calls(model, &before));
            return effects;
        }
        Msg::Connection(connection) => model.session.connection = connection,
        // Only a wall has to say so when it is not.
        Msg::Alive(_) => {}
        Msg::Link { slow } => model.session.slow = slow,
        Msg::Answered { ticket, answer } => news::answered(model, ticket, answer),
        Msg::Submitted { ticket, outcome } => return errands::heard(model, ticket, outcome),
        Msg::Printed { output, .. } => news::printed(model, output),
        Msg::Completed(grammar) => finder::completed(model, grammar),
        Msg::Look(look) => looks::dress(model, *look),
        Msg::Themes(themes) => looks::choose(model, themes),
        Msg::Mail(seen) => return mail::seen(model, *seen),
        Msg::Runs(sight) => model.runs.see(*sight),
        Msg::Lives => model.runs.told += 1,
        Msg::Line(line) => model.line = *line,
        Msg::Copied(Ok(how)) => model.say(how, Role::Ok),
        Msg::Copied(Err(why)) => model.say(format!("not copied: {why}"), Role::Error),
        Msg::Filters(filters, said) => arrange::kept(model, filters, said),
        Msg::OnTheWay { ticket, gone } => travel::on_the_way(model, ticket, gone),
        Msg::Arrived { ticket, stands } => travel::arrived(model, ticket, stands),
        Msg::Tick(now) => {
            let mut effects = travel::aside(model, |model| model.now = now);
            undo::lapse(model);
            effects.extend(travel::tick(model, now));
            return effects;
        }
    }
    Vec::new()
}

fn press(model: &mut Model, key: Key) -> Vec<Effect> {
    if layout::is_tiny(model.area()) {
        return press_unseen(model, key);
    }
    derive(model);
    if model.notice.as_ref().is_some_and(|notice| !notice.sticky) {
        model.notice = None;
    }
    let scopes = model.scopes();
    let mut pending = std::mem::take(&mut model.pending);
    let run = match model.keymap.press(&scopes, &mut pending, key) {
        Press::Run(binding) => Some(binding.run.clone()),
        Press::Nothing => {
            dialogs::typed(model, key);
            None
        }
        Press::Pending | Press::Cancelled => None,
    };
    model.pending = pending;
    match run {
        Some(run) => {
            // A refusal stays while one types; whoever goes on has read it. Back closes it itself.
            if !matches!(Action::parse(&run), Some((Action::Back, _))) {
                model.notice = None;
            }
            perform(model, &run)
        }
        None => Vec::new(),
    }
}

/// Where only counts are drawn nobody sees what a key would do, so that only leaving is left.
fn press_unseen(model: &mut Model, key: Key) -> Vec<Effect> {
    let run = match model.keymap.press(&[Scope::Global], &mut Vec::new(), key) {
        Press::Run(binding) => binding.run.clone(),
        Press::Nothing | Press::Pending | Press::Cancelled => return Vec::new(),
    };
    match Action::parse(&run) {
        Some((Action::Quit | Action::Redraw | Action::Suspend, _)) => perform(model, &run),
        _ => Vec::new(),
    }
}

/// Runs an action by the words of a keymap or the palette.
pub fn perform(model: &mut Model, run: &str) -> Vec<Effect> {
    let Some((action, argument)) = Action::parse(run) else {
        model.say(format!("there is no action '{run}'"), Role::Error);
        return Vec::new();
    };
    // A named filter goes to the board by itself.
    let named = action == Action::Filter && !argument.is_empty();
    if let Err(why) = action.available(model)
        && !named
    {
        if let Some(refusal) = action.obstacle(model) {
            // As the engine would say it, with what would lift it.
            model.notice = Some(news::notice(model, &Failure::Refused(refusal)));
            return Vec::new();
        }
        model.say(format!("{}: {why}", action.short()), Role::Warning);
        return Vec::new();
    }
    if action.danger() != Danger::None {
        model.board.stay();
    }
    let here = Spot::here(model);
    let effects = act(model, action, argument);
    let moved = !matches!(
        action,
        Action::Back | Action::JumpBack | Action::JumpForward
    );
    if moved && here.is_apart(&Spot::here(model)) {
        model.jumps.leave(here);
    }
    effects
}

fn act(model: &mut Model, action: Action, argument: &str) -> Vec<Effect> {
    match action {
        Action::Quit => vec![Effect::Quit],
        Action::Redraw => vec![Effect::Redraw],
        Action::Suspend => vec![Effect::Suspend],
        Action::Themes => vec![Effect::Files(Wanted::Themes)],
        Action::Record => vec![Effect::Record],
        Action::Reload => vec![Effect::Files(Wanted::Look)],
        Action::Copy => copy(model).map(Effect::copy).into_iter().collect(),
        Action::View => {
            go(model, argument);
            Vec::new()
        }
        Action::Back => back(model),
        Action::Earlier
        | Action::Later
        | Action::At
        | Action::Now
        | Action::Play
        | Action::Faster
        | Action::Slower => travel::run(model, action, argument),
        Action::Down => moves::step(model, 1),
        Action::Up => moves::step(model, -1),
        Action::HalfPageDown => moves::page(model, 1, 2),
        Action::HalfPageUp => moves::page(model, -1, 2),
        Action::PageDown => moves::page(model, 1, 1),
        Action::PageUp => moves::page(model, -1, 1),
        Action::Top => moves::step(model, isize::MIN + 1),
        Action::Bottom => moves::step(model, isize::MAX),
        Action::Left => moves::turn(model, -1),
        Action::Right => moves::turn(model, 1),
        Action::Open => moves::open(model),
        Action::Tree => moves::root_here(model),
        Action::Fold => moves::fold(model),
        Action::FoldAll => moves::fold_all(model, true),
        Action::UnfoldAll => moves::fold_all(model, false),
        Action::Flip => moves::flip(model),
        Action::Graph | Action::Pan | Action::Zoom | Action::Closed => {
            graph::run(model, action, argument)
        }
        Action::Why => moves::why(model),
        Action::Notify => {
            model.say("called, as notify is set", Role::Ok);
            vec![Effect::Notify("this is how a critical alert calls".into())]
        }
        Action::Handover => {
            let ticket = model.tickets.issue();
            let line = "report handover --since 8h".into();
            vec![Effect::Run { ticket, line }]
        }
        Action::Acknowledge
        | Action::Snooze
        | Action::Resolve
        | Action::Take
        | Action::Escalate
        | Action::Stopped
        | Action::Correct => alerts::run(model, action),
        Action::Follow | Action::Slide | Action::SearchNext | Action::SearchPrevious => {
            search::run(model, action, argument)
        }
        Action::AgentsOrder => moves::agents_order(model),
        Action::Requeue | Action::Purge => mail::act(model, action),
        Action::Pause => moves::pause(model),
        Action::Sort => arrange::sort(model, argument),
        Action::Lanes => arrange::lanes(model, argument),
        Action::Mark => bulk::mark(model, argument),
        Action::Group => storm::group(model, argument),
        Action::Resolved => storm::resolved(model),
        Action::Mouse => mouse::toggle(model),
        Action::Undo => undo::take_back(model),
        Action::Repeat => acts::repeat(model),
        Action::JumpBack | Action::JumpForward => {
            jumps::go(model, action == Action::JumpBack);
            derive(model);
            Vec::new()
        }
        Action::Help
        | Action::Command
        | Action::Filter
        | Action::Palette
        | Action::Accept
        | Action::CompleteWord
        | Action::Field
        | Action::Yes
        | Action::No => dialogs::run(model, action, argument),
        _ => acts::run(model, action),
    }
}

fn go(model: &mut Model, name: &str) {
    let view = match name {
        "next" => model.view.beside(1),
        "previous" => model.view.beside(View::ALL.len() - 1),
        _ => View::named(name).unwrap_or(model.view),
    };
    if view == model.view {
        return;
    }
    let from = model.selected_order();
    model.view = view;
    model.notice = None;
    model.focus = Focus::View;
    model.detail = None;
    if view == View::Andon {
        queue::worst_first(model);
    }
    if view == View::Dependencies {
        // The tree is that of what was selected; where nothing was, the epics are there to choose from.
        match from {
            Some(id) => moves::reroot(model, id),
            None => moves::uproot(model),
        }
    }
    derive(model);
}

/// Closes what is innermost: the dialog, the pane, the notice, the last root, the filter.
fn back(model: &mut Model) -> Vec<Effect> {
    match model.overlay.take() {
        Some(Overlay::Form(form)) if form.is_dirty() => {
            dialogs::confirm_discard(model, form);
            return Vec::new();
        }
        Some(overlay) => {
            dialogs::left(model, &overlay);
            return Vec::new();
        }
        None => {}
    }
    if let Some(detail) = model.detail.take() {
        model.detail = detail.from.map(|before| *before);
        if model.detail.is_none() {
            model.focus = Focus::View;
        }
    } else if runs::is_whole(model) && !model.runs.words.is_empty() {
        model.runs.search("", false);
    } else if model.focus == Focus::Detail {
        leave_pane(model);
    } else if model.notice.is_some() {
        model.notice = None;
    } else if model.view == View::Dependencies && model.tree.root.is_some() {
        model.tree.root = model.tree.trail.pop();
    } else if model.draws_graph() {
        model.graph.shown = false;
    } else if model.events.paused.is_some() && model.view == View::Events {
        moves::pause(model);
    } else if model.view == View::Events && !model.events.words.is_empty() {
        model.events.words.clear();
    } else if model.view == View::Andon && !model.queue.words.is_empty() {
        model.queue.words.clear();
    } else if model.view == View::Kanban && !model.marks.is_empty() {
        model.marks.clear();
    } else if model.view == View::Andon && !model.queue.marks.is_empty() {
        model.queue.marks.clear();
    } else if model.view == View::Andon && model.queue.open.is_some() {
        queue::fold(model);
    } else if !model.filter.is_empty() && model.view == View::Kanban {
        model.filter = Default::default();
    } else if model.travel.present.is_some() || model.travel.way.is_some() {
        return travel::come_back(model);
    } else {
        model.filter = Default::default();
    }
    Vec::new()
}

/// Gives the keys back to the view. Beneath its list a log is read along, whatever was read in it.
fn leave_pane(model: &mut Model) {
    model.focus = Focus::View;
    if model.view == View::Agents {
        model.runs.stand = Stand::Follow;
    }
}

fn copy(model: &Model) -> Option<String> {
    let alert = model.shown_alert().map(|id| id.to_string());
    let agent = model.selected_agent().map(str::to_owned);
    let event = || model.selected_event().map(|event| event.subject.clone());
    let order = || model.selected_order().map(|id| id.to_string());
    if model.focus == Focus::Detail && model.detail.is_some() {
        return order();
    }
    alert.or(agent).or_else(order).or_else(event)
}
