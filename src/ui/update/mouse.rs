//! What the mouse does: a click selects, a double click opens, the wheel moves, a dragged card is moved by the very
//! commands that the keys submit.

use super::{acts, dialogs, errands, go, moves};
use crate::{
    domain::{
        command::{Command, Destination},
        id::OrderId,
    },
    ui::{
        action::Action,
        board::Kind,
        effect::Effect,
        errand::Step,
        layout,
        model::{Focus, Model},
        overlay::{Overlay, prompt::Purpose},
        pointer::{self, DOUBLE_CLICK, Deed, Drag, Mouse, Target},
        runs,
        theme::Role,
    },
};

/// Rows by which a turn of the wheel moves.
const WHEEL: isize = 3;

/// Has the terminal report the mouse, or no longer.
pub(super) fn toggle(model: &mut Model) -> Vec<Effect> {
    model.pointer = pointer::Pointer {
        on: !model.pointer.on,
        ..pointer::Pointer::default()
    };
    let text = match model.pointer.on {
        true => "the mouse is on: click, wheel, drag a card; text is selected with shift held",
        false => "the mouse is the terminal's again",
    };
    model.say(text, Role::Muted);
    vec![Effect::Mouse(model.pointer.on)]
}

/// Takes what the mouse did.
pub(super) fn take(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    // What was on its way when it was switched off comes too late.
    if !model.pointer.on || layout::is_tiny(model.area()) {
        return Vec::new();
    }
    super::derive(model);
    model.now = model.now.max(mouse.at);
    match mouse.deed {
        Deed::WheelDown => wheel(model, mouse, WHEEL),
        Deed::WheelUp => wheel(model, mouse, -WHEEL),
        Deed::Down => click(model, mouse),
        Deed::Drag => {
            // A card that was dragged was not clicked.
            model.pointer.clicked = None;
            let over = pointer::column_at(model, mouse.x, mouse.y);
            if let (Some(drag), Some(over)) = (&mut model.pointer.drag, over) {
                drag.over = over;
            }
            Vec::new()
        }
        Deed::Up => {
            let over = pointer::column_at(model, mouse.x, mouse.y);
            match (model.pointer.drag.take(), over) {
                (Some(drag), Some(over)) if over != drag.from => put(model, Drag { over, ..drag }),
                _ => Vec::new(),
            }
        }
    }
}

/// Moves what is under the mouse, whatever has the keys.
fn wheel(model: &mut Model, mouse: Mouse, rows: isize) -> Vec<Effect> {
    if model.overlay.is_some() {
        let typing = matches!(&model.overlay, Some(Overlay::Prompt(_) | Overlay::Form(_)));
        return match typing {
            true => Vec::new(),
            false => moves::step(model, rows),
        };
    }
    let target = pointer::target(model, mouse.x, mouse.y);
    let before = model.focus;
    model.focus = match pointer::in_pane(model, &target) {
        true => Focus::Detail,
        false => Focus::View,
    };
    if let Some(column) = pointer::column_at(model, mouse.x, mouse.y) {
        let away =
            isize::try_from(column).unwrap_or(0) - isize::try_from(model.board.column).unwrap_or(0);
        if away != 0 {
            model.board.turn(away);
        }
    }
    if model.draws_graph() && model.focus == Focus::View {
        model.graph.pan(0, i32::try_from(rows).unwrap_or(0));
        model.focus = before;
        return Vec::new();
    }
    let effects = moves::step(model, rows);
    model.focus = before;
    effects
}

fn click(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    let target = pointer::target(model, mouse.x, mouse.y);
    let twice = model.pointer.clicked.take().is_some_and(|(at, before)| {
        before == target && mouse.at.since(at) <= DOUBLE_CLICK && before != Target::Nothing
    });
    if !twice {
        model.pointer.clicked = Some((mouse.at, target.clone()));
    }
    if model.notice.as_ref().is_some_and(|notice| !notice.sticky) {
        model.notice = None;
    }
    if let Target::Choice(row) = target {
        if let Some(Overlay::Palette(palette)) = &mut model.overlay {
            palette.choose(row);
        }
        return match twice {
            true => dialogs::run(model, Action::Accept, ""),
            false => Vec::new(),
        };
    }
    if model.overlay.is_some() {
        return Vec::new();
    }
    if pointer::in_pane(model, &target) {
        if let Target::Line(line) = target {
            model.focus = Focus::Detail;
            if let Some(pane) = model.pane() {
                pane.point(usize::from(line));
            }
        }
    } else if pointer::is_beside(model) {
        model.focus = Focus::View;
    }
    select(model, &target, mouse);
    let opens = !matches!(
        target,
        Target::Tab(_) | Target::MailPage(_) | Target::Band(_) | Target::Column | Target::Nothing
    );
    let opens = opens && !runs::is_whole(model);
    match twice && opens {
        true => moves::open(model),
        false => Vec::new(),
    }
}

fn select(model: &mut Model, target: &Target, mouse: Mouse) {
    match target {
        Target::Tab(view) => go(model, view.name()),
        Target::Band(id) => moves::go_to_alert(model, *id),
        Target::Card(id) => {
            model.board.select(*id);
            let from = model.board.column;
            model.pointer.drag = Some(Drag {
                id: *id,
                from,
                over: from,
            });
        }
        Target::Column => {
            if let Some(column) = pointer::column_at(model, mouse.x, mouse.y) {
                let away = isize::try_from(column).unwrap_or(0)
                    - isize::try_from(model.board.column).unwrap_or(0);
                model.board.turn(away);
            }
        }
        Target::Branch(row) => model.tree.list.selected = Some(*row),
        Target::Node(id) => model.graph.cursor = Some(*id),
        Target::Epic(id) => model.epics.selected = Some(*id),
        Target::Alert(id) => model.andon.selected = Some(*id),
        Target::Agent(name) => model.agents.selected = Some(name.clone()),
        Target::Event(seq) => model.events.list.selected = Some(*seq),
        Target::MailPage(page) => model.mail.page = *page,
        Target::MailRow(number) => model.mail.select(*number),
        Target::Choice(_) | Target::Line(_) | Target::Nothing => {}
    }
}

/// Puts a card into another column: what a key would do, and no more.
fn put(model: &mut Model, drag: Drag) -> Vec<Effect> {
    let kind = |at: usize| {
        model
            .board
            .columns
            .get(at)
            .map(|column| column.kind.clone())
    };
    let id = drag.id;
    let to_stage = |name: String| Command::MoveOrder {
        id,
        to: Destination::Stage(name),
    };
    match (kind(drag.from), kind(drag.over)) {
        (Some(Kind::Queued), Some(Kind::Stage(name))) => {
            let first = model.state.settings.stages.first();
            let mut steps = vec![Step::from(Command::StartOrder { id })];
            if first.is_some_and(|stage| stage.name != name) {
                steps.push(to_stage(name).into());
            }
            errands::send(model, steps, None)
        }
        (Some(Kind::Stage(_)), Some(Kind::Stage(name))) => {
            acts::submit(model, to_stage(name), None)
        }
        (Some(Kind::Stage(_)), Some(Kind::Queued)) => only(model, id, Action::Release),
        (Some(Kind::Stage(_)), Some(Kind::Done)) => acts::ask(model, Purpose::Complete(id)),
        (Some(Kind::Done), Some(_)) => acts::ask(model, Purpose::Reopen(id)),
        (Some(Kind::Queued), Some(Kind::Done)) => {
            let text = format!("{id} is not in progress: put it into a stage first");
            model.say(text, Role::Warning);
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Runs an act on one order, whatever is marked.
fn only(model: &mut Model, id: OrderId, action: Action) -> Vec<Effect> {
    let marks = std::mem::take(&mut model.marks);
    model.board.select(id);
    let effects = acts::run(model, action);
    model.marks = marks;
    effects
}
